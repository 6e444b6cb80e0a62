/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "process/children_watch.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/turns.h"
#include "process/children_impl.h"
#include "process/children_keeper.h"

#define TICK_MS 100
#define SWEEP_S 30
#define TICK_BUDGET                                                                                \
	32 /* processes that are read in one tick; a child that was begun is finished              \
	    */
#define MAX_NOTED                                                                                  \
	256 /* processes of one child that the keeper is told of, those near the child first */

/* Whether TREE has a process that the keeper does not know of. One that has ended since does no
 * harm: what is kept names it by its start time, too. */
static bool has_news(const struct child *c, const struct proclist *tree)
{
	const struct proclist *old = &c->noted;
	size_t j;

	for (size_t i = 0; i < tree->n; i++) {
		for (j = 0; j < old->n; j++)
			if (old->v[j].pid == tree->v[i].pid && old->v[j].start == tree->v[i].start)
				break;
		if (j == old->n)
			return true;
	}
	return false;
}

/* A look at the tree of C. Returns how many processes were read. */
static size_t look(struct watch *w, struct child *c)
{
	struct proclist tree = {.n = 0};
	struct kept_child kept = {.name = c->name, .session = c->session, .tree = &tree};
	size_t n;

	child_processes(c, &tree, MAX_NOTED);
	n = tree.n > 0 ? tree.n : 1;
	if (has_news(c, &tree) && w->keeper->keep(&kept, w->arg) == 0) {
		free(c->noted.v);
		c->noted = tree;
	} else {
		free(tree.v);
	}
	return n;
}

/* Without memory for the timer the look waits for the next watch_ask(). */
static void arm(struct event *ev, long seconds, long ms)
{
	const struct timeval tv = {.tv_sec = seconds, .tv_usec = ms * 1000};

	if (!evtimer_pending(ev, NULL))
		evtimer_add(ev, &tv);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;
	struct child *c;
	size_t n = 0;

	(void)fd, (void)what;
	turns_doing("processes of children", NULL);
	while (n < TICK_BUDGET && (c = TAILQ_FIRST(&w->queue))) {
		TAILQ_REMOVE(&w->queue, c, look);
		c->look_due = false;
		n += look(w, c);
	}
	if (!TAILQ_EMPTY(&w->queue))
		arm(&w->tick, 0, TICK_MS);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct children *cs = arg;
	struct child *c;

	(void)fd, (void)what;
	TAILQ_FOREACH (c, &cs->all, entry)
		watch_ask(c);
}

int watch_init(struct children *cs)
{
	struct watch *w = &cs->watch;

	TAILQ_INIT(&w->queue);
	return evtimer_assign(&w->tick, cs->base, on_tick, w) < 0 ||
			       evtimer_assign(&w->sweep, cs->base, on_sweep, cs) < 0
		       ? ERR_NOMEM
		       : 0;
}

void watch_fini(struct children *cs)
{
	event_del(&cs->watch.tick);
	event_del(&cs->watch.sweep);
}

void watch_ask(struct child *c)
{
	struct watch *w = &c->set->watch;

	if (!w->keeper || c->look_due || c->reaped || c->pid <= 0)
		return;
	c->look_due = true;
	TAILQ_INSERT_TAIL(&w->queue, c, look);
	arm(&w->tick, 0, TICK_MS);
	arm(&w->sweep, SWEEP_S, 0);
}

void watch_forget(struct child *c)
{
	if (c->look_due)
		TAILQ_REMOVE(&c->set->watch.queue, c, look);
	c->look_due = false;
	free(c->noted.v);
	c->noted = (struct proclist){.n = 0};
}

void watch_end(struct child *c)
{
	struct watch *w = &c->set->watch;

	if (c->noted.n > 0 && w->keeper)
		w->keeper->drop(&c->noted.v[0], w->arg);
	watch_forget(c);
}

void children_set_keeper(struct children *cs, const struct children_keeper *keeper, void *arg)
{
	cs->watch.keeper = keeper;
	cs->watch.arg = arg;
	if (!keeper)
		watch_fini(cs);
}
