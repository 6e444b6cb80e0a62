/* SPDX-License-Identifier: ISC */
#include "support.h"

#include "base/clock.h"
#include "http/outage.h"

static int64_t now;

int64_t __wrap_clock_ms(void);
int64_t __wrap_clock_ms(void)
{
	return now;
}

static int set_up(void **state)
{
	(void)state;
	now = 1000000;
	return 0;
}

/* How many of N requests, STEP_MS apart, are made at a host that refuses them all. */
static unsigned made(struct outage *o, unsigned n, int64_t step_ms)
{
	unsigned count = 0;

	for (; n > 0; n--) {
		if (outage_may_ask(o)) {
			count++;
			outage_failed(o, 0);
		}
		now += step_ms;
	}
	return count;
}

static void a_host_that_fails_is_asked_more_and_more_rarely(void **state)
{
	struct outage o = {.down = false};

	(void)state;
	assert_int_equal(made(&o, 999, 1), 1);
	/* 1, 2, 4, 8 and 16 s with up to a quarter more, then half a minute each */
	assert_in_range(made(&o, 100, 1000), 5, 7);
	assert_in_range(made(&o, 3000, 1000), 3000 / 38, 3000 / 30 + 1);
	now += 60000;
	assert_true(outage_may_ask(&o));
	outage_over(&o);
	assert_true(outage_may_ask(&o));
	outage_failed(&o, 0);
	now += 999;
	assert_false(outage_may_ask(&o));
	now += 251;
	assert_true(outage_may_ask(&o));
}

static void what_the_host_asks_for_is_waited(void **state)
{
	struct outage o = {.down = false};

	(void)state;
	outage_failed(&o, 600000);
	now += 599999;
	assert_false(outage_may_ask(&o));
	now += 150001;
	assert_true(outage_may_ask(&o));
}

static void one_request_tries_whether_the_host_is_back(void **state)
{
	struct outage o = {.down = false};

	(void)state;
	outage_failed(&o, 0);
	now += 2000;
	assert_true(outage_may_ask(&o));
	assert_false(outage_may_ask(&o));
	now += OUTAGE_TRY_MS; /* its end was never told */
	assert_true(outage_may_ask(&o));
	assert_false(outage_may_ask(&o));
	outage_over(&o);
	assert_true(outage_may_ask(&o));
	assert_true(outage_may_ask(&o));
}

static void requests_that_fail_together_are_one_failure(void **state)
{
	struct outage o = {.down = false};

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_true(outage_may_ask(&o));
	for (int i = 0; i < 20; i++)
		outage_failed(&o, 0);
	now += 1250;
	assert_true(outage_may_ask(&o));
}

static void the_log_has_a_line_at_the_beginning_now_and_then_and_at_the_end(void **state)
{
	struct outage o = {.down = false};
	unsigned lines = 0;

	(void)state;
	assert_false(outage_over(&o));
	assert_true(outage_failed(&o, 0));
	for (int i = 0; i < 1000; i++, now += 1000)
		lines += outage_failed(&o, 0);
	assert_int_equal(lines, 1000000 / OUTAGE_LINE_MS);
	assert_true(outage_over(&o));
	assert_false(outage_over(&o));
	/* A host that fails and works by turns has no line for each. */
	for (int i = 0; i < 50; i++) {
		assert_false(outage_failed(&o, 0));
		assert_false(outage_over(&o));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_host_that_fails_is_asked_more_and_more_rarely, set_up),
		cmocka_unit_test_setup(what_the_host_asks_for_is_waited, set_up),
		cmocka_unit_test_setup(one_request_tries_whether_the_host_is_back, set_up),
		cmocka_unit_test_setup(requests_that_fail_together_are_one_failure, set_up),
		cmocka_unit_test_setup(
			the_log_has_a_line_at_the_beginning_now_and_then_and_at_the_end, set_up),
	};

	return cmocka_run_group_tests_name("outage", tests, NULL, NULL);
}
