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
#include "lib/log.h"
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

static void on_message(struct mcpclient *m, json_t *msg)
{
	const char *method = json_string_value(json_object_get(msg, "method"));
	json_t *params = json_object_get(msg, "params");
	enum jsonrpc_kind kind;
	struct err e;

	if (jsonrpc_classify(msg, &kind, &e) < 0) {
		m->useless++;
		mcpclient_grumble(m, "sent what is not JSON-RPC: %s", e.text);
		return;
	}
	if (names_check(params, &e) < 0) {
		m->useless++;
		mcpclient_grumble(m, "sent a %.60s whose %s", method != NULL ? method : "response",
				  e.text);
		if (kind == JSONRPC_REQUEST)
			mcpclient_send(m, jsonrpc_error(json_object_get(msg, "id"),
							RPC_INVALID_PARAMS, e.text, NULL));
		return;
	}
	switch (kind) {
	case JSONRPC_REQUEST:
		m->useless++;
		m->dialect->on_request(m, json_object_get(msg, "id"), method, params);
		break;
	case JSONRPC_NOTIFICATION:
		on_notification(m, method, params);
		break;
	case JSONRPC_RESULT:
	case JSONRPC_ERROR:
		mcpclient_on_response(m, msg);
		break;
	}
}

/* Mostly something that a program prints to standard output by mistake. The first line is shown to
 * the operator, who has to know that the server is broken. */
static void not_json(struct mcpclient *m, const char *text, size_t len, const struct err *e)
{
	const struct log_scope scope = {.backend = m->name};
	char begin[MASK_BEGINNING];

	m->useless++;
	if (m->warned) {
		mcpclient_grumble(m, "sent a line that is not JSON: %s", e->text);
		return;
	}
	m->warned = true;
	mask_beginning(m->mask, text, len, begin);
	log_warn(&scope, "the server sent a line that is not JSON (%s), which begins with: %s",
		 e->text, begin);
}

void mcpclient_feed(struct mcpclient *m, const char *text, size_t len)
{
	mcpclient_feed_for(m, text, len, 0);
}

void mcpclient_feed_for(struct mcpclient *m, const char *text, size_t len, json_int_t of)
{
	struct err e;
	json_t *msg, *one;
	size_t i;

	if (m->state == MCPCLIENT_CLOSED || len == 0)
		return;
	msg = jsonrpc_parse(text, len, 0, &e);
	if (!msg) {
		not_json(m, text, len, &e);
		return;
	}
	m->of = of;
	if (!json_is_array(msg))
		on_message(m, msg);
	json_array_foreach (msg, i, one)
		if (m->state != MCPCLIENT_CLOSED)
			on_message(m, one);
	m->of = 0; /* M is freed in a later turn at the earliest */
	json_decref(msg);
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
