/* SPDX-License-Identifier: ISC */
/* config_kinds.c: for all kinds of backends: the words for kind, scope and era, and the checks of
 * programs and folders. */
#include "autoconf.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/environ.h"
#include "config/config_impl.h"

static const char *const kind_words[] = {
	[CONFIG_STDIO] = "stdio",
	[CONFIG_EXEC] = "exec",
	[CONFIG_HTTP] = "http",
	[CONFIG_WEB] = "web",
	NULL,
};
const char *const config_scope_words[] = {
	[CONFIG_SCOPE_SESSION] = "session",
	[CONFIG_SCOPE_USER] = "user",
	[CONFIG_SCOPE_SHARED] = "shared",
	NULL,
};

const char *const config_era_words[] = {
	[CONFIG_ERA_AUTO] = "auto",
	[CONFIG_ERA_LEGACY] = "legacy",
	[CONFIG_ERA_MODERN] = "modern",
	NULL,
};

static const char *kind_name(enum config_kind kind)
{
	return kind_words[kind];
}

const char *config_scope_name(enum config_scope scope)
{
	return config_scope_words[scope];
}

const char *config_era_name(enum config_era era)
{
	return config_era_words[era];
}

int config_check_cwd(struct reader *r, const char *key, const char *dir)
{
	struct stat st;
	int why = 0;

	if (!dir || !r->strict)
		return 0;
	if (stat(dir, &st) < 0)
		why = errno;
	else if (!S_ISDIR(st.st_mode))
		why = ENOTDIR;
	if (why == 0)
		return 0;
	jsonpath_down(&r->path, key);
	return reader_fail(r, "%s: %s", dir, strerror(why));
}

int config_check_program(struct reader *r, const char *program, char *const *env, const char *cwd)
{
	char path[PATH_MAX];
	char **whole;
	struct err why;
	int rc;

	if (!r->strict)
		return 0;
	whole = environ_for_child(env, NULL);
	if (!whole)
		return reader_nomem(r);
	rc = environ_find(program, whole, cwd, path, &why);
	environ_free(&whole);
	if (rc == 0)
		return 0;
	jsonpath_down(&r->path, "command");
	return reader_fail(r, "%s", why.text);
}

/* The kind is decided by the keys that are there; "type" may only agree. */
static int read_kind(struct reader *r, const struct key *k, json_t *value, void *field)
{
	const char *kind = kind_name(*(enum config_kind *)field);

	if (!value)
		return 0;
	if (!json_is_string(value))
		return reader_expected(r, k->type->expected, value);
	if (strcmp(json_string_value(value), kind) == 0)
		return 0;
	return reader_fail(r, "expected \"%s\" (that is what the other keys say), found \"%s\"",
			   kind, json_string_value(value));
}

static int dump_kind(const struct key *k, const void *field, json_t *into)
{
	return json_object_set_new(into, k->name,
				   json_string(kind_name(*(const enum config_kind *)field)));
}

const struct key_type config_type_kind = {
	.read = read_kind, .dump = dump_kind, .expected = "a word"};
