/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <string.h>

#include "text/mediatype.h"

static void parameters_and_case_do_not_count(void **state)
{
	static const char *const json[] = {"application/json",
					   "Application/JSON",
					   "application/json; charset=utf-8",
					   "application/json;charset=utf-8",
					   "application/json\t",
					   "application/json "};
	static const char *const others[] = {"application/jso",	  "application/jsonp",
					     "application/json,", "application/json/x",
					     " application/json", "",
					     "text/event-stream", "x;application/json"};

	(void)state;
	for (size_t i = 0; i < sizeof json / sizeof *json; i++)
		assert_true(mediatype_is(json[i], MEDIATYPE_JSON));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_false(mediatype_is(others[i], MEDIATYPE_JSON));
	assert_false(mediatype_is(NULL, MEDIATYPE_JSON));
}

static void a_range_ends_where_its_entry_does(void **state)
{
	static const char accept[] = "text/event-stream, application/json;q=0";

	(void)state;
	assert_true(mediatype_range_is(accept, 17, MEDIATYPE_SSE));
	assert_false(mediatype_range_is(accept, 16, MEDIATYPE_SSE));
	assert_false(mediatype_range_is(accept, 18, MEDIATYPE_SSE)); /* the comma is no type's */
	assert_true(mediatype_range_is(accept + 19, strlen(accept + 19), MEDIATYPE_JSON));
	assert_false(mediatype_range_is("", 0, MEDIATYPE_JSON));
}

static void json_has_several_names(void **state)
{
	static const char *const json[] = {"application/json", "text/json", "TEXT/JSON;x=y",
					   "application/problem+json", "a/b+JSON; charset=utf-8"};
	static const char *const others[] = {"",
					     "+json",
					     "application/jsonl",
					     "text/plain",
					     "text/plain; x=+json",
					     "application/json+xml"};

	(void)state;
	for (size_t i = 0; i < sizeof json / sizeof *json; i++)
		assert_true(mediatype_is_json(json[i]));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_false(mediatype_is_json(others[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_and_case_do_not_count),
		cmocka_unit_test(a_range_ends_where_its_entry_does),
		cmocka_unit_test(json_has_several_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
