/* SPDX-License-Identifier: ISC */
/* defer.h: "in a later turn of the loop". Closing never frees: memory goes when nobody up the stack
 * can hold it any more. Needs no allocation: the node is part of the object. */
#ifndef MCPD_DEFER_H
#define MCPD_DEFER_H

#include <stdbool.h>
#include <sys/queue.h>

struct event_base;

struct defer {
	TAILQ_ENTRY(defer) link;
	void (*fn)(void *arg);
	void *arg;
	bool queued;
};

/* Once for each loop, before anything is deferred. 0 or ERR_NOMEM. */
int defer_init(struct event_base *base);
/* Runs what is still queued (and what that queues), then lets go of the loop. */
void defer_fini(void);

/* Runs FN(ARG) once in a later turn. A second call before it ran does nothing. */
void defer_call(struct defer *d, void (*fn)(void *arg), void *arg);
void defer_cancel(struct defer *d);

#endif
