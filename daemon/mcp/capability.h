/* SPDX-License-Identifier: ISC */
/* capability.h: what a client can be asked, and whether it declared that (Lifecycle, "Capability
 * Negotiation"). */
#ifndef MCPD_CAPABILITY_H
#define MCPD_CAPABILITY_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/protocol.h"

struct need;

/* The text of the error for a request that lacks one. */
#define CAPABILITY_MISSING "the client lacks a capability that is needed"

/* The capabilities that a client declared as bits, one for each row of the table of needs. TEXT is
 * the JSON object that the client sent. Capabilities that revision REV does not have are left out.
 */
unsigned capabilities_parse(enum mcp_rev rev, const char *text);
/* The capability that a client must have declared before it is asked METHOD with PARAMS (may be
 * NULL); NULL: METHOD is no question of MCP. */
const struct need *need_of(const char *method, const json_t *params);
/* The extension for tasks (2026-07-28). */
const struct need *need_tasks(void);
/* Whether NEED is among the BITS of capabilities_parse(). */
bool need_met(const struct need *need, unsigned bits);
/* The data of RPC_MISSING_CAPABILITY: a new reference, NULL on lack of memory. */
json_t *need_data(const struct need *need);

/* Whether CAPABILITIES (an object; NULL: none) declare the extension for tasks. */
bool capabilities_have_tasks(const json_t *capabilities);
/* Whether they allow any question at all. */
bool capabilities_ask(const json_t *capabilities);

#endif
