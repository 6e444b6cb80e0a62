/* SPDX-License-Identifier: ISC */
/* heap.h: how the allocator treats large messages, and what many small things leave behind.
 *
 * By default glibc takes a mapping of its own for each large block, and the kernel has to clear its
 * pages again for each message. So large blocks come from the heap, which keeps its pages for the
 * next message, and gives them back once large messages have stopped for a second. Nor does glibc
 * give back by itself what thousands of sessions and connections had, since a block that is in use
 * stands at the end: that is given back once many of them have ended. */
#ifndef MCPD_HEAP_H
#define MCPD_HEAP_H

#include <stddef.h>

struct event_base;

/* Once, at the start. BASE outlives the last heap_passed(). 0 or ERR_NOMEM. */
int heap_setup(struct event_base *base);
/* Forgets BASE. */
void heap_fini(void);
/* A message of BYTES is passing: the heap is trimmed a second after the last large one. */
void heap_passed(size_t bytes);
/* A session or a connection was freed: the heap is trimmed a second after many of them. */
void heap_ended(void);

#endif
