/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <string.h>

#include "client/mcpclient.h"
#include "client/upstream_judge.h"
#include "lib/jsonrpc.h"

/* An answer to a request with id 1, unless it is said otherwise. */
struct one {
	const char *what;
	struct upstream_answer a; /* without id, text, len and body */
	const char *text;	  /* of the body, with ' for " */
	bool unheard;		  /* the request has its answer, or was none */
	enum upstream_action action;
	bool stale, trouble;
};

static const char *const actions[] = {
	[UPSTREAM_DROP] = "drop",
	[UPSTREAM_SETTLED] = "settled",
	[UPSTREAM_SESSION_GONE] = "session gone",
	[UPSTREAM_REOPEN] = "reopen",
	[UPSTREAM_REOPEN_AFRESH] = "reopen afresh",
	[UPSTREAM_RELEARN] = "relearn",
	[UPSTREAM_RESUME] = "resume",
	[UPSTREAM_TAKE] = "take",
	[UPSTREAM_TAKE_ERROR] = "take error",
	[UPSTREAM_REFUSE] = "refuse",
};

static void judge(const struct one *o)
{
	struct upstream_answer a = o->a;
	struct upstream_verdict v;
	json_t *id = o->unheard ? NULL : json_integer(1);
	json_t *body = o->text && o->text[0] == '{' ? json_of(o->text) : NULL;

	if (!a.method && a.kind == LEG_POST)
		a.method = "tools/list";
	a.id = id;
	a.text = o->text;
	a.len = o->text ? strlen(o->text) : 0;
	a.body = body;
	upstream_judge(&a, &v);
	if (v.action != o->action || v.stale != o->stale || v.trouble != o->trouble)
		fail_msg("%s: %s, stale %d, trouble %d", o->what, actions[v.action], v.stale,
			 v.trouble);
	json_decref(id);
	json_decref(body);
}

#define ANSWER(...) .a = {__VA_ARGS__}
#define ERROR(code) "{'jsonrpc': '2.0', 'id': 1, 'error': {'code': " code ", 'message': 'm'}}"
#define SESSION(code)                                                                              \
	"{'jsonrpc': '2.0', 'error': {'code': " code ", 'message': 'No valid session'}}"

static void requests(void **state)
{
	static const struct one cases[] = {
		{"a result", ANSWER(.status = 200), "{'id': 1, 'result': {}}",
		 .action = UPSTREAM_TAKE},
		{"200 without a body", ANSWER(.status = 200), NULL, .action = UPSTREAM_REFUSE},
		{"200 with what is no JSON: the reader says why", ANSWER(.status = 200), "hello",
		 .action = UPSTREAM_TAKE},
		{"201 with a body", ANSWER(.status = 201), "{'id': 1, 'result': {}}",
		 .action = UPSTREAM_TAKE},
		{"202 with a body", ANSWER(.status = 202), "{'id': 1, 'result': {}}",
		 .action = UPSTREAM_TAKE},
		{"202 to a request", ANSWER(.status = 202), NULL, .action = UPSTREAM_REFUSE},
		{"202 to a notification", ANSWER(.status = 202), NULL, .unheard = true,
		 .action = UPSTREAM_DROP},
		{"500 to a notification", ANSWER(.status = 500), NULL, .unheard = true,
		 .action = UPSTREAM_DROP},
		{"an error with 400", ANSWER(.status = 400), ERROR("-32602"),
		 .action = UPSTREAM_TAKE_ERROR},
		{"an error for another id", ANSWER(.status = 400),
		 "{'id': 2, 'error': {'code': -1}}", .action = UPSTREAM_REFUSE},
		{"an error without id, modern", ANSWER(.status = 400, .modern = true),
		 "{'error': {'code': -1}}", .action = UPSTREAM_TAKE_ERROR},
		{"an error of the transport", ANSWER(.status = 400), ERROR("-32000"),
		 .action = UPSTREAM_REFUSE},
		{"the same, modern: no server of that era", ANSWER(.status = 400, .modern = true),
		 ERROR("-32000"), .action = UPSTREAM_REFUSE, .stale = true},
		{"404 without words, modern", ANSWER(.status = 404, .modern = true), NULL,
		 .action = UPSTREAM_REFUSE, .stale = true},
		{"404 without words", ANSWER(.status = 404), NULL, .action = UPSTREAM_REFUSE},
		{"the version is not supported", ANSWER(.status = 400), ERROR("-32022"),
		 .action = UPSTREAM_TAKE_ERROR, .stale = true},
		{"403 says nothing of the era", ANSWER(.status = 403, .modern = true), NULL,
		 .action = UPSTREAM_REFUSE},
		{"503", ANSWER(.status = 503), NULL, .action = UPSTREAM_REFUSE, .trouble = true},
		{"500 with an error", ANSWER(.status = 500), ERROR("-32603"),
		 .action = UPSTREAM_TAKE_ERROR, .trouble = true},
		{"not reached", ANSWER(.broken = true), NULL, .action = UPSTREAM_REFUSE,
		 .trouble = true},
		{"no credential", ANSWER(.broken = true, .unauthorized = true), NULL,
		 .action = UPSTREAM_REFUSE},
		{"an initialize of ours",
		 ANSWER(.status = 400, .part = PART_INITIALIZE, .renewing = true), ERROR("-32602"),
		 .action = UPSTREAM_REFUSE},
		{"server/discover is not known",
		 ANSWER(.status = 404, .part = PART_DISCOVER, .modern = true), ERROR("-32601"),
		 .action = UPSTREAM_TAKE_ERROR},
		{"server/discover met a proxy",
		 ANSWER(.status = 502, .part = PART_DISCOVER, .modern = true), ERROR("-32601"),
		 .action = UPSTREAM_REFUSE, .trouble = true},
		{"notifications/initialized", ANSWER(.status = 404, .part = PART_INITIALIZED), NULL,
		 .unheard = true, .action = UPSTREAM_SETTLED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		judge(&cases[i]);
}

static void streams_and_tools(void **state)
{
	static const struct one cases[] = {
		{"it broke off", ANSWER(.status = 200, .broken = true, .streamed = true), NULL,
		 .action = UPSTREAM_REFUSE, .trouble = true},
		{"and can be resumed",
		 ANSWER(.status = 200, .broken = true, .streamed = true, .may_resume = true), NULL,
		 .action = UPSTREAM_RESUME, .trouble = true},
		{"it ended, and can be resumed",
		 ANSWER(.status = 200, .streamed = true, .may_resume = true), NULL,
		 .action = UPSTREAM_RESUME},
		{"it ended", ANSWER(.status = 200, .streamed = true), NULL,
		 .action = UPSTREAM_REFUSE},
		{"it ended after the answer", ANSWER(.status = 200, .streamed = true), NULL,
		 .unheard = true, .action = UPSTREAM_DROP},
		{"a resumption is refused", ANSWER(.status = 400, .may_resume = true), NULL,
		 .action = UPSTREAM_REFUSE},
		{"other headers are wanted",
		 ANSWER(.status = 400, .modern = true, .method = "tools/call", .may_relearn = true),
		 ERROR("-32020"), .action = UPSTREAM_RELEARN},
		{"other headers are wanted once more",
		 ANSWER(.status = 400, .modern = true, .method = "tools/call"), ERROR("-32020"),
		 .action = UPSTREAM_REFUSE},
		{"other headers of a list",
		 ANSWER(.status = 400, .modern = true, .may_relearn = true), ERROR("-32020"),
		 .action = UPSTREAM_REFUSE},
		{"other headers, legacy",
		 ANSWER(.status = 400, .method = "tools/call", .may_relearn = true),
		 ERROR("-32020"), .action = UPSTREAM_REFUSE},
		{"no such stream", ANSWER(.kind = LEG_GET, .status = 405), NULL, .unheard = true,
		 .action = UPSTREAM_DROP},
		{"no such stream, by 404 in a session",
		 ANSWER(.kind = LEG_GET, .status = 404, .with_session = true), NULL,
		 .unheard = true, .action = UPSTREAM_DROP},
		{"it was there, and the session is gone",
		 ANSWER(.kind = LEG_GET, .status = 404, .with_session = true, .opened = true), NULL,
		 .unheard = true, .action = UPSTREAM_SESSION_GONE},
		{"another server may have taken over",
		 ANSWER(.kind = LEG_GET, .status = 404, .with_session = true, .broke = true), NULL,
		 .unheard = true, .action = UPSTREAM_SESSION_GONE},
		{"it was there", ANSWER(.kind = LEG_GET, .status = 405, .opened = true), NULL,
		 .unheard = true, .action = UPSTREAM_REOPEN_AFRESH},
		{"too many", ANSWER(.kind = LEG_GET, .status = 429), NULL, .unheard = true,
		 .action = UPSTREAM_REOPEN_AFRESH},
		{"still open", ANSWER(.kind = LEG_GET, .status = 409), NULL, .unheard = true,
		 .action = UPSTREAM_REOPEN_AFRESH},
		{"a bad gateway", ANSWER(.kind = LEG_GET, .status = 502), NULL, .unheard = true,
		 .action = UPSTREAM_REOPEN_AFRESH},
		{"the stream ended", ANSWER(.kind = LEG_GET, .status = 200, .opened = true), NULL,
		 .unheard = true, .action = UPSTREAM_REOPEN},
		{"the stream is not reached", ANSWER(.kind = LEG_GET, .broken = true), NULL,
		 .unheard = true, .action = UPSTREAM_REOPEN, .trouble = true},
		{"the stream has no credential",
		 ANSWER(.kind = LEG_GET, .broken = true, .unauthorized = true), NULL,
		 .unheard = true, .action = UPSTREAM_REOPEN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		judge(&cases[i]);
}

static void sessions(void **state)
{
	static const struct one cases[] = {
		{"404", ANSWER(.status = 404, .with_session = true), NULL,
		 .action = UPSTREAM_SESSION_GONE},
		{"404, to a notification", ANSWER(.status = 404, .with_session = true), NULL,
		 .unheard = true, .action = UPSTREAM_SESSION_GONE},
		{"404 without a session", ANSWER(.status = 404), NULL, .action = UPSTREAM_REFUSE},
		{"404 that did not come whole",
		 ANSWER(.status = 404, .with_session = true, .broken = true), NULL,
		 .action = UPSTREAM_REFUSE, .trouble = true},
		{"404 with an error of the request", ANSWER(.status = 404, .with_session = true),
		 ERROR("-32601"), .action = UPSTREAM_TAKE_ERROR},
		{"404 with the error of the session", ANSWER(.status = 404, .with_session = true),
		 ERROR("-32001"), .action = UPSTREAM_SESSION_GONE},
		{"400 with words", ANSWER(.status = 400, .with_session = true), SESSION("-32000"),
		 .action = UPSTREAM_SESSION_GONE},
		{"400 in plain text", ANSWER(.status = 400, .with_session = true),
		 "Bad Request: Server not initialized", .action = UPSTREAM_SESSION_GONE},
		{"400 without words", ANSWER(.status = 400, .with_session = true), "Bad Request",
		 .action = UPSTREAM_REFUSE},
		{"401 with words", ANSWER(.status = 401, .with_session = true), SESSION("-32000"),
		 .action = UPSTREAM_SESSION_GONE},
		{"410 with words", ANSWER(.status = 410, .with_session = true), SESSION("-32600"),
		 .action = UPSTREAM_SESSION_GONE},
		{"403 with words", ANSWER(.status = 403, .with_session = true), SESSION("-32000"),
		 .action = UPSTREAM_REFUSE},
		{"200 with words", ANSWER(.status = 200, .with_session = true), SESSION("-32000"),
		 .action = UPSTREAM_SESSION_GONE},
		{"200 with words, to a call",
		 ANSWER(.status = 200, .with_session = true, .method = "tools/call"),
		 SESSION("-32000"), .action = UPSTREAM_TAKE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		judge(&cases[i]);
}

/* What the probe of a server's era hears of an answer that is none. */
static void refusal_codes(void **state)
{
	static const struct {
		struct upstream_answer a;
		const char *text;
		int code;
	} cases[] = {
		{{.status = 404}, NULL, RPC_INTERNAL_ERROR},
		{{.status = 404, .part = PART_DISCOVER}, NULL, MCPCLIENT_CODE_REFUSED},
		{{.status = 200, .part = PART_DISCOVER}, NULL, MCPCLIENT_CODE_REFUSED},
		{{.status = 401, .part = PART_DISCOVER}, NULL, MCPCLIENT_CODE_FAILED},
		{{.status = 401, .part = PART_DISCOVER}, "no session", MCPCLIENT_CODE_REFUSED},
		{{.status = 302, .part = PART_DISCOVER}, NULL, MCPCLIENT_CODE_FAILED},
		{{.status = 429, .part = PART_DISCOVER}, NULL, MCPCLIENT_CODE_FAILED},
		{{.status = 503, .part = PART_DISCOVER}, NULL, MCPCLIENT_CODE_FAILED},
		{{.status = 200, .broken = true, .part = PART_DISCOVER},
		 NULL,
		 MCPCLIENT_CODE_FAILED},
		{{.part = PART_DISCOVER}, NULL, MCPCLIENT_CODE_FAILED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct upstream_answer a = cases[i].a;

		a.text = cases[i].text;
		a.len = a.text ? strlen(a.text) : 0;
		assert_int_equal(upstream_refusal_code(&a), cases[i].code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests),
		cmocka_unit_test(streams_and_tools),
		cmocka_unit_test(sessions),
		cmocka_unit_test(refusal_codes),
	};

	return cmocka_run_group_tests_name("upstream_judge", tests, NULL, NULL);
}
