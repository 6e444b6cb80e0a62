/* SPDX-License-Identifier: ISC */
/* children_watch.h: tells the keeper (children_keeper.h) of the processes below children, soon
 * after they are there.
 *
 * The kernel does not report the processes that a child starts, so the trees of children are read:
 * a moment after the start of a child, a moment after it has read or written something, and every
 * half minute. A look reads some files of /proc for each process; how many are read in one turn of
 * the loop is limited, and further children wait. For the children*.c files alone. */
#ifndef MCPD_CHILDREN_WATCH_H
#define MCPD_CHILDREN_WATCH_H

#include <event2/event_struct.h>
#include <sys/queue.h>

struct child;
struct children;
struct children_keeper;
struct event_base;

TAILQ_HEAD(watch_queue, child);

struct watch {
	struct watch_queue queue; /* children that wait for a look */
	struct event tick, sweep;
	const struct children_keeper *keeper; /* NULL: nothing is looked at */
	void *arg;
};

/* 0 or ERR_NOMEM. */
int watch_init(struct children *cs);
void watch_fini(struct children *cs);
/* C is new, or did something: a look at its tree is due. Costs next to nothing; never fails. */
void watch_ask(struct child *c);
/* C has ended: the keeper drops its record of C. */
void watch_end(struct child *c);
/* C is given up though it may be alive: the keeper's record of C stays. */
void watch_forget(struct child *c);

#endif
