/* SPDX-License-Identifier: ISC */
#include "support.h"

#include "base/clock.h"
#include "base/ratelimit.h"

static int64_t now;

int64_t __wrap_clock_ms(void);
int64_t __wrap_clock_ms(void)
{
	return now;
}

/* How many of N pass. */
static unsigned pass(struct ratelimit *r, unsigned n)
{
	unsigned passed = 0;

	while (n-- > 0)
		passed += ratelimit_pass(r);
	return passed;
}

/* After a burst there is a rest, and then it goes on; however long nothing came, no more than a
 * burst comes at once. */
static void refills(void **state)
{
	struct ratelimit r;

	(void)state;
	now = 5000;
	ratelimit_init(&r, 2, 5);
	assert_int_equal(pass(&r, 100), 5);
	assert_int_equal(ratelimit_dropped(&r), 95);
	assert_int_equal(ratelimit_dropped(&r), 0);
	now += 499;
	assert_int_equal(pass(&r, 10), 0);
	now += 1;
	assert_int_equal(pass(&r, 10), 1);
	now += 1000;
	assert_int_equal(pass(&r, 10), 2);
	assert_int_equal(ratelimit_dropped(&r), 27);
	now += 3600000;
	assert_int_equal(pass(&r, 100), 5);
	assert_int_equal(ratelimit_dropped(&r), 95);
}

/* What comes no faster than it may always passes. */
static void a_steady_rate_passes(void **state)
{
	struct ratelimit r;

	(void)state;
	now = 0;
	ratelimit_init(&r, 10, 1);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(pass(&r, 1), 1);
		now += 100;
	}
	assert_int_equal(ratelimit_dropped(&r), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refills),
		cmocka_unit_test(a_steady_rate_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
