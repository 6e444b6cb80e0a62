/* What is taken out of the words of a server. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "mask.h"

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
	char *const env[] = {(char[]){"API_KEY=k-12345"}, (char[]){"LONGER=k-12345678"}, (char[]){"EMPTY="},
				    (char[]){"SHORT=abc"}, (char[]){"FOUR=abcd"}, (char[]){"NOTHING"}, NULL};
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
	assert_int_equal(mask_add(&m, "-----BEGIN KEY-----\nMIIEvQ\r\nabc\n\n-----END KEY-----\n"), 0);
	assert_int_equal(m.n, 3);
	expect(&m, "the key is MIIEvQ", "the key is ***");
	expect(&m, "abc", "abc");
	mask_fini(&m);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_masked),
		cmocka_unit_test(lines_of_a_value),
	};

	return cmocka_run_group_tests_name("mask", tests, NULL, NULL);
}
