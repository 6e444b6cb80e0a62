/* SPDX-License-Identifier: ISC */
/* schema.h: the subset of JSON Schema 2020-12 that mcpd checks itself: the arguments and the
 * structured results of exec tools and of web tools. The tools of other servers are checked by
 * these servers.
 *
 * Checked: type, enum, const, properties, required, additionalProperties, minProperties,
 * maxProperties, items, minItems, maxItems, uniqueItems, minLength, maxLength (in characters),
 * pattern (pattern.h), minimum, maximum, exclusiveMinimum, exclusiveMaximum; and true or false in
 * the place of a schema. Accepted as annotations: title, description, default, examples, format,
 * deprecated, readOnly, writeOnly, $schema, $id, $comment and all that begins with "x-".
 * Every other keyword is refused, so that no schema promises a check that does not happen.
 *
 * Schemas and values both come from outside, so the work of one validation is limited: 2 million
 * steps, a few milliseconds. A step is about what one character of a pattern costs. */
#ifndef MCPD_SCHEMA_H
#define MCPD_SCHEMA_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define SCHEMA_MAX_WORK 2000000

struct schema;

/* Checks whether JSON (referenced, and not to be changed any more) keeps to the subset, and
 * compiles its patterns. ROOM is how many bytes the compiled patterns may take, and is reduced by
 * those that they take; NULL: any number. *SCHEMA_R is to be given to schema_unref(). 0;
 * ERR_INVALID or ERR_LIMIT (a pattern is too large, or ROOM is) with a text that names the path
 * inside the schema
 * ("properties.n.oneOf: not checked by mcpd"); ERR_NOMEM. */
int schema_new(json_t *json, size_t *room, struct schema **schema_r, struct err *e);
struct schema *schema_ref(struct schema *s);
void schema_unref(struct schema **s);

/* Whether VALUE is what S describes. 0; ERR_INVALID with a text that names the path inside VALUE
 * ("lines[2]: expected an integer"); ERR_LIMIT where the check would take more
 * than SCHEMA_MAX_WORK steps; ERR_NOMEM. */
int schema_validate(struct schema *s, json_t *value, struct err *e);
/* The steps that the latest schema_validate() took. */
uint64_t schema_work(const struct schema *s);

#endif
