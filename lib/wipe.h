/* SPDX-License-Identifier: ISC */
/* wipe.h: overwrites and frees a secret text. */
#ifndef MCPD_WIPE_H
#define MCPD_WIPE_H

#include <stdlib.h>
#include <string.h>

/* Overwrites TEXT (malloc'd; NULL: nothing to do) up to its NUL, and frees it. */
static inline void wipe_free(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

#endif
