/* SPDX-License-Identifier: ISC */
/* config_backend.h: one entry of mcpServers. See mcpd.conf(5). */
#ifndef MCPD_CONFIG_BACKEND_H
#define MCPD_CONFIG_BACKEND_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_kind { CONFIG_STDIO, CONFIG_EXEC, CONFIG_HTTP, CONFIG_WEB };
enum config_era { CONFIG_ERA_AUTO, CONFIG_ERA_LEGACY, CONFIG_ERA_MODERN };
enum config_scope { CONFIG_SCOPE_SESSION, CONFIG_SCOPE_USER, CONFIG_SCOPE_SHARED };

/* One tool of an exec backend. */
struct schema;

struct config_tool {
	char *name;
	json_t *entry; /* as it stands in tools/list: name, title, description, inputSchema, ... */
	struct schema *input, *output; /* those in ENTRY; OUTPUT may be NULL */
	char **command;	    /* NULL-terminated argv with {placeholders} as whole elements */
	char *cwd;	    /* NULL: the backend's or the daemon's */
	int64_t timeout_ms; /* default 30 s */
	size_t max_output;  /* bytes of stdout; default 1 MiB */
	bool structured;    /* stdout is JSON and becomes structuredContent */
};

/* Headers for an upstream. */
#define CONFIG_MAX_HEADERS 32
struct config_headers {
	char **lines;	 /* NULL-terminated "Name: value", with the secrets in them; may be NULL */
	json_t *written; /* as in the file; may be NULL */
};

/* Where the credential of an outgoing request comes from. */
enum config_credential_from {
	CONFIG_CREDENTIAL_NONE,	    /* no other than in "headers" */
	CONFIG_CREDENTIAL_EXCHANGE, /* RFC 8693: the user's token for one of the server */
	CONFIG_CREDENTIAL_CLIENT,   /* RFC 6749, section 4.4: the daemon's own */
	CONFIG_CREDENTIAL_SECRET,   /* what the operator stored for the user */
};
enum config_client_auth { CONFIG_CLIENT_BASIC, CONFIG_CLIENT_POST };

struct config_secret {
	char *value;	 /* may be NULL */
	json_t *written; /* as in the file; may be NULL */
};

struct config_credential {
	enum config_credential_from from;
	char *endpoint;	 /* of tokens */
	char *client_id; /* may be NULL */
	struct config_secret client_secret;
	enum config_client_auth client_auth;
	char *audience, *resource, *scope; /* what is asked for; may be NULL */
	char *header, *prefix;		   /* how it is sent; the prefix may be NULL */
	char *ca_file;			   /* for the endpoint; may be NULL */
};

struct config_ports {
	uint16_t *list;
	size_t n;
	bool given; /* false: every port */
};

/* What children may have of files and network. */
enum config_sandbox_mode {
	CONFIG_SANDBOX_DEFAULT, /* everything but the files of the daemon */
	CONFIG_SANDBOX_OFF,	/* those, too */
	CONFIG_SANDBOX_RULES,	/* what follows */
};
struct config_sandbox {
	enum config_sandbox_mode mode;
	char **read, **write; /* absolute paths; NULL but for RULES */
	struct config_ports connect;
	bool required; /* an error where the kernel cannot enforce it */
};

/* What a child and its descendants may use; 0: any amount. */
struct config_resources {
	size_t memory; /* bytes */
	unsigned processes;
	unsigned cpu;	/* percent of one core */
	unsigned files; /* descriptors of each process */
	bool required;	/* an error where the kernel cannot enforce it */
};

struct config_backend {
	char *name; /* [A-Za-z0-9][A-Za-z0-9_.-]{0,31} without "__" */
	enum config_kind kind;
	bool disabled;
	char **env; /* NULL-terminated "K=V": added to (or replacing) what the daemon hands on */
	char *cwd;  /* NULL: the daemon's */
	struct config_sandbox sandbox;	   /* stdio and exec */
	struct config_resources resources; /* the same */
	int64_t call_timeout_ms;	   /* 0: limits.call_timeout_ms */
	/* stdio */
	char **user_env; /* "NAME=secret" or "NAME=user": what a child of a user gets; never NULL */
	char **argv;	 /* NULL-terminated: command and args */
	enum config_scope scope;
	enum config_era era;	  /* stdio and http */
	unsigned max_children;	  /* default 256 */
	int64_t idle_stop_ms;	  /* 0: off */
	int64_t start_timeout_ms; /* for initialize; default 60 s (npx may have to download) */
	/* exec */
	struct config_tool *tools;
	size_t n_tools;
	/* http, web */
	char *url;
	struct config_headers headers;
	char *ca_file; /* NULL: the system's certificates */
	bool allow_link_local;
	struct config_credential credential;
	bool forward_token; /* the user's own token goes along */
	char *learn_as;	    /* the user as whom the daemon learns; NULL: nobody */
	/* web */
	char *tools_path, *invoke_path;
	int64_t learn_interval_ms; /* 0: only when there is a reason */
	size_t max_output;	   /* bytes of an answer */
};

const char *config_scope_name(enum config_scope scope);
const char *config_era_name(enum config_era era);

#endif
