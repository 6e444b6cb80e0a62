/* SPDX-License-Identifier: ISC */
/* The stdio backend against tests/integration/fakeserver.py, which misbehaves as told. */
#include "support.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/backend.h"
#include "config/config.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "lib/log.h"
#include "mcp/question.h"
#include "process/children.h"

#define MAX_ARGS 16

/* One call and all that came of it. */
struct reply {
	struct call *call;
	int ends, notes;
	enum answer_kind kind;
	int code;
	char text[8192]; /* the error's message, or the first text of the content */
	json_t *result;
	json_t *note; /* the last notification's parameters */
	char note_method[64];
	struct question *asked;
	int asks, withdrawn;
};

/* One holder and what reached it outside its calls. */
struct client {
	struct caller caller;
	struct link *link;
	int notes, asks, withdrawn, changes;
	unsigned mask;
	json_t *note;
	char note_method[64];
	struct question *asked;
};

static struct event_base *base;
static struct children *set;
static struct backend *backend;
static struct backend_env env;
static struct config_backend conf;
static struct config_limits limits;
static char *argv_buf[MAX_ARGS + 4];
static int changes; /* of the backend */
static unsigned changed_mask;
static struct client alice, bob;

/* ---- harness ---- */

static void on_backend_changed(struct backend *b, unsigned mask, void *arg)
{
	(void)b;
	(void)arg;
	changes++;
	changed_mask |= mask;
}

static void keep(json_t **where, json_t *value)
{
	json_decref(*where);
	*where = json_incref(value);
}

static void on_link_notification(struct link *l, const char *method, json_t *params, void *arg)
{
	struct client *cl = arg;

	assert_ptr_equal(l, cl->link);
	cl->notes++;
	keep(&cl->note, params);
	snprintf(cl->note_method, sizeof cl->note_method, "%s", method);
}

static void on_link_withdrawn(struct question *q, void *arg)
{
	struct client *cl = arg;

	assert_ptr_equal(q, cl->asked);
	cl->withdrawn++;
}

static void on_link_question(struct link *l, struct question *q_take, void *arg)
{
	struct client *cl = arg;

	assert_ptr_equal(l, cl->link);
	cl->asks++;
	cl->asked = q_take;
	question_take(q_take, on_link_withdrawn, cl);
}

static void on_link_changed(struct link *l, unsigned mask, void *arg)
{
	struct client *cl = arg;

	assert_ptr_equal(l, cl->link);
	cl->changes++;
	cl->mask |= mask;
}

static const struct link_events link_events = {on_link_notification, on_link_question,
					       on_link_changed};

static void on_notify(struct call *c, const char *method, json_t *params, void *arg)
{
	struct reply *r = arg;

	assert_ptr_equal(c, r->call);
	r->notes++;
	keep(&r->note, params);
	snprintf(r->note_method, sizeof r->note_method, "%s", method);
}

static void on_withdrawn(struct question *q, void *arg)
{
	struct reply *r = arg;

	assert_ptr_equal(q, r->asked);
	r->withdrawn++;
}

static void on_ask(struct call *c, struct question *q, void *arg)
{
	struct reply *r = arg;

	assert_ptr_equal(c, r->call);
	r->asks++;
	r->asked = q;
	question_take(q, on_withdrawn, r);
}

static void on_end(struct call *c, const struct answer *a, void *arg)
{
	struct reply *r = arg;
	json_t *content;

	assert_true(r->call == NULL || c == r->call);
	r->ends++;
	r->kind = a->kind;
	r->code = a->code;
	r->result = a->result ? json_incref(jsontext_tree(a->result, NULL)) : NULL;
	content = json_array_get(json_object_get(r->result, "content"), 0);
	if (a->message)
		snprintf(r->text, sizeof r->text, "%s", a->message);
	else if (content)
		snprintf(r->text, sizeof r->text, "%s",
			 json_string_value(json_object_get(content, "text")));
}

static const struct call_front front = {on_notify, on_ask, on_end};

/* The backend's server runs with these options (separated by blanks). */
static void configure(const char *options)
{
	const char *python = access("/usr/bin/python3", X_OK) == 0 ? "/usr/bin/python3" : "python3";
	const char *src = getenv("top_srcdir");
	static char text[512], path[512];
	size_t n = 0;

	snprintf(path, sizeof path, "%s/tests/integration/fakeserver.py",
		 src != NULL ? src : "../..");
	snprintf(text, sizeof text, "%s", options);
	/* Not a wrapper, where there is a choice: tests look at the pid. */
	argv_buf[n++] = (char *)(uintptr_t)python;
	argv_buf[n++] = path;
	for (char *p = strtok(text, " "); p != NULL; p = strtok(NULL, " "))
		argv_buf[n++] = p;
	argv_buf[n] = NULL;
}

static void open_client(struct client *cl)
{
	cl->link = link_new(backend, &cl->caller, &link_events, cl);
	assert_non_null(cl->link);
}

static void begin(const char *options, enum config_scope scope)
{
	const struct backend_watch watch = {on_backend_changed, NULL};
	struct err e = {0};

	configure(options);
	conf.scope = scope;
	backend = backend_new(&env, &conf, &e);
	if (!backend)
		fail_msg("%s", e.text);
	backend_watch(backend, &watch);
	backend_start(backend, &(const struct backend_confinement){0});
	open_client(&alice);
	open_client(&bob);
}

/* Starts it and waits until it is learnt. */
static void begin_ready(const char *options, enum config_scope scope)
{
	begin(options, scope);
	loop_until_count(base, &changes, 1);
	if (backend_state(backend) != BACKEND_READY)
		fail_msg("%s", backend_why(backend));
	changed_mask = 0;
}

static void init_client(struct client *cl, const char *session, const char *user)
{
	*cl = (struct client){.caller = {.session = session,
					 .user = user,
					 .peer = "127.0.0.1",
					 .rev = MCP_REV_2025_11_25,
					 .capabilities = "{}",
					 .client_info = "{\"name\":\"tester\",\"version\":\"9\"}",
					 .log_level = -1}};
}

static int setup(void **state)
{
	static const struct children_limits child_limits = {
		.max = 20, .max_per_peer = 10, .term_after_ms = 300, .kill_after_ms = 300};

	(void)state;
	base = loop_open();
	set = children_new(base, &child_limits, NULL);
	limits = (struct config_limits){.max_line = 1 << 20};
	env = (struct backend_env){.base = base, .children = set, .limits = &limits};
	conf = (struct config_backend){.name = (char *)(uintptr_t) "fake",
				       .kind = CONFIG_STDIO,
				       .argv = argv_buf,
				       .max_children = 8,
				       .start_timeout_ms = 60000};
	changes = 0;
	changed_mask = 0;
	init_client(&alice, "session-a", NULL);
	init_client(&bob, "session-b", NULL);
	return 0;
}

static int teardown(void **state)
{

	(void)state;
	link_close(&alice.link);
	link_close(&bob.link);
	json_decref(alice.note);
	json_decref(bob.note);
	if (backend)
		backend_stop(backend);
	assert_int_equal(call_count(), 0);
	backend_free(&backend);
	children_free(&set);
	loop_close(base);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	return 0;
}

static void send_call(struct client *cl, struct reply *r, const char *method, json_t *params,
		      json_t *token)
{
	*r = (struct reply){0};
	r->call = call_new(base, &front, r, &cl->caller, method, params, token, 0);
	assert_non_null(r->call);
	link_call(cl->link, r->call);
	json_decref(token);
}

static void send_tool(struct client *cl, struct reply *r, const char *tool, const char *arguments)
{
	send_call(cl, r, "tools/call",
		  json_pack("{s:s,s:o}", "name", tool, "arguments", json_of(arguments)), NULL);
}

static void done(struct reply *r)
{
	json_decref(r->result);
	json_decref(r->note);
	r->result = r->note = NULL;
}

/* Calls a tool and gives its text, which lives until the next one. */
static const char *tool(struct client *cl, const char *name, const char *arguments)
{
	static struct reply r;

	send_tool(cl, &r, name, arguments);
	loop_until_count(base, &r.ends, 1);
	if (r.kind != ANSWER_RESULT)
		fail_msg("%s: %s", name, r.text);
	done(&r);
	return r.text;
}

/* The same for a tool that must fail; gives the message. */
static const char *tool_error(struct client *cl, const char *name, const char *arguments)
{
	static struct reply r;

	send_tool(cl, &r, name, arguments);
	loop_until_count(base, &r.ends, 1);
	assert_int_equal(r.kind, ANSWER_ERROR);
	assert_int_equal(r.code, RPC_INTERNAL_ERROR);
	done(&r);
	return r.text;
}

static json_t *request(struct client *cl, const char *method, const char *params)
{
	struct reply r;

	send_call(cl, &r, method, json_of(params), NULL);
	loop_until_count(base, &r.ends, 1);
	if (r.kind != ANSWER_RESULT)
		fail_msg("%s: %s", method, r.text);
	json_decref(r.note);
	return r.result;
}

static void request_empty(struct client *cl, const char *method, const char *params)
{
	json_t *result = request(cl, method, params);

	assert_true(json_is(result, "{}"));
	json_decref(result);
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" lacks \"%s\"", text, part);
}

static size_t offered(const struct offer *o, enum offer_kind kind, const char *name)
{
	size_t i, n = 0;
	json_t *entry;

	assert_non_null(o);
	json_array_foreach (o->lists[kind], i, entry)
		n += strcmp(json_string_value(json_object_get(entry, offer_key(kind))), name) == 0;
	return n;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/* Turns the loop until COND, looking every 5 ms. */
#define until(cond)                                                                                \
	do {                                                                                       \
		const struct timeval tick_ = {.tv_usec = 5000};                                    \
		struct event *ev_ = event_new(base, -1, EV_PERSIST, on_tick, NULL);                \
		time_t limit_ = time(NULL) + 60;                                                   \
		event_add(ev_, &tick_);                                                            \
		while (!(cond) && time(NULL) < limit_)                                             \
			event_base_loop(base, EVLOOP_ONCE);                                        \
		event_free(ev_);                                                                   \
		if (!(cond))                                                                       \
			fail_msg("never came true: %s", #cond);                                    \
	} while (0)

static bool is_gone(pid_t pid)
{
	return kill(pid, 0) < 0 && errno == ESRCH;
}

/* ---- learning ---- */

static void test_learns(void **state)
{
	const struct offer *o;

	(void)state;
	begin("--tools 3", CONFIG_SCOPE_SESSION);
	assert_int_equal(backend_state(backend), BACKEND_LEARNING);
	assert_null(backend_offer(backend));
	loop_until_count(base, &changes, 1);
	assert_int_equal(backend_state(backend), BACKEND_READY);
	o = backend_offer(backend);
	assert_int_equal(offered(o, OFFER_TOOLS, "tool_2"), 1);
	assert_int_equal(offered(o, OFFER_TOOLS, "echo"), 1);
	assert_int_equal(offered(o, OFFER_PROMPTS, "greeting"), 1);
	assert_int_equal(offered(o, OFFER_RESOURCES, "test://1"), 1);
	assert_int_equal(offered(o, OFFER_TEMPLATES, "test://{id}"), 1);
	assert_string_equal(o->instructions, "Be careful.");
	assert_int_equal(o->rev, MCP_REV_2025_11_25);
	assert_true(json_is(o->server_info, "{'name':'fake','version':'1'}"));
	until(children_count(set) == 0); /* the probe has gone */
}

static void test_learns_pages(void **state)
{
	(void)state;
	begin_ready("--tools 50 --page 7", CONFIG_SCOPE_SESSION);
	assert_int_equal(offered(backend_offer(backend), OFFER_TOOLS, "echo"), 1);
	assert_int_equal(offered(backend_offer(backend), OFFER_TOOLS, "tool_49"), 1);
}

static void test_pages_without_end(void **state)
{
	(void)state;
	begin_ready("--page 5 --repeat-cursor", CONFIG_SCOPE_SESSION);
	assert_true(json_array_size(backend_offer(backend)->lists[OFFER_TOOLS]) >= 5);
	assert_true(json_array_size(backend_offer(backend)->lists[OFFER_TOOLS]) <= 10);
}

static void test_endless_list(void **state)
{
	(void)state;
	begin_ready("--page 1 --endless", CONFIG_SCOPE_SESSION);
	assert_int_equal(json_array_size(backend_offer(backend)->lists[OFFER_TOOLS]), 1000);
}

static void test_half_a_server(void **state)
{
	(void)state;
	begin_ready("--no-templates --list-error prompts --version 2024-11-05",
		    CONFIG_SCOPE_SESSION);
	assert_int_equal(backend_offer(backend)->rev, MCP_REV_2024_11_05);
	assert_int_equal(json_array_size(backend_offer(backend)->lists[OFFER_PROMPTS]), 0);
	assert_int_equal(json_array_size(backend_offer(backend)->lists[OFFER_TEMPLATES]), 0);
	assert_int_equal(offered(backend_offer(backend), OFFER_RESOURCES, "test://2"), 1);
}

static void test_lists_of_what_is_declared(void **state)
{
	(void)state;
	begin_ready("--only tools", CONFIG_SCOPE_SESSION);
	assert_int_equal(json_array_size(backend_offer(backend)->lists[OFFER_PROMPTS]), 0);
	assert_int_equal(json_array_size(backend_offer(backend)->lists[OFFER_RESOURCES]), 0);
}

static void test_garbage_at_start(void **state)
{
	(void)state;
	begin_ready("--garbage-start --slow-start 0.05", CONFIG_SCOPE_SESSION);
	assert_string_equal(tool(&alice, "echo", "{'text':'hi'}"), "hi");
}

static void fails_with(const char *options, const char *why)
{
	begin(options, CONFIG_SCOPE_SESSION);
	loop_until_count(base, &changes, 1);
	assert_int_equal(backend_state(backend), BACKEND_FAILED);
	assert_has(backend_why(backend), why);
	assert_null(backend_offer(backend));
}

static void test_dies_at_start(void **state)
{
	(void)state;
	fails_with("--die-start 3 --stderr oops", "exited with status 3 before initialize was "
						  "answered");
	/* What it said is nothing that a client's error may show. */
	assert_null(strstr(backend_why(backend), "oops"));
}

static void test_refuses_initialize(void **state)
{
	(void)state;
	fails_with("--init-error", "initialize was refused: not today (-32000)");
}

static void test_unknown_version(void **state)
{
	(void)state;
	fails_with("--version 1999-01-01", "protocol version \"1999-01-01\"");
}

static void test_hangs_at_start(void **state)
{
	(void)state;
	conf.start_timeout_ms = 300;
	fails_with("--hang-start --ignore-term --ignore-eof",
		   "no answer to initialize within 0.3 s (startTimeout)");
	until(children_count(set) == 0);
}

static void test_missing_program(void **state)
{
	static char *argv[] = {(char *)(uintptr_t) "no-such-program", NULL};

	(void)state;
	conf.argv = argv;
	fails_with("", "no-such-program");
}

/* peers.md, 9: it comes back by itself, with growing pauses. */
static void test_recovers(void **state)
{
	char state_file[] = "/tmp/mcpd-test-XXXXXX", options[128];

	(void)state;
	close(mkstemp(state_file));
	snprintf(options, sizeof options, "--state %s --die-start 1 --die-times 3", state_file);
	begin(options, CONFIG_SCOPE_SESSION);
	loop_until_count(base, &changes, 1);
	assert_int_equal(backend_state(backend), BACKEND_FAILED);
	loop_until_count(base, &changes, 3);
	assert_int_equal(backend_state(backend), BACKEND_READY);
	assert_string_equal(backend_why(backend), "");
	unlink(state_file);
}

/* ---- calls ---- */

static void test_call_methods(void **state)
{
	json_t *result;

	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	assert_string_equal(tool(&alice, "echo", "{'text':'hi'}"), "hi");
	result = request(&alice, "prompts/get", "{'name':'greeting','arguments':{'name':'Bo'}}");
	assert_int_equal(json_array_size(json_object_get(result, "messages")), 1);
	json_decref(result);
	result = request(&alice, "resources/read", "{'uri':'test://5'}");
	assert_true(
		json_is(result, "{'contents':[{'uri':'test://5','text':'content of test://5'}]}"));
	json_decref(result);
	result = request(&alice, "completion/complete",
			 "{'ref':{'type':'ref/prompt','name':'greeting'},"
			 "'argument':{'name':'name','value':'x'}}");
	assert_true(json_is(result, "{'completion':{'values':['x-1','x-2'],'hasMore':false}}"));
	json_decref(result);
}

static void test_error_of_the_server(void **state)
{
	struct reply r;

	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	send_tool(&alice, &r, "no_such_tool", "{}");
	loop_until_count(base, &r.ends, 1);
	assert_int_equal(r.kind, ANSWER_ERROR);
	assert_int_equal(r.code, RPC_INVALID_PARAMS);
	assert_string_equal(r.text, "unknown tool");
	send_call(&alice, &r, "no/such/method", NULL, NULL);
	assert_int_equal(r.ends, 1);
	assert_int_equal(r.code, RPC_METHOD_NOT_FOUND);
}

static void test_session_children(void **state)
{
	char a[16], b[16];

	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	until(children_count(set) == 0);
	assert_int_equal(link_pid(alice.link), 0); /* nothing runs before the first call */
	snprintf(a, sizeof a, "%s", tool(&alice, "pid", "{}"));
	snprintf(b, sizeof b, "%s", tool(&bob, "pid", "{}"));
	assert_string_not_equal(a, b);
	assert_int_equal(link_pid(alice.link), atoi(a));
	assert_string_equal(tool(&alice, "counter", "{}"), "1");
	assert_string_equal(tool(&alice, "counter", "{}"), "2");
	assert_string_equal(tool(&bob, "counter", "{}"), "1");
	assert_has(tool(&alice, "client", "{}"),
		   "\"clientInfo\": {\"name\": \"tester\", \"version\": \"9\"}");
	link_close(&alice.link);
	until(is_gone(atoi(a)));
	assert_false(is_gone(atoi(b)));
}

static void test_user_children(void **state)
{
	struct client carol;
	char a[16], c[16];

	(void)state;
	init_client(&carol, "session-c", "carol");
	begin_ready("", CONFIG_SCOPE_USER);
	open_client(&carol);
	snprintf(a, sizeof a, "%s", tool(&alice, "pid", "{}"));
	assert_string_equal(a, tool(&bob, "pid", "{}"));
	snprintf(c, sizeof c, "%s", tool(&carol, "pid", "{}"));
	assert_string_not_equal(a, c);
	assert_int_equal(link_pid(alice.link), 0);
	link_close(&carol.link);
	until(is_gone(atoi(c)));
	link_close(&alice.link);
	assert_string_equal(a, tool(&bob, "pid", "{}"));
	link_close(&bob.link);
	until(is_gone(atoi(a)));
}

static void test_shared_child(void **state)
{
	char a[16];

	(void)state;
	begin_ready("", CONFIG_SCOPE_SHARED);
	assert_int_equal(children_count(set), 1);
	snprintf(a, sizeof a, "%s", tool(&alice, "pid", "{}"));
	assert_string_equal(a, tool(&bob, "pid", "{}"));
	assert_has(tool(&alice, "client", "{}"), "\"capabilities\": {}");
	link_close(&alice.link);
	link_close(&bob.link);
	assert_int_equal(children_count(set), 1);
}

/* peers.md, 20 and 21: calls of several clients in one child at once, with equal tokens. */
static void test_shared_calls_do_not_mix(void **state)
{
	struct reply r[20];

	(void)state;
	begin_ready("", CONFIG_SCOPE_SHARED);
	for (int i = 0; i < 20; i++) {
		char text[96];

		snprintf(text, sizeof text, "{'name':'%s','arguments':{'text':'%d','steps':3}}",
			 i % 2 ? "progress" : "echo", i);
		send_call(i % 3 ? &alice : &bob, &r[i], "tools/call", json_of(text),
			  json_string("the same"));
	}
	for (int i = 0; i < 20; i++) {
		char text[16];

		loop_until_count(base, &r[i].ends, 1);
		snprintf(text, sizeof text, "%d", i);
		assert_string_equal(r[i].text, i % 2 ? "done" : text);
		assert_int_equal(r[i].notes, i % 2 ? 3 : 0);
		if (i % 2)
			assert_true(
				json_is(json_object_get(r[i].note, "progressToken"), "'the same'"));
		done(&r[i]);
	}
}

static void test_progress_needs_a_token(void **state)
{
	json_t *params = json_of("{'name':'progress','_meta':{'progressToken':'mine','x':1}}");
	struct reply r;

	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	/* A token that the front did not hand over is nobody's, and does not get to the server. */
	send_call(&alice, &r, "tools/call", json_incref(params), NULL);
	loop_until_count(base, &r.ends, 1);
	assert_int_equal(r.notes, 0);
	assert_true(json_is(params, "{'name':'progress','_meta':{'progressToken':'mine','x':1}}"));
	done(&r);
	send_call(&alice, &r, "tools/call", json_incref(params), json_integer(7));
	loop_until_count(base, &r.ends, 1);
	assert_int_equal(r.notes, 3);
	assert_true(json_is(r.note, "{'progressToken':7,'progress':3,'total':3,'message':'step'}"));
	done(&r);
	json_decref(params);
}

static void test_dead_token(void **state)
{
	struct reply r;

	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	send_call(&alice, &r, "tools/call", json_of("{'name':'deadtoken'}"), json_integer(7));
	loop_until_count(base, &r.ends, 1);
	assert_string_equal(tool(&alice, "echo", "{'text':'after'}"), "after");
	assert_int_equal(r.notes, 0);
	done(&r);
}

static void test_cancel(void **state)
{
	struct reply r;
	json_t *seen;

	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	assert_string_equal(tool(&alice, "echo", "{'text':'up'}"), "up");
	send_tool(&alice, &r, "slow", "{'seconds':1000}");
	call_cancel(r.call, "enough");
	assert_int_equal(r.kind, ANSWER_CANCELLED);
	seen = json_loads(tool(&alice, "seen", "{}"), 0, NULL);
	/* initialize, initialized, echo, slow, cancelled: requests 1 (initialize), 2, 3. */
	assert_true(json_is(seen, "['initialize','notifications/initialized','tools/call',"
				  "'tools/call','notifications/cancelled 3','tools/call']"));
	json_decref(seen);
	assert_int_equal(r.ends, 1);
}

static void test_cancel_before_ready(void **state)
{
	struct reply r;
	json_t *seen;

	(void)state;
	begin_ready("--slow-start 0.1", CONFIG_SCOPE_SESSION);
	send_tool(&alice, &r, "die", "{}");
	call_cancel(r.call, NULL);
	seen = json_loads(tool(&alice, "seen", "{}"), 0, NULL);
	assert_true(json_is(seen, "['initialize','notifications/initialized','tools/call']"));
	json_decref(seen);
}

static void test_deadline(void **state)
{
	struct reply r = {0};

	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	tool(&alice, "echo", "{}");
	r.call = call_new(base, &front, &r, &alice.caller, "tools/call", json_of("{'name':'hang'}"),
			  NULL, 200);
	link_call(alice.link, r.call);
	loop_until_count(base, &r.ends, 1);
	assert_has(r.text, "no answer within 0.2 s");
	assert_has(tool(&alice, "seen", "{}"), "notifications/cancelled");
}

/* ---- misbehaviour ---- */

static void test_strange_answers(void **state)
{
	static const char *const tools[][2] = {{"double", "first"},
					       {"wrongid", "right"},
					       {"unknown", "right"},
					       {"garbage", "after garbage"}};

	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	for (size_t i = 0; i < sizeof tools / sizeof tools[0]; i++)
		assert_string_equal(tool(&alice, tools[i][0], "{}"), tools[i][1]);
	assert_string_equal(tool(&alice, "echo", "{'text':'alive'}"), "alive");
}

/* However much nonsense comes, the log stays readable. */
static void test_garbage_is_not_logged_for_ever(void **state)
{
	(void)state;
	log_set_level(LOGL_INFO);
	begin_ready("", CONFIG_SCOPE_SESSION);
	capture_start();
	assert_string_equal(tool(&alice, "garbage", "{'lines':2000}"), "after garbage");
	assert_true(capture_matches("the server sent") > 0);
	assert_true(capture_matches("the server sent") < 200);
	capture_stop();
	log_set_level(LOGL_NOTICE);
}

static void test_line_too_long(void **state)
{
	struct reply hang;

	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	send_tool(&alice, &hang, "hang", "{}");
	assert_has(tool_error(&alice, "toolong", "{'bytes':104857600}"),
		   "more than 1048576 bytes in one line");
	assert_int_equal(hang.ends, 1); /* the lost message might have been its answer */
	assert_string_equal(tool(&alice, "echo", "{'text':'alive'}"), "alive");
}

static void test_dies_in_a_call(void **state)
{
	struct reply hang;
	json_t *row;

	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	send_tool(&alice, &hang, "hang", "{}");
	assert_string_equal(tool_error(&alice, "die", "{'status':9}"),
			    "backend fake: the server exited with status 9");
	assert_int_equal(hang.ends, 1);
	assert_string_equal(tool(&alice, "counter", "{}"), "1"); /* a fresh child */
	assert_string_equal(tool_error(&alice, "crash", "{}"),
			    "backend fake: the server was killed by SIGKILL");
	assert_has(tool_error(&alice, "midline", "{}"), "exited with status 0");
	assert_string_equal(tool(&alice, "counter", "{}"), "1");
	assert_int_equal(backend_state(backend), BACKEND_READY);
	row = backend_describe(backend);
	assert_true(json_is(json_object_get(row, "restarts"), "3"));
	assert_true(json_is(json_object_get(row, "scope"), "'session'"));
	json_decref(row);
}

static void test_closes_stdout(void **state)
{
	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	assert_has(tool_error(&alice, "close_stdout", "{}"), "closed its standard input or output");
	assert_string_equal(tool(&alice, "echo", "{'text':'alive'}"), "alive");
}

static void test_closes_stdin(void **state)
{
	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	assert_string_equal(tool(&alice, "close_stdin", "{}"), "closed");
	assert_has(tool_error(&alice, "echo", "{}"), "closed its standard input or output");
	assert_string_equal(tool(&alice, "echo", "{'text':'alive'}"), "alive");
}

static void test_stops_reading(void **state)
{
	char *big = malloc((3 << 19) + 1);
	struct reply r[4];

	(void)state;
	memset(big, 'x', 3 << 19);
	big[3 << 19] = '\0';
	begin_ready("", CONFIG_SCOPE_SESSION);
	assert_string_equal(tool(&alice, "stop_reading", "{}"), "stopped");
	for (int i = 0; i < 4; i++)
		send_call(&alice, &r[i], "tools/call",
			  json_pack("{s:s,s:{s:s}}", "name", "echo", "arguments", "text", big),
			  NULL);
	assert_int_equal(r[3].ends, 1);
	assert_has(r[3].text, "does not read");
	assert_int_equal(r[0].ends, 0);
	for (int i = 0; i < 3; i++)
		if (r[i].ends == 0)
			call_cancel(r[i].call, "test over");
	free(big);
}

static void test_shared_child_dies(void **state)
{
	struct reply ra, rb;
	json_t *row;

	(void)state;
	begin_ready("", CONFIG_SCOPE_SHARED);
	send_tool(&alice, &ra, "hang", "{}");
	send_tool(&bob, &rb, "hang", "{}");
	assert_has(tool_error(&alice, "die", "{}"), "exited with status 1");
	assert_int_equal(ra.ends, 1);
	assert_int_equal(rb.ends, 1);
	/* peers.md, 8: its state tells, and it comes back without being asked. */
	assert_int_equal(backend_state(backend), BACKEND_FAILED);
	assert_non_null(backend_offer(backend));
	until(backend_state(backend) == BACKEND_READY);
	assert_string_equal(tool(&bob, "counter", "{}"), "1");
	row = backend_describe(backend);
	assert_true(json_is(json_object_get(row, "children"), "1"));
	json_decref(row);
}

/* A child that dies before the handshake is not started with each call. */
static void test_back_off(void **state)
{
	char state_file[] = "/tmp/mcpd-test-XXXXXX", options[128];
	struct reply r;

	(void)state;
	close(mkstemp(state_file));
	snprintf(options, sizeof options, "--state %s", state_file);
	begin_ready(options, CONFIG_SCOPE_SESSION);
	configure("--die-start 4");
	assert_has(tool_error(&alice, "echo", "{}"), "exited with status 4 before initialize");
	send_tool(&alice, &r, "echo", "{}");
	assert_int_equal(r.ends, 1); /* at once */
	assert_has(r.text, "exited with status 4 before initialize was answered; the next attempt "
			   "is due in 1 s");
	configure(options);
	do {
		loop_turn(base);
		send_tool(&alice, &r, "echo", "{'text':'back'}");
	} while (r.ends == 1);
	loop_until_count(base, &r.ends, 1);
	assert_string_equal(r.text, "back");
	done(&r);
	unlink(state_file);
}

static void test_caps(void **state)
{
	struct reply r;

	(void)state;
	conf.max_children = 1;
	begin_ready("", CONFIG_SCOPE_SESSION);
	until(children_count(set) == 0);
	assert_string_equal(tool(&alice, "echo", "{'text':'one'}"), "one");
	send_tool(&bob, &r, "echo", "{}");
	assert_int_equal(r.ends, 1);
	assert_int_equal(r.code, RPC_INTERNAL_ERROR);
	assert_has(r.text,
		   "backend fake: too many child processes: all 1 (maxChildren of server fake)");
	link_close(&alice.link);
	until(children_count(set) == 0);
	assert_string_equal(tool(&bob, "echo", "{'text':'two'}"), "two");
}

/* peers.md, 7: a session that ends during the handshake leaves nothing behind. */
static void test_close_during_handshake(void **state)
{
	struct reply r;
	pid_t pid;

	(void)state;
	begin_ready("--ignore-term", CONFIG_SCOPE_SESSION);
	configure("--hang-start --ignore-term --ignore-eof");
	until(children_count(set) == 0);
	send_tool(&alice, &r, "echo", "{}");
	pid = link_pid(alice.link);
	assert_true(pid > 1);
	call_cancel(r.call, "session closed");
	link_close(&alice.link);
	until(children_count(set) == 0);
	assert_true(is_gone(pid));
}

static void test_grandchildren(void **state)
{
	static const char *const hows[] = {"{'how':'plain'}", "{'how':'setsid'}", "{'how':'hold'}",
					   "{'how':'stubborn'}"};
	pid_t pids[4];

	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	for (int i = 0; i < 4; i++)
		pids[i] = atoi(tool(&alice, "grandchild", hows[i]));
	link_close(&alice.link);
	for (int i = 0; i < 4; i++)
		until(is_gone(pids[i]));
}

/* ---- questions, logs, subscriptions ---- */

static void test_question(void **state)
{
	struct reply r;

	(void)state;
	alice.caller.capabilities = "{\"sampling\":{\"tools\":{}},\"experimental\":{\"x\":{}}}";
	begin_ready("", CONFIG_SCOPE_SESSION);
	send_tool(&alice, &r, "sample", "{'text':'what?'}");
	loop_until_count(base, &r.asks, 1);
	assert_string_equal(question_method(r.asked), "sampling/createMessage");
	assert_true(json_is(json_object_get(question_params(r.asked), "maxTokens"), "10"));
	question_answer(r.asked, jsontext_of(json_of("{'role':'assistant','model':'m'}")), NULL);
	loop_until_count(base, &r.ends, 1);
	assert_string_equal(r.text, "{\"role\": \"assistant\", \"model\": \"m\"}");
	done(&r);
	send_tool(&alice, &r, "elicit", "{}");
	loop_until_count(base, &r.asks, 1);
	question_refuse(r.asked, -1, "no");
	loop_until_count(base, &r.ends, 1);
	assert_string_equal(r.text, "{\"error\": {\"code\": -1, \"message\": \"no\"}}");
	done(&r);
	assert_has(tool(&alice, "client", "{}"),
		   "\"capabilities\": {\"sampling\": {\"tools\": {}}}");
}

static void test_question_to_the_latest(void **state)
{
	struct reply old, r;

	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	send_tool(&alice, &old, "hang", "{}");
	send_tool(&alice, &r, "roots", "{}");
	loop_until_count(base, &r.asks, 1);
	assert_int_equal(old.asks, 0);
	question_answer(r.asked, jsontext_of(json_of("{'roots':[]}")), NULL);
	loop_until_count(base, &r.ends, 1);
	done(&r);
	call_cancel(old.call, "over");
}

static void test_question_outside_a_call(void **state)
{
	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	tool(&alice, "ask_later", "{'method':'roots/list'}");
	loop_until_count(base, &alice.asks, 1);
	assert_string_equal(question_method(alice.asked), "roots/list");
	question_answer(alice.asked, jsontext_of(json_of("{'roots':[{'uri':'file:///x'}]}")), NULL);
	until(strstr(tool(&alice, "asked", "{}"), "file:///x") != NULL);
}

static void test_question_withdrawn(void **state)
{
	struct reply r;

	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	send_tool(&alice, &r, "ask_cancel", "{}");
	loop_until_count(base, &r.ends, 1);
	assert_int_equal(r.asks, 1);
	assert_int_equal(r.withdrawn, 1);
	done(&r);
	send_tool(&alice, &r, "elicit", "{}");
	loop_until_count(base, &r.asks, 1);
	tool_error(&alice, "die", "{}");
	assert_int_equal(r.ends, 1);
	assert_int_equal(r.withdrawn, 1);
	done(&r);
	/* Cancelling a call takes its question along. */
	send_tool(&alice, &r, "elicit", "{}");
	loop_until_count(base, &r.asks, 1);
	call_cancel(r.call, "enough");
	assert_int_equal(r.withdrawn, 1);
	question_answer(r.asked, jsontext_of(json_object()), NULL); /* crossed; nobody hears it */
	assert_string_equal(tool(&alice, "echo", "{'text':'alive'}"), "alive");
}

/* peers.md, section 4 i: what belongs to nobody must not reach somebody. */
static void test_shared_asks_nobody(void **state)
{
	struct reply r;

	(void)state;
	alice.caller.capabilities = "{\"sampling\":{}}";
	begin_ready("", CONFIG_SCOPE_SHARED);
	send_tool(&alice, &r, "sample", "{}");
	loop_until_count(base, &r.ends, 1);
	assert_int_equal(r.asks, 0);
	assert_has(r.text, "-32601");
	done(&r);
	assert_int_equal(alice.asks + bob.asks, 0);
}

static void test_log_messages(void **state)
{
	struct reply r;

	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	send_tool(&alice, &r, "log", "{'level':'error','text':'bad'}");
	loop_until_count(base, &r.ends, 1);
	assert_int_equal(r.notes, 1);
	assert_string_equal(r.note_method, "notifications/message");
	assert_true(json_is(r.note, "{'level':'error','logger':'fake','data':'bad'}"));
	done(&r);
	/* With two calls in flight nobody can say whose it is: then it is the session's. */
	send_tool(&alice, &r, "hang", "{}");
	tool(&alice, "log", "{}");
	assert_int_equal(alice.notes, 1);
	assert_int_equal(r.notes, 0);
	call_cancel(r.call, "over");
	assert_int_equal(bob.notes, 0);
}

static void test_shared_log_messages(void **state)
{
	struct reply r;

	(void)state;
	begin_ready("", CONFIG_SCOPE_SHARED);
	send_tool(&alice, &r, "log", "{}");
	loop_until_count(base, &r.ends, 1);
	assert_int_equal(r.notes + alice.notes + bob.notes, 0);
	done(&r);
}

static void test_log_level(void **state)
{
	struct reply r;

	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	until(children_count(set) == 0);
	request_empty(&alice, "logging/setLevel", "{'level':'warning'}");
	assert_int_equal(children_count(set), 0); /* no reason to start one */
	assert_string_equal(tool(&alice, "loglevel", "{}"), "warning");
	request_empty(&alice, "logging/setLevel", "{'level':'debug'}");
	assert_string_equal(tool(&alice, "loglevel", "{}"), "debug");
	tool_error(&alice, "die", "{}");
	assert_string_equal(tool(&alice, "loglevel", "{}"), "debug");
	send_call(&alice, &r, "logging/setLevel", json_of("{'level':'loud'}"), NULL);
	assert_int_equal(r.code, RPC_INVALID_PARAMS);
	bob.caller.log_level = mcp_log_level_parse("error");
	assert_string_equal(tool(&bob, "loglevel", "{}"), "error");
}

/* The server is told of levels once in a second. */
static void wait_for_level(const char *level)
{
	while (strcmp(tool(&alice, "loglevel", "{}"), level) != 0)
		;
}

static void test_shared_log_level(void **state)
{
	(void)state;
	begin_ready("", CONFIG_SCOPE_SHARED);
	tool(&alice, "echo", "{}");
	tool(&bob, "echo", "{}");
	request_empty(&alice, "logging/setLevel", "{'level':'error'}");
	request_empty(&bob, "logging/setLevel", "{'level':'info'}");
	wait_for_level("info");
	link_close(&bob.link);
	wait_for_level("error");
}

static void test_subscriptions(void **state)
{
	struct reply r;

	(void)state;
	begin_ready("", CONFIG_SCOPE_SHARED);
	request_empty(&alice, "resources/subscribe", "{'uri':'test://1'}");
	request_empty(&bob, "resources/subscribe", "{'uri':'test://1'}");
	request_empty(&bob, "resources/subscribe", "{'uri':'test://2'}");
	assert_string_equal(tool(&alice, "subs", "{}"), "[\"test://1\", \"test://2\"]");
	tool(&alice, "update", "{'uri':'test://2'}");
	assert_int_equal(alice.notes, 0);
	assert_int_equal(bob.notes, 1);
	assert_string_equal(bob.note_method, "notifications/resources/updated");
	tool(&alice, "update", "{'uri':'test://1'}");
	assert_int_equal(alice.notes, 1);
	assert_int_equal(bob.notes, 2);
	request_empty(&bob, "resources/unsubscribe", "{'uri':'test://1'}");
	assert_string_equal(tool(&alice, "subs", "{}"), "[\"test://1\", \"test://2\"]");
	tool(&alice, "update", "{'uri':'test://1'}");
	loop_until_count(base, &alice.notes, 2); /* one in a second, and the last arrives */
	assert_int_equal(bob.notes, 2);
	/* A holder that goes takes its subscriptions along, and only those. */
	link_close(&bob.link);
	assert_string_equal(tool(&alice, "subs", "{}"), "[\"test://1\"]");
	request_empty(&alice, "resources/unsubscribe", "{'uri':'test://1'}");
	assert_string_equal(tool(&alice, "subs", "{}"), "[]");
	send_call(&alice, &r, "resources/subscribe", json_of("{'uri':'test://refused'}"), NULL);
	loop_until_count(base, &r.ends, 1);
	assert_int_equal(r.kind, ANSWER_ERROR);
	tool(&alice, "update", "{'uri':'test://refused'}");
	assert_int_equal(alice.notes, 2);
}

/* A client of a shared child that has not subscribed ends no other client's subscription: neither
 * by unsubscribing nor by leaving. */
static void test_unsubscribes_for_itself_alone(void **state)
{
	(void)state;
	begin_ready("", CONFIG_SCOPE_SHARED);
	request_empty(&alice, "resources/subscribe", "{'uri':'test://1'}");
	request_empty(&bob, "resources/subscribe", "{'uri':'test://2'}");
	request_empty(&bob, "resources/unsubscribe", "{'uri':'test://1'}");
	request_empty(&bob, "resources/unsubscribe", "{'uri':'test://3'}");
	assert_string_equal(tool(&alice, "subs", "{}"), "[\"test://1\", \"test://2\"]");
	tool(&alice, "update", "{'uri':'test://1'}");
	assert_int_equal(alice.notes, 1);
	assert_int_equal(bob.notes, 0);
	request_empty(&bob, "resources/unsubscribe", "{'uri':'test://2'}");
	link_close(&bob.link);
	assert_string_equal(tool(&alice, "subs", "{}"), "[\"test://1\"]");
}

static void test_subscriptions_survive(void **state)
{
	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	request_empty(&alice, "resources/subscribe", "{'uri':'test://1'}");
	tool_error(&alice, "die", "{}");
	assert_string_equal(tool(&alice, "subs", "{}"), "[\"test://1\"]");
	tool(&alice, "update", "{'uri':'test://1'}");
	assert_int_equal(alice.notes, 1);
}

/* Nobody calls, but somebody waits to hear: the child is started again for that. */
static void test_subscriber_gets_a_child(void **state)
{
	pid_t pid;

	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	request_empty(&alice, "resources/subscribe", "{'uri':'test://1'}");
	pid = link_pid(alice.link);
	tool_error(&alice, "die", "{}");
	assert_int_equal(link_pid(alice.link), 0);
	until(link_pid(alice.link) != 0);
	assert_true(link_pid(alice.link) != pid);
	assert_string_equal(tool(&alice, "subs", "{}"), "[\"test://1\"]");
}

/* ---- lists that change ---- */

static void test_shared_list_changes(void **state)
{
	(void)state;
	begin_ready("", CONFIG_SCOPE_SHARED);
	tool(&alice, "set_tools", "{'names':['fresh']}");
	loop_until_count(base, &changes, 2);
	assert_int_equal(changed_mask, 1u << OFFER_TOOLS);
	assert_int_equal(offered(backend_offer(backend), OFFER_TOOLS, "fresh"), 1);
	assert_int_equal(offered(backend_offer(backend), OFFER_RESOURCES, "test://1"), 1);
}

static void test_session_list_changes(void **state)
{
	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	tool(&alice, "set_tools", "{'names':['fresh']}");
	loop_until_count(base, &alice.changes, 1);
	assert_int_equal(alice.mask, 1u << OFFER_TOOLS);
	assert_int_equal(offered(link_offer(alice.link), OFFER_TOOLS, "fresh"), 1);
	assert_int_equal(offered(link_offer(bob.link), OFFER_TOOLS, "fresh"), 0);
	assert_int_equal(offered(backend_offer(backend), OFFER_TOOLS, "fresh"), 0);
	assert_int_equal(changes, 1);
	/* Back to what all have. */
	tool(&alice, "set_tools", "{'names':[]}");
	loop_until_count(base, &alice.changes, 2);
	assert_ptr_equal(link_offer(alice.link), backend_offer(backend));
	/* Again, and this time the child dies: the next one has not got it. */
	tool(&alice, "set_tools", "{'names':['fresh']}");
	loop_until_count(base, &alice.changes, 3);
	tool_error(&alice, "die", "{}");
	tool(&alice, "echo", "{}");
	loop_until_count(base, &alice.changes, 4);
	assert_ptr_equal(link_offer(alice.link), backend_offer(backend));
	assert_int_equal(bob.changes, 0);
}

/* Equal lists are no news. */
static void test_list_changed_without_change(void **state)
{
	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	tool(&alice, "set_tools", "{'names':[]}");
	tool(&alice, "set_tools", "{'names':[]}");
	until(strstr(tool(&alice, "seen", "{}"), "tools/list") != NULL);
	tool(&alice, "echo", "{}");
	assert_int_equal(alice.changes, 0);
}

static void test_conditional_tools(void **state)
{
	(void)state;
	bob.caller.capabilities = "{\"sampling\":{}}";
	begin("--conditional", CONFIG_SCOPE_SESSION);
	/* The probe can do everything, and waits for what is added right after the start. */
	until(backend_offer(backend) != NULL &&
	      offered(backend_offer(backend), OFFER_TOOLS, "needs_sampling") == 1);
	tool(&bob, "echo", "{}");
	assert_int_equal(offered(link_offer(bob.link), OFFER_TOOLS, "needs_sampling"), 1);
	tool(&alice, "set_tools", "{'names':[]}");
	loop_until_count(base, &alice.changes, 1);
	assert_int_equal(offered(link_offer(alice.link), OFFER_TOOLS, "needs_sampling"), 0);
	assert_int_equal(bob.changes, 0);
}

/* ---- idle, stop, restart ---- */

static void test_idle_stop(void **state)
{
	pid_t pid;

	(void)state;
	conf.idle_stop_ms = 100;
	begin_ready("", CONFIG_SCOPE_SHARED);
	until(children_count(set) == 0);
	assert_int_equal(backend_state(backend), BACKEND_READY);
	assert_int_equal(offered(backend_offer(backend), OFFER_TOOLS, "echo"), 1);
	pid = atoi(tool(&alice, "pid", "{}"));
	tool(&alice, "slow", "{'seconds':0.3}"); /* a call in flight keeps it */
	assert_int_equal(atoi(tool(&alice, "pid", "{}")), pid);
	until(children_count(set) == 0);
	request_empty(&alice, "resources/subscribe", "{'uri':'test://1'}");
	pid = atoi(tool(&alice, "pid", "{}"));
	tool(&alice, "slow", "{'seconds':0.3}");
	assert_false(is_gone(pid));
}

static void test_stop(void **state)
{
	struct reply r;

	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	tool(&alice, "echo", "{}");
	send_tool(&alice, &r, "hang", "{}");
	backend_stop(backend);
	assert_int_equal(r.ends, 1);
	assert_has(r.text, "stopped");
	until(children_count(set) == 0);
	assert_has(tool_error(&alice, "echo", "{}"), "stopped");
}

static void test_restart(void **state)
{
	struct reply r;
	pid_t pid;

	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	pid = atoi(tool(&alice, "pid", "{}"));
	send_tool(&alice, &r, "hang", "{}");
	configure("--tools 1");
	backend_restart(backend);
	assert_int_equal(r.ends, 1);
	assert_has(r.text, "restarted");
	assert_true(atoi(tool(&alice, "pid", "{}")) != pid);
	until(backend_state(backend) == BACKEND_READY);
	assert_int_equal(offered(backend_offer(backend), OFFER_TOOLS, "tool_0"), 1);
	until(is_gone(pid));
}

/* An operator who restarts a backend has repaired something: the next wait is a first one again, a
 * second. (A slow machine may have passed it, then another attempt was made at once.) */
static void test_restart_begins_anew(void **state)
{
	static char missing[] = "/no/such/program";
	const char *said = "", *due;

	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	argv_buf[0] = missing;
	for (int i = 0; i < 10; i++) {
		backend_restart(backend);
		assert_has(tool_error(&alice, "pid", "{}"), "No such file");
		said = tool_error(&alice, "pid", "{}");
	}
	due = strstr(said, "due in ");
	assert_true(!due || atoi(due + strlen("due in ")) == 1);
}

/* ---- re-entrancy ---- */

static int ends_inside;

static void on_end_close(struct call *c, const struct answer *a, void *arg)
{
	struct client *cl = arg;

	(void)c;
	(void)a;
	ends_inside++;
	link_close(&cl->link);
}

static void on_end_again(struct call *c, const struct answer *a, void *arg)
{
	static const struct call_front plain = {on_notify, on_ask, on_end};
	static struct reply r;
	struct client *cl = arg;

	(void)c;
	(void)a;
	ends_inside++;
	r = (struct reply){0};
	r.call = call_new(base, &plain, &r, &cl->caller, "tools/call", json_of("{'name':'pid'}"),
			  NULL, 0);
	link_call(cl->link, r.call);
	call_cancel(r.call, "never mind");
}

/* A session that closes from inside the end of its call, whatever ended that. */
static void test_close_inside_end(void **state)
{
	static const struct call_front closing = {on_notify, on_ask, on_end_close};
	static const char *const tools[] = {"echo", "die", "toolong"};
	json_t *params;

	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	for (int i = 0; i < 3; i++) {
		ends_inside = 0;
		if (!alice.link)
			open_client(&alice);
		tool(&alice, "echo", "{}");
		params =
			json_pack("{s:s,s:{s:i}}", "name", tools[i], "arguments", "bytes", 2000000);
		link_call(alice.link, call_new(base, &closing, &alice, &alice.caller, "tools/call",
					       params, NULL, 0));
		loop_until_count(base, &ends_inside, 1);
		assert_null(alice.link);
	}
	until(children_count(set) == 0);
}

static void test_call_inside_end(void **state)
{
	static const struct call_front again = {on_notify, on_ask, on_end_again};

	(void)state;
	begin_ready("", CONFIG_SCOPE_SESSION);
	ends_inside = 0;
	link_call(alice.link, call_new(base, &again, &alice, &alice.caller, "tools/call",
				       json_of("{'name':'die'}"), NULL, 0));
	loop_until_count(base, &ends_inside, 1);
	assert_string_equal(tool(&alice, "echo", "{'text':'alive'}"), "alive");
	ends_inside = 0;
	link_call(alice.link, call_new(base, &again, &alice, &alice.caller, "tools/call",
				       json_of("{'name':'hang'}"), NULL, 0));
	backend_restart(backend);
	assert_int_equal(ends_inside, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_learns),
		T(test_learns_pages),
		T(test_pages_without_end),
		T(test_endless_list),
		T(test_half_a_server),
		T(test_lists_of_what_is_declared),
		T(test_garbage_at_start),
		T(test_dies_at_start),
		T(test_refuses_initialize),
		T(test_unknown_version),
		T(test_hangs_at_start),
		T(test_missing_program),
		T(test_recovers),
		T(test_call_methods),
		T(test_error_of_the_server),
		T(test_session_children),
		T(test_user_children),
		T(test_shared_child),
		T(test_shared_calls_do_not_mix),
		T(test_progress_needs_a_token),
		T(test_dead_token),
		T(test_cancel),
		T(test_cancel_before_ready),
		T(test_deadline),
		T(test_strange_answers),
		T(test_garbage_is_not_logged_for_ever),
		T(test_line_too_long),
		T(test_dies_in_a_call),
		T(test_closes_stdout),
		T(test_closes_stdin),
		T(test_stops_reading),
		T(test_shared_child_dies),
		T(test_back_off),
		T(test_caps),
		T(test_close_during_handshake),
		T(test_grandchildren),
		T(test_question),
		T(test_question_to_the_latest),
		T(test_question_outside_a_call),
		T(test_question_withdrawn),
		T(test_shared_asks_nobody),
		T(test_log_messages),
		T(test_shared_log_messages),
		T(test_log_level),
		T(test_shared_log_level),
		T(test_subscriptions),
		T(test_unsubscribes_for_itself_alone),
		T(test_subscriptions_survive),
		T(test_subscriber_gets_a_child),
		T(test_shared_list_changes),
		T(test_session_list_changes),
		T(test_list_changed_without_change),
		T(test_conditional_tools),
		T(test_idle_stop),
		T(test_stop),
		T(test_restart),
		T(test_restart_begins_anew),
		T(test_close_inside_end),
		T(test_call_inside_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
