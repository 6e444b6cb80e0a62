/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "text/schema.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/schema_impl.h"

/* Steps: for each value that a schema is held against, for each member or name that is looked up,
 * for as many bytes of a text whose characters are counted. */
#define STEP_VALUE 24
#define STEP_NAME  12
#define STEP_BYTES 4
/* An enum with more values than this is not shown in messages. */
#define MAX_SHOWN 32

static int validate(struct schema_walk *w, json_t *schema, json_t *value);

static int fail_number(struct schema_walk *w, const char *text, json_t *arg)
{
	char line[120];

	snprintf(line, sizeof line, "%s %.15g", text, json_number_value(arg));
	return schema_fail(w, line);
}

/* Below, at or above 0 as A is less than, equal to or more than B. */
static int compare(json_t *a, json_t *b)
{
	if (json_is_integer(a) && json_is_integer(b)) {
		json_int_t x = json_integer_value(a), y = json_integer_value(b);

		return (x > y) - (x < y);
	}
	return (json_number_value(a) > json_number_value(b)) -
	       (json_number_value(a) < json_number_value(b));
}

/* type */

static int validate_type(struct schema_walk *w, json_t *schema, json_t *arg, json_t *value)
{
	json_t *name;
	size_t i;

	(void)schema;
	if (json_is_string(arg))
		return schema_has_type(value, arg) ? 0 : schema_fail(w, schema_type_expected(arg));
	json_array_foreach (arg, i, name)
		if (schema_has_type(value, name))
			return 0;
	return schema_fail(w, "is of none of the types that are allowed");
}

/* The values of an enum, as far as they are few and short. */
static bool show_values(json_t *arg, char *text, size_t size)
{
	json_t *one;
	size_t i, len;

	if (json_array_size(arg) > MAX_SHOWN)
		return false;
	json_array_foreach (arg, i, one)
		if (json_is_object(one) || json_is_array(one) || json_string_length(one) >= size)
			return false;
	len = json_dumpb(arg, text, size - 1, JSON_COMPACT);
	text[len < size ? len : 0] = '\0';
	return len < size;
}

static int validate_enum(struct schema_walk *w, json_t *schema, json_t *arg, json_t *value)
{
	static const char before[] = "expected one of ";
	char line[400] = "";
	json_t *allowed;
	size_t i;

	(void)schema;
	json_array_foreach (arg, i, allowed) {
		bool equal;
		int rc = schema_equal(w, allowed, value, &equal);

		if (rc != 0 || equal)
			return rc;
	}
	memcpy(line, before, sizeof before);
	if (show_values(arg, line + sizeof before - 1, sizeof line - sizeof before))
		return schema_fail(w, line);
	return schema_fail(w, "is none of the allowed values");
}

static int validate_const(struct schema_walk *w, json_t *schema, json_t *arg, json_t *value)
{
	bool equal;
	int rc = schema_equal(w, arg, value, &equal);

	(void)schema;
	if (rc != 0 || equal)
		return rc;
	return schema_fail(w, "is not the only value that is allowed");
}

/* Each of the following says nothing about values of another type (validation 1.1). */

static int validate_properties(struct schema_walk *w, json_t *schema, json_t *arg, json_t *value)
{
	const char *name;
	json_t *property, *member;

	(void)schema;
	json_object_foreach (arg, name, property) {
		size_t mark;
		int rc = schema_spend(w, STEP_NAME);

		if (rc != 0)
			return rc;
		member = json_object_get(value, name);
		if (!member)
			continue;
		mark = jsonpath_down(&w->path, name);
		rc = validate(w, property, member);
		if (rc != 0)
			return rc;
		jsonpath_up(&w->path, mark);
	}
	return 0;
}

static int validate_additional(struct schema_walk *w, json_t *schema, json_t *arg, json_t *value)
{
	json_t *properties = json_object_get(schema, "properties"), *member;
	const char *name;

	json_object_foreach (value, name, member) {
		size_t mark;
		int rc = schema_spend(w, STEP_NAME);

		if (rc != 0)
			return rc;
		if (json_object_get(properties, name))
			continue;
		mark = jsonpath_down(&w->path, name);
		rc = validate(w, arg, member);
		if (rc != 0)
			return rc;
		jsonpath_up(&w->path, mark);
	}
	return 0;
}

static int validate_required(struct schema_walk *w, json_t *schema, json_t *arg, json_t *value)
{
	json_t *name;
	size_t i;

	(void)schema;
	if (!json_is_object(value))
		return 0;
	json_array_foreach (arg, i, name) {
		int rc = schema_spend(w, STEP_NAME);

		if (rc != 0)
			return rc;
		if (json_object_get(value, json_string_value(name)))
			continue;
		jsonpath_down(&w->path, json_string_value(name));
		return schema_fail(w, "is missing");
	}
	return 0;
}

static int validate_min_properties(struct schema_walk *w, json_t *schema, json_t *arg,
				   json_t *value)
{
	(void)schema;
	if (json_is_object(value) && (json_int_t)json_object_size(value) < json_integer_value(arg))
		return fail_number(w, "the smallest number of members is", arg);
	return 0;
}

static int validate_max_properties(struct schema_walk *w, json_t *schema, json_t *arg,
				   json_t *value)
{
	(void)schema;
	if (json_is_object(value) && (json_int_t)json_object_size(value) > json_integer_value(arg))
		return fail_number(w, "the largest number of members is", arg);
	return 0;
}

static int validate_items(struct schema_walk *w, json_t *schema, json_t *arg, json_t *value)
{
	json_t *item;
	size_t i;

	(void)schema;
	json_array_foreach (value, i, item) {
		size_t mark = jsonpath_down_index(&w->path, i);
		int rc = validate(w, arg, item);

		if (rc != 0)
			return rc;
		jsonpath_up(&w->path, mark);
	}
	return 0;
}

static int validate_min_items(struct schema_walk *w, json_t *schema, json_t *arg, json_t *value)
{
	(void)schema;
	if (json_is_array(value) && (json_int_t)json_array_size(value) < json_integer_value(arg))
		return fail_number(w, "the smallest number of items is", arg);
	return 0;
}

static int validate_max_items(struct schema_walk *w, json_t *schema, json_t *arg, json_t *value)
{
	(void)schema;
	if (json_is_array(value) && (json_int_t)json_array_size(value) > json_integer_value(arg))
		return fail_number(w, "the largest number of items is", arg);
	return 0;
}

static int validate_unique(struct schema_walk *w, json_t *schema, json_t *arg, json_t *value)
{
	size_t twin;
	int rc;

	(void)schema;
	if (!json_is_true(arg) || !json_is_array(value))
		return 0;
	rc = schema_find_twin(w, value, &twin);
	if (rc != 0 || twin == json_array_size(value))
		return rc;
	jsonpath_down_index(&w->path, twin);
	return schema_fail(w, "is there twice");
}

/* Characters are code points (RFC 8259 section 7); jansson has checked that it is UTF-8. */
static int characters(struct schema_walk *w, json_t *value, json_int_t *n_r)
{
	const char *text = json_string_value(value);
	int rc = schema_spend(w, json_string_length(value) / STEP_BYTES);

	*n_r = 0;
	for (size_t i = 0; rc == 0 && i < json_string_length(value); i++)
		*n_r += (text[i] & 0xC0) != 0x80;
	return rc;
}

static int validate_min_length(struct schema_walk *w, json_t *schema, json_t *arg, json_t *value)
{
	json_int_t n;
	int rc = characters(w, value, &n);

	(void)schema;
	if (rc == 0 && json_is_string(value) && n < json_integer_value(arg))
		return fail_number(w, "the smallest number of characters is", arg);
	return rc;
}

static int validate_max_length(struct schema_walk *w, json_t *schema, json_t *arg, json_t *value)
{
	json_int_t n;
	int rc = characters(w, value, &n);

	(void)schema;
	if (rc == 0 && json_is_string(value) && n > json_integer_value(arg))
		return fail_number(w, "the largest number of characters is", arg);
	return rc;
}

static int validate_pattern(struct schema_walk *w, json_t *schema, json_t *arg, json_t *value)
{
	struct schema_pattern *p;
	struct err why;
	int rc;

	(void)schema;
	if (!json_is_string(value))
		return 0;
	HASH_FIND_PTR(w->schema->patterns, &arg, p);
	if (!p) /* it was compiled with the schema */
		return schema_fail(w, "has no pattern to be held against");
	rc = pattern_match(p->pattern, json_string_value(value), json_string_length(value),
			   &w->work, &why);
	return rc == 0 ? 0 : schema_fail_as(w, rc, why.text);
}

static int validate_minimum(struct schema_walk *w, json_t *schema, json_t *arg, json_t *value)
{
	(void)schema;
	return json_is_number(value) && compare(value, arg) < 0
		       ? fail_number(w, "the smallest value is", arg)
		       : 0;
}

static int validate_maximum(struct schema_walk *w, json_t *schema, json_t *arg, json_t *value)
{
	(void)schema;
	return json_is_number(value) && compare(value, arg) > 0
		       ? fail_number(w, "the largest value is", arg)
		       : 0;
}

static int validate_above(struct schema_walk *w, json_t *schema, json_t *arg, json_t *value)
{
	(void)schema;
	return json_is_number(value) && compare(value, arg) <= 0
		       ? fail_number(w, "must be more than", arg)
		       : 0;
}

static int validate_below(struct schema_walk *w, json_t *schema, json_t *arg, json_t *value)
{
	(void)schema;
	return json_is_number(value) && compare(value, arg) >= 0
		       ? fail_number(w, "must be less than", arg)
		       : 0;
}

/* In the order in which a value is held against them: what is cheap first, maxItems before
 * uniqueItems. */
static const struct {
	const char *name;
	/* Whether VALUE keeps to ARG, the argument of the keyword. */
	int (*validate)(struct schema_walk *w, json_t *schema, json_t *arg, json_t *value);
} keywords[] = {
	{"type", validate_type},
	{"enum", validate_enum},
	{"const", validate_const},
	{"minimum", validate_minimum},
	{"maximum", validate_maximum},
	{"exclusiveMinimum", validate_above},
	{"exclusiveMaximum", validate_below},
	{"minLength", validate_min_length},
	{"maxLength", validate_max_length},
	{"pattern", validate_pattern},
	{"minItems", validate_min_items},
	{"maxItems", validate_max_items},
	{"uniqueItems", validate_unique},
	{"items", validate_items},
	{"minProperties", validate_min_properties},
	{"maxProperties", validate_max_properties},
	{"required", validate_required},
	{"properties", validate_properties},
	{"additionalProperties", validate_additional},
};
#define N_KEYWORDS (sizeof keywords / sizeof keywords[0])

static int validate(struct schema_walk *w, json_t *schema, json_t *value)
{
	int rc = schema_spend(w, STEP_VALUE);

	if (rc == 0 && json_is_false(schema))
		return schema_fail(w, "is not allowed");
	for (size_t i = 0; rc == 0 && i < N_KEYWORDS; i++) {
		json_t *arg =
			keywords[i].validate ? json_object_get(schema, keywords[i].name) : NULL;

		if (arg)
			rc = keywords[i].validate(w, schema, arg, value);
	}
	return rc;
}

int schema_validate(struct schema *s, json_t *value, struct err *e)
{
	struct schema_walk w = {.schema = s, .e = e, .work = SCHEMA_MAX_WORK};
	int rc = validate(&w, s->json, value);

	s->work = SCHEMA_MAX_WORK - w.work;
	return rc;
}

uint64_t schema_work(const struct schema *s)
{
	return s->work;
}

int schema_new(json_t *json, size_t *room, struct schema **schema_r, struct err *e)
{
	struct schema *s = calloc(1, sizeof *s);
	struct schema_walk w = {.schema = s, .e = e, .room = room};
	int rc;

	*schema_r = NULL;
	if (!s)
		return err_set(e, ERR_NOMEM, "out of memory");
	s->refs = 1;
	s->json = json_incref(json);
	rc = schema_check(&w);
	if (rc != 0)
		schema_unref(&s);
	*schema_r = s;
	return rc;
}

struct schema *schema_ref(struct schema *s)
{
	if (s)
		s->refs++;
	return s;
}

void schema_unref(struct schema **sp)
{
	struct schema *s = *sp;
	struct schema_pattern *p, *next;

	*sp = NULL;
	if (!s || --s->refs > 0)
		return;
	HASH_ITER (hh, s->patterns, p, next) {
		HASH_DEL(s->patterns, p);
		pattern_free(&p->pattern);
		free(p);
	}
	json_decref(s->json);
	free(s);
}
