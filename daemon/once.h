/* once.h: numbers that are good once: which of them were used is known for a while, and no longer than what
 * they stand for could be shown again. */
#ifndef MCPD_ONCE_H
#define MCPD_ONCE_H

#include <stddef.h>
#include <stdint.h>

struct event_base;
struct once;

/* A number is remembered for KEEP_MS, and at most MAX of them at a time. NULL on lack of memory. */
struct once *once_new(struct event_base *base, int64_t keep_ms, size_t max);
void once_free(struct once **o);
/* N is used now. 0, ERR_EXISTS when it was before, ERR_LIMIT or ERR_NOMEM when that could not be kept. */
int once_use(struct once *o, uint64_t n);

#endif
