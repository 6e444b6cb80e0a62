/* SPDX-License-Identifier: ISC */
/* Tasks under ids of our own: the map, and what is relayed of both kinds, to sessions and to
 * clients that have none. */
#include "endpoint_fixture.h"
#include "said.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend_impl.h"
#include "failalloc.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "mcp/call.h"
#include "mcp/offer.h"
#include "mcp/question.h"
#include "server/tasks.h"

#define OLD_CAPS "{'tools':{},'tasks':{'cancel':{},'requests':{'tools':{'call':{}}}}}"
#define EXT	 "'extensions':{'io.modelcontextprotocol/tasks':{}}"
#define NEW_CAPS "{'tools':{}," EXT "}"
#define RELATED	 "io.modelcontextprotocol/related-task"

/* ---- the map ---- */

static void ids_are_ours(void **state)
{
	struct tasks *t = tasks_new();
	const char *remote;
	size_t source;
	char id[64];

	(void)state;
	assert_non_null(t);
	snprintf(id, sizeof id, "%s", tasks_add(t, 3, "x", 1000));
	assert_int_equal(strlen(id), 32);
	assert_string_equal(tasks_add(t, 3, "x", 1000), id);
	assert_string_not_equal(tasks_add(t, 4, "x", 1000), id);
	assert_int_equal(tasks_count(t), 2);
	assert_true(tasks_find(t, id, &source, &remote));
	assert_int_equal(source, 3);
	assert_string_equal(remote, "x");
	assert_false(tasks_find(t, "x", &source, &remote));
	assert_string_equal(tasks_id(t, 3, "x"), id);
	assert_null(tasks_id(t, 5, "x"));
	tasks_free(&t);
	assert_int_equal(tasks_count(NULL), 0);
}

static void the_map_is_bounded(void **state)
{
	struct tasks *t = tasks_new();
	char first[64], second[64], name[16];
	const char *remote;
	size_t source;

	(void)state;
	for (int i = 0; i < TASKS_MAX; i++) {
		snprintf(name, sizeof name, "%d", i);
		assert_non_null(tasks_add(t, 0, name, 0));
	}
	snprintf(first, sizeof first, "%s", tasks_id(t, 0, "0"));
	snprintf(second, sizeof second, "%s", tasks_id(t, 0, "1"));
	assert_true(tasks_find(t, first, &source, &remote)); /* used: so not the next to go */
	assert_non_null(tasks_add(t, 0, "one more", 0));
	assert_int_equal(tasks_count(t), TASKS_MAX);
	assert_true(tasks_find(t, first, &source, &remote));
	assert_false(tasks_find(t, second, &source, &remote));
	tasks_free(&t);
}

/* ---- relayed ---- */

static struct session *s;

static int setup(void **state)
{
	(void)state;
	endpoint_open();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sessions_close_all(fx.ss, CLOSE_SHUTDOWN);
	endpoint_close();
	return 0;
}

static void offer_now(enum mcp_rev rev, const char *capabilities)
{
	struct offer *o = offer_new(rev);
	json_t *caps = json_of(capabilities);

	assert_non_null(o);
	json_array_append_new(o->lists[OFFER_TOOLS],
			      json_of("{'name':'long','inputSchema':{'type':'object'},"
				      "'execution':{'taskSupport':'required'}}"));
	json_object_update(o->capabilities, caps);
	json_decref(caps);
	backend_learned(fx.backend, o);
}

/* The last JSON-RPC message that X got. A new reference. */
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

static bool member_is(struct exchange *x, const char *member, const char *value)
{
	json_t *msg = last_message(x), *at = json_object_get(msg, "result");
	bool same;

	if (!at)
		at = json_object_get(msg, "error");
	same = json_is(json_object_get(at, member), value);
	json_decref(msg);
	return same;
}

/* The taskId in the result that X got (under "task" or not), which is none of the backend's. */
static const char *task_id(struct exchange *x)
{
	static char id[64];
	json_t *msg = last_message(x), *result = json_object_get(msg, "result");
	json_t *task = json_object_get(result, "task");
	const char *text =
		json_string_value(json_object_get(task != NULL ? task : result, "taskId"));

	assert_non_null(text);
	assert_int_equal(strlen(text), 32);
	snprintf(id, sizeof id, "%s", text);
	json_decref(msg);
	return id;
}

static struct exchange *about(const char *method, const char *id)
{
	char params[128];

	snprintf(params, sizeof params, "{'taskId':'%s'}", id);
	return post(s, BOTH, method, params);
}

static void start_task(char id[64])
{
	struct exchange *x;

	offer_now(MCP_REV_2025_11_25, OLD_CAPS);
	s = open_session(NULL, MCP_REV_2025_11_25);
	x = post(s, BOTH, "tools/call", "{'name':'long','task':{'ttl':5}}");
	assert_true(said_params_are(fake_call(0), "{'name':'long','task':{'ttl':5}}"));
	call_result_tree(fake_take(0),
			 json_of("{'task':{'taskId':'t','status':'working','ttl':60000}}"));
	snprintf(id, 64, "%s", task_id(x));
}

static void tasks_of_2025_11_25(void **state)
{
	static const char *const methods[] = {"tasks/get", "tasks/cancel"};
	struct exchange *x;
	char id[64], own[128];

	(void)state;
	start_task(id);
	x = post(s, BOTH, "initialize", "{'protocolVersion':'2025-11-25'}");
	assert_non_null(strstr(fake_text(x), "\"tasks\":{\"cancel\":{},\"requests\":"
					     "{\"tools\":{\"call\":{}}}}"));
	assert_true(member_is(post(s, BOTH, "tools/list", "{}"), "tools",
			      "[{'name':'long','inputSchema':{'type':'object'},"
			      "'execution':{'taskSupport':'required'}}]"));
	for (size_t i = 0; i < 2; i++) {
		x = about(methods[i], id);
		assert_string_equal(call_method(fake_call(0)), methods[i]);
		assert_true(said_params_are(fake_call(0), "{'taskId':'t'}"));
		call_result_tree(fake_take(0), json_of("{'taskId':'t','status':'working'}"));
		assert_string_equal(task_id(x), id);
	}
	x = about("tasks/result", id);
	assert_true(said_params_are(fake_call(0), "{'taskId':'t'}"));
	call_result_tree(fake_take(0),
			 json_of("{'content':[],'_meta':{'" RELATED "':{'taskId':'t'}}}"));
	snprintf(own, sizeof own, "{'" RELATED "':{'taskId':'%s'}}", id);
	assert_true(member_is(x, "_meta", own));
	assert_true(member_is(about("tasks/list", id), "code", "-32601"));
	assert_true(member_is(about("tasks/update", id), "code", "-32601"));
}

/* What a backend names its task is kept for as long as the task: an id, not data. */
static void long_ids_are_refused(void **state)
{
	static const unsigned lengths[] = {TASKS_MAX_ID, TASKS_MAX_ID + 1, 1 << 20};

	(void)state;
	offer_now(MCP_REV_2025_11_25, OLD_CAPS);
	s = open_session(NULL, MCP_REV_2025_11_25);
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		struct exchange *x =
			post(s, BOTH, "tools/call", "{'name':'long','task':{'ttl':5}}");
		char *id = malloc(lengths[i] + 1);

		assert_non_null(id);
		memset(id, 'x', lengths[i]);
		id[lengths[i]] = '\0';
		call_result_tree(fake_take(0), json_pack("{s:{s:s, s:s}}", "task", "taskId", id,
							 "status", "working"));
		free(id);
		if (i == 0)
			(void)task_id(x);
		else
			assert_true(member_is(x, "message",
					      "'the server answered with a task whose id is longer "
					      "than 1024 bytes'"));
	}
}

/* The backend's own id, or one of another session, is nobody's. */
static void strangers_do_not_see_it(void **state)
{
	char id[64];

	(void)state;
	start_task(id);
	assert_true(member_is(about("tasks/get", "t"), "code", "-32602"));
	assert_true(member_is(post(s, BOTH, "tasks/get", "{}"), "code", "-32602"));
	s = open_session(NULL, MCP_REV_2025_11_25);
	assert_true(member_is(about("tasks/get", id), "code", "-32602"));
	assert_true(member_is(about("tasks/cancel", id), "code", "-32602"));
	s = open_session(NULL, MCP_REV_2025_06_18);
	assert_true(member_is(about("tasks/get", id), "code", "-32601"));
	assert_int_equal(fake_held(), 0);
}

static json_t *said;

static void on_said(struct question *q, struct jsontext *result, json_t *error, void *arg)
{
	(void)q, (void)arg;
	said = json_incref(result ? jsontext_tree(result, NULL) : error);
}

static void questions_and_news_of_a_task(void **state)
{
	struct exchange *x, *stream;
	char id[64], own[160];
	json_t *msg;

	(void)state;
	fx.capabilities = "{\"elicitation\":{}}";
	start_task(id);
	stream = get(s);
	x = about("tasks/result", id);
	call_ask(fake_call(0),
		 question_new("elicitation/create",
			      json_of("{'message':'m','_meta':{'" RELATED "':{'taskId':'t'}}}"),
			      on_said, NULL));
	msg = last_message(x);
	snprintf(own, sizeof own, "{'message':'m','_meta':{'" RELATED "':{'taskId':'%s'}}}", id);
	assert_true(json_is(json_object_get(msg, "params"), own));
	json_decref(msg);
	snprintf(own, sizeof own, "{'action':'accept','_meta':{'" RELATED "':{'taskId':'%s'}}}",
		 id);
	msg = json_pack("{s:s, s:i, s:o}", "jsonrpc", "2.0", "id", 1, "result", json_of(own));
	assert_int_equal(said_answer(session_transport(s), msg), 0);
	json_decref(msg);
	assert_true(json_is(said, "{'action':'accept','_meta':{'" RELATED "':{'taskId':'t'}}}"));
	json_decref(said);
	call_result_tree(fake_take(0), json_object());
	/* news: of this task alone */
	msg = json_of("{'taskId':'t','status':'completed'}");
	fake_link(fx.backend, 0)
		->events->notification(fake_link(fx.backend, 0), "notifications/tasks/status", msg,
				       fake_link(fx.backend, 0)->arg);
	json_object_set_new(msg, "taskId", json_string("other"));
	fake_link(fx.backend, 0)
		->events->notification(fake_link(fx.backend, 0), "notifications/tasks/status", msg,
				       fake_link(fx.backend, 0)->arg);
	json_decref(msg);
	assert_non_null(strstr(fake_text(stream), id));
	assert_null(strstr(fake_text(stream), "other"));
}

/* Two kinds of tasks that have little more than the name in common are not mixed. */
static void the_two_kinds_do_not_meet(void **state)
{
	static const struct {
		enum mcp_rev backend, client;
		const char *caps;
	} rows[] = {
		{MCP_REV_2026_07_28, MCP_REV_2025_11_25, NEW_CAPS},
		{MCP_REV_2025_11_25, MCP_REV_2026_07_28, OLD_CAPS},
		{MCP_REV_2025_11_25, MCP_REV_2025_11_25, "{'tools':{}}"},
		{MCP_REV_2025_11_25, MCP_REV_2025_06_18, OLD_CAPS},
	};

	(void)state;
	fx.capabilities = "{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}";
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct exchange *x;

		offer_now(rows[i].backend, rows[i].caps);
		s = open_session(NULL, rows[i].client);
		assert_true(member_is(about("tasks/get", "t"), "code", "-32601"));
		x = post(s, BOTH, "initialize", "{}");
		assert_null(strstr(fake_text(x), "tasks\"")); /* "tasks", or the extension */
		x = post(s, BOTH, "tools/list", "{}");
		assert_null(strstr(fake_text(x), "execution"));
	}
}

/* ---- clients without a session ---- */

static struct exchange *modern(const char *method, const char *name, const char *params,
			       const char *caps)
{
	static const char form[] = "{'jsonrpc':'2.0','id':1,'method':'%s','params':{%s,'_meta':{"
				   "'io.modelcontextprotocol/protocolVersion':'2026-07-28',"
				   "'io.modelcontextprotocol/clientCapabilities':{%s}}}}";
	char headers[512], body[1024];
	struct exchange *x;

	snprintf(headers, sizeof headers,
		 "Host: localhost\nAccept: application/json, text/event-stream\n"
		 "Content-Type: application/json\nMCP-Protocol-Version: 2026-07-28\n"
		 "Mcp-Method: %s\nMcp-Name: %s\n",
		 method, name);
	snprintf(body, sizeof body, form, method, params, caps);
	for (char *p = body; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	x = fake_request(EXCHANGE_POST, "/mcp", headers, body, strlen(body));
	endpoint_handle(x, fx_endpoint);
	return x;
}

static struct exchange *modern_about(const char *method, const char *id, const char *caps)
{
	char params[128];

	snprintf(params, sizeof params, "'taskId':'%s'", id);
	return modern(method, id, params, caps);
}

static void start_modern_task(char id[64], const char *caps)
{
	struct exchange *x;

	offer_now(MCP_REV_2026_07_28, NEW_CAPS);
	x = modern("tools/call", "long", "'name':'long'", caps);
	call_result_tree(fake_take(0),
			 json_of("{'resultType':'task','taskId':'t','status':'working',"
				 "'ttlMs':60000}"));
	snprintf(id, 64, "%s", task_id(x));
	assert_true(member_is(x, "resultType", "'task'"));
	assert_true(member_is(x, "status", "'working'"));
}

static void tasks_of_2026_07_28(void **state)
{
	static const char *const methods[] = {"tasks/get", "tasks/cancel", "tasks/update"};
	struct exchange *x;
	char id[64];

	(void)state;
	start_modern_task(id, EXT);
	x = modern("server/discover", "", "'x':1", EXT);
	assert_true(member_is(x, "capabilities", "{'tools':{'listChanged':true}," EXT "}"));
	for (size_t i = 0; i < 3; i++) {
		x = modern_about(methods[i], id, EXT);
		assert_string_equal(call_method(fake_call(0)), methods[i]);
		assert_true(json_is(json_object_get(call_params(fake_call(0)), "taskId"), "'t'"));
		call_result_tree(fake_take(0),
				 json_of(i == 0 ? "{'taskId':'t','status':'completed',"
						  "'result':{'content':[]}}"
						: "{}"));
		assert_true(member_is(x, "resultType", "'complete'"));
	}
	/* a client that can be asked has a server to itself, and the task is known there alone */
	start_modern_task(id, "'elicitation':{}," EXT);
	x = modern_about("tasks/get", id, EXT);
	assert_int_equal(fake_held(), 1);
	call_result_tree(fake_take(0), json_of("{'taskId':'t','status':'working'}"));
	assert_string_equal(task_id(x), id);
}

static void long_ids_are_refused_in_2026_07_28(void **state)
{
	(void)state;
	offer_now(MCP_REV_2026_07_28, NEW_CAPS);
	for (unsigned more = 0; more < 2; more++) {
		struct exchange *x = modern("tools/call", "long", "'name':'long'", EXT);
		char id[TASKS_MAX_ID + 2] = {0};

		memset(id, 'x', TASKS_MAX_ID + more);
		call_result_tree(fake_take(0),
				 json_pack("{s:s, s:s, s:s, s:i}", "resultType", "task", "taskId",
					   id, "status", "working", "ttlMs", 60000));
		if (more == 0)
			assert_true(member_is(x, "resultType", "'task'"));
		else
			assert_true(member_is(x, "message",
					      "'the server answered with a task whose id is longer "
					      "than 1024 bytes'"));
	}
}

static void who_must_not(void **state)
{
	struct exchange *x;
	char id[64];

	(void)state;
	start_modern_task(id, EXT);
	x = modern_about("tasks/get", id, "");
	assert_int_equal(fake_status(x), 400);
	assert_true(member_is(x, "code", "-32021"));
	assert_true(member_is(x, "data", "{'requiredCapabilities':{" EXT "}}"));
	assert_true(member_is(modern_about("tasks/get", "t", EXT), "code", "-32602"));
	x = modern_about("tasks/result", id, EXT);
	assert_int_equal(fake_status(x), 404);
	/* a task that was not declared is no answer */
	x = modern("tools/call", "long", "'name':'long'", "");
	call_result_tree(fake_take(0), json_of("{'resultType':'task','taskId':'u'}"));
	assert_true(member_is(x, "code", "-32603"));
	/* no server, no tasks */
	offer_now(MCP_REV_2026_07_28, "{'tools':{}}");
	x = modern_about("tasks/get", id, EXT);
	assert_int_equal(fake_status(x), 404);
}

/* ---- lack of memory ---- */

static void end_with(const char *result)
{
	json_t *value;

	if (fake_held() == 0)
		return;
	failalloc_hold(true);
	value = json_of(result);
	failalloc_hold(false);
	call_result_tree(fake_take(0), value);
}

/* Whatever lacks memory, nobody ever sees the backend's own id. */
static void every_allocation_may_fail(void **state)
{
	bool failed = true;
	long n;

	for (n = 1; failed; n++) {
		struct exchange *x[3];
		char id[64];

		setup(state);
		start_task(id);
		x[0] = post(s, BOTH, "tools/call", "{'name':'long','task':{}}");
		capture_stop(); /* it takes memory, too */
		failalloc_at(n, false);
		end_with("{'task':{'taskId':'remote','ttl':60000}}");
		failalloc_hold(true);
		x[1] = about("tasks/get", id);
		failalloc_hold(false);
		end_with("{'taskId':'remote','status':'working'}");
		failalloc_hold(true);
		x[2] = about("tasks/result", id);
		failalloc_hold(false);
		end_with("{'content':[],'_meta':{'" RELATED "':{'taskId':'t'}}}");
		failed = failalloc_off();
		capture_start();
		for (size_t i = 0; i < 3; i++) {
			assert_int_not_equal(fake_outcome(x[i]), FAKE_OPEN);
			assert_null(strstr(fake_text(x[i]), "\"remote\""));
			assert_null(strstr(fake_text(x[i]), "\"t\""));
		}
		teardown(state);
	}
	assert_true(n > 10);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_ours),
		cmocka_unit_test(the_map_is_bounded),
		T(long_ids_are_refused),
		T(tasks_of_2025_11_25),
		T(strangers_do_not_see_it),
		T(questions_and_news_of_a_task),
		T(the_two_kinds_do_not_meet),
		T(tasks_of_2026_07_28),
		T(who_must_not),
		T(long_ids_are_refused_in_2026_07_28),
		cmocka_unit_test(every_allocation_may_fail),
	};

	failalloc_install();
	return cmocka_run_group_tests_name("tasks", tests, NULL, NULL);
}
