/* SPDX-License-Identifier: ISC */
/* jsonrpc.h: JSON-RPC 2.0 messages as jansson values.
 *
 * Parsing refuses duplicate keys (agreement between header and body is a security property) and
 * allows NUL in strings; writing gives one line, whatever is inside. */
#ifndef MCPD_JSONRPC_H
#define MCPD_JSONRPC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

struct evbuffer;

/* Bytes of an id or a progress token, which are kept as long as their request: identifiers, not
 * data. */
#define JSONRPC_MAX_ID ((size_t)1024)

enum jsonrpc_kind {
	JSONRPC_REQUEST,
	JSONRPC_NOTIFICATION,
	JSONRPC_RESULT,
	JSONRPC_ERROR,
};

/* JSON-RPC 2.0 section 5.1 and the MCP codes in use (reference: error-code palette). */
enum jsonrpc_code {
	RPC_PARSE_ERROR = -32700,
	RPC_INVALID_REQUEST = -32600,
	RPC_METHOD_NOT_FOUND = -32601,
	RPC_INVALID_PARAMS = -32602,
	RPC_INTERNAL_ERROR = -32603,
	RPC_TRANSPORT = -32000,		  /* legacy only */
	RPC_SESSION_NOT_FOUND = -32001,	  /* legacy only, HTTP 404 */
	RPC_RESOURCE_NOT_FOUND = -32002,  /* up to 2025-11-25 */
	RPC_HEADER_MISMATCH = -32020,	  /* modern */
	RPC_MISSING_CAPABILITY = -32021,  /* modern */
	RPC_UNSUPPORTED_VERSION = -32022, /* modern */
	RPC_URL_ELICITATION = -32042,	  /* 2025-11-25 only */
};

/* Parses LEN bytes: any JSON value. MAX_DEPTH limits nesting of arrays and objects (0: no limit of
 * our own). An integer beyond 64 bits becomes a real, an unpaired surrogate escape U+FFFD.
 * Returns a new reference, or NULL with E = ERR_PARSE (text names line and column), ERR_LIMIT or
 * ERR_NOMEM. */
json_t *jsonrpc_parse(const char *buf, size_t len, unsigned max_depth, struct err *e);

/* LEN bytes of TEXT that need no parser: an integer of at most 15 digits without a sign, or a
 * string without escapes. A new reference; NULL: the value is neither, or no JSON, or there is no
 * memory for it. */
json_t *jsonrpc_plain(const char *text, size_t len);

/* Parses a text of a server, from which mcpd takes what it can: of duplicate members the last one
 * counts, a number that no double holds becomes 1e308 or -1e308, NUL in a key U+FFFD. Otherwise as
 * jsonrpc_parse() without a limit. */
json_t *jsonrpc_parse_any(const char *buf, size_t len, struct err *e);

/* What MSG is. 0, or ERR_INVALID with the reason: not an object, "jsonrpc" not "2.0", method not a
 * string, either with a NUL inside, params neither object nor array, id neither string nor integer,
 * or longer than JSONRPC_MAX_ID (null, real and boolean are refused; an error response alone may
 * lack an id or have null), both or neither of result and error, error without integer code and
 * string message. */
int jsonrpc_classify(const json_t *msg, enum jsonrpc_kind *kind_r, struct err *e);

/* Constructors. ID is borrowed (a new reference is taken) and may be NULL where it says so;
 * *_take arguments are consumed even on failure and may be NULL (the member is left out; a NULL
 * result becomes {}). NULL on lack of memory. */
json_t *jsonrpc_request(json_t *id, const char *method, json_t *params_take);
json_t *jsonrpc_notification(const char *method, json_t *params_take);
json_t *jsonrpc_result(json_t *id, json_t *result_take);
json_t *jsonrpc_error(json_t *id_or_null, int code, const char *message, json_t *data_take);

/* Writes MSG as one compact line without a newline: appends to OUT, or returns a malloc'd string
 * with its length. 0 or ERR_NOMEM / NULL. Reals keep their value (17 significant digits). */
int jsonrpc_write(struct evbuffer *out, const json_t *msg);
char *jsonrpc_dump(const json_t *msg, size_t *len_r);

/* A copy of VALUE, an object or array whose members are shared with it (a new reference). NULL
 * where VALUE is NULL, or on lack of memory: json_copy() itself leaves out what it has no memory
 * for. */
json_t *jsonrpc_copy(const json_t *value);

/* A copy of OBJECT (NULL: of an empty one) in which member KEY is VALUE: a new reference. VALUE is
 * consumed in any case. NULL where VALUE is NULL, where OBJECT is no object, or on lack of memory.
 */
json_t *jsonrpc_with(const json_t *object, const char *key, json_t *value_take);

/* About how many bytes of memory VALUE takes (NULL: none). */
size_t jsonrpc_cost(const json_t *value);

/* Whether two ids are the same: type and value ("1" is not 1). */
bool jsonrpc_id_equal(const json_t *a, const json_t *b);

#endif
