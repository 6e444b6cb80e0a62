/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include <event2/event.h>
#include <string.h>

#include "base/once.h"
#include "failalloc.h"
#include "lib/err.h"
#include "support.h"

static void used_once(void **state)
{
	struct event_base *base = event_base_new();
	struct once *o = once_new(base, 60000, 2, 25);

	(void)state;
	assert_non_null(o);
	assert_int_equal(once_use(o, 7, NULL, NULL), 0);
	assert_int_equal(once_use(o, 7, NULL, NULL), ERR_EXISTS);
	assert_int_equal(once_use(o, 8, NULL, NULL), 0);
	assert_int_equal(once_use(o, 9, NULL, NULL), ERR_LIMIT);
	assert_int_equal(once_use(o, 8, NULL, NULL), ERR_EXISTS);
	once_free(&o);
	assert_null(o);
	once_free(&o);
	event_base_free(base);
}

/* After the time it is as if new, and there is room again. */
static void forgotten(void **state)
{
	struct event_base *base = event_base_new();
	struct once *o = once_new(base, 1, 1, 25);
	int rc;

	(void)state;
	assert_int_equal(once_use(o, 1, NULL, NULL), 0);
	while ((rc = once_use(o, 2, NULL, NULL)) == ERR_LIMIT)
		event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(rc, 0);
	once_free(&o);
	event_base_free(base);
}

/* Who has used most of what can be kept is refused; all others are not. */
static void shared_out(void **state)
{
	struct event_base *base = event_base_new();
	struct once *o = once_new(base, 60000, 16, 25);
	struct err e = {0};
	uint64_t n = 0;

	(void)state;
	while (once_use(o, ++n, "user:alice", &e) == 0)
		;
	assert_int_equal(n, 14);
	assert_non_null(strstr(e.text, "limits.maxStates"));
	assert_int_equal(once_use(o, n, "user:bob", &e), 0);
	assert_int_equal(once_use(o, 1, "user:bob", &e), ERR_EXISTS);
	once_free(&o);
	event_base_free(base);
}

static void without_memory(void **state)
{
	struct event_base *base = event_base_new();
	struct once *o = once_new(base, 60000, 100, 25);

	(void)state;
	for (long n = 1;; n++) {
		int rc;

		failalloc_at(n, false);
		rc = once_use(o, 5, "user:alice", NULL);
		failalloc_off();
		if (rc == 0)
			break;
		assert_int_equal(rc, ERR_NOMEM);
	}
	assert_int_equal(once_use(o, 5, NULL, NULL), ERR_EXISTS);
	once_free(&o);
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(used_once),
		cmocka_unit_test(forgotten),
		cmocka_unit_test(shared_out),
		cmocka_unit_test(without_memory),
	};

	failalloc_install();
	return cmocka_run_group_tests_name("once", tests, NULL, NULL);
}
