/* SPDX-License-Identifier: ISC */
/* mediatype.h: media types as HTTP has them (RFC 9110 section 8.3.1): type and subtype count,
 * without regard to case; parameters do not. */
#ifndef MCPD_MEDIATYPE_H
#define MCPD_MEDIATYPE_H

#include <stdbool.h>
#include <stddef.h>

#define MEDIATYPE_JSON	  "application/json"
#define MEDIATYPE_JSONRPC "application/json-rpc" /* an older name for JSON-RPC over HTTP */
#define MEDIATYPE_SSE	  "text/event-stream"

/* Whether VALUE, a Content-Type (NULL: there is none), is of the media type TYPE. */
bool mediatype_is(const char *value, const char *type);
/* As mediatype_is() for the first LEN bytes of VALUE, one entry of an Accept header. */
bool mediatype_range_is(const char *value, size_t len, const char *type);
/* Whether VALUE, a Content-Type, says that the body is JSON: application/json, text/json,
 * application/json-rpc, or any type that ends in +json (RFC 6839 section 3.1). */
bool mediatype_is_json(const char *value);

#endif
