/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <string.h>

#include "lib/protocol.h"

static const char *const names[] = {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25",
				    "2026-07-28"};

static void test_names(void **state)
{
	enum mcp_rev rev;

	(void)state;
	for (int i = MCP_REV_2024_11_05; i <= MCP_REV_2026_07_28; i++) {
		assert_string_equal(mcp_rev_name((enum mcp_rev)i), names[i]);
		assert_true(mcp_rev_parse(names[i], &rev));
		assert_int_equal(rev, i);
	}
	assert_string_equal(mcp_rev_name((enum mcp_rev)99), "unknown");
	assert_string_equal(mcp_rev_name((enum mcp_rev)MCP_REV_NONE), "unknown");
	assert_false(mcp_rev_parse(NULL, &rev));
	assert_false(mcp_rev_parse("", &rev));
	assert_false(mcp_rev_parse("2025-11-2", &rev));
	assert_false(mcp_rev_parse("2025-11-25 ", &rev));
	assert_false(mcp_rev_parse("DRAFT-2026-v1", &rev));
}

static void test_negotiate(void **state)
{
	(void)state;
	for (int i = MCP_REV_2024_11_05; i <= MCP_REV_2025_11_25; i++)
		assert_int_equal(mcp_rev_negotiate(names[i]), i);
	assert_int_equal(mcp_rev_negotiate("2026-07-28"), MCP_REV_2025_11_25);
	assert_int_equal(mcp_rev_negotiate("2099-01-01"), MCP_REV_2025_11_25);
	assert_int_equal(mcp_rev_negotiate(""), MCP_REV_2025_11_25);
	assert_int_equal(mcp_rev_negotiate(NULL), MCP_REV_2025_11_25);
}

static void test_features(void **state)
{
	(void)state;
	for (int i = MCP_REV_2024_11_05; i <= MCP_REV_2026_07_28; i++) {
		enum mcp_rev rev = (enum mcp_rev)i;

		assert_int_equal(mcp_rev_is_legacy(rev), rev != MCP_REV_2026_07_28);
		assert_int_equal(mcp_rev_has_batch(rev), rev < MCP_REV_2025_06_18);
		assert_int_equal(mcp_rev_has_priming(rev), rev > MCP_REV_2025_06_18);
		if (mcp_rev_is_legacy(rev))
			assert_non_null(strstr(mcp_rev_legacy_list(), names[i]));
		else
			assert_null(strstr(mcp_rev_legacy_list(), names[i]));
	}
}

static void test_log_levels(void **state)
{
	static const char *const levels[] = {"debug", "info",	  "notice", "warning",
					     "error", "critical", "alert",  "emergency"};

	(void)state;
	for (int i = 0; i < 8; i++) {
		assert_int_equal(mcp_log_level_parse(levels[i]), i);
		assert_string_equal(mcp_log_level_name(i), levels[i]);
	}
	assert_int_equal(mcp_log_level_parse(NULL), -1);
	assert_int_equal(mcp_log_level_parse("Debug"), -1);
	assert_int_equal(mcp_log_level_parse("trace"), -1);
	assert_string_equal(mcp_log_level_name(-1), "unknown");
	assert_string_equal(mcp_log_level_name(8), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_negotiate),
		cmocka_unit_test(test_features),
		cmocka_unit_test(test_log_levels),
	};

	return cmocka_run_group_tests_name("protocol", tests, NULL, NULL);
}
