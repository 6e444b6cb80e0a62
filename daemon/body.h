/* SPDX-License-Identifier: ISC */
/* body.h: reads the body of a POST. */
#ifndef MCPD_BODY_H
#define MCPD_BODY_H

#include <stdbool.h>

struct config_limits;
struct exchange;
struct post;

/* What the body of X, which is taken out of X, says. False: X was answered, because the body is no
 * JSON (415, 400), no message of JSON-RPC (400), or names something with a NUL inside (names.h).
 * POST is to be cleared in any case. */
bool body_read(struct exchange *x, const struct config_limits *limits, struct post *post);

#endif
