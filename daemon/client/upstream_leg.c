/* SPDX-License-Identifier: ISC */
/* upstream_leg.c: sends one message to an upstream: its HTTP exchanges, over redirects and
 * resumptions. */
#include "autoconf.h"

#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bearer.h"
#include "base/heap.h"
#include "base/mask.h"
#include "base/turns.h"
#include "client/upstream_impl.h"
#include "config/config_backend.h"
#include "credentials/grant.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "lib/log.h"
#include "lib/wipe.h"
#include "mcp/mcpheaders.h"
#include "mcp/message.h"
#include "text/headerlines.h"
#include "text/mediatype.h"

#define CLOSE_MS    5000
#define NOTIFY_MS   30000 /* for notifications and responses */
#define SMALL	    65536 /* bytes of an answer for which there is always memory */
#define MAX_RESUMES 20	  /* of one answer, without an event with data in between */

/* ---- a leg and its end ---- */

struct leg *leg_new(struct upstream *u, enum leg_kind kind)
{
	struct leg *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->u = u;
	budget_move(&l->held, u->spec.budget);
	l->kind = kind;
	l->in = &u->legs;
	TAILQ_INSERT_TAIL(l->in, l, link);
	return l;
}

struct leg *leg_message(struct upstream *u, json_t *msg, struct jsontext *text)
{
	struct leg *l = leg_new(u, LEG_POST);

	if (!l)
		return NULL;
	l->text = jsontext_ref(text);
	l->msg = json_incref(msg);
	l->method = json_string_value(json_object_get(msg, "method"));
	l->modern = mcpheaders_claim(msg);
	if (!l->method)
		return l;
	l->id = json_incref(json_object_get(msg, "id"));
	if (strcmp(l->method, "server/discover") == 0)
		l->part = PART_DISCOVER;
	else if (strcmp(l->method, "initialize") == 0 && !l->modern)
		l->part = PART_INITIALIZE;
	else if (strcmp(l->method, "notifications/initialized") == 0)
		l->part = PART_INITIALIZED;
	return l;
}

static void leg_free_later(void *arg)
{
	struct leg *l = arg;

	if (l->retry)
		event_free(l->retry);
	ssereader_free(&l->sse);
	json_decref(l->msg);
	jsontext_unref(&l->text);
	json_decref(l->id);
	json_decref(l->cancels);
	bearer_unref(&l->bearer);
	wipe_free(l->line);
	free(l->scope);
	free(l->last_id);
	free(l->url);
	free(l->body);
	budget_end(&l->held);
	free(l);
}

void leg_rewind(struct leg *l)
{
	ssereader_free(&l->sse);
	free(l->body);
	l->body = NULL;
	l->len = 0;
	budget_set(&l->held, 0);
	l->status = 0;
	l->noise = 0;
	l->no_room.code = l->misled.code = l->fault.code = 0;
}

void leg_move(struct leg *l, struct leg_list *list)
{
	TAILQ_REMOVE(l->in, l, link);
	TAILQ_INSERT_TAIL(list, l, link);
	l->in = list;
}

void leg_drop(struct leg *l)
{
	if (!l->in)
		return;
	httpc_cancel(&l->req);
	credentials_cancel(&l->wait);
	defer_cancel(&l->refusing);
	if (l->retry)
		event_del(l->retry);
	TAILQ_REMOVE(l->in, l, link);
	l->in = NULL;
	defer_call(&l->freeing, leg_free_later, l);
}

/* ---- the response ---- */

void leg_facts(const struct leg *l, const json_t *body, struct upstream_answer *a_r)
{
	const struct upstream *u = l->u;

	*a_r = (struct upstream_answer){
		.kind = l->kind,
		.part = l->part,
		.method = l->method,
		.id = l->id,
		.status = l->status,
		.text = l->body,
		.len = l->len,
		.body = body,
		.broken = l->broken,
		.unauthorized = l->unauthorized.code != 0,
		.streamed = l->sse != NULL,
		.modern = l->modern,
		.renewing = l->renewing,
		.with_session = l->with_session,
		.opened = l->opened,
		.broke = l->broke,
		.may_relearn = !l->relearnt && u->events && u->events->on_mismatch != NULL,
		.may_resume = l->last_id && !l->modern && l->epoch == u->epoch &&
			      l->resumes < MAX_RESUMES,
	};
}

void leg_deliver(struct leg *l, json_t *msg_take)
{
	struct upstream *u = l->u;
	struct jsontext *text = jsontext_of(msg_take);

	if (l->scope && u->events && u->events->on_denied)
		u->events->on_denied(u, l->id, l->scope, u->arg);
	json_decref(l->id);
	l->id = NULL;
	if (text && u->events && !l->renewing)
		u->events->on_message(u, text, u->arg);
	jsontext_unref(&text);
}

void leg_refuse(struct leg *l, const char *fmt, ...)
{
	struct upstream_answer a;
	char text[600];
	va_list ap;

	if (!l->id)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	leg_facts(l, NULL, &a);
	leg_deliver(l, jsonrpc_error(l->id, upstream_refusal_code(&a), text, NULL));
}

void leg_go(struct leg *l)
{
	if (leg_start(l) == 0)
		return;
	leg_refuse(l, "out of memory");
	leg_drop(l);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct leg *l = arg;
	struct upstream *u = l->u;

	(void)fd, (void)what;
	leg_go(l);
	if (l->kind == LEG_DELETE && !l->in) /* the goodbye cannot be said */
		u->hooks->goodbye_said(u);
}

bool leg_again(struct leg *l, int64_t ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	leg_rewind(l);
	if (!l->retry)
		l->retry = evtimer_new(l->u->base, on_retry, l);
	return l->retry && event_add(l->retry, &tv) == 0;
}

/* ---- the answer ---- */

static bool leg_type_is(struct leg *l, const char *type)
{
	return mediatype_is(httpc_header(l->req, "Content-Type"), type);
}

static void tell_noise(struct leg *l, unsigned long n, const char *text)
{
	struct upstream *u = l->u;

	if (n > 0 && l->in && u->events && u->events->on_noise)
		u->events->on_noise(u, n, text, u->arg);
}

static void take_event(struct leg *l, const struct sse_received *ev)
{
	struct jsontext *text = jsontext_copy(ev->data, ev->len);

	if (text)
		l->u->hooks->message(l, text);
	else
		l->u->hooks->too_large(l, true);
	jsontext_unref(&text);
}

static void on_event(const struct sse_received *ev, void *arg)
{
	struct leg *l = arg;
	char *id = ev->id && !l->modern ? strdup(ev->id) : NULL;

	if (id) {
		free(l->last_id);
		l->last_id = id;
	}
	if (ev->len > 0) {
		l->resumes = 0;
		backoff_reset(&l->backoff);
	}
	if (ev->len > 0 && strcmp(ev->event, "message") == 0)
		take_event(l, ev);
	else
		tell_noise(l, 1, ev->len > 0 ? ev->event : "an event without data");
}

static void on_head(struct httpc_request *r, int status, void *arg)
{
	struct leg *l = arg;

	l->status = status;
	if (status == 200 && leg_type_is(l, MEDIATYPE_SSE)) {
		l->sse = ssereader_new(l->u->spec.max_message, on_event, l);
		if (!l->sse) {
			l->u->hooks->too_large(l, true);
			return;
		}
	}
	l->u->hooks->head(l, r);
}

/* An event was too large. A request or notification (with a method) is lost alone; a response ends
 * L. */
static void lose_event(struct leg *l)
{
	size_t len = 0;
	const char *begin = l->sse ? ssereader_lost(l->sse, &len) : "";

	if (l->id && !message_shows_method(begin, len))
		l->u->hooks->too_large(l, false);
}

/* L has collected N bytes by now. False: there is no memory for them, and L has ended. */
static bool hold(struct leg *l, size_t n)
{
	budget_set(&l->held, n);
	if (n <= SMALL || budget_check(l->held.of, 0, &l->no_room) == 0)
		return true;
	budget_refused(l->held.of, "an answer of a server", &l->no_room);
	l->u->hooks->too_large(l, false);
	return false;
}

static void feed_stream(struct leg *l, const char *bytes, size_t len)
{
	struct upstream *u = l->u; /* freed in a later turn at the earliest */
	unsigned long n;

	u->reading = l;
	if (ssereader_feed(l->sse, bytes, len) == ERR_LIMIT)
		lose_event(l);
	if (l->sse && hold(l, ssereader_held(l->sse)) && l->sse) {
		n = ssereader_useless(l->sse) - l->noise;
		l->noise += n;
		tell_noise(l, n, ssereader_useless_line(l->sse));
	}
	u->reading = NULL;
}

static void on_data(struct httpc_request *r, const char *bytes, size_t len, void *arg)
{
	struct leg *l = arg;
	char *body;

	(void)r;
	if (l->u->spec.conf)
		turns_doing("HTTP answer of the server", l->u->spec.conf->name);
	if (l->sse) {
		feed_stream(l, bytes, len);
		return;
	}
	if (l->len + len > l->u->spec.max_message) {
		l->u->hooks->too_large(l, false);
		return;
	}
	body = realloc(l->body, l->len + len + 1);
	if (!body) {
		l->u->hooks->too_large(l, true);
		return;
	}
	heap_passed(l->len + len);
	memcpy(body + l->len, bytes, len);
	l->body = body;
	l->len += len;
	body[l->len] = '\0';
	(void)hold(l, budget_block(l->len + 1));
}

/* ---- redirects ---- */

/* Logs that a redirect of the upstream is not followed. The log line hides the configured
 * credentials by a mask of its own, because the mask of the instance is freed before the DELETE of
 * its session. */
static void complain(const struct leg *l, const struct err *e)
{
	const struct config_backend *conf = l->u->spec.conf;
	const struct log_scope scope = {.backend = conf ? conf->name : NULL};
	const char *credential = conf ? credentials_in(conf, l->line) : NULL;
	struct mask m = {.n = 0};
	struct err said = *e;

	if (mask_add_headers(&m, l->u->spec.headers) < 0 || mask_add_passing(&m, credential) < 0)
		err_set(&said, ERR_NOMEM, "redirects (out of memory)");
	mask_here(&m, said.text, true);
	mask_fini(&m);
	log_info(&scope, "the upstream %s", said.text);
}

/* Whether L goes on at the URL that its answer leads to. */
static bool redirect(struct leg *l)
{
	char **keep = l->status == 308 ? &l->u->url : &l->url;
	char *url;

	if (httpc_redirect(l->req, &l->redirects, &url, &l->misled) < 0)
		complain(l, &l->misled);
	if (!url)
		return false;
	free(*keep);
	*keep = url;
	return leg_again(l, 0);
}

/* The token that authorises L. */
static struct bearer *bearer_of(const struct leg *l)
{
	struct upstream *u = l->u;

	if (l->bearer)
		return l->bearer;
	if (u->events && u->events->bearer)
		bearer_set(&u->bearer, u->events->bearer(u, u->arg));
	return u->bearer;
}

/* The credential of L was refused with 401: sends L again, once, if there may be another one by
 * now. */
static bool reauthorize(struct leg *l)
{
	const struct upstream *u = l->u;

	if (l->status != 401 || l->reauthorized || !u->spec.credentials)
		return false;
	l->reauthorized =
		u->spec.own ? credentials_refused_own(u->spec.credentials, u->spec.conf, l->line)
			    : credentials_refused(u->spec.credentials, u->spec.conf, u->user,
						  bearer_of(l), l->line);
	return l->reauthorized && leg_again(l, 0);
}

static void on_done(struct httpc_request *r, const struct err *e, void *arg)
{
	struct leg *l = arg;
	struct upstream *u = l->u;

	(void)r;
	if (!u->events) { /* this was the goodbye */
		if (!e && redirect(l)) {
			l->req = NULL;
			return;
		}
		l->req = NULL;
		leg_drop(l);
		u->hooks->goodbye_said(u);
		return;
	}
	if (!e && (redirect(l) || reauthorize(l))) {
		l->req = NULL;
		return;
	}
	free(l->url);
	l->url = NULL;
	l->redirects = 0;
	l->u->hooks->end(l, e);
}

static const struct httpc_events leg_events = {
	.on_head = on_head,
	.on_data = on_data,
	.on_done = on_done,
};

/* ---- the beginning of one exchange ---- */

/* The inputSchema of the tool that L calls; NULL: L calls none, or the schema is unknown. */
static const json_t *schema_of(const struct leg *l)
{
	const struct upstream *u = l->u;
	const char *name =
		json_string_value(json_object_get(json_object_get(l->msg, "params"), "name"));

	if (!l->method || strcmp(l->method, "tools/call") != 0 || !name || !u->events->schema)
		return NULL;
	return u->events->schema(l->u, name, u->arg);
}

static int add_headers(struct leg *l, struct headerlines *h, bool post)
{
	const struct upstream *u = l->u;
	int rc = 0;

	if (post)
		rc = headerlines_add(h, "Content-Type", "application/json");
	if (rc == 0)
		rc = headerlines_add(h, "Accept",
				     post ? "application/json, text/event-stream"
					  : "text/event-stream");
	if (rc == 0)
		rc = headerlines_add(h, "Last-Event-ID", l->last_id);
	if (rc == 0 && l->modern)
		rc = mcpheaders_add(h, l->msg, schema_of(l), l->text);
	l->with_session = !l->modern && l->part != PART_INITIALIZE && u->session;
	if (rc == 0 && l->with_session)
		rc = headerlines_add(h, "Mcp-Session-Id", u->session);
	if (rc == 0 && !l->modern && l->part != PART_INITIALIZE && u->version[0] != '\0')
		rc = headerlines_add(h, "MCP-Protocol-Version", u->version);
	return rc;
}

/* All header lines of a request: OWN, the configured ones, and LINE (NULL: none). The array is
 * malloc'd, the lines are borrowed. */
static int add_configured(const struct upstream *u, const struct headerlines *own, const char *line,
			  const char ***all_r)
{
	size_t extra = 0, n = own->n;
	const char **all;

	while (u->spec.headers && u->spec.headers[extra])
		extra++;
	all = calloc(own->n + extra + 2, sizeof *all);
	if (!all)
		return ERR_NOMEM;
	for (size_t i = 0; i < own->n; i++)
		all[i] = own->lines[i];
	for (size_t i = 0; i < extra; i++)
		all[n++] = u->spec.headers[i];
	all[n] = line;
	*all_r = all;
	return 0;
}

/* The time limit of an exchange; 0: none. A request has none, because the time that a call may take
 * is limited by the call, and a stream stays open for days. */
static int64_t time_limit(const struct leg *l)
{
	if (l->kind == LEG_DELETE)
		return CLOSE_MS;
	return l->kind == LEG_POST && !l->id ? NOTIFY_MS : 0;
}

/* Begins an exchange of L, with the credential in L->line. */
static int leg_send(struct leg *l)
{
	static const char *const methods[] = {"POST", "GET", "DELETE"};
	const struct upstream *u = l->u;
	bool post = l->kind == LEG_POST && !l->last_id;
	struct httpc_spec spec = {
		.method = l->last_id ? "GET" : methods[l->kind],
		.url = l->url ? l->url : u->url,
		.ca_file = u->spec.ca_file,
		.allow_link_local = u->spec.allow_link_local,
		.timeout_ms = time_limit(l),
		.budget = u->spec.budget,
		.once = post && l->method && strcmp(l->method, "tools/call") == 0,
	};
	struct headerlines own = {0};
	const char **all = NULL;
	int rc;

	l->epoch = u->epoch;
	l->status = 0;
	rc = add_headers(l, &own, post);
	if (rc == 0 && post && !(spec.body = jsontext_bytes(l->text, &spec.len)))
		rc = ERR_NOMEM;
	if (rc == 0)
		rc = add_configured(u, &own, l->line, &all);
	spec.headers = all;
	if (rc == 0)
		rc = httpc_start(u->httpc, &spec, &leg_events, l, &l->req, NULL);
	headerlines_clear(&own);
	free(all);
	return rc;
}

/* Ends L, for which there is no credential; from the loop, as all callbacks come. */
static void refuse_later(void *arg)
{
	struct leg *l = arg;

	l->status = 0;
	l->u->hooks->end(l, &l->unauthorized);
}

static void on_credential(const char *line, const struct err *e, void *arg)
{
	struct leg *l = arg;

	wipe_free(l->line);
	l->line = line ? strdup(line) : NULL;
	l->unauthorized = e ? *e : (struct err){0};
	if ((line && !l->line) ||
	    (l->u->spec.mask &&
	     mask_add_passing(l->u->spec.mask, credentials_in(l->u->spec.conf, l->line)) < 0))
		err_set(&l->unauthorized, ERR_NOMEM, "out of memory");
	if (l->asking)
		return;
	if (l->unauthorized.code != 0) {
		refuse_later(l);
	} else if (leg_send(l) < 0) {
		leg_refuse(l, "out of memory");
		leg_drop(l);
	}
}

int leg_start(struct leg *l)
{
	const struct upstream *u = l->u;

	if (!u->spec.credentials)
		return leg_send(l);
	credentials_cancel(&l->wait);
	l->asking = true;
	if (u->spec.own)
		credentials_get_own(u->spec.credentials, u->spec.conf, on_credential, l, &l->wait);
	else
		credentials_get(u->spec.credentials, u->spec.conf, u->user, bearer_of(l),
				on_credential, l, &l->wait);
	l->asking = false;
	if (l->kind == LEG_DELETE && (l->wait || l->unauthorized.code != 0)) {
		credentials_cancel(&l->wait); /* a DELETE does not wait for a credential */
		return ERR_DENIED;
	}
	if (l->wait)
		return 0;
	if (l->unauthorized.code == 0)
		return leg_send(l);
	defer_call(&l->refusing, refuse_later, l);
	return 0;
}
