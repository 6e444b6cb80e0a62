/* SPDX-License-Identifier: ISC */
/* The channel to an upstream against a scripted server in the same loop. */
#include "support.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/defer.h"
#include "client/upstream.h"
#include "http/backoff.h"
#include "http/httpc.h"
#include "http_fixture.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"

/* What the server does with one request, in order. */
struct act {
	const char *method;  /* expected method of the JSON-RPC message, or "GET", "DELETE" */
	int status;	     /* 0: hold it */
	const char *type;    /* "json", "sse" or NULL */
	const char *body;    /* the JSON, or the whole stream, which then ends */
	const char *session; /* Mcp-Session-Id of the answer */
	const char *location;
	const char *wants; /* the session the request must carry; "" for none; NULL: any */
};

/* A header that the request of the same place in the script must carry, with this value; with NULL:
 * must not. */
struct wanted {
	const char *name, *value;
};

static const struct act *script;
static const struct wanted *wanted; /* may be NULL */
static int done, n_messages, n_renewed, n_lost, n_troubles, n_mismatches, n_gone;
static json_t *schema;
static char seen[4096];
static struct httpc *httpc;
static struct upstream *up;

static const char *said(struct exchange *x)
{
	static char method[64];
	size_t len;
	const char *name;
	json_t *body;
	char *text;

	if (exchange_method(x) == EXCHANGE_GET)
		return "GET";
	if (exchange_method(x) == EXCHANGE_DELETE)
		return "DELETE";
	text = exchange_take_body(x, &len);
	body = json_loadb(text, len, 0, NULL);
	free(text);
	assert_non_null(body);
	name = json_string_value(json_object_get(body, "method"));
	snprintf(method, sizeof method, "%s", name ? name : "");
	json_decref(body);
	return method;
}

static void answer(struct exchange *x, const struct act *a)
{
	struct evbuffer *out;

	if (a->session)
		exchange_set_header(x, "Mcp-Session-Id", a->session);
	if (a->location)
		exchange_set_header(x, "Location", a->location);
	if (!a->type || strcmp(a->type, "json") == 0) {
		exchange_reply(x, a->status, a->type != NULL ? "application/json" : NULL, a->body,
			       a->body != NULL ? strlen(a->body) : 0);
		return;
	}
	assert_int_equal(exchange_stream_begin(x), 0);
	out = evbuffer_new();
	evbuffer_add(out, a->body, strlen(a->body));
	exchange_stream_write(x, out);
	evbuffer_free(out);
	exchange_stream_end(x);
}

static void on_gone(struct exchange *x, void *arg)
{
	(void)x;
	(void)arg;
	n_gone++;
}

static void handler(struct exchange *x)
{
	const struct act *a = &script[done];
	const char *session = exchange_header(x, "Mcp-Session-Id");
	const char *what = said(x);

	/* The standalone stream has no part in most scripts. */
	if (strcmp(what, "GET") == 0 && (!a->method || strcmp(a->method, "GET") != 0)) {
		exchange_reply(x, 405, NULL, NULL, 0);
		return;
	}
	assert_non_null(a->method);
	assert_string_equal(what, a->method);
	if (a->wants)
		assert_string_equal(session != NULL ? session : "", a->wants);
	if (wanted && wanted[done].name && !wanted[done].value) {
		assert_null(exchange_header(x, wanted[done].name));
	} else if (wanted && wanted[done].name) {
		assert_non_null(exchange_header(x, wanted[done].name));
		assert_string_equal(exchange_header(x, wanted[done].name), wanted[done].value);
	}
	done++;
	if (a->status != 0) {
		answer(x, a);
	} else {
		fix.held[fix.held_n++] = x;
		exchange_on_gone(x, on_gone, NULL);
	}
}

static void on_message(struct upstream *u, struct jsontext *text, void *arg)
{
	size_t n = strlen(seen), len;
	const char *bytes = jsontext_bytes(text, &len);

	(void)u;
	(void)arg;
	assert_non_null(bytes);
	snprintf(seen + n, sizeof seen - n, "%.*s\n", (int)len, bytes);
	n_messages++;
}

static void on_renewed(struct upstream *u, void *arg)
{
	(void)u;
	(void)arg;
	n_renewed++;
}

static void on_lost(struct upstream *u, const char *why, void *arg)
{
	(void)u;
	(void)why;
	(void)arg;
	n_lost++;
}

static void on_trouble(struct upstream *u, void *arg)
{
	(void)u;
	(void)arg;
	n_troubles++;
}

static void on_mismatch(struct upstream *u, void *arg)
{
	(void)u;
	(void)arg;
	n_mismatches++;
}

static const json_t *schema_of(struct upstream *u, const char *tool, void *arg)
{
	(void)u;
	(void)arg;
	assert_string_equal(tool, "t");
	return schema;
}

static const struct upstream_events events = {
	.on_message = on_message,
	.on_renewed = on_renewed,
	.on_lost = on_lost,
	.on_trouble = on_trouble,
	.on_mismatch = on_mismatch,
	.schema = schema_of,
};

static int set_up(void **state)
{
	int rc = fixture_setup(state);

	fix.handler = handler;
	done = n_messages = n_renewed = n_lost = n_troubles = n_mismatches = n_gone = 0;
	seen[0] = '\0';
	wanted = NULL;
	httpc = httpc_new(fix.base, NULL);
	return !httpc ? -1 : rc;
}

static void open_up(const struct act *acts, const char *const *headers)
{
	static char url[80];
	struct upstream_spec spec = {.url = url, .headers = headers, .max_message = 2000};

	script = acts;
	snprintf(url, sizeof url, "http://%s/mcp", fix.address);
	up = upstream_new(fix.base, httpc, &spec, &events, NULL);
	assert_non_null(up);
}

static int take_down(void **state)
{
	upstream_close(&up);
	httpc_free(&httpc);
	return fixture_teardown(state);
}

static void send_text(const char *text)
{
	json_t *msg = json_of(text);
	struct jsontext *whole = jsontext_of(json_incref(msg));

	assert_int_equal(upstream_send(up, msg, whole, NULL), 0);
	jsontext_unref(&whole);
	json_decref(msg);
}

#define INIT	"{'jsonrpc':'2.0','id':1,'method':'initialize','params':{}}"
#define CALL	"{'jsonrpc':'2.0','id':2,'method':'tools/call'}"
#define INIT_OK "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":\"2025-06-18\"}}"
#define CALL_OK "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}"

static void initialize(void)
{
	send_text(INIT);
	loop_until_count(fix.base, &n_messages, 1);
	seen[0] = '\0';
}

static void json_answer(void **state)
{
	static const struct act acts[] = {
		{"initialize", 200, "json", INIT_OK, "S1", NULL, ""},
		{"tools/call", 200, "json", CALL_OK, NULL, NULL, "S1"},
		{.method = NULL},
	};

	(void)state;
	open_up(acts, NULL);
	initialize();
	send_text(CALL);
	loop_until_count(fix.base, &n_messages, 2);
	assert_string_equal(seen, CALL_OK "\n");
}

static void stream_answer(void **state)
{
	static const struct act acts[] = {
		{"initialize", 200, "json", INIT_OK, "S1", NULL, NULL},
		{"tools/call", 200, "sse",
		 "data: {\"jsonrpc\":\"2.0\",\"method\":\"x\"}\n\ndata: " CALL_OK "\n\n", NULL,
		 NULL, NULL},
		{.method = NULL},
	};

	(void)state;
	open_up(acts, NULL);
	initialize();
	send_text(CALL);
	loop_until_count(fix.base, &n_messages, 3);
	assert_string_equal(seen, "{\"jsonrpc\":\"2.0\",\"method\":\"x\"}\n" CALL_OK "\n");
}

/* A stream that breaks off is resumed where it was, by GET. */
static void resumed_stream(void **state)
{
	static const struct act acts[] = {
		{"initialize", 200, "json", INIT_OK, "S1", NULL, NULL},
		{"tools/call", 200, "sse", "id: e1\nretry: 1\ndata: \n\n", NULL, NULL, NULL},
		{"GET", 200, "sse", "id: e2\ndata: " CALL_OK "\n\n", NULL, NULL, "S1"},
		{.method = NULL},
	};

	(void)state;
	open_up(acts, NULL);
	initialize();
	send_text(CALL);
	loop_until_count(fix.base, &n_messages, 2);
	assert_string_equal(seen, CALL_OK "\n");
}

/* Events without data are no progress: a stream that has nothing else to say is given up. */
static void a_stream_without_data_is_given_up(void **state)
{
	static struct act acts[24] = {
		{"initialize", 200, "json", INIT_OK, "S1", NULL, NULL},
		{"tools/call", 200, "sse", "id: e1\nretry: 0\ndata: \n\n", NULL, NULL, NULL},
	};
	int64_t second = backoff_second_ms;

	(void)state;
	for (int i = 2; i < 23; i++)
		acts[i] = (struct act){"GET", 200, "sse", "id: e1\nretry: 0\n\n", NULL, NULL, "S1"};
	backoff_second_ms = 1;
	open_up(acts, NULL);
	initialize();
	send_text(CALL);
	loop_until_count(fix.base, &n_messages, 2);
	backoff_second_ms = second;
	assert_non_null(strstr(seen, "the upstream ended the stream without an answer"));
	assert_int_equal(done, 22); /* MAX_RESUMES, and the two requests */
}

/* Whatever is wrong with an answer, the request gets one. */
static void bad_answers(void **state)
{
	static const struct {
		struct act act;
		const char *text;
	} cases[] = {
		{{"tools/call", 200, "sse", "data: {\"jsonrpc\":\"2.0\",\"method\":\"x\"}\n\n",
		  NULL, NULL, NULL},
		 "the upstream ended the stream without an answer"},
		{{"tools/call", 200, "json", "{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":{}}", NULL,
		  NULL, NULL},
		 "the upstream answered HTTP 200 without a response"},
		{{"tools/call", 202, NULL, NULL, NULL, NULL, NULL},
		 "the upstream answered HTTP 202 without a response"},
		{{"tools/call", 401, NULL, NULL, NULL, NULL, NULL},
		 "the upstream answered HTTP 401 without a response"},
		{{"tools/call", 500, "json", "{\"oops\":1}", NULL, NULL, NULL},
		 "the upstream answered HTTP 500 without a response"},
		{{"tools/call", 302, NULL, NULL, NULL, "http://elsewhere.example/", NULL},
		 "the upstream redirects elsewhere (HTTP 302), which is not followed"},
		{{"tools/call", 307, NULL, NULL, NULL, "http://elsewhere.example/", NULL},
		 "the upstream redirects elsewhere (HTTP 307), which is not followed"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct act acts[] = {{"initialize", 200, "json", INIT_OK, "S1", NULL, NULL},
					   cases[i].act,
					   {.method = NULL}};
		int before;

		done = n_messages = 0;
		open_up(acts, NULL);
		initialize();
		before = n_messages;
		send_text(CALL);
		while (!strstr(seen, "\"id\":2"))
			loop_until_count(fix.base, &n_messages, ++before);
		assert_non_null(strstr(seen, cases[i].text));
		assert_non_null(strstr(seen, "-32603"));
		script =
			(const struct act[]){{.method = "DELETE", .status = 200}, {.method = NULL}};
		done = 0;
		upstream_close(&up);
		loop_until_count(fix.base, &done, 1);
	}
}

static void same_origin_redirect(void **state)
{
	static const struct act acts[] = {
		{"initialize", 308, NULL, NULL, NULL, "/mcp/", NULL},
		{"initialize", 200, "json", INIT_OK, "S1", NULL, NULL},
		{.method = NULL},
	};

	(void)state;
	open_up(acts, NULL);
	initialize();
	assert_int_equal(done, 2);
}

/* The upstream lost the session: a new one, and the message that found out once more. */
static void lost_session(void **state)
{
	static const struct act acts[] = {
		{"initialize", 200, "json", INIT_OK, "S1", NULL, ""},
		{"tools/call", 404, NULL, NULL, NULL, NULL, "S1"},
		{"initialize", 200, "json", INIT_OK, "S2", NULL, ""},
		{"notifications/initialized", 202, NULL, NULL, NULL, NULL, "S2"},
		{"tools/call", 200, "json", CALL_OK, NULL, NULL, "S2"},
		{.method = NULL},
	};

	(void)state;
	open_up(acts, NULL);
	initialize();
	send_text(CALL);
	loop_until_count(fix.base, &n_messages, 2);
	assert_string_equal(seen, CALL_OK "\n"); /* and no second InitializeResult */
	assert_int_equal(n_renewed, 1);
}

static void lost_for_good(void **state)
{
	static const struct act acts[] = {
		{"initialize", 200, "json", INIT_OK, "S1", NULL, ""},
		{"tools/call", 404, NULL, NULL, NULL, NULL, "S1"},
		{"initialize", 503, NULL, NULL, NULL, NULL, ""},
		{.method = NULL},
	};

	(void)state;
	open_up(acts, NULL);
	initialize();
	send_text(CALL);
	loop_until_count(fix.base, &n_messages, 2);
	assert_non_null(strstr(seen, "could not be opened again"));
	assert_int_equal(n_renewed, 0);
}

static void configured_headers(void **state)
{
	static const char *const headers[] = {"Authorization: Bearer x", NULL};
	static const struct act acts[] = {{.method = "initialize"}, {.method = NULL}};
	struct exchange *x;

	(void)state;
	open_up(acts, headers);
	send_text(INIT);
	loop_until_count(fix.base, &done, 1);
	x = fix.held[--fix.held_n];
	assert_string_equal(exchange_header(x, "Authorization"), "Bearer x");
	assert_string_equal(exchange_header(x, "Accept"), "application/json, text/event-stream");
	assert_null(exchange_header(x, "MCP-Protocol-Version"));
	exchange_reply(x, 500, NULL, NULL, 0);
	loop_until_count(fix.base, &n_messages, 1);
}

static void nobody_there(void **state)
{
	struct upstream_spec spec = {.url = "http://127.0.0.1:1/", .max_message = 2000};

	(void)state;
	up = upstream_new(fix.base, httpc, &spec, &events, NULL);
	send_text(INIT);
	loop_until_count(fix.base, &n_messages, 1);
	assert_non_null(strstr(seen, "the upstream cannot be reached"));
}

static void link_local_is_refused(void **state)
{
	static const char *const urls[] = {"http://169.254.169.254/", "http://[fe80::1]/",
					   "http://[::ffff:169.254.1.1]/", "http://2852039166/"};

	(void)state;
	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
		struct upstream_spec spec = {.url = urls[i], .max_message = 2000};

		n_messages = 0;
		seen[0] = '\0';
		up = upstream_new(fix.base, httpc, &spec, &events, NULL);
		send_text(INIT);
		loop_until_count(fix.base, &n_messages, 1);
		assert_non_null(strstr(seen, "allowLinkLocal"));
		upstream_close(&up);
	}
}

/* Closing says goodbye, cuts what is under way, and is heard of no more. */
static void closing(void **state)
{
	static const struct act acts[] = {
		{"initialize", 200, "json", INIT_OK, "S1", NULL, NULL},
		{.method = "tools/call"},
		{"DELETE", 200, NULL, NULL, NULL, NULL, "S1"},
		{.method = NULL},
	};

	(void)state;
	open_up(acts, NULL);
	initialize();
	send_text(CALL);
	loop_until_count(fix.base, &done, 2);
	upstream_close(&up);
	assert_null(up);
	loop_until_count(fix.base, &done, 3);
	assert_int_equal(n_messages, 1);
	loop_until_count(fix.base, &n_gone, 1);
	fix.held_n = 0;
}

static void too_large(void **state)
{
	static char body[4000];
	static const struct act acts[] = {
		{"initialize", 200, "json", INIT_OK, "S1", NULL, NULL},
		{"tools/call", 200, "json", body, NULL, NULL, NULL},
		{.method = NULL},
	};

	(void)state;
	memset(body, ' ', sizeof body - 1);
	open_up(acts, NULL);
	initialize();
	send_text(CALL);
	loop_until_count(fix.base, &n_messages, 2);
	assert_non_null(strstr(seen, "larger than 2000 bytes"));
}

/* How servers say that they do not know the session; none of it says that a request ran. */
static void ways_to_lose_a_session(void **state)
{
	static const struct {
		int status;
		const char *type, *body;
	} ways[] = {
		{404, NULL, NULL},
		{404, "json",
		 ("{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32001,\"message\":\"Session not "
		  "found\"},\"id\":null}")},
		{404, "json",
		 "{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-32600,"
		 "\"message\":\"Session has been terminated\"}}"},
		{400, "json",
		 ("{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32000,\"message\":\"Bad Request: No "
		  "valid session ID provided\"},\"id\":null}")},
		{400, "json",
		 ("{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32000,\"message\":\"Bad Request: "
		  "Server not initialized\"},\"id\":null}")},
		{400, "json", "Invalid session ID\n"},
		{401, "json", "Unauthorized: Session not found"},
		{410, "json", "session gone"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		const struct act acts[] = {
			{"initialize", 200, "json", INIT_OK, "S1", NULL, ""},
			{"tools/call", ways[i].status, ways[i].type, ways[i].body, NULL, NULL,
			 "S1"},
			{"initialize", 200, "json", INIT_OK, "S2", NULL, ""},
			{"notifications/initialized", 202, NULL, NULL, NULL, NULL, "S2"},
			{"tools/call", 200, "json", CALL_OK, NULL, NULL, "S2"},
			{.method = NULL},
		};

		done = n_messages = n_renewed = 0;
		open_up(acts, NULL);
		initialize();
		send_text(CALL);
		loop_until_count(fix.base, &n_messages, 2);
		assert_string_equal(seen, CALL_OK "\n");
		assert_int_equal(n_renewed, 1);
		script = (const struct act[]){{"DELETE", 200, NULL, NULL, NULL, NULL, "S2"},
					      {.method = NULL}};
		done = 0;
		upstream_close(&up);
		loop_until_count(fix.base, &done, 1);
	}
}

/* What is about the request is not about the session. */
static void errors_that_are_answers(void **state)
{
	static const char wrong[] = "{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-32602,"
				    "\"message\":\"no such session type\"}}";
	static const struct act acts[] = {
		{"initialize", 200, "json", INIT_OK, "S1", NULL, ""},
		{"tools/call", 400, "json", wrong, NULL, NULL, "S1"},
		{.method = NULL},
	};

	(void)state;
	open_up(acts, NULL);
	initialize();
	send_text(CALL);
	loop_until_count(fix.base, &n_messages, 2);
	assert_non_null(strstr(seen, "no such session type"));
	assert_int_equal(n_renewed, 0);
}

/* Several meet the end of the session at once: it is opened again once. */
static void one_renewal_for_all(void **state)
{
	static const struct act acts[] = {
		{"initialize", 200, "json", INIT_OK, "S1", NULL, ""},
		{.method = "tools/call"},
		{.method = "tools/call"},
		{.method = "tools/call"},
		{.method = "initialize"},
		{"notifications/initialized", 202, NULL, NULL, NULL, NULL, "S2"},
		{"tools/call", 200, "json", CALL_OK, NULL, NULL, "S2"},
		{"tools/call", 200, "json", CALL_OK, NULL, NULL, "S2"},
		{"tools/call", 200, "json", CALL_OK, NULL, NULL, "S2"},
		{.method = NULL},
	};

	(void)state;
	open_up(acts, NULL);
	initialize();
	for (int i = 0; i < 3; i++)
		send_text(CALL);
	loop_until_count(fix.base, &done, 4);
	exchange_reply(fix.held[0], 404, NULL, NULL, 0);
	exchange_reply(fix.held[1], 404, NULL, NULL, 0);
	loop_until_count(fix.base, &done, 5); /* the initialize, held too */
	exchange_reply(fix.held[2], 404, NULL, NULL, 0);
	exchange_set_header(fix.held[3], "Mcp-Session-Id", "S2");
	exchange_reply(fix.held[3], 200, "application/json", INIT_OK, strlen(INIT_OK));
	fix.held_n = 0;
	loop_until_count(fix.base, &n_messages, 4);
	assert_int_equal(n_renewed, 1);
}

/* A call may have run when its stream could be resumed no more. */
static void a_call_is_not_repeated(void **state)
{
	static const struct act acts[] = {
		{"initialize", 200, "json", INIT_OK, "S1", NULL, ""},
		{"tools/call", 200, "sse", "id: e1\nretry: 1\ndata: \n\n", NULL, NULL, NULL},
		{"GET", 404, NULL, NULL, NULL, NULL, "S1"},
		{"initialize", 200, "json", INIT_OK, "S2", NULL, ""},
		{"notifications/initialized", 202, NULL, NULL, NULL, NULL, "S2"},
		{.method = NULL},
	};

	(void)state;
	open_up(acts, NULL);
	wanted = (const struct wanted[]){{NULL, NULL}, {NULL, NULL}, {"Last-Event-ID", "e1"},
					 {NULL, NULL}, {NULL, NULL}, {NULL, NULL}};
	initialize();
	send_text(CALL);
	loop_until_count(fix.base, &n_renewed, 1);
	assert_non_null(strstr(seen, "the upstream ended the session during the request"));
}

/* Everything else waits until the upstream has heard of notifications/initialized. */
static void nothing_before_initialized(void **state)
{
	static const struct act acts[] = {
		{"initialize", 200, "json", INIT_OK, "S1", NULL, ""},
		{.method = "notifications/initialized"},
		{"tools/call", 200, "json", CALL_OK, NULL, NULL, "S1"},
		{.method = NULL},
	};

	(void)state;
	open_up(acts, NULL);
	initialize();
	send_text("{'jsonrpc':'2.0','method':'notifications/initialized'}");
	send_text(CALL);
	loop_until_count(fix.base, &done, 2);
	loop_settle(fix.base);
	assert_int_equal(done, 2);
	exchange_reply(fix.held[--fix.held_n], 202, NULL, NULL, 0);
	loop_until_count(fix.base, &n_messages, 2);
}

/* The standalone stream finds out that the session is gone. */
static void a_stream_finds_out(void **state)
{
	static const struct act acts[] = {
		{"initialize", 200, "json", INIT_OK, "S1", NULL, ""},
		{"notifications/initialized", 202, NULL, NULL, NULL, NULL, "S1"},
		{"GET", 200, "sse",
		 "id: e1\nretry: 1\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"x\"}\n\n", NULL, NULL,
		 "S1"},
		{"GET", 404, NULL, NULL, NULL, NULL, "S1"},
		{"initialize", 200, "json", INIT_OK, "S2", NULL, ""},
		{"notifications/initialized", 202, NULL, NULL, NULL, NULL, "S2"},
		{.method = "GET"},
		{.method = NULL},
	};

	(void)state;
	open_up(acts, NULL);
	initialize();
	send_text("{'jsonrpc':'2.0','method':'notifications/initialized'}");
	loop_until_count(fix.base, &done, 7);
	assert_int_equal(n_renewed, 1);
	assert_string_equal(exchange_header(fix.held[0], "Mcp-Session-Id"), "S2");
	assert_null(exchange_header(fix.held[0], "Last-Event-ID"));
	exchange_abort(fix.held[--fix.held_n]);
}

/* An upstream that does not know the last event any more refuses to go on after it: the stream is
 * opened without it, and goes on after what comes then. */
static void an_event_that_is_unknown_by_now(void **state)
{
	static const struct act acts[] = {
		{"initialize", 200, "json", INIT_OK, "S1", NULL, ""},
		{"notifications/initialized", 202, NULL, NULL, NULL, NULL, "S1"},
		{"GET", 200, "sse", "id: e1\nretry: 1\ndata: {}\n\n", NULL, NULL, "S1"},
		{"GET", 400, NULL, NULL, NULL, NULL, "S1"},
		{"GET", 200, "sse", "id: e2\nretry: 1\ndata: {}\n\n", NULL, NULL, "S1"},
		{.method = "GET"},
		{.method = NULL},
	};
	int64_t second = backoff_second_ms;

	(void)state;
	backoff_second_ms = 1;
	open_up(acts, NULL);
	wanted = (const struct wanted[]){{.name = NULL},	  {.name = NULL},
					 {"Last-Event-ID", NULL}, {"Last-Event-ID", "e1"},
					 {"Last-Event-ID", NULL}, {"Last-Event-ID", "e2"}};
	initialize();
	send_text("{'jsonrpc':'2.0','method':'notifications/initialized'}");
	loop_until_count(fix.base, &done, 6);
	backoff_second_ms = second;
	assert_int_equal(n_renewed, 0);
	exchange_abort(fix.held[--fix.held_n]);
}

/* A legacy cancellation is said; and what was cancelled is closed behind it. */
static void legacy_cancellation(void **state)
{
	static const struct act acts[] = {
		{"initialize", 200, "json", INIT_OK, "S1", NULL, ""},
		{.method = "tools/call"},
		{"notifications/cancelled", 202, NULL, NULL, NULL, NULL, "S1"},
		{.method = NULL},
	};

	(void)state;
	open_up(acts, NULL);
	initialize();
	send_text(CALL);
	loop_until_count(fix.base, &done, 2);
	send_text("{'jsonrpc':'2.0','method':'notifications/cancelled','params':{'requestId':2}}");
	loop_until_count(fix.base, &done, 3);
	loop_until_count(fix.base, &n_gone, 1);
	assert_int_equal(n_messages, 1);
	fix.held_n = 0;
}

/* What has no answer has no stream either: one that the upstream begins and holds is closed, for
 * notifications and for answers to its questions. */
static void a_stream_that_nobody_waits_for_is_closed(void **state)
{
	static const char *const messages[] = {
		"{'jsonrpc':'2.0','method':'notifications/cancelled','params':{'requestId':2}}",
		"{'jsonrpc':'2.0','method':'notifications/roots/list_changed'}",
		"{'jsonrpc':'2.0','id':5,'result':{}}",
	};
	static struct act acts[] = {
		{"initialize", 200, "json", INIT_OK, "S1", NULL, ""},
		{.method = "tools/call"},
		{.method = "notifications/cancelled"},
		{.method = "notifications/roots/list_changed"},
		{.method = ""},
		{.method = NULL},
	};

	(void)state;
	open_up(acts, NULL);
	initialize();
	send_text(CALL);
	loop_until_count(fix.base, &done, 2);
	for (int i = 0; i < 3; i++) {
		struct evbuffer *event = evbuffer_new();
		struct exchange *x;

		send_text(messages[i]);
		loop_until_count(fix.base, &done, 3 + i);
		x = fix.held[--fix.held_n];
		assert_int_equal(exchange_stream_begin(x), 0);
		evbuffer_add(event, "data: {}\n\n", 10);
		assert_int_equal(exchange_stream_write(x, event), 0);
		evbuffer_free(event);
		/* With the cancellation the call that it ends. */
		loop_until_count(fix.base, &n_gone, 2 + i);
	}
	fix.held_n = 0;
	assert_int_equal(n_messages, 1);
}

/* ---- the modern revision ---- */

#define META                                                                                       \
	"'_meta':{'io.modelcontextprotocol/protocolVersion':'2026-07-28',"                         \
	"'io.modelcontextprotocol/clientCapabilities':{}}"
#define MODERN                                                                                     \
	"{'jsonrpc':'2.0','id':2,'method':'tools/call','params':{'name':'t',"                      \
	"'arguments':{'region':'eu'}," META "}}"
#define DISCOVER "{'jsonrpc':'2.0','id':2,'method':'server/discover','params':{" META "}}"
#define ERROR(code, id)                                                                            \
	"{\"jsonrpc\":\"2.0\"" id ",\"error\":{\"code\":" #code ",\"message\":\"no\"}}"

static void modern_headers(void **state)
{
	static const struct act acts[] = {
		{"tools/call", 200, "json", CALL_OK, "junk", NULL, ""},
		{"tools/call", 200, "json", CALL_OK, NULL, NULL, ""},
		{"tools/call", 200, "json", CALL_OK, NULL, NULL, ""},
		{"tools/call", 200, "json", CALL_OK, NULL, NULL, ""},
		{.method = NULL},
	};

	(void)state;
	open_up(acts, NULL);
	wanted = (const struct wanted[]){{"Mcp-Name", "t"},
					 {"Mcp-Method", "tools/call"},
					 {"MCP-Protocol-Version", "2026-07-28"},
					 {"Mcp-Param-Region", "eu"}};
	schema = json_of("{'properties':{'region':{'type':'string','x-mcp-header':'Region'}}}");
	for (int i = 1; i <= 4; i++) {
		send_text(MODERN);
		loop_until_count(fix.base, &n_messages, i);
	}
	json_decref(schema);
	schema = NULL;
}

/* A message that claims the modern revision but has no method calls no tool. */
static void modern_without_method(void **state)
{
	static const struct act acts[] = {{.method = "", .status = 202}, {.method = NULL}};

	(void)state;
	open_up(acts, NULL);
	wanted = (const struct wanted[]){{"Mcp-Method", NULL}};
	send_text("{'jsonrpc':'2.0','id':2,'params':{'name':'t'," META "}}");
	loop_until_count(fix.base, &done, 1);
}

/* Closing is the cancellation, and nothing is said. */
static void modern_cancellation(void **state)
{
	static const struct act acts[] = {
		{.method = "tools/call"},
		{"tools/call", 200, "json", CALL_OK, NULL, NULL, ""},
		{.method = NULL},
	};

	(void)state;
	open_up(acts, NULL);
	send_text(MODERN);
	loop_until_count(fix.base, &done, 1);
	send_text("{'jsonrpc':'2.0','method':'notifications/cancelled','params':{'requestId':2}}");
	loop_until_count(fix.base, &n_gone, 1);
	fix.held_n = 0;
	assert_int_equal(n_messages, 0);
	send_text(MODERN);
	loop_until_count(fix.base, &n_messages, 1);
}

/* What server/discover meets, and what that says of the server. */
static void verdicts(void **state)
{
	static const struct {
		int status;
		const char *body, *wanted;
	} cases[] = {
		{200, ERROR(-32601, ",\"id\":2"), "-32601"},
		{400, ERROR(-32022, ",\"id\":2"), "-32022"},
		{400, ERROR(-32020, ",\"id\":2"), "-32020"},
		{400, ERROR(-32602, ""), "-32602"},
		{404, ERROR(-32601, ",\"id\":null"), "-32601"},
		{400, ERROR(-32000, ",\"id\":null"), "-1000001"},
		{400, "Bad Request", "-1000001"},
		{404, NULL, "-1000001"},
		{405, NULL, "-1000001"},
		{401, "Unauthorized: session id is required", "-1000001"},
		{202, NULL, "-1000001"},
		{401, ERROR(-32001, ",\"id\":2"), "-1000002"},
		{403, ERROR(-32600, ",\"id\":2"), "-1000002"},
		{307, NULL, "-1000002"},
		{429, NULL, "-1000002"},
		{500, ERROR(-32603, ",\"id\":2"), "-1000002"},
		{503, NULL, "-1000002"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct act acts[] = {{"server/discover", cases[i].status, "json",
					    cases[i].body, NULL, NULL, NULL},
					   {.method = NULL}};

		done = n_messages = 0;
		seen[0] = '\0';
		open_up(acts, NULL);
		send_text(DISCOVER);
		loop_until_count(fix.base, &n_messages, 1);
		assert_non_null(strstr(seen, "\"id\":2"));
		if (!strstr(seen, cases[i].wanted))
			fail_msg("case %zu: %s", i, seen);
		upstream_close(&up);
	}
}

/* An error of the modern revision is an answer, also where it lacks the id; what no server of that
 * revision says means that there is another server by now. */
static void modern_errors(void **state)
{
	static const struct {
		int status;
		const char *body, *wanted;
		int lost;
	} cases[] = {
		{400, ERROR(-32602, ""), "-32602", 0},
		{400, ERROR(-32021, ",\"id\":2"), "-32021", 0},
		{404, ERROR(-32601, ",\"id\":2"), "-32601", 0},
		{400, ERROR(-32000, ",\"id\":null"), "-32603", 1},
		{400, ERROR(-32022, ",\"id\":2"), "-32022", 1},
		{404, NULL, "-32603", 1},
		{401, NULL, "-32603", 0},
		{503, NULL, "-32603", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct act acts[] = {
			{"tools/call", cases[i].status, "json", cases[i].body, NULL, NULL, NULL},
			{.method = NULL}};

		done = n_messages = n_lost = n_troubles = 0;
		seen[0] = '\0';
		open_up(acts, NULL);
		send_text(MODERN);
		loop_until_count(fix.base, &n_messages, 1);
		if (!strstr(seen, cases[i].wanted) || !strstr(seen, "\"id\":2"))
			fail_msg("case %zu: %s", i, seen);
		assert_int_equal(n_lost, cases[i].lost);
		assert_int_equal(n_troubles, cases[i].status >= 500);
		upstream_close(&up);
	}
}

/* The tools are learnt again, and then it is sent once more, and no more. */
static void mismatch(void **state)
{
	static const struct act acts[] = {
		{"tools/call", 400, "json", ERROR(-32020, ",\"id\":2"), NULL, NULL, NULL},
		{"tools/call", 400, "json", ERROR(-32020, ",\"id\":2"), NULL, NULL, NULL},
		{.method = NULL},
	};

	(void)state;
	open_up(acts, NULL);
	send_text(MODERN);
	loop_until_count(fix.base, &n_mismatches, 1);
	assert_int_equal(n_messages, 0);
	schema = json_of("{'properties':{'region':{'type':'string','x-mcp-header':'Region'}}}");
	wanted = (const struct wanted[]){{NULL, NULL}, {"Mcp-Param-Region", "eu"}};
	upstream_relearnt(up);
	loop_until_count(fix.base, &n_messages, 1);
	assert_non_null(strstr(seen, "-32603"));
	assert_int_equal(n_mismatches, 1);
	json_decref(schema);
	schema = NULL;
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, take_down)
	static const struct CMUnitTest tests[] = {
		T(json_answer),
		T(stream_answer),
		T(resumed_stream),
		T(a_stream_without_data_is_given_up),
		T(bad_answers),
		T(same_origin_redirect),
		T(lost_session),
		T(lost_for_good),
		T(configured_headers),
		T(nobody_there),
		T(link_local_is_refused),
		T(closing),
		T(too_large),
		T(ways_to_lose_a_session),
		T(errors_that_are_answers),
		T(one_renewal_for_all),
		T(a_call_is_not_repeated),
		T(nothing_before_initialized),
		T(a_stream_finds_out),
		T(an_event_that_is_unknown_by_now),
		T(legacy_cancellation),
		T(a_stream_that_nobody_waits_for_is_closed),
		T(modern_headers),
		T(modern_without_method),
		T(modern_cancellation),
		T(verdicts),
		T(modern_errors),
		T(mismatch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
