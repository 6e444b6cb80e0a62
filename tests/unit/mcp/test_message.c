/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failalloc.h"
#include "lib/jsontext.h"
#include "mcp/message.h"

#define EACH(table) for (size_t i = 0; i < sizeof(table) / sizeof(table)[0]; i++)
#define NOT_JSON    "not JSON"
#define NEITHER	    "neither result nor error"
#define NO_OBJECT   "not an object"
#define NO_TEXT	    "the server's error has no message"

/* Messages, and what is read: the kind, the id and the params or the data as JSON, and the bytes of
 * the result, the method or the text of the error. A text of WHY: it is refused so. */
static const struct row {
	const char *in;
	enum jsonrpc_kind kind;
	const char *id, *what, *tree;
	int code;
	const char *why;
} rows[] = {
	{"{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{\"a\" : 1.0}}", JSONRPC_RESULT, "5",
	 "{\"a\" : 1.0}", NULL, 0, NULL},
	{"{\"result\":{},\"id\":5}", JSONRPC_RESULT, "5", "{}", NULL, 0, NULL},
	{"{\"jsonrpc\":\"1.0\",\"id\":\"5\",\"result\":{}}", JSONRPC_RESULT, "'5'", "{}", NULL, 0,
	 NULL},
	{"{\"jsonrpc\":2,\"id\":5.0,\"result\":{\"b\":1,\"b\":2}}", JSONRPC_RESULT, "5",
	 "{\"b\":1,\"b\":2}", NULL, 0, NULL},
	{"{\"id\":5,\"result\":{},\"error\":null}", JSONRPC_RESULT, "5", "{}", NULL, 0, NULL},
	{"{\"id\":5,\"result\":{},\"method\":null}", JSONRPC_RESULT, "5", "{}", NULL, 0, NULL},
	{"{\"id\":5,\"id\":6,\"result\":{}}", JSONRPC_RESULT, "6", "{}", NULL, 0, NULL},
	{"{\"\\u0069d\":5,\"result\":{}}", JSONRPC_RESULT, "5", "{}", NULL, 0, NULL},
	{"{\"id\":5,\"result\":{\"n\":1e400,\"k\\u0000\":1}}", JSONRPC_RESULT, "5",
	 "{\"n\":1e400,\"k\\u0000\":1}", NULL, 0, NULL},
	{"{\"id\":5,\"result\":{\"s\":\"\xe9\"}}", JSONRPC_RESULT, "5", "{\"s\":\"\xef\xbf\xbd\"}",
	 NULL, 0, NULL},
	{"{\"result\":{}}", JSONRPC_RESULT, NULL, "{}", NULL, 0, NULL},
	{"{\"id\":5,\"error\":{\"code\":-5,\"message\":\"m\",\"data\":[1]}}", JSONRPC_ERROR, "5",
	 "m", "[1]", -5, NULL},
	{"{\"id\":5,\"error\":{\"code\":-5.0,\"message\":\"m\"},\"result\":null}", JSONRPC_ERROR,
	 "5", "m", NULL, -5, NULL},
	{"{\"id\":5,\"error\":{\"code\":\"-7\",\"message\":\"m\"}}", JSONRPC_ERROR, "5", "m", NULL,
	 -7, NULL},
	{"{\"id\":5,\"error\":{\"code\":\"E\",\"message\":\"m\"}}", JSONRPC_ERROR, "5", "m", NULL,
	 -32603, NULL},
	{"{\"id\":5,\"error\":{\"code\":1e300,\"message\":\"m\"}}", JSONRPC_ERROR, "5", "m", NULL,
	 -32603, NULL},
	{"{\"id\":5,\"error\":{\"code\":0,\"message\":null}}", JSONRPC_ERROR, "5", NO_TEXT, NULL,
	 -32603, NULL},
	{"{\"id\":5,\"error\":\"plain\"}", JSONRPC_ERROR, "5", "plain", NULL, -32603, NULL},
	{"{\"id\":5,\"error\":[]}", JSONRPC_ERROR, "5", NO_TEXT, NULL, -32603, NULL},
	{"{\"id\":5,\"error\":{},\"result\":{}}", JSONRPC_ERROR, "5", NO_TEXT, NULL, -32603, NULL},
	{"{\"id\":null,\"error\":{\"message\":\"m\"}}", JSONRPC_ERROR, NULL, "m", NULL, -32603,
	 NULL},
	{"{\"id\":7.0,\"method\":\"ping\",\"params\":null}", JSONRPC_REQUEST, "7", "ping", NULL, 0,
	 NULL},
	{"{\"id\":\"a\",\"method\":\"m\",\"params\":{\"a\":1}}", JSONRPC_REQUEST, "'a'", "m",
	 "{'a': 1}", 0, NULL},
	{"{\"id\":null,\"method\":\"m\",\"params\":[]}", JSONRPC_NOTIFICATION, NULL, "m", "[]", 0,
	 NULL},
	{"{\"id\":5}", JSONRPC_RESULT, "5", NULL, NULL, 0, NEITHER},
	{"{\"id\":5,\"result\":null,\"error\":null}", JSONRPC_RESULT, "5", NULL, NULL, 0, NEITHER},
	{"{}", JSONRPC_RESULT, NULL, NULL, NULL, 0, NEITHER},
	{"{\"id\":5,\"result\":[]}", JSONRPC_RESULT, "5", NULL, NULL, 0, NO_OBJECT},
	{"{\"id\":5,\"result\":true}", JSONRPC_RESULT, "5", NULL, NULL, 0, NO_OBJECT},
	{"{\"id\":1.5,\"method\":\"ping\"}", JSONRPC_NOTIFICATION, "1.5", NULL, NULL, 0,
	 "\"id\" must be"},
	{"{\"id\":[5],\"result\":{}}", JSONRPC_RESULT, "[5]", NULL, NULL, 0, "\"id\" must be"},
	{"{\"id\":5,\"method\":7}", JSONRPC_REQUEST, "5", NULL, NULL, 0, "\"method\" must be"},
	{"{\"id\":5,\"method\":\"a\\u0000b\"}", JSONRPC_REQUEST, "5", NULL, NULL, 0,
	 "\"method\" must be"},
	{"{\"method\":\"m\",\"params\":1}", JSONRPC_NOTIFICATION, NULL, "m", "1", 0,
	 "\"params\" must be"},
	{"7", JSONRPC_RESULT, NULL, NULL, NULL, 0, NEITHER},
	{"{\"id\":5,\"result\":{\"n\":NaN}}", 0, NULL, NULL, NULL, 0, NOT_JSON},
	{"{\"id\":5,\"result\":{}", 0, NULL, NULL, NULL, 0, NOT_JSON},
	{"{\"id\":5,\"result\":{}} x", 0, NULL, NULL, NULL, 0, NOT_JSON},
	{"", 0, NULL, NULL, NULL, 0, NOT_JSON},
};

static void assert_tree(const json_t *got, const char *wanted, const char *in)
{
	if (wanted ? !got || !json_is(got, wanted) : got != NULL)
		fail_msg("%s: the tree is not %s", in, wanted ? wanted : "absent");
}

static void assert_text(const char *got, size_t len, const char *wanted, const char *in)
{
	if (wanted ? !got || strlen(wanted) != len || memcmp(got, wanted, len) != 0 : got != NULL)
		fail_msg("%s: %.*s instead of %s", in, got ? (int)len : 4, got ? got : "none",
			 wanted ? wanted : "none");
}

static void check(const struct row *row, const struct message *m, int rc, const struct err *e)
{
	const char *text = m->error ? m->error : json_string_value(m->method);
	size_t len = text ? strlen(text) : 0;

	if (m->result)
		text = jsontext_bytes(m->result, &len);
	if ((rc == 0) != !row->why)
		fail_msg("%s: %d (%s)", row->in, rc, rc == 0 ? "" : e->text);
	if (row->why && strcmp(row->why, NOT_JSON) == 0) {
		assert_int_equal(rc, ERR_PARSE);
		assert_true(m->broken);
		return;
	}
	assert_false(m->broken);
	if (row->why && !strstr(e->text, row->why))
		fail_msg("%s: %s", row->in, e->text);
	if (row->why && rc != ERR_INVALID)
		fail_msg("%s: %d", row->in, rc);
	assert_int_equal(m->kind, row->kind);
	assert_tree(m->id, row->id, row->in);
	if (row->why)
		return;
	assert_text(text, len, row->what, row->in);
	assert_tree(m->params ? m->params : m->data, row->tree, row->in);
	assert_int_equal(m->code, row->code);
}

static int read_row(const struct row *row, struct message *m, struct err *e)
{
	struct jsontext *text = jsontext_copy(row->in, strlen(row->in));
	int rc = text ? message_read(m, text, e) : ERR_NOMEM;

	if (!text)
		memset(m, 0, sizeof *m);
	jsontext_unref(&text);
	return rc;
}

static void messages(void **state)
{
	struct message m;
	struct err e;

	(void)state;
	EACH(rows)
	{
		int rc = read_row(&rows[i], &m, &e);

		check(&rows[i], &m, rc, &e);
		message_clear(&m);
		assert_null(m.id);
		/* E may lack. */
		assert_int_equal(read_row(&rows[i], &m, NULL), rc);
		message_clear(&m);
	}
}

/* Behind a whole value there may be another message. */
static void value_and_more(void **state)
{
	static const struct row two = {.in = "{\"id\":5,\"result\":{}} {\"id\":6}"},
				cut = {.in = "{\"id\":5"};
	struct message m;
	struct err e;

	(void)state;
	assert_int_equal(read_row(&two, &m, &e), ERR_PARSE);
	assert_true(m.end >= 21 && m.end <= 22);
	message_clear(&m);
	assert_int_equal(read_row(&cut, &m, &e), ERR_PARSE);
	assert_int_equal(m.end, 0);
	message_clear(&m);
}

static void parts_over_the_limit(void **state)
{
	static const struct row
		error = {.in = "{\"id\":5,\"error\":{\"message\":\"more than twenty bytes\"}}"},
		result = {.in = "{\"id\":5,\"result\":{\"text\":\"more than twenty bytes\"}}"};
	struct message m;
	struct err e;

	(void)state;
	jsontext_limit(20);
	assert_int_equal(read_row(&error, &m, &e), ERR_LIMIT);
	assert_int_equal(json_integer_value(m.id), 5);
	assert_int_equal(m.kind, JSONRPC_ERROR);
	message_clear(&m);
	assert_int_equal(read_row(&result, &m, &e), 0);
	message_clear(&m);
	jsontext_limit((size_t)1 << 20);
}

static void ids(void **state)
{
	static const struct {
		const char *id;
		bool is;
		json_int_t n;
	} table[] = {
		{"5", true, 5},
		{"-5", true, -5},
		{"5.0", true, 5},
		{"'5'", true, 5},
		{"5.5", false, 0},
		{"1e300", false, 0},
		{"'5x'", false, 0},
		{"''", false, 0},
		{"' 5'", false, 0},
		{"'-5'", false, 0},
		{"'5.0'", false, 0},
		{"null", false, 0},
		{"[5]", false, 0},
		{"true", false, 0},
		{"'0005'", true, 5},
		{"'1234567890123456789'", false, 0},
		{"'123456789012345678'", true, 123456789012345678},
	};
	json_int_t n;

	(void)state;
	EACH(table)
	{
		json_t *id = json_of(table[i].id);

		n = 0;
		if (message_id_number(id, &n) != table[i].is || (table[i].is && n != table[i].n))
			fail_msg("%s: %lld", table[i].id, (long long)n);
		json_decref(id);
	}
	assert_false(message_id_number(NULL, &n));
}

static void guesses(void **state)
{
	static const struct {
		const char *text;
		json_int_t id; /* 0: none */
		bool method, response;
	} table[] = {
		{"{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{\"n\":NaN}}", 5, false, true},
		{"{\"id\": \"5\"", 5, false, false},
		{"{\n  \"id\" :  5,", 5, false, false},
		{"{\"jsonrpc\":\"2.0\",\"result\":{\"n\":NaN},\"id\":7}", 7, false, true},
		{"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"m\"", 0, true, false},
		{"{\"jsonrpc\":\"2.0\",\"method\" :\"m\",\"params\":{\"id\":5}", 0, true, false},
		{"{\"jsonrpc\":\"2.0\",\"result\":NaN}", 0, false, true},
		{"a log line with \"id\" in it", 0, false, false},
		{"{\"text\":\"the \\\"id\\\"\"}", 0, false, false},
		{"{\"id\":\"abc\"}", 0, false, false},
		{"{\"id\":", 0, false, false},
		{"log: {\"jsonrpc\":\"2.0\"}", 0, false, false},
		{"", 0, false, false},
	};

	(void)state;
	EACH(table)
	{
		const char *text = table[i].text;
		size_t len = strlen(text);
		char *copy = malloc(len + 1); /* a sanitizer sees what is read behind LEN */
		json_t *id;

		assert_non_null(copy);
		memcpy(copy, text, len);
		id = message_guess_id(copy, len);
		if (json_integer_value(id) != table[i].id)
			fail_msg("%s: id %lld", text, (long long)json_integer_value(id));
		if (message_shows_method(copy, len) != table[i].method)
			fail_msg("%s: method", text);
		if (message_shows_response(copy, len) != table[i].response)
			fail_msg("%s: response", text);
		json_decref(id);
		free(copy);
	}
}

/* Servers may write the id last. What is in the middle of a large text is not looked at. */
static void guesses_in_large_texts(void **state)
{
	static char text[20000];
	json_t *id;

	(void)state;
	memset(text, 'x', sizeof text);
	memcpy(text, "{\"result\":\"", 11);
	memcpy(text + sizeof text - 9, ",\"id\":12}", 9);
	id = message_guess_id(text, sizeof text);
	assert_int_equal(json_integer_value(id), 12);
	json_decref(id);
	memset(text + sizeof text - 9, 'x', 9);
	memcpy(text + 10000, ",\"id\":12}", 9);
	assert_null(message_guess_id(text, sizeof text));
	memcpy(text, "{\"method\":", 10);
	memcpy(text + sizeof text - 9, ",\"id\":12}", 9);
	assert_null(message_guess_id(text, sizeof text));
}

static void unmarked(void **state)
{
	static const char *const table[][3] = {
		{"\xef\xbb\xbf{}", "{}", "{}"},
		{"{}", "{}", "{}"},
		{"\xef\xbb", "\xef\xbb", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xef\xbb\xbf\"\xe9\"", "\"\xe9\"", "\"\xef\xbf\xbd\""},
		{"", "", ""}};

	(void)state;
	EACH(table)
	{
		struct jsontext *text = jsontext_copy(table[i][0], strlen(table[i][0]));
		struct jsontext *bare = message_unmarked(text);
		size_t len = 0;
		const char *bytes = jsontext_bytes(bare, &len);

		assert_text(bytes, len, table[i][1], table[i][0]);
		jsontext_unref(&bare);
		bare = message_clean(text);
		bytes = jsontext_bytes(bare, &len);
		assert_text(bytes, len, table[i][2], table[i][0]);
		jsontext_unref(&bare);
		jsontext_unref(&text);
	}
}

/* The answer to ID as it is written; the caller frees. NULL: out of memory. */
static char *answered(const json_t *id, const char *result_text)
{
	struct jsontext *result = jsontext_copy(result_text, strlen(result_text)), *all;
	const char *bytes;
	size_t len = 0;
	char *copy = NULL;

	all = result ? message_result(id, result) : NULL;
	bytes = all ? jsontext_bytes(all, &len) : NULL;
	if (bytes)
		copy = strndup(bytes, len);
	jsontext_unref(&all);
	jsontext_unref(&result);
	return copy;
}

static void results(void **state)
{
	static const char *const table[][3] = {
		{"5", "{ \"a\":1.0}", "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{ \"a\":1.0}}"},
		{"'x\\\"y'", "{}", "{\"jsonrpc\":\"2.0\",\"id\":\"x\\\"y\",\"result\":{}}"},
		{"1.5", "{}", "{\"jsonrpc\":\"2.0\",\"id\":1.5,\"result\":{}}"},
	};

	(void)state;
	EACH(table)
	{
		json_t *id = json_of(table[i][0]);
		char *text = answered(id, table[i][1]);

		assert_non_null(text);
		assert_string_equal(text, table[i][2]);
		free(text);
		json_decref(id);
	}
}

/* One row with allocation N failing. False: none failed. A message is as without, or there is none.
 */
static bool starve(const struct row *row, long n)
{
	struct message m;
	struct err e = {0};
	bool failed;
	int rc;

	failalloc_at(n, false);
	rc = read_row(row, &m, &e);
	failed = failalloc_off();
	/* Where jansson lacks memory for a string, it says that the token is invalid. */
	if (rc == ERR_NOMEM || (rc == ERR_PARSE && !m.broken))
		assert_true(failed);
	else
		check(row, &m, rc, &e);
	message_clear(&m);
	return failed;
}

static bool starve_result(long n)
{
	json_t *id = json_integer(5);
	bool failed;
	char *text;

	failalloc_at(n, false);
	text = answered(id, "{\"a\":1}");
	failed = failalloc_off();
	assert_true(text || failed);
	if (text)
		assert_string_equal(text, "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{\"a\":1}}");
	free(text);
	json_decref(id);
	return failed;
}

static void every_allocation_may_fail(void **state)
{
	(void)state;
	EACH(rows)
	{
		for (long n = 1; starve(&rows[i], n); n++)
			assert_true(n < 1000);
	}
	for (long n = 1; starve_result(n); n++)
		assert_true(n < 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages),
		cmocka_unit_test(value_and_more),
		cmocka_unit_test(parts_over_the_limit),
		cmocka_unit_test(ids),
		cmocka_unit_test(guesses),
		cmocka_unit_test(guesses_in_large_texts),
		cmocka_unit_test(unmarked),
		cmocka_unit_test(results),
		cmocka_unit_test(every_allocation_may_fail),
	};

	failalloc_install();
	return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
