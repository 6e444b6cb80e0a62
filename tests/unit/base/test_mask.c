/* SPDX-License-Identifier: ISC */
/* What is taken out of the words of a server. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mask.h"

static void expect(const struct mask *m, const char *text, const char *wanted)
{
	size_t len;
	char *got = mask_text(m, text, strlen(text), &len);

	assert_non_null(got);
	assert_string_equal(got, wanted);
	assert_int_equal(len, strlen(wanted));
	free(got);
}

static void values_are_masked(void **state)
{
	char *const env[] = {(char[]){"API_KEY=k-12345"},
			     (char[]){"LONGER=k-12345678"},
			     (char[]){"EMPTY="},
			     (char[]){"SHORT=abc"},
			     (char[]){"FOUR=abcd"},
			     (char[]){"NOTHING"},
			     NULL};
	struct mask m = {.n = 0};

	(void)state;
	expect(&m, "nothing is known yet: k-12345", "nothing is known yet: k-12345");
	assert_int_equal(mask_add_env(&m, env), 0);
	assert_int_equal(mask_add_env(&m, NULL), 0);
	assert_int_equal(m.n, 3);
	expect(&m, "API_KEY=k-12345", "API_KEY=***");
	expect(&m, "k-12345k-12345678", "******"); /* the longest at each place */
	expect(&m, "xk-1234 k-12345", "xk-1234 ***");
	expect(&m, "abc abcd", "abc ***");
	expect(&m, "", "");
	mask_fini(&m);
	expect(&m, "k-12345", "k-12345");
}

/* A server writes a line at a time. */
static void lines_of_a_value(void **state)
{
	struct mask m = {.n = 0};

	(void)state;
	assert_int_equal(mask_add(&m, "-----BEGIN KEY-----\nMIIEvQ\r\nabc\n\n-----END KEY-----\n"),
			 0);
	assert_int_equal(m.n, 3);
	expect(&m, "the key is MIIEvQ", "the key is ***");
	expect(&m, "abc", "abc");
	mask_fini(&m);
}

/* Tokens follow each other: the latest are known, and what does not pass stays. */
static void passing_values(void **state)
{
	struct mask m = {.n = 0};
	char value[16];

	(void)state;
	assert_int_equal(mask_add_passing(&m, NULL), 0);
	assert_int_equal(mask_add_passing(&m, "abc"), 0);
	assert_int_equal(mask_add_passing(&m, "first"), 0);
	assert_int_equal(mask_add(&m, "stays"), 0);
	for (int i = 0; i < MASK_PASSING - 1; i++) {
		snprintf(value, sizeof value, "token-%02d", i);
		assert_int_equal(mask_add_passing(&m, value), 0);
		assert_int_equal(mask_add_passing(&m, value), 0);
	}
	assert_int_equal(m.n, MASK_PASSING + 1);
	expect(&m, "stays first token-00 token-14", "*** *** *** ***");
	/* The one that came again is not the oldest any more. */
	assert_int_equal(mask_add_passing(&m, "first"), 0);
	assert_int_equal(mask_add_passing(&m, "last"), 0);
	assert_int_equal(m.n, MASK_PASSING + 1);
	expect(&m, "stays first token-00 token-01 last", "*** *** token-00 *** ***");
	assert_int_equal(mask_add(&m, "stays too"), 0);
	assert_int_equal(mask_add_passing(&m, "newer"), 0);
	expect(&m, "stays too, first token-01 token-02 newer", "***, *** token-01 *** ***");
	/* One that was cut short where it is quoted. */
	assert_int_equal(mask_add_passing(&m, "0123456789abcdefghij"), 0);
	expect(&m, "\"0123456789abcdef\" 0123456789abcdefgh, 0123456789abcde",
	       "\"***\" ***, 0123456789abcde");
	mask_fini(&m);
	assert_int_equal(m.passing, 0);
}

static void headers_are_masked(void **state)
{
	const char *const lines[] = {"Authorization: Bearer t-12345", "X-Key:k-6789", "Odd", NULL};
	struct mask m = {.n = 0};

	(void)state;
	assert_int_equal(mask_add_headers(&m, NULL), 0);
	assert_int_equal(mask_add_headers(&m, lines), 0);
	expect(&m, "it got t-12345 and k-6789", "it got *** and ***");
	expect(&m, "Bearer t-12345!", "***!");
	mask_fini(&m);
}

static void what_is_cut_short_is_masked_to_its_end(void **state)
{
	struct mask m = {.n = 0};
	char begin[MASK_BEGINNING], text[200] = "", whole[] = "its key-1234 it is",
				    cut[] = "its key-12";

	(void)state;
	assert_int_equal(mask_add(&m, "key-1234"), 0);
	mask_here(&m, whole, false);
	assert_string_equal(whole, "its *** it is");
	mask_here(&m, cut, false);
	assert_string_equal(cut, "its key-12");
	mask_here(NULL, cut, true);
	assert_string_equal(cut, "its key-12");
	mask_here(&m, cut, true);
	assert_string_equal(cut, "its ***");
	memset(text, 'x', 75);
	strcpy(text + 75, "key-1234 and more");
	mask_beginning(&m, text, strlen(text), begin);
	assert_int_equal(strlen(begin), 78);
	assert_string_equal(begin + 75, "***");
	mask_beginning(NULL, "a\0b", 3, begin);
	assert_string_equal(begin, "a?b");
	mask_fini(&m);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_masked),
		cmocka_unit_test(lines_of_a_value),
		cmocka_unit_test(headers_are_masked),
		cmocka_unit_test(passing_values),
		cmocka_unit_test(what_is_cut_short_is_masked_to_its_end),
	};

	return cmocka_run_group_tests_name("mask", tests, NULL, NULL);
}
