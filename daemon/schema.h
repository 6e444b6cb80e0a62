/* schema.h: the subset of JSON Schema 2020-12 that mcpd checks itself: the arguments and the
 * structured results of exec tools. (What other servers offer is their own business and is passed
 * on.)
 *
 * Checked: type, enum, const, properties, required, additionalProperties, minProperties,
 * maxProperties, items, minItems, maxItems, uniqueItems (with a maxItems of at most 1000),
 * minLength, maxLength (in characters), pattern (a POSIX extended regular expression), minimum,
 * maximum, exclusiveMinimum, exclusiveMaximum; and true or false in the place of a schema. Accepted
 * as annotations: title, description, default, examples, format, deprecated, readOnly, writeOnly,
 * $schema, $id, $comment and all that begins with "x-".
 * Everything else is refused, so that nobody believes in a check that does not happen. */
#ifndef MCPD_SCHEMA_H
#define MCPD_SCHEMA_H

#include <jansson.h>

#include "err.h"

/* Whether SCHEMA keeps to the subset. 0, ERR_INVALID with a text that names the path inside the
 * schema
 * ("properties.n.oneOf: not checked by mcpd"), ERR_NOMEM. */
int schema_check(json_t *schema, struct err *e);

/* Whether VALUE is what SCHEMA (which passed schema_check()) describes. 0, ERR_INVALID with a text
 * that names the path inside VALUE ("lines[2]: expected an integer"), ERR_NOMEM. */
int schema_validate(json_t *schema, json_t *value, struct err *e);

#endif
