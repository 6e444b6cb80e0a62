/* SPDX-License-Identifier: ISC */
/* body.h: reads the body of a POST. */
#ifndef MCPD_BODY_H
#define MCPD_BODY_H

#include <stdbool.h>

struct config_limits;
struct exchange;
struct post;

/* Takes the body out of X and reads it as POST. False: X was answered, because the body is not JSON
 * (415, 400), no JSON-RPC message (400), or names something with a NUL inside (names.h). The caller
 * clears POST in any case. */
bool body_read(struct exchange *x, const struct config_limits *limits, struct post *post);

#endif
