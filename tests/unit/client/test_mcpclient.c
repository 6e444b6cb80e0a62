/* SPDX-License-Identifier: ISC */
/* The client role against a server that is a table of lines, in memory. */
#include "support.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/listing.h"
#include "client/mcpclient.h"
#include "failalloc.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "lib/log.h"
#include "mcp/call.h"
#include "mcp/offer.h"
#include "mcp/question.h"

/* TEXT comes from the server, with the answer to request OF. */
static void feed_bytes(struct mcpclient *m, const char *text, size_t len, json_int_t of)
{
	struct jsontext *t = jsontext_copy(text, len);

	if (t)
		mcpclient_feed_text(m, t, of);
	jsontext_unref(&t);
}

#define MAX_SENT 64

static struct event_base *base;
static struct mcpclient *client;
static struct mcpclient_spec spec;
static json_t *sent[MAX_SENT]; /* what went to the server */
static int n_sent, send_rc;
static int readies, failures, notifications, questions;
static char why[512];
static struct question *last_question;
static bool close_in_callback;

static const struct caller caller = {
	.peer = "test", .rev = MCP_REV_2025_11_25, .capabilities = "{}", .log_level = -1};

/* One call and its end. */
struct reply {
	struct call *call;
	int ends, notes, dones, asks, withdrawn;
	enum answer_kind kind;
	int code;
	char text[256];
	json_t *note;
	struct question *asked;
};

static void close_client(void)
{
	mcpclient_close(&client, "test over");
}

static void maybe_close(void)
{
	if (close_in_callback)
		close_client();
}

static int on_send(struct mcpclient *m, json_t *msg, struct jsontext *text, struct bearer *bearer,
		   void *arg)
{
	(void)bearer;
	(void)m;
	(void)arg;
	if (send_rc < 0)
		return send_rc;
	assert_true(n_sent < MAX_SENT);
	sent[n_sent++] = json_incref(msg ? msg : jsontext_tree(text, NULL));
	return 0;
}

static void on_ready(struct mcpclient *m, void *arg)
{
	(void)m;
	(void)arg;
	readies++;
	maybe_close();
}

static void on_failed(struct mcpclient *m, const struct err *e, void *arg)
{
	(void)m;
	(void)arg;
	failures++;
	snprintf(why, sizeof why, "%s", e->text);
	maybe_close();
}

static void on_notification(struct mcpclient *m, const char *method, json_t *params, void *arg)
{
	(void)m;
	(void)method;
	(void)params;
	(void)arg;
	notifications++;
	maybe_close();
}

static void on_question(struct mcpclient *m, struct question *q_take, void *arg)
{
	(void)m;
	(void)arg;
	questions++;
	last_question = q_take;
	maybe_close();
}

static const struct mcpclient_events events = {on_send, on_ready, on_failed, on_notification,
					       on_question};

static void on_notify(struct call *c, const char *method, json_t *params, void *arg)
{
	struct reply *r = arg;

	(void)c;
	(void)method;
	r->notes++;
	json_decref(r->note);
	r->note = json_incref(params);
}

static void on_withdrawn(struct question *q, void *arg)
{
	(void)q;
	((struct reply *)arg)->withdrawn++;
}

static void on_ask(struct call *c, struct question *q, void *arg)
{
	struct reply *r = arg;

	(void)c;
	r->asks++;
	r->asked = q;
	question_take(q, on_withdrawn, r);
}

static void on_end(struct call *c, const struct answer *a, void *arg)
{
	struct reply *r = arg;

	(void)c;
	r->ends++;
	r->kind = a->kind;
	r->code = a->code;
	snprintf(r->text, sizeof r->text, "%s", a->message != NULL ? a->message : "");
	maybe_close();
}

static const struct call_front front = {on_notify, on_ask, on_end};

static void on_done(struct mcpclient *m, struct call *c, bool ok, void *arg)
{
	struct reply *r = arg;

	(void)m;
	(void)c;
	(void)ok;
	assert_int_equal(r->ends, 0); /* before the front hears of it */
	r->dones++;
}

static int setup(void **state)
{
	(void)state;
	base = loop_open();
	spec = (struct mcpclient_spec){.name = "fake",
				       .capabilities = json_object(),
				       .client_info = json_of("{'name':'t'}"),
				       .max_queue = 2};
	n_sent = send_rc = readies = failures = notifications = questions = 0;
	close_in_callback = false;
	return 0;
}

static void forget_sent(void)
{
	while (n_sent > 0)
		json_decref(sent[--n_sent]);
}

static int teardown(void **state)
{
	(void)state;
	close_in_callback = false;
	close_client();
	forget_sent();
	json_decref(spec.capabilities);
	json_decref(spec.client_info);
	assert_int_equal(call_count(), 0);
	loop_close(base);
	return 0;
}

static void open_client(void)
{
	client = mcpclient_new(base, &spec, &events, NULL);
	assert_non_null(client);
}

/* Single quotes stand for double quotes. */
static void feed(const char *text)
{
	char copy[512];
	size_t len = strlen(text);

	assert_true(len < sizeof copy);
	for (size_t i = 0; i <= len; i++)
		copy[i] = text[i] == '\'' ? '"' : text[i];
	if (client)
		feed_bytes(client, copy, len, 0);
}

#define INIT_RESULT                                                                                \
	"{'jsonrpc':'2.0','id':1,'result':{'protocolVersion':'2025-06-18','capabilities':"         \
	"{'tools':{},'logging':{}},'serverInfo':{'name':'s','version':'1'}}}"

static void open_ready(void)
{
	open_client();
	mcpclient_start(client);
	feed(INIT_RESULT);
	assert_int_equal(readies, 1);
	forget_sent();
}

static void start_call_of(struct reply *r, const struct caller *who, const char *params,
			  json_t *token)
{
	*r = (struct reply){0};
	r->call = call_new(base, &front, r, who, "tools/call", json_of(params), token, 0);
	assert_non_null(r->call);
	json_decref(token);
	mcpclient_call(client, r->call, on_done, r);
}

static void start_call(struct reply *r, const char *params, json_t *token)
{
	start_call_of(r, &caller, params, token);
}

static void last_sent_is(const char *text)
{
	assert_true(n_sent > 0);
	assert_true(json_is(sent[n_sent - 1], text));
}

/* ---- the handshake ---- */

static void test_handshake(void **state)
{
	static struct reply a, b, c;
	struct offer *o;

	(void)state;
	open_client();
	mcpclient_start(client);
	last_sent_is("{'jsonrpc':'2.0','id':1,'method':'initialize','params':{'protocolVersion':"
		     "'2025-11-25','capabilities':{},'clientInfo':{'name':'t'}}}");
	start_call(&a, "{'name':'a'}", NULL);
	start_call(&b, "{'name':'b'}", NULL);
	assert_int_equal(n_sent, 1);
	start_call(&c, "{'name':'c'}", NULL);
	assert_int_equal(c.ends, 1);
	assert_int_equal(c.dones, 1);
	assert_string_equal(c.text,
			    "backend fake: too many calls that wait for the server to start: all 2 "
			    "(fixed) are in use; try again later");
	assert_int_equal(mcpclient_calls(client), 2);
	assert_false(mcpclient_ready(client));
	feed(INIT_RESULT);
	assert_true(mcpclient_ready(client));
	assert_int_equal(n_sent, 4);
	assert_true(json_is(sent[1], "{'jsonrpc':'2.0','method':'notifications/initialized'}"));
	assert_true(json_is(
		sent[2], "{'jsonrpc':'2.0','id':2,'method':'tools/call','params':{'name':'a'}}"));
	assert_true(json_is(
		sent[3], "{'jsonrpc':'2.0','id':3,'method':'tools/call','params':{'name':'b'}}"));
	o = mcpclient_introduction(client);
	assert_int_equal(o->rev, MCP_REV_2025_06_18);
	assert_true(json_is(o->server_info, "{'name':'s','version':'1'}"));
	offer_unref(&o);
	assert_true(mcpclient_can(client, "logging"));
	assert_false(mcpclient_can(client, "prompts"));
	close_client();
	assert_int_equal(a.ends + b.ends, 2);
	assert_string_equal(a.text, "backend fake: test over");
}

static void fails_with(const char *answer, const char *text)
{
	failures = 0;
	open_client();
	mcpclient_start(client);
	feed(answer);
	assert_int_equal(failures, 1);
	assert_int_equal(readies, 0);
	assert_string_equal(why, text);
	close_client();
}

static void test_handshake_fails(void **state)
{
	(void)state;
	fails_with("{'jsonrpc':'2.0','id':1,'error':{'code':-32602,'message':'no'}}",
		   "initialize was refused: no (-32602)");
	fails_with("{'jsonrpc':'2.0','id':1,'result':{}}",
		   "initialize was answered with protocol version \"\"");
	fails_with("{'jsonrpc':'2.0','id':1,'result':{'protocolVersion':'2026-07-28'}}",
		   "initialize was answered with protocol version \"2026-07-28\"");
	fails_with("{'jsonrpc':'2.0','id':1,'result':[]}", "the server's result is not an object");
}

static void test_handshake_times_out(void **state)
{
	(void)state;
	spec.timeout_ms = 20;
	open_client();
	mcpclient_start(client);
	loop_until_count(base, &failures, 1);
	assert_string_equal(why, "no answer to initialize within 0.02 s (startTimeout)");
}

static void test_nothing_can_be_sent(void **state)
{
	static struct reply r;

	(void)state;
	open_ready();
	send_rc = ERR_LIMIT;
	start_call(&r, "{}", NULL);
	assert_int_equal(r.ends, 1);
	assert_string_equal(r.text, "backend fake: the server does not read what it is sent");
	send_rc = ERR_CLOSED;
	start_call(&r, "{}", NULL);
	assert_string_equal(r.text, "backend fake: the server is gone");
	assert_int_equal(mcpclient_calls(client), 0);
}

/* ---- servers of 2026-07-28 ---- */

#define DISCOVERED                                                                                 \
	"{'jsonrpc':'2.0','id':1,'result':{'resultType':'complete','supportedVersions':"           \
	"['2026-07-28'],'capabilities':{'tools':{}},'instructions':'i'}}"

static void open_probing(void)
{
	spec.era = MCPCLIENT_ERA_PROBE;
	spec.silence_ms = 20;
	open_client();
	mcpclient_start(client);
	assert_string_equal(json_string_value(json_object_get(sent[0], "method")),
			    "server/discover");
}

static const char *last_method(void)
{
	return json_string_value(json_object_get(sent[n_sent - 1], "method"));
}

static void test_probe_modern(void **state)
{
	static struct reply r;
	json_t *params;

	(void)state;
	open_probing();
	assert_true(mcpclient_probing(client));
	feed(DISCOVERED);
	assert_int_equal(readies, 1);
	assert_true(mcpclient_is_modern(client));
	start_call(&r, "{'name':'a'}", NULL);
	params = json_object_get(sent[n_sent - 1], "params");
	assert_string_equal(json_string_value(json_object_get(params, "name")), "a");
	assert_int_equal(json_object_size(json_object_get(params, "_meta")), 3);
	feed("{'jsonrpc':'2.0','id':2,'result':{'resultType':'complete','content':[]}}");
	assert_int_equal(r.ends, 1);
	assert_int_equal(r.kind, ANSWER_RESULT);
}

/* Whatever a newer server would not say. */
static void test_probe_legacy(void **state)
{
	static const char *const answers[] = {
		"{'jsonrpc':'2.0','id':1,'error':{'code':-32601,'message':'no'}}",
		"{'jsonrpc':'2.0','id':1,'error':{'code':-32000,'message':'no'}}",
		"{'jsonrpc':'2.0','id':1,'result':{}}",
		"{'jsonrpc':'2.0','id':1,'result':{'supportedVersions':['2025-11-25']}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		open_probing();
		feed(answers[i]);
		assert_string_equal(last_method(), "initialize");
		assert_int_equal(failures, 0);
		close_client();
		forget_sent();
	}
}

static void test_probe_fails(void **state)
{
	static const char *const answers[] = {
		"{'jsonrpc':'2.0','id':1,'result':{'supportedVersions':['2099-01-01']}}",
		"{'jsonrpc':'2.0','id':1,'error':{'code':-32021,'message':'no'}}",
		"{'jsonrpc':'2.0','id':1,'error':{'code':-1000002,'message':'no'}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		failures = 0;
		open_probing();
		feed(answers[i]);
		assert_int_equal(failures, 1);
		assert_int_equal(n_sent, 1);
		close_client();
		forget_sent();
	}
}

/* The late answer of a newer server still counts, also after it refused initialize. */
static void test_probe_silence(void **state)
{
	(void)state;
	open_probing();
	loop_until_count(base, &n_sent, 2);
	assert_string_equal(last_method(), "initialize");
	feed("{'jsonrpc':'2.0','id':2,'error':{'code':-32601,'message':'no'}}");
	assert_int_equal(failures, 0);
	feed(DISCOVERED);
	assert_int_equal(readies, 1);
	assert_true(mcpclient_is_modern(client));
}

static void test_probe_of_who_exits(void **state)
{
	static struct reply r;

	(void)state;
	open_probing();
	start_call(&r, "{}", NULL);
	mcpclient_start_legacy(client);
	assert_string_equal(last_method(), "initialize");
	feed("{'jsonrpc':'2.0','id':2,'result':{'protocolVersion':'2025-06-18','capabilities':{}}"
	     "}");
	assert_int_equal(readies, 1);
	assert_string_equal(last_method(), "tools/call");
	assert_int_equal(r.ends, 0);
}

/* ---- answers ---- */

static void test_only_its_own_answer(void **state)
{
	static const char *const others[] = {
		"{'jsonrpc':'2.0','id':'x2','result':{}}", /* none of ours */
		"{'jsonrpc':'2.0','id':1,'result':{}}",	   /* answered before */
		"{'jsonrpc':'2.0','id':3,'result':{}}",	   /* not asked yet */
		"{'jsonrpc':'2.0','id':-2,'result':{}}",
		"{'jsonrpc':'2.0','id':null,'error':{'code':1,'message':'x'}}",
		"{'jsonrpc':'2.0','error':{'code':1,'message':'x'}}",
		"null",
		"[]",
		"2",
		"{",
		"[[{'jsonrpc':'2.0','id':2,'result':{}}]]",
	};
	static struct reply r;

	(void)state;
	open_ready();
	start_call(&r, "{}", NULL);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		feed(others[i]);
	assert_int_equal(r.ends, 0);
	feed("{'jsonrpc':'2.0','id':2,'result':{'x':1}}");
	assert_int_equal(r.ends, 1);
	assert_int_equal(r.dones, 1);
	assert_int_equal(r.kind, ANSWER_RESULT);
	feed("{'jsonrpc':'2.0','id':2,'result':{'x':2}}");
	assert_int_equal(r.ends, 1);
}

static void test_error_and_batch(void **state)
{
	static struct reply a, b, c;

	(void)state;
	open_ready();
	start_call(&a, "{}", NULL);
	start_call(&b, "{}", NULL);
	start_call(&c, "{}", NULL);
	feed("[{'jsonrpc':'2.0','id':3,'error':{'code':-5,'message':'m','data':{}}},"
	     "{'jsonrpc':'2.0','id':2,'result':{}}]");
	assert_int_equal(a.kind, ANSWER_RESULT);
	assert_int_equal(b.kind, ANSWER_ERROR);
	assert_int_equal(b.code, -5);
	assert_string_equal(b.text, "m");
	feed("{'jsonrpc':'2.0','id':4,'result':'text'}");
	assert_string_equal(c.text, "backend fake: the server's result is not an object");
}

static void test_progress(void **state)
{
	static struct reply a, b;

	(void)state;
	open_ready();
	start_call(&a, "{'_meta':{'progressToken':9,'k':1}}", json_string("client's"));
	last_sent_is("{'jsonrpc':'2.0','id':2,'method':'tools/call','params':{'_meta':"
		     "{'progressToken':2,'k':1}}}");
	assert_true(json_is(call_params(a.call), "{'_meta':{'progressToken':9,'k':1}}"));
	start_call(&b, "{'_meta':{'progressToken':9,'k':1}}", NULL);
	last_sent_is("{'jsonrpc':'2.0','id':3,'method':'tools/call','params':{'_meta':{'k':1}}}");
	feed("{'jsonrpc':'2.0','method':'notifications/progress','params':"
	     "{'progressToken':2,'progress':1}}");
	feed("{'jsonrpc':'2.0','method':'notifications/progress','params':"
	     "{'progressToken':'2','progress':2}}");
	feed("{'jsonrpc':'2.0','method':'notifications/progress','params':"
	     "{'progressToken':3,'progress':2}}");
	feed("{'jsonrpc':'2.0','method':'notifications/progress'}");
	assert_int_equal(a.notes, 1);
	assert_int_equal(b.notes, 0);
	assert_true(json_is(a.note, "{'progressToken':'client\\u0027s','progress':1}"));
	json_decref(a.note);
}

static void test_cancel(void **state)
{
	static struct reply r;

	(void)state;
	open_ready();
	start_call(&r, "{}", NULL);
	call_cancel(r.call, "enough");
	assert_int_equal(r.ends, 1);
	last_sent_is("{'jsonrpc':'2.0','method':'notifications/cancelled','params':"
		     "{'requestId':2,'reason':'enough'}}");
	feed("{'jsonrpc':'2.0','id':2,'result':{}}");
	assert_int_equal(r.ends, 1);
	assert_int_equal(mcpclient_calls(client), 0);
}

/* A program printed without a newline, and wrote its messages without them. */
static void test_many_messages_in_a_line(void **state)
{
	static const char one[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}";
	static const char last[] = "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}";
	enum { MANY = 100000 };
	size_t n = sizeof one - 1, len = 0;
	char *line = malloc(10 + MANY * n + sizeof last);
	static struct reply r;

	(void)state;
	assert_non_null(line);
	open_ready();
	start_call(&r, "{}", NULL);
	memcpy(line, "loading...", 10);
	for (len = 10; len < 10 + MANY * n; len += n)
		memcpy(line + len, one, n);
	memcpy(line + len, last, sizeof last - 1);
	feed_bytes(client, line, len + sizeof last - 1, 0);
	free(line);
	assert_int_equal(r.ends, 1);
	assert_int_equal(r.kind, ANSWER_RESULT);
}

static void test_lost_message(void **state)
{
	static struct reply a, b;

	(void)state;
	open_ready();
	start_call(&a, "{}", NULL);
	start_call(&b, "{}", NULL);
	assert_null(mcpclient_only_call(client));
	mcpclient_lost_message(client, "", 0, "a line was too long");
	assert_string_equal(a.text, "backend fake: a line was too long");
	assert_int_equal(b.ends, 1);
	start_call(&a, "{}", NULL);
	assert_ptr_equal(mcpclient_only_call(client), a.call);
	assert_int_equal(a.ends, 0);
}

static int replies;
static char reply_text[128];

static void on_reply(struct mcpclient *m, const struct mcpclient_reply *r, void *arg)
{
	(void)m;
	(void)arg;
	replies++;
	snprintf(reply_text, sizeof reply_text, "%s", r->message != NULL ? r->message : "");
}

static void test_own_requests(void **state)
{
	(void)state;
	replies = 0;
	spec.timeout_ms = 20;
	open_ready();
	mcpclient_request(client, "ping", NULL, on_reply, NULL);
	last_sent_is("{'jsonrpc':'2.0','id':2,'method':'ping'}");
	feed("{'jsonrpc':'2.0','id':2,'result':{}}");
	assert_int_equal(replies, 1);
	assert_string_equal(reply_text, "");
	mcpclient_request(client, "ping", NULL, on_reply, NULL);
	loop_until_count(base, &replies, 2);
	assert_string_equal(reply_text, "no answer to ping within 0.02 s (startTimeout)");
	mcpclient_request(client, "ping", NULL, on_reply, NULL);
	close_client();
	assert_int_equal(replies, 3);
	assert_string_equal(reply_text, "test over");
}

/* ---- what the server asks ---- */

static void test_ping_and_unknown(void **state)
{
	(void)state;
	open_ready();
	feed("{'jsonrpc':'2.0','id':'p','method':'ping'}");
	last_sent_is("{'jsonrpc':'2.0','id':'p','result':{}}");
	feed("{'jsonrpc':'2.0','id':7,'method':'no/such'}");
	last_sent_is("{'jsonrpc':'2.0','id':7,'error':{'code':-32601,'message':'method not "
		     "found'}}");
}

static void test_question_of_a_call(void **state)
{
	static struct reply a, b;

	(void)state;
	open_ready();
	start_call(&a, "{}", NULL);
	start_call(&b, "{}", NULL);
	feed("{'jsonrpc':'2.0','id':'x','method':'roots/list','params':{'_meta':"
	     "{'progressToken':1}}}");
	assert_int_equal(a.asks, 0);
	assert_int_equal(b.asks, 1);
	/* The server's token is per hop, too. */
	assert_true(json_is(question_params(b.asked), "{'_meta':{}}"));
	feed("{'jsonrpc':'2.0','id':'x','method':'roots/list'}");
	last_sent_is("{'jsonrpc':'2.0','id':'x','error':{'code':-32600,'message':"
		     "'a request with this id is in flight'}}");
	question_answer(b.asked, jsontext_of(json_of("{'roots':[]}")), NULL);
	last_sent_is("{'jsonrpc':'2.0','id':'x','result':{'roots':[]}}");
	/* Integer and string are two ids. */
	feed("{'jsonrpc':'2.0','id':1,'method':'roots/list'}");
	question_answer(b.asked, NULL, json_of("{'code':-1,'message':'no','data':[1]}"));
	last_sent_is("{'jsonrpc':'2.0','id':1,'error':{'code':-1,'message':'no','data':[1]}}");
}

#define ELICIT(id) "{'jsonrpc':'2.0','id':" id ",'method':'elicitation/create','params':{}}"
#define IN_DOUBT                                                                                   \
	"'error':{'code':-32600,'message':'several clients share this server, and nothing says "   \
	"to "                                                                                      \
	"which of their requests this one belongs'}}"

/* Several clients: a question goes to the only call there is, and to nobody in doubt. */
static void test_question_to_one_of_several_clients(void **state)
{
	static struct reply a, b;

	(void)state;
	spec.asks = MCPCLIENT_ASKS_ONLY;
	open_ready();
	start_call(&a, "{}", NULL);
	start_call(&b, "{}", NULL);
	feed(ELICIT("'x'"));
	last_sent_is("{'jsonrpc':'2.0','id':'x'," IN_DOUBT);
	assert_int_equal(a.asks + b.asks + questions, 0);
	feed("{'jsonrpc':'2.0','id':2,'result':{}}");
	feed(ELICIT("'y'"));
	assert_int_equal(b.asks, 1);
	question_answer(b.asked, jsontext_of(json_of("{'action':'decline'}")), NULL);
	last_sent_is("{'jsonrpc':'2.0','id':'y','result':{'action':'decline'}}");
	feed("{'jsonrpc':'2.0','id':3,'result':{}}");
	feed(ELICIT("'z'"));
	assert_int_equal(questions, 1);
	question_refuse(last_question, -1, "nobody");
	assert_int_equal(a.asks, 0);
}

/* The server has not been told of roots: asking for them is no affair of any call. */
static void test_roots_of_nobody(void **state)
{
	static struct reply a;

	(void)state;
	spec.asks = MCPCLIENT_ASKS_ONLY;
	open_ready();
	start_call(&a, "{}", NULL);
	feed("{'jsonrpc':'2.0','id':'x','method':'roots/list'}");
	last_sent_is("{'jsonrpc':'2.0','id':'x','error':{'code':-32601,'message':'this client has "
		     "no such capability, and has not declared it'}}");
	assert_int_equal(a.asks + questions, 0);
}

/* What was on its way when its call was cancelled is not for the next client's call. */
static void test_question_of_a_cancelled_call(void **state)
{
	static struct reply a, b;

	(void)state;
	spec.asks = MCPCLIENT_ASKS_ONLY;
	open_ready();
	start_call(&a, "{}", NULL);
	call_cancel(a.call, "enough");
	assert_string_equal(json_string_value(json_object_get(sent[n_sent - 1], "method")), "ping");
	start_call(&b, "{}", NULL);
	feed(ELICIT("'x'"));
	last_sent_is("{'jsonrpc':'2.0','id':'x'," IN_DOUBT);
	assert_int_equal(b.asks, 0);
	feed("{'jsonrpc':'2.0','id':3,'result':{}}"); /* the ping */
	feed(ELICIT("'y'"));
	assert_int_equal(b.asks, 1);
	question_refuse(b.asked, -1, "no");
}

/* A channel with a stream for each answer knows whose question it is. */
static void test_question_with_an_answer(void **state)
{
	static const char text[] =
		"{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"elicitation/create\"}";
	static struct reply a, b;

	(void)state;
	for (int i = 0; i < 2; i++) {
		memset(&a, 0, sizeof a);
		memset(&b, 0, sizeof b);
		spec.asks = i == 0 ? MCPCLIENT_ASKS_FORWARD : MCPCLIENT_ASKS_ONLY;
		questions = readies = 0;
		open_ready();
		start_call(&a, "{}", NULL);
		start_call(&b, "{}", NULL);
		feed_bytes(client, text, strlen(text), 2);
		assert_int_equal(a.asks, 1);
		question_refuse(a.asked, -1, "no");
		/* One that is over, or was mcpd's own. */
		feed_bytes(client, text, strlen(text), 1);
		assert_int_equal(b.asks, 0);
		assert_int_equal(questions, i == 0);
		if (i == 0)
			question_refuse(last_question, -1, "no");
		close_client();
		forget_sent();
	}
}

/* It may have had nothing to do with the call: a server that asks for the roots right after its
 * start. */
static void test_question_outlives_its_call(void **state)
{
	static struct reply r;

	(void)state;
	open_ready();
	start_call(&r, "{}", NULL);
	feed("{'jsonrpc':'2.0','id':1,'method':'roots/list'}");
	feed("{'jsonrpc':'2.0','id':2,'result':{}}");
	assert_int_equal(r.ends, 1);
	assert_int_equal(r.withdrawn, 0);
	question_answer(r.asked, jsontext_of(json_of("{'roots':[]}")), NULL);
	last_sent_is("{'jsonrpc':'2.0','id':1,'result':{'roots':[]}}");
}

static void test_question_ends_with_its_cancelled_call(void **state)
{
	static struct reply r;

	(void)state;
	open_ready();
	start_call(&r, "{}", NULL);
	feed("{'jsonrpc':'2.0','id':1,'method':'elicitation/create','params':{}}");
	feed("{'jsonrpc':'2.0','id':2,'method':'elicitation/create','params':{}}");
	call_cancel(r.call, NULL);
	assert_int_equal(r.ends, 1);
	assert_int_equal(r.withdrawn, 2);
	assert_true(json_is(sent[n_sent - 2],
			    "{'jsonrpc':'2.0','id':2,'error':{'code':-32600,'message':"
			    "'the request that this belongs to has ended'}}"));
	last_sent_is("{'jsonrpc':'2.0','method':'notifications/cancelled','params':"
		     "{'requestId':2,'reason':'cancelled'}}");
	question_answer(r.asked, jsontext_of(json_object()), NULL);
	assert_int_equal(n_sent, 4);
}

static void test_question_is_cancelled(void **state)
{
	static struct reply r;

	(void)state;
	open_ready();
	start_call(&r, "{}", NULL);
	feed("{'jsonrpc':'2.0','id':1,'method':'elicitation/create','params':{}}");
	feed("{'jsonrpc':'2.0','method':'notifications/cancelled','params':{'requestId':'1'}}");
	assert_int_equal(r.withdrawn, 0);
	feed("{'jsonrpc':'2.0','method':'notifications/cancelled','params':{'requestId':1}}");
	assert_int_equal(r.withdrawn, 1);
	feed("{'jsonrpc':'2.0','method':'notifications/cancelled','params':{'requestId':1}}");
	feed("{'jsonrpc':'2.0','method':'notifications/cancelled'}");
	assert_int_equal(n_sent, 1);
	assert_int_equal(notifications, 0);
}

static void test_question_of_nobody(void **state)
{
	(void)state;
	open_ready();
	feed("{'jsonrpc':'2.0','id':1,'method':'roots/list'}");
	assert_int_equal(questions, 1);
	question_refuse(last_question, -1, "no");
	last_sent_is("{'jsonrpc':'2.0','id':1,'error':{'code':-1,'message':'no'}}");
}

static void test_too_many_questions(void **state)
{
	char text[96];

	(void)state;
	open_ready();
	for (int i = 0; i < 65; i++) {
		snprintf(text, sizeof text, "{'jsonrpc':'2.0','id':%d,'method':'roots/list'}", i);
		feed(text);
	}
	assert_int_equal(questions, 64);
	last_sent_is("{'jsonrpc':'2.0','id':64,'error':{'code':-32603,'message':"
		     "'too many requests without an answer: all 64 (fixed) are in use; try again "
		     "later'}}");
}

/* Clients that share one server: whoever has more than a share is refused while others find a
 * place. */
static void test_waiting_is_shared(void **state)
{
	struct caller alice = caller, bob = caller;
	static struct reply many[16], one;
	size_t n = 0;

	(void)state;
	alice.holder = "user:alice";
	bob.holder = "user:bob";
	spec.asks = MCPCLIENT_ASKS_REFUSE;
	spec.max_queue = 16;
	spec.share = 25;
	open_client();
	mcpclient_start(client);
	do
		start_call_of(&many[n], &alice, "{}", NULL);
	while (many[n++].ends == 0 && n < 16);
	assert_int_equal(n, 14);
	assert_non_null(strstr(many[13].text, "limits.share"));
	start_call_of(&one, &bob, "{}", NULL);
	assert_int_equal(one.ends, 0);
	/* Places are given back, by whatever end. */
	call_cancel(many[0].call, "enough");
	call_cancel(many[1].call, "enough");
	start_call_of(&many[0], &alice, "{}", NULL);
	assert_int_equal(many[0].ends, 0);
	feed(INIT_RESULT);
	assert_int_equal(mcpclient_calls(client), 13);
	close_client();
}

/* N questions for the call with our id OF; how many came to R. */
static int ask_for(struct reply *r, json_int_t of, int n)
{
	static int id;
	char text[128];
	int before = r->asks;

	while (n-- > 0) {
		snprintf(text, sizeof text,
			 "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"elicitation/"
			 "create\",\"params\":{}}",
			 id++);
		feed_bytes(client, text, strlen(text), of);
		forget_sent();
	}
	return r->asks - before;
}

static void test_questions_are_shared(void **state)
{
	struct caller alice = caller, bob = caller;
	static struct reply a, b;

	(void)state;
	alice.holder = "user:alice";
	bob.holder = "user:bob";
	spec.asks = MCPCLIENT_ASKS_ONLY;
	spec.parallel = true;
	spec.share = 25;
	open_ready();
	start_call_of(&a, &alice, "{}", NULL);
	start_call_of(&b, &bob, "{}", NULL);
	assert_int_equal(ask_for(&a, 2, 64), 49);
	assert_int_equal(ask_for(&b, 3, 2), 2);
	question_answer(b.asked, jsontext_of(json_of("{'action':'decline'}")), NULL);
	assert_int_equal(ask_for(&b, 3, 1), 1);
	assert_int_equal(ask_for(&a, 2, 1), 0);
	close_client();
}

static void test_refuses(void **state)
{
	(void)state;
	spec.asks = MCPCLIENT_ASKS_REFUSE;
	open_ready();
	feed("{'jsonrpc':'2.0','id':1,'method':'sampling/createMessage','params':{}}");
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(sent[0], "error"), "code")),
		RPC_METHOD_NOT_FOUND);
	assert_int_equal(questions, 0);
}

static void test_probe(void **state)
{
	(void)state;
	spec.asks = MCPCLIENT_ASKS_PROBE;
	open_ready();
	feed("{'jsonrpc':'2.0','id':1,'method':'roots/list'}");
	last_sent_is("{'jsonrpc':'2.0','id':1,'result':{'roots':[]}}");
	feed("{'jsonrpc':'2.0','id':2,'method':'elicitation/create','params':{}}");
	last_sent_is("{'jsonrpc':'2.0','id':2,'result':{'action':'cancel'}}");
	feed("{'jsonrpc':'2.0','id':3,'method':'sampling/createMessage','params':{}}");
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(sent[2], "error"), "code")), -1);
}

/* ---- closing from inside ---- */

static void test_closes_in_callbacks(void **state)
{
	static const char *const lines[] = {
		"{'jsonrpc':'2.0','method':'notifications/message','params':{}}",
		"{'jsonrpc':'2.0','id':2,'result':{}}",
		("[{'jsonrpc':'2.0','id':2,'error':{'code':1,'message':'m'}},"
		 "{'jsonrpc':'2.0','id':3,'result':{}},{'jsonrpc':'2.0','id':1,'method':'ping'}]"),
	};
	static struct reply a, b;

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		close_in_callback = false;
		readies = 0;
		open_ready();
		start_call(&a, "{}", NULL);
		start_call(&b, "{}", NULL);
		close_in_callback = true;
		feed(lines[i]);
		assert_null(client);
		assert_int_equal(a.ends, 1);
		assert_int_equal(b.ends, 1);
		assert_int_equal(a.dones + b.dones, 2);
		assert_int_equal(n_sent, 2);
		forget_sent();
	}
}

static void test_closes_in_handshake(void **state)
{
	static struct reply r;

	(void)state;
	close_in_callback = true;
	open_client();
	mcpclient_start(client);
	start_call(&r, "{}", NULL);
	feed(INIT_RESULT);
	assert_int_equal(readies, 1);
	assert_null(client);
	assert_int_equal(r.ends, 1);
	open_client();
	send_rc = ERR_NOMEM;
	mcpclient_start(client);
	assert_null(client);
	assert_int_equal(failures, 1);
}

/* ---- listing ---- */

static struct offer *listed;
static char listing_why[128];

static void on_listed(struct offer *o_take, const char *text, void *arg)
{
	(void)arg;
	listed = o_take;
	snprintf(listing_why, sizeof listing_why, "%s", text != NULL ? text : "");
}

static void test_listing(void **state)
{
	struct listing *l;

	(void)state;
	open_ready();
	listing_start(client, NULL, LISTING_ALL, on_listed, NULL, &l);
	last_sent_is("{'jsonrpc':'2.0','id':2,'method':'tools/list'}");
	feed("{'jsonrpc':'2.0','id':2,'result':{'tools':[{'name':'a'}],'nextCursor':''}}");
	last_sent_is("{'jsonrpc':'2.0','id':3,'method':'tools/list','params':{'cursor':''}}");
	feed("{'jsonrpc':'2.0','id':3,'result':{'tools':[{'name':'b'}]}}");
	assert_null(l);
	assert_int_equal(n_sent, 2); /* only tools were declared */
	assert_true(json_is(listed->lists[OFFER_TOOLS], "[{'name':'a'},{'name':'b'}]"));
	offer_unref(&listed);
	/* Cancelled: no answer comes, and the late one does no harm. */
	listing_start(client, NULL, LISTING_ALL, on_listed, NULL, &l);
	listing_cancel(&l);
	feed("{'jsonrpc':'2.0','id':4,'result':{'tools':[]}}");
	assert_null(listed);
	listing_start(client, NULL, LISTING_ALL, on_listed, NULL, &l);
	close_client();
	assert_null(listed);
	assert_string_equal(listing_why, "test over");
}

/* Tools that a client of 2026-07-28 would drop are left out for everybody, and the log says why. */
static void test_listing_drops_bad_tools(void **state)
{
	struct listing *l;

	(void)state;
	open_ready();
	capture_start();
	listing_start(client, NULL, LISTING_ALL, on_listed, NULL, &l);
	feed("{'jsonrpc':'2.0','id':2,'result':{'tools':["
	     "{'name':'a'},"
	     "{'name':'bad','inputSchema':{'type':'object','properties':{"
	     "'x':{'type':'object','x-mcp-header':'X'}}}},"
	     "{'name':'b'}]}}");
	assert_true(json_is(listed->lists[OFFER_TOOLS], "[{'name':'a'},{'name':'b'}]"));
	assert_int_equal(capture_matches("tool bad is left out: x-mcp-header"), 1);
	capture_stop();
	offer_unref(&listed);
	close_client();
}

/* ---- lack of memory ---- */

/* Everything once; some of it may fail, all of it must end. */
static void everything(void)
{
	struct reply a = {0}, b = {0};
	struct listing *l = NULL;
	struct mcpclient *m = mcpclient_new(base, &spec, &events, NULL);

	if (!m)
		return;
	client = m;
	mcpclient_start(client);
	feed(INIT_RESULT);
	if (mcpclient_ready(m)) {
		listing_start(m, NULL, LISTING_ALL, on_listed, NULL, &l);
		feed("{'jsonrpc':'2.0','id':2,'result':{'tools':[{'name':'a'}],'nextCursor':'c'}}");
		feed("{'jsonrpc':'2.0','id':3,'result':{'tools':[]}}");
		listing_cancel(&l);
		offer_unref(&listed);
	}
	a.call = call_new(base, &front, &a, &caller, "tools/call", json_pack("{s:{}}", "_meta"),
			  NULL, 0);
	b.call = call_new(base, &front, &b, &caller, "tools/call", NULL, NULL, 0);
	if (a.call)
		mcpclient_call(m, a.call, on_done, &a);
	if (b.call)
		mcpclient_call(m, b.call, on_done, &b);
	feed("{'jsonrpc':'2.0','id':1,'method':'roots/list','params':{}}");
	feed("{'jsonrpc':'2.0','method':'notifications/progress','params':{'progressToken':4}}");
	feed("{'jsonrpc':'2.0','id':4,'result':{}}");
	if (b.call && b.ends == 0)
		call_cancel(b.call, "over");
	close_client();
	assert_int_equal(a.ends, a.call != NULL);
	assert_int_equal(b.ends, b.call != NULL);
	assert_int_equal(a.dones, a.call != NULL);
	assert_int_equal(b.dones, b.call != NULL);
	json_decref(a.note);
	forget_sent();
}

static void test_lack_of_memory(void **state)
{
	bool hit = true;

	(void)state;
	for (long n = 1; hit; n++) {
		failalloc_at(n, false);
		everything();
		hit = failalloc_off();
		loop_settle(base);
		assert_true(n < 10000);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_handshake),
		T(test_handshake_fails),
		T(test_probe_modern),
		T(test_probe_legacy),
		T(test_probe_fails),
		T(test_probe_silence),
		T(test_probe_of_who_exits),
		T(test_handshake_times_out),
		T(test_nothing_can_be_sent),
		T(test_only_its_own_answer),
		T(test_error_and_batch),
		T(test_progress),
		T(test_cancel),
		T(test_lost_message),
		T(test_many_messages_in_a_line),
		T(test_own_requests),
		T(test_ping_and_unknown),
		T(test_question_of_a_call),
		T(test_question_to_one_of_several_clients),
		T(test_roots_of_nobody),
		T(test_question_of_a_cancelled_call),
		T(test_question_with_an_answer),
		T(test_question_outlives_its_call),
		T(test_question_ends_with_its_cancelled_call),
		T(test_question_is_cancelled),
		T(test_question_of_nobody),
		T(test_too_many_questions),
		T(test_waiting_is_shared),
		T(test_questions_are_shared),
		T(test_refuses),
		T(test_probe),
		T(test_closes_in_callbacks),
		T(test_closes_in_handshake),
		T(test_listing),
		T(test_listing_drops_bad_tools),
		T(test_lack_of_memory),
	};

	failalloc_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
