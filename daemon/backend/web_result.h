/* SPDX-License-Identifier: ISC */
/* web_result.h: the answer of a web endpoint to the call of a tool, as the result of tools/call. */
#ifndef MCPD_WEB_RESULT_H
#define MCPD_WEB_RESULT_H

#include <jansson.h>

struct fetch_answer;
struct schema;

/* A CallToolResult of the endpoint's own making passes. Other JSON becomes text, and
 * structuredContent where ENTRY, the tool as the endpoint lists it, has an outputSchema (OUTPUT,
 * where mcpd checks what that promises; else NULL); other text becomes text. Whatever is no success
 * is a result with isError and the true reason, as far as the endpoint tells one. MAX_DEPTH bounds
 * the nesting of JSON. NULL on lack of memory. */
json_t *web_result(const json_t *entry, struct schema *output, const struct fetch_answer *a,
		   unsigned max_depth);

#endif
