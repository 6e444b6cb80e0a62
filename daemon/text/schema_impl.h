/* SPDX-License-Identifier: ISC */
/* schema_impl.h: what the parts of schema.h share: schema_check.c (schemas), schema.c (values) and
 * schema_equal.c (equality of values). */
#ifndef MCPD_SCHEMA_IMPL_H
#define MCPD_SCHEMA_IMPL_H

#include <stdbool.h>

#include "lib/hash.h"
#include "text/jsonpath.h"
#include "text/pattern.h"
#include "text/schema.h"

/* A pattern, by the JSON string that it was compiled from. */
struct schema_pattern {
	UT_hash_handle hh;
	const json_t *key;
	struct pattern *pattern;
};

struct schema {
	unsigned refs;
	json_t *json;
	struct schema_pattern *patterns;
	uint64_t work;
};

/* The place of a check inside the schema, or of a validation inside the value. */
struct schema_walk {
	struct schema *schema;
	struct jsonpath path;
	struct err *e;
	size_t *room;  /* schema_check.c: as in schema_new() */
	uint64_t work; /* schema.c: the steps that are left */
};

/* "PATH: TEXT" with ERR_INVALID or CODE, which is returned. */
int schema_fail(struct schema_walk *w, const char *text);
int schema_fail_as(struct schema_walk *w, int code, const char *text);

/* schema_type.c. Whether NAME is the name of a type; only such a NAME may be given to the two
 * below. */
bool schema_is_type(json_t *name);
bool schema_has_type(json_t *value, json_t *name);
/* "expected a string" and so on. */
const char *schema_type_expected(json_t *name);

/* schema_check.c: checks all of W->schema, and compiles its patterns. */
int schema_check(struct schema_walk *w);

/* Takes STEPS off what is left. 0 or ERR_LIMIT, with the text. */
int schema_spend(struct schema_walk *w, uint64_t steps);

/* schema_equal.c. Numbers are equal by value whatever their form, objects whatever their order
 * (JSON Schema core 4.2.2). 0 or an error; *EQUAL_R says it. */
int schema_equal(struct schema_walk *w, json_t *a, json_t *b, bool *equal_r);
/* The index of an item of ARRAY that is equal to one before it; the size of ARRAY where there is
 * none. The work is that of looking at each item once, but for items made to look alike. */
int schema_find_twin(struct schema_walk *w, json_t *array, size_t *index_r);

#endif
