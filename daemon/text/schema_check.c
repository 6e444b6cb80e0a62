/* SPDX-License-Identifier: ISC */
/* schema_check.c: checks that a schema keeps to the subset of schema.h. */
#include "autoconf.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "text/schema_impl.h"

static int check_schema(struct schema_walk *w, json_t *schema);

/* What the arguments of keywords may be. */

static int check_any(struct schema_walk *w, json_t *schema, json_t *arg)
{
	(void)w;
	(void)schema;
	(void)arg;
	return 0;
}

static int check_number(struct schema_walk *w, json_t *schema, json_t *arg)
{
	(void)schema;
	return json_is_number(arg) ? 0 : schema_fail(w, "expected a number");
}

static int check_size(struct schema_walk *w, json_t *schema, json_t *arg)
{
	(void)schema;
	return json_is_integer(arg) && json_integer_value(arg) >= 0
		       ? 0
		       : schema_fail(w, "expected a whole number that is not negative");
}

static int check_values(struct schema_walk *w, json_t *schema, json_t *arg)
{
	(void)schema;
	return json_array_size(arg) > 0 ? 0
					: schema_fail(w, "expected an array of one or more values");
}

static int check_names(struct schema_walk *w, json_t *schema, json_t *arg)
{
	json_t *name;
	size_t i;

	(void)schema;
	if (!json_is_array(arg))
		return schema_fail(w, "expected an array of strings");
	json_array_foreach (arg, i, name)
		if (!json_is_string(name))
			return schema_fail(w, "expected an array of strings");
	return 0;
}

static int check_subschema(struct schema_walk *w, json_t *schema, json_t *arg)
{
	(void)schema;
	return check_schema(w, arg);
}

static int check_properties(struct schema_walk *w, json_t *schema, json_t *arg)
{
	const char *name;
	json_t *property;

	(void)schema;
	if (!json_is_object(arg))
		return schema_fail(w, "expected an object of schemas");
	json_object_foreach (arg, name, property) {
		size_t mark = jsonpath_down(&w->path, name);
		int rc = check_schema(w, property);

		if (rc != 0)
			return rc;
		jsonpath_up(&w->path, mark);
	}
	return 0;
}

static int check_bool(struct schema_walk *w, json_t *schema, json_t *arg)
{
	(void)schema;
	return json_is_boolean(arg) ? 0 : schema_fail(w, "expected true or false");
}

/* Takes the size of P off the room. A pattern that could not be compiled (NULL) may have cost as
 * much as the largest. */
static bool take_room(struct schema_walk *w, const struct pattern *p)
{
	size_t size = p ? pattern_size(p) : PATTERN_MAX_SIZE;

	if (!w->room)
		return true;
	if (*w->room >= size) {
		*w->room -= size;
		return true;
	}
	*w->room = 0;
	return false;
}

static int keep_pattern(struct schema_walk *w, const json_t *arg, struct pattern *pattern_take)
{
	struct schema_pattern *p = calloc(1, sizeof *p);

	if (p) {
		p->key = arg;
		p->pattern = pattern_take;
		HASH_ADD_PTR(w->schema->patterns, key, p);
	}
	if (p && p->hh.tbl)
		return 0;
	free(p);
	pattern_free(&pattern_take);
	return err_set(w->e, ERR_NOMEM, "out of memory");
}

static int check_pattern(struct schema_walk *w, json_t *schema, json_t *arg)
{
	struct schema_pattern *twin;
	struct pattern *pattern;
	struct err why;
	int rc;

	(void)schema;
	if (!json_is_string(arg))
		return schema_fail(w, "expected a string");
	HASH_FIND_PTR(w->schema->patterns, &arg, twin);
	if (twin)
		return 0;
	if (w->room && *w->room == 0)
		return schema_fail_as(w, ERR_LIMIT, "there are too many patterns before it");
	rc = pattern_new(json_string_value(arg), json_string_length(arg), &pattern, &why);
	if (!take_room(w, pattern) && rc == 0) {
		pattern_free(&pattern);
		return schema_fail_as(w, ERR_LIMIT, "there are too many patterns before it");
	}
	return rc == 0 ? keep_pattern(w, arg, pattern) : schema_fail_as(w, rc, why.text);
}

static int check_type(struct schema_walk *w, json_t *schema, json_t *arg)
{
	json_t *name;
	size_t i, n = 0;

	(void)schema;
	if (json_is_string(arg))
		n = schema_is_type(arg) ? 1 : 0;
	json_array_foreach (arg, i, name) {
		if (!schema_is_type(name)) {
			n = 0;
			break;
		}
		n++;
	}
	return n > 0 ? 0 : schema_fail(w, "expected one or several of the seven names of types");
}

/* Every keyword that may stand in a schema. */
static const struct {
	const char *name;
	/* Whether ARG is a good argument of the keyword. */
	int (*check)(struct schema_walk *w, json_t *schema, json_t *arg);
} keywords[] = {
	{"type", check_type},
	{"enum", check_values},
	{"const", check_any},
	{"minimum", check_number},
	{"maximum", check_number},
	{"exclusiveMinimum", check_number},
	{"exclusiveMaximum", check_number},
	{"minLength", check_size},
	{"maxLength", check_size},
	{"pattern", check_pattern},
	{"minItems", check_size},
	{"maxItems", check_size},
	{"uniqueItems", check_bool},
	{"items", check_subschema},
	{"minProperties", check_size},
	{"maxProperties", check_size},
	{"required", check_names},
	{"properties", check_properties},
	{"additionalProperties", check_subschema},
	{"title", check_any},
	{"description", check_any},
	{"default", check_any},
	{"examples", check_any},
	{"format", check_any},
	{"deprecated", check_any},
	{"readOnly", check_any},
	{"writeOnly", check_any},
	{"$schema", check_any},
	{"$id", check_any},
	{"$comment", check_any},
};
#define N_KEYWORDS (sizeof keywords / sizeof keywords[0])

static int check_keyword(struct schema_walk *w, json_t *schema, const char *name, json_t *arg)
{
	size_t mark = jsonpath_down(&w->path, name), i = 0;
	int rc;

	while (i < N_KEYWORDS && strcmp(keywords[i].name, name) != 0)
		i++;
	if (i < N_KEYWORDS)
		rc = keywords[i].check(w, schema, arg);
	else
		rc = strncmp(name, "x-", 2) == 0
			     ? 0
			     : schema_fail(w, "is not among the keywords that mcpd checks");
	if (rc == 0)
		jsonpath_up(&w->path, mark);
	return rc;
}

static int check_schema(struct schema_walk *w, json_t *schema)
{
	const char *name;
	json_t *arg;
	int rc = 0;

	if (json_is_boolean(schema))
		return 0;
	if (!json_is_object(schema))
		return schema_fail(w, "expected a schema: an object, true or false");
	json_object_foreach (schema, name, arg) {
		rc = check_keyword(w, schema, name, arg);
		if (rc != 0)
			break;
	}
	return rc;
}

int schema_check(struct schema_walk *w)
{
	return check_schema(w, w->schema->json);
}
