/* SPDX-License-Identifier: ISC */
/* jsoncost.c: what a value costs in memory. See jsonrpc.h. */
#include "lib/jsonrpc.h"

#include <stdint.h>
#include <string.h>

/* What jansson and the allocator take for the parts of a value, on machines with pointers of 8
 * bytes. */
#define SCALAR_COST 32
#define STRING_COST 64
#define ARRAY_COST  64
#define OBJECT_COST 112
#define MEMBER_COST 80
#define BUCKET_COST 16
#define MIN_SLOTS   8 /* tables of arrays and objects begin with so many, and double */

static size_t slots(size_t n)
{
	size_t size = MIN_SLOTS;

	while (size < n)
		size *= 2;
	return size;
}

/* The recursion is as deep as the value, which limits.maxDepth bounds. */
static size_t object_cost(const json_t *value)
{
	size_t cost = OBJECT_COST + slots(json_object_size(value)) * BUCKET_COST;
	const char *key;
	json_t *member;

	json_object_foreach ((json_t *)(uintptr_t)value, key, member)
		cost += MEMBER_COST + strlen(key) + jsonrpc_cost(member);
	return cost;
}

static size_t array_cost(const json_t *value)
{
	size_t cost = ARRAY_COST + slots(json_array_size(value)) * sizeof(json_t *);

	for (size_t i = 0; i < json_array_size(value); i++)
		cost += jsonrpc_cost(json_array_get(value, i));
	return cost;
}

size_t jsonrpc_cost(const json_t *value)
{
	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_OBJECT:
		return object_cost(value);
	case JSON_ARRAY:
		return array_cost(value);
	case JSON_STRING:
		return STRING_COST + json_string_length(value);
	case JSON_INTEGER:
	case JSON_REAL:
		return SCALAR_COST;
	case JSON_TRUE:
	case JSON_FALSE:
	case JSON_NULL:
		break;
	}
	return 0;
}
