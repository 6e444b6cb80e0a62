/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failalloc.h"
#include "lib/jsontext.h"
#include "mcp/post.h"

#define MAX_BATCH 3
#define MAX_DEPTH 5

static int read_text(struct post *post, const char *text, struct err *e)
{
	struct jsontext *body = jsontext_copy(text, strlen(text));
	int rc;

	assert_non_null(body);
	rc = post_read(post, body, MAX_BATCH, MAX_DEPTH, e);
	jsontext_unref(&body);
	return rc;
}

#define J    "{\"jsonrpc\":\"2.0\","
#define CALL J "\"id\":7,\"method\":\"m\",\"params\":"

/* What is refused, and the id that the answer can name (0: none). */
static void refuses(void **state)
{
	static const struct {
		const char *body;
		int code, id;
		const char *why;
	} rows[] = {
		{"", ERR_PARSE, 0, "ends before"},
		{"{", ERR_PARSE, 0, "ends before"},
		{"[1,]", ERR_PARSE, 0, "no value"},
		{"[]", ERR_INVALID, 0, "empty batch"},
		{"[1]", ERR_INVALID, 0, "must be an object"},
		{"7", ERR_INVALID, 0, "must be an object"},
		{" \"x\"", ERR_INVALID, 0, "must be an object"},
		{"{\"id\":7,\"method\":\"m\"}", ERR_INVALID, 7, "jsonrpc"},
		{"{\"jsonrpc\":\"2.0\\u0000\",\"id\":7,\"method\":\"m\"}", ERR_INVALID, 7,
		 "jsonrpc"},
		{J "\"id\":7}", ERR_INVALID, 0, "none of"},
		{J "\"id\":7,\"method\":1}", ERR_INVALID, 7, "method"},
		{J "\"id\":1.5,\"method\":\"m\"}", ERR_INVALID, 0, "id"},
		{J "\"id\":7,\"method\":\"m\",\"result\":{}}", ERR_INVALID, 7, "together"},
		{J "\"id\":7,\"result\":{},\"error\":{\"code\":1,\"message\":\"\"}}", ERR_INVALID,
		 0, "both"},
		{J "\"result\":{}}", ERR_INVALID, 0, "id"},
		{J "\"id\":7,\"error\":\"x\"}", ERR_INVALID, 0, "error"},
		{J "\"id\":7,\"id\":7,\"method\":\"m\"}", ERR_PARSE, 0, "\"id\""},
		{J "\"id\":7,\"method\":\"m\",\"m\\u0065thod\":\"n\"}", ERR_PARSE, 0, "\"method\""},
		{J "\"id\":7,\"method\":\"\xff\"}", ERR_PARSE, 0, "UTF-8"},
		{CALL "{\"a\":1,\"\\u0061\":2}}", ERR_PARSE, 7, "\"a\""},
		{CALL "{\"arguments\":{},\"arguments\":null}}", ERR_PARSE, 7, "\"arguments\""},
		{CALL "{\"cursor\":null,\"cursor\":\"x\"}}", ERR_PARSE, 7, "\"cursor\""},
		{CALL "{\"x\":{\"a\":1,\"a\":2}}}", ERR_PARSE, 7, "duplicate"},
		{CALL "{\"\\u0000\":1}}", ERR_PARSE, 7, "NUL"},
		{CALL "7}", ERR_INVALID, 7, "params"},
		{CALL "[[[[[1]]]]]}", ERR_LIMIT, 0, "limits.maxDepth"},
		{"[" J "\"id\":1,\"method\":\"initialize\"}]", ERR_INVALID, 0, "batch"},
		{"[" CALL "{}}," CALL "{}}," CALL "{}}," CALL "{}}]", ERR_INVALID, 0,
		 "more than 3"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err e = {0};
		struct post post;
		int rc = read_text(&post, rows[i].body, &e);
		json_int_t id = json_integer_value(post_reply_id(&post));

		if (rc != rows[i].code || e.code != rc || id != rows[i].id ||
		    !strstr(e.text, rows[i].why))
			fail_msg("%s: %d (%s), id %d", rows[i].body, rc, e.text, (int)id);
		post_clear(&post);
	}
}

/* What a request says: its parameters as a tree, and its arguments as they came. */
static void takes(void **state)
{
	static const struct {
		const char *params, *tree, *arguments;
	} rows[] = {
		{"{}", "{}", NULL},
		{"{\"name\":\"x\",\"arguments\":{ \"n\":1.0,\"n\":1e400},\"z\":-1}",
		 "{'name':'x','z':-1}", "{ \"n\":1.0,\"n\":1e400}"},
		{"{\"arguments\":{}}", "{}", "{}"},
		{"{\"\\u0061rguments\":{\"a\":1}}", "{}", "{\"a\":1}"},
		{"{\"arguments\":null,\"cursor\":null,\"_meta\":null,\"other\":null}",
		 "{'other':null}", NULL},
		{"{\"arguments\":[1]}", "{'arguments':[1]}", NULL},
		{"{\"a\\\"b\":\"\\n\"}", "{'a\\\"b':'\\n'}", NULL},
		{"[1]", "[1]", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct message *m;
		char body[300];
		struct post post;
		struct err e;
		size_t len = 0;

		snprintf(body, sizeof body, "\xef\xbb\xbf " CALL "%s}", rows[i].params);
		if (read_text(&post, body, &e) != 0)
			fail_msg("%s: %s", body, e.text);
		m = &post.messages[0];
		assert_int_equal(post.n, 1);
		assert_int_equal(post.requests, 1);
		assert_int_equal(json_integer_value(post_reply_id(&post)), 7);
		assert_true(message_is(m, "m"));
		assert_true(json_is(m->params, rows[i].tree));
		assert_int_equal(m->arguments == NULL, rows[i].arguments == NULL);
		if (m->arguments)
			assert_memory_equal(jsontext_bytes(m->arguments, &len), rows[i].arguments,
					    strlen(rows[i].arguments));
		assert_int_equal(len, rows[i].arguments ? strlen(rows[i].arguments) : 0);
		post_clear(&post);
	}
}

static void batches(void **state)
{
	struct post post;
	struct err e;

	(void)state;
	assert_int_equal(read_text(&post,
				   "[" CALL "{}}," J "\"id\":null,\"method\":\"n\"}," J
				   "\"id\":\"x\",\"result\":{\"a\":1},\"error\":null}]",
				   &e),
			 0);
	assert_true(post.batch);
	assert_int_equal(post.n, 3);
	assert_int_equal(post.requests, 1);
	assert_int_equal(post.messages[1].kind, JSONRPC_NOTIFICATION);
	assert_int_equal(post.messages[2].kind, JSONRPC_RESULT);
	assert_string_equal(json_string_value(post.messages[2].id), "x");
	assert_null(post_reply_id(&post));
	post_clear(&post);
}

/* What would become a tree is bounded, what is carried is not. */
static void bounds(void **state)
{
	char *large = malloc((2 << 20) + 200), *many = malloc(20000);
	struct post post;
	struct err e;
	size_t n;

	(void)state;
	assert_true(large && many);
	n = (size_t)sprintf(large, CALL "{\"name\":\"");
	memset(large + n, 'x', 2 << 20);
	strcpy(large + n + (2 << 20), "\"}}");
	assert_int_equal(read_text(&post, large, &e), ERR_LIMIT);
	assert_non_null(strstr(e.text, "limits.maxTree"));
	assert_int_equal(json_integer_value(post_reply_id(&post)), 7);
	post_clear(&post);
	n = (size_t)sprintf(large, CALL "{\"arguments\":{\"t\":\"");
	memset(large + n, 'x', 2 << 20);
	strcpy(large + n + (2 << 20), "\"}}}");
	assert_int_equal(read_text(&post, large, &e), 0);
	post_clear(&post);
	n = (size_t)sprintf(many, CALL "{\"m\":1");
	for (int i = 0; i < 1000; i++)
		n += (size_t)sprintf(many + n, ",\"m%d\":1", i);
	strcpy(many + n, "}}");
	assert_int_equal(read_text(&post, many, &e), ERR_LIMIT);
	assert_non_null(strstr(e.text, "more than 1000"));
	post_clear(&post);
	free(large);
	free(many);
}

/* A part that was kept of an earlier message is the same for the next one that has the same bytes.
 */
static void the_same_meta(void **state)
{
	char body[400];

	(void)state;
	for (int i = 0; i < 20; i++) {
		char wanted[200];
		struct post post;
		struct err e;

		snprintf(body, sizeof body,
			 CALL "{\"_meta\":{\"io.modelcontextprotocol/clientInfo\":"
			      "{\"name\":\"a client with a name\",\"version\":\"%d\"}}}}",
			 i % 7);
		snprintf(wanted, sizeof wanted,
			 "{'_meta':{'io.modelcontextprotocol/clientInfo':"
			 "{'name':'a client with a name','version':'%d'}}}",
			 i % 7);
		assert_int_equal(read_text(&post, body, &e), 0);
		assert_true(json_is(post.messages[0].params, wanted));
		post_clear(&post);
	}
}

static void every_allocation_may_fail(void **state)
{
	static const char *const bodies[] = {
		CALL "{\"name\":\"\\n\",\"\\u0061\":[{}],\"arguments\":{\"b\":2}}}",
		"[" CALL "{\"x\":{\"y\":[1.5]}}}," J
		"\"id\":1,\"error\":{\"code\":1,\"message\":\"m\"}}]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		bool failed = true;
		long n;

		for (n = 1; failed; n++) {
			struct jsontext *body = jsontext_copy(bodies[i], strlen(bodies[i]));
			struct err e = {0};
			struct post post;
			int rc;

			failalloc_at(n, false);
			rc = post_read(&post, body, MAX_BATCH, MAX_DEPTH, &e);
			failed = failalloc_off();
			/* jansson does not always tell lack of memory from a fault of the text. */
			assert_true(failed ? rc <= 0 : rc == 0);
			if (rc < 0)
				assert_true(e.code == rc && e.text[0]);
			post_clear(&post);
			jsontext_unref(&body);
		}
		assert_true(n > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses),	 cmocka_unit_test(takes),
		cmocka_unit_test(batches),	 cmocka_unit_test(bounds),
		cmocka_unit_test(the_same_meta), cmocka_unit_test(every_allocation_may_fail),
	};

	failalloc_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
