/* SPDX-License-Identifier: ISC */
/* mcpclient_requests.c: sends requests to the server and takes the responses. See mcpclient.h. */
#include "autoconf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "client/mcpclient_dialect.h"
#include "lib/jsonrpc.h"
#include "mcp/message.h"

json_t *mcpclient_with_token(json_t *params, json_t *token_take)
{
	json_t *meta = json_object_get(params, "_meta");
	json_t *copy;

	if ((params && !json_is_object(params)) ||
	    (!token_take && !json_object_get(meta, "progressToken"))) {
		json_decref(token_take);
		return json_incref(params);
	}
	/* What is borrowed is shared with others: only copies are touched. */
	copy = params ? jsonrpc_copy(params) : json_object();
	meta = json_is_object(meta) ? jsonrpc_copy(meta) : json_object();
	if (!token_take)
		json_object_del(meta, "progressToken");
	else if (json_object_set_new(meta, "progressToken", token_take) < 0)
		goto fail;
	if (json_object_set(copy, "_meta", meta) < 0)
		goto fail;
	json_decref(meta);
	return copy;
fail:
	json_decref(meta);
	json_decref(copy);
	return NULL;
}

static const char *send_error(int rc)
{
	switch (rc) {
	case ERR_LIMIT:
		return "the server does not read what it is sent";
	case ERR_DENIED:
		return "too much memory is held to send it (limits.maxMemory, limits.share)";
	case ERR_CLOSED:
		return "the server is gone";
	}
	return err_name(rc);
}

static int transmit(struct pending *p)
{
	json_t *id = json_integer(p->id), *msg = NULL, *params;

	if (id && p->m->dialect->params(p, &params) == 0)
		msg = jsonrpc_request(id, mcpclient_method(p), params);
	json_decref(id);
	if (!p->call)
		return mcpclient_send(p->m, msg);
	return mcpclient_send_call(p->m, msg, call_arguments(p->call), call_bearer(p->call));
}

/* P, which is in no list, gets a number and goes out. */
static void dispatch(struct mcpclient *m, struct pending *p)
{
	int rc;

	if (m->dialect->answer && m->dialect->answer(p))
		return;
	if (mcpclient_move(p, &m->sent) < 0) {
		mcpclient_fail(p, "out of memory");
		return;
	}
	rc = transmit(p);
	if (rc < 0)
		mcpclient_fail(p, send_error(rc));
}

void mcpclient_set_aside(struct pending *p)
{
	mcpclient_move(p, &p->m->asking);
}

void mcpclient_retry(struct pending *p)
{
	mcpclient_move(p, NULL);
	dispatch(p->m, p);
}

static void tell_cancelled(struct mcpclient *m, json_int_t id, const char *reason,
			   struct bearer *bearer)
{
	json_t *params = json_pack("{s:I,s:s}", "requestId", id, "reason", reason);

	mcpclient_send_call(m, jsonrpc_notification("notifications/cancelled", params), NULL,
			    bearer);
}

void mcpclient_abandon(struct mcpclient *m, json_int_t id)
{
	struct pending *p = mcpclient_find(m, id);

	if (!p)
		return;
	mcpclient_forget(p);
	tell_cancelled(m, id, "not wanted any more", NULL);
}

void mcpclient_ended(struct mcpclient *m, json_int_t id)
{
	struct pending *p = mcpclient_find(m, id);

	if (p && !p->call)
		mcpclient_fail(p, "the server ended it");
}

/* The server has read everything up to the ping, and so have we up to its answer. */
static void on_pong(struct mcpclient *m, const struct mcpclient_reply *r, void *arg)
{
	(void)r, (void)arg;
	m->doubts--;
}

/* A question that was on its way when its call was cancelled must not be taken for one of another
 * client's call. The answer to a ping tells when that is over; so does its time limit. */
static void begin_doubt(struct mcpclient *m)
{
	if (m->asks != MCPCLIENT_ASKS_ONLY || m->dialect != m->parts->legacy ||
	    m->state != MCPCLIENT_READY)
		return;
	m->doubts++;
	mcpclient_request(m, "ping", NULL, on_pong, NULL);
}

static void on_cancel(struct call *c, const char *reason, void *arg)
{
	struct pending *p = arg;
	struct mcpclient *m = p->m;
	json_int_t id = p->id;

	mcpclient_cancelled(p);
	if (id <= 0)
		return;
	tell_cancelled(m, id, reason != NULL ? reason : "cancelled", call_bearer(c));
	begin_doubt(m);
}

void mcpclient_call(struct mcpclient *m, struct call *c, mcpclient_done_fn done, void *arg)
{
	static const struct call_back back = {on_cancel};
	struct err e;
	struct pending *p = mcpclient_pending_call(m, c, &e);

	if (!p) {
		if (done)
			done(m, c, false, arg);
		call_error(c, RPC_INTERNAL_ERROR, NULL, "backend %s: %s", m->name, e.text);
		return;
	}
	p->done = done;
	p->arg = arg;
	m->n_calls++;
	call_attach(c, &back, p);
	if (m->state == MCPCLIENT_READY)
		dispatch(m, p);
}

void mcpclient_ask(struct mcpclient *m, const char *method, json_t *params_take,
		   mcpclient_reply_fn fn, void *arg, bool now)
{
	const struct mcpclient_reply failed = {
		.message = m->state == MCPCLIENT_CLOSED ? "the server is gone" : "out of memory"};
	struct pending *p = m->state != MCPCLIENT_CLOSED ? mcpclient_pending_own(m, method) : NULL;

	if (!p) {
		json_decref(params_take);
		if (fn)
			fn(m, &failed, arg);
		return;
	}
	p->params = params_take;
	p->reply = fn;
	p->arg = arg;
	if (now)
		dispatch(m, p);
	else
		mcpclient_move(p, &m->queued);
}

void mcpclient_request(struct mcpclient *m, const char *method, json_t *params_take,
		       mcpclient_reply_fn fn, void *arg)
{
	mcpclient_ask(m, method, params_take, fn, arg, m->state == MCPCLIENT_READY);
}

void mcpclient_on_timeout(struct delayq_node *node, void *arg)
{
	struct pending *p = container_of(node, struct pending, due);
	struct mcpclient *m = arg;
	char why[128];

	snprintf(why, sizeof why, "no answer to %s within %.15g s (startTimeout)", p->method,
		 (double)delayq_delay(m->timeouts) / 1000);
	mcpclient_fail(p, why);
}

static void answered(struct pending *p, const struct message *msg)
{
	const struct mcpclient_reply r = {
		.code = msg->code, .message = msg->error, .data = msg->data};

	if (msg->kind == JSONRPC_RESULT)
		p->m->dialect->on_result(p, msg->result);
	else if (!p->call)
		mcpclient_end_own(p, &r);
	else
		p->m->dialect->on_error(p, msg->code, msg->error, msg->data);
}

void mcpclient_on_response(struct mcpclient *m, const struct message *msg)
{
	json_int_t key = 0;
	bool is_ours = message_id_number(msg->id, &key) && key > 0 && key <= m->last_id;
	struct pending *p = is_ours ? mcpclient_find(m, key) : NULL;

	if (!msg->id && m->origin != 0)
		p = mcpclient_find(m, m->origin);
	m->useless += !p;
	if (p && !msg->id && msg->kind == JSONRPC_RESULT)
		mcpclient_fail(p, "the server's response has no id");
	else if (p)
		answered(p, msg);
	else if (is_ours)
		mcpclient_grumble(m,
				  "answered request %" JSON_INTEGER_FORMAT
				  ", which was answered or cancelled before",
				  key);
	else
		mcpclient_grumble(m, "answered a request that nobody made");
}

/* The request that a response without an id is to: the one with whose answer the response came, or
 * the only one without an answer. NULL: there are several, or none. */
static struct pending *meant(const struct mcpclient *m)
{
	struct pending *p = TAILQ_FIRST(&m->sent);

	if (m->origin != 0)
		return mcpclient_find(m, m->origin);
	return p && !TAILQ_NEXT(p, entry) ? p : NULL;
}

bool mcpclient_fault(struct mcpclient *m, const json_t *id, const char *why)
{
	json_int_t key = 0;
	struct pending *p = !id				  ? meant(m)
			    : message_id_number(id, &key) ? mcpclient_find(m, key)
							  : NULL;

	if (p)
		mcpclient_fail(p, why);
	return p;
}

void mcpclient_denied(struct mcpclient *m, const json_t *id, const char *scope)
{
	const struct pending *p =
		json_is_integer(id) ? mcpclient_find(m, json_integer_value(id)) : NULL;

	if (p && p->call) {
		call_set_scope(p->call, scope);
	} else if (m->state == MCPCLIENT_STARTING) {
		free(m->scope);
		m->scope = strdup(scope);
	}
}

/* Progress under a token of ours goes to its call, which puts the client's own token in. */
void mcpclient_on_progress(struct mcpclient *m, json_t *params)
{
	json_t *token = json_object_get(params, "progressToken");
	json_int_t key = json_integer_value(token);
	struct pending *p = json_is_integer(token) ? mcpclient_find(m, key) : NULL;

	m->useless += !p;
	if (p && p->call)
		call_notify(p->call, "notifications/progress", params);
}

void mcpclient_lost_message(struct mcpclient *m, const char *begin, size_t len, const char *why)
{
	json_int_t last = m->last_id; /* what a callback starts anew has lost nothing */
	json_t *id = message_guess_id(begin, len);
	struct pending *p;

	m->useless++;
	mcpclient_grumble(m, "%s", why);
	if (id || message_shows_method(begin, len)) {
		if (id)
			(void)mcpclient_fault(m, id, why);
		json_decref(id);
		return;
	}
	while ((p = TAILQ_FIRST(&m->sent)) && p->id <= last)
		mcpclient_fail(p, why);
}

size_t mcpclient_calls(const struct mcpclient *m)
{
	return m->n_calls;
}

struct call *mcpclient_only_call(const struct mcpclient *m)
{
	struct pending *p = m->origin != 0 ? mcpclient_find(m, m->origin) : NULL;
	struct call *only = NULL;

	if (m->origin != 0)
		return p ? p->call : NULL;
	if (m->doubts > 0)
		return NULL;
	TAILQ_FOREACH (p, &m->sent, entry) {
		if (p->call && only)
			return NULL;
		if (p->call)
			only = p->call;
	}
	return only;
}
