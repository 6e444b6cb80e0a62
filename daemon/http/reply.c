/* SPDX-License-Identifier: ISC */
#include "http/reply.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/budget.h"
#include "http/exchange.h"
#include "http/guard.h"
#include "lib/jsonrpc.h"
#include "text/mediatype.h"

/* Of the body of a request its call keeps a copy, and so does the queue to its server. */
#define COPIES_OF_BODY 2

void reply_error(struct exchange *x, int status, json_t *id, int code, const char *fmt, ...)
{
	char text[600];
	json_t *msg;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (status == 405)
		exchange_set_header(x, "Allow", GUARD_METHODS);
	if (status == 503)
		exchange_set_header(x, "Retry-After", "5");
	msg = jsonrpc_error(id, code, text, NULL);
	exchange_reply_json(x, status, msg);
	json_decref(msg);
}

void reply_limit(struct exchange *x, int status, json_t *id, const struct err *e)
{
	if (status == 429)
		exchange_set_header(x, "Retry-After", "10");
	reply_error(x, status, id, RPC_TRANSPORT, "%s", e->text);
}

bool reply_memory(struct exchange *x, json_t *id)
{
	struct budget *b = budget_of(exchange_holder(x));
	struct err e = {0};

	if (budget_check(b, COPIES_OF_BODY * exchange_charge(x, b), &e) < 0)
		budget_refused(b, "a request", &e);
	budget_unref(&b);
	if (e.code)
		reply_limit(x, budget_status(e.code), id, &e);
	return e.code == 0;
}

/* Is the quality of the media range that ends at RANGE + LEN zero ("not acceptable")? */
static bool refused(const char *range, size_t len)
{
	for (size_t i = 0; i + 3 < len; i++) {
		if (range[i] == ';') {
			size_t at = i + 1 + strspn(range + i + 1, " \t");

			if (at + 2 < len && (range[at] | 32) == 'q' && range[at + 1] == '=')
				return strtod(range + at + 2, NULL) <= 0;
		}
	}
	return false;
}

static unsigned accept_range(const char *range, size_t len)
{
	static const struct {
		const char *type;
		unsigned mask;
	} types[] = {
		{"application/json", REPLY_ACCEPT_JSON},       {"application/*", REPLY_ACCEPT_JSON},
		{"text/event-stream", REPLY_ACCEPT_SSE},       {"text/*", REPLY_ACCEPT_SSE},
		{"*/*", REPLY_ACCEPT_JSON | REPLY_ACCEPT_SSE},
	};

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (mediatype_range_is(range, len, types[i].type))
			return refused(range, len) ? 0 : types[i].mask;
	return 0;
}

unsigned reply_accept(struct exchange *x)
{
	const char *at = exchange_header(x, "Accept");
	unsigned mask = 0;

	if (!at)
		return REPLY_ACCEPT_JSON | REPLY_ACCEPT_SSE;
	while (*at) {
		size_t len;

		at += strspn(at, ", \t");
		len = strcspn(at, ",");
		mask |= accept_range(at, len);
		at += len;
	}
	return mask;
}
