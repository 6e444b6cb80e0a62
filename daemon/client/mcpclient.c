/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "client/mcpclient.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mask.h"
#include "client/mcpclient_dialect.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "lib/log.h"
#include "mcp/message.h"
#include "mcp/names.h"

#define PACE_MS	      250 /* between two rounds without a question */
#define MAX_QUESTIONS 64  /* of one server, without an answer */
#define AGAIN_MS                                                                                   \
	1000 /* between two looks at whether one that the server ended is to be opened again */

/* ---- the handshake ---- */

void mcpclient_start(struct mcpclient *m)
{
	m->state = MCPCLIENT_STARTING;
	if (m->era == MCPCLIENT_ERA_LEGACY)
		mcpclient_initialize(m);
	else
		mcpclient_discover(m);
}

void mcpclient_start_legacy(struct mcpclient *m)
{
	if (m->state == MCPCLIENT_CLOSED)
		return;
	mcpclient_forget_sent(m);
	m->discovering = false;
	m->era = MCPCLIENT_ERA_LEGACY;
	mcpclient_initialize(m);
}

bool mcpclient_probing(const struct mcpclient *m)
{
	return m->state == MCPCLIENT_STARTING && m->era == MCPCLIENT_ERA_PROBE;
}

/* ---- what it hears ---- */

static void on_notification(struct mcpclient *m, const char *method, json_t *params)
{
	if (m->dialect->on_notification && m->dialect->on_notification(m, method, params))
		return;
	if (strcmp(method, "notifications/progress") == 0)
		mcpclient_on_progress(m, params);
	else if (strcmp(method, "notifications/cancelled") == 0)
		mcpclient_on_cancelled(m, params);
	else {
		m->useless += strcmp(method, "notifications/message") != 0;
		m->events->on_notification(m, method, params, m->arg);
	}
}

/* Answers a request that cannot be taken, so that the server need not wait. */
static void refuse(struct mcpclient *m, const struct message *msg, int code, const char *why)
{
	if (msg->kind == JSONRPC_REQUEST)
		mcpclient_send(m, jsonrpc_error(msg->id, code, why, NULL));
}

/* A message that nobody can take, as E says: what waits for it ends. */
static void on_fault(struct mcpclient *m, const struct message *msg, const struct err *e)
{
	bool response = msg->kind == JSONRPC_RESULT || msg->kind == JSONRPC_ERROR;

	m->useless++;
	mcpclient_grumble(m, "sent %s: %s",
			  response ? "a response that nobody can take" : "what is not JSON-RPC",
			  e->text);
	if (response && msg->id)
		(void)mcpclient_fault(m, msg->id, e->text);
	else
		refuse(m, msg, RPC_INVALID_REQUEST, e->text);
}

static void on_message(struct mcpclient *m, const struct message *msg)
{
	const char *method = json_string_value(msg->method);
	struct err e;

	if (msg->nul && names_check(msg->params, &e) < 0) {
		m->useless++;
		mcpclient_grumble(m, "sent a %.60s whose %s", method, e.text);
		refuse(m, msg, RPC_INVALID_PARAMS, e.text);
		return;
	}
	switch (msg->kind) {
	case JSONRPC_REQUEST:
		m->useless++;
		m->dialect->on_request(m, msg->id, method, msg->params);
		break;
	case JSONRPC_NOTIFICATION:
		on_notification(m, method, msg->params);
		break;
	case JSONRPC_RESULT:
	case JSONRPC_ERROR:
		mcpclient_on_response(m, msg);
		break;
	}
}

/* Mostly something that a program prints to standard output by mistake. The first line is shown to
 * the operator, who has to know that the server is broken. */
static void tell_noise(struct mcpclient *m, const char *text, size_t len, const struct err *e)
{
	const struct log_scope scope = {.backend = m->name};

	m->useless++;
	if (m->noise[0]) {
		mcpclient_grumble(m, "sent a line that is not JSON: %s", e->text);
		return;
	}
	mask_beginning(m->mask, text, len, m->noise);
	log_warn(&scope, "the server sent a line that is not JSON (%s), which begins with: %s",
		 e->text, m->noise);
}

/* TEXT is not JSON. If it looks like a response, the request with its id fails; if the id cannot be
 * read, the only request without an answer fails. Other noise fails no request. */
static void not_json(struct mcpclient *m, const char *text, size_t len, const struct err *e)
{
	json_t *id = message_guess_id(text, len);
	char why[sizeof e->text + 60];

	tell_noise(m, text, len, e);
	snprintf(why, sizeof why, "the server's response is not JSON: %s", e->text);
	if (id || message_shows_response(text, len))
		(void)mcpclient_fault(m, id, why);
	json_decref(id);
}

static void feed_object(struct mcpclient *m, struct jsontext *text);

/* Servers of 2025-03-26 may send several messages at once. */
static void feed_batch(struct mcpclient *m, struct jsontext *text)
{
	struct err e;
	json_t *all = json_incref(jsontext_whole_tree(text, &e)), *one;
	size_t i, len = 0;
	const char *bytes = all ? NULL : jsontext_bytes(text, &len);

	if (bytes)
		not_json(m, bytes, len, &e);
	json_array_foreach (all, i, one) {
		struct jsontext *part = jsontext_of(json_incref(one));

		if (part)
			feed_object(m, part);
		jsontext_unref(&part);
	}
	json_decref(all);
}

/* Where TEXT, which is no message, has one behind something else: a program printed without a
 * newline, or two messages came in one line. 0: nowhere. */
static size_t next_message(const char *text, size_t len, size_t end)
{
	static const char begin[] = "{\"";
	const char *at = end < len ? memmem(text + end, len - end, begin, sizeof begin - 1) : NULL;

	if (!at || (at == text && end == 0))
		return 0;
	return (size_t)(at - text);
}

/* TEXT is not JSON as a whole; MSG says where a whole value in it ends. Handles the first part of
 * TEXT and returns the rest that may be a message (a new reference), or NULL. */
static struct jsontext *after_broken(struct mcpclient *m, struct jsontext *text,
				     const struct message *msg, const struct err *e)
{
	size_t len, next;
	const char *bytes = jsontext_bytes(text, &len);
	struct jsontext *first;

	next = next_message(bytes, len, msg->end);
	if (next == 0) {
		not_json(m, bytes, len, e);
		return NULL;
	}
	if (msg->end == 0) {
		tell_noise(m, bytes, next, e);
	} else {
		first = jsontext_part(text, 0, msg->end);
		if (first)
			feed_object(m, first); /* a whole value: it is not broken */
		jsontext_unref(&first);
	}
	return jsontext_part(text, next, len - next);
}

/* Takes the first message of TEXT. The rest of it as after_broken(). */
static struct jsontext *feed_first(struct mcpclient *m, struct jsontext *text)
{
	struct jsontext *rest = NULL;
	struct message msg;
	struct err e;
	int rc = message_read(&msg, text, &e);

	if (rc == 0)
		on_message(m, &msg);
	else if (rc == ERR_PARSE && msg.broken)
		rest = after_broken(m, text, &msg, &e);
	else
		on_fault(m, &msg, &e);
	message_clear(&msg);
	return rest;
}

static void feed_object(struct mcpclient *m, struct jsontext *text)
{
	struct jsontext *left = jsontext_ref(text), *rest;

	while (left) {
		rest = m->state != MCPCLIENT_CLOSED ? feed_first(m, left) : NULL;
		jsontext_unref(&left);
		left = rest;
	}
}

void mcpclient_feed_text(struct mcpclient *m, struct jsontext *text, json_int_t origin)
{
	struct jsontext *message = m->state != MCPCLIENT_CLOSED ? message_unmarked(text) : NULL;
	size_t len = 0;
	const char *bytes = message ? jsontext_bytes(message, &len) : NULL;

	m->origin = origin;
	if (bytes && len > 0 && bytes[0] == '[')
		feed_batch(m, message);
	else if (bytes && len > 0)
		feed_object(m, message);
	m->origin = 0; /* M is freed in a later turn at the earliest */
	jsontext_unref(&message);
}

/* ---- its end ---- */

/* A question that came during the call P is taken back only where the call was cancelled. Else the
 * question stays open: servers do not say to which call a question belongs, it may be to none
 * (roots/list right after the start), and the client is about to answer. */
static void on_end(struct pending *p, bool cancelled)
{
	mcpclient_rounds_end(p);
	if (cancelled)
		mcpclient_withdraw(p->m, p);
	else
		mcpclient_orphan(p->m, p);
}

static const struct mcpclient_parts parts = {
	.legacy = &mcpclient_legacy,
	.modern = &mcpclient_modern,
	.on_end = on_end,
};

/* Frees the queues and shares of M. Those that could not be made are NULL. */
static void free_parts(struct mcpclient *m)
{
	delayq_free(&m->timeouts);
	delayq_free(&m->silence);
	delayq_free(&m->pace);
	delayq_free(&m->again);
	share_free(&m->waiting);
	share_free(&m->questions);
}

static void release(void *arg)
{
	struct mcpclient *m = arg;

	json_decref(m->capabilities);
	json_decref(m->client_info);
	json_decref(m->server_capabilities);
	json_decref(m->server_info);
	mcpclient_listen_free(m);
	json_decref(m->caps);
	free(m->caps_text);
	free(m->instructions);
	free(m->scope);
	free_parts(m);
	free(m);
}

void mcpclient_close(struct mcpclient **mp, const char *why)
{
	struct mcpclient *m = *mp;
	struct pending *p;

	*mp = NULL;
	if (!m || m->state == MCPCLIENT_CLOSED)
		return;
	m->state = MCPCLIENT_CLOSED; /* first: nothing new comes in from the callbacks below */
	mcpclient_probe_fini(m);
	mcpclient_listen_stop(m);
	mcpclient_withdraw(m, NULL);
	while ((p = TAILQ_FIRST(&m->sent)) || (p = TAILQ_FIRST(&m->queued)) ||
	       (p = TAILQ_FIRST(&m->asking))) {
		if (m->scope && p->call)
			call_set_scope(p->call, m->scope);
		mcpclient_fail(p, why);
	}
	defer_call(&m->release, release, m);
}

struct mcpclient *mcpclient_new(struct event_base *base, const struct mcpclient_spec *spec,
				const struct mcpclient_events *events, void *arg)
{
	struct mcpclient *m = calloc(1, sizeof *m);

	if (!m)
		return NULL;
	m->timeouts = delayq_new(base, spec->timeout_ms, mcpclient_on_timeout, m);
	m->silence = delayq_new(base, spec->silence_ms, mcpclient_on_silence, m);
	m->pace = delayq_new(base, PACE_MS, mcpclient_on_pace, m);
	m->again = delayq_new(base, AGAIN_MS, mcpclient_on_again, m);
	m->waiting = share_new("calls that wait for the server to start", NULL, spec->max_queue,
			       spec->share);
	m->questions = share_new("requests without an answer", NULL, MAX_QUESTIONS, spec->share);
	if (!m->timeouts || !m->silence || !m->pace || !m->again || !m->waiting || !m->questions) {
		free_parts(m);
		free(m);
		return NULL;
	}
	m->name = spec->name;
	m->events = events;
	m->arg = arg;
	m->capabilities = json_incref(spec->capabilities);
	m->client_info = json_incref(spec->client_info);
	m->parallel = spec->parallel;
	m->mask = spec->mask;
	m->asks = spec->asks;
	m->era = spec->era;
	m->silence_ms = spec->silence_ms;
	m->parts = &parts;
	m->dialect = parts.legacy;
	mcpclient_pending_init(m);
	TAILQ_INIT(&m->asked);
	ratelimit_init(&m->grumble, 1, 10);
	return m;
}
