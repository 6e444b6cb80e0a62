/* SPDX-License-Identifier: ISC */
/* era.h: which era a POST belongs to. The body decides, and the header has to agree. Pure
 * functions.
 */
#ifndef MCPD_ERA_H
#define MCPD_ERA_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/err.h"
#include "lib/protocol.h"

/* Keys of _meta (2026-07-28, "General fields"). */
#define META_PREFIX	  "io.modelcontextprotocol/"
#define META_VERSION	  META_PREFIX "protocolVersion"
#define META_CLIENT_CAPS  META_PREFIX "clientCapabilities"
#define META_CLIENT_INFO  META_PREFIX "clientInfo"
#define META_LOG_LEVEL	  META_PREFIX "logLevel"
#define META_SERVER_INFO  META_PREFIX "serverInfo"
#define META_SUBSCRIPTION META_PREFIX "subscriptionId"

struct post;

enum era {
	ERA_LEGACY,
	ERA_MODERN_REQUEST,
	ERA_MODERN_NOTIFICATION,
	ERA_REFUSED, /* neither can be; the verdict says why */
};

struct era_verdict {
	enum era era;
	int code;	/* ERA_REFUSED: the JSON-RPC code; the status is 400 */
	char text[200]; /* ERA_REFUSED */
};

/* POST was read. VERSION and METHOD are the values of MCP-Protocol-Version and Mcp-Method, NULL
 * where they were not sent. (2026-07-28, Streamable HTTP, "Backward Compatibility".) */
void era_classify(const struct post *post, const char *version, const char *method,
		  struct era_verdict *v);

/* The sender of a modern request, from its _meta. Borrowed from the body. */
struct envelope {
	const char *version; /* the claim */
	json_t *capabilities;
	json_t *client_info; /* or NULL */
	int log_level;	     /* -1: no log messages are wanted */
};

/* The first check of a modern request: a well-formed _meta. 0, or ERR_INVALID with the fault
 * (-32602).
 */
int envelope_parse(json_t *params, struct envelope *env_r, struct err *e);

/* The modern revisions we serve, as an array for supportedVersions and data.supported; a new
 * reference. */
json_t *era_supported(void);
bool era_is_supported(const char *version, enum mcp_rev *rev_r);

#endif
