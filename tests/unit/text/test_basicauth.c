/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <stdlib.h>

#include "failalloc.h"
#include "text/basicauth.h"

static void both_parts_are_escaped(void **state)
{
	char *line = basicauth_header("a:b", "c d\xc3\xa9");

	(void)state;
	assert_string_equal(line, "Authorization: Basic YSUzQWI6YyUyMGQlQzMlQTk=");
	free(line);
	line = basicauth_header("me", "");
	assert_string_equal(line, "Authorization: Basic bWU6");
	free(line);
}

static void lack_of_memory_gives_no_header(void **state)
{
	char *line = NULL;

	(void)state;
	for (long n = 1; !line; n++) {
		assert_true(n < 100);
		failalloc_at(n, false);
		line = basicauth_header("me", "secret");
		if (failalloc_off())
			assert_null(line);
	}
	assert_string_equal(line, "Authorization: Basic bWU6c2VjcmV0");
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_parts_are_escaped),
		cmocka_unit_test(lack_of_memory_gives_no_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
