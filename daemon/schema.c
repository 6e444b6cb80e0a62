#include "autoconf.h"

#include "schema.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "jsonpath.h"
#include "pattern.h"

#define MAX_UNIQUE 1000 /* each is compared with each */

/* Where we are: inside the schema while it is checked, inside the value while that is. */
struct walk {
	struct jsonpath path;
	struct err *e;
};

struct keyword {
	const char *name;
	/* Whether ARG is a good argument of the keyword. */
	int (*check)(struct walk *w, json_t *schema, json_t *arg);
	/* Whether VALUE keeps to it; NULL for an annotation. */
	int (*validate)(struct walk *w, json_t *schema, json_t *arg, json_t *value);
};

static int check_schema(struct walk *w, json_t *schema);
static int validate(struct walk *w, json_t *schema, json_t *value);

static int fail(struct walk *w, const char *text)
{
	if (w->path.len == 0)
		return err_set(w->e, ERR_INVALID, "%s", text);
	return err_set(w->e, ERR_INVALID, "%s: %s", w->path.text, text);
}

static int fail_number(struct walk *w, const char *text, json_t *arg)
{
	char line[120];

	snprintf(line, sizeof(line), "%s %.15g", text, json_number_value(arg));
	return fail(w, line);
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

/* What the arguments of keywords may be. */

static int check_any(struct walk *w, json_t *schema, json_t *arg)
{
	(void)w;
	(void)schema;
	(void)arg;
	return 0;
}

static int check_number(struct walk *w, json_t *schema, json_t *arg)
{
	(void)schema;
	return json_is_number(arg) ? 0 : fail(w, "expected a number");
}

static int check_size(struct walk *w, json_t *schema, json_t *arg)
{
	(void)schema;
	return json_is_integer(arg) && json_integer_value(arg) >= 0
		       ? 0
		       : fail(w, "expected a whole number that is not negative");
}

static int check_values(struct walk *w, json_t *schema, json_t *arg)
{
	(void)schema;
	return json_array_size(arg) > 0 ? 0 : fail(w, "expected an array of one or more values");
}

static int check_names(struct walk *w, json_t *schema, json_t *arg)
{
	json_t *name;
	size_t i;

	(void)schema;
	if (!json_is_array(arg))
		return fail(w, "expected an array of strings");
	json_array_foreach (arg, i, name)
		if (!json_is_string(name))
			return fail(w, "expected an array of strings");
	return 0;
}

static int check_subschema(struct walk *w, json_t *schema, json_t *arg)
{
	(void)schema;
	return check_schema(w, arg);
}

static int check_properties(struct walk *w, json_t *schema, json_t *arg)
{
	const char *name;
	json_t *property;

	(void)schema;
	if (!json_is_object(arg))
		return fail(w, "expected an object of schemas");
	json_object_foreach (arg, name, property) {
		size_t mark = jsonpath_down(&w->path, name);
		int rc = check_schema(w, property);

		if (rc != 0)
			return rc;
		jsonpath_up(&w->path, mark);
	}
	return 0;
}

static int check_unique(struct walk *w, json_t *schema, json_t *arg)
{
	json_t *max = json_object_get(schema, "maxItems");

	if (!json_is_boolean(arg))
		return fail(w, "expected true or false");
	if (json_is_true(arg) && (!json_is_integer(max) || json_integer_value(max) > MAX_UNIQUE))
		return fail(w, "needs a maxItems of at most 1000");
	return 0;
}

static int check_pattern(struct walk *w, json_t *schema, json_t *arg)
{
	struct err why;
	int rc;

	(void)schema;
	if (!json_is_string(arg))
		return fail(w, "expected a string");
	rc = pattern_check(json_string_value(arg), &why);
	if (rc == ERR_NOMEM)
		return err_set(w->e, rc, "%s", why.text);
	return rc == 0 ? 0 : fail(w, why.text);
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

static int check_type(struct walk *w, json_t *schema, json_t *arg)
{
	json_t *name;
	size_t i, n = 0;

	(void)schema;
	if (json_is_string(arg))
		n = find_type(arg) < N_TYPES ? 1 : 0;
	json_array_foreach (arg, i, name) {
		if (find_type(name) == N_TYPES) {
			n = 0;
			break;
		}
		n++;
	}
	return n > 0 ? 0 : fail(w, "expected one or several of the seven names of types");
}

static int validate_type(struct walk *w, json_t *schema, json_t *arg, json_t *value)
{
	json_t *name;
	size_t i;

	(void)schema;
	if (json_is_string(arg))
		return types[find_type(arg)].is(value) ? 0
						       : fail(w, types[find_type(arg)].expected);
	json_array_foreach (arg, i, name)
		if (types[find_type(name)].is(value))
			return 0;
	return fail(w, "is of none of the types that are allowed");
}

static int validate_enum(struct walk *w, json_t *schema, json_t *arg, json_t *value)
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
	return fail(w,
		    len <= sizeof(line) - sizeof(before) ? line : "is none of the allowed values");
}

static int validate_const(struct walk *w, json_t *schema, json_t *arg, json_t *value)
{
	(void)schema;
	return equal(arg, value) ? 0 : fail(w, "is not the only value that is allowed");
}

/* Each of the following says nothing about values of another type (validation 1.1). */

static int validate_properties(struct walk *w, json_t *schema, json_t *arg, json_t *value)
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

static int validate_additional(struct walk *w, json_t *schema, json_t *arg, json_t *value)
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

static int validate_required(struct walk *w, json_t *schema, json_t *arg, json_t *value)
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
		return fail(w, "is missing");
	}
	return 0;
}

static int validate_min_properties(struct walk *w, json_t *schema, json_t *arg, json_t *value)
{
	(void)schema;
	if (json_is_object(value) && (json_int_t)json_object_size(value) < json_integer_value(arg))
		return fail_number(w, "the smallest number of members is", arg);
	return 0;
}

static int validate_max_properties(struct walk *w, json_t *schema, json_t *arg, json_t *value)
{
	(void)schema;
	if (json_is_object(value) && (json_int_t)json_object_size(value) > json_integer_value(arg))
		return fail_number(w, "the largest number of members is", arg);
	return 0;
}

static int validate_items(struct walk *w, json_t *schema, json_t *arg, json_t *value)
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

static int validate_min_items(struct walk *w, json_t *schema, json_t *arg, json_t *value)
{
	(void)schema;
	if (json_is_array(value) && (json_int_t)json_array_size(value) < json_integer_value(arg))
		return fail_number(w, "the smallest number of items is", arg);
	return 0;
}

static int validate_max_items(struct walk *w, json_t *schema, json_t *arg, json_t *value)
{
	(void)schema;
	if (json_is_array(value) && (json_int_t)json_array_size(value) > json_integer_value(arg))
		return fail_number(w, "the largest number of items is", arg);
	return 0;
}

static int validate_unique(struct walk *w, json_t *schema, json_t *arg, json_t *value)
{
	size_t n = json_is_true(arg) ? json_array_size(value) : 0;

	(void)schema;
	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++)
			if (equal(json_array_get(value, i), json_array_get(value, j))) {
				jsonpath_down_index(&w->path, j);
				return fail(w, "is there twice");
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

static int validate_min_length(struct walk *w, json_t *schema, json_t *arg, json_t *value)
{
	(void)schema;
	if (json_is_string(value) && characters(value) < json_integer_value(arg))
		return fail_number(w, "the smallest number of characters is", arg);
	return 0;
}

static int validate_max_length(struct walk *w, json_t *schema, json_t *arg, json_t *value)
{
	(void)schema;
	if (json_is_string(value) && characters(value) > json_integer_value(arg))
		return fail_number(w, "the largest number of characters is", arg);
	return 0;
}

static int validate_pattern(struct walk *w, json_t *schema, json_t *arg, json_t *value)
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
	return rc == 0 ? 0 : fail(w, why.text);
}

static int validate_minimum(struct walk *w, json_t *schema, json_t *arg, json_t *value)
{
	(void)schema;
	return json_is_number(value) && compare(value, arg) < 0
		       ? fail_number(w, "the smallest value is", arg)
		       : 0;
}

static int validate_maximum(struct walk *w, json_t *schema, json_t *arg, json_t *value)
{
	(void)schema;
	return json_is_number(value) && compare(value, arg) > 0
		       ? fail_number(w, "the largest value is", arg)
		       : 0;
}

static int validate_above(struct walk *w, json_t *schema, json_t *arg, json_t *value)
{
	(void)schema;
	return json_is_number(value) && compare(value, arg) <= 0
		       ? fail_number(w, "must be more than", arg)
		       : 0;
}

static int validate_below(struct walk *w, json_t *schema, json_t *arg, json_t *value)
{
	(void)schema;
	return json_is_number(value) && compare(value, arg) >= 0
		       ? fail_number(w, "must be less than", arg)
		       : 0;
}

/* In the order in which a value is held against them: what is cheap first, maxItems before
 * uniqueItems. */
static const struct keyword keywords[] = {
	{"type", check_type, validate_type},
	{"enum", check_values, validate_enum},
	{"const", check_any, validate_const},
	{"minimum", check_number, validate_minimum},
	{"maximum", check_number, validate_maximum},
	{"exclusiveMinimum", check_number, validate_above},
	{"exclusiveMaximum", check_number, validate_below},
	{"minLength", check_size, validate_min_length},
	{"maxLength", check_size, validate_max_length},
	{"pattern", check_pattern, validate_pattern},
	{"minItems", check_size, validate_min_items},
	{"maxItems", check_size, validate_max_items},
	{"uniqueItems", check_unique, validate_unique},
	{"items", check_subschema, validate_items},
	{"minProperties", check_size, validate_min_properties},
	{"maxProperties", check_size, validate_max_properties},
	{"required", check_names, validate_required},
	{"properties", check_properties, validate_properties},
	{"additionalProperties", check_subschema, validate_additional},
	{"title", check_any, NULL},
	{"description", check_any, NULL},
	{"default", check_any, NULL},
	{"examples", check_any, NULL},
	{"format", check_any, NULL},
	{"deprecated", check_any, NULL},
	{"readOnly", check_any, NULL},
	{"writeOnly", check_any, NULL},
	{"$schema", check_any, NULL},
	{"$id", check_any, NULL},
	{"$comment", check_any, NULL},
};
#define N_KEYWORDS (sizeof(keywords) / sizeof(keywords[0]))

static int check_keyword(struct walk *w, json_t *schema, const char *name, json_t *arg)
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
			     : fail(w, "is not among the keywords that mcpd checks");
	if (rc == 0)
		jsonpath_up(&w->path, mark);
	return rc;
}

static int check_schema(struct walk *w, json_t *schema)
{
	const char *name;
	json_t *arg;
	int rc = 0;

	if (json_is_boolean(schema))
		return 0;
	if (!json_is_object(schema))
		return fail(w, "expected a schema: an object, true or false");
	json_object_foreach (schema, name, arg) {
		rc = check_keyword(w, schema, name, arg);
		if (rc != 0)
			break;
	}
	return rc;
}

static int validate(struct walk *w, json_t *schema, json_t *value)
{
	int rc = 0;

	if (json_is_false(schema))
		return fail(w, "is not allowed");
	for (size_t i = 0; rc == 0 && i < N_KEYWORDS; i++) {
		json_t *arg = keywords[i].validate != NULL
				      ? json_object_get(schema, keywords[i].name)
				      : NULL;

		if (arg != NULL)
			rc = keywords[i].validate(w, schema, arg, value);
	}
	return rc;
}

int schema_check(json_t *schema, struct err *e)
{
	struct walk w = {.e = e};

	return check_schema(&w, schema);
}

int schema_validate(json_t *schema, json_t *value, struct err *e)
{
	struct walk w = {.e = e};

	return validate(&w, schema, value);
}
