/* SPDX-License-Identifier: ISC */
/* headerlines.h: a growing list of "Name: value" lines, as libcurl takes them. */
#ifndef MCPD_HEADERLINES_H
#define MCPD_HEADERLINES_H

#include <stddef.h>

/* Begins as {0}; LINES is NULL-terminated, NULL while there are none. */
struct headerlines {
	char **lines;
	size_t n;
};

/* Adds one; a VALUE that is NULL is none to add. 0, ERR_NOMEM, or ERR_INVALID where it is no value
 * of a header. */
int headerlines_add(struct headerlines *h, const char *name, const char *value);
/* Nothing is left. */
void headerlines_clear(struct headerlines *h);

#endif
