/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <errno.h>
#include <string.h>

#include "lib/err.h"

static void test_set(void **state)
{
	struct err e = {0, ""};

	(void)state;
	assert_int_equal(err_set(&e, ERR_LIMIT, "at most %d", 3), ERR_LIMIT);
	assert_int_equal(e.code, ERR_LIMIT);
	assert_string_equal(e.text, "at most 3");
	assert_int_equal(err_set(NULL, ERR_PARSE, "%s", "x"), ERR_PARSE);
}

static void test_errno(void **state)
{
	struct err e;

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_errno(&e, "open %s", "/x"), ERR_IO);
	assert_string_equal(e.text, "open /x: No such file or directory");
	assert_int_equal(errno, ENOENT);
	errno = ENOMEM;
	assert_int_equal(err_errno(&e, "fork"), ERR_NOMEM);
	assert_string_equal(e.text, "fork: Cannot allocate memory");
	errno = EACCES;
	assert_int_equal(err_errno(NULL, "open"), ERR_IO);
	assert_int_equal(errno, EACCES);
}

static void test_wrap(void **state)
{
	struct err e;

	(void)state;
	err_set(&e, ERR_CLOSED, "end of file");
	assert_int_equal(err_wrap(&e, "backend %s", "git"), ERR_CLOSED);
	assert_int_equal(err_wrap(&e, "call"), ERR_CLOSED);
	assert_string_equal(e.text, "call: backend git: end of file");
	assert_int_equal(err_wrap(NULL, "x"), ERR_INTERNAL);
}

/* E's own text is an argument. */
static void test_own_text(void **state)
{
	struct err e;

	(void)state;
	err_set(&e, ERR_IO, "disk");
	err_set(&e, ERR_INVALID, "no %s, %s", e.text, e.text);
	assert_string_equal(e.text, "no disk, disk");
	err_wrap(&e, "<%s>", e.text);
	assert_string_equal(e.text, "<no disk, disk>: no disk, disk");
}

static void test_long(void **state)
{
	char text[2 * sizeof(((struct err *)NULL)->text)];
	struct err e;

	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	err_set(&e, ERR_IO, "%s", text);
	assert_int_equal(strlen(e.text), sizeof e.text - 1);
	err_wrap(&e, "front");
	assert_int_equal(strlen(e.text), sizeof e.text - 1);
	assert_memory_equal(e.text, "front: xxx", 10);
	errno = ENOENT;
	err_errno(&e, "%s", text);
	assert_int_equal(strlen(e.text), sizeof e.text - 1);
}

/* What is quoted cannot begin a line of its own; what is cut is still UTF-8. */
static void test_tidy(void **state)
{
	char text[600];
	struct err e;

	(void)state;
	err_set(&e, ERR_INVALID, "near \"%s\"", "a\n\x1b[2J\x7f\xc3\xa9");
	assert_string_equal(e.text, "near \"a??[2J?\xc3\xa9\"");
	for (size_t lead = 0; lead < 4; lead++) {
		size_t want = sizeof e.text - 1;

		memset(text, 'x', lead);
		for (size_t i = lead; i + 4 < sizeof text; i += 4)
			memcpy(text + i, "\xf0\x9f\x98\x80", 5);
		want -= (want - lead) % 4;
		err_set(&e, ERR_INVALID, "%s", text);
		assert_int_equal(strlen(e.text), want);
		assert_memory_equal(e.text, text, want);
		err_wrap(&e, "%s", "a");
		assert_int_equal((strlen(e.text) - 3 - lead) % 4, 0);
	}
	memset(text, '\xbf', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	err_set(&e, ERR_INVALID, "%s", text);
	assert_in_range(strlen(e.text), sizeof e.text - 5, sizeof e.text - 1);
}

static void test_names(void **state)
{
	(void)state;
	for (int code = ERR_INTERNAL; code < 0; code++) {
		assert_string_not_equal(err_name(code), "unknown");
		for (int other = code + 1; other <= 0; other++)
			assert_string_not_equal(err_name(code), err_name(other));
	}
	assert_string_equal(err_name(ERR_NOMEM), "nomem");
	assert_string_equal(err_name(0), "ok");
	assert_string_equal(err_name(ERR_INTERNAL - 1), "unknown");
	assert_string_equal(err_name(1), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),   cmocka_unit_test(test_errno),
		cmocka_unit_test(test_wrap),  cmocka_unit_test(test_own_text),
		cmocka_unit_test(test_long),  cmocka_unit_test(test_tidy),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
