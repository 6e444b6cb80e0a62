/* SPDX-License-Identifier: ISC */
/* schema_equal.c: equality of JSON values, and the search for equal items of an array. */
#include "autoconf.h"

#include <stdlib.h>
#include <string.h>

#include "text/schema_impl.h"

/* Steps: for each value, for each member of an object, and for as many bytes of a text. */
#define STEP_VALUE  4
#define STEP_MEMBER 12
#define STEP_BYTES  16

/* ---- equality ---- */

static int equal_members(struct schema_walk *w, json_t *a, json_t *b, bool *equal_r)
{
	const char *name;
	json_t *member, *twin;
	int rc = 0;

	*equal_r = json_object_size(a) == json_object_size(b);
	json_object_foreach (a, name, member) {
		if (rc != 0 || !*equal_r)
			break;
		twin = json_object_get(b, name);
		*equal_r = twin != NULL;
		rc = schema_spend(w, STEP_MEMBER);
		if (rc == 0 && twin)
			rc = schema_equal(w, member, twin, equal_r);
	}
	return rc;
}

static int equal_items(struct schema_walk *w, json_t *a, json_t *b, bool *equal_r)
{
	int rc = 0;

	*equal_r = json_array_size(a) == json_array_size(b);
	for (size_t i = 0; rc == 0 && *equal_r && i < json_array_size(a); i++)
		rc = schema_equal(w, json_array_get(a, i), json_array_get(b, i), equal_r);
	return rc;
}

static int equal_strings(struct schema_walk *w, json_t *a, json_t *b, bool *equal_r)
{
	size_t len = json_string_length(a);

	*equal_r = len == json_string_length(b);
	if (!*equal_r)
		return 0;
	*equal_r = memcmp(json_string_value(a), json_string_value(b), len) == 0;
	return schema_spend(w, len / STEP_BYTES);
}

int schema_equal(struct schema_walk *w, json_t *a, json_t *b, bool *equal_r)
{
	int rc = schema_spend(w, STEP_VALUE);

	*equal_r = false;
	if (rc != 0)
		return rc;
	if (json_is_number(a) && json_is_number(b)) {
		*equal_r = json_is_integer(a) && json_is_integer(b)
				   ? json_integer_value(a) == json_integer_value(b)
				   : json_number_value(a) == json_number_value(b);
		return 0;
	}
	if (json_typeof(a) != json_typeof(b))
		return 0;
	switch (json_typeof(a)) {
	case JSON_OBJECT:
		return equal_members(w, a, b, equal_r);
	case JSON_ARRAY:
		return equal_items(w, a, b, equal_r);
	case JSON_STRING:
		return equal_strings(w, a, b, equal_r);
	case JSON_INTEGER: /* above */
	case JSON_REAL:
	case JSON_TRUE:
	case JSON_FALSE:
	case JSON_NULL:
		break;
	}
	*equal_r = true;
	return 0;
}

/* ---- equal items ---- */

/* FNV-1a, 64 bits. */
static uint64_t mix(uint64_t hash, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
	return hash;
}

#define BASIS UINT64_C(0xcbf29ce484222325)

static int hash_value(struct schema_walk *w, json_t *value, uint64_t *hash_r);

/* The sum does not depend on the order. */
static int hash_members(struct schema_walk *w, json_t *value, uint64_t *hash_r)
{
	const char *name;
	json_t *member;

	*hash_r = json_object_size(value) + 1;
	json_object_foreach (value, name, member) {
		size_t len = strlen(name);
		uint64_t inner;
		int rc = schema_spend(w, STEP_MEMBER + len / 4);

		if (rc == 0)
			rc = hash_value(w, member, &inner);
		if (rc != 0)
			return rc;
		*hash_r += mix(mix(BASIS, name, len), &inner, sizeof inner);
	}
	return 0;
}

static int hash_items(struct schema_walk *w, json_t *value, uint64_t *hash_r)
{
	json_t *one;
	size_t i;

	json_array_foreach (value, i, one) {
		uint64_t inner;
		int rc = hash_value(w, one, &inner);

		if (rc != 0)
			return rc;
		*hash_r = mix(*hash_r, &inner, sizeof inner);
	}
	return 0;
}

/* Equal values have equal hashes. */
static int hash_value(struct schema_walk *w, json_t *value, uint64_t *hash_r)
{
	double number = json_number_value(value) + 0.0; /* -0.0 is 0.0 */
	unsigned char type =
		(unsigned char)(json_is_number(value) ? JSON_REAL : json_typeof(value));
	int rc = schema_spend(w, STEP_VALUE);

	*hash_r = mix(BASIS, &type, 1);
	if (rc != 0)
		return rc;
	if (json_is_object(value))
		return hash_members(w, value, hash_r);
	if (json_is_array(value))
		return hash_items(w, value, hash_r);
	if (json_is_number(value))
		*hash_r = mix(*hash_r, &number, sizeof number);
	if (!json_is_string(value))
		return 0;
	*hash_r = mix(*hash_r, json_string_value(value), json_string_length(value));
	return schema_spend(w, json_string_length(value) / 4);
}

struct hashed {
	uint64_t hash;
	size_t index;
};

static int compare(const void *left, const void *right)
{
	const struct hashed *a = left, *b = right;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

/* Compares the items of the run of equal hashes that ALL[AT] belongs to with ALL[AT]. */
static int compare_run(struct schema_walk *w, json_t *array, const struct hashed *all, size_t at,
		       size_t *index_r)
{
	for (size_t j = at + 1; j < json_array_size(array) && all[j].hash == all[at].hash; j++) {
		bool equal;
		int rc = schema_equal(w, json_array_get(array, all[at].index),
				      json_array_get(array, all[j].index), &equal);

		if (rc != 0)
			return rc;
		if (equal) {
			*index_r = all[j].index;
			return 0;
		}
	}
	return 0;
}

int schema_find_twin(struct schema_walk *w, json_t *array, size_t *index_r)
{
	size_t n = json_array_size(array);
	struct hashed *all = calloc(n > 0 ? n : 1, sizeof *all);
	int rc = all ? 0 : err_set(w->e, ERR_NOMEM, "out of memory");

	*index_r = n;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		all[i].index = i;
		rc = hash_value(w, json_array_get(array, i), &all[i].hash);
	}
	if (rc == 0) /* each item is moved some 20 times at most */
		rc = schema_spend(w, n * STEP_MEMBER);
	if (rc == 0)
		qsort(all, n, sizeof *all, compare);
	for (size_t i = 0; rc == 0 && *index_r == n && i < n; i++)
		rc = compare_run(w, array, all, i, index_r);
	free(all);
	return rc;
}
