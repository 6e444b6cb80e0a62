/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <event2/event.h>
#include <malloc.h>

#include "base/heap.h"

static int trims;

int __wrap_malloc_trim(size_t pad);
int __wrap_malloc_trim(size_t pad)
{
	(void)pad;
	trims++;
	return 1;
}

static struct event_base *begin(void)
{
	struct event_base *base = loop_open();

	trims = 0;
	assert_int_equal(heap_setup(base), 0);
	return base;
}

static void end(struct event_base *base)
{
	heap_fini();
	loop_close(base);
}

/* The timer is the only event: the loop ends by itself when nothing is due. */
static void many_ends_trim_once(void **state)
{
	struct event_base *base = begin();

	(void)state;
	for (int i = 0; i < 255; i++)
		heap_ended();
	event_base_dispatch(base);
	assert_int_equal(trims, 0);
	heap_ended();
	event_base_dispatch(base);
	assert_int_equal(trims, 1);
	for (int i = 0; i < 1000; i++)
		heap_ended();
	event_base_dispatch(base);
	assert_int_equal(trims, 2);
	end(base);
}

static void a_large_message_trims(void **state)
{
	struct event_base *base = begin();

	(void)state;
	heap_passed(1000);
	event_base_dispatch(base);
	assert_int_equal(trims, 0);
	heap_passed(1000000);
	event_base_dispatch(base);
	assert_int_equal(trims, 1);
	end(base);
}

static void without_a_loop_nothing_happens(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++)
		heap_ended();
	heap_passed(1000000);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_ends_trim_once),
		cmocka_unit_test(a_large_message_trims),
		cmocka_unit_test(without_a_loop_nothing_happens),
	};

	return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
