/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "mcp/era.h"
#include "mcp/post.h"

#define V    "'io.modelcontextprotocol/protocolVersion': "
#define CAPS "'io.modelcontextprotocol/clientCapabilities': {}"
#define M    "'_meta': {" V "'2026-07-28', " CAPS "}"
#define REQ(method, params)                                                                        \
	"{'jsonrpc': '2.0', 'id': 1, 'method': '" method "', 'params': {" params "}}"
#define NOTE(method, params) "{'jsonrpc': '2.0', 'method': '" method "', 'params': {" params "}}"
#define NOW		     "2026-07-28"
#define OLD		     "2025-11-25"

static int read_post(struct post *post, const char *text)
{
	struct jsontext *body = jsontext_of(json_of(text));
	struct err e;
	int rc = post_read(post, body, 10, 10, &e);

	jsontext_unref(&body);
	return rc;
}

static void classifies(void **state)
{
	static const struct {
		const char *body, *version, *method;
		enum era era;
		int code;
	} cases[] = {
		/* arrays */
		{"[" REQ("tools/list", "") "]", NULL, NULL, ERA_LEGACY, 0},
		{"[" REQ("tools/list", "") "]", NOW, NULL, ERA_LEGACY, 0},
		{"[" REQ("tools/list", M) "]", NOW, NULL, ERA_REFUSED, RPC_INVALID_REQUEST},
		{"[" REQ("ping", "") ", " NOTE("notifications/x", M) "]", NULL, NULL, ERA_REFUSED,
		 RPC_INVALID_REQUEST},
		/* what is no message */
		{"{}", NULL, NULL, ERA_REFUSED, RPC_INVALID_REQUEST},
		{"{'jsonrpc': '2.0', 'id': null, 'method': 'x'}", NULL, NULL, ERA_LEGACY, 0},
		/* responses */
		{"{'jsonrpc': '2.0', 'id': 1, 'result': {}}", NULL, NULL, ERA_LEGACY, 0},
		{"{'jsonrpc': '2.0', 'id': 1, 'result': {}}", NOW, NULL, ERA_LEGACY, 0},
		/* initialize */
		{REQ("initialize", "'_meta': {}"), NULL, NULL, ERA_LEGACY, 0},
		{REQ("initialize", "'_meta': {}"), OLD, "initialize", ERA_LEGACY, 0},
		{REQ("initialize", ""), NOW, NULL, ERA_REFUSED, RPC_HEADER_MISMATCH},
		{REQ("initialize", M), NOW, "initialize", ERA_MODERN_REQUEST, 0},
		{REQ("initialize", M), NULL, NULL, ERA_MODERN_REQUEST, 0},
		{REQ("initialize", "'_meta': {" V "'2025-11-25', " CAPS "}"), NULL, NULL,
		 ERA_LEGACY, 0},
		{REQ("initialize", "'_meta': {" V "'2026-07-28'}"), NULL, NULL, ERA_LEGACY, 0},
		{REQ("initialize", "'_meta': {" V "7, " CAPS "}"), NULL, NULL, ERA_LEGACY, 0},
		{REQ("initialize", "'_meta': {" V "7, " CAPS "}"), NOW, NULL, ERA_REFUSED,
		 RPC_HEADER_MISMATCH},
		/* other requests: the claim alone decides */
		{REQ("tools/list", M), NULL, NULL, ERA_MODERN_REQUEST, 0},
		{REQ("tools/list", M), OLD, "other", ERA_MODERN_REQUEST, 0},
		{REQ("tools/list", "'_meta': {" V "null}"), NULL, NULL, ERA_MODERN_REQUEST, 0},
		{REQ("tools/list", "'_meta': {'progressToken': 1}"), NULL, "tools/list", ERA_LEGACY,
		 0},
		{REQ("tools/list", "'_meta': {" CAPS "}"), OLD, NULL, ERA_LEGACY, 0},
		{REQ("tools/list", ""), NOW, "tools/list", ERA_REFUSED, RPC_INVALID_PARAMS},
		{REQ("tools/list", "'_meta': {" CAPS "}"), NOW, NULL, ERA_REFUSED,
		 RPC_INVALID_PARAMS},
		{REQ("tools/list", ""), "v999.0.0", NULL, ERA_REFUSED, RPC_INVALID_PARAMS},
		{REQ("tools/list", ""), "1999-01-01", NULL, ERA_LEGACY, 0},
		{REQ("tools/list", ""), "", NULL, ERA_LEGACY, 0},
		/* notifications */
		{NOTE("notifications/cancelled", ""), NULL, "other", ERA_LEGACY, 0},
		{NOTE("notifications/cancelled", ""), OLD, NULL, ERA_LEGACY, 0},
		{NOTE("notifications/cancelled", ""), NOW, NULL, ERA_MODERN_NOTIFICATION, 0},
		{NOTE("notifications/cancelled", ""), NOW, "other", ERA_REFUSED,
		 RPC_HEADER_MISMATCH},
		{NOTE("notifications/cancelled", M), NULL, NULL, ERA_MODERN_NOTIFICATION, 0},
		{NOTE("notifications/cancelled", M), NOW, "notifications/cancelled",
		 ERA_MODERN_NOTIFICATION, 0},
		{NOTE("notifications/cancelled", M), OLD, NULL, ERA_REFUSED, RPC_HEADER_MISMATCH},
		{NOTE("notifications/cancelled", M), NOW, "other", ERA_REFUSED,
		 RPC_HEADER_MISMATCH},
		{NOTE("notifications/cancelled", "'_meta': {" V "7}"), NULL, NULL, ERA_REFUSED,
		 RPC_INVALID_PARAMS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct era_verdict v = {.era = ERA_REFUSED, .code = RPC_INVALID_REQUEST};
		struct post post;

		if (read_post(&post, cases[i].body) == 0)
			era_classify(&post, cases[i].version, cases[i].method, &v);
		else
			snprintf(v.text, sizeof v.text, "no message");
		if (v.era != cases[i].era || v.code != cases[i].code)
			fail_msg("%s, %s, %s: era %d, code %d", cases[i].body,
				 cases[i].version ? cases[i].version : "-",
				 cases[i].method ? cases[i].method : "-", (int)v.era, v.code);
		assert_int_equal(v.text[0] != '\0', v.era == ERA_REFUSED);
		post_clear(&post);
	}
}

#define P "io.modelcontextprotocol/"

static void envelopes(void **state)
{
	static const struct {
		const char *meta;
		bool good;
		int level;
	} cases[] = {
		{"{" V "'x', " CAPS "}", true, -1},
		{"{" V "'x', " CAPS ", '" P "logLevel': 'debug'}", true, 0},
		{"{" V "'x', " CAPS ", '" P "logLevel': 'loud'}", false, 0},
		{"{" V "'x', " CAPS ", '" P "logLevel': 7}", false, 0},
		{"{" V "'x', " CAPS ", '" P "logLevel': null}", false, 0},
		{"{" V "'x', " CAPS ", 'progressToken': 7}", true, -1},
		{"{" V "'x', " CAPS ", 'progressToken': 'a'}", true, -1},
		{"{" V "'x', " CAPS ", 'progressToken': 1.5}", false, 0},
		{"{" V "'x', " CAPS ", 'progressToken': {}}", false, 0},
		{"{" V "'x', " CAPS ", '" P "clientInfo': {'name': 'a', 'version': '1'}}", true,
		 -1},
		{"{" V "'x', " CAPS ", '" P "clientInfo': {'name': 'a'}}", false, 0},
		{"{" V "'x', " CAPS ", '" P "clientInfo': 'a'}", false, 0},
		{"{" V "7, " CAPS "}", false, 0},
		{"{" CAPS "}", false, 0},
		{"{" V "'x'}", false, 0},
		{"{" V "'x', '" P "clientCapabilities': []}", false, 0},
		{"{}", false, 0},
		{"[]", false, 0},
		{"'x'", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[400];
		json_t *params;
		struct envelope env;
		struct err e = {0};
		int rc;

		snprintf(text, sizeof text, "{'_meta': %s}", cases[i].meta);
		params = json_of(text);
		rc = envelope_parse(params, &env, &e);
		if ((rc == 0) != cases[i].good)
			fail_msg("%s: %d %s", cases[i].meta, rc, e.text);
		if (rc == 0)
			assert_int_equal(env.log_level, cases[i].level);
		else
			assert_int_equal(rc, ERR_INVALID);
		json_decref(params);
	}
	struct envelope env;

	assert_int_equal(envelope_parse(NULL, &env, NULL), ERR_INVALID);
}

static void supported(void **state)
{
	json_t *list = era_supported();
	enum mcp_rev rev;

	(void)state;
	assert_true(json_is(list, "['2026-07-28']"));
	assert_true(era_is_supported("2026-07-28", &rev));
	assert_false(era_is_supported("2025-11-25", &rev));
	assert_false(era_is_supported("v999.0.0", &rev));
	assert_false(era_is_supported("", &rev));
	json_decref(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classifies),
		cmocka_unit_test(envelopes),
		cmocka_unit_test(supported),
	};

	return cmocka_run_group_tests_name("era", tests, NULL, NULL);
}
