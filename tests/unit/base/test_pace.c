/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <event2/event.h>

#include "base/defer.h"
#include "base/pace.h"

static struct pace pace;
static unsigned kinds_told[100], tell_again;
static int times;

static void on_told(void *arg, unsigned kinds)
{
	(void)arg;
	kinds_told[times++] = kinds;
	if (tell_again > 0) {
		tell_again--;
		pace_tell(&pace, kinds);
	}
}

static struct event_base *begin(void)
{
	times = 0;
	pace_init(&pace, on_told, NULL);
	return loop_open();
}

/* However often something is told, it is told at once, and once more at the end of the second. */
static void the_first_and_the_last(void **state)
{
	struct event_base *base = begin();

	(void)state;
	for (int i = 0; i < 1000; i++)
		pace_tell(&pace, 1);
	assert_int_equal(times, 1);
	loop_until_count(base, &times, 2);
	assert_int_equal(kinds_told[1], 1);
	pace_stop(&pace);
	loop_close(base);
}

/* Kinds do not hold each other up, and are put together when they wait. */
static void kinds(void **state)
{
	struct event_base *base = begin();

	(void)state;
	pace_tell(&pace, 1);
	pace_tell(&pace, 3);
	assert_int_equal(times, 2);
	assert_int_equal(kinds_told[1], 2);
	pace_tell(&pace, 1);
	pace_tell(&pace, 2);
	loop_until_count(base, &times, 3);
	assert_int_equal(kinds_told[2], 3);
	pace_stop(&pace);
	loop_close(base);
}

/* Telling may lead to more to tell: each turn of that costs a second, not the processor. */
static void news_of_news(void **state)
{
	struct event_base *base = begin();

	(void)state;
	tell_again = 3;
	pace_tell(&pace, 1);
	assert_int_equal(times, 1);
	loop_until_count(base, &times, 4);
	pace_stop(&pace);
	loop_close(base);
}

static void nothing_after_the_stop(void **state)
{
	struct event_base *base = begin();

	(void)state;
	pace_tell(&pace, 1);
	pace_tell(&pace, 1);
	pace_stop(&pace);
	assert_false(pace.node.queued);
	loop_close(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_and_the_last),
		cmocka_unit_test(kinds),
		cmocka_unit_test(news_of_news),
		cmocka_unit_test(nothing_after_the_stop),
	};

	pace_ms = 10;
	return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
