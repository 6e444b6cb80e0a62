/* SPDX-License-Identifier: ISC */
/* protocol.h: the MCP revisions and what each of them has. */
#ifndef MCPD_PROTOCOL_H
#define MCPD_PROTOCOL_H

#include <stdbool.h>

/* In order of time, so that < and >= mean older and "at least". */
enum mcp_rev {
	MCP_REV_2024_11_05,
	MCP_REV_2025_03_26,
	MCP_REV_2025_06_18,
	MCP_REV_2025_11_25,
	MCP_REV_2026_07_28,
};
#define MCP_REV_NEWEST	      MCP_REV_2026_07_28
#define MCP_REVS	      (MCP_REV_NEWEST + 1)
#define MCP_REV_LEGACY_NEWEST MCP_REV_2025_11_25

/* The name ("2025-11-25"); never NULL. */
const char *mcp_rev_name(enum mcp_rev rev);

/* Looks NAME up; false when it is not one of ours. */
bool mcp_rev_parse(const char *name, enum mcp_rev *rev_r);

/* Legacy: initialize handshake and sessions. Modern: 2026-07-28 and later. */
bool mcp_rev_is_legacy(enum mcp_rev rev);

/* The answer to an `initialize` that asks for NAME (may be NULL): the same revision where it is a
 * legacy one we serve, else the newest legacy one. Never a modern one. (Lifecycle, version
 * negotiation.) */
enum mcp_rev mcp_rev_negotiate(const char *name);

/* "2025-11-25, 2025-06-18, ...": the legacy revisions accepted in MCP-Protocol-Version. */
const char *mcp_rev_legacy_list(void);

/* JSON-RPC batches: in 2025-03-26 (and the older 2024-11-05) alone. */
bool mcp_rev_has_batch(enum mcp_rev rev);

/* A priming event and retry: at the start of a stream: since 2025-11-25. */
bool mcp_rev_has_priming(enum mcp_rev rev);

#define MCP_REV_NONE (-1)

/* The eight levels of notifications/message, least severe first: 0 for "debug" to 7 for "emergency"
 * (RFC 5424 names). -1 when NAME is none of them or NULL. */
int mcp_log_level_parse(const char *name);
const char *mcp_log_level_name(int level);

#endif
