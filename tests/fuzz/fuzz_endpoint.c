/* SPDX-License-Identifier: ISC */
/* Clients and a backend that say anything in any order, on the real endpoint with both its fronts:
 * whatever happens, every exchange and every call ends once, and nothing is left. One command a
 * line, its argument behind it:
 *
 *	H NAME: VALUE	a header of the next request
 *	P BODY		POST within the session that was opened last;  p: without a session
 *	G EVENT-ID	GET, to resume when there is an id;  D: DELETE;  O: OPTIONS
 *	R JSON		the backend ends its oldest call with this result;  E TEXT: with an error
 *	N METHOD JSON	the backend notifies within its newest call;  A METHOD JSON: asks the client
 *	Q		the backend gives up its oldest question
 *	L N		the client of the N-th exchange hangs up;  B N: it does not read any more
 *	T BODY		POST like p, with "$S" replaced by the requestState that was told last
 *	W		25 ms pass, once
 *	K		closes the session that was opened last
 *	.		the loop turns */
#include "endpoint_fixture.h"

#include <event2/event.h>
#include <string.h>

#include "fuzz.h"
#include "lib/jsonrpc.h"
#include "lib/log.h"
#include "mcp/call.h"
#include "mcp/question.h"

#define MAX_COMMANDS  64
#define MAX_EXCHANGES 64

static struct exchange *exchanges[MAX_EXCHANGES];
static struct question *questions[MAX_EXCHANGES];
static size_t n_exchanges, n_questions, asked, ended;
static char headers[1024], session[128];
static bool waited;

static void on_answer(struct question *q, struct jsontext *result, json_t *error, void *arg)
{
	MUST(*(struct question **)arg == q);
	MUST((result != NULL) != (error != NULL));
	*(struct question **)arg = NULL;
	ended++;
}

static void request(enum exchange_method method, const char *body, size_t len)
{
	struct exchange *x;
	const char *id;

	if (n_exchanges == MAX_EXCHANGES)
		return;
	x = endpoint_ask(method, headers, body, len);
	exchanges[n_exchanges++] = x;
	headers[0] = '\0';
	id = fake_answer_header(x, "Mcp-Session-Id");
	if (id)
		snprintf(session, sizeof session, "%s", id);
}

static void add_header(const char *text, size_t len)
{
	size_t used = strlen(headers);

	if (!memchr(text, '\0', len) && used + len + 2 < sizeof headers)
		snprintf(headers + used, sizeof headers - used, "%.*s\n", (int)len, text);
}

static void within_session(void)
{
	char line[160];

	if (session[0])
		add_header(line,
			   (size_t)snprintf(line, sizeof line, "Mcp-Session-Id: %s", session));
}

static void resume(const char *text, size_t len)
{
	char line[160];

	if (len > 0 && len < 100)
		add_header(line, (size_t)snprintf(line, sizeof line, "Last-Event-ID: %.*s",
						  (int)len, text));
	within_session();
	request(EXCHANGE_GET, "", 0);
}

/* The newest call that a backend has. */
static struct call *newest(void)
{
	return fake_held() > 0 ? fake_call(fake_held() - 1) : NULL;
}

/* Splits "METHOD JSON". */
static json_t *method_and_json(const char *text, size_t len, char *method, size_t size)
{
	const char *space = memchr(text, ' ', len);
	size_t n = space ? (size_t)(space - text) : len;
	json_t *json = NULL;

	snprintf(method, size, "%.*s", (int)n, text);
	if (space)
		json = jsonrpc_parse(space + 1, len - n - 1, 20, NULL);
	if (json_is_object(json))
		return json;
	json_decref(json);
	return json_object();
}

static void backend_says(char what, const char *text, size_t len)
{
	struct call *c = newest();
	char method[64];
	json_t *params;
	struct question *q;

	if (!c || n_questions == MAX_EXCHANGES)
		return;
	params = method_and_json(text, len, method, sizeof method);
	if (what == 'N') {
		call_notify(c, method, params);
		json_decref(params);
		return;
	}
	q = question_new(method, params, on_answer, &questions[n_questions]);
	MUST(q);
	questions[n_questions++] = q;
	asked++;
	call_ask(c, q);
}

static void backend_ends(char what, const char *text, size_t len)
{
	json_t *result;

	if (fake_held() == 0)
		return;
	result = what == 'R' ? jsonrpc_parse(text, len, 20, NULL) : NULL;
	if (json_is_object(result)) {
		call_result_tree(fake_take(0), result);
		return;
	}
	json_decref(result);
	call_error(fake_take(0), RPC_INTERNAL_ERROR, NULL, "%.*s", (int)len, text);
}

static void withdraw(void)
{
	for (size_t i = 0; i < n_questions; i++) {
		if (questions[i]) {
			question_withdraw(questions[i]);
			questions[i] = NULL;
			ended++;
			return;
		}
	}
}

static void client_turns(char what, const char *text, size_t len)
{
	size_t i = len > 0 ? (size_t)(text[0] - '0') : 0;

	if (i >= n_exchanges || fake_outcome(exchanges[i]) != FAKE_OPEN)
		return;
	if (what == 'L')
		fake_leave(exchanges[i]);
	else
		fake_set_backlog(exchanges[i], SIZE_MAX / 2);
}

/* The requestState in the answer of the newest exchange that has one; NULL: none. A new reference.
 */
static json_t *newest_state(void)
{
	for (size_t i = n_exchanges; i-- > 0;) {
		const char *text =
			fake_outcome(exchanges[i]) == FAKE_REPLIED ? fake_text(exchanges[i]) : "";
		json_t *answer = json_loads(text, 0, NULL);
		json_t *result = json_object_get(answer, "result");
		json_t *state = json_incref(json_object_get(result, "requestState"));

		json_decref(answer);
		if (state)
			return state;
	}
	return NULL;
}

static void retry(const char *text, size_t len)
{
	json_t *state = newest_state();
	const char *value = state ? json_string_value(state) : "";
	const char *at = memmem(text, len, "$S", 2);
	char body[4096];
	int n = 0;

	if (at)
		n = snprintf(body, sizeof body, "%.*s%s%.*s", (int)(at - text), text, value,
			     (int)(len - 2 - (size_t)(at - text)), at + 2);
	if (n > 0 && (size_t)n < sizeof body)
		request(EXCHANGE_POST, body, strlen(body));
	json_decref(state);
}

/* Time for questions that come together to be gathered. */
static void wait_a_moment(void)
{
	const struct timeval moment = {.tv_usec = 25000};

	if (waited)
		return;
	waited = true;
	event_base_loopexit(fx.base, &moment);
	event_base_dispatch(fx.base);
}

static void close_session(void)
{
	struct session *s = sessions_find(fx.ss, session);

	if (s)
		session_close(s, CLOSE_OPERATOR, NULL);
}

static void command(char what, const char *text, size_t len)
{
	switch (what) {
	case 'H':
		add_header(text, len);
		break;
	case 'P':
		within_session();
		request(EXCHANGE_POST, text, len);
		break;
	case 'p':
		request(EXCHANGE_POST, text, len);
		break;
	case 'G':
		resume(text, len);
		break;
	case 'D':
		within_session();
		request(EXCHANGE_DELETE, "", 0);
		break;
	case 'O':
		request(EXCHANGE_OPTIONS, "", 0);
		break;
	case 'R':
	case 'E':
		backend_ends(what, text, len);
		break;
	case 'N':
	case 'A':
		backend_says(what, text, len);
		break;
	case 'Q':
		withdraw();
		break;
	case 'L':
	case 'B':
		client_turns(what, text, len);
		break;
	case 'T':
		retry(text, len);
		break;
	case 'W':
		wait_a_moment();
		break;
	case 'K':
		close_session();
		break;
	case '.':
		event_base_loop(fx.base, EVLOOP_NONBLOCK);
		break;
	}
}

/* With FUZZ_TRACE set: what became of every exchange. */
static void trace(void)
{
	for (size_t i = 0; getenv("FUZZ_TRACE") && i < n_exchanges; i++)
		printf("# exchange %zu: outcome %d, status %d: %s\n", i,
		       (int)fake_outcome(exchanges[i]), fake_status(exchanges[i]),
		       fake_text(exchanges[i]));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	log_set_level(LOGL_ERROR);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data, *end = s + size;

	n_exchanges = n_questions = asked = ended = 0;
	headers[0] = session[0] = '\0';
	waited = false;
	endpoint_open();
	for (int n = 0; s < end && n < MAX_COMMANDS; n++) {
		const char *newline = memchr(s, '\n', (size_t)(end - s));
		const char *stop = newline ? newline : end;
		size_t skip = (size_t)(stop - s) < 2 ? (size_t)(stop - s) : 2;

		if (skip > 0)
			command(s[0], s + skip, (size_t)(stop - s) - skip);
		s = newline ? newline + 1 : end;
	}
	trace();
	endpoint_close(); /* fails when a session, call, link or exchange is left */
	MUST(asked == ended);
	return 0;
}
