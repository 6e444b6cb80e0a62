/* SPDX-License-Identifier: ISC */
#include "legacy/legacy.h"

#include <stdlib.h>
#include <string.h>

#include "base/same.h"
#include "base/stopping.h"
#include "config/config.h"
#include "http/exchange.h"
#include "http/reply.h"
#include "legacy/sessions.h"
#include "legacy/transport.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "lib/log.h"
#include "lib/protocol.h"
#include "mcp/call.h"
#include "mcp/message.h"
#include "mcp/post.h"
#include "mcp/question.h"
#include "server/server.h"

static struct log_scope scope_of(const struct session *s)
{
	return (struct log_scope){.session = session_id(s), .user = session_user(s)};
}

/* A notification is lost where the client has left, or takes JSON only. */
static void on_notify(void *origin, const char *method, json_t *params, void *arg)
{
	json_t *msg = jsonrpc_notification(method, json_incref(params));

	(void)arg;
	if (msg)
		(void)stream_send(origin, msg);
	json_decref(msg);
}

static void on_ask(void *origin, struct question *q_take, void *arg)
{
	transport_ask(session_transport(arg), origin, q_take);
}

/* The response to ID that ANSWER is; NULL: none is due, or there is no memory for it. */
static struct jsontext *response_of(json_t *id, const struct answer *answer)
{
	switch (answer->kind) {
	case ANSWER_RESULT:
		return message_result(id, answer->result);
	case ANSWER_ERROR:
		return jsontext_of(jsonrpc_error(id, answer->code, answer->message,
						 json_incref(answer->data)));
	case ANSWER_CANCELLED: /* a cancelled request gets no response */
		break;
	}
	return NULL;
}

/* The first request of a session is initialize. Where its response cannot be delivered, no client
 * will know the id of the session, so the session is closed. */
static void on_end(void *origin, json_t *id, const struct answer *answer, void *arg)
{
	struct session *s = arg;
	struct jsontext *msg = response_of(id, answer);
	bool heard = msg && stream_attached(origin);

	if (!msg && answer->kind != ANSWER_CANCELLED)
		stream_close(origin, 503, RPC_INTERNAL_ERROR, "out of memory");
	if (msg && answer->kind == ANSWER_ERROR && answer->scope)
		stream_deny(origin, msg, answer->message, answer->scope);
	else if (msg)
		stream_respond(origin, msg);
	else
		stream_skip(origin);
	jsontext_unref(&msg);
	if (!heard && !session_announced(s))
		session_close(s, CLOSE_FAILED, NULL);
	session_announce(s);
	session_touch(s);
}

static void on_send(json_t *msg_take, void *arg)
{
	transport_send(session_transport(arg), msg_take);
}

static void on_level_set(void *arg)
{
	session_level_set(arg);
}

static void on_subscribed(const char *uri, bool on, void *arg)
{
	session_subscribed(arg, uri, on);
}

static const struct server_front legacy_front = {
	.notify = on_notify,
	.ask = on_ask,
	.end = on_end,
	.send = on_send,
	.level_set = on_level_set,
	.subscribed = on_subscribed,
};

/* Whether S belongs to USER. Other users do not learn that the session exists. */
static bool is_owner(const struct session *s, const char *user)
{
	const char *owner = session_user(s);

	return same_text(owner, user);
}

static struct session_conf conf_of(const struct legacy_request *rq)
{
	return (struct session_conf){
		.view = rq->view,
		.path = rq->path,
		.user = exchange_user(rq->x),
		.peer = exchange_peer(rq->x),
		.bearer = exchange_bearer(rq->x),
		.holder = exchange_holder(rq->x),
		.front = &legacy_front,
	};
}

/* The open session ID if it is of this user and path. */
static struct session *find_open(struct legacy *l, const struct legacy_request *rq, const char *id)
{
	struct session *s = sessions_find(l->sessions, id);

	if (!s || session_closing(s) || session_view(s) != rq->view ||
	    !is_owner(s, exchange_user(rq->x)))
		return NULL;
	return s;
}

/* X gets no session because of E, a limit or lack of memory: 429 or 503. */
static void refuse_session(struct exchange *x, json_t *id, const struct err *e)
{
	if (e->code == ERR_DENIED)
		exchange_set_header(x, "Retry-After", "60");
	reply_error(x, e->code == ERR_DENIED ? 429 : 503, id, RPC_TRANSPORT, "%s", e->text);
}

/* The session with the id VALUE: an open one, or one of an earlier life of the daemon. NULL after
 * having answered. A client takes 404 as the end of its session, so an error that may pass gets
 * another status. */
static struct session *find_or_restore(struct legacy *l, const struct legacy_request *rq,
				       const char *value, json_t *id)
{
	struct session *s = find_open(l, rq, value);
	struct session_conf conf = conf_of(rq);
	struct err e;
	int rc;

	if (s)
		return s;
	rc = sessions_restore(l->sessions, value, &conf, exchange_method(rq->x) == EXCHANGE_DELETE,
			      &s, &e);
	if (rc == 0)
		return s;
	if (rc == ERR_NOTFOUND)
		reply_error(rq->x, 404, id, RPC_SESSION_NOT_FOUND, "Session not found");
	else
		refuse_session(rq->x, id, &e);
	return NULL;
}

/* The session that the request names, or NULL after having answered it. ID is that of the message.
 */
static struct session *find_session(struct legacy *l, const struct legacy_request *rq, json_t *id)
{
	const char *value = exchange_header(rq->x, "Mcp-Session-Id");
	struct session *s;

	if (stopping_has_begun(l->stopping)) {
		reply_error(rq->x, 503, id, RPC_TRANSPORT, "the server is shutting down");
		return NULL;
	}
	if (!value || exchange_header_count(rq->x, "Mcp-Session-Id") > 1) {
		reply_error(rq->x, 400, id, RPC_TRANSPORT,
			    value ? "Bad Request: Mcp-Session-Id occurs more than once"
				  : "Bad Request: Mcp-Session-Id header is required");
		return NULL;
	}
	s = find_or_restore(l, rq, value, id);
	if (s) {
		session_seen(s, exchange_bearer(rq->x));
		exchange_set_header(rq->x, "Mcp-Session-Id", session_id(s));
	}
	return s;
}

/* MCP-Protocol-Version, where it is sent, must be one of ours; it need not be the negotiated one.
 */
static bool check_revision(const struct legacy_request *rq, json_t *id)
{
	const char *value = exchange_header(rq->x, "MCP-Protocol-Version");
	enum mcp_rev rev;

	if (!value || (exchange_header_count(rq->x, "MCP-Protocol-Version") == 1 &&
		       mcp_rev_parse(value, &rev) && mcp_rev_is_legacy(rev)))
		return true;
	reply_error(rq->x, 400, id, RPC_TRANSPORT,
		    "Bad Request: Unsupported protocol version (supported versions: %s)",
		    mcp_rev_legacy_list());
	return false;
}

static bool is_string(const json_t *object, const char *key)
{
	return json_is_string(json_object_get(object, key));
}

/* The first required member that PARAMS of an initialize lacks; NULL: none is missing. */
static const char *missing_in_initialize(const json_t *params)
{
	const json_t *info = json_object_get(params, "clientInfo");

	if (!is_string(params, "protocolVersion"))
		return "protocolVersion (a string)";
	if (!json_is_object(json_object_get(params, "capabilities")))
		return "capabilities (an object)";
	if (!json_is_object(info) || !is_string(info, "name") || !is_string(info, "version"))
		return "clientInfo (an object with name and version)";
	return NULL;
}

static void no_memory(struct exchange *x, json_t *id)
{
	reply_error(x, 503, id, RPC_INTERNAL_ERROR, "out of memory");
}

/* Opens the session that PARAMS asks for; NULL after having answered. */
static struct session *open_session(struct legacy *l, const struct legacy_request *rq, json_t *id,
				    json_t *params)
{
	char *caps = jsonrpc_dump(json_object_get(params, "capabilities"), NULL);
	char *info = jsonrpc_dump(json_object_get(params, "clientInfo"), NULL);
	struct session_conf conf = conf_of(rq);
	size_t size = (caps ? strlen(caps) : 0) + (info ? strlen(info) : 0);
	struct session *s = NULL;
	struct err e = {0};

	conf.rev = mcp_rev_negotiate(json_string_value(json_object_get(params, "protocolVersion")));
	conf.capabilities = caps;
	conf.client_info = info;
	if (!caps || !info)
		no_memory(rq->x, id);
	else if (size > l->limits->max_session_bytes)
		reply_error(rq->x, 200, id, RPC_INVALID_PARAMS,
			    "initialize: clientInfo and capabilities have %zu bytes together, and "
			    "a session "
			    "keeps at most %zu (limits.maxSessionBytes)",
			    size, l->limits->max_session_bytes);
	else if (sessions_admit(l->sessions, &conf, &e) < 0 ||
		 session_open(sessions_env(l->sessions), &conf, &s, &e) < 0)
		refuse_session(rq->x, id, &e);
	free(caps);
	free(info);
	return s;
}

/* Hands MSG, a request of the client, to the server of S. A request that the server does not accept
 * is answered with an error; where that request is the initialize, no client will know the id of
 * the session, so the session is closed. */
static void take_request(struct session *s, struct stream *st, const struct message *msg)
{
	json_t *id = msg->id;
	int rc = server_request(session_server(s), st, id, json_string_value(msg->method),
				msg->params, msg->arguments);
	struct jsontext *error;

	if (rc == 0)
		return;
	error = jsontext_of(
		jsonrpc_error(id, RPC_INTERNAL_ERROR,
			      rc == ERR_CLOSED ? "the session was closed" : "out of memory", NULL));
	if (!error)
		stream_close(st, 503, RPC_INTERNAL_ERROR, "out of memory");
	else
		stream_respond(st, error);
	jsontext_unref(&error);
	if (!session_announced(s))
		session_close(s, CLOSE_FAILED, NULL);
}

/* ACCEPT: REPLY_ACCEPT_* of the request. */
static void initialize(struct legacy *l, const struct legacy_request *rq, const struct message *msg,
		       unsigned accept)
{
	json_t *id = msg->id, *params = msg->params;
	const char *missing = missing_in_initialize(params);
	struct session *s;
	struct stream *st;

	if (exchange_header(rq->x, "Mcp-Session-Id")) {
		if (find_session(l, rq, id))
			reply_error(rq->x, 400, id, RPC_INVALID_REQUEST,
				    "Invalid Request: Server already initialized");
		return;
	}
	if (missing) {
		reply_error(rq->x, 200, id, RPC_INVALID_PARAMS, "initialize: missing or bad %s",
			    missing);
		return;
	}
	if (stopping_has_begun(l->stopping)) {
		reply_error(rq->x, 503, id, RPC_TRANSPORT, "the server is shutting down");
		return;
	}
	s = open_session(l, rq, id, params);
	if (!s)
		return;
	st = exchange_set_header(rq->x, "Mcp-Session-Id", session_id(s)) < 0
		     ? NULL
		     : transport_post(session_transport(s), rq->x, accept, 1, false);
	if (!st) {
		no_memory(rq->x, id);
		session_close(s, CLOSE_FAILED, NULL);
		return;
	}
	take_request(s, st, msg);
}

static void take_notification(struct session *s, struct stream *st, const struct message *msg)
{
	(void)st;
	server_notification(session_server(s), json_string_value(msg->method), msg->params);
}

/* Hands MSG, a response of the client, to the question that it answers. A response without a
 * question is dropped: the question may have been withdrawn meanwhile, and an error would make some
 * clients give up. */
static void take_response(struct session *s, struct stream *st, const struct message *msg)
{
	struct log_scope scope = scope_of(s);

	(void)st;
	if (transport_answer(session_transport(s), msg) < 0)
		log_debug(&scope, "dropped a response to no open request");
}

/* Messages of one POST for S. Their responses go to ST; NULL: none is a request. */
static void take(struct session *s, struct stream *st, const struct post *post)
{
	static void (*const kinds[])(struct session *, struct stream *, const struct message *) = {
		[JSONRPC_REQUEST] = take_request,
		[JSONRPC_NOTIFICATION] = take_notification,
		[JSONRPC_RESULT] = take_response,
		[JSONRPC_ERROR] = take_response,
	};

	for (size_t i = 0; i < post->n; i++)
		kinds[post->messages[i].kind](s, st, &post->messages[i]);
}

static void post_to_session(const struct legacy_request *rq, struct session *s,
			    const struct post *post, unsigned accept)
{
	struct exchange *x = rq->x;
	struct stream *st = NULL;

	session_touch(s);
	if (post->requests > 0) {
		st = transport_post(session_transport(s), x, accept, post->requests, post->batch);
		if (!st) {
			no_memory(x, NULL);
			return;
		}
	}
	take(s, st, post);
	if (post->requests == 0)
		exchange_reply(x, 202, NULL, NULL, 0);
}

void legacy_post(struct legacy *l, const struct legacy_request *rq, const struct post *post)
{
	const struct message *msg = &post->messages[0];
	json_t *id = post_reply_id(post);
	unsigned accept = reply_accept(rq->x);
	struct session *s;

	if (accept == 0) {
		reply_error(rq->x, 406, id, RPC_TRANSPORT,
			    "Not Acceptable: Accept must list application/json or "
			    "text/event-stream");
		return;
	}
	if (!post->batch && msg->kind == JSONRPC_REQUEST && message_is(msg, "initialize")) {
		initialize(l, rq, msg, accept);
		return;
	}
	s = find_session(l, rq, id);
	if (!s || !check_revision(rq, id))
		return;
	if (post->batch && !mcp_rev_has_batch(session_rev(s)))
		reply_error(rq->x, 400, NULL, RPC_INVALID_REQUEST,
			    "Invalid Request: %s has no batches", mcp_rev_name(session_rev(s)));
	else
		post_to_session(rq, s, post, accept);
}

/* Whether X is the GET of a client of 2026-07-28, which has no such stream: 405 says so. */
static bool is_modern_get(struct exchange *x)
{
	const char *version;
	enum mcp_rev rev;

	if (exchange_header_count(x, "Mcp-Session-Id") > 0)
		return false;
	version = exchange_header(x, "MCP-Protocol-Version");
	return version && mcp_rev_parse(version, &rev) && !mcp_rev_is_legacy(rev);
}

/* Last-Event-ID may name a stream of an earlier life of the daemon, which is gone with its events:
 * then the client gets a new stream. */
void legacy_get(struct legacy *l, const struct legacy_request *rq)
{
	const char *last;
	struct session *s;
	struct err e;
	int rc;

	if (is_modern_get(rq->x)) {
		reply_error(rq->x, 405, NULL, RPC_TRANSPORT, "Method not allowed.");
		return;
	}
	if (!(reply_accept(rq->x) & REPLY_ACCEPT_SSE)) {
		reply_error(rq->x, 406, NULL, RPC_TRANSPORT,
			    "Not Acceptable: Accept must list text/event-stream");
		return;
	}
	s = find_session(l, rq, NULL);
	if (!s || !check_revision(rq, NULL))
		return;
	session_touch(s);
	last = exchange_header(rq->x, "Last-Event-ID");
	if (last && !*last)
		last = NULL;
	rc = last ? transport_resume(session_transport(s), rq->x, last, &e) : ERR_CLOSED;
	if (!last || (rc == ERR_NOTFOUND && session_restored(s)))
		rc = transport_get(session_transport(s), rq->x, &e);
	if (rc == ERR_INVALID || rc == ERR_NOTFOUND)
		reply_error(rq->x, 400, NULL, RPC_TRANSPORT, "Bad Request: %s", e.text);
	else if (rc < 0)
		no_memory(rq->x, NULL);
}

void legacy_delete(struct legacy *l, const struct legacy_request *rq)
{
	struct session *s = find_session(l, rq, NULL);

	if (!s || !check_revision(rq, NULL))
		return;
	session_close(s, CLOSE_CLIENT, NULL);
	exchange_reply(rq->x, 200, NULL, NULL, 0);
}
