/* The channel to an upstream against a scripted server in the same loop. */
#include "support.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "defer.h"
#include "http_fixture.h"
#include "httpc.h"
#include "jsonrpc.h"
#include "upstream.h"

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

static const struct act *script;
static int done, n_messages, n_renewed;
static char seen[4096];
static struct httpc *httpc;
static struct upstream *up;

static const char *said(struct exchange *x)
{
	static char method[64];
	size_t len;
	const char *text = exchange_body(x, &len);
	json_t *body;

	if (exchange_method(x) == EXCHANGE_GET)
		return "GET";
	if (exchange_method(x) == EXCHANGE_DELETE)
		return "DELETE";
	body = json_loadb(text, len, 0, NULL);
	assert_non_null(body);
	snprintf(method, sizeof(method), "%s", json_string_value(json_object_get(body, "method")));
	json_decref(body);
	return method;
}

static void answer(struct exchange *x, const struct act *a)
{
	struct evbuffer *out;

	if (a->session != NULL)
		exchange_set_header(x, "Mcp-Session-Id", a->session);
	if (a->location != NULL)
		exchange_set_header(x, "Location", a->location);
	if (a->type == NULL || strcmp(a->type, "json") == 0) {
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

static void handler(struct exchange *x)
{
	const struct act *a = &script[done];
	const char *session = exchange_header(x, "Mcp-Session-Id");

	/* The standalone stream has no part in most scripts. */
	if (strcmp(said(x), "GET") == 0 && (a->method == NULL || strcmp(a->method, "GET") != 0)) {
		exchange_reply(x, 405, NULL, NULL, 0);
		return;
	}
	assert_non_null(a->method);
	assert_string_equal(said(x), a->method);
	if (a->wants != NULL)
		assert_string_equal(session != NULL ? session : "", a->wants);
	done++;
	if (a->status != 0)
		answer(x, a);
	else
		fix.held[fix.held_n++] = x;
}

static void on_message(struct upstream *u, const char *text, size_t len, void *arg)
{
	size_t n = strlen(seen);

	(void)u;
	(void)arg;
	assert_int_equal(strlen(text), len);
	snprintf(seen + n, sizeof(seen) - n, "%s\n", text);
	n_messages++;
}

static void on_renewed(struct upstream *u, void *arg)
{
	(void)u;
	(void)arg;
	n_renewed++;
}

static int set_up(void **state)
{
	int rc = fixture_setup(state);

	fix.handler = handler;
	done = n_messages = n_renewed = 0;
	seen[0] = '\0';
	httpc = httpc_new(fix.base, NULL);
	return httpc == NULL ? -1 : rc;
}

static void open_up(const struct act *acts, const char *const *headers)
{
	static const struct upstream_events events = {.on_message = on_message,
						      .on_renewed = on_renewed};
	static char url[80];
	struct upstream_spec spec = {.url = url, .headers = headers, .max_message = 2000};

	script = acts;
	snprintf(url, sizeof(url), "http://%s/mcp", fix.address);
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

	assert_int_equal(upstream_send(up, msg), 0);
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
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct act acts[] = {{"initialize", 200, "json", INIT_OK, "S1", NULL, NULL},
					   cases[i].act,
					   {.method = NULL}};
		int before;

		done = n_messages = 0;
		open_up(acts, NULL);
		initialize();
		before = n_messages;
		send_text(CALL);
		while (strstr(seen, "\"id\":2") == NULL)
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
	static const struct upstream_events events = {.on_message = on_message};
	struct upstream_spec spec = {.url = "http://127.0.0.1:1/", .max_message = 2000};

	(void)state;
	up = upstream_new(fix.base, httpc, &spec, &events, NULL);
	send_text(INIT);
	loop_until_count(fix.base, &n_messages, 1);
	assert_non_null(strstr(seen, "the upstream cannot be reached"));
}

static void link_local_is_refused(void **state)
{
	static const struct upstream_events events = {.on_message = on_message};
	static const char *const urls[] = {"http://169.254.169.254/", "http://[fe80::1]/",
					   "http://[::ffff:169.254.1.1]/", "http://2852039166/"};

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
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
	exchange_abort(fix.held[--fix.held_n]);
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
	memset(body, ' ', sizeof(body) - 1);
	open_up(acts, NULL);
	initialize();
	send_text(CALL);
	loop_until_count(fix.base, &n_messages, 2);
	assert_non_null(strstr(seen, "larger than 2000 bytes"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, take_down)
	static const struct CMUnitTest tests[] = {
		T(json_answer),
		T(stream_answer),
		T(resumed_stream),
		T(bad_answers),
		T(same_origin_redirect),
		T(lost_session),
		T(lost_for_good),
		T(configured_headers),
		T(nobody_there),
		T(link_local_is_refused),
		T(closing),
		T(too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
