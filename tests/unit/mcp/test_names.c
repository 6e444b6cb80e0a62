/* SPDX-License-Identifier: ISC */
/* Texts that are compared: a NUL in one is refused, one in a text that is carried is not. */
#include "support.h"

#include <string.h>

#include "lib/jsonrpc.h"
#include "mcp/names.h"

#define META "io.modelcontextprotocol/"

static json_t *parse(const char *text)
{
	json_t *value = jsonrpc_parse(text, strlen(text), 0, NULL);

	assert_non_null(value);
	return value;
}

static void compared_texts(void **state)
{
	static const struct {
		const char *params, *member; /* MEMBER: NULL: accepted */
	} table[] = {
		{"{\"name\":\"a\\u0000\"}", "name"},
		{"{\"uri\":\"test://1\\u0000x\"}", "uri"},
		{"{\"cursor\":\"\\u0000\"}", "cursor"},
		{"{\"level\":\"info\\u0000\"}", "level"},
		{"{\"taskId\":\"1\\u0000\"}", "taskId"},
		{"{\"requestId\":\"1\\u0000\"}", "requestId"},
		{"{\"requestState\":\"1\\u0000\"}", "requestState"},
		{"{\"progressToken\":\"1\\u0000\"}", "progressToken"},
		{"{\"protocolVersion\":\"2025-11-25\\u0000\"}", "protocolVersion"},
		{"{\"clientInfo\":{\"name\":\"a\\u0000\"}}", "clientInfo"},
		{"{\"ref\":{\"type\":\"ref/prompt\\u0000\"}}", "ref"},
		{"{\"ref\":{\"uri\":\"a\\u0000\"}}", "ref"},
		{"{\"argument\":{\"name\":\"a\\u0000\"}}", "name"},
		{"{\"notifications\":{\"resourceSubscriptions\":[\"a\",\"a\\u0000\"]}}",
		 "resourceSubscriptions"},
		{"{\"notifications\":{\"taskIds\":[\"a\\u0000\"]}}", "taskIds"},
		{"{\"_meta\":{\"progressToken\":\"a\\u0000\"}}", "progressToken"},
		{"{\"_meta\":{\"" META "protocolVersion\":\"2026-07-28\\u0000\"}}",
		 META "protocolVersion"},
		{"{\"_meta\":{\"" META "logLevel\":\"info\\u0000\"}}", META "logLevel"},
		{"{\"_meta\":{\"" META "related-task\":{\"taskId\":\"a\\u0000\"}}}",
		 META "related-task"},
		{"{\"name\":\"a\",\"arguments\":{\"name\":\"a\\u0000b\",\"uri\":\"\\u0000\"}}",
		 NULL},
		{"{\"argument\":{\"name\":\"a\",\"value\":\"a\\u0000\"}}", NULL},
		{"{\"inputResponses\":{\"q\":{\"content\":{\"x\":\"\\u0000\"}}}}", NULL},
		{"{\"data\":\"a\\u0000\",\"message\":\"\\u0000\"}", NULL},
		{"{\"name\":1,\"uri\":null,\"_meta\":[],\"ref\":\"x\"}", NULL},
		{"[\"a\\u0000\"]", NULL},
	};

	(void)state;
	assert_int_equal(names_check(NULL, NULL), 0);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		json_t *params = parse(table[i].params);
		struct err e = {0};
		int rc = names_check(params, &e);

		if (rc != (table[i].member != NULL ? ERR_INVALID : 0) ||
		    (rc != 0 && !strstr(e.text, table[i].member)))
			fail_msg("%s: %d %s", table[i].params, rc, e.text);
		json_decref(params);
	}
}

static void envelopes(void **state)
{
	static const char *const refused[] = {
		"{\"jsonrpc\":\"2.0\\u0000\",\"id\":1,\"method\":\"ping\"}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\\u0000x\"}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"\\u0000\"}",
		"{\"jsonrpc\":\"2.0\\u0000\",\"id\":1,\"result\":{}}",
	};
	enum jsonrpc_kind kind;

	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		json_t *msg = parse(refused[i]);

		assert_int_equal(jsonrpc_classify(msg, &kind, NULL), ERR_INVALID);
		json_decref(msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compared_texts),
		cmocka_unit_test(envelopes),
	};

	return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
