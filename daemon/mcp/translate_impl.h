/* SPDX-License-Identifier: ISC */
/* translate_impl.h: for translate.c and translate_*.c alone. */
#ifndef MCPD_TRANSLATE_IMPL_H
#define MCPD_TRANSLATE_IMPL_H

#include <stdbool.h>
#include <stddef.h>

#include "mcp/translate.h"

/* An object that is copied when it is first changed. */
struct cow {
	json_t *now;
	bool own, failed;
};

struct cow cow_of(json_t *object);
void cow_del(struct cow *c, const char *key);
void cow_set(struct cow *c, const char *key, json_t *value_take); /* NULL: it failed */
/* The outcome; NULL when something failed. */
json_t *cow_done(struct cow *c);

/* One value into another (a new reference; NULL on lack of memory). */
typedef json_t *(*translate_fn)(json_t *value, const void *arg);
/* ARRAY with FN applied to each item; ARRAY itself where FN changes nothing, or where it is no
 * array. */
json_t *translate_each(json_t *array, translate_fn fn, const void *arg);
/* OBJECT with FN applied to the value of each member, likewise. */
json_t *translate_each_member(json_t *object, translate_fn fn, const void *arg);
/* Applies FN to member KEY of C, where there is one. */
void cow_map(struct cow *c, const char *key, translate_fn fn, const void *arg);

/* Objects whose members differ between revisions. */
enum thing {
	THING_TOOL,
	THING_PROMPT,
	THING_ARGUMENT,
	THING_RESOURCE, /* and resource links */
	THING_TEMPLATE,
	THING_CONTENT,
	THING_ANNOTATIONS,
	THING_CONTENTS, /* of a resource */
	THING_CALL_RESULT,
	THING_META, /* of results and questions */
	THING_CALL_PARAMS,
	THING_COMPLETE_PARAMS,
	THING_ELICITATION,
	THING_REQUESTED_SCHEMA,
	THING_SAMPLING,
	THING_SAMPLING_MESSAGE,
	THING_CAPABILITIES,
	THING_ELICITATION_CAPABILITY,
	THING_SAMPLING_CAPABILITY,
};
/* Removes the members of C that revision REV does not have. */
void translate_trim(struct cow *c, enum thing thing, enum mcp_rev rev);

struct translate_pair {
	enum mcp_rev from, to;
};
/* A content block (struct translate_pair). */
json_t *translate_content(json_t *block, const void *pair);
/* _meta of a result or question. */
void translate_meta(struct cow *c, const struct translate_pair *pair);
/* Whether the legacy revisions cannot show SCHEMA as it is: it does not describe an object. */
bool translate_must_wrap(const json_t *schema);

#endif
