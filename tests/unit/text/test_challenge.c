/* SPDX-License-Identifier: ISC */
/* What a server says in WWW-Authenticate about the token that it was sent. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "text/challenge.h"

static void the_scope_that_is_missing_is_found(void **state)
{
	static const struct {
		const char *value, *scope; /* NULL: nothing about scopes */
	} table[] = {
		{"Bearer error=\"insufficient_scope\", scope=\"files:write\"", "files:write"},
		{"Bearer scope=\"a  b \" , error=\"insufficient_scope\"", "a b"},
		{"bearer realm=\"x, error=\\\"no\\\"\",error=insufficient_scope,scope=a", "a"},
		{"Basic realm=\"x\", Bearer error=\"insufficient_scope\", scope=\"a\"", "a"},
		{"Bearer error=\"insufficient_scope\", scope=\"a\", Basic realm=\"x\"", "a"},
		{"Bearer scope=\"z\", DPoP error=\"insufficient_scope\"", ""},
		{"Negotiate abc==, Bearer Error = \"insufficient_scope\" , SCOPE = \"a\"", "a"},
		{"Bearer error=\"insufficient_scope\"", ""},
		{"Bearer error=\"insufficient_scope\", scope=\"a\r\nX: y\"", ""},
		{"Bearer error=\"insufficient_scope\", scope=\"a\\\\b\"", ""},
		{"Bearer error=\"insufficient_scope\", scope=\"a", "a"},
		{"Bearer error=\"invalid_token\", scope=\"a\"", NULL},
		{"Bearer error_description=\"error=insufficient_scope\", scope=\"a\"", NULL},
		{"Bearer", NULL},
		{"", NULL},
		{"=,=\"\\", NULL},
		{"\"insufficient_scope\"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		char *scope = challenge_scope(table[i].value);

		if (table[i].scope)
			assert_non_null(scope);
		else
			assert_null(scope);
		if (scope)
			assert_string_equal(scope, table[i].scope);
		free(scope);
	}
}

static void a_scope_of_any_length_is_safe(void **state)
{
	(void)state;
	for (size_t n = 2030; n < 2070; n++) {
		char *text = NULL, *fill = calloc(1, n + 1), *scope;

		memset(fill, 'a', n);
		assert_true(asprintf(&text, "Bearer error=insufficient_scope, scope=\"%s\"", fill) >
			    0);
		scope = challenge_scope(text);
		assert_non_null(scope);
		assert_string_equal(scope, n < 2048 ? fill : "");
		free(scope);
		free(text);
		free(fill);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_scope_that_is_missing_is_found),
		cmocka_unit_test(a_scope_of_any_length_is_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
