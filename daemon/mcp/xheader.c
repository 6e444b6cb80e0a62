/* SPDX-License-Identifier: ISC */
#include "mcp/xheader.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define ANNOTATION  "x-mcp-header"
#define MAX_DEPTH   32
#define MAX_HEADERS 32

struct walk {
	int (*fn)(const char *header, const json_t *value, void *arg);
	void *arg;
};

static int walk(const json_t *schema, const json_t *arguments, const struct walk *w, int depth)
{
	const char *key;
	json_t *property;
	int rc = 0;

	if (depth > MAX_DEPTH)
		return 0;
	json_object_foreach (json_object_get(schema, "properties"), key, property) {
		const json_t *value = json_object_get(arguments, key);
		const char *header = json_string_value(json_object_get(property, ANNOTATION));

		if (header)
			rc = w->fn(header, value, w->arg);
		if (rc == 0)
			rc = walk(property, value, w, depth + 1);
		if (rc)
			break;
	}
	return rc;
}

int xheader_each(const json_t *schema, const json_t *arguments,
		 int (*fn)(const char *header, const json_t *value, void *arg), void *arg)
{
	struct walk w = {.fn = fn, .arg = arg};

	return walk(schema, arguments, &w, 0);
}

static int stop_at_first(const char *header, const json_t *value, void *arg)
{
	(void)header, (void)value, (void)arg;
	return 1;
}

bool xheader_wanted(const json_t *schema)
{
	return xheader_each(schema, NULL, stop_at_first, NULL) != 0;
}

/* How many annotations there are anywhere in VALUE, reachable or not. */
static unsigned count_all(const json_t *value, int depth)
{
	unsigned n = 0;
	const char *key;
	json_t *member;
	size_t i;

	if (depth > MAX_DEPTH)
		return 0;
	json_object_foreach ((json_t *)(uintptr_t)value, key, member) {
		n += strcmp(key, ANNOTATION) == 0;
		n += count_all(member, depth + 1);
	}
	json_array_foreach (value, i, member) {
		n += count_all(member, depth + 1);
	}
	return n;
}

struct check {
	const char *names[MAX_HEADERS];
	unsigned n;
	struct err *e;
};

/* RFC 9110 section 5.6.2. */
static bool is_token(const char *text)
{
	return *text &&
	       text[strspn(text, "!#$%&'*+-.^_`|~0123456789"
				 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

static int check_name(const char *header, struct check *c)
{
	if (!is_token(header))
		return err_set(c->e, ERR_INVALID, ANNOTATION " \"%.40s\" is not a header name",
			       header);
	for (unsigned i = 0; i < c->n; i++) {
		if (strcasecmp(c->names[i], header) == 0)
			return err_set(c->e, ERR_INVALID, ANNOTATION " \"%.40s\" occurs twice",
				       header);
	}
	if (c->n == MAX_HEADERS)
		return err_set(c->e, ERR_INVALID, "more than %d " ANNOTATION " annotations",
			       MAX_HEADERS);
	c->names[c->n++] = header;
	return 0;
}

static int check_properties(const json_t *schema, struct check *c, int depth)
{
	static const char *const types[] = {"integer", "string", "boolean", "number"};
	const char *key, *type;
	json_t *property, *header;
	int rc = 0;

	json_object_foreach (json_object_get(schema, "properties"), key, property) {
		header = json_object_get(property, ANNOTATION);
		type = json_string_value(json_object_get(property, "type"));
		if (header) {
			size_t i = 0;

			if (!json_is_string(header))
				return err_set(c->e, ERR_INVALID, ANNOTATION " must be a string");
			rc = check_name(json_string_value(header), c);
			while (i < 4 && !(type && strcmp(type, types[i]) == 0))
				i++;
			if (rc == 0 && i == 4)
				return err_set(c->e, ERR_INVALID,
					       ANNOTATION
					       " on \"%.40s\", which is no integer, string "
					       "or boolean",
					       key);
		}
		if (rc == 0 && depth < MAX_DEPTH)
			rc = check_properties(property, c, depth + 1);
		if (rc)
			break;
	}
	return rc;
}

int xheader_check(const json_t *schema, struct err *e)
{
	struct check c = {.e = e};
	int rc = check_properties(schema, &c, 0);

	if (rc == 0 && count_all(schema, 0) != c.n)
		return err_set(e, ERR_INVALID,
			       ANNOTATION " on something that is not a plain property");
	return rc;
}
