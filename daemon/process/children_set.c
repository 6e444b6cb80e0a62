/* SPDX-License-Identifier: ISC */
/* children_set.c: finds, counts and removes the members of the set of children. */
#include "autoconf.h"

#include "process/children_impl.h"

struct child *children_find(const struct children *cs, pid_t pid)
{
	struct child *c;

	LIST_FOREACH (c, &cs->by_pid[(unsigned)pid % CHILDREN_BUCKETS], bucket)
		if (c->pid == pid)
			return c;
	return NULL;
}

void children_forget(struct child *c)
{
	LIST_REMOVE(c, bucket);
}

static void call_empty(void *arg)
{
	struct children *cs = arg;
	void (*fn)(void *) = cs->empty_fn;

	if (cs->n > 0 || !fn)
		return; /* one more was started meanwhile */
	cs->empty_fn = NULL;
	fn(cs->empty_arg);
}

static void check_empty(struct children *cs)
{
	if (cs->n == 0 && cs->empty_fn)
		defer_call(&cs->empty, call_empty, cs);
}

void children_remove(struct child *c)
{
	struct children *cs = c->set;

	if (!c->reaped)
		children_forget(c);
	TAILQ_REMOVE(&cs->all, c, entry);
	cs->n--;
	places_give(cs->places, c->name, c->peer, c->holder);
	watch_end(c);
	/* What it left to itself is fair game from now on. */
	children_scan_soon(cs);
	check_empty(cs);
}

void children_when_empty(struct children *cs, void (*fn)(void *arg), void *arg)
{
	cs->empty_fn = fn;
	cs->empty_arg = arg;
	check_empty(cs);
}

unsigned children_count(const struct children *cs)
{
	return cs->n;
}

void children_scan_soon(struct children *cs)
{
	defer_call(&cs->scan, cs->scan_fn, cs);
}
