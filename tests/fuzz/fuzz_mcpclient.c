/* SPDX-License-Identifier: ISC */
/* A server that says anything, one line after the other: every call still ends exactly once. An
 * empty line turns the loop, "+" makes a call, "-" cancels the oldest one, "?" is a line lost. */
#include <event2/event.h>
#include <string.h>

#include "base/defer.h"
#include "client/mcpclient.h"
#include "fuzz.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "lib/log.h"
#include "mcp/call.h"
#include "mcp/question.h"

/* TEXT comes from the server, with the answer to request OF. */
static void feed_bytes(struct mcpclient *m, const char *text, size_t len, json_int_t of)
{
	struct jsontext *t = jsontext_copy(text, len);

	if (t)
		mcpclient_feed_text(m, t, of);
	jsontext_unref(&t);
}

#define MAX_CALLS 8

static struct event_base *base;
static struct call *calls[MAX_CALLS];
static int n_calls, n_ends, n_done;

static int send_nowhere(struct mcpclient *m, json_t *msg, struct jsontext *text,
			struct bearer *bearer, void *arg)
{
	(void)text;
	enum jsonrpc_kind kind;

	(void)m;
	(void)bearer;
	(void)arg;
	MUST(!msg || jsonrpc_classify(msg, &kind, NULL) == 0);
	return 0;
}

static void on_ready(struct mcpclient *m, void *arg)
{
	(void)arg;
	MUST(mcpclient_ready(m));
}

static void on_failed(struct mcpclient *m, const struct err *why, void *arg)
{
	(void)m;
	(void)arg;
	MUST(why->text[0] != '\0');
}

static void on_notification(struct mcpclient *m, const char *method, json_t *params, void *arg)
{
	(void)m;
	(void)arg;
	MUST(method && (!params || json_is_object(params) || json_is_array(params)));
}

static void on_question(struct mcpclient *m, struct question *q_take, void *arg)
{
	(void)m;
	(void)arg;
	question_refuse(q_take, RPC_METHOD_NOT_FOUND, "nobody is there");
}

static void call_notified(struct call *c, const char *method, json_t *params, void *arg)
{
	(void)params;
	(void)arg;
	MUST(!call_ended(c) && method);
}

static void call_asked(struct call *c, struct question *q, void *arg)
{
	(void)c;
	(void)arg;
	question_answer(q, jsontext_of(json_object()), NULL);
}

static void call_over(struct call *c, const struct answer *answer, void *arg)
{
	(void)c;
	MUST(*(struct call **)arg == c); /* not a second time */
	MUST((answer->kind == ANSWER_RESULT) == (answer->result != NULL));
	*(struct call **)arg = NULL;
	n_ends++;
}

static void call_done(struct mcpclient *m, struct call *c, bool ok, void *arg)
{
	(void)m;
	(void)c;
	(void)ok;
	(void)arg;
	n_done++;
}

static void make_call(struct mcpclient *m)
{
	static const struct call_front front = {call_notified, call_asked, call_over};
	static const struct caller caller = {
		.session = "s",
		.peer = "127.0.0.1",
		.rev = MCP_REV_2025_11_25,
		.capabilities = "{\"sampling\":{},\"elicitation\":{},\"roots\":{}}",
		.log_level = 0};
	struct call **slot;
	json_t *token;

	if (n_calls == MAX_CALLS)
		return;
	slot = &calls[n_calls++];
	token = json_string("token");
	*slot = call_new(base, &front, slot, &caller, "tools/call", json_object(), token, 0);
	json_decref(token);
	MUST(*slot);
	mcpclient_call(m, *slot, call_done, NULL);
}

static void cancel_oldest(void)
{
	for (int i = 0; i < n_calls; i++) {
		if (calls[i]) {
			call_cancel(calls[i], "fuzz");
			return;
		}
	}
}

static void line(struct mcpclient *m, const char *text, size_t len)
{
	if (len == 0)
		event_base_loop(base, EVLOOP_NONBLOCK);
	else if (len == 1 && text[0] == '+')
		make_call(m);
	else if (len == 1 && text[0] == '-')
		cancel_oldest();
	else if (len == 1 && text[0] == '?')
		mcpclient_lost_message(m, text, len, "lost");
	else
		feed_bytes(m, text, len, 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_set_level(LOGL_ERROR);
	base = event_base_new();
	MUST(base && defer_init(base) == 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mcpclient_events events = {send_nowhere, on_ready, on_failed,
						       on_notification, on_question};
	struct mcpclient_spec spec = {.name = "fuzz",
				      .capabilities = json_object(),
				      .client_info = json_object(),
				      .max_queue = 4};
	const char *s = (const char *)data, *end = s + size, *newline;
	struct mcpclient *m;

	n_calls = n_ends = n_done = 0;
	spec.asks = size > 0 ? (enum mcpclient_asks)(data[0] % 3) : MCPCLIENT_ASKS_FORWARD;
	m = mcpclient_new(base, &spec, &events, NULL);
	MUST(m);
	mcpclient_start(m);
	make_call(m);
	for (; s < end; s = newline < end ? newline + 1 : end) {
		newline = memchr(s, '\n', (size_t)(end - s));
		if (!newline)
			newline = end;
		line(m, s, (size_t)(newline - s));
	}
	mcpclient_close(&m, "the end");
	event_base_loop(base, EVLOOP_NONBLOCK);
	MUST(n_ends == n_calls && n_done == n_calls && call_count() == 0);
	json_decref(spec.capabilities);
	json_decref(spec.client_info);
	return 0;
}
