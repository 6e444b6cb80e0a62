/* SPDX-License-Identifier: ISC */
#include "legacy/replay.h"

#include <event2/buffer.h>
#include <stdlib.h>

#include "base/container.h"
#include "lib/err.h"

static size_t cost_of(size_t len)
{
	return budget_block(sizeof(struct replay_event) + len);
}

static void drop(struct replay *r, struct replay_event *ev)
{
	TAILQ_REMOVE(&r->events, ev, link);
	if (r->aging)
		delayq_remove(r->aging, &ev->age);
	r->count--;
	budget_give(&r->held, cost_of(ev->len));
	free(ev);
}

static void evict(struct replay *r, struct replay_event *ev)
{
	void *owner = ev->owner;
	uint32_t seq = ev->seq;

	drop(r, ev);
	r->evicted(owner, seq, r->arg);
}

static void on_old(struct delayq_node *node, void *arg)
{
	struct replay_event *ev = container_of(node, struct replay_event, age);

	(void)arg;
	evict(ev->replay, ev);
}

struct delayq *replay_aging_new(struct event_base *base, int64_t age_ms)
{
	return delayq_new(base, age_ms, on_old, NULL);
}

void replay_init(struct replay *r, struct delayq *aging, struct budget *budget, unsigned max_count,
		 size_t max_bytes, void (*evicted)(void *owner, uint32_t seq, void *arg), void *arg)
{
	TAILQ_INIT(&r->events);
	r->aging = aging;
	r->count = 0;
	r->max_count = max_count;
	r->held = (struct budget_part){.of = budget_ref(budget)};
	r->max_bytes = max_bytes;
	r->evicted = evicted;
	r->arg = arg;
}

void replay_fini(struct replay *r)
{
	struct replay_event *ev;

	while ((ev = TAILQ_FIRST(&r->events)))
		drop(r, ev);
	budget_end(&r->held);
}

/* Whether there is room for COST, once the oldest events have gone. */
static bool make_room(struct replay *r, size_t cost)
{
	while (r->count >= r->max_count || r->held.held + cost > r->max_bytes ||
	       budget_check(r->held.of, cost, NULL) < 0) {
		if (TAILQ_EMPTY(&r->events))
			return false;
		evict(r, TAILQ_FIRST(&r->events));
	}
	return true;
}

int replay_add(struct replay *r, void *owner, uint32_t seq, struct evbuffer *frame)
{
	size_t len = evbuffer_get_length(frame), cost = cost_of(len);
	struct replay_event *ev;

	if (cost > r->max_bytes || r->max_count == 0 || !make_room(r, cost))
		return ERR_LIMIT;
	ev = malloc(sizeof *ev + len);
	if (!ev)
		return ERR_NOMEM;
	ev->age.queued = false;
	ev->replay = r;
	ev->owner = owner;
	ev->seq = seq;
	ev->len = len;
	evbuffer_copyout(frame, ev->frame, len);
	TAILQ_INSERT_TAIL(&r->events, ev, link);
	if (r->aging)
		delayq_add(r->aging, &ev->age);
	r->count++;
	budget_add(&r->held, cost);
	return 0;
}

int replay_copy(const struct replay *r, const void *owner, uint32_t seq, struct evbuffer *out)
{
	const struct replay_event *ev;

	TAILQ_FOREACH (ev, &r->events, link) {
		if (ev->owner == owner && ev->seq > seq &&
		    evbuffer_add(out, ev->frame, ev->len) < 0)
			return ERR_NOMEM;
	}
	return 0;
}

void replay_forget(struct replay *r, const void *owner)
{
	struct replay_event *ev, *next;

	for (ev = TAILQ_FIRST(&r->events); ev; ev = next) {
		next = TAILQ_NEXT(ev, link);
		if (ev->owner == owner)
			drop(r, ev);
	}
}
