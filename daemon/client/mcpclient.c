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
#include "mcp/era.h"
#include "mcp/names.h"
#include "mcp/offer.h"

#define PACE_MS	      250 /* between two rounds in which nobody is asked */
#define MAX_QUESTIONS 64  /* of one server, without an answer */
#define AGAIN_MS                                                                                   \
	1000 /* between two looks at whether one that the server ended is to be opened again */

/* ---- what it says ---- */

int mcpclient_send_for(struct mcpclient *m, json_t *msg_take, struct bearer *bearer)
{
	int rc = ERR_NOMEM;

	if (m->state == MCPCLIENT_CLOSED)
		rc = ERR_CLOSED;
	else if (msg_take)
		rc = m->events->send(m, msg_take, bearer, m->arg);
	json_decref(msg_take);
	return rc;
}

int mcpclient_send(struct mcpclient *m, json_t *msg_take)
{
	return mcpclient_send_for(m, msg_take, NULL);
}

void mcpclient_grumble(struct mcpclient *m, const char *fmt, ...)
{
	const struct log_scope scope = {.backend = m->name};
	unsigned long dropped;
	char text[256];
	va_list ap;
	int len;

	if (!ratelimit_pass(&m->grumble))
		return;
	va_start(ap, fmt);
	len = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	mask_here(m->mask, text, len >= (int)sizeof text);
	dropped = ratelimit_dropped(&m->grumble);
	if (dropped > 0)
		log_info(&scope, "%lu complaints like the next one not shown", dropped);
	log_info(&scope, "the server %s", text);
}

void mcpclient_notify(struct mcpclient *m, const char *method, json_t *params)
{
	mcpclient_send(m, jsonrpc_notification(method, json_incref(params)));
}

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

void mcpclient_no_handshake(struct mcpclient *m, const char *fmt, ...)
{
	struct err why = {.code = ERR_PROTOCOL};
	va_list ap;
	int len;

	if (m->state == MCPCLIENT_CLOSED)
		return;
	va_start(ap, fmt);
	len = vsnprintf(why.text, sizeof why.text, fmt, ap);
	va_end(ap);
	mask_here(m->mask, why.text, len >= (int)sizeof why.text);
	m->events->on_failed(m, &why, m->arg);
}

/* Takes over what the server said of itself. */
static int introduce(struct mcpclient *m, json_t *result)
{
	json_t *caps = json_object_get(result, "capabilities");
	json_t *info = json_object_get(result, "serverInfo");
	const char *text = json_string_value(json_object_get(result, "instructions"));

	if (!info)
		info = json_object_get(json_object_get(result, "_meta"), META_SERVER_INFO);
	m->server_capabilities = json_is_object(caps) ? json_incref(caps) : json_object();
	m->server_info = json_is_object(info) ? json_incref(info) : NULL;
	m->instructions = text ? strdup(text) : NULL;
	return m->server_capabilities && (!text || m->instructions) ? 0 : ERR_NOMEM;
}

void mcpclient_introduced(struct mcpclient *m, const struct mcpclient_dialect *dialect,
			  enum mcp_rev rev, json_t *result)
{
	struct pending *p;

	if (introduce(m, result) < 0) {
		mcpclient_no_handshake(m, "out of memory");
		return;
	}
	m->dialect = dialect;
	m->rev = rev;
	mcpclient_probe_fini(m);
	if (mcp_rev_is_legacy(rev))
		mcpclient_notify(m, "notifications/initialized", NULL);
	m->state = MCPCLIENT_READY;
	if (dialect->start)
		dialect->start(m);
	if (m->state != MCPCLIENT_READY)
		return;
	m->events->on_ready(m, m->arg);
	while (m->state == MCPCLIENT_READY && (p = TAILQ_FIRST(&m->queued)))
		mcpclient_retry(p);
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

unsigned long mcpclient_useless(const struct mcpclient *m)
{
	return m->useless;
}

bool mcpclient_warned(const struct mcpclient *m)
{
	return m->warned;
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

/* What was made with M, some of which may be missing. */
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
	m->dialect = &mcpclient_legacy;
	TAILQ_INIT(&m->sent);
	TAILQ_INIT(&m->queued);
	TAILQ_INIT(&m->asking);
	TAILQ_INIT(&m->asked);
	ratelimit_init(&m->grumble, 1, 10);
	return m;
}

bool mcpclient_ready(const struct mcpclient *m)
{
	return m->state == MCPCLIENT_READY;
}

bool mcpclient_is_modern(const struct mcpclient *m)
{
	return m->state == MCPCLIENT_READY && !mcp_rev_is_legacy(m->rev);
}

struct offer *mcpclient_introduction(const struct mcpclient *m)
{
	struct offer *o = offer_new(m->rev);

	if (!o)
		return NULL;
	if (m->instructions && !(o->instructions = strdup(m->instructions))) {
		offer_unref(&o);
		return NULL;
	}
	json_decref(o->capabilities);
	o->capabilities = json_incref(m->server_capabilities);
	o->server_info = json_incref(m->server_info);
	return o;
}

bool mcpclient_can(const struct mcpclient *m, const char *capability)
{
	return json_object_get(m->server_capabilities, capability);
}

const char *mcpclient_name(const struct mcpclient *m)
{
	return m->name;
}
