/* SPDX-License-Identifier: ISC */
/* pace.h: what is told again and again is told once in a second at most. What comes meanwhile is
 * put together and told at the end of that second, so the last always arrives.
 *
 * Kinds of news are bits, each with a pace of its own. Needs no allocation: the node is part of the
 * object that tells. */
#ifndef MCPD_PACE_H
#define MCPD_PACE_H

#include "base/delayq.h"

/* 1000. Tests make it shorter before defer_init(), which begins the pace as well. */
extern int64_t pace_ms;

struct pace {
	struct delayq_node node;
	unsigned told, pending; /* kinds: told in this second; to be told after it */
	void (*fn)(void *arg, unsigned kinds);
	void *arg;
};

/* FN tells; it may stop P and free what P is part of. */
void pace_init(struct pace *p, void (*fn)(void *arg, unsigned kinds), void *arg);
/* There is news of KINDS: FN gets those that were not told in this second, now, and the others
 * later. P may be gone after it. */
void pace_tell(struct pace *p, unsigned kinds);
/* Nothing is told any more. */
void pace_stop(struct pace *p);

/* For defer.c alone: the loop begins and ends. 0 or ERR_NOMEM. */
int pace_begin(struct event_base *base);
void pace_end(void);

#endif
