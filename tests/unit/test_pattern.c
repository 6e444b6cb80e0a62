#include "support.h"

#include <string.h>

#include "pattern.h"

static void dialect(void **state)
{
	static const char *const good[] = {
		"",
		"^a+$",
		"[0-9]{1,3}(\\.[0-9]{1,3}){3}",
		"[[:alpha:]_][[:alnum:]_]*",
		"a\\|b",
		"[]x-]",
		"[^]]",
		"[[.-.]]",
		"\\\\",
		"\\(a\\)",
		"[a-z]*",
		"(a|b)?",
		"(x{1,9}y?){0,3}z{2,}",
		"\\{a}",
		"()|b",
		"x{9999}",
		"((((((a+)+)+)+)+)+)+",
	};
	static const char *const bad[] = {
		"\\d",
		"\\bfoo",
		"x\\w+",
		"(?:a)",
		"(?i)a",
		"[\\w]",
		"[^\\]]",
		"a++",
		"a+?",
		"a{2}{3}",
		"a**",
		"*a",
		"^*",
		"(+a)",
		"a|?",
		"{2}",
		"a{,2}",
		"a{x}",
		"a{",
		"a{1",
		"a{1,2",
		"a{10000}",
		"a{1,2,3}",
		"(a{1000}){11}",
		"((a{99}){99}){9}",
		"((((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+)+)+",
		"\\1",
		"(a)\\1",
		"a(",
		"[a",
		"[z-a]",
		"a{2,1}",
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (pattern_check(good[i], &e) != 0)
			fail_msg("%s: %s", good[i], e.text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (pattern_check(bad[i], &e) == 0)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(e.code, ERR_INVALID);
	}
	assert_int_equal(pattern_check("a(", &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "not a POSIX extended regular expression: "));
}

static void matching(void **state)
{
	static char text[PATTERN_MAX_TEXT + 1];
	struct err e;

	(void)state;
	assert_int_equal(pattern_match("b", "abc", 3, &e), 0);
	assert_int_equal(pattern_match("^b", "abc", 3, &e), ERR_INVALID);
	assert_string_equal(e.text, "does not match ^b");
	assert_int_equal(pattern_match("", "", 0, &e), 0);
	/* A newline is no way round an anchor. */
	assert_int_equal(pattern_match("^a$", "a\nrm", 4, &e), ERR_INVALID);
	assert_int_equal(pattern_match("^a$", "a\0b", 3, &e), ERR_INVALID);
	assert_string_equal(e.text, "contains a NUL byte");
	memset(text, 'a', sizeof(text));
	text[PATTERN_MAX_TEXT] = '\0';
	assert_int_equal(pattern_match("^a*$", text, PATTERN_MAX_TEXT, &e), 0);
	assert_int_equal(pattern_match("^a*$", text, PATTERN_MAX_TEXT + 1, &e), ERR_INVALID);
	assert_string_equal(e.text, "is too long");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dialect),
		cmocka_unit_test(matching),
	};

	return cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
}
