/* SPDX-License-Identifier: ISC */
/* schema_type.c: the types of JSON Schema (core 4.2.1). */
#include "autoconf.h"

#include <string.h>

#include "text/schema_impl.h"

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
#define N_TYPES (sizeof types / sizeof types[0])

/* The index of the type that NAME is, N_TYPES if it is none. */
static size_t find_type(json_t *name)
{
	const char *text = json_string_value(name);
	size_t i = 0;

	while (i < N_TYPES && (!text || strcmp(types[i].name, text) != 0))
		i++;
	return i;
}

bool schema_is_type(json_t *name)
{
	return find_type(name) < N_TYPES;
}

bool schema_has_type(json_t *value, json_t *name)
{
	return types[find_type(name)].is(value);
}

const char *schema_type_expected(json_t *name)
{
	return types[find_type(name)].expected;
}
