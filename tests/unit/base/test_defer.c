/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/defer.h"

static struct event_base *base;

static int setup(void **state)
{
	(void)state;
	base = loop_open();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	loop_close(base);
	return 0;
}

/* What ran, as a string of names. */
static char ran[32];
static size_t n_ran;

static void note(char name)
{
	assert_true(n_ran < sizeof ran - 1);
	ran[n_ran++] = name;
	ran[n_ran] = '\0';
}

static void reset(void)
{
	n_ran = 0;
	ran[0] = '\0';
}

static void run_named(void *arg)
{
	note(*(const char *)arg);
}

static char a_name = 'a', b_name = 'b', c_name = 'c';

static void runs_later_in_order(void **state)
{
	struct defer a = {0}, b = {0}, c = {0};

	(void)state;
	reset();
	defer_call(&a, run_named, &a_name);
	defer_call(&b, run_named, &b_name);
	defer_call(&c, run_named, &c_name);
	assert_string_equal(ran, "");
	loop_turn(base);
	assert_string_equal(ran, "abc");
	loop_turn(base);
	assert_string_equal(ran, "abc");
}

static void second_call_does_nothing(void **state)
{
	struct defer a = {0};

	(void)state;
	reset();
	defer_call(&a, run_named, &a_name);
	defer_call(&a, run_named, &b_name);
	loop_turn(base);
	assert_string_equal(ran, "a");
	defer_call(&a, run_named, &b_name);
	loop_turn(base);
	assert_string_equal(ran, "ab");
}

static void cancels_any_of_three(void **state)
{
	static const char *const left[] = {"bc", "ac", "ab"};

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct defer d[3] = {0};

		reset();
		defer_call(&d[0], run_named, &a_name);
		defer_call(&d[1], run_named, &b_name);
		defer_call(&d[2], run_named, &c_name);
		defer_cancel(&d[i]);
		defer_cancel(&d[i]);
		assert_false(d[i].queued);
		loop_turn(base);
		assert_string_equal(ran, left[i]);
	}
}

static void cancel_other(void *arg)
{
	note('x');
	defer_cancel(arg);
}

/* The one that is cancelled from inside is the last of its turn: the end of the queue moves. */
static void cancels_from_inside(void **state)
{
	struct defer a = {0}, b = {0}, c = {0};

	(void)state;
	reset();
	defer_call(&a, cancel_other, &b);
	defer_call(&b, run_named, &b_name);
	loop_turn(base);
	defer_call(&c, run_named, &c_name);
	loop_turn(base);
	assert_string_equal(ran, "xc");
}

static struct defer again;
static int repeats;

static void repeat(void *arg)
{
	(void)arg;
	repeats++;
	if (repeats < 3)
		defer_call(&again, repeat, NULL);
}

/* Work that defers itself leaves room for everything else between two turns. */
static void requeued_runs_in_the_next_turn(void **state)
{
	(void)state;
	repeats = 0;
	defer_call(&again, repeat, NULL);
	loop_turn(base);
	assert_int_equal(repeats, 1);
	loop_turn(base);
	assert_int_equal(repeats, 2);
	loop_turn(base);
	assert_int_equal(repeats, 3);
	loop_turn(base);
	assert_int_equal(repeats, 3);
}

struct object {
	struct defer release;
	bool *freed;
};

static void free_object(void *arg)
{
	struct object *o = arg;

	*o->freed = true;
	free(o);
}

static void node_may_be_freed_inside(void **state)
{
	bool freed[3] = {false};

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct object *o = calloc(1, sizeof *o);

		assert_non_null(o);
		o->freed = &freed[i];
		defer_call(&o->release, free_object, o);
	}
	assert_false(freed[0]);
	loop_turn(base);
	assert_true(freed[0] && freed[1] && freed[2]);
}

static void fini_runs_what_is_left(void **state)
{
	struct event_base *own = event_base_new();

	(void)state;
	assert_non_null(own);
	defer_fini();
	assert_int_equal(defer_init(own), 0);
	repeats = 0;
	defer_call(&again, repeat, NULL); /* queues itself twice more */
	defer_fini();
	assert_int_equal(repeats, 3);
	assert_int_equal(event_base_get_num_events(own, EVENT_BASE_COUNT_ADDED), 0);
	event_base_free(own);
	assert_int_equal(defer_init(base), 0);
}

static void queued_before_init_runs_after(void **state)
{
	struct defer a = {0};

	(void)state;
	reset();
	defer_fini();
	defer_call(&a, run_named, &a_name);
	assert_int_equal(defer_init(base), 0);
	assert_string_equal(ran, "");
	loop_turn(base);
	assert_string_equal(ran, "a");
}

static void idle_queue_holds_no_timer(void **state)
{
	struct defer a = {0};

	(void)state;
	reset();
	defer_call(&a, run_named, &a_name);
	loop_turn(base);
	assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(runs_later_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(second_call_does_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(cancels_any_of_three, setup, teardown),
		cmocka_unit_test_setup_teardown(cancels_from_inside, setup, teardown),
		cmocka_unit_test_setup_teardown(requeued_runs_in_the_next_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(node_may_be_freed_inside, setup, teardown),
		cmocka_unit_test_setup_teardown(fini_runs_what_is_left, setup, teardown),
		cmocka_unit_test_setup_teardown(queued_before_init_runs_after, setup, teardown),
		cmocka_unit_test_setup_teardown(idle_queue_holds_no_timer, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
