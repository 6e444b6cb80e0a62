/* SPDX-License-Identifier: ISC */
#include "legacy/transport.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/budget.h"
#include "base/delayq.h"
#include "http/exchange.h"
#include "legacy/asks.h"
#include "lib/jsonrpc.h"
#include "mcp/question.h"

/* How many messages wait for a GET stream; an old notification of changed lists has little use. */
#define MAX_WAITING 32

struct transport {
	const struct stream_env *env;
	enum mcp_rev rev;
	bool closed;
	uint32_t last_no;
	struct stream_list streams; /* oldest first */
	struct replay replay;
	struct asks *asks; /* NULL until the first question */
	void (*on_quiet)(void *arg);
	void (*on_withdrawn)(struct stream *s, const char *why, void *arg);
	void *arg;
	json_t *waiting;	 /* messages for the next GET stream; NULL: none yet */
	struct budget_part held; /* what the waiting messages cost */
	struct budget *budget;
};

static void on_evicted(void *owner, uint32_t seq, void *arg)
{
	(void)arg;
	stream_evicted(owner, seq);
}

struct transport *transport_new(const struct stream_env *env, enum mcp_rev rev,
				struct budget *budget, void (*on_quiet)(void *arg), void *arg)
{
	struct transport *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->env = env;
	t->rev = rev;
	t->on_quiet = on_quiet;
	t->arg = arg;
	TAILQ_INIT(&t->streams);
	t->budget = budget_ref(budget);
	budget_move(&t->held, budget);
	replay_init(&t->replay, env->aging, budget, env->limits->replay_events,
		    env->limits->replay_bytes, on_evicted, t);
	return t;
}

void transport_renumber(struct transport *t)
{
	uint32_t random = 0;

	/* Half of all numbers are left to count on. Without randomness the clock has to do. */
	if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
		random = (uint32_t)clock_ms();
	t->last_no = (random | 0x10000) & 0x7fffffff;
}

static void drop_stream(struct transport *t, struct stream *s)
{
	stream_list_remove(&t->streams, s);
	stream_free(&s);
}

void transport_free(struct transport **tp)
{
	struct transport *t = *tp;
	struct stream *s;

	*tp = NULL;
	if (!t)
		return;
	asks_free(&t->asks);
	while ((s = stream_list_next(&t->streams, NULL)))
		drop_stream(t, s);
	replay_fini(&t->replay);
	json_decref(t->waiting);
	budget_end(&t->held);
	budget_unref(&t->budget);
	free(t);
}

static void on_stream_idle(struct stream *s, void *arg)
{
	drop_stream(arg, s);
}

static void on_stream_detached(void *arg)
{
	struct transport *t = arg;

	if (!t->closed)
		t->on_quiet(t->arg);
}

static void on_stream_withdrawn(struct stream *s, const char *why, void *arg)
{
	struct transport *t = arg;

	if (!t->closed && t->on_withdrawn)
		t->on_withdrawn(s, why, t->arg);
}

void transport_on_withdrawn(struct transport *t,
			    void (*fn)(struct stream *s, const char *why, void *arg))
{
	t->on_withdrawn = fn;
}

static struct stream_conf conf_of(struct transport *t)
{
	/* Stream numbers are never 0 and never repeat within a session in any life that can be
	 * lived. */
	return (struct stream_conf){
		.env = t->env,
		.replay = &t->replay,
		.budget = t->budget,
		.rev = t->rev,
		.no = ++t->last_no,
		.idle = on_stream_idle,
		.detached = on_stream_detached,
		.withdrawn = on_stream_withdrawn,
		.arg = t,
	};
}

struct stream *transport_post(struct transport *t, struct exchange *x, unsigned accept,
			      unsigned responses, bool batch)
{
	struct stream_conf conf = conf_of(t);
	struct stream *s = stream_post(&conf, x, accept, responses, batch);

	exchange_charge(x, t->budget);
	if (s)
		stream_list_add(&t->streams, s);
	return s;
}

/* The newest GET stream that has a connection. */
static struct stream *newest_get(const struct transport *t)
{
	struct stream *s, *found = NULL;
	struct stream_list *list = (struct stream_list *)(uintptr_t)&t->streams;

	for (s = stream_list_next(list, NULL); s; s = stream_list_next(list, s)) {
		if (stream_is_get(s) && stream_attached(s))
			found = s;
	}
	return found;
}

static void send_waiting(struct transport *t, struct stream *s)
{
	json_t *waiting = t->waiting;
	size_t i;
	json_t *msg;

	t->waiting = NULL;
	budget_set(&t->held, 0);
	json_array_foreach (waiting, i, msg) {
		stream_send(s, msg);
	}
	json_decref(waiting);
}

/* A client that opens GET after GET has lost the earlier ones without telling. */
static void limit_gets(struct transport *t)
{
	struct stream *s, *oldest = NULL;
	unsigned n = 0;

	for (s = stream_list_next(&t->streams, NULL); s; s = stream_list_next(&t->streams, s)) {
		if (!stream_is_get(s) || !stream_attached(s))
			continue;
		if (!oldest)
			oldest = s;
		n++;
	}
	if (n >= t->env->limits->max_streams)
		stream_close(oldest, 503, RPC_TRANSPORT, "replaced by a newer stream");
}

int transport_get(struct transport *t, struct exchange *x, struct err *e)
{
	struct stream_conf conf = conf_of(t);
	struct stream *s;

	limit_gets(t);
	exchange_charge(x, t->budget);
	s = stream_get(&conf, x);
	if (!s)
		return err_set(e, ERR_NOMEM, "out of memory");
	stream_list_add(&t->streams, s);
	send_waiting(t, s);
	return 0;
}

int transport_resume(struct transport *t, struct exchange *x, const char *last_event_id,
		     struct err *e)
{
	uint32_t no, seq;
	struct stream *s;
	int rc;

	if (stream_parse_event_id(last_event_id, &no, &seq))
		return err_set(e, ERR_INVALID, "Last-Event-ID is not an event id of this session");
	for (s = stream_list_next(&t->streams, NULL); s; s = stream_list_next(&t->streams, s)) {
		if (stream_no(s) == no)
			break;
	}
	if (!s)
		return err_set(e, ERR_NOTFOUND, "cannot resume: the stream is not kept any more");
	exchange_charge(x, t->budget);
	rc = stream_resume(s, x, seq, e);
	if (rc == 0 && stream_is_get(s) && stream_attached(s))
		send_waiting(t, s);
	return rc;
}

static void drop_oldest(struct transport *t)
{
	budget_give(&t->held, jsonrpc_cost(json_array_get(t->waiting, 0)));
	json_array_remove(t->waiting, 0);
}

/* MSG waits for a GET stream. Where there is no memory for that, the message is lost. */
static void keep_waiting(struct transport *t, json_t *msg_take)
{
	size_t cost = jsonrpc_cost(msg_take);

	if (!t->waiting)
		t->waiting = json_array();
	if (json_array_size(t->waiting) >= MAX_WAITING)
		drop_oldest(t);
	if (budget_take(&t->held, cost, "a message that waits for a stream", NULL) < 0)
		json_decref(msg_take);
	else if (json_array_append_new(t->waiting, msg_take) < 0)
		budget_give(&t->held, cost);
}

void transport_send(struct transport *t, json_t *msg_take)
{
	struct stream *s = newest_get(t);

	if (t->closed || !msg_take || (s && stream_send(s, msg_take) == 0)) {
		json_decref(msg_take);
		return;
	}
	keep_waiting(t, msg_take);
}

/* A question that is withdrawn: the client may stop asking its user. */
static void on_withdrawn(json_int_t id, void *arg)
{
	json_t *params = json_pack("{s:I}", "requestId", id);

	if (params)
		transport_send(arg, jsonrpc_notification("notifications/cancelled", params));
}

void transport_ask(struct transport *t, struct stream *s, struct question *q_take)
{
	json_t *id, *msg;
	json_int_t n;

	if (!t->asks && !t->closed)
		t->asks = asks_new(t->env->asking, on_withdrawn, t);
	if (t->closed || !t->asks) {
		question_refuse(q_take, RPC_INTERNAL_ERROR,
				t->closed ? "the session was closed" : "out of memory");
		return;
	}
	/* asks_add() may consume the question, so the message is made first, around a placeholder.
	 */
	id = json_integer(0);
	/* Without an id it would be a notification. */
	msg = id ? jsonrpc_request(id, question_method(q_take),
				   json_incref(question_params(q_take)))
		 : NULL;
	if (!msg)
		question_refuse(q_take, RPC_INTERNAL_ERROR, "out of memory");
	n = msg ? asks_add(t->asks, q_take) : 0;
	if (n) {
		json_integer_set(id, n);
		if (!s || stream_send(s, msg) < 0)
			transport_send(t, json_incref(msg));
	}
	json_decref(msg);
	json_decref(id);
}

int transport_answer(struct transport *t, const struct message *msg)
{
	return t->asks ? asks_answer(t->asks, msg) : ERR_NOTFOUND;
}

int transport_close(struct transport *t, int status, const char *message, struct err *e)
{
	struct stream *s;
	int code = status == 404 ? RPC_SESSION_NOT_FOUND : RPC_TRANSPORT;

	(void)e;
	if (t->closed)
		return 0;
	t->closed = true;
	for (s = stream_list_next(&t->streams, NULL); s; s = stream_list_next(&t->streams, s))
		stream_close(s, status, code, message);
	if (t->asks)
		asks_refuse_all(t->asks, "the session was closed");
	return 0;
}

size_t transport_open_streams(const struct transport *t)
{
	struct stream_list *list = (struct stream_list *)(uintptr_t)&t->streams;
	struct stream *s;
	size_t n = 0;

	for (s = stream_list_next(list, NULL); s; s = stream_list_next(list, s))
		n += stream_attached(s);
	return n;
}

bool transport_has_get(const struct transport *t)
{
	return newest_get(t);
}

json_t *transport_describe(const struct transport *t)
{
	return json_pack(
		"{s:I, s:I, s:I, s:I, s:I}", "streams", (json_int_t)transport_open_streams(t),
		"replayEvents", (json_int_t)t->replay.count, "replayBytes",
		(json_int_t)t->replay.held.held, "waiting", (json_int_t)json_array_size(t->waiting),
		"questions", (json_int_t)asks_count(t->asks));
}
