/* SPDX-License-Identifier: ISC */
/* view.h: the backends that one path of the endpoint serves ("/mcp": all, "/mcp/NAME": one), with
 * their merged catalogue, kept up to date. */
#ifndef MCPD_VIEW_H
#define MCPD_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "backend/backend.h"
#include "mcp/catalog.h"

struct view;

/* A callback that waits until each backend of the view was learnt or failed, or the wait is over.
 */
struct view_waiter {
	TAILQ_ENTRY(view_waiter) link;
	void (*fn)(void *arg);
	void *arg;
	bool queued;
};

/* A callback for changed lists. KINDS: bits of 1u << enum offer_kind. */
struct view_watch {
	TAILQ_ENTRY(view_watch) link;
	void (*changed)(struct view *v, unsigned kinds, void *arg);
	void *arg;
};

/* BACKENDS is copied; the backends outlive the view. WAIT_MS bounds each wait. */
struct view *view_new(struct event_base *base, struct backend *const *backends, size_t n,
		      bool prefix, int64_t wait_ms);
void view_free(struct view **v);

size_t view_size(const struct view *v);
struct backend *view_backend(const struct view *v, size_t i);
/* The merged catalogue now, translated to REV; NULL on lack of memory. Borrowed until the next
 * change. */
const struct catalog *view_catalog(struct view *v, enum mcp_rev rev);
/* Some backend of it acts with the client's token (backend_per_token()). */
bool view_per_token(const struct view *v);
bool view_prefixed(const struct view *v);
/* Whether each backend was learnt or has failed once, or the wait is over, and no waiter is left.
 */
bool view_settled(const struct view *v);
/* Some backend has never been learnt (failed, or still learning). */
bool view_incomplete(const struct view *v);

/* Calls W->fn once the view is settled or the wait is over; never from inside this call. Only when
 * !view_settled(). */
void view_wait(struct view *v, struct view_waiter *w);
void view_unwait(struct view *v, struct view_waiter *w);
void view_watch(struct view *v, struct view_watch *w);
void view_unwatch(struct view *v, struct view_watch *w);

#endif
