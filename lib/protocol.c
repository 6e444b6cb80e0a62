/* SPDX-License-Identifier: ISC */
#include "lib/protocol.h"

#include <stddef.h>
#include <string.h>

static const char *const rev_names[] = {
	[MCP_REV_2024_11_05] = "2024-11-05", [MCP_REV_2025_03_26] = "2025-03-26",
	[MCP_REV_2025_06_18] = "2025-06-18", [MCP_REV_2025_11_25] = "2025-11-25",
	[MCP_REV_2026_07_28] = "2026-07-28",
};

static const char *const log_levels[] = {
	"debug", "info", "notice", "warning", "error", "critical", "alert", "emergency",
};

#define N_REVS	     (sizeof rev_names / sizeof rev_names[0])
#define N_LOG_LEVELS (sizeof log_levels / sizeof log_levels[0])

/* Returns NAME's place in NAMES, or -1. */
static int find(const char *const *names, size_t n, const char *name)
{
	if (!name)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

const char *mcp_rev_name(enum mcp_rev rev)
{
	return (size_t)rev < N_REVS ? rev_names[rev] : "unknown";
}

bool mcp_rev_parse(const char *name, enum mcp_rev *rev_r)
{
	int i = find(rev_names, N_REVS, name);

	if (i < 0)
		return false;
	*rev_r = (enum mcp_rev)i;
	return true;
}

bool mcp_rev_is_legacy(enum mcp_rev rev)
{
	return rev <= MCP_REV_LEGACY_NEWEST;
}

enum mcp_rev mcp_rev_negotiate(const char *name)
{
	enum mcp_rev rev;

	if (mcp_rev_parse(name, &rev) && mcp_rev_is_legacy(rev))
		return rev;
	return MCP_REV_LEGACY_NEWEST;
}

const char *mcp_rev_legacy_list(void)
{
	return "2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05";
}

bool mcp_rev_has_batch(enum mcp_rev rev)
{
	return rev <= MCP_REV_2025_03_26;
}

bool mcp_rev_has_priming(enum mcp_rev rev)
{
	return rev >= MCP_REV_2025_11_25;
}

int mcp_log_level_parse(const char *name)
{
	return find(log_levels, N_LOG_LEVELS, name);
}

const char *mcp_log_level_name(int level)
{
	return level >= 0 && (size_t)level < N_LOG_LEVELS ? log_levels[level] : "unknown";
}
