/* SPDX-License-Identifier: ISC */
/* same.h: equality of texts that may be missing. */
#ifndef MCPD_SAME_H
#define MCPD_SAME_H

#include <stdbool.h>
#include <string.h>

/* Whether A and B are the same text; NULL, no text, is the same as NULL alone. */
static inline bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

#endif
