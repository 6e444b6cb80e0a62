/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "config/config_impl.h"

#include <stdlib.h>
#include <string.h>

#define MAX_NAME 32

/* "command" and "args" share the one argv; "command" comes first in the table. */
static int read_command(struct reader *r, const struct key *k, json_t *value, void *field)
{
	char ***argv = field;
	json_t *array;
	int rc;

	if (!json_is_string(value))
		return reader_expected(r, k->type->expected, value);
	if (json_string_length(value) == 0)
		return reader_fail(r, "must not be empty");
	array = json_pack("[O]", value);
	rc = array ? config_strings_add(r, argv, array) : reader_nomem(r);
	json_decref(array);
	return rc;
}

static int dump_command(const struct key *k, const void *field, json_t *into)
{
	return json_object_set_new(into, k->name, json_string((*(char *const *const *)field)[0]));
}

static void clear_command(const struct key *k, void *field)
{
	(void)k;
	config_strings_free(field);
}

static const struct key_type type_command = {
	.read = read_command, .dump = dump_command, .clear = clear_command, .expected = "a string"};

static int dump_args(const struct key *k, const void *field, json_t *into)
{
	char *const *args = *(char *const *const *)field + 1;

	return type_strings.dump(k, &args, into);
}

static int read_args(struct reader *r, const struct key *k, json_t *value, void *field)
{
	return type_strings.read(r, k, value, field);
}

static const struct key_type type_args = {
	.read = read_args, .dump = dump_args, .expected = "an array of strings"};

static const char client_side[] = "it tells a client what to ask its user";
static const struct key stdio_keys[] = {
	KEY("type", config_type_kind, struct config_backend, kind),
	KEY("command", type_command, struct config_backend, argv, .required = true),
	KEY("args", type_args, struct config_backend, argv),
	KEY("env", type_env, struct config_backend, env),
	KEY("userEnv", config_type_user_env, struct config_backend, user_env),
	KEY("learnAs", type_string, struct config_backend, learn_as),
	KEY("cwd", type_string, struct config_backend, cwd),
	CONFINE_KEYS,
	KEY("scope", type_word, struct config_backend, scope, .words = config_scope_words,
	    .def = CONFIG_SCOPE_SESSION),
	KEY("era", type_word, struct config_backend, era, .words = config_era_words,
	    .def = CONFIG_ERA_AUTO),
	KEY("maxChildren", type_count, struct config_backend, max_children, RANGE(1, 1000000, 256)),
	KEY("idleStop", type_seconds, struct config_backend, idle_stop_ms, RANGE(0, YEAR, 0)),
	KEY("startTimeout", type_seconds, struct config_backend, start_timeout_ms,
	    RANGE(100, SECONDS(3600), SECONDS(60))),
	KEY("callTimeout", type_seconds, struct config_backend, call_timeout_ms, RANGE(0, YEAR, 0)),
	KEY("disabled", type_bool, struct config_backend, disabled),
	{.name = "alwaysAllow", .type = &type_ignored, .text = client_side},
	{.name = "autoApprove", .type = &type_ignored, .text = client_side},
	{.name = "trust", .type = &type_ignored, .text = client_side},
	{.name = "timeout",
	 .type = &type_ignored,
	 .text = "clients do not agree on its unit; see callTimeout"},
	{.name = "description", .type = &type_ignored, .text = "a server describes itself"},
};
const struct key_table config_stdio_keys = KEY_TABLE(stdio_keys);

static const struct key exec_keys[] = {
	KEY("type", config_type_kind, struct config_backend, kind),
	KEY("env", type_env, struct config_backend, env),
	KEY("cwd", type_string, struct config_backend, cwd),
	CONFINE_KEYS,
	KEY("disabled", type_bool, struct config_backend, disabled),
	{.name = "tools", .type = &type_tools, .required = true},
};
const struct key_table config_exec_keys = KEY_TABLE(exec_keys);

/* What makes a backend one of its kind. */
static const struct {
	const char *key;
	enum config_kind kind;
	const struct key_table *table;
} kinds[] = {
	{"command", CONFIG_STDIO, &config_stdio_keys},
	{"tools", CONFIG_EXEC, &config_exec_keys},
	{"url", CONFIG_HTTP, &config_http_keys},
	{"web", CONFIG_WEB, &config_web_keys},
};
#define N_KINDS (sizeof kinds / sizeof kinds[0])

static const struct key_table *table_of(const struct config_backend *b)
{
	for (size_t i = 0; i < N_KINDS; i++)
		if (kinds[i].kind == b->kind)
			return kinds[i].table;
	return NULL;
}

static void clear_backend(struct config_backend *b)
{
	const struct key_table *table = table_of(b);

	if (table)
		config_clear_table(table, b);
	free(b->name);
	memset(b, 0, sizeof *b);
}

static bool is_name(const char *name)
{
	static const char legal[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				    "_.-";
	size_t len = strlen(name);

	return len > 0 && len <= MAX_NAME && strspn(name, legal) == len &&
	       !strchr("_.-", name[0]) && !strstr(name, "__");
}

static int find_kind(struct reader *r, json_t *value, enum config_kind *kind_r)
{
	const char *found = NULL;

	for (size_t i = 0; i < N_KINDS; i++) {
		if (!json_object_get(value, kinds[i].key))
			continue;
		if (found)
			return reader_fail(r, "\"%s\" and \"%s\" exclude each other", found,
					   kinds[i].key);
		found = kinds[i].key;
		*kind_r = kinds[i].kind;
	}
	if (!found)
		return reader_fail(
			r, "expected \"command\" (a stdio server), \"url\" (an HTTP server), "
			   "\"web\" (a web endpoint) or \"tools\" (commands)");
	return 0;
}

static int read_backend(struct reader *r, const char *name, json_t *value, struct config_backend *b)
{
	int rc;

	if (!is_name(name))
		return reader_fail(
			r,
			"a name of a server has 1 to %d letters, digits and _ . -, begins "
			"with a letter or a digit, and has no \"__\"",
			MAX_NAME);
	if (!json_is_object(value))
		return reader_expected(r, "an object", value);
	rc = find_kind(r, value, &b->kind);
	if (rc != 0)
		return rc;
	b->name = strdup(name);
	if (!b->name)
		return reader_nomem(r);
	/* A disabled one may be anything that is well-formed: it may be disabled for what is
	 * missing. */
	b->disabled = json_is_true(json_object_get(value, "disabled"));
	r->strict = !b->disabled;
	rc = config_read_table(r, table_of(b), value, b);
	if (rc == 0)
		rc = config_check_cwd(r, "cwd", b->cwd);
	if (rc == 0)
		rc = config_check_credential(r, b);
	if (rc == 0 && b->kind == CONFIG_STDIO)
		rc = config_check_program(r, b->argv[0], b->env, b->cwd);
	return rc;
}

static int read_backends(struct reader *r, const struct key *k, json_t *value, void *field)
{
	struct config *c = field;
	const char *name;
	json_t *member;

	if (value && !json_is_object(value))
		return reader_expected(r, k->type->expected, value);
	c->backends = calloc(json_object_size(value) + 1, sizeof *c->backends);
	if (!c->backends)
		return reader_nomem(r);
	json_object_foreach (value, name, member) {
		struct config_backend *b = &c->backends[c->n_backends];
		size_t mark = jsonpath_down(&r->path, name);
		int rc = read_backend(r, name, member, b);

		if (rc == 0 && !b->disabled)
			rc = config_check_forwarding(r, &c->auth, b);

		if (rc != 0 || b->disabled)
			clear_backend(b);
		else
			c->n_backends++;
		if (rc != 0)
			return rc;
		jsonpath_up(&r->path, mark);
	}
	if (c->n_backends == 0)
		log_warn(NULL, "%s: mcpServers: there is no server, so there is nothing to offer",
			 r->file);
	return 0;
}

static int dump_backends(const struct key *k, const void *field, json_t *into)
{
	const struct config *c = field;
	json_t *all = json_object();
	int rc = json_object_set_new(into, k->name, all);

	for (size_t i = 0; rc == 0 && i < c->n_backends; i++)
		rc = json_object_set_new(
			all, c->backends[i].name,
			config_dump_table(table_of(&c->backends[i]), &c->backends[i]));
	return rc;
}

static void clear_backends(const struct key *k, void *field)
{
	struct config *c = field;

	(void)k;
	for (size_t i = 0; i < c->n_backends; i++)
		clear_backend(&c->backends[i]);
	free(c->backends);
	c->backends = NULL;
	c->n_backends = 0;
}

const struct key_type type_backends = {.read = read_backends,
				       .dump = dump_backends,
				       .clear = clear_backends,
				       .expected = "an object of servers"};
