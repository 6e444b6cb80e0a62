/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/delayq.h"

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
	assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 0);
	loop_close(base);
	return 0;
}

struct item {
	struct delayq_node node; /* first: a node is its item */
	int turn;		 /* the how manyth it was; 0: not yet */
};

static int turns;

static void on_due(struct delayq_node *node, void *arg)
{
	struct item *item = (struct item *)(void *)node;

	assert_ptr_equal(arg, &turns);
	assert_false(node->queued);
	assert_true(node->due <= clock_ms());
	item->turn = ++turns;
}

static struct delayq *queue_of(int64_t delay, delayq_fn fn)
{
	struct delayq *q = delayq_new(base, delay, fn, &turns);

	assert_non_null(q);
	turns = 0;
	return q;
}

static void comes_due_in_order(void **state)
{
	struct delayq *q = queue_of(2, on_due);
	struct item items[3] = {0};

	(void)state;
	assert_int_equal(delayq_delay(q), 2);
	for (int i = 0; i < 3; i++)
		delayq_add(q, &items[i].node);
	loop_until_count(base, &turns, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(items[i].turn, i + 1);
	/* and again, after the queue was empty */
	delayq_add(q, &items[0].node);
	loop_until_count(base, &turns, 4);
	assert_int_equal(items[0].turn, 4);
	delayq_free(&q);
	assert_null(q);
}

static void adding_again_starts_afresh(void **state)
{
	struct delayq *q = queue_of(20, on_due);
	struct item a = {0}, b = {0};
	int64_t first;

	(void)state;
	delayq_add(q, &a.node);
	delayq_add(q, &b.node);
	first = a.node.due;
	while (clock_ms() < first - 15)
		continue; /* without the loop: on a slow machine everything may be due by now */
	delayq_add(q, &a.node);
	assert_true(a.node.due > first);
	loop_until_count(base, &turns, 2);
	assert_int_equal(b.turn, 1);
	assert_int_equal(a.turn, 2);
	delayq_free(&q);
}

static void removed_never_comes(void **state)
{
	(void)state;
	for (int gone = 0; gone < 3; gone++) {
		struct delayq *q = queue_of(1, on_due);
		struct item items[3] = {0};

		for (int i = 0; i < 3; i++)
			delayq_add(q, &items[i].node);
		delayq_remove(q, &items[gone].node);
		delayq_remove(q, &items[gone].node);
		assert_false(items[gone].node.queued);
		loop_until_count(base, &turns, 2);
		assert_int_equal(items[gone].turn, 0);
		delayq_free(&q);
	}
}

static void empty_queue_holds_no_timer(void **state)
{
	struct delayq *q = queue_of(3600000, on_due);
	struct item a = {0}, b = {0};

	(void)state;
	delayq_add(q, &a.node);
	delayq_add(q, &b.node);
	delayq_remove(q, &a.node);
	assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 1);
	delayq_remove(q, &b.node);
	assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 0);
	delayq_free(&q);
}

static void off_queue_never_rings(void **state)
{
	static const int64_t delays[] = {0, -1};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct delayq *q = queue_of(delays[i], on_due);
		struct item a = {0};

		delayq_add(q, &a.node);
		assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 0);
		delayq_remove(q, &a.node);
		delayq_free(&q);
	}
}

static void free_lets_go_of_nodes(void **state)
{
	struct delayq *q = queue_of(1, on_due);
	struct item a = {0}, b = {0};

	(void)state;
	delayq_add(q, &a.node);
	delayq_add(q, &b.node);
	delayq_free(&q);
	assert_false(a.node.queued);
	assert_false(b.node.queued);
	delayq_free(&q); /* NULL by now */
	q = queue_of(1, on_due);
	delayq_add(q, &a.node); /* as good as new */
	loop_until_count(base, &turns, 1);
	delayq_free(&q);
}

static struct delayq *shared;
static struct item *other;

/* The first one that rings frees itself, removes a second and adds a third and a fresh one. */
static void on_due_busy(struct delayq_node *node, void *arg)
{
	static struct item fresh;

	(void)arg;
	turns++;
	if (turns > 1)
		return;
	free(node);
	delayq_remove(shared, &other[0].node);
	delayq_add(shared, &other[1].node);
	delayq_add(shared, &fresh.node);
}

static void callback_may_change_the_queue(void **state)
{
	struct item *self = calloc(1, sizeof *self);
	struct item others[2] = {0};

	(void)state;
	assert_non_null(self);
	shared = queue_of(1, on_due_busy);
	other = others;
	delayq_add(shared, &self->node);
	delayq_add(shared, &others[0].node);
	delayq_add(shared, &others[1].node);
	loop_until_count(base, &turns, 3); /* self, the third, the fresh one */
	loop_turn(base);
	assert_int_equal(turns, 3);
	assert_false(others[0].node.queued);
	delayq_free(&shared);
}

static void on_due_forever(struct delayq_node *node, void *arg)
{
	(void)arg;
	turns++;
	delayq_add(shared, node);
}

/* A node that puts itself back waits its delay each time: the loop gets its turn in between. */
static void readding_waits_again(void **state)
{
	struct item a = {0};

	(void)state;
	shared = queue_of(1, on_due_forever);
	delayq_add(shared, &a.node);
	loop_until_count(base, &turns, 5);
	assert_true(a.node.queued);
	delayq_free(&shared);
}

/* An object may wait in one queue now and in another later, and leave either without knowing which.
 */
static void a_node_moves_between_queues(void **state)
{
	struct delayq *slow = queue_of(3600000, on_due), *quick = queue_of(1, on_due);
	struct item a = {0}, b = {0}, c = {0};

	(void)state;
	delayq_add(slow, &a.node);
	delayq_add(slow, &b.node);
	delayq_add(quick, &b.node); /* out of the slow one */
	delayq_add(quick, &c.node);
	delayq_remove(slow, &c.node); /* not there */
	delayq_remove(slow, &b.node);
	assert_true(b.node.queued && c.node.queued);
	loop_until_count(base, &turns, 2);
	assert_int_equal(b.turn, 1);
	assert_int_equal(c.turn, 2);
	delayq_remove(quick, &a.node);
	assert_true(a.node.queued);
	delayq_add(quick, &a.node); /* the slow one is empty now and lets its timer go */
	assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 1);
	loop_until_count(base, &turns, 3);
	delayq_free(&slow);
	delayq_free(&quick);
}

static void ten_thousand_nodes_one_timer(void **state)
{
	enum { MANY = 10000 };
	struct delayq *q = queue_of(5, on_due);
	struct item *items = calloc(MANY, sizeof *items);

	(void)state;
	assert_non_null(items);
	for (int i = 0; i < MANY; i++)
		delayq_add(q, &items[i].node);
	assert_int_equal(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 1);
	for (int i = 0; i < MANY; i += 2)
		delayq_remove(q, &items[i].node);
	loop_until_count(base, &turns, MANY / 2);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(items[i].turn, i % 2 == 0 ? 0 : i / 2 + 1);
	delayq_free(&q);
	free(items);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(comes_due_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(adding_again_starts_afresh, setup, teardown),
		cmocka_unit_test_setup_teardown(removed_never_comes, setup, teardown),
		cmocka_unit_test_setup_teardown(empty_queue_holds_no_timer, setup, teardown),
		cmocka_unit_test_setup_teardown(off_queue_never_rings, setup, teardown),
		cmocka_unit_test_setup_teardown(free_lets_go_of_nodes, setup, teardown),
		cmocka_unit_test_setup_teardown(callback_may_change_the_queue, setup, teardown),
		cmocka_unit_test_setup_teardown(readding_waits_again, setup, teardown),
		cmocka_unit_test_setup_teardown(a_node_moves_between_queues, setup, teardown),
		cmocka_unit_test_setup_teardown(ten_thousand_nodes_one_timer, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
