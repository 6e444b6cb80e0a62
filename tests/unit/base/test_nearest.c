/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <string.h>

#include "base/nearest.h"

static const char *nearest_of(const char *wanted, const char *a, const char *b)
{
	struct nearest n = nearest_begin(wanted);

	nearest_look(&n, a);
	nearest_look(&n, b);
	return n.found;
}

static void two_letters_are_near(void **state)
{
	(void)state;
	assert_string_equal(nearest_of("uptme", "disk_use", "uptime"), "uptime");
	assert_string_equal(nearest_of("uptimexx", "disk_use", "uptime"), "uptime");
	assert_string_equal(nearest_of("iptine", "disk_use", "uptime"), "uptime");
	assert_string_equal(nearest_of("UPTIME", "uptim", "uptime"), "uptime");
	assert_null(nearest_of("uptimexxx", "disk_use", "uptime"));
	assert_null(nearest_of("", "disk_use", "uptime"));
}

static void the_first_of_the_nearest_is_found(void **state)
{
	(void)state;
	assert_string_equal(nearest_of("list", "lists", "last"), "lists");
	assert_string_equal(nearest_of("listss", "list", "lists"), "lists");
}

static void long_names_are_near_nothing(void **state)
{
	char wanted[80], name[80];

	(void)state;
	memset(wanted, 'a', sizeof wanted);
	memset(name, 'a', sizeof name);
	wanted[63] = name[62] = '\0';
	assert_non_null(nearest_of(wanted, "b", name));
	wanted[63] = 'a';
	wanted[64] = name[63] = '\0';
	name[62] = 'a';
	assert_null(nearest_of(wanted, "b", name));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_letters_are_near),
		cmocka_unit_test(the_first_of_the_nearest_is_found),
		cmocka_unit_test(long_names_are_near_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
