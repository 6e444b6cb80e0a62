/* SPDX-License-Identifier: ISC */
/* web_tools.h: the tools that a web endpoint tells, page by page, as {"tools": [...],
 * "nextCursor"?} of MCP's tools/list. */
#ifndef MCPD_WEB_TOOLS_H
#define MCPD_WEB_TOOLS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

struct offer;
struct schema;
struct web_tools;

struct web_tools *web_tools_new(void); /* NULL on lack of memory */
void web_tools_free(struct web_tools **t);

/* Adds a page of LEN bytes of JSON, nested MAX_DEPTH deep at most. An entry that cannot be a tool
 * is left out, and so are a second one of the same name and one with a pattern in its schemas that
 * is too large to be compiled, alone or together with those before; one without inputSchema takes
 * anything. *CURSOR_R is what asks for the next page (malloc'd), NULL after the last. 0,
 * ERR_PROTOCOL, ERR_PARSE, ERR_LIMIT or ERR_NOMEM. */
int web_tools_add(struct web_tools *t, const char *page, size_t len, unsigned max_depth,
		  char **cursor_r, struct err *e);
/* Why the first of what was left out was left out, with its name; "" if nothing was. */
const char *web_tools_complaint(const struct web_tools *t);
/* How many entries were left out. */
size_t web_tools_left_out(const struct web_tools *t);

/* The tools as an offer of a server called NAME. NULL on lack of memory. */
struct offer *web_tools_offer(const struct web_tools *t, const char *name);

/* The entry of the tool NAME: borrowed, NULL without one. */
json_t *web_tools_entry(const struct web_tools *t, const char *name);
/* Whether ARGUMENTS are what the tool NAME takes, as far as its inputSchema keeps to what mcpd
 * checks (schema.h); else it is for the endpoint to say. 0, ERR_INVALID or ERR_LIMIT (too much to
 * check) with the reason, or ERR_NOMEM. */
int web_tools_check(const struct web_tools *t, const char *name, json_t *arguments, struct err *e);
/* The outputSchema of NAME, where mcpd can check it: borrowed; NULL: none. */
struct schema *web_tools_output(const struct web_tools *t, const char *name);

#endif
