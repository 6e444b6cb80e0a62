/* SPDX-License-Identifier: ISC */
/* config_impl.h: how the configuration is read; for the config_*.c files alone.
 *
 * Every JSON object of the file is described by a table of keys; a key's type knows how to read,
 * dump and clear its field. So the parser, `mcpd -n`, the defaults and the check of the manual page
 * agree. */
#ifndef MCPD_CONFIG_IMPL_H
#define MCPD_CONFIG_IMPL_H

#include "config/config.h"
#include "text/jsonpath.h"

/* Where the reader is: for messages. */
struct reader {
	const char *file;
	struct err *e;
	bool strict; /* check that commands and directories exist (not for disabled backends) */
	struct jsonpath path;
};

struct key;
struct key_type {
	/* Puts VALUE (NULL: the default) into FIELD. 0 or a code, with the text in R. After a
	 * failure clear() releases what FIELD has got. */
	int (*read)(struct reader *r, const struct key *k, json_t *value, void *field);
	/* Adds the field to the object INTO, or leaves it out where it was never set. 0 or -1
	 * (memory). */
	int (*dump)(const struct key *k, const void *field, json_t *into);
	void (*clear)(const struct key *k, void *field); /* NULL: nothing to release */
	const char *expected; /* "a string"; also for the documentation check */
};

struct key_table {
	const struct key *keys;
	size_t n;
};

struct key {
	const char *name;
	const struct key_type *type;
	size_t offset;		       /* of the field in the struct that the table describes */
	int64_t min, max, def;	       /* numbers; durations in milliseconds */
	const char *text;	       /* the default of a string; why an ignored key is ignored */
	const char *const *words;      /* type_word: NULL-terminated, in the order of the enum */
	const struct key_table *table; /* type_object */
	/* A further check of the field, after it was read or got its default; may be NULL. */
	int (*check)(struct reader *r, void *field);
	bool required;
};
/* One row: what follows FIELD are further members of struct key. */
#define KEY(key_name, key_type, struct_, field, ...)                                               \
	{                                                                                          \
		.name = key_name, .type = &key_type, .offset = offsetof(struct_, field),           \
		__VA_ARGS__                                                                        \
	}
#define RANGE(from, to, default_) .min = (from), .max = (to), .def = (default_)
#define SECONDS(n)		  (INT64_C(1000) * (n))
#define YEAR			  SECONDS(31622400) /* the longest duration; keeps all sums far from overflow */
#define KIB(n)			  ((int64_t)(n) << 10)
#define MIB(n)			  ((int64_t)(n) << 20)
#define KEY_TABLE(array)                                                                           \
	{                                                                                          \
		(array), sizeof(array) / sizeof((array)[0])                                        \
	}

extern const struct key_type type_bool;	 /* bool */
extern const struct key_type type_count; /* unsigned */
extern const struct key_type type_size;	 /* size_t */
extern const struct key_type
	type_seconds; /* int64_t milliseconds; a number of seconds in the file */
extern const struct key_type type_string;  /* char *; NULL when absent without a default */
extern const struct key_type type_strings; /* char **; never NULL */
extern const struct key_type type_list;	   /* the same; one or more, a single one may stand alone */
extern const struct key_type type_env;	   /* char ** of "K=V"; an object of strings in the file */
extern const struct key_type type_word;	   /* an enum */
extern const struct key_type type_object;  /* a struct inside the struct */
extern const struct key_type type_ignored; /* no field; a note in the log */

/* Types in the files of the structs that they read. */
extern const struct key_type type_backends;	   /* struct config: backends */
extern const struct key_type type_tools;	   /* struct config_backend: tools */
extern const struct key_type config_type_kind;	   /* struct config_backend: kind */
extern const struct key_type config_type_sandbox;  /* struct config_sandbox */
extern const struct key_type config_type_headers;  /* struct config_headers */
extern const struct key_type config_type_secret;   /* struct config_secret */
extern const struct key_type config_type_user_env; /* char **, like type_env */
/* What stdio and exec have in common. */
#define CONFINE_KEYS                                                                               \
	KEY("sandbox", config_type_sandbox, struct config_backend, sandbox),                       \
		KEY("resources", type_object, struct config_backend, resources,                    \
		    .table = &config_resource_keys)
/* What web and http have in common. */
#define CREDENTIAL_KEYS                                                                            \
	KEY("credential", type_object, struct config_backend, credential,                          \
	    .table = &config_credential_keys),                                                     \
		KEY("forwardToken", type_bool, struct config_backend, forward_token),              \
		KEY("learnAs", type_string, struct config_backend, learn_as)
extern const char *const config_scope_words[];
extern const char *const config_era_words[];
extern const struct key_table config_keys, config_stdio_keys, config_exec_keys, config_http_keys,
	config_tool_keys, config_store_keys, config_auth_keys, config_web_keys,
	config_credential_keys, config_sandbox_keys, config_resource_keys;

/* Checks that the credential of B has every key that its kind needs. */
int config_check_credential(struct reader *r, const struct config_backend *b);
/* Whether the user's token may go to B. */
int config_check_forwarding(struct reader *r, const struct config_auth *auth,
			    const struct config_backend *b);
/* The secret in VALUE: a string, {"env": NAME} or {"file": PATH}. malloc'd; NULL with the error in
 * R. */
char *config_secret_value(struct reader *r, json_t *value);

/* Sets the kind and folder of a store that the file leaves open. */
int config_check_store(struct reader *r, void *field);
/* Checks that the keys that auth.mode needs are there. */
int config_check_auth(struct reader *r, void *field);

/* Reads VALUE (NULL: all defaults) into STRUCT_ by TABLE. Unknown keys are errors. */
int config_read_table(struct reader *r, const struct key_table *table, json_t *value,
		      void *struct_);
/* A new object, NULL on lack of memory. */
json_t *config_dump_table(const struct key_table *table, const void *struct_);
void config_clear_table(const struct key_table *table, void *struct_);

/* "FILE: PATH: TEXT" with ERR_INVALID, or with ERR_NOMEM. Both return the code. */
int reader_fail(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int reader_nomem(struct reader *r);
/* "expected EXPECTED, found WHAT VALUE IS". */
int reader_expected(struct reader *r, const char *expected, const json_t *value);
/* Checks that DIR (NULL: the daemon's) is a directory. KEY is its last step in the path. */
int config_check_cwd(struct reader *r, const char *key, const char *dir);
/* Checks that PROGRAM can be started with the additions ENV and in CWD. */
int config_check_program(struct reader *r, const char *program, char *const *env, const char *cwd);

void config_strings_free(char ***strings);
/* Adds a copy of VALUE's strings to the end of *LIST (malloc'd, NULL-terminated, may be NULL). */
int config_strings_add(struct reader *r, char ***list, const json_t *array);

#endif
