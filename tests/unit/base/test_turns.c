/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <event2/event.h>

#include "base/stopping.h"
#include "base/turns.h"

static unsigned fired;

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	turns_doing("a timer", "\n");
	if (++fired == 3)
		event_base_loopexit(arg, NULL);
}

/* The loop goes on until it is told to end, also from outside of a callback. */
static void runs(void **state)
{
	struct event_base *base = event_base_new();
	struct event *timer = event_new(base, -1, EV_PERSIST, on_timer, base);
	struct timeval soon = {.tv_usec = 100};

	(void)state;
	event_add(timer, &soon);
	assert_int_equal(turns_run(base, NULL), 0);
	assert_int_equal(fired, 3);
	event_free(timer);
	event_base_free(base);
}

static void the_longest_is_kept(void **state)
{
	struct turns_longest minute, ever;

	(void)state;
	turns_doing("tools/call", "search\n");
	turns_ended(90000000);
	turns_doing("something short", NULL);
	turns_ended(10);
	turns_report(&minute, &ever);
	assert_int_equal(minute.cpu_us, 90000000);
	assert_string_equal(minute.what, "tools/call search\n");
	assert_true(ever.wall_us >= ever.cpu_us);
	assert_string_equal(ever.what, minute.what);
}

static struct stopping stopping;

static void on_long_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	turns_doing("long work", NULL);
	turns_ended(TURNS_LIMIT_US + 1);
	event_base_loopexit(arg, NULL);
}

/* A long turn is a warning, but not once the daemon is going down. */
static void long_turns_of_the_shutdown_are_not_logged(void **state)
{
	struct event_base *base = event_base_new();
	struct event *timer = event_new(base, -1, 0, on_long_timer, base);
	struct timeval soon = {.tv_usec = 100};

	(void)state;
	capture_start();
	for (int i = 0; i < 2; i++) {
		event_add(timer, &soon);
		assert_int_equal(turns_run(base, &stopping), 0);
		assert_int_equal(capture_matches("A turn of the loop took"), 1);
		assert_int_equal(stopping_begin(&stopping), i == 0);
	}
	capture_stop();
	event_free(timer);
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs),
		cmocka_unit_test(long_turns_of_the_shutdown_are_not_logged),
		cmocka_unit_test(the_longest_is_kept),
	};

	return cmocka_run_group_tests_name("turns", tests, NULL, NULL);
}
