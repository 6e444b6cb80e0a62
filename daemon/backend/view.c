/* SPDX-License-Identifier: ISC */
#include "backend/view.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

struct view {
	struct event_base *base;
	struct backend **backends;
	size_t n;
	bool prefix;
	bool waited; /* the wait is over, settled or not */
	bool read;   /* a client has read a list, and has to be told of changes */
	struct catalog *catalogs[MCP_REVS]; /* NULL: made at the next use */
	struct event *wait_over;
	TAILQ_HEAD(, view_waiter) waiters;
	TAILQ_HEAD(, view_watch) watches;
};

/* Lets everybody who waits go on. Each may add and remove others. */
static void release(struct view *v)
{
	struct view_waiter *w;

	while ((w = TAILQ_FIRST(&v->waiters))) {
		view_unwait(v, w);
		w->fn(w->arg);
	}
}

static void on_wait_over(evutil_socket_t fd, short what, void *arg)
{
	struct view *v = arg;

	(void)fd, (void)what;
	v->waited = true;
	release(v);
}

static void forget_catalogs(struct view *v)
{
	for (size_t i = 0; i < MCP_REVS; i++)
		catalog_free(&v->catalogs[i]);
}

static bool all_learnt(const struct view *v)
{
	for (size_t i = 0; i < v->n; i++) {
		if (backend_state(v->backends[i]) == BACKEND_LEARNING)
			return false;
	}
	return true;
}

static void on_backend_changed(struct backend *b, unsigned kinds, void *arg)
{
	struct view *v = arg;
	struct view_watch *w, *next;

	(void)b;
	forget_catalogs(v);
	if (!v->read)
		kinds = 0;
	for (w = TAILQ_FIRST(&v->watches); kinds && w; w = next) {
		next = TAILQ_NEXT(w, link);
		w->changed(v, kinds, w->arg);
	}
	if (all_learnt(v))
		event_active(v->wait_over, EV_TIMEOUT, 0);
}

static int watch_backends(struct view *v)
{
	struct backend_watch watch = {.changed = on_backend_changed, .arg = v};

	for (size_t i = 0; i < v->n; i++) {
		if (backend_watch(v->backends[i], &watch) < 0)
			return ERR_LIMIT;
	}
	return 0;
}

struct view *view_new(struct event_base *base, struct backend *const *backends, size_t n,
		      bool prefix, int64_t wait_ms)
{
	struct timeval tv = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
	struct view *v = calloc(1, sizeof *v);

	if (!v)
		return NULL;
	TAILQ_INIT(&v->waiters);
	TAILQ_INIT(&v->watches);
	v->base = base;
	v->prefix = prefix;
	v->wait_over = evtimer_new(base, on_wait_over, v);
	v->backends = calloc(n ? n : 1, sizeof(struct backend *));
	if (!v->wait_over || !v->backends || evtimer_add(v->wait_over, &tv) < 0) {
		view_free(&v);
		return NULL;
	}
	memcpy(v->backends, backends, n * sizeof *backends);
	v->n = n;
	if (watch_backends(v) < 0)
		view_free(&v);
	return v;
}

void view_free(struct view **vp)
{
	struct view *v = *vp;

	*vp = NULL;
	if (!v)
		return;
	for (size_t i = 0; i < v->n; i++)
		backend_unwatch(v->backends[i], v);
	if (v->wait_over)
		event_free(v->wait_over);
	forget_catalogs(v);
	free(v->backends);
	free(v);
}

size_t view_size(const struct view *v)
{
	return v->n;
}

struct backend *view_backend(const struct view *v, size_t i)
{
	return v->backends[i];
}

const struct catalog *view_catalog(struct view *v, enum mcp_rev rev)
{
	struct catalog_source *sources;

	v->read = true;
	if (v->catalogs[rev])
		return v->catalogs[rev];
	sources = calloc(v->n ? v->n : 1, sizeof *sources);
	if (!sources)
		return NULL;
	for (size_t i = 0; i < v->n; i++) {
		sources[i].name = backend_name(v->backends[i]);
		sources[i].offer = backend_offer(v->backends[i]);
	}
	v->catalogs[rev] = catalog_new(sources, v->n, v->prefix, rev);
	free(sources);
	return v->catalogs[rev];
}

bool view_per_token(const struct view *v)
{
	for (size_t i = 0; i < v->n; i++) {
		if (backend_per_token(v->backends[i]))
			return true;
	}
	return false;
}

bool view_prefixed(const struct view *v)
{
	return v->prefix;
}

/* Not before those who wait go on: what comes now may build on what they do, and must not overtake
 * it. */
bool view_settled(const struct view *v)
{
	return v->waited || (TAILQ_EMPTY(&v->waiters) && all_learnt(v));
}

bool view_incomplete(const struct view *v)
{
	for (size_t i = 0; i < v->n; i++) {
		if (!backend_offer(v->backends[i]))
			return true;
	}
	return false;
}

void view_wait(struct view *v, struct view_waiter *w)
{
	if (w->queued)
		return;
	w->queued = true;
	TAILQ_INSERT_TAIL(&v->waiters, w, link);
}

void view_unwait(struct view *v, struct view_waiter *w)
{
	if (!w->queued)
		return;
	w->queued = false;
	TAILQ_REMOVE(&v->waiters, w, link);
}

void view_watch(struct view *v, struct view_watch *w)
{
	TAILQ_INSERT_TAIL(&v->watches, w, link);
}

void view_unwatch(struct view *v, struct view_watch *w)
{
	TAILQ_REMOVE(&v->watches, w, link);
}
