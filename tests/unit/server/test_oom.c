/* SPDX-License-Identifier: ISC */
/* Lack of memory at every single allocation of whole conversations, with both fronts of the real
 * endpoint, and with a server behind mcpclient. What lacks memory may fail; nothing else may: each
 * exchange, call and question still ends once, nothing is left behind, and the next conversation
 * goes as if nothing had been. */
#include "endpoint_fixture.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/mcpclient.h"
#include "failalloc.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "lib/log.h"
#include "mcp/call.h"
#include "mcp/question.h"
#include "modern/pool.h"

/* TEXT comes from the server, with the answer to request OF. */
static void feed_bytes(struct mcpclient *m, const char *text, size_t len, json_int_t of)
{
	struct jsontext *t = jsontext_copy(text, len);

	if (t)
		mcpclient_feed_text(m, t, of);
	jsontext_unref(&t);
}

#define META                                                                                       \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                   \
	"\"io.modelcontextprotocol/clientCapabilities\":{\"sampling\":{}},"                        \
	"\"io.modelcontextprotocol/clientInfo\":{\"name\":\"c\",\"version\":\"1\"},"               \
	"\"io.modelcontextprotocol/logLevel\":\"debug\"}"

static const char *const initialize =
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
	"\"protocolVersion\":\"2025-03-26\",\"capabilities\":{\"sampling\":{}},"
	"\"clientInfo\":{\"name\":\"c\",\"version\":\"1\"}}}";

static const char *const modern_call = "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/"
				       "call\",\"params\":{\"name\":\"echo\"," META "}}";

static char session[128];
static int questions, answers;
static struct exchange *opened; /* with initialize */

/* Which allocation fails, counted from where a conversation calls arm(). 0: none. */
static long fail_at;
static bool fail_all;

static void arm(void)
{
	if (fail_at > 0)
		failalloc_at(fail_at, fail_all);
}

/* ---- servers of the pool ---- */

struct pooled *__real_pool_take(struct pool *p, const struct pool_want *want, struct err *e);
struct pooled *__wrap_pool_take(struct pool *p, const struct pool_want *want, struct err *e);
void __real_pool_give(struct pooled *s);
void __wrap_pool_give(struct pooled *s);

static int taken;

struct pooled *__wrap_pool_take(struct pool *p, const struct pool_want *want, struct err *e)
{
	struct pooled *s = __real_pool_take(p, want, e);

	taken += s != NULL;
	return s;
}

void __wrap_pool_give(struct pooled *s)
{
	taken -= s != NULL;
	__real_pool_give(s);
}

/* ---- what a client does ---- */

static struct exchange *ask(enum exchange_method method, const char *headers, const char *body)
{
	char all[1024];
	struct exchange *x;
	const char *id;

	failalloc_hold(true);
	snprintf(all, sizeof all,
		 "Host: localhost\nAccept: application/json, text/event-stream\n"
		 "Content-Type: application/json\n%s%s%s%s",
		 headers, session[0] != '\0' ? "Mcp-Session-Id: " : "", session,
		 session[0] != '\0' ? "\n" : "");
	x = fake_request(method, "/mcp", all, body, strlen(body));
	failalloc_hold(false);
	endpoint_handle(x, fx_endpoint);
	id = fake_answer_header(x, "Mcp-Session-Id");
	if (id && fake_status(x) == 200 && session[0] == '\0')
		snprintf(session, sizeof session, "%s", id);
	return x;
}

static struct exchange *say(const char *body)
{
	return ask(EXCHANGE_POST, "", body);
}

static struct exchange *modern(const char *method, const char *name, const char *body)
{
	char headers[256];

	snprintf(headers, sizeof headers,
		 "MCP-Protocol-Version: 2026-07-28\nMcp-Method: %s\n%s%s%s", method,
		 name != NULL ? "Mcp-Name: " : "", name != NULL ? name : "",
		 name != NULL ? "\n" : "");
	return ask(EXCHANGE_POST, headers, body);
}

/* ---- what a backend does ---- */

static void on_answer(struct question *q, struct jsontext *result, json_t *error, void *arg)
{
	(void)q;
	(void)arg;
	assert_true((result != NULL) != (error != NULL));
	answers++;
}

static void backend_asks(void)
{
	struct question *q;

	if (fake_held() == 0)
		return;
	q = question_new("sampling/createMessage", json_pack("{s:i}", "maxTokens", 9), on_answer,
			 NULL);
	if (!q)
		return;
	questions++;
	call_ask(fake_call(fake_held() - 1), q);
}

static void backend_notifies(void)
{
	json_t *params = json_pack("{s:s, s:s}", "level", "info", "data", "x");

	if (params && fake_held() > 0)
		call_notify(fake_call(fake_held() - 1), "notifications/message", params);
	json_decref(params);
}

static void backend_ends(void)
{
	while (fake_held() > 0) {
		json_t *result = json_pack("{s:[]}", "content");

		if (result)
			call_result_tree(fake_take(0), result);
		else
			call_error(fake_take(0), RPC_INTERNAL_ERROR, NULL, "out of memory");
	}
}

/* ---- conversations ---- */

static void turn(void)
{
	event_base_loop(fx.base, EVLOOP_NONBLOCK);
}

/* Returns whether all of it was as it should be. */
static bool legacy_conversation(void)
{
	struct exchange *x[10];
	bool good;

	arm();
	opened = x[0] = say(initialize);
	x[1] = say("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
	x[2] = ask(EXCHANGE_GET, "", "");
	x[3] = say("[{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\"},"
		   "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"ping\"}]");
	x[4] = say("{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/call\",\"params\":{"
		   "\"name\":\"echo\",\"_meta\":{\"progressToken\":\"t\"}}}");
	backend_notifies();
	backend_asks();
	x[5] = say("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"action\":\"accept\"}}");
	x[6] = say("{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/call\",\"params\":{"
		   "\"name\":\"echo\"}}");
	turn();
	backend_ends();
	x[7] = say("{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"resources/subscribe\",\"params\":{"
		   "\"uri\":\"r:1\"}}");
	backend_ends();
	if (fake_outcome(x[2]) == FAKE_OPEN)
		fake_leave(x[2]);
	x[8] = ask(EXCHANGE_GET, "Last-Event-ID: 1-1\n", "");
	turn();
	x[9] = ask(EXCHANGE_DELETE, "", "");
	turn();
	good = fake_status(x[0]) == 200 && fake_status(x[1]) == 202 && fake_streaming(x[2]) &&
	       fake_status(x[3]) == 200 && fake_streaming(x[4]) && fake_status(x[5]) == 202 &&
	       fake_status(x[6]) == 200 && fake_status(x[7]) == 200 && fake_status(x[9]) == 200;
	for (size_t i = 0; i < 10; i++)
		good &= fake_outcome(x[i]) != FAKE_ABORTED;
	return good;
}

static bool modern_conversation(void)
{
	struct exchange *x[5];
	bool good;

	arm();
	x[0] = modern(
		"server/discover", NULL,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\",\"params\":{" META
		"}}");
	x[1] = modern(
		"subscriptions/listen", NULL,
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"subscriptions/listen\",\"params\":{"
		"\"notifications\":{\"toolsListChanged\":true,"
		"\"resourceSubscriptions\":[\"r:1\"]}," META "}}");
	backend_ends();
	x[2] = modern("tools/list", NULL,
		      "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/list\",\"params\":{" META
		      "}}");
	x[3] = modern("tools/call", "echo", modern_call);
	backend_notifies();
	backend_ends();
	x[4] = modern("tools/call", "echo", modern_call);
	if (fake_outcome(x[4]) == FAKE_OPEN)
		fake_leave(x[4]);
	turn();
	backend_ends();
	good = fake_streaming(x[1]) && fake_streaming(x[3]) && fake_outcome(x[4]) == FAKE_LEFT;
	for (size_t i = 0; i < 4; i++)
		good &= fake_outcome(x[i]) != FAKE_ABORTED && fake_status(x[i]) == 200;
	if (fake_outcome(x[1]) == FAKE_OPEN)
		fake_leave(x[1]);
	turn();
	return good;
}

/* Lets questions be gathered, which takes a moment. */
static void wait_until_ended(struct exchange *x)
{
	for (int i = 0; i < 4 && fake_outcome(x) == FAKE_OPEN; i++) {
		const struct timeval moment = {.tv_usec = 10000};

		failalloc_hold(true);
		event_base_loopexit(fx.base, &moment);
		failalloc_hold(false);
		event_base_loop(fx.base, 0);
	}
}

/* The retry with what X says, or one that cannot succeed. */
static struct exchange *retry(struct exchange *x)
{
	char body[2048];
	const char *state;
	json_t *answer;

	failalloc_hold(true);
	answer = json_loads(fake_text(x), 0, NULL);
	state = json_string_value(
		json_object_get(json_object_get(answer, "result"), "requestState"));
	snprintf(body, sizeof body,
		 "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/call\",\"params\":{"
		 "\"name\":\"echo\",\"requestState\":\"%s\",\"inputResponses\":{\"q1\":{"
		 "\"action\":\"accept\",\"content\":{}}}," META "}}",
		 state != NULL ? state : "none");
	json_decref(answer);
	failalloc_hold(false);
	return modern("tools/call", "echo", body);
}

/* Only from the question on: the beginning is that of the conversation above. */
static bool parked_conversation(void)
{
	struct exchange *first = modern("tools/call", "echo", modern_call), *second;

	arm();
	backend_asks();
	wait_until_ended(first);
	second = retry(first);
	backend_ends();
	turn();
	failalloc_hold(true);
	return fake_outcome(first) == FAKE_REPLIED && fake_outcome(second) == FAKE_REPLIED &&
	       strstr(fake_text(second), "\"content\"");
}

/* ---- a server ---- */

static struct call *server_calls[2];
static int ends;

static int send_nowhere(struct mcpclient *m, json_t *msg, struct jsontext *text,
			struct bearer *bearer, void *arg)
{
	(void)text;
	(void)m;
	(void)bearer;
	(void)msg;
	(void)arg;
	return 0;
}

static void on_ready(struct mcpclient *m, void *arg)
{
	(void)m;
	(void)arg;
}

static void on_failed(struct mcpclient *m, const struct err *why, void *arg)
{
	(void)m;
	(void)arg;
	assert_true(why->code < 0 && why->text[0] != '\0');
}

static void on_notification(struct mcpclient *m, const char *method, json_t *params, void *arg)
{
	(void)m;
	(void)method;
	(void)params;
	(void)arg;
}

static void on_question(struct mcpclient *m, struct question *q_take, void *arg)
{
	(void)m;
	(void)arg;
	question_refuse(q_take, RPC_METHOD_NOT_FOUND, "nobody is there");
}

static void call_notified(struct call *c, const char *method, json_t *params, void *arg)
{
	(void)c;
	(void)method;
	(void)params;
	(void)arg;
}

static void call_asked(struct call *c, struct question *q, void *arg)
{
	(void)c;
	(void)arg;
	question_answer(q, jsontext_of(json_object()), NULL);
}

static void call_over(struct call *c, const struct answer *answer, void *arg)
{
	(void)answer;
	assert_ptr_equal(*(struct call **)arg, c);
	*(struct call **)arg = NULL;
	ends++;
}

static int make_call(struct mcpclient *m, struct call **slot)
{
	static const struct call_front front = {call_notified, call_asked, call_over};
	static const struct caller caller = {.session = "s",
					     .peer = "127.0.0.1",
					     .rev = MCP_REV_2025_11_25,
					     .capabilities = "{\"elicitation\":{}}",
					     .log_level = -1};

	*slot = call_new(fx.base, &front, slot, &caller, "tools/call", json_object(), NULL, 0);
	if (!*slot)
		return 0;
	mcpclient_call(m, *slot, NULL, NULL);
	return 1;
}

static bool server_conversation(void)
{
	static const struct mcpclient_events events = {send_nowhere, on_ready, on_failed,
						       on_notification, on_question};
	static const char *const lines[] = {
		("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":\"2025-06-18\","
		 "\"capabilities\":{},\"serverInfo\":{\"name\":\"f\",\"version\":\"1\"}}}"),
		"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"elicitation/create\",\"params\":{}}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{}}",
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}",
		"garbage",
		"{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":1,\"message\":\"no\"}}",
	};
	struct mcpclient_spec spec = {.name = "f", .max_queue = 4};
	struct mcpclient *m;
	int made = 0;
	bool ready;

	spec.capabilities = json_object();
	spec.client_info = json_object();
	ends = 0;
	arm();
	m = mcpclient_new(fx.base, &spec, &events, NULL);
	if (m) {
		mcpclient_start(m);
		made += make_call(m, &server_calls[0]);
		for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
			feed_bytes(m, lines[i], strlen(lines[i]), 0);
			if (i == 0)
				made += make_call(m, &server_calls[1]);
			turn();
		}
	}
	ready = m && mcpclient_ready(m) && mcpclient_calls(m) == 0;
	mcpclient_close(&m, "the end");
	turn();
	assert_int_equal(ends, made);
	json_decref(spec.capabilities);
	json_decref(spec.client_info);
	return ready && made == 2;
}

/* ---- the test ---- */

/* One run; what it leaves when it is over is nothing. Returns whether all went well. */
static bool run(bool (*conversation)(void))
{
	bool good;

	session[0] = '\0';
	questions = answers = 0;
	opened = NULL;
	endpoint_open();
	capture_stop(); /* it takes memory, too */
	good = conversation();
	failalloc_hold(true);
	/* A client that was not told of a session cannot use it. (Where its connection was cut
	 * instead, the session goes when its idle time is over.) */
	if (opened && session[0] == '\0' && fake_outcome(opened) != FAKE_ABORTED)
		assert_int_equal(count_sessions(), 0);
	failalloc_hold(false);
	return good;
}

static void finish(void)
{
	capture_start();
	endpoint_close();
	assert_int_equal(questions, answers);
	assert_int_equal(taken, 0);
}

static void test(void **state)
{
	bool (*conversation)(void) = *(bool (**)(void)) * state;
	long count = 0;

	for (int all = 0; all < 2; all++) {
		bool failed = true;

		/* Where everything fails, what comes behind the beginning is much the same. */
		for (long n = 1; failed; n += all ? 1 + n / 10 : 1) {
			fail_at = n;
			fail_all = all;
			run(conversation);
			failed = failalloc_off();
			count += failed;
			finish();
		}
	}
	fail_at = 0;
	assert_true(run(conversation));
	finish();
	assert_true(count > 50);
	print_message("# %ld allocations failed\n", count);
}

#define CONVERSATION(name)                                                                         \
	{                                                                                          \
#name, test, NULL, NULL, &name##_fn                                                \
	}

static bool (*legacy_fn)(void) = legacy_conversation;
static bool (*modern_fn)(void) = modern_conversation;
static bool (*parked_fn)(void) = parked_conversation;
static bool (*server_fn)(void) = server_conversation;

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CONVERSATION(legacy),
		CONVERSATION(modern),
		CONVERSATION(parked),
		CONVERSATION(server),
	};

	alarm(600); /* a conversation that never ends */
	failalloc_install();
	log_set_level(LOGL_ERROR);
	return cmocka_run_group_tests_name("oom", tests, NULL, NULL);
}
