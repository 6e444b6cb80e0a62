/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <string.h>

#include "text/pattern.h"

#define PLENTY UINT64_C(2000000)

static int compile(const char *text, struct pattern **p_r, struct err *e)
{
	return pattern_new(text, strlen(text), p_r, e);
}

/* Whether PATTERN is found in the LEN bytes at TEXT: 0 or an error, with what was left of PLENTY.
 */
static int match_left(const char *pattern, const char *text, size_t len, uint64_t *left_r,
		      struct err *e)
{
	struct pattern *p;
	int rc = compile(pattern, &p, e);

	if (rc != 0)
		fail_msg("%s: %s", pattern, e->text);
	*left_r = PLENTY;
	rc = pattern_match(p, text, len, left_r, e);
	pattern_free(&p);
	return rc;
}

static int match(const char *pattern, const char *text, size_t len)
{
	struct err e;
	uint64_t left;

	return match_left(pattern, text, len, &left, &e);
}

/* What ECMA-262 says of a pattern: texts that it is found in, and texts that it is not found in. */
static void ecma(void **state)
{
	static const struct {
		const char *pattern, *yes[4], *no[4];
	} cases[] = {
		{"", {"", "x"}, {0}},
		{"b", {"abc"}, {"ac"}},
		{"^a+$", {"a", "aa"}, {"ab", "a\n", "b\na"}},
		{"^\\d+$", {"0", "42"}, {"\xd9\xa3", ""}}, /* no arabic digits */
		{"^\\w$", {"a", "_"}, {"\xc3\xa4"}},
		{"^\\s$", {" ", "\n", "\xc2\xa0", "\xef\xbb\xbf"}, {"a", "\xc2\x85"}},
		{"^\\S$", {"a", "\xc2\x85"}, {" ", "\xc2\xa0", "\xe2\x80\xa8"}},
		{"^[\\s\\S]$", {"a", "\xc2\xa0", "\n"}, {"ab"}},
		{"^[^\\S]$", {"\xc2\xa0"}, {"a"}},
		{"^.$", {"a", "\xf0\x9f\x98\x80"}, {"\n", "\r", "\xe2\x80\xa8"}},
		{"^\\u00e4$", {"\xc3\xa4"}, {"a"}},
		{"^\\ud83d\\ude00$", {"\xf0\x9f\x98\x80"}, {"x"}},
		{"^\\u{1f600}$", {"\xf0\x9f\x98\x80"}, {"x"}},
		{"^[\\u0061-\\x63]$", {"b"}, {"d"}},
		{"^\\x41\\cJ\\0\\v\\t$", {0}, {"A"}},
		{"^\\p{L}+$",
		 {"\xc3\xa4"
		  "b"},
		 {"1"}},
		{"^\\p{Letter}\\P{Letter}$", {"a1"}, {"aa"}},
		{"^\\p{General_Category=Uppercase_Letter}$", {"A"}, {"a"}},
		{"^\\p{gc=Lu}$", {"A"}, {"a"}},
		{"^\\p{Script=Greek}$", {"\xce\xb1"}, {"a"}},
		{"^[\\p{L}\\-]+$", {"a-b"}, {"1"}},
		{"^(?<year>\\d{4})-\\k<year>$", {"2026-2026"}, {"2026-2025"}},
		{"^(a)(?:b)\\1$", {"aba"}, {"abb"}},
		{"^(?:(a)|b)\\1$", {"b", "aa"}, {"ab"}}, /* of a group that took no part: empty */
		{"^a(?=b)", {"ab"}, {"ac"}},
		{"^a(?!b)", {"ac"}, {"ab"}},
		{"(?<=a)b", {"ab"}, {"cb"}},
		{"(?<!a)b", {"cb"}, {"ab"}},
		{"^a{2,3}?$", {"aa", "aaa"}, {"a"}},
		{"^a{,2}$", {"a{,2}"}, {"a"}},
		{"^a{ 1 }$", {"a{ 1 }"}, {"a"}},
		{"^{a}]$", {"{a}]"}, {0}},
		{"^\\/\\.\\@$", {"/.@"}, {"/x@"}},
		{"^[[a]$", {"[", "a"}, {"]"}},
		{"[]", {0}, {"", "a", "]"}},
		{"^[^]$", {"a", "\n"}, {""}},
		{"^a|b$", {"ax", "xb"}, {"xax"}},
		{"\\bfoo\\b", {"a foo b"}, {"afoo"}},
		{"[\\b]", {"\b"}, {"b"}},
		{"^[^@\\s]+@[^@\\s]+$", {"a@b"}, {"a b@c"}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (size_t k = 0; k < 4 && cases[i].yes[k]; k++)
			if (match(cases[i].pattern, cases[i].yes[k], strlen(cases[i].yes[k])) != 0)
				fail_msg("%s: not found in \"%s\"", cases[i].pattern,
					 cases[i].yes[k]);
		for (size_t k = 0; k < 4 && cases[i].no[k]; k++)
			if (match(cases[i].pattern, cases[i].no[k], strlen(cases[i].no[k])) == 0)
				fail_msg("%s: found in \"%s\"", cases[i].pattern, cases[i].no[k]);
	}
	assert_int_equal(match("^\\x41\\cJ\\0\\v\\t$", "A\n\0\v\t", 5), 0);
	assert_int_equal(match("^a$", "a\0b", 3), ERR_INVALID);
}

/* What is no regular expression of ECMA-262, or what PCRE2 takes for something else. */
static void refused(void **state)
{
	static const char *const bad[] = {
		"\\A",
		"\\z",
		"\\Qa\\E",
		"\\h",
		"\\R",
		"\\K",
		"\\N",
		"\\G",
		"\\X",
		"\\a",
		"\\e",
		"\\o{1}",
		"\\g1",
		"\\C",
		"\\",
		"a\\",
		"\\x1",
		"\\u12",
		"\\u{110000}",
		"\\u{}",
		"\\ud83d",
		"\\c1",
		"\\p",
		"\\pL",
		"\\p{Nope}",
		"\\1",
		"(a)\\2",
		"\\01",
		"[\\1]",
		"\\k<x>",
		"\\kx",
		"(?i)a",
		"(?>a)",
		"(?|a)",
		"(?R)",
		"(?P<n>a)",
		"(?#c)",
		"(?1)",
		"(?C)",
		"(*UTF)",
		"(*ACCEPT)",
		"(*MARK:a)a",
		"(*LIMIT_MATCH=1)a",
		"a++",
		"a**",
		"a{1}{2}",
		"a??+",
		"*a",
		"|*",
		"(*a)",
		"^*",
		"{1}",
		"a{2,1}",
		"a(",
		"a)",
		"[a",
		"[z-a]",
		"[[:alpha:]]",
		"[[.-.]]",
		"(?<n>a)(?<n>b)",
		"(?<1>a)",
		"(?<=a+)b",
		"a{70000}",
		"[\\B]",
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct pattern *p;

		if (compile(bad[i], &p, &e) == 0)
			fail_msg("accepted: %s", bad[i]);
		if (e.code != ERR_INVALID || e.text[0] == '\0')
			fail_msg("%s: %d %s", bad[i], e.code, e.text);
	}
}

static char *repeat(const char *before, const char *text, size_t n, const char *after)
{
	char *all = calloc(1, strlen(before) + n * strlen(text) + strlen(after) + 1), *end;

	assert_non_null(all);
	end = stpcpy(all, before);
	for (size_t i = 0; i < n; i++)
		end = stpcpy(end, text);
	strcpy(end, after);
	return all;
}

static char *nested(size_t n)
{
	char *open = repeat("", "(", n, "a"), *all = repeat(open, ")", n, "");

	free(open);
	return all;
}

/* A pattern that would take long to compile, or much memory, is refused as too large. */
static void too_large(void **state)
{
	char *texts[] = {
		repeat("", "a", PATTERN_MAX_LENGTH + 1, ""),
		nested(PATTERN_MAX_NESTED + 1),
		repeat("((((ab){1,99}){1,99}){1,99}){1,99}", "", 0, ""),
		repeat("", "(a)", PATTERN_MAX_GROUPS + 1, "\\1"),
	};
	struct pattern *p;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		if (compile(texts[i], &p, &e) == 0)
			fail_msg("accepted: %.100s", texts[i]);
		if (e.code != ERR_LIMIT)
			fail_msg("%.100s: %s", texts[i], e.text);
		free(texts[i]);
	}
	assert_int_equal(compile("^.{0,9990}$", &p, &e), 0);
	assert_true(pattern_size(p) < 1000);
	pattern_free(&p);
	/* Groups that nothing refers to are not remembered, so there may be more of them. */
	texts[0] = repeat("", "(a)", 2 * PATTERN_MAX_GROUPS, "");
	assert_int_equal(compile(texts[0], &p, &e), 0);
	pattern_free(&p);
	free(texts[0]);
}

/* Each of these takes more than 10^9 steps, some of them more than there will be time for. */
static void bounded(void **state)
{
	static const char *const slow[] = {
		"[^@ ]+@[^@ ]+[.][a-z]+",
		"^(a+)+$",
		"^(a|a)*$",
		"^(a*)*[bc]",
		"(?:a*)*\\d",
		"a*a*a*a*a*[bc]",
		"(a*)\\1[bc]",
		"(a*)(a*)\\1\\2[bc]",
		"^(?=(a+)+[bc])",
		"(?<=a)(a?)+[bc]",
		"(.*)*[bc](.*)*",
		"^(?:a{0,500}){0,500}$",
	};
	char *text = repeat("", "a", 65536, "@.");
	struct err e;
	uint64_t left;

	(void)state;
	for (size_t i = 0; i < sizeof slow / sizeof slow[0]; i++) {
		int rc = match_left(slow[i], text, 65538, &left, &e);

		if (rc != ERR_LIMIT)
			fail_msg("%s: %d %s", slow[i], rc, e.text);
		assert_non_null(strstr(e.text, "takes too long to hold against the pattern "));
	}
	free(text);
}

/* What people write costs little, also over long texts. */
static void cheap(void **state)
{
	static const char *const fast[] = {
		"^a*$", "^[a-z]+$", "^.*$", "^(?:[A-Za-z0-9+/]{4})*$", "a", "^[\\w.-]+$", "^\\S+$",
	};
	char *text = repeat("", "a", 65536, "");
	struct err e;
	uint64_t left;

	(void)state;
	for (size_t i = 0; i < sizeof fast / sizeof fast[0]; i++) {
		if (match_left(fast[i], text, 65536, &left, &e) != 0)
			fail_msg("%s: %s", fast[i], e.text);
		assert_true(left > PLENTY / 2);
	}
	assert_int_equal(match_left("b", text, 65536, &left, &e), ERR_INVALID);
	assert_string_equal(e.text, "does not match the pattern b");
	assert_true(left > PLENTY / 2);
	free(text);
}

/* What is left after one text is what the next may cost. */
static void one_budget(void **state)
{
	struct pattern *p;
	struct err e;
	uint64_t left = 100, before = 0;
	int n = 0;

	(void)state;
	assert_int_equal(compile("^[0-9]+$", &p, &e), 0);
	for (int rc = 0; rc == 0; n++) {
		before = left;
		rc = pattern_match(p, "123", 3, &left, &e);
	}
	assert_int_equal(e.code, ERR_LIMIT);
	assert_int_equal(left, 0);
	assert_true(before < 100 && n > 1 && n < 10);
	pattern_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ecma),	   cmocka_unit_test(refused), cmocka_unit_test(too_large),
		cmocka_unit_test(bounded), cmocka_unit_test(cheap),   cmocka_unit_test(one_budget),
	};

	return cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
}
