/* SPDX-License-Identifier: ISC */
/* config_headers.c: "headers", and secrets that are in the environment or in a file. */
#include "autoconf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/config_impl.h"
#include "text/httpfield.h"

#define MAX_SECRET 8192

/* The first line of FILE, malloc'd; NULL after having said why not. */
static char *read_secret(struct reader *r, const char *file)
{
	FILE *f = fopen(file, "re");
	char *line = f ? calloc(1, MAX_SECRET) : NULL;
	bool ok = line && fgets(line, MAX_SECRET, f);

	if (f)
		fclose(f);
	if (ok) {
		line[strcspn(line, "\r\n")] = '\0';
		return line;
	}
	free(line);
	reader_fail(r, "the file \"%s\" cannot be read, or is empty", file);
	return NULL;
}

char *config_secret_value(struct reader *r, json_t *value)
{
	const char *env = json_string_value(json_object_get(value, "env"));
	const char *file = json_string_value(json_object_get(value, "file"));
	const char *text = json_string_value(value);
	char *copy;

	if (json_is_object(value) && (json_object_size(value) != 1 || (!env && !file))) {
		reader_expected(r, "a string, {\"env\": NAME} or {\"file\": PATH}", value);
		return NULL;
	}
	if (file)
		return read_secret(r, file);
	if (env && !(text = getenv(env))) {
		reader_fail(r, "the environment variable \"%s\" is not set", env);
		return NULL;
	}
	if (!text) {
		reader_expected(r, "a string, {\"env\": NAME} or {\"file\": PATH}", value);
		return NULL;
	}
	copy = strdup(text);
	if (!copy)
		reader_nomem(r);
	return copy;
}

/* Headers that are the channel's own business. */
static bool is_reserved(const char *name)
{
	static const char *const reserved[] = {
		"Accept",   "Connection",     "Content-Length",	      "Content-Type",
		"Host",	    "Last-Event-ID",  "MCP-Protocol-Version", "Mcp-Method",
		"Mcp-Name", "Mcp-Session-Id", "Transfer-Encoding",
	};

	for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
		if (strcasecmp(name, reserved[i]) == 0)
			return true;
	return strncasecmp(name, "Mcp-Param-", 10) == 0;
}

static int add_header(struct reader *r, const char *name, json_t *value, json_t *lines)
{
	char *text;
	json_t *line = NULL;

	if (!httpfield_name_ok(name) || is_reserved(name))
		return reader_fail(r, "not a header name that can be set here");
	text = config_secret_value(r, value);
	if (!text)
		return r->e->code;
	if (httpfield_value_ok(text))
		line = json_sprintf("%s: %s", name, text);
	free(text);
	if (!line)
		return reader_fail(r, "the value is no header value");
	return json_array_append_new(lines, line) < 0 ? reader_nomem(r) : 0;
}

static int read_headers(struct reader *r, const struct key *k, json_t *value, void *field)
{
	struct config_headers *h = field;
	json_t *lines, *one;
	const char *name;
	int rc = 0;

	if (!value)
		return 0;
	if (!json_is_object(value))
		return reader_expected(r, k->type->expected, value);
	if (json_object_size(value) > CONFIG_MAX_HEADERS)
		return reader_fail(r, "there are more than %d", CONFIG_MAX_HEADERS);
	lines = json_array();
	json_object_foreach (value, name, one) {
		size_t mark = jsonpath_down(&r->path, name);

		rc = r->strict ? add_header(r, name, one, lines) : 0;
		if (rc != 0)
			break;
		jsonpath_up(&r->path, mark);
	}
	if (rc == 0)
		rc = config_strings_add(r, &h->lines, lines);
	h->written = json_incref(value);
	json_decref(lines);
	return rc;
}

/* As it is written in the file: where a secret is kept elsewhere, it stays there. */
static int dump_headers(const struct key *k, const void *field, json_t *into)
{
	const struct config_headers *h = field;

	return h->written ? json_object_set(into, k->name, h->written) : 0;
}

static void clear_headers(const struct key *k, void *field)
{
	struct config_headers *h = field;

	(void)k;
	config_strings_free(&h->lines);
	json_decref(h->written);
	h->written = NULL;
}

const struct key_type config_type_headers = {.read = read_headers,
					     .dump = dump_headers,
					     .clear = clear_headers,
					     .expected = "an object of header values"};
