/* SPDX-License-Identifier: ISC */
/* Headers of 2026-07-28, made from messages. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/jsontext.h"
#include "mcp/mcpheaders.h"
#include "text/headerlines.h"

#define META	"'_meta': {'io.modelcontextprotocol/protocolVersion': '2026-07-28'}"
#define HEAD(m) "MCP-Protocol-Version: 2026-07-28\nMcp-Method: " m "\n"
#define SCHEMA                                                                                     \
	"{'properties': {'region': {'type': 'string', 'x-mcp-header': 'Region'},"                  \
	" 'n': {'type': 'number', 'x-mcp-header': 'N'},"                                           \
	" 'b': {'type': 'boolean', 'x-mcp-header': 'B'}, 'plain': {'type': 'string'},"             \
	" 'deep': {'type': 'object', 'properties':"                                                \
	" {'er': {'type': 'string', 'x-mcp-header': 'Deeper'}}}}}"
#define CALL(args)                                                                                 \
	"{'method': 'tools/call', 'params': {'name': 't', 'arguments': " args ", " META "}}"
#define CALLED HEAD("tools/call") "Mcp-Name: t\n"

static void lines(void **state)
{
	static const struct {
		const char *msg, *wanted;
	} cases[] = {
		{"{'method': 'server/discover', 'params': {" META "}}", HEAD("server/discover")},
		{"{'method': 'notifications/x', 'params': {" META "}}", HEAD("notifications/x")},
		{"{'method': 'tools/list', 'params': {'name': 'no', " META "}}",
		 HEAD("tools/list")},
		{"{'method': 'prompts/get', 'params': {'name': 'p', " META "}}",
		 (HEAD("prompts/get") "Mcp-Name: p\n")},
		{"{'method': 'resources/read', 'params': {'uri': 'x://\\u00e9', " META "}}",
		 (HEAD("resources/read") "Mcp-Name: =?base64?eDovL8Op?=\n")},
		{"{'method': 'tasks/get', 'params': {'taskId': ' 7', " META "}}",
		 (HEAD("tasks/get") "Mcp-Name: =?base64?IDc=?=\n")},
		{"{'method': 'tools/call', 'params': {" META "}}", HEAD("tools/call")},
		{CALL("{}"), CALLED},
		{CALL("{'plain': 'x', 'region': null, 'b': [1]}"), CALLED},
		{CALL("{'region': 'eu', 'n': 42, 'b': true}"),
		 (CALLED "Mcp-Param-Region: eu\nMcp-Param-N: 42\nMcp-Param-B: true\n")},
		{CALL("{'region': '', 'n': 0.1, 'b': false}"),
		 (CALLED "Mcp-Param-Region: =?base64?"
			 "?=\nMcp-Param-N: 0.1\nMcp-Param-B: false\n")},
		{CALL("{'region': '=?base64?SGVsbG8=?=', 'n': 42.0}"),
		 (CALLED "Mcp-Param-Region: =?base64?PT9iYXNlNjQ/U0dWc2JHOD0/PQ==?=\n"
			 "Mcp-Param-N: 42\n")},
		{CALL("{'region': 'a\\r\\nX-Evil: 1', 'deep': {'er': 'd'}}"),
		 (CALLED "Mcp-Param-Region: =?base64?YQ0KWC1FdmlsOiAx?=\n"
			 "Mcp-Param-Deeper: d\n")},
	};
	json_t *schema = json_of(SCHEMA);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		json_t *msg = json_of(cases[i].msg);
		struct headerlines h = {0};
		char text[1000] = "";
		struct jsontext *whole = jsontext_of(json_incref(msg));

		assert_string_equal(mcpheaders_claim(msg), "2026-07-28");
		assert_int_equal(mcpheaders_add(&h, msg, schema, whole), 0);
		for (size_t k = 0; k < h.n; k++) {
			strcat(text, h.lines[k]);
			strcat(text, "\n");
		}
		assert_string_equal(text, cases[i].wanted);
		assert_null(h.lines[h.n]);
		headerlines_clear(&h);
		jsontext_unref(&whole);
		json_decref(msg);
	}
	json_decref(schema);
}

/* No header can hold a NUL, and half of a value is another one. */
static void nul(void **state)
{
	json_t *msg = json_of("{'method': 'resources/read', 'params': {" META "}}");
	struct headerlines h = {0};

	(void)state;
	json_object_set_new(json_object_get(msg, "params"), "uri", json_stringn("a\0b", 3));
	assert_int_equal(mcpheaders_add(&h, msg, NULL, NULL), 0);
	assert_int_equal(h.n, 2);
	headerlines_clear(&h);
	json_decref(msg);
}

/* A claim is this one key, and a text. */
static void claims(void **state)
{
	static const char *const none[] = {
		"{'method': 'x'}",
		"{'method': 'x', 'params': []}",
		"{'method': 'x', 'params': {'_meta': {}}}",
		"{'method': 'x', 'params': {'_meta': {'progressToken': 1}}}",
		("{'method': 'x', 'params': {'_meta':"
		 " {'io.modelcontextprotocol/protocolVersion': 7}}}"),
		"{'id': 1, 'result': {" META "}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		json_t *msg = json_of(none[i]);

		assert_null(mcpheaders_claim(msg));
		json_decref(msg);
	}
}

static void unspeakable(void **state)
{
	struct headerlines h = {0};

	(void)state;
	assert_int_equal(headerlines_add(&h, "A", "b\r\nc"), ERR_INVALID);
	assert_int_equal(headerlines_add(&h, "A", "b\nc"), ERR_INVALID);
	assert_int_equal(headerlines_add(&h, "A", NULL), 0);
	assert_int_equal(h.n, 0);
	assert_int_equal(headerlines_add(&h, "A", ""), 0);
	assert_string_equal(h.lines[0], "A;"); /* how libcurl is told of an empty one */
	headerlines_clear(&h);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(nul),
		cmocka_unit_test(claims),
		cmocka_unit_test(unspeakable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
