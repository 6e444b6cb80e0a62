/* SPDX-License-Identifier: ISC */
/* xheader.h: arguments of a tool that are repeated in Mcp-Param-* headers, as its inputSchema says
 * with "x-mcp-header" (2026-07-28, Streamable HTTP, "Custom Headers from Tool Parameters"). */
#ifndef MCPD_XHEADER_H
#define MCPD_XHEADER_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/err.h"

/* Calls FN for each annotated property that a chain of "properties" reaches; VALUE is what
 * ARGUMENTS has there (NULL: nothing). Stops at the first non-zero result, which is returned. */
int xheader_each(const json_t *schema, const json_t *arguments,
		 int (*fn)(const char *header, const json_t *value, void *arg), void *arg);

/* Whether SCHEMA (may be NULL) annotates any property that a chain of "properties" reaches. */
bool xheader_wanted(const json_t *schema);

/* Checks the annotations of SCHEMA: a name that is a token, unique without regard to case, on a
 * property of type integer, string or boolean (number is tolerated), and none where no chain of
 * properties leads. 0, or ERR_INVALID with the reason. */
int xheader_check(const json_t *schema, struct err *e);

#endif
