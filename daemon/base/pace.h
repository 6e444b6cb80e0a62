/* SPDX-License-Identifier: ISC */
/* pace.h: limits notices to one of each kind in a second. Notices that come meanwhile are merged,
 * and sent at the end of the second, so the last one always arrives.
 *
 * Kinds of notices are bits, and each kind has a second of its own. A pace is part of the object
 * that sends the notices, and is never allocated. */
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

/* FN sends the notices of KINDS. FN may stop P and free the object that P is part of. */
void pace_init(struct pace *p, void (*fn)(void *arg, unsigned kinds), void *arg);
/* Calls FN with those of KINDS that were not sent in this second, and later with the others. The
 * object of P may be freed when this returns. */
void pace_tell(struct pace *p, unsigned kinds);
/* FN is not called any more. */
void pace_stop(struct pace *p);

/* For defer.c alone: the loop begins and ends. 0 or ERR_NOMEM. */
int pace_begin(struct event_base *base);
void pace_end(void);

#endif
