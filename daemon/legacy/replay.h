/* SPDX-License-Identifier: ISC */
/* replay.h: the events of one session that a client may ask for again (Last-Event-ID), bounded in
 * count, bytes and age. Stored before they are written. Costs nothing until the first event. */
#ifndef MCPD_REPLAY_H
#define MCPD_REPLAY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/budget.h"
#include "base/delayq.h"

struct evbuffer;
struct replay;

struct replay_event {
	TAILQ_ENTRY(replay_event) link;
	struct delayq_node age;
	struct replay *replay;
	void *owner; /* the stream it was an event of */
	uint32_t seq;
	size_t len;
	char frame[]; /* as it went over the wire */
};

struct replay {
	TAILQ_HEAD(, replay_event) events; /* oldest first */
	struct delayq *aging;		   /* shared by all sessions; the nodes are events */
	unsigned count, max_count;
	struct budget_part held; /* what the events cost */
	size_t max_bytes;
	/* An event was evicted: OWNER cannot be replayed from before SEQ any more. */
	void (*evicted)(void *owner, uint32_t seq, void *arg);
	void *arg;
};

/* The memory of the events counts towards MAX_BYTES, and in BUDGET (NULL: that of the whole
 * daemon). AGING: a queue made with replay_aging_new(); NULL: age does not matter. */
void replay_init(struct replay *r, struct delayq *aging, struct budget *budget, unsigned max_count,
		 size_t max_bytes, void (*evicted)(void *owner, uint32_t seq, void *arg),
		 void *arg);
void replay_fini(struct replay *r); /* without telling evicted() */
struct event_base;
struct delayq *replay_aging_new(struct event_base *base, int64_t age_ms);

/* Keeps a copy of FRAME, making room by evicting the oldest. 0, ERR_LIMIT (larger than the whole
 * buffer, or than what the budget has left: not kept, everything older of the owner is useless) or
 * ERR_NOMEM. */
int replay_add(struct replay *r, void *owner, uint32_t seq, struct evbuffer *frame);
/* Appends the frames of OWNER after SEQ to OUT. 0 or ERR_NOMEM. */
int replay_copy(const struct replay *r, const void *owner, uint32_t seq, struct evbuffer *out);
/* Forgets the events of OWNER without telling evicted(). */
void replay_forget(struct replay *r, const void *owner);

#endif
