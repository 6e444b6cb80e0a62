/* What an answer of an upstream means, and what is done where it is none. */
#include "autoconf.h"

#include <event2/util.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/mcpclient.h"
#include "client/upstream_impl.h"
#include "lib/jsonrpc.h"
#include "text/challenge.h"

#define MAX_RESUMES  20	  /* of one answer, without an event with data in between */
#define MAX_WORDS    2000 /* of a body that is looked at for its words */

/* ---- what an answer says by its status and its words ---- */

static bool has_word(const char *text, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= len && i < MAX_WORDS; i++)
		if (evutil_ascii_strncasecmp(text + i, word, n) == 0)
			return true;
	return false;
}

/* Servers say it in many ways: "Session not found", "No valid session ID provided", "Server not
 * initialized". */
static bool speaks_of_session(const struct leg *l)
{
	return l->body != NULL && (has_word(l->body, l->len, "session") ||
				   has_word(l->body, l->len, "not initialized"));
}

/* HTTP that says nothing about who is behind it: somebody on the way, or a bad moment. (There are
 * servers that answer 401 to what comes without a session.) */
static bool is_failure(const struct leg *l)
{
	if (l->status == 401 && speaks_of_session(l))
		return false;
	return l->broken || l->status < 200 || (l->status >= 300 && l->status < 400) ||
	       l->status == 401 || l->status == 403 || l->status == 407 || l->status == 408 ||
	       l->status == 429 || l->status >= 500;
}

/* ---- answers of ours ---- */

static int refusal_code(const struct leg *l)
{
	if (l->part != PART_DISCOVER)
		return RPC_INTERNAL_ERROR;
	return is_failure(l) ? MCPCLIENT_CODE_FAILED : MCPCLIENT_CODE_REFUSED;
}

/* Passes MSG on, which is consumed and may be NULL, as the end of this leg's request. */
static void deliver(struct leg *l, json_t *msg_take)
{
	struct upstream *u = l->u;
	size_t len;
	char *dump = msg_take != NULL ? jsonrpc_dump(msg_take, &len) : NULL;

	json_decref(msg_take);
	if (l->scope != NULL && u->events != NULL && u->events->on_denied != NULL)
		u->events->on_denied(u, l->id, l->scope, u->arg);
	json_decref(l->id);
	l->id = NULL;
	if (dump != NULL && u->events != NULL && !l->renewing)
		u->events->on_message(u, dump, len, u->arg);
	free(dump);
}

void answer_refuse(struct leg *l, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	if (l->id == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	deliver(l, jsonrpc_error(l->id, refusal_code(l), text, NULL));
}

/* Ends L, whose answer does not come. */
static void give_up(struct leg *l, const char *why)
{
	struct upstream *u = l->u;
	bool renewing = l->renewing;

	answer_refuse(l, "%s", why);
	leg_drop(l);
	if (renewing && u->events != NULL)
		upstream_renewed(u, false, why);
}

void answer_too_much(struct leg *l, bool nomem)
{
	char text[100] = "out of memory";

	if (l->id == NULL) { /* nobody wanted it */
		answer_end(l, NULL);
		return;
	}
	if (!nomem)
		snprintf(text, sizeof(text), "the upstream's answer is larger than %zu bytes",
			 l->u->spec.max_message);
	give_up(l, text);
}

/* ---- what comes while it lasts ---- */

/* A token of the client (or one that was given for it) that lacks a scope is told of to the client, who can get a
 * better one; a credential of the daemon's own is not the client's matter. */
static void note_scope(struct leg *l, const char *challenge)
{
	const struct upstream *u = l->u;

	free(l->scope);
	l->scope = NULL;
	if ((l->status == 403 || l->status == 401) && challenge != NULL && !u->spec.own &&
	    u->spec.conf != NULL && credentials_per_token(u->spec.conf))
		l->scope = challenge_scope(challenge);
}

void answer_head(struct leg *l, struct httpc_request *r)
{
	struct upstream *u = l->u;
	const char *session = httpc_header(r, "Mcp-Session-Id");

	if (u->events == NULL)
		return;
	note_scope(l, httpc_header(r, "WWW-Authenticate"));
	if (l->part == PART_INITIALIZE && l->status == 200) {
		free(u->session);
		u->session = session != NULL && session[0] != '\0' ? strdup(session) : NULL;
	}
	l->retry_after_ms = l->status == 429 || l->status == 503
				    ? backoff_retry_after(httpc_header(r, "Retry-After"))
				    : 0;
	l->opened = l->opened || (l->kind == LEG_GET && l->sse != NULL);
	l->broke = l->broke || (l->kind == LEG_GET && httpc_sent_again(r));
	if (l->part == PART_INITIALIZED && l->status >= 200 && l->status < 300) {
		l->part = PART_NONE;
		upstream_settled(u);
	}
	/* What has no answer has no stream of it either; and who cancelled does not listen. */
	if (l->kind == LEG_POST && l->id == NULL && l->sse != NULL && l->in != NULL)
		answer_end(l, NULL);
}

/* MSG answers an initialize. */
static void take_initialized(struct leg *l, const json_t *msg)
{
	struct upstream *u = l->u;
	const char *version = json_string_value(
		json_object_get(json_object_get(msg, "result"), "protocolVersion"));
	const char *why =
		json_string_value(json_object_get(json_object_get(msg, "error"), "message"));

	if (version != NULL && strlen(version) < sizeof(u->version))
		strcpy(u->version, version);
	if (!l->renewing)
		return;
	leg_drop(l);
	upstream_renewed(u, version != NULL, why != NULL ? why : "no version was negotiated");
}

void answer_take(struct leg *l, const char *text, size_t len)
{
	struct upstream *u = l->u;
	json_t *of = json_incref(l->id), *msg;

	if (u->events == NULL || l->in == NULL) {
		json_decref(of);
		return;
	}
	msg = l->id != NULL ? jsonrpc_parse(text, len, 0, NULL) : NULL;
	if (msg != NULL && json_object_get(msg, "method") == NULL &&
	    jsonrpc_id_equal(json_object_get(msg, "id"), l->id)) {
		json_decref(l->id);
		l->id = NULL;
		if (l->with_session) {
			u->fruitless = false;
			backoff_reset(&u->renewals);
		}
		if (l->part == PART_INITIALIZE)
			take_initialized(l, msg);
	}
	json_decref(msg);
	u->hears = of;
	if (!l->renewing && u->events != NULL)
		u->events->on_message(u, text, len, u->arg);
	u->hears = NULL; /* U is freed in a later turn at the earliest */
	json_decref(of);
}

/* ---- a session that is gone ---- */

/* Whether the upstream has lost the session that L was sent in. The standard wants 404; 400 is the
 * most usual other way, and others were seen. An error that answers this very request, with a code
 * that is about the request, is not about the session, whatever its words. */
static bool session_is_gone(const struct leg *l, const json_t *error)
{
	int code = (int)json_integer_value(json_object_get(error, "code"));
	bool about_transport = error == NULL || code == RPC_TRANSPORT ||
			       code == RPC_SESSION_NOT_FOUND || code == RPC_INVALID_REQUEST;

	if (!l->with_session || !about_transport)
		return false;
	/* There is no such stream; unless whoever would have opened it is gone, and this is another. */
	if (l->kind == LEG_GET && !l->opened && !l->broke)
		return false;
	switch (l->status) {
	case 404:
		return true;
	case 400:
	case 401:
	case 410:
		return speaks_of_session(l);
	case 200: /* it may have been carried out; so not where that would matter */
		return error != NULL && l->method != NULL && strcmp(l->method, "tools/call") != 0 &&
		       strcmp(l->method, "initialize") != 0 && speaks_of_session(l);
	}
	return false;
}

/* ---- resuming ---- */

/* The time to wait before the next attempt: longer each time, and not less than what the upstream wants. */
static int64_t next_delay(struct leg *l)
{
	int64_t least = l->sse != NULL ? ssereader_retry(l->sse) : -1;

	if (least < l->retry_after_ms)
		least = l->retry_after_ms;
	return backoff_next(&l->backoff, least);
}

/* The stream broke off before everything was there: it is resumed, if the upstream gave it event
 * ids. */
static bool resume(struct leg *l)
{
	if (l->id == NULL || l->last_id == NULL || l->modern || l->epoch != l->u->epoch ||
	    ++l->resumes > MAX_RESUMES)
		return false;
	return leg_again(l, next_delay(l));
}

/* The standalone stream is open as long as the session lasts, if the upstream has one at all. */
static void end_stream(struct leg *l)
{
	bool refused = l->status >= 300 && !l->broken;
	struct upstream *u = l->u;

	if (refused && !l->opened && l->status != 409 && l->status != 429 && l->status < 502) {
		leg_drop(l);
		return;
	}
	if (refused) { /* maybe it does not know the event any more */
		free(l->last_id);
		l->last_id = NULL;
	}
	if (l->broken && l->status == 0 && l->unauthorized.code == 0) {
		l->broke = true;
		u->events->on_trouble(u, u->arg);
	}
	if (l->in != NULL && !leg_again(l, next_delay(l)))
		leg_drop(l);
}

/* ---- the end of one exchange ---- */

static const char *reason(const struct leg *l, const struct err *e, const json_t *error, char *buf,
			  size_t size)
{
	const char *said = json_string_value(json_object_get(error, "message"));

	if (l->unauthorized.code != 0)
		snprintf(buf, size, "%s", l->unauthorized.text);
	else if (e != NULL && l->status == 0)
		snprintf(buf, size, "the upstream cannot be reached: %s", e->text);
	else if (e != NULL)
		snprintf(buf, size, "the upstream's answer broke off: %s", e->text);
	else if (l->misled.code != 0)
		snprintf(buf, size, "the upstream %s", l->misled.text);
	else if (l->status >= 300 && l->status < 400)
		snprintf(buf, size,
			 "the upstream redirects elsewhere (HTTP %d), which is not followed",
			 l->status);
	else if (l->sse != NULL)
		snprintf(buf, size, "the upstream ended the stream without an answer");
	else if (l->scope != NULL)
		snprintf(buf, size,
			 "the upstream answered HTTP %d: insufficient_scope (it needs \"%.300s\")",
			 l->status, l->scope);
	else if (said != NULL)
		snprintf(buf, size, "the upstream answered HTTP %d: %.300s", l->status, said);
	else
		snprintf(buf, size, "the upstream answered HTTP %d without a response", l->status);
	return buf;
}

/* The server knows the tools in another way than we do. They are listed again, once. */
static bool relearn(struct leg *l)
{
	struct upstream *u = l->u;

	if (l->relearnt || strcmp(l->method, "tools/call") != 0 || u->events->on_mismatch == NULL)
		return false;
	l->relearnt = true;
	leg_rewind(l);
	leg_move(l, &u->unsure);
	u->events->on_mismatch(u, u->arg);
	return true;
}

/* Whether ERROR (NULL: none) is an answer of a server of the modern revision, and not of one that
 * knows only the others, or of something on the way. */
static bool is_modern_error(const json_t *error)
{
	int code = (int)json_integer_value(json_object_get(error, "code"));

	return error != NULL && code != RPC_TRANSPORT && code != RPC_SESSION_NOT_FOUND &&
	       code != RPC_UNSUPPORTED_VERSION;
}

/* Whether no server of the era that L is of would answer like this. */
static bool contradicts(const struct leg *l, const json_t *error)
{
	if (l->part != PART_NONE || l->status < 400 || is_failure(l))
		return false;
	if (l->modern)
		return !is_modern_error(error);
	return json_integer_value(json_object_get(error, "code")) == RPC_UNSUPPORTED_VERSION;
}

/* Whether somebody waits for an answer, other than that to a stream of changes. */
static bool is_busy(const struct upstream *u)
{
	const struct leg *l;

	TAILQ_FOREACH (l, &u->legs, link)
		if (l->id != NULL && strcmp(l->method, "subscriptions/listen") != 0)
			return true;
	return false;
}

/* Passes the error on with which a status of 4xx or 5xx answers a request, if it is one. */
static void take_error(struct leg *l, const json_t *body, const json_t *error)
{
	int code = (int)json_integer_value(json_object_get(error, "code"));
	enum jsonrpc_kind kind;
	json_t *msg;

	if (error == NULL || code == RPC_TRANSPORT || code == RPC_SESSION_NOT_FOUND || l->renewing)
		return;
	if (l->part == PART_DISCOVER ? is_failure(l) : code == RPC_HEADER_MISMATCH)
		return;
	/* Who could not read the id leaves it out, or puts something else there. */
	if (!l->modern && !jsonrpc_id_equal(json_object_get(body, "id"), l->id))
		return;
	msg = json_copy((json_t *)(uintptr_t)body);
	/* {"error": "..."} of OAuth is no response of JSON-RPC: handed on as one, nobody would take it. */
	if (msg == NULL || json_object_set(msg, "id", l->id) < 0 ||
	    jsonrpc_classify(msg, &kind, NULL) < 0 || kind != JSONRPC_ERROR) {
		json_decref(msg);
		return;
	}
	deliver(l, msg);
}

/* The end of L, a request that has no answer yet. */
static void end_request(struct leg *l, const struct err *e, const json_t *body, const json_t *error)
{
	struct upstream *u = l->u;
	bool trouble = (l->broken || l->status >= 500) && l->unauthorized.code == 0;
	char text[600];

	if (json_integer_value(json_object_get(error, "code")) == RPC_HEADER_MISMATCH &&
	    l->modern && relearn(l))
		return;
	if (l->sse == NULL && l->status == 200 && body != NULL)
		answer_take(l, l->body, l->len);
	else if ((l->broken || l->sse != NULL) && resume(l))
		return;
	else if (l->status >= 400)
		take_error(l, body, error);
	if (contradicts(l, error))
		u->stale = true;
	if (l->id != NULL)
		give_up(l, reason(l, e, error, text, sizeof(text)));
	else
		leg_drop(l);
	if (trouble && u->events != NULL)
		u->events->on_trouble(u, u->arg);
}

static void end_leg(struct leg *l, const struct err *e, const json_t *body)
{
	const json_t *error = json_object_get(body, "error");
	struct upstream *u = l->u;

	if (l->part == PART_INITIALIZED) {
		leg_drop(l);
		upstream_settled(u);
	} else if (e == NULL && session_is_gone(l, error)) {
		upstream_session_lost(l);
	} else if (l->kind == LEG_GET) {
		end_stream(l);
	} else if (l->id != NULL) {
		end_request(l, e, body, error);
	} else {
		json_t *cancels = json_incref(l->cancels);

		leg_drop(l);
		if (cancels != NULL)
			upstream_cancelled(u, cancels);
		json_decref(cancels);
	}
}

void answer_end(struct leg *l, const struct err *e)
{
	struct upstream *u = l->u;
	json_t *body = NULL;

	/* Some give their errors no type, or a wrong one. */
	if (e == NULL && l->body != NULL &&
	    (l->status >= 400 || leg_type_is(l, "application/json")))
		body = jsonrpc_parse(l->body, l->len, 0, NULL);
	httpc_cancel(&l->req);
	l->broken = e != NULL;
	end_leg(l, e, body);
	json_decref(body);
	if (u->events != NULL && u->stale && !is_busy(u)) {
		u->stale = false;
		u->events->on_lost(u, "the upstream speaks another revision by now", u->arg);
	}
}
