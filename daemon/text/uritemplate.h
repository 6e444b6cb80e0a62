/* SPDX-License-Identifier: ISC */
/* uritemplate.h: whether a URI may come from a template (RFC 6570), for finding the server that a
 * resource belongs to. Percent-encoding and lists of variables are not checked, so a
 * match may be too generous. */
#ifndef MCPD_URITEMPLATE_H
#define MCPD_URITEMPLATE_H

#include <stdbool.h>

struct uritemplate;

/* NULL on lack of memory. A brace that is never closed stands for itself. */
struct uritemplate *uritemplate_new(const char *text);
void uritemplate_free(struct uritemplate **t);

/* An expression matches any run (also an empty one) of characters without "/"; with one of the
 * operators + # / ; ? & any run at all. The time is bounded by the product of both lengths; a URI
 * over 8192 bytes and a template over 1024 elements match nothing. */
bool uritemplate_match(const struct uritemplate *t, const char *uri);

#endif
