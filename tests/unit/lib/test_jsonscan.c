/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/jsonscan.h"

/* What was told, one line for each member. */
static char told[4096];
static const char *told_of;

static void on_member(const struct jsonscan_member *m, void *arg)
{
	size_t n = strlen(told);

	(void)arg;
	snprintf(told + n, sizeof told - n, "%u %.*s%s%.*s=%.*s\n", m->depth,
		 m->depth == 2 ? (int)m->in_len : 0, told_of + m->in_at, m->depth == 2 ? "." : "",
		 (int)m->key_len, told_of + m->key_at, (int)m->len, told_of + m->at);
}

/* Scans a copy that has exactly the bytes, in pieces of STEP (0: at once). */
static enum jsonscan_status scan(const char *text, size_t len, size_t step, size_t max_depth)
{
	enum jsonscan_status status = JSONSCAN_MORE;
	struct jsonscan s;
	char *copy = malloc(len + 1);

	told[0] = '\0';
	told_of = text;
	jsonscan_init(&s, max_depth, on_member, NULL);
	for (size_t there = step; step > 0 && there < len && status == JSONSCAN_MORE;
	     there += step) {
		memcpy(copy, text, there);
		status = jsonscan_run(&s, copy, there, false);
	}
	if (status == JSONSCAN_MORE)
		status = jsonscan_run(&s, text, len, true);
	jsonscan_fini(&s);
	free(copy);
	return status;
}

static enum jsonscan_status scan_text(const char *text)
{
	enum jsonscan_status status = scan(text, strlen(text), 0, 0);

	for (size_t step = 1; step < 20; step++)
		assert_int_equal(scan(text, strlen(text), step, 0), status);
	return status;
}

static void test_grammar(void **state)
{
	static const char *const good[] = {
		"{}",
		"[]",
		" [ ] ",
		"\"\"",
		"0",
		"-0",
		"1.0",
		"1e2",
		"-1.5E+10",
		"true",
		"false",
		"null",
		"[1,2,[3,{\"a\":[]}]]",
		"\"\\u0000\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
		"{\"a\":1,\"a\":2}",
		"123456789012345678901234567890123456789",
		"1e400",
		"\"\x7f\xc3\xa9\xf0\x9f\x98\x80\"",
		"\t{\r\n\"a\" : 1 , \"b\":[ 1 ] }\n",
		"\"\\ud800\"",
		"\"a string that is longer than eight bytes, twice\"",
	};
	static const char *const bad[] = {
		"",
		" ",
		"{",
		"[",
		"}",
		"]",
		"{]",
		"[}",
		"[1,]",
		"{\"a\":1,}",
		"{\"a\"}",
		"{a:1}",
		"{\"a\":}",
		"{\"a\" 1}",
		"[1 2]",
		"01",
		"-",
		"1.",
		"1.e2",
		"1e",
		"1e+",
		".5",
		"+1",
		"tru",
		"trueish",
		"nul",
		"NaN",
		"Infinity",
		"\"",
		"\"\\",
		"\"\\x\"",
		"\"\\u12\"",
		"\"\\u123g\"",
		"\"\n\"",
		"\"12345678\t\"",
		"1 2",
		"{} {}",
		"{}x",
		"'a'",
		"\xef\xbb\xbf{}",
		"[1,,2]",
		"{,}",
		"{\"a\":1 \"b\":2}",
		"-a",
		"--1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		if (scan_text(good[i]) != JSONSCAN_DONE)
			fail_msg("refused: %s", good[i]);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (scan_text(bad[i]) != JSONSCAN_BAD)
			fail_msg("taken: %s", bad[i]);
	}
}

static void test_members(void **state)
{
	static const char text[] = "{\"id\": 7 , \"params\":{\"name\":\"x\",\"_meta\":{\"t\":1}},"
				   "\"list\":[{\"no\":1}],\"\\u0061\":null}";

	(void)state;
	assert_int_equal(scan_text(text), JSONSCAN_DONE);
	assert_string_equal(told, "1 id=7\n"
				  "2 params.name=\"x\"\n"
				  "2 params._meta={\"t\":1}\n"
				  "1 params={\"name\":\"x\",\"_meta\":{\"t\":1}}\n"
				  "1 list=[{\"no\":1}]\n"
				  "1 \\u0061=null\n");
	/* An array has elements without a key. Objects in it are no members of an object. */
	assert_int_equal(scan_text("[ {\"a\":{\"b\":1}},[2], 3]"), JSONSCAN_DONE);
	assert_string_equal(told, "1 ={\"a\":{\"b\":1}}\n"
				  "1 =[2]\n"
				  "1 =3\n");
}

static void test_depth(void **state)
{
	enum { LEVELS = 5000 };
	char text[2 * LEVELS + 1];

	(void)state;
	memset(text, '[', LEVELS);
	memset(text + LEVELS, ']', LEVELS);
	assert_int_equal(scan(text, 2 * LEVELS, 0, 0), JSONSCAN_DONE);
	assert_int_equal(scan(text, 2 * LEVELS, 7, LEVELS), JSONSCAN_DONE);
	assert_int_equal(scan(text, 2 * LEVELS, 0, LEVELS - 1), JSONSCAN_DEEP);
	/* Each level remembers what it is. */
	for (size_t i = 0; i < LEVELS; i += 3)
		text[i] = '[';
	text[LEVELS + 1234] = '}';
	assert_int_equal(scan(text, 2 * LEVELS, 0, 0), JSONSCAN_BAD);
}

static size_t count_bad(const char *text, size_t step)
{
	struct jsonscan s;
	size_t len = strlen(text), bad;

	jsonscan_init(&s, 0, NULL, NULL);
	for (size_t there = step; step > 0 && there < len; there += step)
		assert_int_equal(jsonscan_run(&s, text, there, false), JSONSCAN_MORE);
	assert_int_equal(jsonscan_run(&s, text, len, true), JSONSCAN_DONE);
	bad = s.bad;
	jsonscan_fini(&s);
	return bad;
}

static void test_bad_utf8_is_counted(void **state)
{
	(void)state;
	for (size_t step = 0; step < 5; step++) {
		assert_int_equal(count_bad("\"caf\xc3\xa9 12345678\"", step), 0);
		assert_int_equal(count_bad("\"caf\xe9\"", step), 1);
		assert_int_equal(count_bad("\"\xed\xa0\x80\"", step), 3);
		assert_int_equal(count_bad("[\"\xf0\x9f\x98\",\"\xc3\"]", step), 4);
		assert_int_equal(count_bad("\"\xf0\x9f\x98\x80\xff\"", step), 1);
	}
	/* Outside of a string they are no JSON. */
	assert_int_equal(scan_text("[\xc3\xa9]"), JSONSCAN_BAD);
}

static void test_where_it_is_bad(void **state)
{
	struct jsonscan s;

	(void)state;
	jsonscan_init(&s, 0, NULL, NULL);
	assert_int_equal(jsonscan_run(&s, "{\"a\": NaN}", 10, true), JSONSCAN_BAD);
	assert_int_equal(s.pos, 6);
	assert_non_null(s.why);
	jsonscan_fini(&s);
}

static void test_keys(void **state)
{
	(void)state;
	assert_true(jsonscan_key_is("method", 6, "method"));
	assert_false(jsonscan_key_is("method", 5, "method"));
	assert_true(jsonscan_key_is("\\u006dethod", 11, "method"));
	assert_true(jsonscan_key_is("m\\u0065thod", 11, "method"));
	assert_true(jsonscan_key_is("a\\/b", 4, "a/b"));
	assert_false(jsonscan_key_is("method\\u0000", 12, "method"));
	assert_false(jsonscan_key_is("\\u00e9", 6, "\xc3\xa9"));
	assert_true(jsonscan_key_is("\\n", 2, "\n"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grammar),		cmocka_unit_test(test_members),
		cmocka_unit_test(test_depth),		cmocka_unit_test(test_bad_utf8_is_counted),
		cmocka_unit_test(test_where_it_is_bad), cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
