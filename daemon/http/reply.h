/* SPDX-License-Identifier: ISC */
/* reply.h: the error answers that endpoint and fronts share, and what a client accepts. */
#ifndef MCPD_REPLY_H
#define MCPD_REPLY_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/err.h"

struct exchange;

/* Ends X with STATUS and a JSON-RPC error. ID is borrowed; NULL where it could not be read (it is
 * left out then: null is no id). A 405 says Allow, a 503 says Retry-After. */
void reply_error(struct exchange *x, int status, json_t *id, int code, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* reply_error() for a limit that was met: STATUS is 503 or 429, and the answer has Retry-After. */
void reply_limit(struct exchange *x, int status, json_t *id, const struct err *e);
/* Counts what X holds in the budget of its holder. False: there is no memory for what X makes the
 * daemon hold, and X was answered with 503 or 429. ID as for reply_error(). */
bool reply_memory(struct exchange *x, json_t *id);

/* The two forms of an answer. */
#define REPLY_ACCEPT_JSON 1u
#define REPLY_ACCEPT_SSE  2u
/* Which of JSON and SSE (REPLY_ACCEPT_*) the Accept header lets through; both without one (RFC 9110
 * section 12.5.1; parameters other than q=0 do not matter). */
unsigned reply_accept(struct exchange *x);

#endif
