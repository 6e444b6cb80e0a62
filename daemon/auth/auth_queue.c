/* SPDX-License-Identifier: ISC */
/* auth_queue.c: requests that wait until their token is known. */
#include "autoconf.h"

#include <stdlib.h>
#include <string.h>

#include "auth/auth_impl.h"
#include "base/share.h"
#include "http/exchange.h"

/* W, which is in no queue any more, gives its place back. Its memory is not touched. */
static void leave_place(const struct auth_waiter *w)
{
	share_give(w->queue->auth->waiting, w->holder);
	free(w->holder);
}

/* The client left: nothing is owed to it. */
static void on_gone(struct exchange *x, void *arg)
{
	struct auth_waiter *w = arg;

	(void)x;
	TAILQ_REMOVE(&w->queue->waiters, w, link);
	leave_place(w);
	free(w);
}

/* Whose place W needs. */
static const char *holder_of(const struct auth_waiter *w)
{
	return w->ask ? w->ask->holder : exchange_holder(w->x);
}

bool auth_has_room(struct auth *a, const struct auth_waiter *w)
{
	return share_check(a->waiting, holder_of(w), NULL) == 0;
}

/* Takes a place for W. 0 or ERR_NOMEM. */
static int take_place(struct auth *a, struct auth_waiter *w, const char *holder)
{
	w->holder = holder ? strdup(holder) : NULL;
	if ((!holder || w->holder) && share_take(a->waiting, w->holder, NULL) == 0)
		return 0;
	free(w->holder);
	return ERR_NOMEM;
}

enum auth_result auth_wait(struct auth_queue *q, const struct auth_waiter *like)
{
	struct auth *a = q->auth;
	struct auth_waiter *w;

	if (stopping_has_begun(a->stopping))
		return AUTH_UNAVAILABLE;
	if (!auth_has_room(a, like))
		return AUTH_BUSY;
	w = calloc(1, sizeof *w);
	if (!w)
		return AUTH_UNAVAILABLE;
	*w = *like;
	w->queue = q;
	w->token = NULL;
	if (take_place(a, w, holder_of(like)) < 0) {
		free(w);
		return AUTH_UNAVAILABLE;
	}
	TAILQ_INSERT_TAIL(&q->waiters, w, link);
	if (w->ask)
		w->ask->waiter = w;
	else
		exchange_on_gone(w->x, on_gone, w);
	return AUTH_WAIT;
}

bool auth_next(struct auth_queue *q, struct auth_waiter *w_r)
{
	struct auth_waiter *w = TAILQ_FIRST(&q->waiters);

	if (!w)
		return false;
	TAILQ_REMOVE(&q->waiters, w, link);
	if (w->ask)
		w->ask->waiter = NULL;
	else
		exchange_on_gone(w->x, NULL, NULL);
	leave_place(w);
	*w_r = *w;
	w_r->holder = NULL;
	free(w);
	return true;
}

void auth_precheck_cancel(struct auth_ask *ask)
{
	if (ask->waiter)
		on_gone(NULL, ask->waiter);
	explicit_bzero(ask->token, strlen(ask->token));
	free(ask->holder);
	free(ask);
}
