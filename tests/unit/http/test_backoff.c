/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <time.h>

#include "http/backoff.h"

/* A wait of at least MS, and at most a quarter more. */
static void expect(int64_t got, int64_t ms)
{
	assert_in_range(got, ms, ms + ms / 4);
}

static void grows(void **state)
{
	struct backoff b = {0};

	(void)state;
	for (int64_t ms = 1000; ms < 30000; ms *= 2)
		expect(backoff_next(&b, 0), ms);
	for (int i = 0; i < 100; i++)
		expect(backoff_next(&b, -1), 30000);
	backoff_reset(&b);
	expect(backoff_next(&b, 0), 1000);
}

static void a_program_waits_a_minute_at_most(void **state)
{
	static const int64_t seconds[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
	struct backoff b = {0};

	(void)state;
	for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++)
		assert_int_equal(backoff_restart(&b), seconds[i] * 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(backoff_restart(&b), 60000);
	backoff_reset(&b);
	assert_int_equal(backoff_restart(&b), 1000);
}

static void what_is_asked_for_is_a_least_time(void **state)
{
	(void)state;
	for (int i = 0; i < 300; i++) {
		struct backoff b = {0};

		expect(backoff_next(&b, 1), 1000);
		expect(backoff_next(&b, 7000), 7000);
		expect(backoff_next(&b, 1), 4000);
		expect(backoff_next(&b, 60000), 60000);
		expect(backoff_next(&b, INT64_MAX), BACKOFF_LEAST_MS);
	}
}

static void retry_after(void **state)
{
	time_t then = time(NULL) + 100;
	char date[40];

	(void)state;
	assert_int_equal(backoff_retry_after(NULL), 0);
	assert_int_equal(backoff_retry_after(""), 0);
	assert_int_equal(backoff_retry_after("17"), 17000);
	assert_int_equal(backoff_retry_after("0"), 0);
	assert_int_equal(backoff_retry_after("-1"), 0);
	assert_int_equal(backoff_retry_after("1.5"), 0);
	assert_int_equal(backoff_retry_after("Fri, 31 Dec 1999 23:59:59 GMT"), 0);
	assert_int_equal(backoff_retry_after("Friday"), 0);
	assert_int_equal(backoff_retry_after("-"), 0);
	strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&then));
	assert_in_range(backoff_retry_after(date), 50000, 100000);
	assert_int_equal(backoff_retry_after("Wed, 01 Jan 2500 00:00:00 GMT"), BACKOFF_LEAST_MS);
	assert_int_equal(backoff_retry_after("99999999999999999999999"), BACKOFF_LEAST_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows),
		cmocka_unit_test(a_program_waits_a_minute_at_most),
		cmocka_unit_test(what_is_asked_for_is_a_least_time),
		cmocka_unit_test(retry_after),
	};

	return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
