/* SPDX-License-Identifier: ISC */
/* scopes.h: finds the scopes that are needed for the tools of a request (auth.toolScopes). */
#ifndef MCPD_SCOPES_H
#define MCPD_SCOPES_H

#include <jansson.h>

struct auth_needs;
struct post;
struct view;

/* Adds to NEEDS the scopes that RULES (an object: "SERVER/TOOL" or "SERVER/" and "*", with an array
 * of scopes; NULL: none) ask for the tools of V that POST (NULL: nothing) calls. */
void scopes_of_tools(json_t *rules, struct view *v, const struct post *post,
		     struct auth_needs *needs);

#endif
