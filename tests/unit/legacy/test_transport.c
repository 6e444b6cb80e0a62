/* SPDX-License-Identifier: ISC */
/* The HTTP side of a session: which message goes out where, what can be asked for again, and what
 * happens to clients that leave, come back, read slowly or not at all. */
#include "said.h"
#include "support.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failalloc.h"
#include "fake_exchange.h"
#include "http/reply.h"
#include "legacy/transport.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "mcp/question.h"

#define JSON_ONLY REPLY_ACCEPT_JSON
#define SSE_ONLY  REPLY_ACCEPT_SSE
#define BOTH	  (REPLY_ACCEPT_JSON | REPLY_ACCEPT_SSE)

static struct event_base *base;
static struct config_limits limits;
static struct stream_env *env;
static struct transport *t;
static int quiet; /* connections that ended */

static void on_quiet(void *arg)
{
	assert_ptr_equal(arg, &quiet);
	quiet++;
}

/* A transport with the limits as they are now. */
static void make(enum mcp_rev rev)
{
	env = stream_env_new(base, &limits);
	assert_non_null(env);
	t = transport_new(env, rev, NULL, on_quiet, &quiet);
	assert_non_null(t);
}

static int setup(void **state)
{
	(void)state;
	base = loop_open();
	limits = (struct config_limits){
		.max_streams = 8,
		.question_timeout_ms = 3600000,
		.keepalive_ms = 3600000,
		.upgrade_ms = 3600000,
		.retry_ms = 5000,
		.replay_events = 512,
		.replay_bytes = 1 << 20,
		.replay_age_ms = 3600000,
		.max_backlog = 1000,
	};
	quiet = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(transport_close(t, 404, "Session not found", NULL), 0);
	loop_settle(base);
	transport_free(&t);
	assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 0);
	stream_env_free(&env);
	fake_exchanges_free();
	loop_close(base);
	return 0;
}

static struct stream *post_many(struct exchange **x_r, unsigned accept, unsigned responses,
				bool batch)
{
	struct stream *st;

	*x_r = fake_exchange();
	st = transport_post(t, *x_r, accept, responses, batch);
	assert_non_null(st);
	return st;
}

static struct stream *post(struct exchange **x_r, unsigned accept)
{
	return post_many(x_r, accept, 1, false);
}

static struct exchange *get(void)
{
	struct exchange *x = fake_exchange();

	assert_int_equal(transport_get(t, x, NULL), 0);
	return x;
}

static json_t *note(int n)
{
	json_t *msg = jsonrpc_notification("n", json_pack("{s:i}", "n", n));

	assert_non_null(msg);
	return msg;
}

/* A notification about the request of ST. */
static int tell(struct stream *st, int n)
{
	json_t *msg = note(n);
	int rc = stream_send(st, msg);

	json_decref(msg);
	return rc;
}

static void respond(struct stream *st, int id)
{
	json_t *key = json_integer(id);
	struct jsontext *msg = jsontext_of(jsonrpc_result(key, NULL));

	assert_non_null(msg);
	stream_respond(st, msg);
	jsontext_unref(&msg);
	json_decref(key);
}

/* What came over the stream of X: "p" a priming event, "n5" notification 5, "r1" the response to 1,
 * "q1" request 1 of ours; "|" before what came after the first FROM events... separated by spaces.
 */
static const char *came(struct exchange *x)
{
	static char text[4096];
	json_t *events = fake_events(x), *event;
	size_t i, n = 0;

	text[0] = '\0';
	json_array_foreach (events, i, event) {
		json_t *data = json_object_get(event, "data");
		json_t *id = json_object_get(data, "id");
		const char *method = json_string_value(json_object_get(data, "method"));
		char kind = 'r';
		long number = (long)json_integer_value(id);

		if (json_is_string(data))
			kind = 'p';
		else if (method && id)
			kind = 'q';
		else if (method && strcmp(method, "n") == 0)
			kind = 'n', number = (long)json_integer_value(
					    json_object_get(json_object_get(data, "params"), "n"));
		else if (method)
			kind = 'c'; /* cancelled */
		assert_true(n < sizeof text - 32);
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%c", i > 0 ? " " : "", kind);
		if (kind != 'p' && kind != 'c')
			n += (size_t)snprintf(text + n, sizeof text - n, "%ld", number);
	}
	json_decref(events);
	return text;
}

/* The id of the I-th event of X; a copy. */
static char *event_id(struct exchange *x, size_t i)
{
	json_t *events = fake_events(x);
	const char *id = json_string_value(json_object_get(json_array_get(events, i), "id"));
	char *copy;

	assert_non_null(id);
	copy = strdup(id);
	json_decref(events);
	return copy;
}

static int resume(struct exchange **x_r, const char *last_event_id)
{
	struct err e;
	int rc;

	*x_r = fake_exchange();
	rc = transport_resume(t, *x_r, last_event_id, &e);
	if (rc != 0) {
		assert_int_equal(e.code, rc);
		exchange_reply(*x_r, 400, NULL, NULL, 0); /* it is still ours */
	}
	return rc;
}

static json_int_t described(const char *member)
{
	json_t *all = transport_describe(t);
	json_int_t value = json_integer_value(json_object_get(all, member));

	json_decref(all);
	return value;
}

/* ---- one answer ---- */

static void nothing_before_it_makes_json(void **state)
{
	struct exchange *x;
	struct stream *st;

	(void)state;
	make(MCP_REV_2025_11_25);
	st = post(&x, BOTH);
	assert_int_equal(fake_outcome(x), FAKE_OPEN);
	assert_int_equal(transport_open_streams(t), 1);
	respond(st, 1);
	assert_int_equal(fake_outcome(x), FAKE_REPLIED);
	assert_int_equal(fake_status(x), 200);
	assert_string_equal(fake_text(x), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
	assert_int_equal(transport_open_streams(t), 0);
	assert_int_equal(quiet, 1);
	assert_int_equal(described("replayEvents"), 0);
}

static void something_before_it_makes_a_stream(void **state)
{
	static const struct {
		enum mcp_rev rev;
		const char *want;
	} rows[] = {
		{MCP_REV_2025_11_25, "p n1 n2 r1"},
		{MCP_REV_2025_06_18, "n1 n2 r1"}, /* these parse empty data as JSON, and break */
		{MCP_REV_2025_03_26, "n1 n2 r1"}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct exchange *x;
		struct stream *st;

		if (i > 0) {
			loop_settle(base);
			transport_free(&t);
			stream_env_free(&env);
		}
		make(rows[i].rev);
		st = post(&x, BOTH);
		assert_int_equal(tell(st, 1), 0);
		assert_true(fake_streaming(x));
		assert_int_equal(fake_text(x)[0], ':'); /* a comment at once */
		assert_int_equal(tell(st, 2), 0);
		respond(st, 1);
		assert_int_equal(fake_outcome(x), FAKE_ENDED);
		assert_string_equal(came(x), rows[i].want);
	}
}

static void priming_event_has_id_and_retry(void **state)
{
	struct exchange *x;
	json_t *events;

	(void)state;
	make(MCP_REV_2025_11_25);
	x = get();
	events = fake_events(x);
	assert_true(json_is(events, "[{'id':'1-1','retry':5000,'data':''}]"));
	json_decref(events);
}

static void event_ids_name_stream_and_number(void **state)
{
	struct exchange *x, *y;
	struct stream *a, *b;
	char *id;

	(void)state;
	make(MCP_REV_2025_06_18);
	a = post(&x, BOTH);
	b = post(&y, BOTH);
	tell(a, 1);
	tell(b, 2);
	tell(a, 3);
	id = event_id(x, 1);
	assert_string_equal(id, "1-2");
	free(id);
	id = event_id(y, 0);
	assert_string_equal(id, "2-1");
	free(id);
	respond(a, 1);
	respond(b, 1);
}

static void client_that_takes_json_only(void **state)
{
	struct exchange *x;
	struct stream *st;

	(void)state;
	limits.upgrade_ms = 1;
	make(MCP_REV_2025_11_25);
	st = post(&x, JSON_ONLY);
	assert_int_equal(tell(st, 1), ERR_UNSUPPORTED);
	for (int i = 0; i < 5; i++)
		loop_turn(base);
	respond(st, 7);
	assert_int_equal(fake_outcome(x), FAKE_REPLIED);
	assert_string_equal(fake_text(x), "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}");
}

static void client_that_takes_streams_only(void **state)
{
	struct exchange *x;
	struct stream *st;

	(void)state;
	make(MCP_REV_2025_06_18);
	st = post(&x, SSE_ONLY);
	respond(st, 7);
	assert_int_equal(fake_outcome(x), FAKE_ENDED);
	assert_string_equal(came(x), "r7");
}

/* So that no proxy on the way cuts an answer that takes long. */
static void slow_answer_becomes_a_stream(void **state)
{
	struct exchange *x;
	struct stream *st;

	(void)state;
	limits.upgrade_ms = 1;
	make(MCP_REV_2025_06_18);
	st = post(&x, BOTH);
	assert_false(fake_streaming(x));
	while (!fake_streaming(x))
		loop_turn(base);
	assert_int_equal(fake_comments(x), 1);
	respond(st, 1);
	assert_string_equal(came(x), "r1");
	assert_int_equal(fake_outcome(x), FAKE_ENDED);
}

static void silent_streams_are_kept_alive(void **state)
{
	struct exchange *x, *y;
	struct stream *st;

	(void)state;
	limits.keepalive_ms = 1;
	make(MCP_REV_2025_11_25);
	x = get();
	st = post(&y, BOTH);
	tell(st, 1);
	while (fake_comments(x) < 4 || fake_comments(y) < 4)
		loop_turn(base);
	respond(st, 1);
	assert_string_equal(came(y), "p n1 r1");
	assert_string_equal(came(x), "p");
}

static void cancelled_request_has_no_response(void **state)
{
	struct exchange *x, *y;
	struct stream *st;

	(void)state;
	make(MCP_REV_2025_06_18);
	st = post(&x, BOTH);
	stream_skip(st);
	assert_int_equal(fake_outcome(x), FAKE_REPLIED);
	assert_int_equal(fake_status(x), 202);
	assert_string_equal(fake_text(x), "");
	st = post(&y, BOTH);
	tell(st, 1);
	stream_skip(st);
	assert_int_equal(fake_outcome(y), FAKE_ENDED);
	assert_string_equal(came(y), "n1");
}

/* ---- batches (2025-03-26) ---- */

static void batch_is_one_array(void **state)
{
	struct exchange *x;
	struct stream *st;

	(void)state;
	make(MCP_REV_2025_03_26);
	st = post_many(&x, BOTH, 3, true);
	respond(st, 2);
	respond(st, 3);
	assert_int_equal(fake_outcome(x), FAKE_OPEN);
	respond(st, 1);
	assert_int_equal(fake_outcome(x), FAKE_REPLIED);
	assert_string_equal(fake_text(x), "[{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}},"
					  "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}},"
					  "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}]");
}

static void batch_of_one_is_an_array_too(void **state)
{
	struct exchange *x;
	struct stream *st;

	(void)state;
	make(MCP_REV_2025_03_26);
	st = post_many(&x, BOTH, 1, true);
	respond(st, 9);
	assert_string_equal(fake_text(x), "[{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{}}]");
}

static void batch_that_becomes_a_stream(void **state)
{
	struct exchange *x;
	struct stream *st;

	(void)state;
	make(MCP_REV_2025_03_26);
	st = post_many(&x, BOTH, 3, true);
	respond(st, 2);
	tell(st, 5);
	respond(st, 1);
	assert_int_equal(fake_outcome(x), FAKE_OPEN);
	respond(st, 3);
	assert_int_equal(fake_outcome(x), FAKE_ENDED);
	assert_string_equal(came(x), "r2 n5 r1 r3");
}

static void batch_with_cancelled_requests(void **state)
{
	struct exchange *x;
	struct stream *st;

	(void)state;
	make(MCP_REV_2025_03_26);
	st = post_many(&x, BOTH, 3, true);
	stream_skip(st);
	respond(st, 2);
	stream_skip(st);
	assert_string_equal(fake_text(x), "[{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}]");
	st = post_many(&x, BOTH, 2, true);
	stream_skip(st);
	stream_skip(st);
	assert_int_equal(fake_outcome(x), FAKE_REPLIED);
	assert_int_equal(fake_status(x), 202); /* an empty array is no JSON-RPC */
	assert_string_equal(fake_text(x), "");
}

static void batch_for_a_client_that_takes_streams_only(void **state)
{
	struct exchange *x;
	struct stream *st;

	(void)state;
	make(MCP_REV_2025_03_26);
	st = post_many(&x, SSE_ONLY, 2, true);
	respond(st, 1);
	respond(st, 2);
	assert_int_equal(fake_outcome(x), FAKE_ENDED);
	assert_string_equal(came(x), "r1 r2");
}

/* ---- each message on exactly one stream ---- */

static void each_message_goes_out_once(void **state)
{
	struct exchange *gets[3], *posts[2];
	struct stream *st[2];

	(void)state;
	make(MCP_REV_2025_06_18);
	gets[0] = get();
	st[0] = post(&posts[0], BOTH);
	gets[1] = get();
	st[1] = post(&posts[1], BOTH);
	gets[2] = get();
	assert_int_equal(transport_open_streams(t), 5);
	tell(st[0], 10);
	tell(st[1], 20);
	transport_send(t, note(1)); /* to the newest */
	fake_leave(gets[2]);
	transport_send(t, note(2)); /* to the newest that is there */
	fake_leave(gets[0]);
	transport_send(t, note(3));
	respond(st[0], 1);
	respond(st[1], 2);
	assert_string_equal(came(gets[0]), "");
	assert_string_equal(came(gets[1]), "n2 n3");
	assert_string_equal(came(gets[2]), "n1");
	assert_string_equal(came(posts[0]), "n10 r1");
	assert_string_equal(came(posts[1]), "n20 r2");
}

static void waits_for_a_stream(void **state)
{
	struct exchange *x, *y;

	(void)state;
	make(MCP_REV_2025_06_18);
	assert_false(transport_has_get(t));
	for (int i = 0; i < 40; i++)
		transport_send(t, note(i));
	assert_int_equal(described("waiting"), 32);
	x = get();
	assert_true(transport_has_get(t));
	assert_true(strncmp(came(x), "n8 n9 n10 ", 10) == 0); /* the oldest went */
	assert_int_equal(described("waiting"), 0);
	y = get();
	assert_string_equal(came(y), "");
	fake_leave(x);
	fake_leave(y);
	assert_false(transport_has_get(t));
}

static void too_many_streams_end_the_oldest(void **state)
{
	struct exchange *x[4];

	(void)state;
	limits.max_streams = 2;
	make(MCP_REV_2025_06_18);
	for (int i = 0; i < 4; i++)
		x[i] = get();
	assert_int_equal(fake_outcome(x[0]), FAKE_ENDED);
	assert_int_equal(fake_outcome(x[1]), FAKE_ENDED);
	assert_int_equal(fake_outcome(x[2]), FAKE_OPEN);
	assert_int_equal(fake_outcome(x[3]), FAKE_OPEN);
	assert_int_equal(transport_open_streams(t), 2);
}

/* ---- replay ---- */

static void every_place_can_be_resumed_from(void **state)
{
	static const char *const want[] = {"n1 n2 n3 r1", "n2 n3 r1", "n3 r1", "r1", ""};
	struct exchange *x, *y;
	struct stream *st;

	(void)state;
	make(MCP_REV_2025_11_25);
	st = post(&x, BOTH);
	tell(st, 1);
	fake_leave(x); /* no cancellation: the request goes on */
	assert_int_equal(quiet, 1);
	tell(st, 2);
	tell(st, 3);
	respond(st, 1);
	for (int i = 0; i < 5; i++) {
		char id[16];

		loop_settle(base);
		snprintf(id, sizeof id, "1-%d", i + 1);
		assert_int_equal(resume(&y, id), 0);
		assert_string_equal(came(y), want[i]);
		assert_int_equal(fake_outcome(y), FAKE_ENDED); /* the response was the last */
	}
}

static void resumed_stream_goes_on(void **state)
{
	struct exchange *x, *y, *z;
	struct stream *st;

	(void)state;
	make(MCP_REV_2025_11_25);
	st = post(&x, BOTH);
	tell(st, 1);
	fake_leave(x);
	tell(st, 2);
	assert_int_equal(resume(&y, "1-2"), 0);
	tell(st, 3);
	/* The client comes again before its old connection is known to be dead. */
	assert_int_equal(resume(&z, "1-3"), 0);
	assert_int_equal(fake_outcome(y), FAKE_ENDED);
	assert_int_equal(fake_outcome(z), FAKE_OPEN);
	assert_int_equal(transport_open_streams(t), 1);
	tell(st, 4);
	respond(st, 1);
	assert_string_equal(came(y), "n2 n3");
	assert_string_equal(came(z), "n3 n4 r1");
	assert_int_equal(fake_outcome(z), FAKE_ENDED);
}

static void only_events_of_its_own_stream(void **state)
{
	struct exchange *x, *y, *z;
	struct stream *a, *b;

	(void)state;
	make(MCP_REV_2025_11_25);
	a = post(&x, BOTH);
	b = post(&y, BOTH);
	tell(a, 1);
	tell(b, 10);
	tell(a, 2);
	tell(b, 20);
	fake_leave(x);
	assert_int_equal(resume(&z, "1-1"), 0);
	assert_string_equal(came(z), "n1 n2");
	respond(a, 1);
	respond(b, 2);
	assert_string_equal(came(z), "n1 n2 r1");
	assert_string_equal(came(y), "p n10 n20 r2");
}

static void standalone_stream_is_resumed(void **state)
{
	struct exchange *x, *y, *z;

	(void)state;
	make(MCP_REV_2025_11_25);
	x = get();
	transport_send(t, note(1));
	transport_send(t, note(2)); /* it may have been on the way when the client left */
	fake_leave(x);
	transport_send(t, note(3));
	assert_int_equal(resume(&y, "1-2"), 0);
	assert_string_equal(came(y), "n2 n3");
	transport_send(t, note(4));
	assert_string_equal(came(y), "n2 n3 n4");
	z = get();
	assert_string_equal(came(z), "p");
}

static void bad_event_ids(void **state)
{
	static const char *const bad[] = {
		"",	"x",	"1",	"1-",	 "-1",	  "1-2-3",	 " 1-1",	"1-1 ",
		"+1-1", "1-+1", "1- 1", "0x1-1", "1-0x1", "fffffffff-1", "1-fffffffff", "1-1\n",
		"g-1",	"--1",	"-1-1",
	};
	static const char *const unknown[] = {"2-1", "0-1", "1-3", "1-ffffffff", "ffffffff-1"};
	struct exchange *x, *y;

	(void)state;
	make(MCP_REV_2025_11_25);
	x = get();
	transport_send(t, note(1));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (resume(&y, bad[i]) != ERR_INVALID)
			fail_msg("\"%s\" is taken for an event id", bad[i]);
	for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
		assert_int_equal(resume(&y, unknown[i]), ERR_NOTFOUND);
	assert_int_equal(fake_outcome(x), FAKE_OPEN); /* nothing of this took its connection */
	assert_int_equal(resume(&y, "1-2"), 0);
	assert_string_equal(came(y), "");
}

static void bounded_in_count(void **state)
{
	struct exchange *x, *y;
	struct stream *st;
	char id[16];

	(void)state;
	limits.replay_events = 4;
	make(MCP_REV_2025_06_18);
	st = post(&x, BOTH);
	for (int i = 1; i <= 10; i++) {
		tell(st, i);
		assert_true(described("replayEvents") <= 4);
	}
	fake_leave(x);
	for (int i = 0; i <= 10; i++) {
		snprintf(id, sizeof id, "1-%x", (unsigned)i);
		assert_int_equal(resume(&y, id), i < 6 ? ERR_NOTFOUND : 0);
		if (i == 6)
			assert_string_equal(came(y), "n7 n8 n9 n10");
	}
	respond(st, 1);
}

static void bounded_in_bytes(void **state)
{
	struct exchange *x, *y;
	struct stream *st;
	size_t one;

	(void)state;
	make(MCP_REV_2025_06_18);
	st = post(&x, BOTH);
	tell(st, 1);
	one = (size_t)described("replayBytes");
	assert_in_range(one, 20, 200);
	respond(st, 1);
	loop_settle(base);
	transport_free(&t);
	stream_env_free(&env);
	limits.replay_bytes = 3 * one;
	make(MCP_REV_2025_06_18);
	st = post(&x, BOTH);
	for (int i = 1; i <= 9; i++) {
		tell(st, i);
		assert_true(described("replayBytes") <= (json_int_t)limits.replay_bytes);
	}
	assert_int_equal(described("replayEvents"), 3);
	fake_leave(x);
	assert_int_equal(resume(&y, "1-5"), ERR_NOTFOUND);
	assert_int_equal(resume(&y, "1-6"), 0);
	assert_string_equal(came(y), "n7 n8 n9");
	respond(st, 1);
}

/* What is larger than the whole buffer goes out, but cannot be asked for again; what comes later
 * can. */
static void larger_than_the_buffer(void **state)
{
	struct exchange *x, *y;
	struct stream *st;
	char big[2001];
	json_t *msg;

	(void)state;
	limits.replay_bytes = 500;
	limits.max_backlog = 100000;
	make(MCP_REV_2025_06_18);
	st = post(&x, BOTH);
	tell(st, 1);
	memset(big, 'b', 2000);
	big[2000] = '\0';
	msg = jsonrpc_notification("n", json_pack("{s:s,s:i}", "x", big, "n", 2));
	assert_int_equal(stream_send(st, msg), 0);
	json_decref(msg);
	tell(st, 3);
	assert_string_equal(came(x), "n1 n2 n3");
	fake_leave(x);
	assert_int_equal(resume(&y, "1-1"), ERR_NOTFOUND);
	assert_int_equal(resume(&y, "1-2"), 0);
	assert_string_equal(came(y), "n3");
	respond(st, 1);
}

static void bounded_in_age(void **state)
{
	struct exchange *x, *y;
	struct stream *st;

	(void)state;
	limits.replay_age_ms = 2;
	make(MCP_REV_2025_06_18);
	st = post(&x, BOTH);
	tell(st, 1);
	while (described("replayEvents") > 0)
		loop_turn(base);
	assert_int_equal(described("replayBytes"), 0);
	fake_leave(x);
	assert_int_equal(resume(&y, "1-0"), ERR_NOTFOUND);
	assert_int_equal(resume(&y, "1-1"), 0); /* nothing was missed since */
	respond(st, 1);
	assert_string_equal(came(y), "r1");
	while (described("replayEvents") > 0)
		loop_turn(base);
	loop_settle(base);
	assert_int_equal(resume(&y, "1-2"), ERR_NOTFOUND); /* the stream itself is gone */
}

static void old_streams_make_room_for_new_ones(void **state)
{
	struct exchange *x, *y;
	struct stream *a, *b;

	(void)state;
	limits.replay_events = 3;
	make(MCP_REV_2025_06_18);
	a = post(&x, BOTH);
	tell(a, 1);
	respond(a, 1);
	b = post(&x, BOTH);
	for (int i = 1; i <= 3; i++)
		tell(b, i);
	loop_settle(base);
	assert_int_equal(resume(&y, "1-1"), ERR_NOTFOUND);
	respond(b, 2);
}

static void no_replay_at_all(void **state)
{
	struct exchange *x, *y;
	struct stream *st;

	(void)state;
	limits.replay_events = 0;
	make(MCP_REV_2025_11_25);
	st = post(&x, BOTH);
	tell(st, 1);
	respond(st, 1);
	assert_string_equal(came(x), "p n1 r1");
	loop_settle(base);
	assert_int_equal(resume(&y, "1-1"), ERR_NOTFOUND);
}

/* ---- clients that leave, read slowly, or cannot be written to ---- */

static void left_before_the_answer(void **state)
{
	struct exchange *x;
	struct stream *st;

	(void)state;
	make(MCP_REV_2025_11_25);
	st = post(&x, BOTH);
	fake_leave(x);
	assert_int_equal(transport_open_streams(t), 0);
	assert_int_equal(tell(st, 1), ERR_CLOSED); /* it never learnt an event id */
	respond(st, 1);
	loop_settle(base);
}

static void slow_reader_is_cut_and_may_come_back(void **state)
{
	struct exchange *x, *y;
	struct stream *st;

	(void)state;
	make(MCP_REV_2025_11_25);
	st = post(&x, BOTH);
	tell(st, 1);
	fake_set_backlog(x, 1000); /* as much as it may be */
	tell(st, 2);
	assert_int_equal(fake_outcome(x), FAKE_OPEN);
	fake_set_backlog(x, 1001);
	tell(st, 3);
	assert_int_equal(fake_outcome(x), FAKE_ABORTED);
	assert_int_equal(transport_open_streams(t), 0);
	assert_int_equal(quiet, 1);
	tell(st, 4);
	assert_int_equal(resume(&y, "1-2"), 0);
	respond(st, 1);
	assert_string_equal(came(y), "n2 n3 n4 r1");
}

static void slow_reader_of_a_standalone_stream(void **state)
{
	struct exchange *x, *y;

	(void)state;
	make(MCP_REV_2025_06_18);
	x = get();
	fake_set_backlog(x, 5000);
	transport_send(t, note(1));
	assert_int_equal(fake_outcome(x), FAKE_ABORTED);
	transport_send(t, note(2)); /* waits */
	y = get();
	assert_string_equal(came(y), "n2");
}

static void slow_reader_of_keepalives(void **state)
{
	struct exchange *x;

	(void)state;
	limits.keepalive_ms = 1;
	make(MCP_REV_2025_06_18);
	x = get();
	fake_set_backlog(x, 5000);
	while (fake_outcome(x) == FAKE_OPEN)
		loop_turn(base);
	assert_int_equal(fake_outcome(x), FAKE_ABORTED);
}

static void resuming_slowly(void **state)
{
	struct exchange *x, *y;
	struct stream *st;

	(void)state;
	make(MCP_REV_2025_11_25);
	st = post(&x, BOTH);
	tell(st, 1);
	fake_leave(x);
	y = fake_exchange();
	fake_set_backlog(y, 5000);
	assert_int_equal(transport_resume(t, y, "1-1", NULL), 0);
	assert_int_equal(fake_outcome(y), FAKE_ABORTED);
	respond(st, 1);
	assert_int_equal(resume(&y, "1-1"), 0);
	assert_string_equal(came(y), "n1 r1");
}

static void stream_that_cannot_be_begun(void **state)
{
	struct exchange *x;
	struct stream *st;
	struct err e;

	(void)state;
	make(MCP_REV_2025_11_25);
	st = post(&x, BOTH);
	fake_fail_begin(x, ERR_NOMEM);
	assert_int_equal(tell(st, 1), ERR_NOMEM);
	respond(st, 1); /* still possible as JSON */
	assert_int_equal(fake_outcome(x), FAKE_REPLIED);
	x = fake_exchange();
	fake_fail_begin(x, ERR_NOMEM);
	assert_int_equal(transport_get(t, x, &e), ERR_NOMEM);
	exchange_abort(x); /* it is still ours */
	assert_int_equal(transport_open_streams(t), 0);
}

static void first_write_fails(void **state)
{
	struct exchange *x;
	struct stream *st;
	struct err e;

	(void)state;
	make(MCP_REV_2025_11_25);
	x = fake_exchange();
	fake_fail_write(x, ERR_NOMEM);
	if (transport_get(t, x, &e) != 0)
		exchange_abort(x);
	assert_int_equal(fake_outcome(x), FAKE_ABORTED);
	assert_false(transport_has_get(t));
	st = post(&x, BOTH);
	fake_fail_write(x, ERR_CLOSED);
	tell(st, 1);
	assert_int_equal(fake_outcome(x), FAKE_ABORTED);
	respond(st, 1);
}

/* ---- questions ---- */

static int answers, refusals;

static void on_answer(struct question *q, struct jsontext *result, json_t *error, void *arg)
{
	(void)q;
	(void)arg;
	answers += result != NULL;
	refusals += error != NULL;
}

static struct question *ask(struct stream *st)
{
	struct question *q = question_new("roots/list", NULL, on_answer, NULL);

	assert_non_null(q);
	if (described("questions") == 0)
		answers = refusals = 0;
	transport_ask(t, st, q);
	return q;
}

static int answer(const char *text)
{
	json_t *msg = json_of(text);
	int rc = said_answer(t, msg);

	json_decref(msg);
	return rc;
}

static void questions_go_out_where_they_belong(void **state)
{
	struct exchange *x, *y;
	struct stream *st;

	(void)state;
	make(MCP_REV_2025_06_18);
	x = get();
	st = post(&y, BOTH);
	ask(st);
	ask(NULL);
	assert_string_equal(came(y), "q1");
	assert_string_equal(came(x), "q2");
	assert_int_equal(answer("{'id':2,'result':{}}"), 0);
	assert_int_equal(answer("{'id':1,'error':{'code':-1,'message':'no'}}"), 0);
	assert_int_equal(answers, 1);
	assert_int_equal(refusals, 1);
	respond(st, 1);
}

static void answers_to_nothing(void **state)
{
	static const char *const none[] = {"{'id':2,'result':{}}",    "{'id':'1','result':{}}",
					   "{'id':null,'result':{}}", "{'id':1.5,'result':{}}",
					   "{'result':{}}",	      "{'id':0,'result':{}}"};

	(void)state;
	make(MCP_REV_2025_06_18);
	get();
	assert_int_equal(answer(none[0]), ERR_NOTFOUND); /* before there was any question */
	ask(NULL);
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		assert_int_equal(answer(none[i]), ERR_NOTFOUND);
	assert_int_equal(answer("{'id':1.0,'result':{}}"), 0);		/* the number is 1 */
	assert_int_equal(answer("{'id':1,'result':{}}"), ERR_NOTFOUND); /* a second time */
	assert_int_equal(answers, 1);
}

static void question_on_a_json_only_request(void **state)
{
	struct exchange *x, *y;
	struct stream *st;

	(void)state;
	make(MCP_REV_2025_06_18);
	st = post(&x, JSON_ONLY);
	ask(st);
	assert_int_equal(described("waiting"), 1);
	y = get();
	assert_string_equal(came(y), "q1");
	assert_int_equal(answer("{'id':1,'result':{}}"), 0);
	respond(st, 1);
}

static void withdrawn_question_is_cancelled(void **state)
{
	struct exchange *x;
	struct question *q;

	(void)state;
	make(MCP_REV_2025_06_18);
	x = get();
	q = ask(NULL);
	question_withdraw(q);
	assert_string_equal(came(x), "q1 c");
	assert_non_null(strstr(fake_text(x), "\"requestId\":1"));
	assert_int_equal(answer("{'id':1,'result':{}}"), ERR_NOTFOUND);
	assert_int_equal(answers + refusals, 0);
}

static void question_nobody_answers(void **state)
{
	struct exchange *x;

	(void)state;
	limits.question_timeout_ms = 1;
	make(MCP_REV_2025_06_18);
	x = get();
	ask(NULL);
	loop_until_count(base, &refusals, 1);
	assert_string_equal(came(x), "q1 c");
	assert_int_equal(described("questions"), 0);
}

static void question_that_waits_in_vain(void **state)
{
	(void)state;
	make(MCP_REV_2025_06_18);
	ask(NULL);
	for (int i = 0; i < 40; i++)
		transport_send(t, note(i)); /* pushes it out */
	assert_int_equal(transport_close(t, 404, "over", NULL), 0);
	assert_int_equal(refusals, 1);
}

/* ---- closing ---- */

static void close_ends_everything_once(void **state)
{
	struct exchange *g, *pending, *stream, *left;
	struct stream *st[3];

	(void)state;
	make(MCP_REV_2025_11_25);
	g = get();
	st[0] = post(&pending, BOTH);
	st[1] = post(&stream, BOTH);
	tell(st[1], 1);
	st[2] = post(&left, BOTH);
	fake_leave(left);
	ask(NULL);
	assert_int_equal(transport_close(t, 404, "Session not found", NULL), 0);
	assert_int_equal(fake_outcome(g), FAKE_ENDED);
	assert_int_equal(fake_outcome(stream), FAKE_ENDED);
	assert_int_equal(fake_outcome(pending), FAKE_REPLIED);
	assert_int_equal(fake_status(pending), 404);
	assert_int_equal(refusals, 1);
	assert_int_equal(transport_open_streams(t), 0);
	assert_int_equal(transport_close(t, 503, "again", NULL), 0);
	/* what still comes from the server goes nowhere */
	assert_int_equal(tell(st[0], 2), ERR_CLOSED);
	assert_int_equal(tell(st[1], 2), ERR_CLOSED);
	for (int i = 0; i < 3; i++)
		respond(st[i], i);
	transport_send(t, note(3));
	assert_int_equal(described("waiting"), 0);
	ask(NULL);
	assert_int_equal(refusals, 1); /* of this one alone: ask() counts anew */
	assert_string_equal(came(stream), "p n1");
	loop_settle(base);
}

/* ---- what a stream leaves behind ---- */

static int idle;

static void on_idle(struct stream *s, void *arg)
{
	(void)arg;
	idle++;
	stream_free(&s);
}

static void on_detached(void *arg)
{
	(void)arg;
}

static void evicted(void *owner, uint32_t seq, void *arg)
{
	(void)arg;
	stream_evicted(owner, seq);
}

static struct replay replay;

static struct stream_conf stream_conf(enum mcp_rev rev)
{
	idle = 0;
	return (struct stream_conf){
		.env = env,
		.replay = &replay,
		.rev = rev,
		.no = 1,
		.idle = on_idle,
		.detached = on_detached,
	};
}

/* A stream that has ended in any way, with nothing to replay, is done with; whoever opens one after
 * the other must not fill the memory. */
static void no_stream_is_left_behind(void **state)
{
	(void)state;
	make(MCP_REV_2025_06_18);
	for (int how = 0; how < 8; how++) {
		struct stream_conf conf = stream_conf(MCP_REV_2025_06_18);
		struct exchange *x = fake_exchange();
		struct stream *s;
		json_t *msg = note(1);

		replay_init(&replay, env->aging, NULL, how == 7 ? 10 : 0, 1000, evicted, NULL);
		s = how < 4 || how == 7 ? stream_get(&conf, x)
					: stream_post(&conf, x, BOTH, 1, false);
		assert_non_null(s);
		switch (how) {
		case 0: /* it is replaced */
			stream_close(s, 503, -32000, "replaced");
			break;
		case 1: /* the client leaves */
			fake_leave(x);
			break;
		case 2: /* the client does not read */
			fake_set_backlog(x, 5000);
			stream_send(s, msg);
			break;
		case 3: /* the same, in a keep-alive comment */
			fake_fail_write(x, ERR_CLOSED);
			stream_send(s, msg);
			break;
		case 4: /* it is answered */
			respond(s, 1);
			break;
		case 5: /* the client leaves, then it is answered */
			fake_leave(x);
			respond(s, 1);
			break;
		case 6: /* it is closed, and the call ends later */
			stream_close(s, 404, -32001, "over");
			stream_skip(s);
			break;
		case 7: /* it leaves something to replay, which is forgotten */
			stream_send(s, msg);
			stream_close(s, 503, -32000, "replaced");
			loop_settle(base);
			assert_int_equal(idle, 0);
			while (TAILQ_FIRST(&replay.events)) {
				struct replay_event *ev = TAILQ_FIRST(&replay.events);

				delayq_remove(env->aging, &ev->age);
				TAILQ_REMOVE(&replay.events, ev, link);
				stream_evicted(ev->owner, ev->seq);
				free(ev);
			}
			break;
		}
		loop_settle(base);
		if (idle != 1)
			fail_msg("the stream of case %d is left behind", how);
		json_decref(msg);
	}
}

/* ---- lack of memory ---- */

static void every_allocation_may_fail(void **state)
{
	bool failed = true;

	(void)state;
	make(MCP_REV_2025_11_25);
	for (int stay = 0; stay < 2; stay++) {
		for (long n = 1; failed || n == 1; n++) {
			struct exchange *x = fake_exchange(), *y = fake_exchange();
			struct jsontext *first = jsontext_of(note(1));
			json_t *second = note(2);
			struct stream *st;
			struct err e;

			failalloc_at(n, stay);
			if (transport_get(t, x, &e) != 0)
				exchange_abort(x);
			st = transport_post(t, y, BOTH, 2, true);
			if (!st) {
				exchange_abort(y);
			} else {
				stream_respond(st, first);
				stream_send(st, second);
			}
			transport_send(t, json_incref(second));
			if (st)
				stream_respond(st, first);
			failed = failalloc_off();
			assert_true(failed || st != NULL);
			jsontext_unref(&first);
			json_decref(second);
			if (fake_outcome(x) == FAKE_OPEN)
				fake_leave(x);
			loop_settle(base);
			fake_exchanges_free();
		}
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		T(nothing_before_it_makes_json),
		T(something_before_it_makes_a_stream),
		T(priming_event_has_id_and_retry),
		T(event_ids_name_stream_and_number),
		T(client_that_takes_json_only),
		T(client_that_takes_streams_only),
		T(slow_answer_becomes_a_stream),
		T(silent_streams_are_kept_alive),
		T(cancelled_request_has_no_response),
		T(batch_is_one_array),
		T(batch_of_one_is_an_array_too),
		T(batch_that_becomes_a_stream),
		T(batch_with_cancelled_requests),
		T(batch_for_a_client_that_takes_streams_only),
		T(each_message_goes_out_once),
		T(waits_for_a_stream),
		T(too_many_streams_end_the_oldest),
		T(every_place_can_be_resumed_from),
		T(resumed_stream_goes_on),
		T(only_events_of_its_own_stream),
		T(standalone_stream_is_resumed),
		T(bad_event_ids),
		T(bounded_in_count),
		T(bounded_in_bytes),
		T(larger_than_the_buffer),
		T(bounded_in_age),
		T(old_streams_make_room_for_new_ones),
		T(no_replay_at_all),
		T(left_before_the_answer),
		T(slow_reader_is_cut_and_may_come_back),
		T(slow_reader_of_a_standalone_stream),
		T(slow_reader_of_keepalives),
		T(resuming_slowly),
		T(stream_that_cannot_be_begun),
		T(first_write_fails),
		T(questions_go_out_where_they_belong),
		T(answers_to_nothing),
		T(question_on_a_json_only_request),
		T(withdrawn_question_is_cancelled),
		T(question_nobody_answers),
		T(question_that_waits_in_vain),
		T(close_ends_everything_once),
		T(no_stream_is_left_behind),
		T(every_allocation_may_fail),
	};

	alarm(300); /* what is waited for never comes */
	failalloc_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
