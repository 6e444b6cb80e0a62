/* SPDX-License-Identifier: ISC */
#include "modern/modern.h"

#include <stdlib.h>
#include <string.h>

#include "backend/view.h"
#include "base/stopping.h"
#include "config/config.h"
#include "http/exchange.h"
#include "http/reply.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "lib/log.h"
#include "mcp/capability.h"
#include "mcp/question.h"
#include "modern/listen.h"
#include "modern/modern_impl.h"
#include "modern/pool.h"
#include "server/server.h"

/* How long a server of the pool stays without a request. */
#define POOL_IDLE_MS (5 * 60 * 1000)

struct modern {
	struct reqstates *states;
	struct pool *pool;
	struct mreqs *requests;
	struct listens *listens;
	const struct stopping *stopping;
};

/* ---- what the server says ---- */

/* A log message is sent only where the request itself asked for messages of that level. */
static void front_notify(void *origin, const char *method, json_t *params, void *arg)
{
	struct mreq *r = origin;

	(void)arg;
	if (!r)
		return; /* about a request of topic.c */
	if (strcmp(method, "notifications/message") == 0 &&
	    (r->log_level < 0 || mcp_log_level_parse(json_string_value(
					 json_object_get(params, "level"))) < r->log_level))
		return;
	mreq_event(r, method, params);
}

/* A server that is told the roots of this client keeps them, so no other client may get the server.
 */
static void front_ask(void *origin, struct question *q_take, void *arg)
{
	if (origin && strcmp(question_method(q_take), "roots/list") == 0)
		pooled_spoil(arg);
	if (origin)
		mreq_ask(origin, q_take);
	else
		question_refuse(q_take, RPC_METHOD_NOT_FOUND, "nobody to ask outside of a request");
}

/* A response that lacks a scope challenges the client, which may repeat the request with another
 * token. A response that comes while the request is parked (the backend did not wait for the
 * client's answers) is kept for the retry. */
static void front_end(void *origin, json_t *id, const struct answer *answer, void *arg)
{
	struct modern *m = pooled_arg(arg);
	struct mreq *r = origin;
	struct jsontext *msg;
	int status;

	if (!r) {
		listens_answered(m->listens, id, answer);
		return;
	}
	msg = modern_response(m->states, r, answer, &status);
	if (answer->scope && r->out.x && !r->out.open) {
		exchange_challenge(r->out.x, "insufficient_scope", answer->message, answer->scope);
		status = 403;
	}
	if (r->state == MREQ_PARKED && msg && answer->kind != ANSWER_CANCELLED) {
		mreq_keep_final(r, msg);
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

/* The id of the task that C is about; NULL: none. */
static const char *task_of(const struct mcheck *c)
{
	if (!c->method->named || strcmp(c->method->named, "taskId") != 0)
		return NULL;
	return json_string_value(json_object_get(c->params, "taskId"));
}

/* The request C with a server of the pool; NULL with E filled: ERR_NOMEM or ERR_LIMIT. A request
 * during which the client may be asked has its server to itself: a question of a shared server
 * would not say whose client is meant. */
static struct mreq *begin(struct modern *m, struct exchange *x, const struct mcheck *c,
			  struct err *e)
{
	struct pool_want want = {
		.view = c->view,
		.user = exchange_user(x),
		.bearer = exchange_bearer(x),
		.peer = exchange_peer(x),
		.holder = exchange_holder(x),
		.capabilities = c->env.capabilities,
		.exclusive =
			!task_of(c) && c->method->named && capabilities_ask(c->env.capabilities),
		.tasks = capabilities_have_tasks(c->env.capabilities),
		.task = task_of(c),
	};
	struct pooled *pooled = pool_take(m->pool, &want, e);
	struct mreq *r = pooled ? mreq_new(m->requests, c, pooled) : NULL;

	if (r) {
		mreq_attach(r, x, c);
	} else if (pooled) {
		pool_give(pooled);
		err_set(e, ERR_NOMEM, "out of memory");
	}
	return r;
}

static void open_stream(struct modern *m, struct exchange *x, const struct mcheck *c)
{
	struct listen_caller who = {
		.view = c->view,
		.user = exchange_user(x),
		.holder = exchange_holder(x),
		.tasks = capabilities_have_tasks(c->env.capabilities),
		.accept = c->accept,
	};

	listens_open(m->listens, x, &who, c->id, c->params);
}

/* Gives the request C to a server, with the STATE that the backend gave the client (borrowed; NULL:
 * none). */
static void dispatch(struct modern *m, struct exchange *x, const struct mcheck *c, json_t *state)
{
	struct err e;
	struct mreq *r = begin(m, x, c, &e);
	json_t *params = r ? modern_strip(c->params, state) : NULL;

	if (!r) {
		if (e.code == ERR_INVALID)
			modern_refuse(x, 400, c->id, RPC_INVALID_PARAMS, NULL, "Invalid params: %s",
				      e.text);
		else
			modern_refuse_limit(x, pool_share(m->pool), c->id, &e);
		return;
	}
	if (!params || server_request(pooled_server(r->pooled), r, c->id, c->method->name, params,
				      c->arguments) < 0) {
		mreq_send_last(r, 503,
			       jsontext_of(jsonrpc_error(c->id, RPC_INTERNAL_ERROR, "out of memory",
							 NULL)));
		mreq_over(r);
	}
	json_decref(params);
}

/* C is a retry, with a requestState. X is taken. */
static void go_on(struct modern *m, struct exchange *x, const struct mcheck *c)
{
	struct retry retry =
		park_judge(m->states, m->requests, c, exchange_user(x), exchange_holder(x));

	switch (retry.kind) {
	case RETRY_PARKED:
		park_resume(m->states, retry.r, x, c);
		break;
	case RETRY_SERVER:
		dispatch(m, x, c, retry.theirs);
		break;
	case RETRY_FULL:
		modern_refuse_limit(x, reqstates_share(m->states), c->id, &retry.why);
		break;
	case RETRY_INVALID:
		modern_refuse(x, 200, c->id, RPC_INVALID_PARAMS, NULL, "Invalid params: %s",
			      retry.why.code == ERR_DENIED ? retry.why.text
							   : "Invalid or expired requestState");
		break;
	}
	json_decref(retry.opened);
}

void modern_request(struct modern *m, struct exchange *x, struct view *view,
		    const struct message *msg)
{
	struct mcheck c = {0};
	json_t *responses;
	bool listen;

	if (!modern_check(x, view, msg, &c, &listen))
		return;
	responses = json_object_get(c.params, "inputResponses");
	c.accept = reply_accept(x);
	if (stopping_has_begun(m->stopping))
		reply_error(x, 503, c.id, RPC_INTERNAL_ERROR, "the server is shutting down");
	else if (c.accept == 0)
		reply_error(x, 406, c.id, RPC_INVALID_REQUEST,
			    "Not Acceptable: Accept must list application/json or "
			    "text/event-stream");
	else if (listen)
		open_stream(m, x, &c);
	else if (responses && !json_is_object(responses))
		modern_refuse(x, 200, c.id, RPC_INVALID_PARAMS, NULL,
			      "Invalid params: inputResponses must be an object");
	else if (json_object_get(c.params, "requestState"))
		go_on(m, x, &c);
	else
		dispatch(m, x, &c, NULL);
}

void modern_notification(struct modern *m, struct exchange *x)
{
	(void)m;
	exchange_reply(x, 202, NULL, NULL, 0);
}

static void on_gathered(struct mreq *r, void *arg)
{
	park_ask(((struct modern *)arg)->states, r);
}

struct modern *modern_new(const struct modern_deps *deps, struct err *e)
{
	const struct config_limits *limits = &deps->conf->limits;
	struct modern *m = calloc(1, sizeof *m);

	if (!m) {
		err_set(e, ERR_NOMEM, "out of memory");
		return NULL;
	}
	m->stopping = deps->stopping;
	m->states = reqstates_new(deps->base, limits, e);
	m->pool = pool_new(&(const struct pool_deps){.base = deps->base,
						     .limits = limits,
						     .users = deps->users,
						     .front = &modern_front,
						     .arg = m,
						     .idle_ms = POOL_IDLE_MS});
	m->requests = mreqs_new(deps->base, limits, on_gathered, m);
	m->listens = listens_new(deps->base, deps->conf, m->pool);
	if (!m->states || !m->pool || !m->requests || !m->listens) {
		modern_free(&m);
		err_set(e, ERR_NOMEM, "out of memory");
	}
	return m;
}

/* The pool cancels the requests in flight, and each cancelled request is answered with 503. */
void modern_close(struct modern *m)
{
	listens_close(m->listens);
	mreqs_end_answered(m->requests);
	pool_close(m->pool);
}

/* The requests go before the pool, because each gives its server back to the pool. */
void modern_free(struct modern **mp)
{
	struct modern *m = *mp;

	*mp = NULL;
	if (!m)
		return;
	if (m->pool)
		pool_close(m->pool);
	mreqs_free(&m->requests);
	listens_free(&m->listens);
	pool_free(&m->pool);
	reqstates_free(&m->states);
	free(m);
}

json_t *modern_describe(const struct modern *m)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "servers", (json_int_t)pool_size(m->pool),
			 "requests", (json_int_t)mreqs_count(m->requests), "parked",
			 (json_int_t)mreqs_parked(m->requests), "listens",
			 (json_int_t)listens_count(m->listens));
}
