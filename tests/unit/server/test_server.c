/* SPDX-License-Identifier: ISC */
/* The MCP side of a session: ids that repeat, names with prefixes, what the client may be asked,
 * lists that change, backends that are late or never come. */
#include "said.h"
#include "session_fixture.h"

#include <string.h>
#include <unistd.h>

#include "backend/backend_impl.h"
#include "lib/jsonrpc.h"
#include "mcp/call.h"
#include "mcp/question.h"

static struct session *s;

static void open_it(void)
{
	s = open_session(NULL, MCP_REV_2025_11_25);
}

static int teardown(void **state)
{
	sessions_close_all(fx.ss, CLOSE_SHUTDOWN);
	return fixture_close(state);
}

/* The JSON body that was answered with. A new reference. */
static json_t *body(struct exchange *x)
{
	json_t *msg;

	assert_int_equal(fake_outcome(x), FAKE_REPLIED);
	msg = json_loads(fake_text(x), 0, NULL);
	assert_non_null(msg);
	return msg;
}

static bool answered(struct exchange *x, const char *result)
{
	json_t *msg = body(x);
	bool same = json_is(json_object_get(msg, "result"), result);

	json_decref(msg);
	return same;
}

/* The error code of the answer, 0 for a result. */
static int error_of(struct exchange *x)
{
	json_t *msg = body(x);
	int code = (int)json_integer_value(json_object_get(json_object_get(msg, "error"), "code"));

	json_decref(msg);
	return code;
}

static const char *error_text(struct exchange *x)
{
	static char text[512];
	json_t *msg = body(x);

	snprintf(text, sizeof text, "%s",
		 json_string_value(json_object_get(json_object_get(msg, "error"), "message")));
	json_decref(msg);
	return text;
}

/* A request under an id of the client's choice. */
static struct exchange *post_as(json_t *id_take, const char *method, const char *params)
{
	struct exchange *x = fake_exchange();
	struct stream *st = transport_post(session_transport(s), x, BOTH, 1, false);
	json_t *value = json_of(params);

	assert_non_null(st);
	assert_int_equal(said_request(session_server(s), st, id_take, method, value), 0);
	json_decref(value);
	json_decref(id_take);
	return x;
}

static void notify(const char *method, const char *params)
{
	json_t *value = json_of(params);

	server_notification(session_server(s), method, value);
	json_decref(value);
}

/* ---- answers ---- */

/* The data of a backend's error reach the client as they are, and nothing of them is kept: in both
 * forms in which the server ends a request with an error, translated and not. */
static void an_errors_data_go_along_and_are_not_kept(void **state)
{
	static const char *const methods[][2] = {
		{"tools/call", "{'name':'echo'}"},
		{"prompts/get", "{'name':'p'}"},
		{"resources/read", "{'uri':'r:1'}"},
	};
	json_t *data = json_of("{'uri':'r:1','why':['a']}");

	(void)state;
	open_it();
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
		struct exchange *x = post(s, BOTH, methods[i][0], methods[i][1]);
		json_t *msg;

		call_error(fake_take(0), i == 2 ? RPC_RESOURCE_NOT_FOUND : -5, json_incref(data),
			   "no");
		msg = body(x);
		assert_true(
			json_equal(json_object_get(json_object_get(msg, "error"), "data"), data));
		json_decref(msg);
		assert_int_equal(data->refcount, 1);
	}
	json_decref(data);
}

/* ---- ids ---- */

/* Real clients number every request 1, and several of them are in flight (claude-ai-mcp#539). */
static void one_id_for_all_requests(void **state)
{
	struct exchange *x[3];

	(void)state;
	open_it();
	for (int i = 0; i < 3; i++)
		x[i] = post_as(json_integer(1), "tools/call", "{'name':'echo'}");
	call_result_tree(fake_take(1), json_of("{'n':1}"));
	call_result_tree(fake_take(1), json_of("{'n':2}"));
	call_result_tree(fake_take(0), json_of("{'n':0}"));
	for (int i = 0; i < 3; i++) {
		char want[64];

		snprintf(want, sizeof want, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"n\":%d}}",
			 i);
		assert_string_equal(fake_text(x[i]), want);
	}
}

static void ids_keep_their_type(void **state)
{
	struct exchange *x;

	(void)state;
	open_it();
	x = post_as(json_string("1"), "ping", "{}");
	assert_string_equal(fake_text(x), "{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"result\":{}}");
	x = post_as(json_string("\xc3\xa9\n"), "ping", "{}");
	assert_non_null(strstr(fake_text(x), "\"result\":{}"));
}

static void cancelling(void **state)
{
	static const char *const nobody[] = {"{'requestId':3}",	   "{'requestId':'2'}", "{}",
					     "{'requestId':null}", "{'requestId':1}",	"[]"};
	struct exchange *x[3];

	(void)state;
	open_it();
	x[0] = post_as(json_integer(1), "tools/call", "{'name':'echo'}");
	x[1] = post_as(json_integer(1), "tools/call", "{'name':'echo'}");
	x[2] = post_as(json_integer(2), "tools/call", "{'name':'echo'}");
	for (size_t i = 0; i < sizeof nobody / sizeof nobody[0]; i++)
		notify("notifications/cancelled", nobody[i]);
	/* which of the two 1 is meant nobody knows: neither of them is stopped */
	assert_int_equal(fake_held(), 3);
	notify("notifications/cancelled", "{'requestId':2,'reason':'changed my mind'}");
	assert_int_equal(fake_held(), 2);
	assert_int_equal(fake_status(x[2]), 202);
	assert_string_equal(fake_text(x[2]), "");
	notify("notifications/cancelled", "{'requestId':2}"); /* it is over */
	call_result_tree(fake_take(0), json_object());
	notify("notifications/cancelled", "{'requestId':1}"); /* one alone now */
	assert_int_equal(fake_held(), 0);
	assert_true(answered(x[0], "{}"));
	assert_int_equal(fake_status(x[1]), 202);
}

/* ---- requests ---- */

static void bad_requests(void **state)
{
	static const struct {
		const char *method, *params;
		int code;
	} rows[] = {
		{"no/such", "{}", RPC_METHOD_NOT_FOUND},
		{"", "{}", RPC_METHOD_NOT_FOUND},
		{"tools/call", "{}", RPC_INVALID_PARAMS},
		{"tools/call", "[]", RPC_INVALID_PARAMS},
		{"tools/call", "{'name':5}", RPC_INVALID_PARAMS},
		{"tools/call", "{'name':'echo','arguments':[]}", RPC_INVALID_PARAMS},
		{"prompts/get", "{}", RPC_INVALID_PARAMS},
		{"resources/read", "{'uri':{}}", RPC_INVALID_PARAMS},
		{"resources/subscribe", "{}", RPC_INVALID_PARAMS},
		{"tools/list", "{'cursor':5}", RPC_INVALID_PARAMS},
		{"tools/list", "{'cursor':''}", RPC_INVALID_PARAMS},
		{"tools/list", "{'cursor':'bogus'}", RPC_INVALID_PARAMS},
		{"logging/setLevel", "{'level':'loud'}", RPC_INVALID_PARAMS},
		{"logging/setLevel", "{}", RPC_INVALID_PARAMS},
		{"completion/complete", "{}", RPC_INVALID_PARAMS},
		{"completion/complete", "{'ref':{'type':'ref/x'}}", RPC_INVALID_PARAMS},
		{"completion/complete", "{'ref':{'type':'ref/prompt'}}", RPC_INVALID_PARAMS},
	};

	(void)state;
	open_it();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int code = error_of(post(s, BOTH, rows[i].method, rows[i].params));

		if (code != rows[i].code)
			fail_msg("%s %s: %d", rows[i].method, rows[i].params, code);
	}
	assert_int_equal(fake_held(), 0);
}

static void initialize_tells_what_there_is(void **state)
{
	struct exchange *x;
	json_t *msg, *result;

	(void)state;
	open_it();
	x = post(s, BOTH, "initialize", "{'protocolVersion':'2025-11-25'}");
	msg = body(x);
	result = json_object_get(msg, "result");
	assert_true(json_is(json_object_get(result, "protocolVersion"), "'2025-11-25'"));
	assert_true(json_is(json_object_get(result, "capabilities"),
			    "{'tools':{'listChanged':true},'prompts':{'listChanged':true},"
			    "'resources':{'listChanged':true,'subscribe':true},'logging':{},"
			    "'completions':{}}"));
	json_decref(msg);
	assert_true(answered(post(s, BOTH, "tools/list", "{}"),
			     "{'tools':[{'name':'echo','inputSchema':{'type':'object'}}]}"));
}

static void too_many_at_a_time(void **state)
{
	struct exchange *x;

	(void)state;
	fx.limits.max_calls = 2;
	open_it();
	post(s, BOTH, "tools/call", "{'name':'echo'}");
	post(s, BOTH, "tools/call", "{'name':'echo'}");
	x = post(s, BOTH, "tools/call", "{'name':'echo'}");
	assert_int_equal(error_of(x), RPC_INTERNAL_ERROR);
	assert_non_null(strstr(error_text(x), "limits.maxCalls is 2"));
	assert_int_equal(server_in_flight(session_server(s)), 2);
	call_result_tree(fake_take(0), json_object());
	post(s, BOTH, "tools/call", "{'name':'echo'}");
	assert_int_equal(fake_held(), 2);
}

static void a_backend_that_never_answers(void **state)
{
	struct exchange *x;

	(void)state;
	fx.limits.call_timeout_ms = 1;
	open_it();
	x = post(s, BOTH, "tools/call", "{'name':'echo'}");
	while (fake_outcome(x) == FAKE_OPEN)
		loop_turn(fx.base);
	assert_int_equal(error_of(x), RPC_INTERNAL_ERROR);
	assert_string_equal(error_text(x), "tools/call: no answer within 0.001 s (callTimeout)");
	assert_int_equal(fake_held(), 0); /* it was told */
}

/* With one backend alone its own word on a name counts, listed or not. */
static void unlisted_name_goes_to_the_only_backend(void **state)
{
	(void)state;
	open_it();
	post(s, BOTH, "tools/call", "{'name':'hidden','arguments':{'a':1}}");
	assert_true(said_params_are(fake_call(0), "{'name':'hidden','arguments':{'a':1}}"));
	post(s, BOTH, "resources/read", "{'uri':'x:unlisted'}");
	assert_int_equal(fake_held(), 2);
}

/* ---- several backends ---- */

static struct backend *second;

static void two_backends(void)
{
	struct backend *both[2];

	second = fake_backend(fx.base, "two");
	both[0] = fx.backend;
	both[1] = second;
	view_free(&fx.view);
	fx.view = view_new(fx.base, both, 2, true, 1000);
	assert_non_null(fx.view);
	open_it();
}

static void one_backend_again(void)
{
	sessions_close_all(fx.ss, CLOSE_SHUTDOWN);
	loop_settle(fx.base);
	view_free(&fx.view);
	fake_backend_free(&second);
	fx.view = view_new(fx.base, &fx.backend, 1, false, 1000);
}

static void names_find_their_backend(void **state)
{
	json_t *params = json_of("{'name':'two__echo','arguments':{}}"), *id = json_integer(1);
	struct exchange *x = fake_exchange();

	(void)state;
	two_backends();
	said_request(session_server(s), transport_post(session_transport(s), x, BOTH, 1, false), id,
		     "tools/call", params);
	assert_true(said_params_are(fake_call(0), "{'name':'echo','arguments':{}}"));
	assert_true(json_is(params, "{'name':'two__echo','arguments':{}}"));
	assert_int_equal(fake_links(second), 1);
	assert_int_equal(fake_links(fx.backend), 0); /* nobody asked for it */
	assert_int_equal(error_of(post(s, BOTH, "tools/call", "{'name':'echo'}")),
			 RPC_INVALID_PARAMS);
	assert_int_equal(error_of(post(s, BOTH, "prompts/get", "{'name':'two__nope'}")),
			 RPC_INVALID_PARAMS);
	x = post(s, BOTH, "resources/read", "{'uri':'x:nope'}");
	assert_int_equal(error_of(x), RPC_RESOURCE_NOT_FOUND);
	post(s, BOTH, "completion/complete",
	     "{'ref':{'type':'ref/prompt','name':'fake__p'},'argument':{'name':'a','value':''}}");
	assert_true(said_params_are(fake_call(1), "{'ref':{'type':'ref/prompt','name':'p'},"
						  "'argument':{'name':'a','value':''}}"));
	json_decref(params);
	json_decref(id);
	one_backend_again();
}

static void a_dead_backend_does_not_stop_the_others(void **state)
{
	struct exchange *x;

	(void)state;
	fake_slow_start = true;
	two_backends();
	fake_fail(second, "no such file");
	assert_true(answered(post(s, BOTH, "tools/list", "{}"),
			     "{'tools':[{'name':'fake__echo','inputSchema':{'type':'object'}}]}"));
	x = post(s, BOTH, "tools/call", "{'name':'two__echo'}");
	assert_int_equal(error_of(x), RPC_INTERNAL_ERROR);
	assert_string_equal(error_text(x), "backend two is not available: no such file");
	one_backend_again();
}

/* ---- lists ---- */

static bool heard(struct exchange *stream, const char *method)
{
	return strstr(fake_text(stream), method);
}

static size_t times_heard(struct exchange *stream, const char *what)
{
	size_t n = 0;

	for (const char *at = fake_text(stream); (at = strstr(at, what)) != NULL; at++)
		n++;
	return n;
}

static void changed_lists_are_announced(void **state)
{
	struct exchange *stream;
	json_t *msg;

	(void)state;
	open_it();
	stream = get(s);
	fake_offer_tool(fx.backend, "unread"); /* nobody has seen that it was not there */
	assert_false(heard(stream, "list_changed"));
	post(s, BOTH, "tools/list", "{}");
	fake_learn(fx.backend); /* which takes that one away again */
	post(s, BOTH, "tools/list", "{}");
	assert_int_equal(times_heard(stream, "list_changed"), 1);
	fake_learn(fx.backend); /* and this time nothing is different */
	assert_int_equal(times_heard(stream, "list_changed"), 1);
	fake_offer_tool(fx.backend, "more");
	/* At the end of the second of the first one. */
	while (times_heard(stream, "\"notifications/tools/list_changed\"") < 2)
		loop_turn(fx.base);
	assert_false(heard(stream, "prompts/list_changed"));
	assert_false(heard(stream, "resources/list_changed"));
	msg = body(post(s, BOTH, "tools/list", "{}"));
	assert_int_equal(json_array_size(json_object_get(json_object_get(msg, "result"), "tools")),
			 2);
	json_decref(msg);
}

/* A backend that was dead when the session began and comes to life: the client must not wait for a
 * tool that it never hears of. */
static void a_late_backend_is_announced(void **state)
{
	struct exchange *stream;

	(void)state;
	fake_slow_start = true;
	two_backends();
	fake_fail(second, "still installing");
	stream = get(s);
	post(s, BOTH, "tools/list", "{}");
	fake_learn(second);
	assert_true(heard(stream, "notifications/tools/list_changed"));
	assert_true(heard(stream, "notifications/prompts/list_changed"));
	assert_true(heard(stream, "notifications/resources/list_changed"));
	post(s, BOTH, "tools/call", "{'name':'two__echo'}");
	assert_int_equal(fake_held(), 1);
	one_backend_again();
}

static void learning_backend(int64_t wait_ms)
{
	view_free(&fx.view);
	fake_backend_free(&fx.backend);
	fake_slow_start = true;
	fx.backend = fake_backend(fx.base, "fake");
	fx.view = view_new(fx.base, &fx.backend, 1, false, wait_ms);
	assert_non_null(fx.view);
	open_it();
}

static void requests_wait_until_backends_are_known(void **state)
{
	struct exchange *list, *call, *ping, *cancelled;

	(void)state;
	learning_backend(3600000);
	list = post(s, BOTH, "tools/list", "{}");
	call = post(s, BOTH, "tools/call", "{'name':'echo'}");
	cancelled = post_as(json_integer(99), "tools/list", "{}");
	ping = post(s, BOTH, "ping", "{}");
	assert_true(answered(ping, "{}")); /* this one needs nobody */
	notify("notifications/cancelled", "{'requestId':99}");
	assert_int_equal(fake_outcome(cancelled), FAKE_REPLIED);
	loop_settle(fx.base);
	assert_int_equal(fake_outcome(list), FAKE_OPEN);
	fake_learn(fx.backend);
	loop_settle(fx.base);
	assert_true(answered(list, "{'tools':[{'name':'echo','inputSchema':{'type':'object'}}]}"));
	assert_int_equal(fake_held(), 1);
	call_result_tree(fake_take(0), json_object());
	assert_true(answered(call, "{}"));
}

/* What comes between the last backend's answer and the end of the wait. */
static void nobody_overtakes_who_waits(void **state)
{
	(void)state;
	learning_backend(3600000);
	post(s, BOTH, "tools/call", "{'name':'echo','arguments':{'n':1}}");
	fake_learn(fx.backend);
	post(s, BOTH, "tools/call", "{'name':'echo','arguments':{'n':2}}");
	loop_settle(fx.base);
	post(s, BOTH, "tools/call", "{'name':'echo','arguments':{'n':3}}");
	assert_int_equal(fake_held(), 3);
	for (size_t i = 0; i < 3; i++) {
		const json_t *arguments = call_arguments_tree(fake_call(i), NULL);

		assert_int_equal(json_integer_value(json_object_get(arguments, "n")), i + 1);
	}
}

static void the_wait_has_an_end(void **state)
{
	struct exchange *list;

	(void)state;
	learning_backend(1);
	list = post(s, BOTH, "tools/list", "{}");
	while (fake_outcome(list) == FAKE_OPEN)
		loop_turn(fx.base);
	assert_true(answered(list, "{'tools':[]}"));
}

static void closed_while_waiting(void **state)
{
	(void)state;
	learning_backend(3600000);
	post(s, BOTH, "tools/list", "{}");
	post(s, BOTH, "initialize", "{}");
	session_close(s, CLOSE_OPERATOR, NULL);
	fake_learn(fx.backend);
	loop_settle(fx.base);
}

/* ---- what comes from the backend ---- */

static void only_what_the_client_can_do_is_asked(void **state)
{
	static const struct {
		const char *capabilities, *method;
		bool asked;
	} rows[] = {
		{"{}", "sampling/createMessage", false},
		{"{\"sampling\":{}}", "sampling/createMessage", true},
		{"{\"sampling\":{}}", "elicitation/create", false},
		{"{\"elicitation\":{}}", "elicitation/create", true},
		{"{\"roots\":{\"listChanged\":true}}", "roots/list", true},
		{"{\"roots\":true}", "roots/list", false},
		{"{\"roots\":{},\"sampling\":{},\"elicitation\":{}}", "tools/call", false},
		{"{\"roots\":{},\"sampling\":{},\"elicitation\":{}}", "", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct exchange *x;

		fx.capabilities = rows[i].capabilities;
		open_it();
		x = post(s, BOTH, "tools/call", "{'name':'echo'}");
		questions_ended = 0;
		call_ask(fake_call(0), counted_question(rows[i].method));
		assert_int_equal(questions_ended, !rows[i].asked);
		assert_int_equal(fake_streaming(x), rows[i].asked);
		session_close(s, CLOSE_OPERATOR, NULL);
		assert_int_equal(questions_ended, 1);
	}
}

static void message(const char *level)
{
	json_t *params = json_pack("{s:s,s:s}", "level", level, "data", level);

	call_notify(fake_call(0), "notifications/message", params);
	json_decref(params);
}

static void log_level_holds_back_the_rest(void **state)
{
	struct exchange *x;

	(void)state;
	open_it();
	x = post(s, BOTH, "tools/call", "{'name':'echo'}");
	message("debug"); /* no level was asked for: everything goes */
	assert_true(answered(post(s, BOTH, "logging/setLevel", "{'level':'error'}"), "{}"));
	message("info");
	message("warning");
	message("error");
	message("alert");
	assert_true(heard(x, "\"level\":\"debug\""));
	assert_false(heard(x, "\"level\":\"info\""));
	assert_false(heard(x, "\"level\":\"warning\""));
	assert_true(heard(x, "\"level\":\"error\""));
	assert_true(heard(x, "\"level\":\"alert\""));
	/* the backend heard of it, once it has a link, and later ones when they get theirs */
	assert_int_equal(fake_held(), 2);
	assert_string_equal(call_method(fake_call(1)), "logging/setLevel");
	assert_true(said_params_are(fake_call(1), "{'level':'error'}"));
	call_error(fake_take(1), RPC_METHOD_NOT_FOUND, NULL, "no logging here");
	assert_int_equal(capture_matches("bug"), 0);
}

static void log_level_before_there_is_a_link(void **state)
{
	(void)state;
	open_it();
	post(s, BOTH, "logging/setLevel", "{'level':'error'}");
	assert_int_equal(fake_held(), 0);
	post(s, BOTH, "tools/call", "{'name':'echo'}");
	assert_int_equal(fake_held(), 2);
	assert_string_equal(call_method(fake_call(0)), "logging/setLevel"); /* before the call */
}

static size_t subscriptions(void)
{
	json_t *all = server_describe(session_server(s));
	size_t n = json_array_size(json_object_get(all, "subscriptions"));

	json_decref(all);
	return n;
}

static void subscriptions_are_remembered(void **state)
{
	(void)state;
	fx.limits.max_subscriptions = 2;
	open_it();
	post(s, BOTH, "resources/subscribe", "{'uri':'r:1'}");
	assert_int_equal(subscriptions(), 0); /* not before the backend agrees */
	call_result_tree(fake_take(0), json_object());
	assert_int_equal(subscriptions(), 1);
	post(s, BOTH, "resources/subscribe", "{'uri':'r:2'}");
	call_error(fake_take(0), RPC_RESOURCE_NOT_FOUND, NULL, "no");
	assert_int_equal(subscriptions(), 1);
	post(s, BOTH, "resources/subscribe", "{'uri':'r:3'}");
	call_result_tree(fake_take(0), json_object());
	assert_int_equal(error_of(post(s, BOTH, "resources/subscribe", "{'uri':'r:4'}")),
			 RPC_INTERNAL_ERROR);
	post(s, BOTH, "resources/unsubscribe", "{'uri':'r:1'}");
	call_result_tree(fake_take(0), json_object());
	assert_int_equal(subscriptions(), 1);
}

static int notified;

static void on_notify(struct link *l)
{
	(void)l;
	notified++;
}

static void changed_roots_reach_the_backends(void **state)
{
	(void)state;
	open_it();
	notified = 0;
	fake_hooks.notify = on_notify;
	notify("notifications/roots/list_changed", "{}"); /* nobody is there yet */
	post(s, BOTH, "tools/call", "{'name':'echo'}");
	notify("notifications/roots/list_changed", "{}");
	notify("notifications/initialized", "{}");
	notify("notifications/whatever", "{}");
	assert_int_equal(notified, 1);
}

/* What a link reports outside any call. */
static void link_events_reach_the_client(void **state)
{
	struct exchange *stream;
	json_t *params = json_of("{'uri':'r:1'}");
	struct link *l;

	(void)state;
	open_it();
	stream = get(s);
	post(s, BOTH, "tools/call", "{'name':'echo'}");
	l = fake_link(fx.backend, 0);
	l->events->notification(l, "notifications/resources/updated", params, l->arg);
	assert_true(heard(stream, "notifications/resources/updated"));
	l->events->question(l, counted_question("roots/list"), l->arg);
	assert_true(heard(stream, "\"roots/list\""));
	l->events->question(l, counted_question("no/such"), l->arg);
	assert_int_equal(questions_ended, 1);
	l->own = offer_with(fx.backend->offer, OFFER_TOOLS, json_of("[{'name':'mine'}]"));
	l->events->changed(l, 1u << OFFER_TOOLS, l->arg);
	assert_true(heard(stream, "notifications/tools/list_changed"));
	assert_true(answered(post(s, BOTH, "tools/list", "{}"), "{'tools':[{'name':'mine'}]}"));
	json_decref(params);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_open, teardown)
	static const struct CMUnitTest tests[] = {
		T(an_errors_data_go_along_and_are_not_kept),
		T(one_id_for_all_requests),
		T(ids_keep_their_type),
		T(cancelling),
		T(bad_requests),
		T(initialize_tells_what_there_is),
		T(too_many_at_a_time),
		T(a_backend_that_never_answers),
		T(unlisted_name_goes_to_the_only_backend),
		T(names_find_their_backend),
		T(a_dead_backend_does_not_stop_the_others),
		T(changed_lists_are_announced),
		T(a_late_backend_is_announced),
		T(requests_wait_until_backends_are_known),
		T(nobody_overtakes_who_waits),
		T(the_wait_has_an_end),
		T(closed_while_waiting),
		T(only_what_the_client_can_do_is_asked),
		T(log_level_holds_back_the_rest),
		T(log_level_before_there_is_a_link),
		T(subscriptions_are_remembered),
		T(changed_roots_reach_the_backends),
		T(link_events_reach_the_client),
	};

	alarm(300); /* what is waited for never comes */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
