/* SPDX-License-Identifier: ISC */
#include "base/delayq.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "base/turns.h"

struct delayq {
	TAILQ_HEAD(, delayq_node) nodes; /* by time: the first comes due first */
	int64_t delay;
	delayq_fn fn;
	void *arg;
	struct event timer; /* pending while there are nodes; may ring too early, never too late */
};

/* Where memory lacks for the timer, the next delayq_add() tries again. */
static void arm(struct delayq *q, int64_t ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	evtimer_add(&q->timer, &tv);
}

static void unlink_node(struct delayq *q, struct delayq_node *node)
{
	TAILQ_REMOVE(&q->nodes, node, link);
	node->queued = false;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct delayq *q = arg;
	struct delayq_node *node;
	int64_t now = clock_ms();

	(void)fd;
	(void)what;
	turns_doing("timers", NULL);
	while ((node = TAILQ_FIRST(&q->nodes)) && node->due <= now) {
		unlink_node(q, node);
		q->fn(node, q->arg); /* NODE may be freed now */
	}
	if (node)
		arm(q, node->due - now);
}

struct delayq *delayq_new(struct event_base *base, int64_t delay_ms, delayq_fn fn, void *arg)
{
	struct delayq *q = calloc(1, sizeof *q);

	if (!q)
		return NULL;
	TAILQ_INIT(&q->nodes);
	q->delay = delay_ms;
	q->fn = fn;
	q->arg = arg;
	if (evtimer_assign(&q->timer, base, on_timer, q) < 0) {
		free(q);
		return NULL;
	}
	return q;
}

void delayq_free(struct delayq **q)
{
	struct delayq_node *node;

	if (!*q)
		return;
	while ((node = TAILQ_FIRST(&(*q)->nodes)))
		unlink_node(*q, node);
	event_del(&(*q)->timer);
	free(*q);
	*q = NULL;
}

void delayq_add(struct delayq *q, struct delayq_node *node)
{
	if (node->queued && node->in == q)
		unlink_node(q, node); /* and leave the timer alone: it will be needed */
	else if (node->queued)
		delayq_remove(node->in, node);
	if (q->delay <= 0)
		return;
	node->due = clock_ms() + q->delay;
	node->in = q;
	node->queued = true;
	TAILQ_INSERT_TAIL(&q->nodes, node, link);
	/* A timer that is already set rings for an older node, or for none, and then sets itself.
	 */
	if (!evtimer_pending(&q->timer, NULL))
		arm(q, TAILQ_FIRST(&q->nodes)->due - (node->due - q->delay));
}

void delayq_remove(struct delayq *q, struct delayq_node *node)
{
	if (!node->queued || node->in != q)
		return;
	unlink_node(q, node);
	if (TAILQ_EMPTY(&q->nodes))
		event_del(&q->timer);
}

int64_t delayq_delay(const struct delayq *q)
{
	return q->delay;
}
