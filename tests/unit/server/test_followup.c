/* SPDX-License-Identifier: ISC */
/* Requests that take more than one call: URLs to visit before the call is made again, and tools
 * that run as tasks alone. Also: what a server says is translated on its way to the client. */
#include "said.h"
#include "session_fixture.h"

#include <stdio.h>
#include <string.h>

#include "backend/backend_impl.h"
#include "failalloc.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "mcp/call.h"
#include "mcp/message.h"
#include "mcp/offer.h"
#include "mcp/question.h"

#define URLS                                                                                       \
	"{'elicitations':[{'mode':'url','url':'u:1','message':'one','elicitationId':'a'},"         \
	"{'mode':'url','url':'u:2','message':'two','elicitationId':'b'}]}"
#define TASK_CAPS "{'tools':{},'tasks':{'requests':{'tools':{'call':{}}}}}"
#define TASK_TOOL                                                                                  \
	"{'name':'long','inputSchema':{'type':'object'},'execution':{'taskSupport':'required'}}"

static struct session *s;

static int setup(void **state)
{
	int rc = fixture_open(state);

	fx.capabilities = "{\"elicitation\":{\"form\":{},\"url\":{}},\"sampling\":{}}";
	return rc;
}

static int teardown(void **state)
{
	sessions_close_all(fx.ss, CLOSE_SHUTDOWN);
	return fixture_close(state);
}

static void offer_now(enum mcp_rev rev, const char *tools, const char *capabilities)
{
	struct offer *o = offer_new(rev);
	json_t *list = json_of(tools), *caps = json_of(capabilities);

	assert_non_null(o);
	json_array_extend(o->lists[OFFER_TOOLS], list);
	json_object_update(o->capabilities, caps);
	json_decref(list);
	json_decref(caps);
	backend_learned(fx.backend, o);
}

/* The last JSON-RPC message that X got, in a body or a stream. A new reference. */
static json_t *last_message(struct exchange *x)
{
	const char *text = fake_text(x), *at = text, *next;
	json_t *msg;

	while ((next = strstr(at, "{\"jsonrpc\""))) {
		text = next;
		at = next + 1;
	}
	msg = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
	if (!msg)
		fail_msg("no message in: %s", fake_text(x));
	return msg;
}

static bool answered(struct exchange *x, const char *result)
{
	json_t *msg = last_message(x);
	bool same = json_is(json_object_get(msg, "result"), result);

	json_decref(msg);
	return same;
}

static bool refused(struct exchange *x, int code, const char *data)
{
	json_t *msg = last_message(x), *error = json_object_get(msg, "error");
	bool same = json_integer_value(json_object_get(error, "code")) == code &&
		    (!data || json_is(json_object_get(error, "data"), data));

	json_decref(msg);
	return same;
}

/* The client answers question ID. */
static void reply(int id, const char *result)
{
	json_t *msg =
		json_pack("{s:s, s:i, s:o}", "jsonrpc", "2.0", "id", id, "result", json_of(result));

	assert_int_equal(said_answer(session_transport(s), msg), 0);
	json_decref(msg);
}

/* ---- URLs ---- */

static struct exchange *call_that_wants_urls(enum mcp_rev rev, const char *method,
					     const char *params)
{
	struct exchange *x;

	s = open_session(NULL, rev);
	x = post(s, BOTH, method, params);
	call_error(fake_take(0), RPC_URL_ELICITATION, json_of(URLS), "visit these");
	return x;
}

static void visited_and_made_again(void **state)
{
	struct exchange *x;
	json_t *msg;

	(void)state;
	x = call_that_wants_urls(MCP_REV_2026_07_28, "tools/call",
				 "{'name':'echo','arguments':{'a':1}}");
	assert_int_equal(fake_held(), 0);
	msg = last_message(x);
	assert_true(json_is(json_object_get(msg, "params"),
			    "{'mode':'url','message':'two','url':'u:2'}"));
	json_decref(msg);
	reply(1, "{'action':'accept'}");
	assert_int_equal(fake_held(), 0);
	reply(2, "{'action':'accept'}");
	assert_int_equal(fake_held(), 1);
	assert_string_equal(call_method(fake_call(0)), "tools/call");
	assert_true(said_params_are(fake_call(0), "{'name':'echo','arguments':{'a':1}}"));
	call_result_tree(fake_take(0), json_of("{'content':[]}"));
	assert_true(answered(x, "{'content':[]}"));
}

static void one_url_declined(void **state)
{
	struct exchange *x;

	(void)state;
	x = call_that_wants_urls(MCP_REV_2026_07_28, "tools/call", "{'name':'echo'}");
	reply(2, "{'action':'decline'}");
	assert_int_equal(fake_outcome(x), FAKE_OPEN);
	reply(1, "{'action':'accept'}");
	assert_int_equal(fake_held(), 0);
	assert_non_null(strstr(fake_text(x), "\"isError\":true"));
}

static void prompt_declined(void **state)
{
	struct exchange *x;

	(void)state;
	x = call_that_wants_urls(MCP_REV_2026_07_28, "prompts/get", "{'name':'p'}");
	reply(1, "{'action':'cancel'}");
	reply(2, "{'action':'accept'}");
	assert_true(refused(x, RPC_INTERNAL_ERROR, NULL));
}

static void client_without_urls(void **state)
{
	struct exchange *x;

	(void)state;
	fx.capabilities = "{\"elicitation\":{}}";
	x = call_that_wants_urls(MCP_REV_2026_07_28, "tools/call", "{'name':'echo'}");
	assert_true(refused(x, RPC_MISSING_CAPABILITY,
			    "{'requiredCapabilities':{'elicitation':{'url':{}}}}"));
}

static void its_own_revision_hears_the_error(void **state)
{
	struct exchange *x;

	(void)state;
	x = call_that_wants_urls(MCP_REV_2025_11_25, "tools/call", "{'name':'echo'}");
	assert_true(refused(x, RPC_URL_ELICITATION, URLS));
	x = call_that_wants_urls(MCP_REV_2025_06_18, "tools/call", "{'name':'echo'}");
	assert_true(refused(x, RPC_INTERNAL_ERROR, NULL));
}

static void nothing_to_visit(void **state)
{
	static const char *const bad[] = {"{}", "{'elicitations':[]}", "{'elicitations':[1]}",
					  "{'elicitations':[{'url':'u'}]}", "[]"};

	(void)state;
	s = open_session(NULL, MCP_REV_2026_07_28);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct exchange *x = post(s, BOTH, "tools/call", "{'name':'echo'}");

		call_error(fake_take(0), RPC_URL_ELICITATION, json_of(bad[i]), "visit these");
		assert_true(refused(x, RPC_INTERNAL_ERROR, NULL));
	}
}

static void for_ever(void **state)
{
	struct exchange *x;
	int rounds = 0;

	(void)state;
	x = call_that_wants_urls(MCP_REV_2026_07_28, "tools/call", "{'name':'echo'}");
	for (int id = 1; !refused(x, RPC_INTERNAL_ERROR, NULL); rounds++) {
		reply(id++, "{'action':'accept'}");
		reply(id++, "{'action':'accept'}");
		call_error(fake_take(0), RPC_URL_ELICITATION, json_of(URLS), "visit these");
	}
	assert_int_equal(rounds, 8);
}

static void cancelled_while_the_client_visits(void **state)
{
	struct exchange *x;
	json_t *params;

	(void)state;
	x = call_that_wants_urls(MCP_REV_2026_07_28, "tools/call", "{'name':'echo'}");
	params = json_pack("{s:i}", "requestId", last_id);
	server_notification(session_server(s), "notifications/cancelled", params);
	json_decref(params);
	assert_int_equal(fake_held(), 0);
	assert_int_equal(server_in_flight(session_server(s)), 0);
	assert_int_not_equal(fake_outcome(x), FAKE_OPEN);
}

static void session_closed_while_the_client_visits(void **state)
{
	(void)state;
	call_that_wants_urls(MCP_REV_2026_07_28, "tools/call", "{'name':'echo'}");
	session_close(s, CLOSE_CLIENT, NULL);
	assert_int_equal(fake_held(), 0);
}

/* ---- tasks ---- */

static struct exchange *long_call(enum mcp_rev rev)
{
	struct exchange *x;

	offer_now(MCP_REV_2025_11_25, "[" TASK_TOOL "]", TASK_CAPS);
	s = open_session(NULL, rev);
	x = post(s, BOTH, "tools/call", "{'name':'long','arguments':{'a':1}}");
	assert_int_equal(fake_held(), 1);
	return x;
}

static void task_is_driven(void **state)
{
	static const enum mcp_rev revs[] = {MCP_REV_2025_03_26, MCP_REV_2025_06_18,
					    MCP_REV_2026_07_28};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct exchange *x = long_call(revs[i]);

		assert_true(said_params_are(fake_call(0),
					    "{'name':'long','arguments':{'a':1},'task':{}}"));
		call_result_tree(fake_take(0),
				 json_of("{'task':{'taskId':'t-1','status':'working'}}"));
		assert_int_equal(fake_held(), 1);
		assert_string_equal(call_method(fake_call(0)), "tasks/result");
		assert_true(said_params_are(fake_call(0), "{'taskId':'t-1'}"));
		call_result_tree(
			fake_take(0),
			json_of("{'content':[],'_meta':{"
				"'io.modelcontextprotocol/related-task':{'taskId':'t-1'}}}"));
		assert_true(answered(x, "{'content':[]}"));
		assert_int_equal(fake_held(), 0);
	}
}

static void task_that_fails(void **state)
{
	struct exchange *x;

	(void)state;
	x = long_call(MCP_REV_2025_06_18);
	call_result_tree(fake_take(0), json_of("{'task':{'taskId':'t-1'}}"));
	call_error(fake_take(0), 7, NULL, "no");
	assert_true(refused(x, 7, NULL));
	assert_int_equal(fake_held(), 0); /* nobody needs to cancel it */
}

static void server_that_answers_at_once(void **state)
{
	struct exchange *x;

	(void)state;
	x = long_call(MCP_REV_2025_06_18);
	call_result_tree(fake_take(0), json_of("{'content':[]}"));
	assert_true(answered(x, "{'content':[]}"));
}

static void cancelled_task(void **state)
{
	json_t *params;

	(void)state;
	long_call(MCP_REV_2025_06_18);
	call_result_tree(fake_take(0), json_of("{'task':{'taskId':'t-1'}}"));
	params = json_pack("{s:i}", "requestId", last_id);
	server_notification(session_server(s), "notifications/cancelled", params);
	json_decref(params);
	assert_int_equal(fake_held(), 1);
	assert_string_equal(call_method(fake_call(0)), "tasks/cancel");
	assert_true(said_params_are(fake_call(0), "{'taskId':'t-1'}"));
	call_result_tree(fake_take(0), json_object());
}

static void task_without_an_end(void **state)
{
	struct exchange *x;

	(void)state;
	fx.limits.call_timeout_ms = 1;
	x = long_call(MCP_REV_2025_06_18);
	call_result_tree(fake_take(0), json_of("{'task':{'taskId':'t-1'}}"));
	while (fake_outcome(x) == FAKE_OPEN)
		loop_turn(fx.base);
	assert_true(refused(x, RPC_INTERNAL_ERROR, NULL));
	assert_string_equal(call_method(fake_call(0)), "tasks/cancel");
	call_result_tree(fake_take(0), json_object());
}

/* A client of the same revision sees what the tool needs, and a server that does not run tasks gets
 * none (Tasks, "Tool-Level Negotiation"). */
static void nobody_is_driven_without_need(void **state)
{
	(void)state;
	long_call(MCP_REV_2025_11_25);
	assert_true(said_params_are(fake_call(0), "{'name':'long','arguments':{'a':1}}"));
	call_result_tree(fake_take(0), json_object());
	offer_now(MCP_REV_2025_11_25, "[" TASK_TOOL "]", "{'tools':{}}");
	s = open_session(NULL, MCP_REV_2025_06_18);
	post(s, BOTH, "tools/call", "{'name':'long'}");
	assert_true(said_params_are(fake_call(0), "{'name':'long'}"));
	call_result_tree(fake_take(0), json_object());
}

/* ---- translation ---- */

static void lists_and_results_are_translated(void **state)
{
	static const char list_tool[] = "[{'name':'l','execution':{},'icons':[],'outputSchema':"
					"{'type':'array'}}]";
	struct exchange *x;

	(void)state;
	offer_now(MCP_REV_2026_07_28, list_tool, "{'tools':{}}");
	s = open_session(NULL, MCP_REV_2025_06_18);
	assert_true(answered(post(s, BOTH, "tools/list", "{}"),
			     "{'tools':[{'name':'l','outputSchema':{'type':'object','properties':"
			     "{'result':{'type':'array'}},'required':['result']}}]}"));
	x = post(s, BOTH, "tools/call", "{'name':'l'}");
	call_result_tree(fake_take(0), json_of("{'content':[],'structuredContent':[1]}"));
	assert_true(answered(x, "{'content':[{'type':'text','text':'[1]'}],"
				"'structuredContent':{'result':[1]}}"));
	x = post(s, BOTH, "resources/read", "{'uri':'r:x'}");
	call_error(fake_take(0), RPC_INVALID_PARAMS, json_of("{'uri':'r:x'}"), "no");
	assert_true(refused(x, RPC_RESOURCE_NOT_FOUND, "{'uri':'r:x'}"));
	s = open_session(NULL, MCP_REV_2025_03_26);
	assert_true(answered(post(s, BOTH, "tools/list", "{}"), "{'tools':[{'name':'l'}]}"));
	/* each revision has its own list, and one does not change the other's */
	s = open_session(NULL, MCP_REV_2026_07_28);
	assert_true(
		answered(post(s, BOTH, "tools/list", "{}"),
			 "{'tools':[{'name':'l','icons':[],'outputSchema':{'type':'array'}}]}"));
}

static json_t *said; /* to the asker */

static void on_said(struct question *q, struct jsontext *result, json_t *error, void *arg)
{
	(void)q, (void)arg;
	json_decref(said);
	said = json_incref(result ? jsontext_tree(result, NULL) : error);
}

static void questions_are_translated(void **state)
{
	struct exchange *x;
	json_t *msg;

	(void)state;
	offer_now(MCP_REV_2026_07_28, "[{'name':'echo'}]", "{'tools':{}}");
	s = open_session(NULL, MCP_REV_2025_06_18);
	x = post(s, BOTH, "tools/call", "{'name':'echo'}");
	call_ask(fake_call(0),
		 question_new("elicitation/create", json_of("{'mode':'form','message':'m'}"),
			      on_said, NULL));
	msg = last_message(x);
	assert_true(json_is(json_object_get(msg, "params"), "{'message':'m'}"));
	json_decref(msg);
	/* a URL is nothing that this revision can be asked to visit, whatever the client declared
	 */
	call_ask(fake_call(0), question_new("elicitation/create",
					    json_of("{'mode':'url','url':'u'}"), on_said, NULL));
	assert_true(json_is(json_object_get(said, "code"), "-32601"));
	call_ask(fake_call(0),
		 question_new("sampling/createMessage",
			      json_of("{'messages':[],'tools':[{'name':'x'}]}"), on_said, NULL));
	assert_true(json_is(json_object_get(said, "code"), "-32601"));
	/* a revision without elicitation: the same */
	s = open_session(NULL, MCP_REV_2025_03_26);
	post(s, BOTH, "tools/call", "{'name':'echo'}");
	json_decref(said);
	said = NULL;
	call_ask(fake_call(1),
		 question_new("elicitation/create", json_of("{'message':'m'}"), on_said, NULL));
	assert_true(json_is(json_object_get(said, "code"), "-32601"));
	call_ask(fake_call(1),
		 question_new("sampling/createMessage", json_of("{'messages':[]}"), on_said, NULL));
	reply(1, "{'role':'assistant','content':{'type':'text','text':'t'}}");
	assert_true(json_is(json_object_get(said, "role"), "'assistant'"));
	json_decref(said);
	said = NULL;
	call_result_tree(fake_take(0), json_object());
	call_result_tree(fake_take(0), json_object());
}

/* ---- lack of memory ---- */

/* Ends what the backend holds, with RESULT or the error. */
static void end_held(const char *result)
{
	while (fake_held() > 0) {
		json_t *value;

		failalloc_hold(true);
		value = json_of(result != NULL ? result : URLS);
		failalloc_hold(false);
		if (result)
			call_result_tree(fake_take(0), value);
		else
			call_error(fake_take(0), RPC_URL_ELICITATION, value, "visit these");
		if (!result || strstr(result, "task"))
			return;
	}
}

static struct exchange *starved;

static void starved_urls(void)
{
	s = open_session(NULL, MCP_REV_2026_07_28);
	starved = post(s, BOTH, "tools/call", "{'name':'echo'}");
}

static void starved_urls_go_on(void)
{
	end_held(NULL);
	for (int id = 1; id <= 2; id++) {
		struct message m;
		json_t *msg;

		failalloc_hold(true);
		msg = json_pack("{s:s, s:i, s:{s:s}}", "jsonrpc", "2.0", "id", id, "result",
				"action", "accept");
		assert_int_equal(said_response(&m, msg), 0);
		json_decref(msg);
		failalloc_hold(false);
		transport_answer(session_transport(s), &m);
		message_clear(&m);
	}
	end_held("{'content':[]}");
}

static void starved_task(void)
{
	starved = long_call(MCP_REV_2025_06_18);
}

static void starved_task_goes_on(void)
{
	end_held("{'task':{'taskId':'t-1'}}");
	end_held("{'content':[]}");
}

/* Whatever lacks memory, the request ends once, nothing is left, and nothing is held by anybody. */
static void every_allocation_may_fail(void **state)
{
	static const struct {
		void (*begin)(void), (*go_on)(void);
	} stories[] = {{starved_urls, starved_urls_go_on}, {starved_task, starved_task_goes_on}};

	for (size_t i = 0; i < 2; i++) {
		bool failed = true;
		long n;

		for (n = 1; failed; n++) {
			setup(state);
			stories[i].begin();
			capture_stop(); /* it takes memory, too */
			failalloc_at(n, false);
			stories[i].go_on();
			failed = failalloc_off();
			capture_start();
			assert_int_equal(fake_held(), 0);
			assert_null(strstr(fake_text(starved), "taskId"));
			assert_int_equal(server_in_flight(session_server(s)), 0);
			teardown(state);
		}
		assert_true(n > 10);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(visited_and_made_again),
		T(one_url_declined),
		T(prompt_declined),
		T(client_without_urls),
		T(its_own_revision_hears_the_error),
		T(nothing_to_visit),
		T(for_ever),
		T(cancelled_while_the_client_visits),
		T(session_closed_while_the_client_visits),
		T(task_is_driven),
		T(task_that_fails),
		T(server_that_answers_at_once),
		T(cancelled_task),
		T(task_without_an_end),
		T(nobody_is_driven_without_need),
		T(lists_and_results_are_translated),
		T(questions_are_translated),
		cmocka_unit_test(every_allocation_may_fail),
	};

	failalloc_install();
	return cmocka_run_group_tests_name("followup", tests, NULL, NULL);
}
