/* SPDX-License-Identifier: ISC */
#include "base/defer.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stddef.h>

#include "base/pace.h"
#include "base/turns.h"
#include "lib/err.h"

TAILQ_HEAD(defer_queue, defer);

static struct defer_queue queue = TAILQ_HEAD_INITIALIZER(queue);
/* Stands in the queue while a turn runs: what is behind it belongs to the next one. */
static struct defer turn_end;
static struct event wakeup;
static bool ready;

static void wake(void)
{
	static const struct timeval now;

	if (!ready || evtimer_pending(&wakeup, NULL))
		return;
	/* A timer leaves room for I/O between two turns. It may lack memory; activating never does.
	 */
	if (evtimer_add(&wakeup, &now) < 0)
		event_active(&wakeup, EV_TIMEOUT, 0);
}

static void run_one(struct defer *d)
{
	TAILQ_REMOVE(&queue, d, link);
	d->queued = false;
	d->fn(d->arg); /* D may be freed now */
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct defer *d;

	(void)fd;
	(void)what;
	(void)arg;
	turns_doing("what was put off", NULL);
	TAILQ_INSERT_TAIL(&queue, &turn_end, link);
	while ((d = TAILQ_FIRST(&queue)) != &turn_end)
		run_one(d);
	TAILQ_REMOVE(&queue, &turn_end, link);
	if (!TAILQ_EMPTY(&queue))
		wake();
}

int defer_init(struct event_base *base)
{
	if (evtimer_assign(&wakeup, base, on_turn, NULL) < 0 || pace_begin(base) < 0)
		return ERR_NOMEM;
	ready = true;
	if (!TAILQ_EMPTY(&queue))
		wake();
	return 0;
}

void defer_fini(void)
{
	struct defer *d;

	while ((d = TAILQ_FIRST(&queue)))
		run_one(d);
	if (ready)
		event_del(&wakeup);
	ready = false;
	pace_end();
}

void defer_call(struct defer *d, void (*fn)(void *arg), void *arg)
{
	if (d->queued)
		return;
	d->fn = fn;
	d->arg = arg;
	d->queued = true;
	TAILQ_INSERT_TAIL(&queue, d, link);
	wake();
}

void defer_cancel(struct defer *d)
{
	if (!d->queued)
		return;
	TAILQ_REMOVE(&queue, d, link);
	d->queued = false;
}
