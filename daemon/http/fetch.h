/* SPDX-License-Identifier: ISC */
/* fetch.h: one outgoing HTTP request that collects the whole answer, up to a limit.
 *
 * Redirects are followed where httpc_redirect() allows them. Other redirects are an error
 * (ERR_PROTOCOL), because they would carry secrets to another origin. */
#ifndef MCPD_FETCH_H
#define MCPD_FETCH_H

#include <stdbool.h>
#include <stddef.h>

#include "http/httpc.h"
#include "lib/err.h"

struct fetch;

/* Valid until the callback returns. */
struct fetch_answer {
	int status;
	const char *type; /* Content-Type; "" without one */
	const char *body; /* terminated; "" without one */
	size_t len;
	const char *retry_after;      /* NULL without one */
	const char *www_authenticate; /* NULL without one */
};

/* The end, once. A is NULL without a whole answer: E says why (ERR_LIMIT: it is too long;
 * ERR_TIMEOUT, ERR_IO, ERR_DENIED, ERR_NOMEM; ERR_PROTOCOL: a redirect that is not followed). F is
 * gone when this returns. */
typedef void (*fetch_fn)(struct fetch *f, const struct fetch_answer *a, const struct err *e,
			 void *arg);

/* Begins; everything in SPEC is copied. MAX is bytes of the body. FN never comes from inside. NULL
 * with E filled. */
struct fetch *fetch_start(struct httpc *h, const struct httpc_spec *spec, size_t max, fetch_fn fn,
			  void *arg, struct err *e);
/* No callback comes any more; the request is cut off. *F becomes NULL. */
void fetch_cancel(struct fetch **f);

#endif
