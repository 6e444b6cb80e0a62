/* SPDX-License-Identifier: ISC */
/* web_impl.h: the parts of the web backend. For backend_web.c and web_learn.c alone. */
#ifndef MCPD_WEB_IMPL_H
#define MCPD_WEB_IMPL_H

#include <event2/event_struct.h>
#include <sys/queue.h>

#include "backend/backend_impl.h"
#include "backend/web_result.h"
#include "backend/web_tools.h"
#include "base/mask.h"
#include "credentials/credentials.h"
#include "http/backoff.h"
#include "http/fetch.h"
#include "text/url.h"

struct web {
	struct backend *backend;
	char *list_url, *invoke_url;
	struct web_tools *tools; /* NULL: nothing learnt yet */
	TAILQ_HEAD(, job) jobs;
	/* learning */
	struct web_tools *learning; /* what came so far; NULL: not just now */
	struct credential_wait *wait;
	struct fetch *fetch;
	char *cursor;		/* of the page that is asked for; NULL: the first */
	char *line;		/* the credential that was sent; NULL: none */
	bool retried;		/* after a 401 */
	struct event timer;	/* the next time */
	int64_t learnt_at;	/* clock_ms() of the last attempt */
	struct backoff backoff; /* after failures in a row */
	int64_t retry_after_ms; /* that the last answer, a 429 or 503, asked for; 0: none */
	struct mask mask;	/* the secrets that the endpoint gets, and may repeat in its list */
	struct err complained;	/* the last warning, so that it is not repeated */
};

/* Begins a request to the endpoint with the headers and rules of the configuration and LINE, the
 * credential (may be NULL); as fetch_start(). */
struct fetch *web_fetch(struct web *w, const struct httpc_spec *spec, const char *line, size_t max,
			fetch_fn fn, void *arg, struct err *e);

/* web_learn.c */
void web_learn_init(struct web *w);
/* Asks for the tools now, and from then on in the interval of the configuration. */
void web_learn(struct web *w);
/* The list seems to be out of date: asks for it, unless that was done just now. */
void web_learn_soon(struct web *w);
void web_learn_stop(struct web *w);

#endif
