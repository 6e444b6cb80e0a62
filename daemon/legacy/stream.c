/* SPDX-License-Identifier: ISC */
#include "legacy/stream.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bearer.h"
#include "base/budget.h"
#include "base/container.h"
#include "base/defer.h"
#include "http/eventstream.h"
#include "http/exchange.h"
#include "http/reply.h"
#include "legacy/asks.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"

struct stream {
	TAILQ_ENTRY(stream) link;
	struct stream_conf conf;
	struct eventstream out;	 /* the connection, while the client is there */
	struct bearer_hold hold; /* of the connection and, for a POST, of the responses due */
	struct defer idle;
	struct jsontext **collected; /* responses of a batch that may still go out as one array */
	size_t n_collected;
	struct budget_part held; /* COLLECTED */
	uint32_t seq;		 /* of the last event */
	uint32_t floor;		 /* the newest event that cannot be replayed any more */
	unsigned stored;	 /* events in the replay buffer */
	unsigned due;		 /* responses */
	bool get, batch;
	bool done; /* every response is out, or it was closed */
};

static struct stream *stream_of(struct eventstream *out)
{
	return container_of(out, struct stream, out);
}

/* Nothing was emitted yet: the answer may still become one JSON body. */
static bool is_pending(const struct stream *s)
{
	return !s->done && !s->out.open;
}

/* The answer is a stream of events that is not over, also while the client is away. */
static bool is_sse(const struct stream *s)
{
	return !s->done && s->out.open;
}

/* Nothing to do and nothing to replay any more. */
static bool is_idle(const struct stream *s)
{
	return !s->out.x && s->due == 0 && s->stored == 0 && (s->get || s->done);
}

static void on_idle(void *arg)
{
	struct stream *s = arg;

	if (is_idle(s))
		s->conf.idle(s, s->conf.arg);
}

/* In a later turn, because a caller up the stack still uses the stream. */
static void check_idle(struct stream *s)
{
	if (is_idle(s))
		defer_call(&s->idle, on_idle, s);
}

/* The stream has lost its connection. */
static void detached(struct stream *s)
{
	if (s->get || s->due == 0)
		bearer_release(&s->hold);
	s->conf.detached(s->conf.arg);
}

/* Takes the connection out from under the stream; NULL: there is none. */
static struct exchange *detach(struct stream *s)
{
	struct exchange *x = eventstream_detach(&s->out);

	if (x)
		detached(s);
	return x;
}

/* The client left, or was cut. That is no cancellation: the stream goes on, and the stored events
 * can be resumed. */
static void on_lost(struct eventstream *out, const char *why)
{
	struct stream *s = stream_of(out);

	(void)why;
	detached(s);
	check_idle(s);
}

/* Stores an event with the data MSG (NULL: none), then writes it. RETRY below 0: none. */
static int emit(struct stream *s, long retry, struct jsontext *msg)
{
	struct evbuffer *frame = evbuffer_new();
	char id[24];
	int rc;

	if (!frame)
		return ERR_NOMEM;
	snprintf(id, sizeof id, "%x-%x", s->conf.no, s->seq + 1);
	rc = eventstream_frame(frame, id, retry, msg);
	if (rc == 0) {
		s->seq++;
		if (replay_add(s->conf.replay, s, s->seq, frame) == 0)
			s->stored++;
		else
			s->floor = s->seq;
		(void)eventstream_write(&s->out, frame);
	}
	evbuffer_free(frame);
	return rc;
}

/* Begins the stream. Since 2025-11-25 a priming event follows (id and retry, no data), so that the
 * client can resume from the very beginning. Older clients parse empty data as JSON and break. */
static int begin_sse(struct stream *s)
{
	int rc = eventstream_open(&s->out);

	if (rc)
		return rc;
	if (mcp_rev_has_priming(s->conf.rev))
		(void)emit(s, (long)s->conf.env->limits->retry_ms,
			   NULL); /* lost: not resumable yet */
	return 0;
}

static void drop_collected(struct stream *s)
{
	while (s->n_collected > 0)
		jsontext_unref(&s->collected[--s->n_collected]);
	free(s->collected);
	s->collected = NULL;
	budget_set(&s->held, 0);
}

/* From one JSON body to SSE, with what was collected so far as events. */
static int upgrade(struct stream *s)
{
	int rc = begin_sse(s);

	if (rc)
		return rc;
	for (size_t i = 0; i < s->n_collected; i++) {
		if (emit(s, -1, s->collected[i]) < 0)
			break;
	}
	drop_collected(s);
	return 0;
}

static void on_waited(struct eventstream *out)
{
	(void)upgrade(stream_of(out));
}

static const struct eventstream_hooks hooks = {.waited = on_waited, .lost = on_lost};

struct stream_env *stream_env_new(struct event_base *base, const struct config_limits *limits)
{
	struct stream_env *env = calloc(1, sizeof *env);

	if (!env)
		return NULL;
	env->limits = limits;
	env->answers = eventstreams_new(base, limits, &hooks);
	env->aging = replay_aging_new(base, limits->replay_age_ms);
	env->asking = asks_limit_new(base, limits->question_timeout_ms);
	if (!env->answers || !env->aging || !env->asking)
		stream_env_free(&env);
	return env;
}

void stream_env_free(struct stream_env **envp)
{
	struct stream_env *env = *envp;

	*envp = NULL;
	if (!env)
		return;
	eventstreams_free(&env->answers);
	delayq_free(&env->aging);
	delayq_free(&env->asking);
	free(env);
}

static void finish(struct stream *s);

/* The end of a connection that the client may replace. */
static void let_resume(struct stream *s)
{
	struct exchange *x = detach(s);

	if (x)
		exchange_stream_end(x);
	check_idle(s);
}

/* The end of what was asked for. */
static void withdraw(struct stream *s, const char *why)
{
	struct exchange *x = is_pending(s) ? detach(s) : NULL;
	json_t *msg = x ? jsonrpc_error(NULL, RPC_TRANSPORT, why, NULL) : NULL;

	if (x) {
		s->done = true;
		exchange_challenge(x, "invalid_token", why, NULL);
		exchange_reply_json(x, 401, msg);
	} else {
		finish(s);
	}
	json_decref(msg);
	s->conf.withdrawn(s, why, s->conf.arg); /* the last word: S may be closed after it */
}

static void on_token_end(enum bearer_end why, void *arg)
{
	struct stream *s = arg;

	if (s->get || (why == BEARER_EXPIRED && is_sse(s) && s->seq > 0))
		let_resume(s);
	else
		withdraw(s, bearer_end_text(why));
}

static struct stream *stream_new(const struct stream_conf *conf, struct exchange *x,
				 unsigned accept)
{
	struct stream *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->conf = *conf;
	budget_move(&s->held, conf->budget);
	eventstream_attach(&s->out, conf->env->answers, x, accept);
	s->hold.ended = on_token_end;
	s->hold.arg = s;
	bearer_hold(&s->hold, exchange_bearer(x));
	return s;
}

struct stream *stream_post(const struct stream_conf *conf, struct exchange *x, unsigned accept,
			   unsigned responses, bool batch)
{
	struct stream *s = stream_new(conf, x, accept);

	if (!s)
		return NULL;
	s->due = responses;
	s->batch = batch;
	return s;
}

struct stream *stream_get(const struct stream_conf *conf, struct exchange *x)
{
	struct stream *s = stream_new(conf, x, REPLY_ACCEPT_SSE);

	if (!s)
		return NULL;
	s->get = true;
	if (begin_sse(s) < 0) {
		eventstream_detach(&s->out);
		stream_free(&s);
		return NULL;
	}
	return s;
}

int stream_send(struct stream *s, json_t *msg)
{
	struct jsontext *text;
	int rc;

	if (s->done)
		return ERR_CLOSED;
	if (is_pending(s)) {
		rc = upgrade(s); /* ERR_CLOSED: the client left before it knew an event id */
		if (rc)
			return rc;
	}
	text = jsontext_of(json_incref(msg));
	rc = text ? emit(s, -1, text) : ERR_NOMEM;
	jsontext_unref(&text);
	return rc;
}

/* The pending answer goes out as JSON: one object, or the array of a batch. */
static void reply_json(struct stream *s, struct jsontext *response)
{
	struct jsontext *all =
		s->n_collected > 0 ? jsontext_array(s->collected, s->n_collected) : NULL;
	struct exchange *x = detach(s);

	s->done = true;
	if (x && all)
		exchange_reply_text(x, 200, all);
	else if (x && s->n_collected > 0)
		exchange_abort(x);
	else if (x && response)
		exchange_reply_text(x, 200, response);
	else if (x)
		exchange_reply(x, 202, NULL, NULL, 0); /* every request of it was cancelled */
	jsontext_unref(&all);
	drop_collected(s);
}

static void finish(struct stream *s)
{
	struct exchange *x = detach(s);

	s->done = true;
	if (x)
		exchange_stream_end(x);
	check_idle(s);
}

/* Without memory the response is lost to the client, who waits for no other. */
static void collect(struct stream *s, struct jsontext *response)
{
	struct jsontext **more = realloc(s->collected, (s->n_collected + 1) * sizeof *s->collected);

	if (!more)
		return;
	s->collected = more;
	s->collected[s->n_collected++] = jsontext_ref(response);
	budget_add(&s->held, jsontext_cost(response));
}

/* A response while nothing was emitted yet. */
static void respond_pending(struct stream *s, struct jsontext *response)
{
	if (!(s->out.accept & REPLY_ACCEPT_JSON) && upgrade(s) == 0) {
		if (response)
			emit(s, -1, response);
		if (s->due == 0)
			finish(s);
		return;
	}
	if (s->batch && response)
		collect(s, response);
	if (s->due == 0)
		reply_json(s, s->batch ? NULL : response);
}

/* One response less is due; RESPONSE is NULL when it will never come. */
static void settle(struct stream *s, struct jsontext *response)
{
	if (s->due > 0)
		s->due--;
	if (is_pending(s)) {
		respond_pending(s, response);
	} else if (is_sse(s)) {
		if (response)
			emit(s, -1, response);
		if (s->due == 0)
			finish(s);
	}
	check_idle(s);
}

void stream_respond(struct stream *s, struct jsontext *response)
{
	settle(s, response);
}

void stream_deny(struct stream *s, struct jsontext *response, const char *why, const char *scope)
{
	struct exchange *x;

	if (!is_pending(s) || s->batch || s->due != 1 || !s->out.x) {
		settle(s, response);
		return;
	}
	s->due = 0;
	x = detach(s);
	s->done = true;
	exchange_challenge(x, "insufficient_scope", why, scope);
	exchange_reply_text(x, 403, response);
	check_idle(s);
}

void stream_skip(struct stream *s)
{
	settle(s, NULL);
}

int stream_resume(struct stream *s, struct exchange *x, uint32_t seq, struct err *e)
{
	struct evbuffer *frames;
	int rc;

	if (seq > s->seq || seq < s->floor || is_pending(s))
		return err_set(e, ERR_NOTFOUND, "cannot resume: the events are not kept any more");
	frames = evbuffer_new();
	if (!frames || replay_copy(s->conf.replay, s, seq, frames) < 0) {
		if (frames)
			evbuffer_free(frames);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	rc = eventstream_resume(&s->out, x);
	if (rc) {
		evbuffer_free(frames);
		return err_set(e, rc, "out of memory for the stream");
	}
	bearer_hold(&s->hold, exchange_bearer(x));
	(void)eventstream_write(&s->out, frames);
	evbuffer_free(frames);
	if (s->done && s->out.x)
		finish(s);
	return 0;
}

void stream_close(struct stream *s, int status, int code, const char *message)
{
	struct exchange *x;
	json_t *msg;

	if (!is_pending(s)) {
		finish(s);
		return;
	}
	x = detach(s);
	s->done = true;
	if (!x)
		return;
	msg = jsonrpc_error(NULL, code, message, NULL);
	if (status == 503)
		exchange_set_header(x, "Retry-After", "1");
	exchange_reply_json(x, status, msg);
	json_decref(msg);
}

void stream_evicted(struct stream *s, uint32_t seq)
{
	s->stored--;
	s->floor = seq;
	check_idle(s);
}

void stream_free(struct stream **sp)
{
	struct stream *s = *sp;

	*sp = NULL;
	if (!s)
		return;
	eventstream_abort(&s->out);
	bearer_release(&s->hold);
	defer_cancel(&s->idle);
	replay_forget(s->conf.replay, s);
	drop_collected(s);
	budget_end(&s->held);
	free(s);
}

bool stream_attached(const struct stream *s)
{
	return s->out.x;
}

bool stream_is_get(const struct stream *s)
{
	return s->get;
}

uint32_t stream_no(const struct stream *s)
{
	return s->conf.no;
}

struct stream *stream_list_next(struct stream_list *list, struct stream *s)
{
	return s ? TAILQ_NEXT(s, link) : TAILQ_FIRST(list);
}

void stream_list_add(struct stream_list *list, struct stream *s)
{
	TAILQ_INSERT_TAIL(list, s, link);
}

void stream_list_remove(struct stream_list *list, struct stream *s)
{
	TAILQ_REMOVE(list, s, link);
}

/* One to eight hex digits, and none of the rest that strtoul() takes. */
static int parse_hex(const char **at, uint32_t *value_r)
{
	size_t len = strspn(*at, "0123456789abcdefABCDEF");

	if (len < 1 || len > 8)
		return ERR_INVALID;
	*value_r = (uint32_t)strtoul(*at, NULL, 16);
	*at += len;
	return 0;
}

int stream_parse_event_id(const char *id, uint32_t *no_r, uint32_t *seq_r)
{
	if (parse_hex(&id, no_r) < 0 || *id++ != '-' || parse_hex(&id, seq_r) < 0 || *id != '\0')
		return ERR_INVALID;
	return 0;
}
