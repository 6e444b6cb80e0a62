/* SPDX-License-Identifier: ISC */
/* Closing a session, the heart of the daemon: with every subset of failing steps, twice, from
 * inside every callback, for sessions that are in no map, and without memory. */
#include "said.h"
#include "session_fixture.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failalloc.h"
#include "lib/jsonrpc.h"
#include "lib/log.h"
#include "mcp/call.h"
#include "mcp/question.h"

/* ---- steps that fail ---- */

enum how { FAILS_INSTEAD, FAILS_AFTERWARDS };

static struct {
	unsigned failing; /* bit i: step i fails */
	enum how how;
	size_t n;
	int order[SESSION_STEPS]; /* which steps ran, of one session */
	size_t counted;		  /* sessions in the map when the counts were logged */
	void (*inside)(int step, bool after);
} steps;

static int run_step(int i, void *ctx, struct err *e)
{
	bool fails = steps.failing & 1u << i;
	int rc = 0;

	if (steps.n < SESSION_STEPS)
		steps.order[steps.n] = i;
	steps.n++;
	steps.counted = count_sessions();
	if (steps.inside)
		steps.inside(i, false);
	if (!fails || steps.how == FAILS_AFTERWARDS)
		rc = session_steps[i].step.fn(ctx, e);
	if (steps.inside)
		steps.inside(i, true);
	return fails ? err_set(e, ERR_IO, "step %d broke", i) : rc;
}

#define STEP(i)                                                                                    \
	static int step##i(void *ctx, struct err *e)                                               \
	{                                                                                          \
		return run_step(i, ctx, e);                                                        \
	}
STEP(0)
STEP(1)
STEP(2)
STEP(3)
STEP(4)
STEP(5)
STEP(6)

static struct session_step tested_steps[SESSION_STEPS];

static int setup(void **state)
{
	static const cleanup_fn fns[SESSION_STEPS] = {step0, step1, step2, step3,
						      step4, step5, step6};

	fixture_open(state);
	memset(&steps, 0, sizeof steps);
	for (int i = 0; i < SESSION_STEPS; i++) {
		tested_steps[i] = session_steps[i];
		tested_steps[i].step.fn = fns[i];
	}
	sessions_env(fx.ss)->steps = tested_steps;
	return 0;
}

/* The lines that the close of session ID of USER must log, in this order, and no others. */
static void assert_lines(const char *id, const char *user)
{
	size_t at = 0;

	for (int i = 0; i < SESSION_STEPS; i++) {
		const struct session_step *step = &session_steps[i];
		bool fails = steps.failing & 1u << i, ran = !fails || steps.how == FAILS_AFTERWARDS;
		char line[256] = "";

		if (ran && strcmp(step->step.name, "log") == 0) {
			snprintf(line, sizeof line, "Session closed: %s (user: %s)", id, user);
			assert_string_equal(capture_line(at++), line);
		}
		if (ran && strcmp(step->step.name, "counts") == 0) {
			snprintf(line, sizeof line, "Active sessions: %zu, Active users: 0",
				 steps.counted);
			assert_string_equal(capture_line(at++), line);
		}
		line[0] = '\0';
		if (!fails && strcmp(step->step.name, "transport") == 0)
			snprintf(line, sizeof line, "Transport closed for session %s", id);
		else if (!fails && strcmp(step->step.name, "server") == 0)
			snprintf(line, sizeof line, "Server closed for session %s", id);
		else if (fails && strcmp(step->step.name, "transport") == 0)
			snprintf(line, sizeof line,
				 "Error closing transport for session %s: step %d broke", id, i);
		else if (fails && strcmp(step->step.name, "server") == 0)
			snprintf(line, sizeof line,
				 "Error closing server for session %s: step %d broke", id, i);
		else if (fails)
			snprintf(line, sizeof line,
				 "closing session %s: step %s failed: step %d broke", id,
				 step->step.name, i);
		if (line[0] != '\0')
			assert_string_equal(capture_line(at++), line);
	}
	assert_int_equal(capture_count(), at);
}

static void assert_ran_in_order(void)
{
	assert_int_equal(steps.n, SESSION_STEPS);
	for (int i = 0; i < SESSION_STEPS; i++)
		assert_int_equal(steps.order[i], i);
}

static void assert_report(const struct cleanup_report *report)
{
	assert_int_equal(report->n, SESSION_STEPS);
	assert_int_equal(report->failed, __builtin_popcount(steps.failing));
	for (int i = 0; i < SESSION_STEPS; i++) {
		assert_string_equal(report->res[i].name, session_steps[i].step.name);
		assert_int_equal(report->res[i].rc, steps.failing & 1u << i ? ERR_IO : 0);
	}
}

/* After the close, and again when the loop came round: everything the session held is gone. */
static void assert_gone(const char *id)
{
	assert_null(sessions_find(fx.ss, id));
	assert_maps_empty();
	loop_settle(fx.base);
	assert_int_equal(fake_held(), 0);
	assert_int_equal(call_count(), 0);
	assert_int_equal(fake_links(fx.backend), 0);
	fake_exchanges_free();
}

/* ---- tests ---- */

static void names_of_the_steps(void **state)
{
	static const char *const want[SESSION_STEPS] = {
		"log",	    "transport",	"server", "session-map",
		"user-map", "capabilities-map", "counts"};

	(void)state;
	for (int i = 0; i < SESSION_STEPS; i++)
		assert_string_equal(session_steps[i].step.name, want[i]);
}

static void close_one(const char *user, unsigned failing, enum how how)
{
	struct session *s = busy_session(user);
	struct cleanup_report report, again;
	char id[64];

	snprintf(id, sizeof id, "%s", session_id(s));
	questions_ended = 0;
	steps.failing = failing;
	steps.how = how;
	steps.n = 0;
	capture_clear();
	session_close(s, CLOSE_OPERATOR, &report);
	assert_true(session_closing(s));
	assert_ran_in_order();
	assert_report(&report);
	assert_lines(id, user != NULL ? user : "unauthenticated");
	/* a second time: no step, no line */
	memset(&again, 0xaa, sizeof again);
	session_close(s, CLOSE_CLIENT, &again);
	session_close(s, CLOSE_CLIENT, NULL);
	assert_int_equal(again.n, 0);
	assert_int_equal(again.failed, 0);
	assert_ran_in_order();
	assert_lines(id, user != NULL ? user : "unauthenticated");
	assert_gone(id);
	assert_int_equal(questions_ended, 1);
}

static void every_subset_of_failing_steps(void **state)
{
	(void)state;
	for (unsigned failing = 0; failing < 1u << SESSION_STEPS; failing++) {
		close_one(NULL, failing, FAILS_INSTEAD);
		close_one("alice", failing, FAILS_INSTEAD);
		close_one("alice", failing, FAILS_AFTERWARDS);
	}
}

static void what_the_client_sees(void **state)
{
	static const struct {
		enum close_reason reason;
		int status, code;
	} rows[] = {{CLOSE_CLIENT, 404, RPC_SESSION_NOT_FOUND},
		    {CLOSE_OPERATOR, 404, RPC_SESSION_NOT_FOUND},
		    {CLOSE_IDLE, 404, RPC_SESSION_NOT_FOUND},
		    {CLOSE_SHUTDOWN, 503, RPC_TRANSPORT}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct session *s = open_session(NULL, MCP_REV_2025_11_25);
		struct exchange *stream = get(s), *pending;
		json_t *msg;

		pending = post(s, BOTH, "tools/call", "{'name':'echo'}");
		session_close(s, rows[i].reason, NULL);
		assert_int_equal(fake_outcome(stream), FAKE_ENDED);
		assert_int_equal(fake_outcome(pending), FAKE_REPLIED);
		assert_int_equal(fake_status(pending), rows[i].status);
		assert_true((fake_answer_header(pending, "Retry-After") != NULL) ==
			    (rows[i].status == 503));
		msg = json_loads(fake_text(pending), 0, NULL);
		assert_int_equal(
			json_integer_value(json_object_get(json_object_get(msg, "error"), "code")),
			rows[i].code);
		json_decref(msg);
		loop_settle(fx.base);
		fake_exchanges_free();
	}
}

/* ---- from inside ---- */

enum action { CLOSE_IT, CLOSE_ALL, N_ACTIONS };

static struct {
	struct session *s;
	enum action action;
	int place; /* where to act; below 0: it was done */
} inner;

enum {
	IN_STEP_BEFORE = 0,
	IN_STEP_AFTER = 10,
	IN_NOTIFY = 20,
	IN_ASK,
	IN_END,
	IN_SEND,
	IN_BACK_CALL,
	IN_BACK_CANCEL,
	IN_LINK_CLOSE,
	IN_LINK_NOTIFY,
	IN_ANSWER,
	IN_LOG,
	IN_EACH,
	N_PLACES,
};

static void act(int place)
{
	struct cleanup_report report;

	if (inner.place != place)
		return;
	inner.place = -1;
	if (inner.action == CLOSE_ALL) {
		sessions_close_all(fx.ss, CLOSE_SHUTDOWN);
		return;
	}
	session_close(inner.s, CLOSE_IDLE, &report);
	session_close(inner.s, CLOSE_IDLE, NULL);
}

static void in_step(int step, bool after)
{
	act((after ? IN_STEP_AFTER : IN_STEP_BEFORE) + step);
}

static void in_front(struct session *s, char what)
{
	(void)s;
	act(what == 'n' ? IN_NOTIFY : what == 'a' ? IN_ASK : what == 'e' ? IN_END : IN_SEND);
}

static void in_call(struct call *c)
{
	(void)c;
	act(IN_BACK_CALL);
}

static void in_cancel(struct call *c)
{
	(void)c;
	act(IN_BACK_CANCEL);
}

static void in_link_close(struct link *l)
{
	(void)l;
	act(IN_LINK_CLOSE);
}

static void in_link_notify(struct link *l)
{
	(void)l;
	act(IN_LINK_NOTIFY);
}

static void in_answer(struct question *q, struct jsontext *result, json_t *error, void *arg)
{
	(void)q;
	(void)result;
	(void)error;
	(void)arg;
	act(IN_ANSWER);
}

static void in_log(const struct log_line *line, void *arg)
{
	(void)line;
	(void)arg;
	act(IN_LOG);
}

static void in_each(struct session *s, void *arg)
{
	(void)s;
	(void)arg;
	act(IN_EACH);
}

static void notify_server(struct session *s, const char *method, json_t *params)
{
	server_notification(session_server(s), method, params);
	json_decref(params);
}

/* Does what leads to the callback PLACE. */
static void provoke(struct session *s, int place)
{
	json_t *params = json_object();
	static int tool;
	char name[16];

	switch (place) {
	case IN_NOTIFY:
		call_notify(fake_call(0), "notifications/message", params);
		break;
	case IN_ASK:
		call_ask(fake_call(0), counted_question("roots/list"));
		break;
	case IN_END:
		call_result_tree(fake_take(0), json_object());
		break;
	case IN_SEND:
		snprintf(name, sizeof name, "tool%d", tool++);
		fake_offer_tool(fx.backend, name);
		break;
	case IN_BACK_CALL:
		post(s, BOTH, "tools/call", "{'name':'echo'}");
		break;
	case IN_BACK_CANCEL:
		notify_server(s, "notifications/cancelled", json_pack("{s:i}", "requestId", 2));
		break;
	case IN_LINK_NOTIFY:
		notify_server(s, "notifications/roots/list_changed", NULL);
		break;
	case IN_ANSWER:
		call_ask(fake_call(0), question_new("roots/list", NULL, in_answer, NULL));
		json_object_set_new(params, "id", json_integer(2));
		json_object_set_new(params, "result", json_object());
		assert_int_equal(said_answer(session_transport(s), params), 0);
		break;
	case IN_EACH:
		sessions_each(fx.ss, in_each, NULL);
		break;
	default: /* in the course of a close */
		session_close(s, CLOSE_OPERATOR, NULL);
		break;
	}
	json_decref(params);
}

static void close_inside(int place, enum action action)
{
	char id[64];

	last_id = 0;
	steps.n = 0;
	inner.s = busy_session("alice");
	snprintf(id, sizeof id, "%s", session_id(inner.s));
	inner.action = action;
	capture_clear();
	inner.place = place;
	provoke(inner.s, place);
	assert_int_equal(inner.place, -1);
	assert_ran_in_order();
	assert_int_equal(capture_matches("Session closed: "), 1);
	assert_int_equal(capture_matches("Transport closed for session "), 1);
	assert_int_equal(capture_matches("Server closed for session "), 1);
	assert_int_equal(capture_matches("Active sessions: 0, Active users: 0"), 1);
	assert_int_equal(capture_matches("ailed"), 0);
	assert_int_equal(capture_matches("bug"), 0);
	assert_gone(id);
}

static void from_inside_every_callback(void **state)
{
	(void)state;
	steps.inside = in_step;
	fx.in_front = in_front;
	fake_hooks.call = in_call;
	fake_hooks.cancel = in_cancel;
	fake_hooks.link_close = in_link_close;
	fake_hooks.notify = in_link_notify;
	assert_int_equal(log_subscribe(in_log, NULL), 0);
	for (int action = 0; action < N_ACTIONS; action++) {
		for (int place = 0; place < N_PLACES; place++) {
			if (place % 10 < SESSION_STEPS || place >= IN_NOTIFY)
				close_inside(place, action);
		}
	}
	log_unsubscribe(in_log, NULL);
}

/* ---- several sessions ---- */

static struct session *others[3];
static int visited;

static void close_all_others(struct session *s, void *arg)
{
	(void)arg;
	assert_false(session_closing(s));
	visited++;
	for (int i = 0; i < 3; i++)
		if (others[i] != s)
			session_close(others[i], CLOSE_OPERATOR, NULL);
}

static void each_may_close_any(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		others[i] = open_session(NULL, MCP_REV_2025_06_18);
	visited = 0;
	sessions_each(fx.ss, close_all_others, NULL);
	assert_int_equal(visited, 1); /* the rest was closed before its turn */
	assert_int_equal(count_sessions(), 1);
	session_close(others[0], CLOSE_OPERATOR, NULL);
}

static void close_self(struct session *s, void *arg)
{
	(void)arg;
	visited++;
	session_close(s, CLOSE_OPERATOR, NULL);
}

static void each_may_close_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		others[i] = busy_session(NULL);
	visited = 0;
	sessions_each(fx.ss, close_self, NULL);
	assert_int_equal(visited, 3);
	assert_maps_empty();
}

static void shutdown_closes_all(void **state)
{
	char want[128];

	(void)state;
	for (int i = 0; i < 3; i++)
		others[i] = busy_session(i == 1 ? "bob" : NULL);
	capture_clear();
	sessions_close_all(fx.ss, CLOSE_SHUTDOWN);
	assert_string_equal(capture_line(0), "Closing 3 active sessions...");
	for (int i = 0; i < 3; i++) {
		snprintf(want, sizeof want, "Session closed: %s (user: %s)", session_id(others[i]),
			 i == 1 ? "bob" : "unauthenticated");
		assert_string_equal(capture_line(1 + 4 * (size_t)i), want);
		snprintf(want, sizeof want, "Active sessions: %d, Active users: 0", 2 - i);
		assert_string_equal(capture_line(4 + 4 * (size_t)i), want);
	}
	assert_string_equal(capture_line(13), "All transports closed");
	assert_int_equal(capture_count(), 14);
	assert_maps_empty();
	capture_clear();
	sessions_close_all(fx.ss, CLOSE_SHUTDOWN); /* nothing is left to do */
	assert_string_equal(capture_line(0), "Closing 0 active sessions...");
	assert_string_equal(capture_line(1), "All transports closed");
	assert_int_equal(capture_count(), 2);
}

/* ---- sessions that are not there ---- */

static void unknown_ids(void **state)
{
	struct session *s = open_session(NULL, MCP_REV_2025_11_25), *found = NULL;
	struct session *t = open_session(NULL, MCP_REV_2025_11_25);
	struct err e;
	char prefix[64];

	(void)state;
	assert_null(sessions_find(fx.ss, ""));
	assert_null(sessions_find(fx.ss, "0123456789abcdef0123456789abcdef"));
	assert_null(sessions_find(fx.ss, "x"));
	assert_int_equal(sessions_find_prefix(fx.ss, "", &found, &e), ERR_NOTFOUND);
	assert_int_equal(sessions_find_prefix(fx.ss, "nosuch", &found, &e), ERR_NOTFOUND);
	snprintf(prefix, sizeof prefix, "%s", session_id(s));
	assert_int_equal(sessions_find_prefix(fx.ss, prefix, &found, &e), 0);
	assert_ptr_equal(found, s);
	strcat(prefix, "0");
	assert_int_equal(sessions_find_prefix(fx.ss, prefix, &found, &e), ERR_NOTFOUND);
	session_close(s, CLOSE_OPERATOR, NULL);
	assert_int_equal(sessions_find_prefix(fx.ss, session_id(s), &found, &e), ERR_NOTFOUND);
	session_close(t, CLOSE_OPERATOR, NULL);
}

static void not_in_the_map_any_more(void **state)
{
	struct session *s = busy_session("alice");
	struct cleanup_report report;
	char id[64];

	(void)state;
	snprintf(id, sizeof id, "%s", session_id(s));
	assert_int_equal(registry_remove(fx.registry, registry_next(fx.registry, NULL)), 0);
	registry_drop_caps(fx.registry, id);
	registry_unbind_user(fx.registry, id);
	session_close(s, CLOSE_OPERATOR, &report);
	assert_int_equal(report.n, SESSION_STEPS);
	assert_int_equal(report.failed, 1);
	assert_int_equal(report.res[3].rc, ERR_NOTFOUND);
	assert_ran_in_order();
	assert_gone(id);
}

static void nothing_to_close_is_no_error(void **state)
{
	struct session *s = open_session(NULL, MCP_REV_2025_03_26);
	struct cleanup_report report;

	(void)state;
	session_close(s, CLOSE_CLIENT, &report);
	assert_int_equal(report.failed, 0);
}

/* A call that starts after the close is not accepted, and streams are not opened. */
static void closed_sessions_take_nothing_on(void **state)
{
	struct session *s = open_session(NULL, MCP_REV_2025_11_25);
	json_t *id = json_integer(1);

	(void)state;
	session_close(s, CLOSE_CLIENT, NULL);
	assert_int_equal(said_request(session_server(s), NULL, id, "ping", NULL), ERR_CLOSED);
	transport_send(session_transport(s), jsonrpc_notification("x", NULL));
	transport_ask(session_transport(s), NULL, counted_question("roots/list"));
	assert_int_equal(questions_ended, 1);
	session_touch(s);
	json_decref(id);
}

/* ---- idle time ---- */

static void idle_sessions_close_and_working_ones_do_not(void **state)
{
	struct session *idle, *streaming, *calling;
	struct exchange *stream;

	(void)state;
	fixture_close(state);
	fixture_open(state);
	fx.conf.idle_timeout_ms = 5;
	fixture_sessions(NULL, NULL);
	idle = open_session(NULL, MCP_REV_2025_11_25);
	streaming = open_session(NULL, MCP_REV_2025_11_25);
	calling = open_session(NULL, MCP_REV_2025_11_25);
	stream = get(streaming);
	post(calling, BOTH, "tools/call", "{'name':'echo'}");
	(void)idle;
	while (count_sessions() > 2)
		loop_turn(fx.base);
	assert_ptr_equal(sessions_find(fx.ss, session_id(streaming)), streaming);
	assert_ptr_equal(sessions_find(fx.ss, session_id(calling)), calling);
	fake_leave(stream);
	while (count_sessions() > 1)
		loop_turn(fx.base);
	assert_ptr_equal(sessions_find(fx.ss, session_id(calling)), calling);
	call_result_tree(fake_take(0), json_object());
	while (count_sessions() > 0)
		loop_turn(fx.base);
	assert_int_equal(capture_matches("Session closed: "), 3);
}

/* ---- lack of memory ---- */

static void opening_without_memory_leaves_nothing(void **state)
{
	static const struct session_conf base = {
		.path = "/mcp",
		.user = "alice",
		.peer = "127.0.0.1",
		.rev = MCP_REV_2025_11_25,
		.capabilities = "{}",
		.client_info = "{}",
	};
	bool failed = true;

	(void)state;
	for (int stay = 0; stay < 2; stay++) {
		for (long n = 1; failed || n == 1; n++) {
			struct session_conf conf = base;
			struct session *s = NULL;
			struct err e;
			int rc;

			conf.view = fx.view;
			capture_stop(); /* it takes memory, too */
			failalloc_at(n, stay);
			rc = session_open(sessions_env(fx.ss), &conf, &s, &e);
			failed = failalloc_off();
			capture_start();
			if (rc == 0) {
				session_close(s, CLOSE_CLIENT, NULL);
			} else {
				assert_true(failed);
				assert_int_equal(rc, ERR_NOMEM);
				assert_null(s);
			}
			assert_maps_empty();
			loop_settle(fx.base);
		}
	}
}

static void closing_needs_no_memory(void **state)
{
	(void)state;
	for (int stay = 0; stay < 2; stay++) {
		bool failed = true;

		for (long n = 1; failed; n++) {
			struct session *s = busy_session("alice");
			struct cleanup_report report;
			char id[64];

			snprintf(id, sizeof id, "%s", session_id(s));
			steps.n = 0;
			capture_stop();
			failalloc_at(n, stay);
			session_close(s, CLOSE_OPERATOR, &report);
			failed = failalloc_off();
			capture_start();
			assert_int_equal(report.failed, 0);
			assert_ran_in_order();
			assert_gone(id);
		}
	}
}

/* Ten thousand more sessions leave less than a byte each. Not to the byte: what malloc() keeps in
 * its caches counts as in use, and which sizes it has seen depends on the random ids. (Nothing to
 * see under ASan.) */
static void ten_thousand_sessions_leave_nothing(void **state)
{
	enum { FIRST = 1000, MORE = 10000 };
	size_t before = 0;

	(void)state;
	sessions_env(fx.ss)->steps = session_steps;
	capture_stop();
	log_set_level(LOGL_ERROR);
	for (int i = 0; i < FIRST + MORE; i++) {
		if (i == FIRST)
			before = mallinfo2().uordblks;
		session_close(busy_session("alice"), CLOSE_CLIENT, NULL);
		loop_settle(fx.base);
		fake_exchanges_free();
	}
	assert_true(mallinfo2().uordblks < before + MORE);
	log_set_level(LOGL_NOTICE);
	capture_start();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_the_steps),
		cmocka_unit_test_setup_teardown(every_subset_of_failing_steps, setup,
						fixture_close),
		cmocka_unit_test_setup_teardown(what_the_client_sees, setup, fixture_close),
		cmocka_unit_test_setup_teardown(from_inside_every_callback, setup, fixture_close),
		cmocka_unit_test_setup_teardown(each_may_close_any, setup, fixture_close),
		cmocka_unit_test_setup_teardown(each_may_close_its_own, setup, fixture_close),
		cmocka_unit_test_setup_teardown(shutdown_closes_all, setup, fixture_close),
		cmocka_unit_test_setup_teardown(unknown_ids, setup, fixture_close),
		cmocka_unit_test_setup_teardown(not_in_the_map_any_more, setup, fixture_close),
		cmocka_unit_test_setup_teardown(nothing_to_close_is_no_error, setup, fixture_close),
		cmocka_unit_test_setup_teardown(closed_sessions_take_nothing_on, setup,
						fixture_close),
		cmocka_unit_test_setup_teardown(idle_sessions_close_and_working_ones_do_not, setup,
						fixture_close),
		cmocka_unit_test_setup_teardown(opening_without_memory_leaves_nothing, setup,
						fixture_close),
		cmocka_unit_test_setup_teardown(closing_needs_no_memory, setup, fixture_close),
		cmocka_unit_test_setup_teardown(ten_thousand_sessions_leave_nothing, setup,
						fixture_close),
	};

	alarm(300); /* a close that never returns */
	failalloc_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
