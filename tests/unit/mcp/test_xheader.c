/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/xheader.h"

static void checks(void **state)
{
	static const struct {
		const char *schema;
		bool good;
	} cases[] = {
		{"{}", true},
		{"{'properties': {'a': {'type': 'string'}}}", true},
		{"{'properties': {'a': {'type': 'string', 'x-mcp-header': 'Region'}}}", true},
		{"{'properties': {'a': {'type': 'integer', 'x-mcp-header': 'A'},"
		 " 'b': {'type': 'boolean', 'x-mcp-header': 'B'}}}",
		 true},
		{"{'properties': {'o': {'type': 'object', 'properties':"
		 " {'a': {'type': 'string', 'x-mcp-header': 'Deep'}}}}}",
		 true},
		{"{'properties': {'a': {'type': 'string', 'x-mcp-header': ''}}}", false},
		{"{'properties': {'a': {'type': 'string', 'x-mcp-header': 'a b'}}}", false},
		{"{'properties': {'a': {'type': 'string', 'x-mcp-header': 'a:b'}}}", false},
		{"{'properties': {'a': {'type': 'string', 'x-mcp-header': 'a\\r\\nb'}}}", false},
		{"{'properties': {'a': {'type': 'string', 'x-mcp-header': 7}}}", false},
		{"{'properties': {'a': {'type': 'object', 'x-mcp-header': 'A'}}}", false},
		{"{'properties': {'a': {'type': 'array', 'x-mcp-header': 'A'}}}", false},
		{"{'properties': {'a': {'x-mcp-header': 'A'}}}", false},
		{"{'properties': {'a': {'type': 'string', 'x-mcp-header': 'A'},"
		 " 'b': {'type': 'string', 'x-mcp-header': 'a'}}}",
		 false},
		{"{'x-mcp-header': 'A'}", false},
		{"{'properties': {'a': {'type': 'array', 'items':"
		 " {'type': 'string', 'x-mcp-header': 'A'}}}}",
		 false},
		{"{'oneOf': [{'properties': {'a': {'type': 'string', 'x-mcp-header': 'A'}}}]}",
		 false},
		{"{'$defs': {'a': {'type': 'string', 'x-mcp-header': 'A'}}}", false},
		{"{'additionalProperties': {'type': 'string', 'x-mcp-header': 'A'}}", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		json_t *schema = json_of(cases[i].schema);
		struct err e = {0};
		int rc = xheader_check(schema, &e);

		if ((rc == 0) != cases[i].good)
			fail_msg("%s: %d %s", cases[i].schema, rc, e.text);
		json_decref(schema);
	}
}

static int note(const char *header, const json_t *value, void *arg)
{
	char *seen = arg, *text = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
	size_t used = strlen(seen);

	snprintf(seen + used, 200 - used, "%s=%s;", header, text ? text : "-");
	free(text);
	return strcmp(header, "Stop") == 0 ? 5 : 0;
}

static void each(void **state)
{
	json_t *schema = json_of("{'properties': {'a': {'x-mcp-header': 'A'}, 'b': {},"
				 " 'o': {'properties': {'c': {'x-mcp-header': 'C'}}}}}"),
	       *stop = json_of("{'properties': {'a': {'x-mcp-header': 'Stop'}}}"),
	       *arguments = json_of("{'a': 1, 'b': 2, 'o': {'c': 'x'}}"), *none = json_of("{}");
	char seen[200] = "";

	(void)state;
	assert_int_equal(xheader_each(schema, arguments, note, seen), 0);
	assert_non_null(strstr(seen, "A=1;"));
	assert_non_null(strstr(seen, "C=\"x\";"));
	assert_int_equal(strlen(seen), 10);
	seen[0] = '\0';
	assert_int_equal(xheader_each(schema, none, note, seen), 0);
	assert_non_null(strstr(seen, "A=-;"));
	assert_non_null(strstr(seen, "C=-;"));
	assert_int_equal(xheader_each(stop, arguments, note, seen), 5);
	json_decref(schema);
	json_decref(stop);
	json_decref(arguments);
	json_decref(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checks),
		cmocka_unit_test(each),
	};

	return cmocka_run_group_tests_name("xheader", tests, NULL, NULL);
}
