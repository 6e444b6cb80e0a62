#include "modern/modern.h"

#include <stdlib.h>
#include <string.h>

#include "backend/view.h"
#include "base/once.h"
#include "base/seal.h"
#include "base/share.h"
#include "config/config.h"
#include "http/exchange.h"
#include "http/reply.h"
#include "lib/jsonrpc.h"
#include "lib/log.h"
#include "mcp/question.h"
#include "modern/listen.h"
#include "modern/modern_impl.h"
#include "modern/pool.h"
#include "server/server.h"

/* Questions that a tool asks at the same time reach us one after the other. */
#define GATHER_MS 20
/* How long a client may take to come back with its answers. */
#define POOL_IDLE_MS (5 * 60 * 1000)

static struct mreq *mreq_of(struct delayq_node *node)
{
	return (struct mreq *)(void *)((char *)node - offsetof(struct mreq, timer));
}

void mreq_stop_timer(struct mreq *r)
{
	struct delayq *const queues[] = {
		[MREQ_WAITING] = r->m->upgrade,
		[MREQ_STREAMING] = r->m->keepalive,
		[MREQ_PARKED] = r->m->expiry,
		[MREQ_OVER] = NULL,
	};

	if (queues[r->state])
		delayq_remove(queues[r->state], &r->timer);
}

static void free_later(void *arg)
{
	struct mreq *r = arg;

	json_decref(r->id);
	json_decref(r->final);
	json_decref(r->params);
	free(r);
}

void mreq_over(struct mreq *r)
{
	if (r->state == MREQ_OVER)
		return;
	bearer_release(&r->hold);
	park_drop_asks(r);
	park_remove(r);
	mreq_stop_timer(r);
	delayq_remove(r->m->gather, &r->gather);
	r->state = MREQ_OVER;
	TAILQ_REMOVE(&r->m->requests, r, link);
	r->m->n_requests--;
	if (r->pooled)
		pool_give(r->pooled);
	defer_call(&r->freeing, free_later, r);
}

/* The client left, which in this revision is how it cancels. */
static void on_gone(struct exchange *x, void *arg)
{
	struct mreq *r = arg;

	(void)x;
	r->x = NULL;
	server_cancel(pooled_server(r->pooled), r, "the client closed the stream");
}

/* Writes an event, or a comment where MSG is NULL. A client that does not read is gone. */
static void put(struct mreq *r, const json_t *msg)
{
	struct exchange *x = r->x;

	if (modern_write(x, msg, r->m->conf->limits.max_backlog) == 0) {
		delayq_add(r->m->keepalive, &r->timer);
		return;
	}
	exchange_on_gone(x, NULL, NULL);
	r->x = NULL;
	exchange_abort(x);
	server_cancel(pooled_server(r->pooled), r, "the client does not read");
}

/* From nothing to SSE; the first byte goes out at once. */
static bool upgrade(struct mreq *r)
{
	if (r->state == MREQ_STREAMING)
		return true;
	if (!r->x || !(r->accept & REPLY_ACCEPT_SSE) || exchange_stream_begin(r->x) < 0)
		return false;
	mreq_stop_timer(r);
	r->state = MREQ_STREAMING;
	put(r, NULL);
	return r->x != NULL;
}

static void on_upgrade(struct delayq_node *node, void *arg)
{
	(void)arg;
	upgrade(mreq_of(node));
}

static void on_keepalive(struct delayq_node *node, void *arg)
{
	(void)arg;
	put(mreq_of(node), NULL);
}

void mreq_send_last(struct mreq *r, int status, json_t *msg_take)
{
	struct exchange *x = r->x;

	if (x && r->state == MREQ_WAITING && !(r->accept & REPLY_ACCEPT_JSON) && status != 403)
		upgrade(r);
	if (r->x && r->state == MREQ_STREAMING)
		put(r, msg_take);
	x = r->x;
	r->x = NULL;
	if (x) {
		exchange_on_gone(x, NULL, NULL);
		if (r->state == MREQ_STREAMING)
			exchange_stream_end(x);
		else
			exchange_reply_json(x, status, msg_take);
	}
	json_decref(msg_take);
}

/* The token that the client sent last ended, and with it what it asked for, also while that waits for the client. */
static void on_token_end(enum bearer_end why, void *arg)
{
	const char *text = bearer_end_text(why);
	struct mreq *r = arg;
	struct exchange *x = r->x;

	if (x && r->state == MREQ_WAITING) {
		r->x = NULL;
		exchange_on_gone(x, NULL, NULL);
		exchange_challenge(x, "invalid_token", text, NULL);
		modern_refuse(x, 401, r->id, RPC_TRANSPORT, NULL, "%s", text);
	} else if (x) {
		mreq_send_last(r, 200, jsonrpc_error(r->id, RPC_TRANSPORT, text, NULL));
	}
	if (r->final || !server_cancel(pooled_server(r->pooled), r, text))
		mreq_over(r);
}

void mreq_attach(struct mreq *r, struct exchange *x, json_t *id, int log_level)
{
	mreq_stop_timer(r);
	json_decref(r->id);
	r->id = json_incref(id);
	r->log_level = log_level;
	r->x = x;
	r->accept = (unsigned char)reply_accept(x);
	r->state = MREQ_WAITING;
	exchange_on_gone(x, on_gone, r);
	r->hold.ended = on_token_end;
	r->hold.arg = r;
	bearer_hold(&r->hold, exchange_bearer(x));
	delayq_add(r->m->upgrade, &r->timer);
}

/* ---- what the server says ---- */

static void front_notify(void *where, const char *method, json_t *params, void *arg)
{
	struct mreq *r = where;
	json_t *msg;

	(void)arg;
	if (!r)
		return; /* about a subscription of ours */
	/* Log messages only for who asked for them with this very request. */
	if (strcmp(method, "notifications/message") == 0 &&
	    (r->log_level < 0 ||
	     mcp_log_level_parse(json_string_value(json_object_get(params, "level"))) <
		     r->log_level))
		return;
	if (!r->x || !upgrade(r))
		return;
	msg = jsonrpc_notification(method, json_incref(params));
	if (msg)
		put(r, msg);
	json_decref(msg);
}

static void front_ask(void *where, struct question *q_take, void *arg)
{
	/* Servers keep roots. */
	if (where && strcmp(question_method(q_take), "roots/list") == 0)
		pooled_spoil(arg);
	if (where)
		park_ask(where, q_take);
	else
		question_refuse(q_take, RPC_METHOD_NOT_FOUND, "nobody to ask outside of a request");
}

static void front_end(void *where, json_t *id, const struct answer *answer, void *arg)
{
	struct mreq *r = where;
	json_t *msg;
	int status;

	if (!r) {
		listens_answered(((struct modern *)pooled_arg(arg))->listens, id, answer);
		return;
	}
	msg = modern_response(r, answer, &status);
	if (answer->scope && r->x && r->state == MREQ_WAITING) {
		/* The client may come back with a token that has it. */
		exchange_challenge(r->x, "insufficient_scope", answer->message, answer->scope);
		status = 403;
	}
	if (r->state == MREQ_PARKED && msg && answer->kind != ANSWER_CANCELLED) {
		/* It did not wait for the client's answers. The result waits for the client. */
		json_decref(r->final);
		r->final = msg;
		park_drop_asks(r);
		return;
	}
	mreq_send_last(r, status, msg);
	mreq_over(r);
}

static void front_send(json_t *msg_take, void *arg)
{
	struct pooled *s = arg;
	struct modern *m = pooled_arg(s);

	listens_deliver(m->listens, s, msg_take);
}

static const struct server_front modern_front = {
	.notify = front_notify,
	.ask = front_ask,
	.end = front_end,
	.send = front_send,
};

/* ---- requests ---- */

/* Can the client be asked anything, and is this a method in which it may be? */
static bool may_ask(const struct mcheck *c)
{
	static const char *const caps[] = {"sampling", "elicitation", "roots"};

	for (size_t i = 0; c->method->named && i < sizeof caps / sizeof *caps; i++) {
		if (json_is_object(json_object_get(c->env.capabilities, caps[i])))
			return true;
	}
	return false;
}

/* The task that C is about; NULL: none. */
static const char *task_of(const struct mcheck *c)
{
	if (!c->method->named || strcmp(c->method->named, "taskId") != 0)
		return NULL;
	return json_string_value(json_object_get(c->params, "taskId"));
}

static bool has_tasks(const struct mcheck *c)
{
	return json_object_get(json_object_get(c->env.capabilities, "extensions"),
			       EXTENSION_TASKS) != NULL;
}

/* NULL with E filled: ERR_NOMEM or ERR_LIMIT. */
static struct mreq *mreq_new(struct modern *m, struct exchange *x, const struct mcheck *c, struct err *e)
{
	struct pool_want want = {
		.view = c->view,
		.user = exchange_user(x),
		.bearer = exchange_bearer(x),
		.peer = exchange_peer(x),
		.holder = exchange_holder(x),
		.capabilities = c->env.capabilities,
		.exclusive = !task_of(c) && may_ask(c),
		.tasks = has_tasks(c),
		.task = task_of(c),
	};
	struct mreq *r = calloc(1, sizeof *r);

	err_set(e, ERR_NOMEM, "out of memory");
	if (!r)
		return NULL;
	r->m = m;
	r->method = c->method;
	r->handle = ++m->last_handle;
	TAILQ_INIT(&r->asks);
	r->pooled = pool_take(m->pool, &want, e);
	if (!r->pooled) {
		free(r);
		return NULL;
	}
	r->params = json_incref(c->params);
	r->state = MREQ_OVER; /* until it is attached */
	mreq_attach(r, x, c->id, c->env.log_level);
	TAILQ_INSERT_TAIL(&m->requests, r, link);
	m->n_requests++;
	return r;
}

static void open_stream(struct modern *m, struct exchange *x, const struct mcheck *c)
{
	struct listen_caller who = {
		.view = c->view, .user = exchange_user(x), .holder = exchange_holder(x), .tasks = has_tasks(c)};

	listens_open(m->listens, x, &who, c->id, c->params);
}

void modern_dispatch(struct modern *m, struct exchange *x, const struct mcheck *c, json_t *state)
{
	struct err e;
	struct mreq *r = mreq_new(m, x, c, &e);
	json_t *params = r ? modern_strip(c->params, state) : NULL;

	if (!r) {
		if (e.code == ERR_INVALID)
			modern_refuse(x, 400, c->id, RPC_INVALID_PARAMS, NULL, "Invalid params: %s", e.text);
		else
			modern_refuse_limit(x, pool_share(m->pool), c->id, &e);
		return;
	}
	if (!params || server_request(pooled_server(r->pooled), r, c->id, c->method->name, params) < 0) {
		mreq_send_last(r, 503,
			       jsonrpc_error(c->id, RPC_INTERNAL_ERROR, "out of memory", NULL));
		mreq_over(r);
	}
	json_decref(params);
}

void modern_request(struct modern *m, struct exchange *x, struct view *view, json_t *body)
{
	struct mcheck c = {0};
	json_t *responses;
	bool listen;

	if (!modern_check(x, view, body, &c, &listen))
		return;
	responses = json_object_get(c.params, "inputResponses");
	if (m->closed)
		reply_error(x, 503, c.id, RPC_INTERNAL_ERROR, "the server is shutting down");
	else if (reply_accept(x) == 0)
		reply_error(x, 406, c.id, RPC_INVALID_REQUEST,
			    "Not Acceptable: Accept must list application/json or "
			    "text/event-stream");
	else if (listen)
		open_stream(m, x, &c);
	else if (responses && !json_is_object(responses))
		modern_refuse(x, 200, c.id, RPC_INVALID_PARAMS, NULL,
			      "Invalid params: inputResponses must be an object");
	else if (json_object_get(c.params, "requestState"))
		park_resume(m, x, &c, exchange_user(x));
	else
		modern_dispatch(m, x, &c, NULL);
}

void modern_notification(struct modern *m, struct exchange *x)
{
	(void)m;
	exchange_reply(x, 202, NULL, NULL, 0);
}

struct modern *modern_new(struct event_base *base, const struct config *conf, struct err *e)
{
	const struct config_limits *limits = &conf->limits;
	struct modern *m = calloc(1, sizeof *m);

	if (!m) {
		err_set(e, ERR_NOMEM, "out of memory");
		return NULL;
	}
	TAILQ_INIT(&m->requests);
	m->conf = conf;
	m->seal = seal_new(e);
	m->pool = pool_new(base, limits, &modern_front, m, POOL_IDLE_MS);
	m->upgrade = delayq_new(base, limits->upgrade_ms, on_upgrade, NULL);
	m->keepalive = delayq_new(base, limits->keepalive_ms, on_keepalive, NULL);
	m->gather = delayq_new(base, GATHER_MS, park_on_gather, NULL);
	m->expiry = delayq_new(base, limits->question_timeout_ms, park_on_expiry, NULL);
	/* As long as a state opens. */
	m->used = once_new(base, limits->question_timeout_ms + 2000, limits->max_states, limits->share);
	m->parking = share_new("requests that wait for their client's answer", "limits.maxParked",
			       limits->max_parked, limits->share);
	m->listens = listens_new(base, conf, m->pool);
	if (!m->seal || !m->pool || !m->upgrade || !m->keepalive || !m->gather || !m->expiry ||
	    !m->used || !m->parking || !m->listens) {
		modern_free(&m);
		err_set(e, ERR_NOMEM, "out of memory");
	}
	return m;
}

void modern_close(struct modern *m)
{
	struct mreq *r, *next;

	if (m->closed)
		return;
	m->closed = true;
	listens_close(m->listens);
	/* What waits for its client alone is in no server any more. */
	for (r = TAILQ_FIRST(&m->requests); r; r = next) {
		next = TAILQ_NEXT(r, link);
		if (r->final)
			mreq_over(r);
	}
	/* What is in flight is answered with 503 as it is cancelled. */
	pool_close(m->pool);
}

void modern_set_users(struct modern *m, struct users *us)
{
	pool_set_users(m->pool, us);
}

void modern_free(struct modern **mp)
{
	struct modern *m = *mp;
	struct mreq *r;

	*mp = NULL;
	if (!m)
		return;
	if (m->pool)
		pool_close(m->pool);
	while ((r = TAILQ_FIRST(&m->requests)))
		mreq_over(r);
	listens_free(&m->listens);
	pool_free(&m->pool);
	delayq_free(&m->upgrade);
	delayq_free(&m->keepalive);
	delayq_free(&m->gather);
	delayq_free(&m->expiry);
	once_free(&m->used);
	share_free(&m->parking);
	seal_free(&m->seal);
	free(m);
}

json_t *modern_describe(const struct modern *m)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "servers", (json_int_t)pool_size(m->pool),
			 "requests", (json_int_t)m->n_requests, "parked", (json_int_t)m->n_parked,
			 "listens", (json_int_t)listens_count(m->listens));
}
