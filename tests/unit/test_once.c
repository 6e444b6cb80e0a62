#include "autoconf.h"

#include <event2/event.h>

#include "err.h"
#include "failalloc.h"
#include "once.h"
#include "support.h"

static void used_once(void **state)
{
	struct event_base *base = event_base_new();
	struct once *o = once_new(base, 60000, 2);

	(void)state;
	assert_non_null(o);
	assert_int_equal(once_use(o, 7), 0);
	assert_int_equal(once_use(o, 7), ERR_EXISTS);
	assert_int_equal(once_use(o, 8), 0);
	assert_int_equal(once_use(o, 9), ERR_LIMIT);
	assert_int_equal(once_use(o, 8), ERR_EXISTS);
	once_free(&o);
	assert_null(o);
	once_free(&o);
	event_base_free(base);
}

/* After the time it is as if new, and there is room again. */
static void forgotten(void **state)
{
	struct event_base *base = event_base_new();
	struct once *o = once_new(base, 1, 1);
	int rc;

	(void)state;
	assert_int_equal(once_use(o, 1), 0);
	while ((rc = once_use(o, 2)) == ERR_LIMIT)
		event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(rc, 0);
	once_free(&o);
	event_base_free(base);
}

static void without_memory(void **state)
{
	struct event_base *base = event_base_new();
	struct once *o = once_new(base, 60000, 100);

	(void)state;
	for (long n = 1;; n++) {
		int rc;

		failalloc_at(n, false);
		rc = once_use(o, 5);
		failalloc_off();
		if (rc == 0)
			break;
		assert_int_equal(rc, ERR_NOMEM);
	}
	assert_int_equal(once_use(o, 5), ERR_EXISTS);
	once_free(&o);
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(used_once),
		cmocka_unit_test(forgotten),
		cmocka_unit_test(without_memory),
	};

	failalloc_install();
	return cmocka_run_group_tests_name("once", tests, NULL, NULL);
}
