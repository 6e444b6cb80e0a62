/* SPDX-License-Identifier: ISC */
#include "modern/mreq.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/container.h"
#include "base/share.h"
#include "config/config.h"
#include "http/exchange.h"
#include "http/reply.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "mcp/question.h"
#include "modern/modern_impl.h"
#include "modern/pool.h"
#include "server/server.h"

/* Questions that a tool asks at the same time reach us one after the other. */
#define GATHER_MS 20

struct mreqs {
	const struct config_limits *limits;
	struct eventstreams *answers;
	struct delayq *gather, *expiry;
	TAILQ_HEAD(, mreq) all;
	struct mreq *listed;   /* hash by handle */
	struct share *parking; /* places of the placed */
	void (*gathered)(struct mreq *r, void *arg);
	void *arg;
	uint64_t last_handle;
	size_t n, n_parked;
};

/* ---- the state ---- */

void mreq_displace(struct mreq *r)
{
	if (r->listed)
		HASH_DEL(r->all->listed, r);
	if (r->placed)
		share_give(r->all->parking, pooled_holder(r->pooled));
	r->listed = r->placed = false;
}

/* The one function that sets the state: R leaves the timer, the count and the place of the old one.
 */
static void set_state(struct mreq *r, enum mreq_state state)
{
	bool was_parked = r->state == MREQ_PARKED, is_parked = state == MREQ_PARKED;

	r->state = state;
	r->all->n_parked += (size_t)is_parked - (size_t)was_parked;
	if (was_parked || state == MREQ_OVER)
		mreq_displace(r);
	if (is_parked)
		delayq_add(r->all->expiry, &r->expiry);
	else if (was_parked)
		delayq_remove(r->all->expiry, &r->expiry);
}

static void free_later(void *arg)
{
	struct mreq *r = arg;

	json_decref(r->id);
	jsontext_unref(&r->final);
	json_decref(r->params);
	jsontext_unref(&r->arguments);
	budget_end(&r->held);
	free(r);
}

void mreq_over(struct mreq *r)
{
	if (r->state == MREQ_OVER)
		return;
	bearer_release(&r->hold);
	mreq_drop_asks(r);
	delayq_remove(r->all->gather, &r->gather);
	set_state(r, MREQ_OVER);
	TAILQ_REMOVE(&r->all->all, r, link);
	r->all->n--;
	pool_give(r->pooled);
	defer_call(&r->freeing, free_later, r);
}

/* ---- the exchange ---- */

static struct mreq *mreq_of(struct eventstream *out)
{
	return container_of(out, struct mreq, out);
}

/* A client that leaves cancels its request (2026-07-28, "Cancellation"). */
static void on_lost(struct eventstream *out, const char *why)
{
	struct mreq *r = mreq_of(out);

	server_cancel(pooled_server(r->pooled), r, why);
}

static void on_waited(struct eventstream *out)
{
	(void)eventstream_open(out);
}

static const struct eventstream_hooks hooks = {.waited = on_waited, .lost = on_lost};

void mreq_event(struct mreq *r, const char *method, json_t *params)
{
	struct jsontext *msg;

	if (eventstream_open(&r->out) < 0)
		return;
	msg = jsontext_of(jsonrpc_notification(method, json_incref(params)));
	if (msg)
		(void)eventstream_send(&r->out, msg);
	jsontext_unref(&msg);
}

void mreq_send_last(struct mreq *r, int status, struct jsontext *msg_take)
{
	if (!(r->out.accept & REPLY_ACCEPT_JSON) && status != 403)
		(void)eventstream_open(&r->out);
	if (r->out.open && msg_take)
		(void)eventstream_send(&r->out, msg_take);
	eventstream_reply(&r->out, status, msg_take);
	jsontext_unref(&msg_take);
}

/* The token that the client sent last ended, and with it what it asked for, also while that waits
 * for the client. */
static void on_token_end(enum bearer_end why, void *arg)
{
	const char *text = bearer_end_text(why);
	struct mreq *r = arg;
	struct exchange *x = r->out.x;

	if (x && !r->out.open) {
		eventstream_detach(&r->out);
		exchange_challenge(x, "invalid_token", text, NULL);
		modern_refuse(x, 401, r->id, RPC_TRANSPORT, NULL, "%s", text);
	} else if (x) {
		mreq_send_last(r, 200,
			       jsontext_of(jsonrpc_error(r->id, RPC_TRANSPORT, text, NULL)));
	}
	if (r->final || !server_cancel(pooled_server(r->pooled), r, text))
		mreq_over(r);
}

void mreq_attach(struct mreq *r, struct exchange *x, const struct mcheck *c)
{
	json_decref(r->id);
	r->id = json_incref(c->id);
	r->log_level = c->env.log_level;
	eventstream_attach(&r->out, r->all->answers, x, c->accept);
	r->hold.ended = on_token_end;
	r->hold.arg = r;
	bearer_hold(&r->hold, exchange_bearer(x));
	set_state(r, MREQ_WAITING);
}

/* ---- while the client is asked ---- */

int mreq_place(struct mreq *r, struct err *e)
{
	int rc = share_take(r->all->parking, pooled_holder(r->pooled), e);

	if (rc < 0)
		return rc;
	r->placed = true;
	r->round++;
	return 0;
}

bool mreq_enlist(struct mreq *r)
{
	HASH_ADD(hh, r->all->listed, handle, sizeof r->handle, r);
	r->listed = r->hh.tbl;
	if (!r->listed)
		mreq_displace(r);
	return r->listed;
}

void mreq_park(struct mreq *r)
{
	set_state(r, MREQ_PARKED);
}

/* The client never came back. What the backend does for it ends. */
static void on_expiry(struct delayq_node *node, void *arg)
{
	struct mreq *r = container_of(node, struct mreq, expiry);

	(void)arg;
	if (r->final || !server_cancel(pooled_server(r->pooled), r, "the client did not answer"))
		mreq_over(r);
}

void mreq_keep_final(struct mreq *r, struct jsontext *msg_take)
{
	jsontext_unref(&r->final);
	r->final = msg_take;
	budget_move(&r->held, pooled_budget(r->pooled));
	budget_set(&r->held, jsontext_cost(msg_take) + jsonrpc_cost(r->params) +
				     (r->arguments ? jsontext_cost(r->arguments) : 0));
	mreq_drop_asks(r);
}

struct jsontext *mreq_take_final(struct mreq *r)
{
	struct jsontext *msg = r->final;

	r->final = NULL;
	budget_set(&r->held, 0);
	return msg;
}

/* ---- questions ---- */

struct question *mreq_ask_take(struct mreq_ask *a)
{
	struct question *q = a->q;

	TAILQ_REMOVE(&a->req->asks, a, link);
	free(a);
	return q;
}

static void on_withdrawn(struct question *q, void *arg)
{
	(void)q;
	mreq_ask_take(arg);
}

void mreq_ask(struct mreq *r, struct question *q_take)
{
	struct mreq_ask *a = r->state == MREQ_OVER ? NULL : calloc(1, sizeof *a);

	if (!a) {
		question_refuse(q_take, RPC_INTERNAL_ERROR, "out of memory");
		return;
	}
	a->req = r;
	a->q = q_take;
	snprintf(a->key, sizeof a->key, "q%u", ++r->last_key);
	TAILQ_INSERT_TAIL(&r->asks, a, link);
	question_take(q_take, on_withdrawn, a);
	delayq_add(r->all->gather, &r->gather);
}

void mreq_drop_asks(struct mreq *r)
{
	struct mreq_ask *a;

	while ((a = TAILQ_FIRST(&r->asks)))
		question_refuse(mreq_ask_take(a), RPC_INTERNAL_ERROR, "the request is over");
}

static void on_gather(struct delayq_node *node, void *arg)
{
	struct mreq *r = container_of(node, struct mreq, gather);

	(void)arg;
	r->all->gathered(r, r->all->arg);
}

/* ---- all of them ---- */

struct mreq *mreq_new(struct mreqs *all, const struct mcheck *c, struct pooled *pooled_take)
{
	struct mreq *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->all = all;
	r->method = c->method;
	r->handle = ++all->last_handle;
	r->pooled = pooled_take;
	r->params = json_incref(c->params);
	r->arguments = jsontext_ref(c->arguments);
	TAILQ_INIT(&r->asks);
	TAILQ_INSERT_TAIL(&all->all, r, link);
	all->n++;
	return r;
}

struct mreq *mreqs_find(const struct mreqs *all, uint64_t handle, unsigned round)
{
	struct mreq *r;

	HASH_FIND(hh, all->listed, &handle, sizeof handle, r);
	return r && r->round == round ? r : NULL;
}

size_t mreqs_count(const struct mreqs *all)
{
	return all->n;
}

size_t mreqs_parked(const struct mreqs *all)
{
	return all->n_parked;
}

const struct share *mreqs_parking(const struct mreqs *all)
{
	return all->parking;
}

void mreqs_end_answered(struct mreqs *all)
{
	struct mreq *r, *next;

	for (r = TAILQ_FIRST(&all->all); r; r = next) {
		next = TAILQ_NEXT(r, link);
		if (r->final)
			mreq_over(r);
	}
}

struct mreqs *mreqs_new(struct event_base *base, const struct config_limits *limits,
			void (*gathered)(struct mreq *r, void *arg), void *arg)
{
	struct mreqs *all = calloc(1, sizeof *all);

	if (!all)
		return NULL;
	TAILQ_INIT(&all->all);
	all->limits = limits;
	all->gathered = gathered;
	all->arg = arg;
	all->answers = eventstreams_new(base, limits, &hooks);
	all->gather = delayq_new(base, GATHER_MS, on_gather, NULL);
	all->expiry = delayq_new(base, limits->question_timeout_ms, on_expiry, NULL);
	all->parking = share_new("requests that wait for their client's answer", "limits.maxParked",
				 limits->max_parked, limits->share);
	if (!all->answers || !all->gather || !all->expiry || !all->parking)
		mreqs_free(&all);
	return all;
}

void mreqs_free(struct mreqs **allp)
{
	struct mreqs *all = *allp;
	struct mreq *r;

	*allp = NULL;
	if (!all)
		return;
	while ((r = TAILQ_FIRST(&all->all)))
		mreq_over(r);
	eventstreams_free(&all->answers);
	delayq_free(&all->gather);
	delayq_free(&all->expiry);
	share_free(&all->parking);
	free(all);
}
