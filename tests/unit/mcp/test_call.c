/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <event2/event.h>
#include <string.h>

#include "base/defer.h"
#include "failalloc.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "mcp/call.h"
#include "mcp/question.h"

static const struct caller caller = {
	.session = "s1",
	.peer = "127.0.0.1",
	.rev = MCP_REV_2025_11_25,
	.capabilities = "{}",
	.log_level = -1,
};

/* What a front and a back saw of one call, and what they do from inside each callback. */
struct seen {
	struct call *c;
	int notified, asked, ended, cancelled;
	char order[16]; /* n, a, e, c as they came */
	bool ended_in_cancel;
	enum answer_kind kind;
	int code;
	char message[128];
	json_t *result, *data;
	char method[64]; /* of the last notification */
	json_t *params;
	struct question *question;
	char reason[128];
	void (*in_notify)(struct seen *s);
	void (*in_ask)(struct seen *s);
	void (*in_end)(struct seen *s);
	void (*in_cancel)(struct seen *s);
};

static struct event_base *base;

static int setup(void **state)
{
	(void)state;
	base = loop_open();
	capture_start();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(call_count(), 0);
	loop_turn(base);
	assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 0);
	capture_stop();
	loop_close(base);
	return 0;
}

static void come(struct seen *s, char what)
{
	size_t n = strlen(s->order);

	assert_true(n < sizeof s->order - 1);
	s->order[n] = what;
}

static void on_notify(struct call *c, const char *method, json_t *params, void *arg)
{
	struct seen *s = arg;

	assert_ptr_equal(c, s->c);
	assert_false(call_ended(c));
	s->notified++;
	come(s, 'n');
	snprintf(s->method, sizeof s->method, "%s", method);
	json_decref(s->params);
	s->params = json_incref(params);
	if (s->in_notify)
		s->in_notify(s);
}

static void on_ask(struct call *c, struct question *q, void *arg)
{
	struct seen *s = arg;

	assert_ptr_equal(c, s->c);
	assert_false(call_ended(c));
	s->asked++;
	come(s, 'a');
	s->question = q;
	if (s->in_ask)
		s->in_ask(s);
}

static void on_end(struct call *c, const struct answer *answer, void *arg)
{
	struct seen *s = arg;

	assert_ptr_equal(c, s->c);
	assert_true(call_ended(c));
	s->ended++;
	come(s, 'e');
	s->kind = answer->kind;
	s->code = answer->code;
	s->result = answer->result ? json_incref(jsontext_tree(answer->result, NULL)) : NULL;
	s->data = json_incref(answer->data);
	snprintf(s->message, sizeof s->message, "%s",
		 answer->message != NULL ? answer->message : "");
	if (s->in_end)
		s->in_end(s);
}

static void on_cancel(struct call *c, const char *reason, void *arg)
{
	struct seen *s = arg;

	assert_ptr_equal(c, s->c);
	assert_true(call_ended(c));
	s->cancelled++;
	come(s, 'c');
	s->ended_in_cancel = s->ended > 0;
	snprintf(s->reason, sizeof s->reason, "%s", reason);
	if (s->in_cancel)
		s->in_cancel(s);
}

static const struct call_front front = {on_notify, on_ask, on_end};
static const struct call_back back = {on_cancel};

static void start_with(struct seen *s, json_t *token, int64_t deadline_ms)
{
	s->c = call_new(base, &front, s, &caller, "tools/call", json_of("{'name':'echo'}"), token,
			deadline_ms);
	assert_non_null(s->c);
	call_attach(s->c, &back, s);
}

static void start(struct seen *s)
{
	start_with(s, NULL, 0);
}

static void forget(struct seen *s)
{
	json_decref(s->result);
	json_decref(s->data);
	json_decref(s->params);
	memset(s, 0, sizeof *s);
}

static void carries_what_it_was_given(void **state)
{
	struct seen s = {0};
	json_t *token = json_integer(7);
	char method[] = "tools/call";

	(void)state;
	s.c = call_new(base, &front, &s, &caller, method, json_of("{'name':'a__b'}"), token, 0);
	assert_non_null(s.c);
	method[0] = 'X';
	json_decref(token);
	assert_string_equal(call_method(s.c), "tools/call");
	assert_true(json_is(call_params(s.c), "{'name':'a__b'}"));
	assert_int_equal(json_integer_value(call_progress_token(s.c)), 7);
	assert_ptr_equal(call_caller(s.c), &caller);
	assert_true(call_age_ms(s.c) >= 0);
	assert_false(call_ended(s.c));
	assert_int_equal(call_count(), 1);
	call_set_params(s.c, json_of("{'name':'b'}"));
	assert_true(json_is(call_params(s.c), "{'name':'b'}"));
	call_set_params(s.c, NULL);
	assert_null(call_params(s.c));
	call_result_tree(s.c, json_object());
	forget(&s);
}

static void ids_are_our_own_and_unique(void **state)
{
	struct seen a = {0}, b = {0};

	(void)state;
	start(&a);
	start(&b);
	assert_true(call_id(a.c) != 0);
	assert_true(call_id(b.c) > call_id(a.c));
	call_result_tree(a.c, json_object());
	call_result_tree(b.c, json_object());
	forget(&a);
	forget(&b);
}

static void result_ends_it(void **state)
{
	struct seen s = {0};

	(void)state;
	start(&s);
	call_result_tree(s.c, json_of("{'content':[]}"));
	assert_string_equal(s.order, "e");
	assert_int_equal(s.kind, ANSWER_RESULT);
	assert_true(json_is(s.result, "{'content':[]}"));
	assert_int_equal(call_count(), 0);
	assert_int_equal(capture_count(), 0);
	forget(&s);
}

static void missing_result_is_an_error(void **state)
{
	struct seen s = {0};

	(void)state;
	start(&s);
	call_result_tree(s.c, NULL);
	assert_string_equal(s.order, "e");
	assert_int_equal(s.kind, ANSWER_ERROR);
	assert_int_equal(s.code, RPC_INTERNAL_ERROR);
	assert_string_equal(s.message, "out of memory");
	forget(&s);
}

static void error_ends_it(void **state)
{
	struct seen s = {0};

	(void)state;
	start(&s);
	call_error(s.c, RPC_INVALID_PARAMS, json_of("{'uri':'x'}"), "no %s, %d", "such", 5);
	assert_string_equal(s.order, "e");
	assert_int_equal(s.kind, ANSWER_ERROR);
	assert_int_equal(s.code, RPC_INVALID_PARAMS);
	assert_string_equal(s.message, "no such, 5");
	assert_true(json_is(s.data, "{'uri':'x'}"));
	forget(&s);
}

static void cancel_tells_back_then_front(void **state)
{
	struct seen s = {0};

	(void)state;
	start(&s);
	call_cancel(s.c, "client went");
	assert_string_equal(s.order, "ce");
	assert_int_equal(s.kind, ANSWER_CANCELLED);
	assert_string_equal(s.reason, "client went");
	assert_string_equal(s.message, "client went");
	call_cancel(s.c, "again"); /* a session that closes cancels whatever it still lists */
	assert_string_equal(s.order, "ce");
	assert_int_equal(capture_count(), 0);
	forget(&s);
}

static void cancel_without_a_back(void **state)
{
	struct seen s = {0};

	(void)state;
	start(&s);
	call_detach(s.c);
	call_cancel(s.c, "client went");
	assert_string_equal(s.order, "e");
	forget(&s);
}

static void attached_again_the_last_back_counts(void **state)
{
	struct seen s = {0}, unused = {0};

	(void)state;
	start(&s);
	call_attach(s.c, &back, &unused);
	call_attach(s.c, &back, &s);
	call_cancel(s.c, "x");
	assert_string_equal(s.order, "ce");
	assert_int_equal(unused.cancelled, 0);
	call_attach(s.c, &back, &s); /* too late, and harmless */
	call_cancel(s.c, "x");
	assert_string_equal(s.order, "ce");
	forget(&s);
}

static void deadline_ends_it(void **state)
{
	struct seen s = {0};

	(void)state;
	start_with(&s, NULL, 1);
	loop_until_count(base, &s.ended, 1);
	assert_string_equal(s.order, "ce");
	assert_int_equal(s.kind, ANSWER_ERROR);
	assert_int_equal(s.code, RPC_INTERNAL_ERROR);
	assert_string_equal(s.message, "tools/call: no answer within 0.001 s (callTimeout)");
	assert_string_equal(s.reason, "tools/call: no answer within 0.001 s (callTimeout)");
	assert_int_equal(capture_count(), 0);
	forget(&s);
}

static void deadline_may_move(void **state)
{
	struct seen s = {0};

	(void)state;
	start_with(&s, NULL, 3600000);
	call_set_deadline(s.c, 2);
	loop_until_count(base, &s.ended, 1);
	assert_string_equal(s.message, "tools/call: no answer within 0.002 s (callTimeout)");
	call_set_deadline(s.c, 1); /* it has ended: nothing rings */
	forget(&s);
}

static void no_deadline_is_an_hour(void **state)
{
	struct seen s = {0};
	int timers = event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED);

	(void)state;
	start(&s);
	assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), timers + 1);
	loop_turn(base);
	assert_int_equal(s.ended, 0);
	call_result_tree(s.c, json_object());
	loop_turn(base);
	assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), timers);
	forget(&s);
}

static void end_by_result(struct seen *s)
{
	call_result_tree(s->c, json_of("{'second':true}"));
}

static void end_by_error(struct seen *s)
{
	call_error(s->c, 1, json_object(), "second");
}

static void end_by_cancel(struct seen *s)
{
	call_cancel(s->c, "second");
}

static const struct end {
	void (*fn)(struct seen *s);
	bool cancel;
} ends[] = {{end_by_result, false}, {end_by_error, false}, {end_by_cancel, true}};
#define N_ENDS (sizeof ends / sizeof ends[0])

/* Every end after every end, at once, and from inside the end of the first: the front hears one,
 * and all but a cancellation are logged as the bug they are. */
static void second_end_is_a_bug(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ENDS * N_ENDS * 2; i++) {
		const struct end *first = &ends[i % N_ENDS], *second = &ends[i / N_ENDS % N_ENDS];
		bool inside = i >= N_ENDS * N_ENDS;
		struct seen s = {.in_end = inside ? second->fn : NULL};
		char line[64];

		start(&s);
		snprintf(line, sizeof line, "bug: call %llu (tools/call) ended twice",
			 (unsigned long long)call_id(s.c));
		first->fn(&s);
		if (!inside)
			second->fn(&s);
		assert_string_equal(s.order, first->cancel ? "ce" : "e");
		assert_int_equal(capture_count(), second->cancel ? 0 : 1);
		assert_int_equal(capture_matches(line), second->cancel ? 0 : 1);
		assert_int_equal(call_count(), 0);
		capture_clear();
		loop_turn(base);
		forget(&s);
	}
}

/* A back must not end a call that is cancelled; one that does is logged and harmless. */
static void end_from_inside_cancel_is_a_bug(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ENDS; i++) {
		struct seen s = {.in_cancel = ends[i].fn};

		start(&s);
		call_cancel(s.c, "first");
		assert_string_equal(s.order, "ce");
		assert_false(s.ended_in_cancel);
		assert_int_equal(s.kind, ANSWER_CANCELLED);
		assert_int_equal(capture_matches("ended twice"), ends[i].cancel ? 0 : 1);
		capture_clear();
		forget(&s);
	}
}

static void detach(struct seen *s)
{
	call_detach(s->c);
}

static void back_may_detach_in_cancel(void **state)
{
	struct seen s = {.in_cancel = detach};

	(void)state;
	start(&s);
	call_cancel(s.c, "x");
	assert_string_equal(s.order, "ce");
	assert_int_equal(capture_count(), 0);
	forget(&s);
}

static void every_end_from_inside_notify_and_ask(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ENDS; i++) {
		struct seen s = {.in_notify = ends[i].fn};
		json_t *params = json_of("{'level':'info','data':1}");

		start(&s);
		call_notify(s.c, "notifications/message", params);
		call_notify(s.c, "notifications/message", params);
		assert_string_equal(s.order, ends[i].cancel ? "nce" : "ne");
		assert_int_equal(params->refcount, 2); /* ours, and what this test kept */
		json_decref(params);
		forget(&s);

		s = (struct seen){.in_ask = ends[i].fn};
		start(&s);
		call_ask(s.c, question_new("ping", NULL, NULL, NULL));
		assert_string_equal(s.order, ends[i].cancel ? "ace" : "ae");
		question_withdraw(s.question);
		forget(&s);
	}
	assert_int_equal(capture_count(), 0);
}

static void every_end_inside_deadline(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ENDS; i++) {
		struct seen s = {.in_cancel = ends[i].fn, .in_end = ends[i].fn};

		start_with(&s, NULL, 1);
		loop_until_count(base, &s.ended, 1);
		assert_string_equal(s.order, "ce");
		assert_int_equal(capture_matches("ended twice"), ends[i].cancel ? 0 : 2);
		capture_clear();
		forget(&s);
	}
}

static void notify(struct seen *s, const char *params)
{
	json_t *value = json_of(params);

	call_notify(s->c, "notifications/progress", value);
	json_decref(value);
}

static void progress_needs_a_token(void **state)
{
	struct seen s = {0};

	(void)state;
	start(&s);
	notify(&s, "{'progressToken':1,'progress':1}");
	assert_int_equal(s.notified, 0);
	call_result_tree(s.c, json_object());
	forget(&s);
}

static void progress_gets_the_clients_token(void **state)
{
	struct seen s = {0};
	json_t *token = json_string("mine"), *params;

	(void)state;
	start_with(&s, token, 0);
	json_decref(token);
	params = json_of("{'progressToken':991,'progress':1,'total':4,'message':'m'}");
	call_notify(s.c, "notifications/progress", params);
	assert_true(
		json_is(s.params, "{'progressToken':'mine','progress':1,'total':4,'message':'m'}"));
	assert_int_equal(json_integer_value(json_object_get(params, "progressToken")), 991);
	json_decref(params);
	call_result_tree(s.c, json_object());
	forget(&s);
}

static void progress_must_increase(void **state)
{
	static const struct {
		const char *params;
		int through;
	} steps[] = {
		{"{'progress':-1}", 1},
		{"{'progress':0}", 2},
		{"{'progress':0}", 2},
		{"{'progress':0.5}", 3},
		{"{'progress':0.4}", 3},
		{"{'progress':'9'}", 3},
		{"{}", 3},
		{"[]", 3},
		{"{'progress':null}", 3},
		{"{'progress':1}", 4},
	};
	struct seen s = {0};
	json_t *token = json_integer(1);

	(void)state;
	start_with(&s, token, 0);
	json_decref(token);
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		notify(&s, steps[i].params);
		assert_int_equal(s.notified, steps[i].through);
	}
	call_notify(s.c, "notifications/progress", NULL);
	assert_int_equal(s.notified, 4);
	call_result_tree(s.c, json_object());
	notify(&s, "{'progress':2}");
	assert_int_equal(s.notified, 4);
	forget(&s);
}

static void other_notifications_pass_as_they_are(void **state)
{
	struct seen s = {0};
	json_t *params = json_of("{'level':'info','data':'x'}");

	(void)state;
	start(&s);
	call_notify(s.c, "notifications/message", params);
	assert_ptr_equal(s.params, params);
	assert_string_equal(s.method, "notifications/message");
	call_notify(s.c, "notifications/message", NULL);
	assert_int_equal(s.notified, 2);
	call_result_tree(s.c, json_object());
	call_notify(s.c, "notifications/message", params);
	assert_int_equal(s.notified, 2);
	json_decref(params);
	forget(&s);
}

static int refused_with;

static void on_refused(struct question *q, struct jsontext *result, json_t *error, void *arg)
{
	(void)q;
	(void)arg;
	assert_null(result);
	refused_with = (int)json_integer_value(json_object_get(error, "code"));
}

static struct question *ask_something(void)
{
	struct question *q = question_new("roots/list", NULL, on_refused, NULL);

	assert_non_null(q);
	refused_with = 0;
	return q;
}

static void question_after_the_end_is_refused(void **state)
{
	struct seen s = {0};

	(void)state;
	start(&s);
	call_result_tree(s.c, json_object());
	call_ask(s.c, ask_something());
	assert_int_equal(refused_with, RPC_INVALID_REQUEST);
	assert_int_equal(s.asked, 0);
	forget(&s);
}

static void front_that_only_wants_the_end(void **state)
{
	static const struct call_front deaf = {.end = on_end};
	struct seen s = {0};
	json_t *params = json_object();

	(void)state;
	s.c = call_new(base, &deaf, &s, &caller, "tools/call", NULL, NULL, 0);
	assert_non_null(s.c);
	call_notify(s.c, "notifications/message", params);
	call_ask(s.c, ask_something());
	assert_int_equal(refused_with, RPC_METHOD_NOT_FOUND);
	call_result_tree(s.c, params);
	assert_string_equal(s.order, "e");
	forget(&s);
}

static void readable_in_the_turn_of_its_end(void **state)
{
	struct seen s = {0};

	(void)state;
	start(&s);
	call_result_tree(s.c, json_object());
	assert_true(call_ended(s.c));
	assert_string_equal(call_method(s.c), "tools/call");
	assert_true(json_is(call_params(s.c), "{'name':'echo'}"));
	forget(&s);
}

static void log_names_the_session_and_escapes(void **state)
{
	struct seen s = {0};

	(void)state;
	s.c = call_new(base, &front, &s, &caller, "tools\n\x1b[31m", NULL, NULL, 0);
	assert_non_null(s.c);
	call_result_tree(s.c, json_object());
	call_result_tree(s.c, json_object());
	assert_int_equal(capture_count(), 1);
	assert_null(strchr(capture_line(0), '\n'));
	assert_null(strchr(capture_line(0), '\x1b'));
	forget(&s);
}

/* Lack of memory makes no call, or one that still ends once; it never takes the daemon along. */
static void every_allocation_may_fail(void **state)
{
	json_t *token = json_integer(1);
	json_t *params = json_of("{'progress':1}");

	(void)state;
	for (int stay = 0; stay < 2; stay++) {
		for (long n = 1;; n++) {
			struct seen s = {0};
			json_t *own = json_object();

			failalloc_at(n, stay);
			s.c = call_new(base, &front, &s, &caller, "m", own, token, 5000);
			if (s.c) {
				call_attach(s.c, &back, &s);
				call_notify(s.c, "notifications/progress", params);
				call_error(s.c, -1, json_object(), "%d", 5);
			}
			loop_turn(base);
			if (!failalloc_off()) {
				assert_int_equal(s.notified, 1);
				forget(&s);
				break;
			}
			assert_int_equal(s.ended, s.c != NULL);
			assert_int_equal(call_count(), 0);
			loop_turn(base);
			forget(&s);
		}
	}
	json_decref(params);
	json_decref(token);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(carries_what_it_was_given, setup, teardown),
		cmocka_unit_test_setup_teardown(ids_are_our_own_and_unique, setup, teardown),
		cmocka_unit_test_setup_teardown(result_ends_it, setup, teardown),
		cmocka_unit_test_setup_teardown(missing_result_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(error_ends_it, setup, teardown),
		cmocka_unit_test_setup_teardown(cancel_tells_back_then_front, setup, teardown),
		cmocka_unit_test_setup_teardown(cancel_without_a_back, setup, teardown),
		cmocka_unit_test_setup_teardown(attached_again_the_last_back_counts, setup,
						teardown),
		cmocka_unit_test_setup_teardown(deadline_ends_it, setup, teardown),
		cmocka_unit_test_setup_teardown(deadline_may_move, setup, teardown),
		cmocka_unit_test_setup_teardown(no_deadline_is_an_hour, setup, teardown),
		cmocka_unit_test_setup_teardown(second_end_is_a_bug, setup, teardown),
		cmocka_unit_test_setup_teardown(end_from_inside_cancel_is_a_bug, setup, teardown),
		cmocka_unit_test_setup_teardown(back_may_detach_in_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(every_end_from_inside_notify_and_ask, setup,
						teardown),
		cmocka_unit_test_setup_teardown(every_end_inside_deadline, setup, teardown),
		cmocka_unit_test_setup_teardown(progress_needs_a_token, setup, teardown),
		cmocka_unit_test_setup_teardown(progress_gets_the_clients_token, setup, teardown),
		cmocka_unit_test_setup_teardown(progress_must_increase, setup, teardown),
		cmocka_unit_test_setup_teardown(other_notifications_pass_as_they_are, setup,
						teardown),
		cmocka_unit_test_setup_teardown(question_after_the_end_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(front_that_only_wants_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(readable_in_the_turn_of_its_end, setup, teardown),
		cmocka_unit_test_setup_teardown(log_names_the_session_and_escapes, setup, teardown),
		cmocka_unit_test_setup_teardown(every_allocation_may_fail, setup, teardown),
	};

	failalloc_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
