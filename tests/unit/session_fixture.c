/* SPDX-License-Identifier: ISC */
#include "session_fixture.h"
#include "said.h"

#include <string.h>

#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "mcp/call.h"
#include "mcp/message.h"
#include "mcp/question.h"

struct fixture fx;
int last_id, questions_ended;

static const struct config_limits default_limits = {
	.max_calls = 64,
	.max_streams = 8,
	.max_subscriptions = 256,
	.call_timeout_ms = 3600000,
	.question_timeout_ms = 600000,
	.keepalive_ms = 3600000,
	.upgrade_ms = 3600000,
	.retry_ms = 5000,
	.replay_events = 512,
	.replay_bytes = 1 << 20,
	.replay_age_ms = 300000,
	.max_backlog = 4 << 20,
	.page_size = 1000,
};

static void hook(struct session *s, char what)
{
	if (fx.in_front)
		fx.in_front(s, what);
}

static void on_notify(void *origin, const char *method, json_t *params, void *arg)
{
	json_t *msg = jsonrpc_notification(method, json_incref(params));

	if (msg)
		stream_send(origin, msg);
	json_decref(msg);
	hook(arg, 'n');
}

static void on_ask(void *origin, struct question *q_take, void *arg)
{
	transport_ask(session_transport(arg), origin, q_take);
	hook(arg, 'a');
}

static void on_end(void *origin, json_t *id, const struct answer *answer, void *arg)
{
	struct jsontext *msg = NULL;

	if (answer->kind == ANSWER_RESULT)
		msg = message_result(id, answer->result);
	else if (answer->kind == ANSWER_ERROR)
		msg = jsontext_of(jsonrpc_error(id, answer->code, answer->message,
						json_incref(answer->data)));
	if (msg)
		stream_respond(origin, msg);
	else
		stream_skip(origin);
	jsontext_unref(&msg);
	hook(arg, 'e');
}

static void on_send(json_t *msg_take, void *arg)
{
	transport_send(session_transport(arg), msg_take);
	hook(arg, 's');
}

static void on_level_set(void *arg)
{
	session_level_set(arg);
}

static void on_subscribed(const char *uri, bool on, void *arg)
{
	session_subscribed(arg, uri, on);
}

static const struct server_front front = {
	.notify = on_notify,
	.ask = on_ask,
	.end = on_end,
	.send = on_send,
	.level_set = on_level_set,
	.subscribed = on_subscribed,
};

void fixture_sessions(struct store *store, const char *issuer)
{
	const struct sessions_deps deps = {.base = fx.base,
					   .conf = &fx.conf,
					   .limits = &fx.limits,
					   .store = store,
					   .issuer = issuer};

	sessions_free(&fx.ss);
	fx.ss = sessions_new(&deps);
	assert_non_null(fx.ss);
	fx.registry = sessions_env(fx.ss)->registry;
}

int fixture_open(void **state)
{
	(void)state;
	memset(&fx, 0, sizeof fx);
	memset(&fake_hooks, 0, sizeof fake_hooks);
	last_id = questions_ended = 0;
	fake_slow_start = false;
	fx.capabilities = "{\"sampling\":{},\"elicitation\":{},\"roots\":{}}";
	fx.base = loop_open();
	fx.conf = (struct config_sessions){.max = 1000, .max_per_user = 100, .max_per_peer = 1000};
	fx.limits = default_limits;
	fixture_sessions(NULL, NULL);
	fx.backend = fake_backend(fx.base, "fake");
	fx.view = view_new(fx.base, &fx.backend, 1, false, 1000);
	assert_non_null(fx.view);
	capture_start();
	return 0;
}

int fixture_close(void **state)
{
	(void)state;
	loop_settle(fx.base);
	capture_stop();
	assert_maps_empty();
	assert_int_equal(call_count(), 0);
	fake_exchanges_free();
	view_free(&fx.view);
	fake_backend_free(&fx.backend);
	sessions_free(&fx.ss);
	loop_close(fx.base);
	return 0;
}

size_t count_sessions(void)
{
	struct registry_counts c;

	sessions_counts(fx.ss, &c);
	return c.sessions;
}

void assert_maps_empty(void)
{
	struct registry_counts c;

	sessions_counts(fx.ss, &c);
	assert_int_equal(c.sessions, 0);
	assert_int_equal(c.user_map, 0);
	assert_int_equal(c.caps_map, 0);
	assert_int_equal(registry_peer_count(fx.registry, "127.0.0.1"), 0);
}

struct session *open_session(const char *user, enum mcp_rev rev)
{
	struct session_conf conf = {
		.view = fx.view,
		.path = "/mcp",
		.user = user,
		.peer = "127.0.0.1",
		.rev = rev,
		.capabilities = fx.capabilities,
		.client_info = "{\"name\":\"test\",\"version\":\"1\"}",
		.front = &front,
	};
	struct session *s = NULL;
	struct err e;

	assert_int_equal(session_open(sessions_env(fx.ss), &conf, &s, &e), 0);
	return s;
}

struct exchange *post(struct session *s, unsigned accept, const char *method, const char *params)
{
	struct exchange *x = fake_exchange();
	struct stream *st = transport_post(session_transport(s), x, accept, 1, false);
	json_t *id = json_integer(++last_id), *value = json_of(params);

	assert_non_null(st);
	assert_int_equal(said_request(session_server(s), st, id, method, value), 0);
	json_decref(id);
	json_decref(value);
	return x;
}

struct exchange *get(struct session *s)
{
	struct exchange *x = fake_exchange();

	assert_int_equal(transport_get(session_transport(s), x, NULL), 0);
	return x;
}

static void on_question_ended(struct question *q, struct jsontext *result, json_t *error, void *arg)
{
	(void)q;
	(void)result;
	(void)error;
	(void)arg;
	questions_ended++;
}

struct question *counted_question(const char *method)
{
	struct question *q = question_new(method, json_object(), on_question_ended, NULL);

	assert_non_null(q);
	return q;
}

struct session *busy_session(const char *user)
{
	struct session *s = open_session(user, MCP_REV_2025_11_25);
	json_t *params = json_of("{'progressToken':0,'progress':1}");
	size_t held = fake_held();

	get(s);
	post(s, BOTH, "resources/subscribe", "{'uri':'r:1'}");
	call_result_tree(fake_take(held), json_object());
	post(s, BOTH, "tools/call", "{'name':'echo'}"); /* pending */
	post(s, BOTH, "tools/call", "{'name':'echo','_meta':{'progressToken':7}}");
	call_notify(fake_call(held + 1), "notifications/progress", params); /* a stream */
	post(s, BOTH, "tools/call", "{'name':'echo'}");
	call_ask(fake_call(held + 2), counted_question("elicitation/create"));
	fake_leave(post(s, BOTH, "tools/call", "{'name':'echo'}"));
	post(s, JSON_ONLY, "logging/setLevel", "{'level':'warning'}");
	assert_int_equal(fake_held(), held + 5);
	json_decref(params);
	return s;
}
