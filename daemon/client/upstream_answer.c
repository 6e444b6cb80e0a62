/* SPDX-License-Identifier: ISC */
/* upstream_answer.c: delivers answers of an upstream, and repeats or fails requests without one. */
#include "autoconf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/upstream_impl.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "mcp/message.h"
#include "text/challenge.h"
#include "text/mediatype.h"

#define MAX_ERROR ((size_t)256 << 10) /* bytes of a body that is looked at for an error */

/* Ends L, whose answer will not come, with an error that says WHY. */
static void give_up(struct leg *l, const char *why)
{
	struct upstream *u = l->u;
	bool renewing = l->renewing;

	leg_refuse(l, "%s", why);
	leg_drop(l);
	if (renewing && u->events)
		upstream_renewed(u, false, why);
}

void leg_answer_too_large(struct leg *l, bool nomem)
{
	char text[sizeof l->no_room.text] = "out of memory";

	if (!l->id) { /* no request waits for an answer */
		leg_answer_end(l, NULL);
		return;
	}
	if (l->no_room.code)
		snprintf(text, sizeof text, "%s", l->no_room.text);
	else if (!nomem)
		snprintf(text, sizeof text, "the upstream's answer is larger than %zu bytes",
			 l->u->spec.max_message);
	give_up(l, text);
}

/* ---- during an exchange ---- */

/* Notes the scope that CHALLENGE asks for, where the client can do something about it: its own
 * token, or one that was exchanged for that, lacks the scope. Other credentials are the operator's.
 */
static void note_scope(struct leg *l, const char *challenge)
{
	const struct upstream *u = l->u;

	free(l->scope);
	l->scope = NULL;
	if ((l->status == 403 || l->status == 401) && challenge && !u->spec.own && u->spec.conf &&
	    credentials_per_token(u->spec.conf))
		l->scope = challenge_scope(challenge);
}

/* An answer to a message that is no request, or is cancelled, is not read: the stream is closed. */
void leg_answer_head(struct leg *l, struct httpc_request *r)
{
	struct upstream *u = l->u;
	const char *session = httpc_header(r, "Mcp-Session-Id");

	if (!u->events)
		return;
	note_scope(l, httpc_header(r, "WWW-Authenticate"));
	if (l->part == PART_INITIALIZE && l->status == 200)
		upstream_session_opened(u, session);
	l->retry_after_ms = l->status == 429 || l->status == 503
				    ? backoff_retry_after(httpc_header(r, "Retry-After"))
				    : 0;
	l->opened = l->opened || (l->kind == LEG_GET && l->sse);
	l->broke = l->broke || (l->kind == LEG_GET && httpc_sent_again(r));
	if (l->part == PART_INITIALIZED && l->status >= 200 && l->status < 300) {
		l->part = PART_NONE;
		upstream_settled(u);
	}
	if (l->kind == LEG_POST && !l->id && l->sse && l->in)
		leg_answer_end(l, NULL);
}

/* MSG is the response to the initialize L. */
static void take_initialized(struct leg *l, const struct message *msg)
{
	struct upstream *u = l->u;
	json_t *result = msg->result ? jsontext_tree(msg->result, NULL) : NULL;
	const char *version = json_string_value(json_object_get(result, "protocolVersion"));

	if (version && strlen(version) < sizeof u->version)
		strcpy(u->version, version);
	if (!l->renewing)
		return;
	leg_drop(l);
	upstream_renewed(u, version != NULL,
			 msg->error != NULL ? msg->error : "no version was negotiated");
}

static bool is_own_id(const struct leg *l, const json_t *id)
{
	json_int_t ours, theirs;

	return message_id_number(l->id, &ours) && message_id_number(id, &theirs) && theirs == ours;
}

/* Whether TEXT, which is not JSON, looks like the response to the request of L. */
static bool is_broken_response(const struct leg *l, struct jsontext *text)
{
	size_t len;
	const char *bytes = jsontext_bytes(text, &len);
	json_t *id = bytes ? message_guess_id(bytes, len) : NULL;
	bool own = id ? is_own_id(l, id) : bytes && message_shows_response(bytes, len);

	json_decref(id);
	return own;
}

/* Whether TEXT, read into MSG with RC, is the response to the request of L, also where the response
 * is unusable. A response without an id can belong to no other request. */
static bool is_response(const struct leg *l, struct jsontext *text, const struct message *msg,
			int rc)
{
	if (msg->broken)
		return is_broken_response(l, text);
	if (msg->kind != JSONRPC_RESULT && msg->kind != JSONRPC_ERROR)
		return false;
	return msg->id ? is_own_id(l, msg->id) : rc == 0;
}

/* Notes whether TEXT is the response to L. The owner of the upstream reads TEXT once more, as it
 * reads the texts of all channels: reading takes about 0.3 ns for each byte, below one percent of
 * the work for an answer of 4 KB. */
static void note_response(struct leg *l, struct jsontext *text)
{
	struct message msg;
	int rc = message_read(&msg, text, &l->fault);

	if (rc == 0)
		l->fault.code = 0;
	if (is_response(l, text, &msg, rc)) {
		json_decref(l->id);
		l->id = NULL;
		if (l->with_session)
			upstream_session_worked(l->u);
		if (l->part == PART_INITIALIZE)
			take_initialized(l, &msg);
	}
	message_clear(&msg);
}

static void take_message(struct leg *l, struct jsontext *text)
{
	struct upstream *u = l->u;
	json_t *of = json_incref(l->id);

	if (l->id)
		note_response(l, text);
	u->origin = of;
	if (!l->renewing && u->events)
		u->events->on_message(u, text, u->arg);
	u->origin = NULL; /* U is freed in a later turn at the earliest */
	json_decref(of);
}

void leg_answer_message(struct leg *l, struct jsontext *text)
{
	struct jsontext *message;

	if (!l->u->events || !l->in)
		return;
	message = message_unmarked(text);
	if (message)
		take_message(l, message);
	else
		leg_answer_too_large(l, true);
	jsontext_unref(&message);
}

/* ---- resuming ---- */

/* The time to wait before the next attempt: longer each time, and not less than what the upstream
 * wants. */
static int64_t next_delay(struct leg *l)
{
	int64_t least = l->sse ? ssereader_retry(l->sse) : -1;

	if (least < l->retry_after_ms)
		least = l->retry_after_ms;
	return backoff_next(&l->backoff, least);
}

/* The stream broke off before everything was there. False: it cannot be resumed. */
static bool resume(struct leg *l)
{
	l->resumes++;
	return leg_again(l, next_delay(l));
}

static void reopen_stream(struct leg *l, const struct upstream_verdict *v)
{
	struct upstream *u = l->u;

	if (v->action == UPSTREAM_REOPEN_AFRESH) {
		free(l->last_id);
		l->last_id = NULL;
	}
	if (v->trouble) {
		l->broke = true;
		u->events->on_trouble(u, u->arg);
	}
	if (l->in && !leg_again(l, next_delay(l)))
		leg_drop(l);
}

/* ---- the end of one exchange ---- */

static const char *reason(const struct leg *l, const struct err *e, const json_t *error, char *buf,
			  size_t size)
{
	const char *said = json_string_value(json_object_get(error, "message"));

	if (l->unauthorized.code != 0)
		snprintf(buf, size, "%s", l->unauthorized.text);
	else if (e && l->status == 0)
		snprintf(buf, size, "the upstream cannot be reached: %s", e->text);
	else if (e)
		snprintf(buf, size, "the upstream's answer broke off: %s", e->text);
	else if (l->misled.code != 0)
		snprintf(buf, size, "the upstream %s", l->misled.text);
	else if (l->status >= 300 && l->status < 400)
		snprintf(buf, size,
			 "the upstream redirects elsewhere (HTTP %d), which is not followed",
			 l->status);
	else if (l->fault.code != 0)
		snprintf(buf, size,
			 "the upstream answered HTTP %d with what is no response: %.300s",
			 l->status, l->fault.text);
	else if (l->sse)
		snprintf(buf, size, "the upstream ended the stream without an answer");
	else if (l->scope)
		snprintf(buf, size,
			 "the upstream answered HTTP %d: insufficient_scope (it needs \"%.300s\")",
			 l->status, l->scope);
	else if (said)
		snprintf(buf, size, "the upstream answered HTTP %d: %.300s", l->status, said);
	else
		snprintf(buf, size, "the upstream answered HTTP %d without a response%s", l->status,
			 l->status == 404 || l->status == 405 ? ": check the path of its URL" : "");
	return buf;
}

/* The upstream has refused the headers of L, which were made from the list of its tools: L is sent
 * again, once, when the tools were listed again. */
static void relearn(struct leg *l)
{
	struct upstream *u = l->u;

	l->relearnt = true;
	leg_rewind(l);
	leg_move(l, &u->unsure);
	u->events->on_mismatch(u, u->arg);
}

/* Whether a request other than subscriptions/listen waits for an answer. */
static bool is_busy(const struct upstream *u)
{
	const struct leg *l;

	TAILQ_FOREACH (l, &u->legs, link)
		if (l->id && strcmp(l->method, "subscriptions/listen") != 0)
			return true;
	return false;
}

/* Answers the request of L with the error in BODY, if BODY is a response of JSON-RPC; {"error":
 * "..."} of OAuth is none. */
static void take_error(struct leg *l, const json_t *body)
{
	json_t *msg = jsonrpc_with(body, "id", json_incref(l->id));
	enum jsonrpc_kind kind;

	if (!msg || jsonrpc_classify(msg, &kind, NULL) < 0 || kind != JSONRPC_ERROR) {
		json_decref(msg);
		return;
	}
	leg_deliver(l, msg);
}

static void take_body(struct leg *l)
{
	struct jsontext *text = jsontext_take(l->body, l->len);

	l->body = NULL;
	if (text)
		leg_answer_message(l, text);
	jsontext_unref(&text);
}

/* The end of L, a request that has no answer yet. */
static void end_request(struct leg *l, const struct err *e, const json_t *body,
			const struct upstream_verdict *v)
{
	struct upstream *u = l->u;
	char text[600];

	if (v->action == UPSTREAM_RESUME && resume(l))
		return;
	if (v->action == UPSTREAM_TAKE)
		take_body(l);
	else if (v->action == UPSTREAM_TAKE_ERROR)
		take_error(l, body);
	u->stale = u->stale || v->stale;
	if (l->id)
		give_up(l, reason(l, e, json_object_get(body, "error"), text, sizeof text));
	else
		leg_drop(l);
	if (v->trouble && u->events)
		u->events->on_trouble(u, u->arg);
}

/* The end of L, on whose answer no request waits. */
static void end_unheard(struct leg *l)
{
	struct upstream *u = l->u;
	json_t *cancels = json_incref(l->cancels);

	leg_drop(l);
	if (cancels)
		upstream_cancelled(u, cancels);
	json_decref(cancels);
}

static void end_leg(struct leg *l, const struct err *e, const json_t *body)
{
	struct upstream *u = l->u;
	struct upstream_answer a;
	struct upstream_verdict v;

	leg_facts(l, body, &a);
	upstream_judge(&a, &v);
	switch (v.action) {
	case UPSTREAM_DROP:
		end_unheard(l);
		break;
	case UPSTREAM_SETTLED:
		leg_drop(l);
		upstream_settled(u);
		break;
	case UPSTREAM_SESSION_GONE:
		upstream_session_lost(l);
		break;
	case UPSTREAM_REOPEN:
	case UPSTREAM_REOPEN_AFRESH:
		reopen_stream(l, &v);
		break;
	case UPSTREAM_RELEARN:
		relearn(l);
		break;
	case UPSTREAM_RESUME:
	case UPSTREAM_TAKE:
	case UPSTREAM_TAKE_ERROR:
	case UPSTREAM_REFUSE:
		end_request(l, e, body, &v);
		break;
	}
}

/* Parses the body of L with the tolerance of message.h. NULL: the body is not JSON. */
static json_t *body_tree(const struct leg *l)
{
	json_t *body = jsonrpc_parse_any(l->body, l->len, NULL);
	struct jsontext *text = body ? NULL : jsontext_copy(l->body, l->len);
	struct jsontext *clean = text ? message_clean(text) : NULL;
	size_t len = 0;
	const char *bytes = clean ? jsontext_bytes(clean, &len) : NULL;

	if (bytes)
		body = jsonrpc_parse_any(bytes, len, NULL);
	jsontext_unref(&clean);
	jsontext_unref(&text);
	return body;
}

/* A body of any media type is looked at for a JSON-RPC error about the exchange, which is short:
 * some servers send no type, or a wrong one. */
void leg_answer_end(struct leg *l, const struct err *e)
{
	struct upstream *u = l->u;
	json_t *body = NULL;

	if (!e && l->sse)
		ssereader_end(l->sse);
	if (!l->in)
		return;
	if (!e && l->body && l->len <= MAX_ERROR)
		body = body_tree(l);
	httpc_cancel(&l->req);
	l->broken = e;
	end_leg(l, e, body);
	json_decref(body);
	if (u->events && u->stale && !is_busy(u)) {
		u->stale = false;
		u->events->on_lost(u, "the upstream speaks another revision by now", u->arg);
	}
}
