/* schema_impl.h: what the two halves of schema.h share: schema_check.c (schemas), schema.c
 * (values). */
#ifndef MCPD_SCHEMA_IMPL_H
#define MCPD_SCHEMA_IMPL_H

#include <stdbool.h>

#include "jsonpath.h"
#include "schema.h"

/* Where we are: inside the schema while it is checked, inside the value while that is. */
struct schema_walk {
	struct jsonpath path;
	struct err *e;
};

/* "PATH: TEXT" with ERR_INVALID, which is returned. */
int schema_fail(struct schema_walk *w, const char *text);

/* Whether NAME is the name of a type. */
bool schema_is_type(json_t *name);

#endif
