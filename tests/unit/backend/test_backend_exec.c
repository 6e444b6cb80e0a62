/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/backend.h"
#include "backend/backend_impl.h"
#include "config/config.h"
#include "failalloc.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "mcp/call.h"
#include "process/children.h"

static struct event_base *base;
static struct children *children;
static struct config *conf;
static struct backend *backend;
static struct link *holder;

static const struct caller caller = {
	.session = "s1",
	.peer = "127.0.0.1",
	.rev = MCP_REV_2025_11_25,
	.capabilities = "{}",
	.log_level = -1,
};
static const struct link_events link_events = {0};

/* How a call ended. */
struct seen {
	bool ended;
	enum answer_kind kind;
	json_t *result;
	int code;
	char message[256];
	int left; /* how many ended before this one */
};
static int ended;

static void on_end(struct call *c, const struct answer *answer, void *arg)
{
	struct seen *s = arg;

	(void)c;
	assert_false(s->ended);
	s->ended = true;
	s->left = ended++;
	s->kind = answer->kind;
	s->result = answer->result ? json_incref(jsontext_tree(answer->result, NULL)) : NULL;
	s->code = answer->code;
	snprintf(s->message, sizeof s->message, "%s",
		 answer->message != NULL ? answer->message : "");
}

static const struct call_front front = {.end = on_end};

/* A backend with these tools ("{...}", with ' for "). */
static struct backend_env env;

static void open_backend(const char *tools, const struct children_limits *limits)
{
	static const struct children_limits none = {0};
	static char text[8192];
	struct err e = {0};

	snprintf(text, sizeof text, "{'mcpServers':{'host':{'env':{'ADDED':'yes'},'tools':%s}}}",
		 tools);
	for (char *p = text; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	conf = config_parse(text, strlen(text), "t.json", &e);
	if (!conf)
		fail_msg("%s", e.text);
	children = children_new(base, limits != NULL ? limits : &none, &e);
	assert_non_null(children);
	env = (struct backend_env){.base = base, .children = children, .limits = &conf->limits};
	backend = backend_new(&env, &conf->backends[0], &e);
	assert_non_null(backend);
	assert_int_equal(backend_state(backend), BACKEND_STOPPED);
	backend_start(backend, &(const struct backend_confinement){0});
	assert_int_equal(backend_state(backend), BACKEND_READY);
	holder = link_new(backend, &caller, &link_events, NULL);
	assert_non_null(holder);
}

static void set_true(void *arg)
{
	*(bool *)arg = true;
}

/* Everything is stopped, reaped and freed. */
static void close_backend(void)
{
	bool empty = false;

	link_close(&holder);
	backend_stop(backend);
	backend_free(&backend);
	children_when_empty(children, set_true, &empty);
	loop_until(base, &empty);
	assert_int_equal(children_count(children), 0);
	children_free(&children);
	config_free(&conf);
	assert_int_equal(call_count(), 0);
}

static int setup(void **state)
{
	(void)state;
	base = loop_open();
	ended = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	loop_close(base);
	return 0;
}

static struct call *start(struct seen *s, const char *name, const char *arguments)
{
	json_t *params = json_pack("{s:s}", "name", name);
	struct jsontext *text = arguments ? jsontext_of(json_of(arguments)) : NULL;
	struct call *c;

	*s = (struct seen){0};
	c = call_new(base, &front, s, &caller, "tools/call", params, NULL, 0);
	assert_non_null(c);
	call_set_arguments(c, text);
	jsontext_unref(&text);
	link_call(holder, c);
	return c;
}

/* Calls the tool and waits for the result, which has to be WANTED. */
static void result_is(const char *name, const char *arguments, const char *wanted)
{
	struct seen s;

	start(&s, name, arguments);
	loop_until(base, &s.ended);
	if (s.kind != ANSWER_RESULT)
		fail_msg("%s: %s", name, s.message);
	assert_true(json_is(s.result, wanted));
	json_decref(s.result);
}

#define ERROR(text) "{'content':[{'type':'text','text':'" text "'}],'isError':true}"
#define TEXT(text)  "{'content':[{'type':'text','text':'" text "'}]}"

static void results(void **state)
{
	(void)state;
	open_backend("{'echo':{'command':['printf','%s,','--','{a}','{l}'],'inputSchema':{'type':'"
		     "object',"
		     "'properties':{'a':{'type':'string','maxLength':9},'l':{'type':'array'}},"
		     "'additionalProperties':false}},"
		     "'cat':{'command':['cat'],'inputSchema':{'type':'object'}},"
		     "'true':{'command':['true']},'false':{'command':['false']},"
		     "'env':{'command':['sh','-c','echo $ADDED:$SECRET:$(pwd)'],'cwd':'/usr'},"
		     "'bad':{'command':['printf','a\\\\377b']},"
		     "'both':{'command':['sh','-c','echo out; echo why >&2; exit 3']},"
		     "'out':{'command':['sh','-c','echo differs; exit 1']},"
		     "'warns':{'command':['sh','-c','echo careful >&2; echo fine']},"
		     "'deaf':{'command':['sh','-c','exec <&-; echo heard nothing'],"
		     "'inputSchema':{'type':'object'}},"
		     "'killed':{'command':['sh','-c','kill -9 $$']}}",
		     NULL);
	result_is("echo", "{'a':'x; $(id)','l':[1,'two']}", TEXT("--,x; $(id),1,two,"));
	result_is("echo", NULL, TEXT("--,"));
	result_is("cat", "{'b':[1.5,'\\u00e4'],'a':{}}",
		  TEXT("{\\\"b\\\":[1.5,\\\"\xc3\xa4\\\"],\\\"a\\\":{}}\\n"));
	for (int i = 0; i < 30; i++) /* now and then it is over before its stdin is written */
		result_is("true", "{}", TEXT(""));
	setenv("SECRET", "s3cret", 1);
	result_is("env", NULL, TEXT("yes::/usr\\n"));
	result_is("bad", NULL, TEXT("a\\ufffdb"));
	result_is("warns", NULL, TEXT("fine\\n"));
	result_is("deaf", "{'x':1}", TEXT("heard nothing\\n"));
	result_is("false", NULL, ERROR("false exited with status 1"));
	result_is("killed", NULL, ERROR("killed was killed by SIGKILL"));
	result_is("both", NULL,
		  "{'content':[{'type':'text','text':'why\\n'},{'type':'text','text':'out\\n'}],"
		  "'isError':true}");
	result_is("out", NULL,
		  "{'content':[{'type':'text','text':'out exited with status 1'},"
		  "{'type':'text','text':'differs\\n'}],'isError':true}");
	/* Before anything is started. */
	result_is("echo", "{'a':7}", ERROR("Invalid arguments: a: expected a string"));
	result_is("echo", "{'b':7}", ERROR("Invalid arguments: b: is not allowed"));
	result_is("true", "{'x':1}", ERROR("Invalid arguments: x: is not allowed"));
	result_is("echo", "{'l':[{}]}",
		  ERROR("Invalid arguments: l: only strings, numbers, booleans and arrays of them "
			"can "
			"be put into a command"));
	close_backend();
}

static void structured(void **state)
{
	(void)state;
	open_backend("{'ok':{'command':['printf','{\\\"n\\\":1}\\\\n'],'structured':true,"
		     "'outputSchema':{'type':'object','properties':{'n':{'type':'integer'}}}},"
		     "'other':{'command':['printf','{\\\"n\\\":null}'],'structured':true,"
		     "'outputSchema':{'type':'object','properties':{'n':{'type':'integer'}}}},"
		     "'array':{'command':['printf','[1]'],'structured':true},"
		     "'none':{'command':['true'],'structured':true},"
		     "'fails':{'command':['sh','-c','echo \\\"{}\\\"; exit 1'],'structured':true}}",
		     NULL);
	result_is("ok", NULL,
		  "{'content':[{'type':'text','text':'{\\\"n\\\":1}\\n'}],'structuredContent':{'n':"
		  "1}}");
	result_is("other", NULL,
		  ERROR("other: the output is not what was promised: n: expected an integer"));
	result_is("array", NULL,
		  ERROR("array: the output is not what was promised: it is not a JSON object"));
	result_is("fails", NULL,
		  "{'content':[{'type':'text','text':'fails exited with status 1'},"
		  "{'type':'text','text':'{}\\n'}],'isError':true}");
	{
		struct seen s;

		start(&s, "none", NULL);
		loop_until(base, &s.ended);
		assert_true(json_is_true(json_object_get(s.result, "isError")));
		assert_null(json_object_get(s.result, "structuredContent"));
		json_decref(s.result);
	}
	close_backend();
}

/* The first line that the tool writes into FILE, its pid; it is there when the file is. */
static pid_t pid_in(const char *file)
{
	FILE *f = fopen(file, "r");
	int pid = 0;

	if (f) {
		if (fscanf(f, "%d\n", &pid) != 1)
			pid = 0;
		fclose(f);
	}
	return pid;
}

static void wait_for_pid(const char *file, pid_t *pid_r)
{
	struct timeval tick = {.tv_usec = 5000};

	for (int i = 0; i < 12000 && (*pid_r = pid_in(file)) == 0; i++) {
		event_base_loopexit(base, &tick);
		event_base_dispatch(base);
	}
	assert_true(*pid_r > 0);
}

static const struct children_limits quick = {.term_after_ms = 20, .kill_after_ms = 50};

static char file[64];

/* A tool "slow" that writes its pid into FILE and then never ends by itself, not even on SIGTERM.
 */
static void open_slow(const char *more)
{
	char tools[1024];

	snprintf(file, sizeof file, "/tmp/test_backend_exec.%d", (int)getpid());
	unlink(file);
	snprintf(tools, sizeof tools,
		 "{'slow':{'command':['sh','-c','trap \\\"\\\" TERM; echo $$ > %s.new; mv %s.new "
		 "%s; "
		 "while :; do sleep 1; done']%s}}",
		 file, file, file, more);
	open_backend(tools, &quick);
}

static void close_slow(pid_t pid)
{
	close_backend();
	assert_int_equal(kill(pid, 0), -1); /* gone and reaped */
	unlink(file);
}

static void time_limit(void **state)
{
	struct seen s;
	pid_t pid;

	(void)state;
	open_slow(",'timeout':0.5");
	start(&s, "slow", NULL);
	wait_for_pid(file, &pid);
	loop_until(base, &s.ended);
	assert_int_equal(s.kind, ANSWER_RESULT);
	assert_true(json_is(s.result, ERROR("slow: timed out after 0.5 s (timeout)")));
	json_decref(s.result);
	close_slow(pid);
}

static void cancelled(void **state)
{
	struct seen s;
	struct call *c;
	pid_t pid;

	(void)state;
	open_slow("");
	c = start(&s, "slow", NULL);
	wait_for_pid(file, &pid);
	assert_false(s.ended);
	call_cancel(c, "the client does not want it");
	assert_true(s.ended);
	assert_int_equal(s.kind, ANSWER_CANCELLED);
	close_slow(pid);
}

static void stopped(void **state)
{
	struct seen s, later;
	json_t *row;
	pid_t pid;

	(void)state;
	open_slow("");
	start(&s, "slow", NULL);
	wait_for_pid(file, &pid);
	row = backend_describe(backend);
	assert_int_equal(json_integer_value(json_object_get(row, "children")), 1);
	json_decref(row);
	backend_stop(backend);
	assert_true(s.ended);
	assert_int_equal(s.kind, ANSWER_ERROR);
	assert_int_equal(s.code, RPC_INTERNAL_ERROR);
	assert_string_equal(s.message, "backend host is stopped");
	start(&later, "slow", NULL);
	assert_true(later.ended);
	assert_int_equal(later.kind, ANSWER_ERROR);
	close_slow(pid);
}

static void restarted(void **state)
{
	struct seen s;
	pid_t pid;

	(void)state;
	open_slow("");
	start(&s, "slow", NULL);
	wait_for_pid(file, &pid);
	backend_restart(backend);
	assert_true(s.ended);
	assert_int_equal(s.kind, ANSWER_ERROR);
	assert_int_equal(backend_state(backend), BACKEND_READY);
	close_slow(pid);
}

static void too_much_output(void **state)
{
	(void)state;
	open_backend("{'yes':{'command':['yes'],'maxOutput':1000},"
		     "'fits':{'command':['printf','1234567890'],'maxOutput':10},"
		     "'not':{'command':['printf','12345678901'],'maxOutput':10},"
		     "'chatty':{'command':['sh','-c','yes | head -c 1000000 >&2; exit 1']}}",
		     NULL);
	result_is("yes", NULL, ERROR("yes: the output is longer than 1000 bytes (maxOutput)"));
	result_is("fits", NULL, TEXT("1234567890"));
	result_is("not", NULL, ERROR("not: the output is longer than 10 bytes (maxOutput)"));
	{
		struct seen s;
		json_t *block;

		start(&s, "chatty", NULL);
		loop_until(base, &s.ended);
		block = json_array_get(json_object_get(s.result, "content"), 0);
		assert_int_equal(json_string_length(json_object_get(block, "text")), 16384);
		json_decref(s.result);
	}
	close_backend();
}

/* Several at once: each gets its own. One more than there may be children is refused. */
static void many(void **state)
{
	const struct children_limits limits = {.max = 8};
	struct seen s[9];

	(void)state;
	open_backend("{'cat':{'command':['cat'],'inputSchema':{'type':'object'}}}", &limits);
	for (int i = 0; i < 9; i++) {
		char arguments[32];

		snprintf(arguments, sizeof arguments, "{'n':%d}", i);
		start(&s[i], "cat", arguments);
	}
	assert_true(s[8].ended);
	assert_int_equal(s[8].kind, ANSWER_ERROR);
	assert_non_null(strstr(s[8].message, "cat could not be started: "));
	loop_until_count(base, &ended, 9);
	for (int i = 0; i < 8; i++) {
		char wanted[120];

		snprintf(wanted, sizeof wanted, TEXT("{\\\"n\\\":%d}\\n"), i);
		assert_true(json_is(s[i].result, wanted));
		json_decref(s[i].result);
	}
	close_backend();
}

static void other_requests(void **state)
{
	static const char *const methods[] = {"prompts/get", "resources/read",
					      "completion/complete"};
	struct seen s;
	struct call *c;

	(void)state;
	open_backend("{'true':{'command':['true']}}", NULL);
	start(&s, "none", NULL);
	assert_int_equal(s.kind, ANSWER_ERROR);
	assert_int_equal(s.code, RPC_INVALID_PARAMS);
	assert_string_equal(s.message, "Unknown tool: none");
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
		s = (struct seen){0};
		c = call_new(base, &front, &s, &caller, methods[i], NULL, NULL, 0);
		link_call(holder, c);
		assert_int_equal(s.kind, ANSWER_ERROR);
		assert_int_equal(s.code, RPC_METHOD_NOT_FOUND);
	}
	close_backend();
}

static void offers(void **state)
{
	const struct offer *o;
	json_t *about;

	(void)state;
	open_backend("{'b':{'command':['true'],'description':'d'},'a':{'command':['true']}}", NULL);
	o = backend_offer(backend);
	assert_true(json_is(o->lists[OFFER_TOOLS],
			    "[{'name':'b','description':'d','inputSchema':{'type':'object',"
			    "'additionalProperties':false}},{'name':'a','inputSchema':"
			    "{'type':'object','additionalProperties':false}}]"));
	assert_true(json_is(o->capabilities, "{'tools':{}}"));
	about = backend_describe(backend);
	assert_string_equal(json_string_value(json_object_get(about, "kind")), "exec");
	json_decref(about);
	close_backend();
}

/* The program went away after the start: one call fails and says why. */
static void vanished(void **state)
{
	char dir[] = "/tmp/test_backend_exec.XXXXXX", script[64], tools[256];
	struct seen s;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(script, sizeof script, "%s/run", dir);
	f = fopen(script, "w");
	fprintf(f, "#!/bin/sh\necho hello\n");
	fclose(f);
	assert_int_equal(chmod(script, 0755), 0);
	snprintf(tools, sizeof tools, "{'run':{'command':['%s']}}", script);
	open_backend(tools, NULL);
	result_is("run", NULL, TEXT("hello\\n"));
	unlink(script);
	start(&s, "run", NULL);
	loop_until(base, &s.ended);
	assert_int_equal(s.kind, ANSWER_ERROR);
	assert_non_null(strstr(s.message, "run could not be started: "));
	assert_non_null(strstr(s.message, "No such file"));
	close_backend();
	rmdir(dir);
}

/* Whichever allocation fails at the start of a call: that call fails, and nothing else. */
static void no_memory(void **state)
{
	long n;
	int failures = 0;

	(void)state;
	open_backend("{'cat':{'command':['cat','{f}'],'inputSchema':{'type':'object',"
		     "'properties':{'f':{'type':'string','pattern':'^/'}}}}}",
		     NULL);
	for (n = 1; n < 2000; n++) {
		struct jsontext *arguments = jsontext_of(json_of("{'f':'/dev/null'}"));
		struct seen s = {0};
		struct call *c = call_new(base, &front, &s, &caller, "tools/call",
					  json_of("{'name':'cat'}"), NULL, 0);
		bool failed;

		call_set_arguments(c, arguments);
		jsontext_unref(&arguments);
		failalloc_at(n, false);
		link_call(holder, c);
		failed = failalloc_off();
		loop_until(base, &s.ended);
		if (s.kind == ANSWER_ERROR) {
			assert_int_equal(s.code, RPC_INTERNAL_ERROR);
			assert_non_null(strstr(s.message, "out of memory"));
			failures++;
		} else {
			assert_true(json_is(s.result, TEXT("")));
		}
		json_decref(s.result);
		if (!failed)
			break;
	}
	assert_true(failures > 5);
	close_backend();
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(results),	      TEST(structured), TEST(time_limit),      TEST(cancelled),
		TEST(stopped),	      TEST(restarted),	TEST(too_much_output), TEST(many),
		TEST(other_requests), TEST(offers),	TEST(vanished),	       TEST(no_memory),
	};

	failalloc_install();
	return cmocka_run_group_tests_name("backend_exec", tests, NULL, NULL);
}
