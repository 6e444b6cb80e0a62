/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "lib/utf8.h"

#define BAD "\xef\xbf\xbd"

static void clean(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"", ""},
		{"plain", "plain"},
		{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
		{"a\xff"
		 "b",
		 "a" BAD "b"},
		{"\xc3", BAD}, /* cut off */
		{"\xe2\x82", BAD BAD},
		{"\xc0\xaf", BAD BAD},			  /* not the shortest form */
		{"\xed\xa0\x80", BAD BAD BAD},		  /* a surrogate */
		{"\xf4\x90\x80\x80", BAD BAD BAD BAD},	  /* above U+10FFFF */
		{"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"}, /* U+10FFFF */
		{"\x80"
		 "a\xbf",
		 BAD "a" BAD},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t len = strlen(cases[i].in), got_len = 99;
		char *in = malloc(len + 1),
		     *got; /* exactly as long, so that ASan sees a step too far */
		json_t *string;

		assert_non_null(in);
		memcpy(in, cases[i].in, len + 1);
		in = realloc(in, len > 0 ? len : 1);
		got = utf8_clean(in, len, &got_len);
		assert_non_null(got);
		assert_string_equal(got, cases[i].out);
		assert_int_equal(got_len, strlen(cases[i].out));
		string = json_stringn(got, got_len); /* jansson's own check agrees */
		assert_non_null(string);
		json_decref(string);
		free(got);
		free(in);
	}
}

static void nul(void **state)
{
	size_t len;
	char *got = utf8_clean("a\0\xff", 3, &len);

	(void)state;
	assert_int_equal(len, 5);
	assert_memory_equal(got, "a\0" BAD, 6);
	free(got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clean),
		cmocka_unit_test(nul),
	};

	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
