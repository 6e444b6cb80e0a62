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

/* Adds a line. With VALUE = NULL nothing is added. 0, ERR_NOMEM, or ERR_INVALID where VALUE cannot
 * be the value of a header. */
int headerlines_add(struct headerlines *h, const char *name, const char *value);
/* Frees all lines. */
void headerlines_clear(struct headerlines *h);

#endif
