/* SPDX-License-Identifier: ISC */
/* delayq.h: many timers with one delay.
 *
 * All nodes of a queue wait equally long, so the queue is sorted by time, and one libevent timer
 * serves it. A node is part of the object that waits, 40 bytes, and is never allocated. */
#ifndef MCPD_DELAYQ_H
#define MCPD_DELAYQ_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/clock.h"

struct event_base;
struct delayq;

struct delayq_node {
	TAILQ_ENTRY(delayq_node) link;
	int64_t due;	   /* milliseconds, monotonic */
	struct delayq *in; /* which queue; only where it is queued */
	bool queued;
};

typedef void (*delayq_fn)(struct delayq_node *node, void *arg);

/* A queue whose nodes come due DELAY_MS after delayq_add(). FN gets each due node, which is out of
 * the queue by then; FN may add, remove and free nodes of this queue. NULL on lack of memory.
 * A DELAY_MS of 0 or less makes a queue in which nothing ever comes due ("off"). */
struct delayq *delayq_new(struct event_base *base, int64_t delay_ms, delayq_fn fn, void *arg);
void delayq_free(struct delayq **q); /* the nodes are not touched, except that they are unqueued */

/* Adds NODE. A NODE that is queued, here or elsewhere, is removed first; its delay starts again. */
void delayq_add(struct delayq *q, struct delayq_node *node);
/* Removes NODE. A NODE that is not in Q, though perhaps in another queue, stays as it is. */
void delayq_remove(struct delayq *q, struct delayq_node *node);
int64_t delayq_delay(const struct delayq *q);

#endif
