/* SPDX-License-Identifier: ISC */
/* once.h: numbers that may be used once. A used number is remembered until the sealed state that
 * carries the number has expired. */
#ifndef MCPD_ONCE_H
#define MCPD_ONCE_H

#include <stdint.h>

#include "lib/err.h"

struct event_base;
struct once;
struct share;

/* A number is remembered for KEEP_MS, and at most limits.maxStates = MAX of them at a time, of
 * which one holder has PERCENT (share.h). NULL on lack of memory. */
struct once *once_new(struct event_base *base, int64_t keep_ms, unsigned max, unsigned percent);
void once_free(struct once **o);
/* Marks N as used, by HOLDER (copied; NULL: has no share). 0; ERR_EXISTS: N was used before;
 * ERR_LIMIT (E names the limit) or ERR_NOMEM: the use cannot be remembered. */
int once_use(struct once *o, uint64_t n, const char *holder, struct err *e);
const struct share *once_share(const struct once *o);

#endif
