/* SPDX-License-Identifier: ISC */
/* mcpheaders.h: the headers in which a message of revision 2026-07-28 repeats what its body says
 * (Streamable HTTP, "Standard Headers" and "Custom Headers from Tool Parameters"). Made from
 * the body of the outgoing request, never copied from headers that came in. */
#ifndef MCPD_MCPHEADERS_H
#define MCPD_MCPHEADERS_H

#include <jansson.h>

struct headerlines;
struct jsontext;

/* The revision that MSG claims in its _meta; borrowed. NULL: none, so MSG is of a legacy one. */
const char *mcpheaders_claim(const json_t *msg);

/* Adds those of MSG, which claims a revision: MCP-Protocol-Version, Mcp-Method, Mcp-Name, and
 * Mcp-Param-* as SCHEMA, the inputSchema of the tool that MSG calls, wants (NULL: unknown). TEXT is
 * the whole message, from which the arguments are taken; MSG lacks them. 0; ERR_NOMEM; ERR_INVALID
 * where a value cannot stand in a header; or an error of jsontext_strict_tree(). */
int mcpheaders_add(struct headerlines *h, const json_t *msg, const json_t *schema,
		   struct jsontext *text);

#endif
