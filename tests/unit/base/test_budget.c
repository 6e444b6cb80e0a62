/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "lib/bufadd.h"
#include "support.h"

#define MIB ((size_t)1 << 20)

static struct event_base *base;

static int setup(void **state)
{
	(void)state;
	base = loop_open();
	budget_setup(16 * MIB, 25);
	return 0;
}

/* Whatever a test did, the sum of what is held is 0 in the end. */
static int teardown(void **state)
{
	(void)state;
	loop_close(base);
	assert_int_equal(budget_held(NULL), 0);
	budget_setup(0, 100);
	return 0;
}

static size_t take_all(struct budget_part *p, size_t each)
{
	size_t n = 0;

	while (budget_take(p, each, "a request", NULL) == 0)
		n += each;
	return n;
}

/* A holder alone gets three quarters; another one then still gets its share. */
static void nobody_shuts_others_out(void **state)
{
	struct budget *alice = budget_of("user:alice"), *bob = budget_of("addr:192.0.2.1");
	struct budget_part a = {.of = NULL}, b = {.of = NULL}, c = {.of = NULL};
	struct err e = {0};

	(void)state;
	budget_move(&a, alice);
	budget_move(&b, bob);
	assert_int_equal(take_all(&a, MIB), 12 * MIB);
	assert_int_equal(budget_take(&a, 1, "a request", &e), ERR_DENIED);
	assert_int_equal(budget_status(e.code), 429);
	assert_non_null(strstr(e.text, "limits.maxMemory"));
	assert_non_null(strstr(e.text, "limits.share"));
	assert_int_equal(take_all(&b, MIB), 4 * MIB);
	assert_int_equal(budget_take(&c, 1, "a request", &e), ERR_LIMIT);
	assert_int_equal(budget_status(e.code), 503);
	assert_non_null(strstr(e.text, "limits.maxMemory"));
	assert_int_equal(budget_held(NULL), 16 * MIB);
	assert_int_equal(budget_held(alice), 12 * MIB);
	budget_give(&a, MIB);
	assert_int_equal(budget_take(&a, 1, "a request", &e), ERR_DENIED);
	assert_int_equal(budget_take(&c, MIB, "a request", &e), 0);
	assert_int_equal(budget_peak(), 16 * MIB);
	budget_unref(&alice);
	budget_unref(&bob);
	budget_end(&a);
	budget_end(&b);
	budget_end(&c);
}

/* One request that is too large for the whole is the fault of whoever sends it. */
static void too_large_alone(void **state)
{
	struct budget *alice = budget_of("user:alice");
	struct err e = {0};

	(void)state;
	assert_int_equal(budget_check(alice, 17 * MIB, &e), ERR_DENIED);
	assert_int_equal(budget_check(NULL, 17 * MIB, &e), ERR_LIMIT);
	assert_int_equal(budget_check(alice, 12 * MIB, &e), 0);
	assert_int_equal(budget_check(alice, SIZE_MAX, &e), ERR_DENIED);
	budget_unref(&alice);
}

/* What a session holds is its user's, and a part keeps its budgets alive. */
static void counted_at_each_level(void **state)
{
	struct budget *alice = budget_of("user:alice"), *again = budget_of("user:alice");
	struct budget *one = budget_within("user:alice"), *other = budget_within("user:alice");
	struct budget_part p = {.of = NULL};

	(void)state;
	assert_ptr_equal(alice, again);
	budget_move(&p, one);
	budget_set(&p, 100);
	assert_int_equal(budget_held(one), 100);
	assert_int_equal(budget_held(alice), 100);
	budget_move(&p, other);
	assert_int_equal(budget_held(one), 0);
	assert_int_equal(budget_held(other), 100);
	assert_int_equal(budget_held(alice), 100);
	assert_int_equal(budget_held(NULL), 100);
	budget_unref(&again);
	budget_unref(&one);
	budget_unref(&other);
	budget_set(&p, 50);
	assert_int_equal(budget_held(alice), 50);
	budget_unref(&alice);
	budget_end(&p);
	assert_int_equal(budget_held(NULL), 0);
	budget_end(&p);
}

static void given_back_twice(void **state)
{
	struct budget_part p = {.of = NULL};

	(void)state;
	capture_start();
	budget_add(&p, 10);
	budget_give(&p, 11);
	assert_int_equal(capture_matches("given back twice"), 1);
	capture_stop();
	assert_int_equal(budget_held(NULL), 0);
	budget_end(&p);
}

/* ---- readers ---- */

static struct budget_part readers[4];
static char cuts[8];

static void cut(void *arg)
{
	struct budget_part *p = arg;
	char name[2] = {(char)('0' + (p - readers)), '\0'};

	strcat(cuts, name);
	budget_end(p);
}

static void read_slowly(size_t i, const char *holder, size_t bytes)
{
	struct budget *b = budget_of(holder);

	budget_move(&readers[i], b);
	budget_reader(&readers[i], cut, &readers[i]);
	budget_set(&readers[i], bytes);
	budget_unref(&b);
}

static void end_readers(void)
{
	for (size_t i = 0; i < 4; i++)
		budget_end(&readers[i]);
	cuts[0] = '\0';
}

/* The holder that has more than its share loses its slowest readers, and nobody else does. */
static void slowest_is_cut(void **state)
{
	(void)state;
	capture_start();
	read_slowly(0, "user:alice", 2 * MIB);
	read_slowly(1, "user:bob", 4 * MIB);
	read_slowly(2, "user:alice", 3 * MIB);
	loop_settle(base);
	assert_string_equal(cuts, "");
	read_slowly(3, "user:alice", 4 * MIB);
	assert_string_equal(cuts, ""); /* never from inside */
	loop_settle(base);
	assert_string_equal(cuts, "3");
	assert_int_equal(capture_matches("user:alice was cut"), 1);
	assert_int_equal(capture_matches("limits.maxMemory"), 1);
	capture_stop();
	end_readers();
}

/* Where nobody has more than the share, the slowest of all goes, and only until there is room. */
static void full_without_a_culprit(void **state)
{
	struct budget_part p = {.of = NULL};

	(void)state;
	read_slowly(0, "user:alice", 2 * MIB);
	read_slowly(1, "user:bob", 3 * MIB);
	read_slowly(2, NULL, 1 * MIB);
	budget_add(&p, 10 * MIB);
	loop_settle(base);
	assert_string_equal(cuts, "");
	budget_add(&p, 1);
	loop_settle(base);
	assert_string_equal(cuts, "1");
	budget_end(&p);
	end_readers();
}

/* Who is refused makes room, too: then the next try may succeed. */
static void refusal_makes_room(void **state)
{
	struct budget_part p = {.of = NULL};

	(void)state;
	read_slowly(0, "user:alice", 8 * MIB);
	budget_add(&p, 8 * MIB);
	loop_settle(base);
	assert_string_equal(cuts, "");
	assert_int_equal(budget_take(&p, 4 * MIB, "a request", NULL), ERR_LIMIT);
	loop_settle(base);
	assert_string_equal(cuts, "0");
	assert_int_equal(budget_take(&p, 4 * MIB, "a request", NULL), 0);
	budget_end(&p);
	end_readers();
}

static void nobody_is_cut_without_a_limit(void **state)
{
	(void)state;
	budget_setup(0, 25);
	read_slowly(0, "user:alice", 100 * MIB);
	loop_settle(base);
	assert_string_equal(cuts, "");
	assert_int_equal(budget_check(NULL, SIZE_MAX, NULL), 0);
	end_readers();
}

/* ---- what memory costs ---- */

static size_t allocated; /* of libevent */

static void *counting_malloc(size_t n)
{
	void *p = malloc(n);

	allocated += p ? malloc_usable_size(p) + sizeof(size_t) : 0;
	return p;
}

static void counting_free(void *p)
{
	allocated -= p ? malloc_usable_size(p) + sizeof(size_t) : 0;
	free(p);
}

static void *counting_realloc(void *p, size_t n)
{
	allocated -= p ? malloc_usable_size(p) + sizeof(size_t) : 0;
	p = realloc(p, n);
	allocated += p ? malloc_usable_size(p) + sizeof(size_t) : 0;
	return p;
}

enum way { MOVED, COPIED, BUFADD_MOVED, BY_REFERENCE };

static void add_message(struct evbuffer *to, enum way way, const char *text, size_t len)
{
	struct evbuffer *from = evbuffer_new();

	evbuffer_add(from, text, len);
	if (way == MOVED)
		evbuffer_add_buffer(to, from);
	else if (way == BUFADD_MOVED)
		assert_int_equal(bufadd_move(to, from), 0);
	else if (way == COPIED)
		evbuffer_add(to, text, len);
	else
		evbuffer_add_reference(to, text, len, NULL, NULL);
	if (way == BY_REFERENCE)
		assert_int_equal(bufadd(to, "\n", 1), 0);
	evbuffer_free(from);
}

/* What is counted is what was taken from the allocator, give or take half of it: the unused end of
 * a large block is no memory as long as nobody has written there. */
static void a_buffer_costs_its_blocks(void **state)
{
	static const size_t sizes[] = {20, 100, 1000, 2100, 5000, 70000};
	static char text[70000];

	(void)state;
	budget_setup(0, 100);
	for (int way = MOVED; way <= BY_REFERENCE; way++)
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			struct evbuffer *b = evbuffer_new();
			struct budget_buffer w = {.len = 0};
			size_t before = allocated, real, shared;

			assert_int_equal(budget_watch(&w, b, NULL), 0);
			for (int n = 0; n < 500; n++)
				add_message(b, (enum way)way, text, sizes[i]);
			shared = way == BY_REFERENCE ? 500 * sizes[i] : 0;
			real = allocated - before + shared;
			assert_in_range(budget_held(NULL), real / 2, real * 3 / 2);
			evbuffer_drain(b, evbuffer_get_length(b) / 2);
			real = allocated - before + shared / 2;
			assert_in_range(budget_held(NULL), real / 2, real * 2);
			evbuffer_drain(b, evbuffer_get_length(b));
			assert_int_equal(budget_held(NULL), 0);
			add_message(b, MOVED, text, 10);
			budget_unwatch(&w);
			assert_int_equal(budget_held(NULL), 0);
			budget_unwatch(&w);
			evbuffer_free(b);
		}
}

/* Small messages share blocks, and behind a reference no block is as large as that. */
static void adding_is_cheap(void **state)
{
	struct evbuffer *b = evbuffer_new();
	static char text[MIB];
	size_t before = allocated;

	(void)state;
	for (int n = 0; n < 1000; n++)
		add_message(b, BUFADD_MOVED, text, 100);
	assert_in_range(allocated - before, 100000, 120000);
	evbuffer_drain(b, evbuffer_get_length(b));
	before = allocated;
	add_message(b, BY_REFERENCE, text, sizeof text);
	assert_true(allocated - before < 4096);
	evbuffer_free(b);
}

static void a_block_costs_its_head(void **state)
{
	(void)state;
	for (size_t n = 0; n < 5000; n += 7) {
		void *p = malloc(n);

		assert_true(budget_block(n) >= n + sizeof(size_t));
		assert_true(budget_block(n) <= malloc_usable_size(p) + 48);
		free(p);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nobody_shuts_others_out, setup, teardown),
		cmocka_unit_test_setup_teardown(too_large_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(counted_at_each_level, setup, teardown),
		cmocka_unit_test_setup_teardown(given_back_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(slowest_is_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(full_without_a_culprit, setup, teardown),
		cmocka_unit_test_setup_teardown(refusal_makes_room, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_is_cut_without_a_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(a_buffer_costs_its_blocks, setup, teardown),
		cmocka_unit_test_setup_teardown(adding_is_cheap, setup, teardown),
		cmocka_unit_test(a_block_costs_its_head),
	};

	event_set_mem_functions(counting_malloc, counting_realloc, counting_free);
	return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
