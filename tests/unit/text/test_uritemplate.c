/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "text/uritemplate.h"

static bool matches(const char *template, const char *uri)
{
	struct uritemplate *t = uritemplate_new(template);
	bool yes;

	assert_non_null(t);
	yes = uritemplate_match(t, uri);
	uritemplate_free(&t);
	assert_null(t);
	return yes;
}

static void table(void **state)
{
	static const struct {
		const char *template, *uri;
		bool yes;
	} rows[] = {
		{"file:///a", "file:///a", true},
		{"file:///a", "file:///ab", false},
		{"file:///ab", "file:///a", false},
		{"", "", true},
		{"", "x", false},
		{"test://{id}", "test://5", true},
		{"test://{id}", "test://", true}, /* an undefined variable expands to nothing */
		{"test://{id}", "test://a/b", false},
		{"test://{id}/data", "test://5/data", true},
		{"test://{id}/data", "test://5/6/data", false},
		{"test://{id}/data", "test://5/dat", false},
		{"test://{id}/data", "test://5/data/", false},
		{"{a}{b}", "xy", true},
		{"{a}/{b}", "x/y", true},
		{"{a}/{b}", "x/y/z", false},
		{"{a}-{b}-{c}", "1-2-3-4", true},
		{"file://{+path}", "file:///etc/passwd", true},
		{"file://{+path}.txt", "file:///etc/x.txt.txt", true},
		{"file://{+path}.txt", "file:///etc/x.md", false},
		{"{+any}", "", true},
		{"x{#frag}", "x#a/b", true},
		{"x{/a,b}", "x/a/b", true},
		{"x{?q,r}", "x?q=1&r=a/b", true},
		{"x{;m}", "x;m=1", true},
		{"x?a=1{&q}", "x?a=1&q=2", true},
		{"x{.ext}", "x.json", true},
		{"x{.ext}", "x.a/b", false},
		{"{a}b/{c}", "bbb/x", true},
		{"{a}ab{b}", "aab/", false},
		{"{+a}/x{b}y", "1/x/2/xzy", true}, /* the first /x is the wrong one */
		{"{+a}x{b}y", "axbxc/xdy", true},
		{"{b}x{+a}y{c}z", "1x/y/2yz", true},
		{"open{brace", "open{brace", true},
		{"open{brace", "openx", false},
		{"{}", "anything", true},
		{"{a}", "\xc3\xa9", true},
		{"\xc3\xa9{a}", "\xc3\xa9z", true},
		{"{a}\xff", "a\xff", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (matches(rows[i].template, rows[i].uri) != rows[i].yes)
			fail_msg("%s and %s", rows[i].template, rows[i].uri);
}

static char *run_of(const char *part, size_t times)
{
	size_t n = strlen(part);
	char *text = malloc(n * times + 1);

	assert_non_null(text);
	for (size_t i = 0; i < times; i++)
		memcpy(text + i * n, part, n);
	text[n * times] = '\0';
	return text;
}

/* Backtracking would take longer than anybody waits: the automake time limit of the test fails it.
 */
static void hostile_input_takes_bounded_time(void **state)
{
	char *template = run_of("{+a}{b}x", 300), *uri = run_of("x/", 4096);

	(void)state;
	assert_false(matches(template, uri));
	uri[8191] = 'x';
	assert_true(matches(template, uri));
	free(template);
	free(uri);
}

static void too_long_matches_nothing(void **state)
{
	char *uri = run_of("a", 8193), *template = run_of("{a}", 1025);

	(void)state;
	assert_false(matches("{a}", uri));
	uri[8192] = '\0';
	assert_true(matches("{a}", uri));
	assert_false(matches(template, "a"));
	template[3 * 1024] = '\0';
	assert_true(matches(template, "a"));
	free(uri);
	free(template);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(hostile_input_takes_bounded_time),
		cmocka_unit_test(too_long_matches_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
