/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include <stdio.h>
#include <string.h>

#include "base/share.h"
#include "failalloc.h"
#include "lib/err.h"
#include "support.h"

static unsigned take_all(struct share *s, const char *holder)
{
	unsigned n = 0;

	while (share_take(s, holder, NULL) == 0)
		n++;
	return n;
}

/* A holder alone gets three quarters and one place; another one then still gets its share. */
static void nobody_shuts_others_out(void **state)
{
	struct share *s = share_new("children", "limits.maxChildren", 256, 25);
	struct err e = {0};

	(void)state;
	assert_non_null(s);
	assert_int_equal(share_size(s), 64);
	assert_int_equal(take_all(s, "user:alice"), 193);
	assert_int_equal(share_take(s, "user:alice", &e), ERR_LIMIT);
	assert_non_null(strstr(e.text, "limits.maxChildren"));
	assert_non_null(strstr(e.text, "limits.share"));
	assert_non_null(strstr(e.text, "193"));
	assert_int_equal(take_all(s, "addr:192.0.2.1"), 63);
	assert_int_equal(share_take(s, NULL, &e), ERR_LIMIT);
	assert_non_null(strstr(e.text, "all 256"));
	assert_non_null(strstr(e.text, "limits.maxChildren"));
	assert_int_equal(share_used(s), 256);
	assert_int_equal(share_of(s, "user:alice"), 193);
	assert_int_equal(share_of(s, "addr:192.0.2.1"), 63);
	share_free(&s);
	assert_null(s);
	share_free(&s);
}

/* What one holder gives back goes first to those who have less than their share. */
static void given_back(void **state)
{
	struct share *s = share_new("streams", "limits.maxStreams", 8, 25);

	(void)state;
	assert_int_equal(take_all(s, "a"), 7);
	share_give(s, "a");
	assert_int_equal(share_used(s), 6);
	assert_int_equal(share_of(s, "a"), 6);
	assert_int_equal(share_take(s, "b", NULL), 0);
	assert_int_equal(share_take(s, "a", NULL), ERR_LIMIT);
	assert_int_equal(share_take(s, "b", NULL), 0);
	share_give(s, "b");
	share_give(s, "b");
	assert_int_equal(share_of(s, "b"), 0);
	for (unsigned n = 6; n > 0; n--)
		share_give(s, "a");
	assert_int_equal(share_used(s), 0);
	assert_int_equal(share_of(s, "a"), 0);
	share_free(&s);
}

/* Places without a holder count in all, and in nobody's share. */
static void without_a_holder(void **state)
{
	struct share *s = share_new("sessions", "sessions.max", 16, 25);

	(void)state;
	assert_int_equal(take_all(s, NULL), 16);
	assert_int_equal(share_of(s, NULL), 0);
	assert_int_equal(share_take(s, "a", NULL), ERR_LIMIT);
	share_give(s, NULL);
	assert_int_equal(share_check(s, "a", NULL), 0);
	assert_int_equal(share_take(s, "a", NULL), 0);
	share_free(&s);
}

static void unlimited(void **state)
{
	struct share *s = share_new("sessions", "sessions.max", 0, 25);

	(void)state;
	for (unsigned n = 0; n < 1000; n++)
		assert_int_equal(share_take(s, "a", NULL), 0);
	assert_int_equal(share_of(s, "a"), 1000);
	assert_int_equal(share_size(s), 0);
	assert_false(share_full(s));
	share_free(&s);
}

/* Up to four places there is no quarter to keep free. */
static void few_places(void **state)
{
	(void)state;
	for (unsigned max = 1; max <= 4; max++) {
		struct share *s = share_new("sessions", "sessions.max", max, 25);

		assert_int_equal(share_size(s), 1);
		assert_int_equal(take_all(s, "a"), max);
		share_free(&s);
	}
}

/* A share of all is no share. */
static void all_of_it(void **state)
{
	struct share *s = share_new("sessions", "sessions.max", 100, 100);

	(void)state;
	assert_int_equal(take_all(s, "a"), 100);
	share_free(&s);
}

/* A place that is given back twice is a bug, which is logged and does no harm. */
static void given_back_twice(void **state)
{
	struct share *s = share_new("sessions", "sessions.max", 10, 25);

	(void)state;
	share_give(s, NULL);
	assert_int_equal(share_take(s, "a", NULL), 0);
	share_give(s, "b");
	assert_int_equal(share_used(s), 1);
	share_give(s, "a");
	share_give(s, "a");
	assert_int_equal(share_used(s), 0);
	share_free(&s);
}

static void without_memory(void **state)
{
	struct share *s = share_new("sessions", "sessions.max", 10, 25);
	struct err e = {0};
	int rc = ERR_NOMEM;

	(void)state;
	for (long n = 1; rc != 0; n++) {
		failalloc_at(n, false);
		rc = share_take(s, "a", &e);
		failalloc_off();
		assert_true(rc == 0 || rc == ERR_NOMEM);
		assert_int_equal(share_used(s), rc == 0);
		assert_int_equal(share_of(s, "a"), rc == 0);
	}
	share_free(&s);
	failalloc_at(1, false);
	assert_null(share_new("sessions", "sessions.max", 10, 25));
	failalloc_off();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_shuts_others_out),
		cmocka_unit_test(given_back),
		cmocka_unit_test(without_a_holder),
		cmocka_unit_test(unlimited),
		cmocka_unit_test(few_places),
		cmocka_unit_test(all_of_it),
		cmocka_unit_test(given_back_twice),
		cmocka_unit_test(without_memory),
	};

	failalloc_install();
	return cmocka_run_group_tests_name("share", tests, NULL, NULL);
}
