#include "autoconf.h"

#include "schema.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "pattern.h"
#include "schema_impl.h"

static int validate(struct schema_walk *w, json_t *schema, json_t *value);

int schema_fail(struct schema_walk *w, const char *text)
{
	if (w->path.len == 0)
		return err_set(w->e, ERR_INVALID, "%s", text);
	return err_set(w->e, ERR_INVALID, "%s: %s", w->path.text, text);
}

static int fail_number(struct schema_walk *w, const char *text, json_t *arg)
{
	char line[120];

	snprintf(line, sizeof(line), "%s %.15g", text, json_number_value(arg));
	return schema_fail(w, line);
}

/* Numbers are equal by value whatever their form (JSON Schema core 4.2.2), the rest as JSON is. */
static bool equal(json_t *a, json_t *b)
{
	if (json_is_number(a) && json_is_number(b) && json_typeof(a) != json_typeof(b))
		return json_number_value(a) == json_number_value(b);
	return json_equal(a, b) != 0;
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

static bool is_null(json_t *value)
{
	return json_is_null(value);
}

static bool is_boolean(json_t *value)
{
	return json_is_boolean(value);
}

static bool is_object(json_t *value)
{
	return json_is_object(value);
}

static bool is_array(json_t *value)
{
	return json_is_array(value);
}

static bool is_string(json_t *value)
{
	return json_is_string(value);
}

static bool is_number(json_t *value)
{
	return json_is_number(value);
}

static bool is_integer(json_t *value)
{
	double d = json_real_value(value);

	/* 1.0 is an integer (JSON Schema core 4.2.3), and so is every double from 2^53 on. */
	return json_is_integer(value) ||
	       (json_is_real(value) && (d >= 0x1p53 || d <= -0x1p53 || (double)(json_int_t)d == d));
}

static const struct {
	const char *name, *expected;
	bool (*is)(json_t *value);
} types[] = {
	{"string", "expected a string", is_string},
	{"integer", "expected an integer", is_integer},
	{"number", "expected a number", is_number},
	{"boolean", "expected true or false", is_boolean},
	{"object", "expected an object", is_object},
	{"array", "expected an array", is_array},
	{"null", "expected null", is_null},
};
#define N_TYPES (sizeof(types) / sizeof(types[0]))

/* The index of the type that NAME is, N_TYPES if it is none. */
static size_t find_type(json_t *name)
{
	const char *text = json_string_value(name);
	size_t i = 0;

	while (i < N_TYPES && (text == NULL || strcmp(types[i].name, text) != 0))
		i++;
	return i;
}

bool schema_is_type(json_t *name)
{
	return find_type(name) < N_TYPES;
}

static int validate_type(struct schema_walk *w, json_t *schema, json_t *arg, json_t *value)
{
	json_t *name;
	size_t i;

	(void)schema;
	if (json_is_string(arg))
		return types[find_type(arg)].is(value)
			       ? 0
			       : schema_fail(w, types[find_type(arg)].expected);
	json_array_foreach (arg, i, name)
		if (types[find_type(name)].is(value))
			return 0;
	return schema_fail(w, "is of none of the types that are allowed");
}

static int validate_enum(struct schema_walk *w, json_t *schema, json_t *arg, json_t *value)
{
	static const char before[] = "expected one of ";
	char line[400] = "";
	json_t *allowed;
	size_t i, len;

	(void)schema;
	json_array_foreach (arg, i, allowed)
		if (equal(allowed, value))
			return 0;
	memcpy(line, before, sizeof(before));
	len = json_dumpb(arg, line + sizeof(before) - 1, sizeof(line) - sizeof(before),
			 JSON_COMPACT);
	return schema_fail(
		w, len <= sizeof(line) - sizeof(before) ? line : "is none of the allowed values");
}

static int validate_const(struct schema_walk *w, json_t *schema, json_t *arg, json_t *value)
{
	(void)schema;
	return equal(arg, value) ? 0 : schema_fail(w, "is not the only value that is allowed");
}

/* Each of the following says nothing about values of another type (validation 1.1). */

static int validate_properties(struct schema_walk *w, json_t *schema, json_t *arg, json_t *value)
{
	const char *name;
	json_t *property, *member;

	(void)schema;
	json_object_foreach (arg, name, property) {
		size_t mark;
		int rc;

		member = json_object_get(value, name);
		if (member == NULL)
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
		int rc;

		if (json_object_get(properties, name) != NULL)
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
		if (json_object_get(value, json_string_value(name)) != NULL)
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
	size_t n = json_is_true(arg) ? json_array_size(value) : 0;

	(void)schema;
	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++)
			if (equal(json_array_get(value, i), json_array_get(value, j))) {
				jsonpath_down_index(&w->path, j);
				return schema_fail(w, "is there twice");
			}
	return 0;
}

/* Characters are code points (RFC 8259 section 7); jansson has checked that it is UTF-8. */
static json_int_t characters(json_t *value)
{
	const char *text = json_string_value(value);
	json_int_t n = 0;

	for (size_t i = 0; i < json_string_length(value); i++)
		n += (text[i] & 0xC0) != 0x80;
	return n;
}

static int validate_min_length(struct schema_walk *w, json_t *schema, json_t *arg, json_t *value)
{
	(void)schema;
	if (json_is_string(value) && characters(value) < json_integer_value(arg))
		return fail_number(w, "the smallest number of characters is", arg);
	return 0;
}

static int validate_max_length(struct schema_walk *w, json_t *schema, json_t *arg, json_t *value)
{
	(void)schema;
	if (json_is_string(value) && characters(value) > json_integer_value(arg))
		return fail_number(w, "the largest number of characters is", arg);
	return 0;
}

static int validate_pattern(struct schema_walk *w, json_t *schema, json_t *arg, json_t *value)
{
	struct err why;
	int rc;

	(void)schema;
	if (!json_is_string(value))
		return 0;
	rc = pattern_match(json_string_value(arg), json_string_value(value),
			   json_string_length(value), &why);
	if (rc == ERR_NOMEM)
		return err_set(w->e, rc, "%s", why.text);
	return rc == 0 ? 0 : schema_fail(w, why.text);
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
#define N_KEYWORDS (sizeof(keywords) / sizeof(keywords[0]))

static int validate(struct schema_walk *w, json_t *schema, json_t *value)
{
	int rc = 0;

	if (json_is_false(schema))
		return schema_fail(w, "is not allowed");
	for (size_t i = 0; rc == 0 && i < N_KEYWORDS; i++) {
		json_t *arg = keywords[i].validate != NULL
				      ? json_object_get(schema, keywords[i].name)
				      : NULL;

		if (arg != NULL)
			rc = keywords[i].validate(w, schema, arg, value);
	}
	return rc;
}

int schema_validate(json_t *schema, json_t *value, struct err *e)
{
	struct schema_walk w = {.e = e};

	return validate(&w, schema, value);
}
