/* SPDX-License-Identifier: ISC */
#include "support.h"

#include "mcp/capability.h"

#define E "elicitation/create"
#define S "sampling/createMessage"

/* May a client of REV that declared CAPS be asked METHOD with PARAMS? */
static const struct {
	enum mcp_rev rev;
	const char *caps, *method, *params;
	bool may;
} cases[] = {
	{MCP_REV_2025_11_25, "{'elicitation': {}}", E, "{}", true},
	{MCP_REV_2025_11_25, "{'elicitation': {}}", E, "{'mode': 'form'}", true},
	{MCP_REV_2025_11_25, "{'elicitation': {}}", E, "{'mode': 'url'}", false},
	{MCP_REV_2025_11_25, "{'elicitation': {'url': {}}}", E, "{'mode': 'url'}", true},
	{MCP_REV_2025_11_25, "{'elicitation': {'url': {}}}", E, "{'mode': 'form'}", false},
	{MCP_REV_2025_11_25, "{'elicitation': {'url': {}}}", E, "{}", false},
	{MCP_REV_2026_07_28, "{'elicitation': {'form': {}}}", E, "{}", true},
	{MCP_REV_2026_07_28, "{'elicitation': {'form': {}, 'url': {}}}", E, "{'mode': 'url'}",
	 true},
	{MCP_REV_2025_06_18, "{'elicitation': {'url': {}}}", E, "{'mode': 'url'}", false},
	{MCP_REV_2025_06_18, "{'elicitation': {'url': {}}}", E, "{}", true}, /* knows forms alone */
	{MCP_REV_2025_03_26, "{'elicitation': {}}", E, "{}", false},
	{MCP_REV_2025_11_25, "{}", E, "{}", false},
	{MCP_REV_2025_11_25, "{'sampling': {}}", S, "{}", true},
	{MCP_REV_2025_11_25, "{'sampling': {}}", S, "{'tools': []}", false},
	{MCP_REV_2025_11_25, "{'sampling': {'tools': {}}}", S, "{'tools': []}", true},
	{MCP_REV_2025_06_18, "{'sampling': {'tools': {}}}", S, "{'tools': []}", false},
	{MCP_REV_2025_11_25, "{'roots': {}}", S, "{}", false},
	{MCP_REV_2025_11_25, "{'roots': {}}", "roots/list", "{}", true},
	{MCP_REV_2025_11_25, "{'roots': true}", "roots/list", "{}", false},
};

static void what_was_declared_may_be_asked(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		json_t *caps = json_of(cases[i].caps), *params = json_of(cases[i].params);
		const struct need *need = need_of(cases[i].method, params);
		char *text = json_dumps(caps, JSON_COMPACT);

		print_message("# %s for %s %s\n", cases[i].caps, cases[i].method, cases[i].params);
		assert_non_null(need);
		assert_int_equal(need_met(need, capabilities_parse(cases[i].rev, text)),
				 cases[i].may);
		free(text);
		json_decref(caps);
		json_decref(params);
	}
}

static void other_questions_are_none(void **state)
{
	json_t *params = json_of("{'mode': 'voice'}"), *number = json_of("{'mode': 1}");

	(void)state;
	assert_null(need_of(E, params));
	assert_null(need_of(E, number));
	assert_null(need_of("tasks/get", NULL));
	assert_null(need_of("tools/call", NULL));
	assert_non_null(need_of(E, NULL));
	json_decref(params);
	json_decref(number);
}

static void the_error_says_what_is_missing(void **state)
{
	json_t *url = json_of("{'mode': 'url'}"), *data = need_data(need_of(E, url));

	(void)state;
	assert_true(json_is(data, "{'requiredCapabilities': {'elicitation': {'url': {}}}}"));
	json_decref(data);
	data = need_data(need_of("roots/list", NULL));
	assert_true(json_is(data, "{'requiredCapabilities': {'roots': {}}}"));
	json_decref(data);
	json_decref(url);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_declared_may_be_asked),
		cmocka_unit_test(other_questions_are_none),
		cmocka_unit_test(the_error_says_what_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
