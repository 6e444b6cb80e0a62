/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/headervalue.h"

static void decodes(void **state)
{
	static const struct {
		const char *in, *out; /* NULL: refused */
	} cases[] = {
		{"plain", "plain"},
		{"", ""},
		{"two words", "two words"},
		{"=?base64?dGVzdF9zaW1wbGVfdGV4dA==?=", "test_simple_text"},
		{"=?base64?\?=", ""},
		{"=?base64?w6Q=?=", "\xc3\xa4"},
		/* Without prefix or suffix it is what it is; the markers know upper and lower case.
		 */
		{"=?base64?=", "=?base64?="},
		{"=?base64?SGVsbG8=", "=?base64?SGVsbG8="},
		{"SGVsbG8=?=", "SGVsbG8=?="},
		{"=?BASE64?SGVsbG8=?=", "=?BASE64?SGVsbG8=?="},
		/* One right way to write a value. */
		{"=?base64?SGVsbG8?=", NULL},
		{"=?base64?SGVs!!!bG8=?=", NULL},
		{"=?base64?SGVsbG8==?=", NULL},
		{"=?base64?SGVsbG9=?=", NULL}, /* odd bits */
		{"=?base64? SGVsbG8=?=", NULL},
		{"=?base64?SGVs bG8=?=", NULL},
		{"=?base64?SGVs\nbG8=\n?=", NULL},
		{"=?base64?====?=", NULL},
		{"=?base64?A===?=", NULL},
		{"=?base64?_-8=?=", NULL}, /* the other alphabet */
		{"=?base64?SGVsbG8=SGVsbG8=?=", NULL},
		{"=?base64?/w==?=", NULL}, /* no UTF-8 */
		{"=?base64?YQBi?=", NULL}, /* a NUL */
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err e = {0};
		char *got = headervalue_decode(cases[i].in, &e);

		if (cases[i].out) {
			assert_non_null(got);
			assert_string_equal(got, cases[i].out);
		} else {
			assert_null(got);
			assert_int_equal(e.code, ERR_INVALID);
		}
		free(got);
	}
}

static void encodes(void **state)
{
	static const char *const cases[][2] = {
		{"plain", "plain"},
		{"in the middle", "in the middle"},
		{"", "=?base64?\?="},
		{" x", "=?base64?IHg=?="},
		{"x ", "=?base64?eCA=?="},
		{"a\tb", "=?base64?YQli?="},
		{"\xc3\xa4", "=?base64?w6Q=?="},
		{"=?base64?\?=", "=?base64?PT9iYXNlNjQ/Pz0=?="},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *got = headervalue_encode(cases[i][0]), *back;

		assert_non_null(got);
		assert_string_equal(got, cases[i][1]);
		back = headervalue_decode(got, NULL);
		assert_non_null(back);
		assert_string_equal(back, cases[i][0]);
		free(got);
		free(back);
	}
}

static void compares(void **state)
{
	static const struct {
		const char *text, *body;
		bool same;
	} cases[] = {
		{"a", "'a'", true},
		{"A", "'a'", false},
		{"", "''", true},
		{"42", "'42'", true},
		{"true", "true", true},
		{"True", "true", false},
		{"1", "true", false},
		{"false", "false", true},
		{"42", "42", true},
		{"42.0", "42", true},
		{"4.2e1", "42", true},
		{"42.5", "42", false},
		{"43", "42", false},
		{"42x", "42", false},
		{"", "0", false},
		{" 42", "42", false},
		{"0x2a", "42", false},
		{"inf", "42", false},
		{"nan", "42", false},
		{"-", "0", false},
		{"9007199254740993", "9007199254740992", false},
		{"9007199254740993", "9007199254740993", true},
		{"99999999999999999999", "9223372036854775807", false},
		{"42", "42.0", true},
		{"1.5", "1.5", true},
		{"1.5", "1.25", false},
		{"nan", "1.5", false},
		{"{}", "{}", false},
		{"null", "null", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		json_t *holder, *body;
		char text[80];

		snprintf(text, sizeof text, "[%s]", cases[i].body);
		holder = json_of(text);
		body = json_array_get(holder, 0);
		if (headervalue_equal(cases[i].text, body) != cases[i].same)
			fail_msg("%s against %s", cases[i].text, cases[i].body);
		json_decref(holder);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decodes),
		cmocka_unit_test(encodes),
		cmocka_unit_test(compares),
	};

	return cmocka_run_group_tests_name("headervalue", tests, NULL, NULL);
}
