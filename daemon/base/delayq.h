/* SPDX-License-Identifier: ISC */
/* delayq.h: many timers of one and the same delay for the price of one.
 *
 * Everything in a queue waits equally long, so the queue is in order of time by itself and one
 * libevent timer serves it: no allocation, no heap, 40 bytes for each waiting object. */
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

/* Already in this queue or in another: leaves it, and the delay starts afresh. */
void delayq_add(struct delayq *q, struct delayq_node *node);
/* Not in this queue (but maybe in another): nothing happens. */
void delayq_remove(struct delayq *q, struct delayq_node *node);
int64_t delayq_delay(const struct delayq *q);

#endif
