/* SPDX-License-Identifier: ISC */
/* httpc.h: all outgoing HTTP: libcurl on the event loop. The only file that knows libcurl, but for
 * its parser of URLs (url.h).
 *
 * A redirect is an answer like others; httpc_redirect() has the URL to ask next. Certificates are
 * always verified.
 *
 * Addresses of the local link, where cloud hosts keep their secrets, are refused unless they are
 * allowed: in the URL, also where a proxy is used (libcurl reads http_proxy and so on), and after a
 * name was resolved here. A host on this machine is asked without proxy. */
#ifndef MCPD_HTTPC_H
#define MCPD_HTTPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

struct budget;
struct event_base;
struct httpc;
struct httpc_request;

struct httpc_spec {
	const char *method;	    /* "GET", "POST", "DELETE" */
	const char *url;	    /* http or https */
	const char *const *headers; /* NULL-terminated "Name: value"; may be NULL */
	const char *body;	    /* copied; NULL: none */
	size_t len;
	int64_t connect_timeout_ms; /* 0: 10 s */
	int64_t timeout_ms;	    /* of the whole exchange; 0: none (a stream) */
	bool allow_link_local;
	bool once; /* never sent twice, also where the server closed the connection under it */
	const char *ca_file; /* NULL: the system's */
	/* Where BODY, and the answer to a fetch, are counted; NULL: in the whole daemon's. */
	struct budget *budget;
};

/* All from the loop; each may cancel the request. */
struct httpc_events {
	/* The head is there: STATUS, and httpc_header(). */
	void (*on_head)(struct httpc_request *r, int status, void *arg);
	void (*on_data)(struct httpc_request *r, const char *bytes, size_t len, void *arg);
	/* The end, once, last: E is NULL for a whole answer of any status. The request is dead
	 * after it returns. */
	void (*on_done)(struct httpc_request *r, const struct err *e, void *arg);
};

/* NULL with E filled. */
struct httpc *httpc_new(struct event_base *base, struct err *e);
/* Requests that are under way end with an error. */
void httpc_free(struct httpc **h);

/* Begins a request. No callback comes from inside. 0 or ERR_INVALID, ERR_NOMEM. */
int httpc_start(struct httpc *h, const struct httpc_spec *spec, const struct httpc_events *events,
		void *arg, struct httpc_request **r_r, struct err *e);
/* No event comes any more; the connection is cut if need be. *R becomes NULL. */
void httpc_cancel(struct httpc_request **r);

/* Stops reading the answer to R until R is resumed; the end of R is not seen meanwhile. Idempotent,
 * from inside on_data too, and no callback comes from inside. Timeouts go on. */
void httpc_pause(struct httpc_request *r);
void httpc_resume(struct httpc_request *r);

/* The value of a header of the answer (case-insensitive, the last of several), NULL without it;
 * good until the request ends. */
const char *httpc_header(struct httpc_request *r, const char *name);
/* The one rule for redirects: 307 and 308 keep the method, the others are followed for GET alone;
 * url_redirect() judges the target. N, 0 at first, counts the redirects of one request, at most
 * HTTPC_MAX_REDIRECTS. 0 with *TO_R, malloc'd: the URL to ask with the same method once R has
 * ended; NULL: R is no redirect. ERR_PROTOCOL with E, a text that continues the name of the server
 * ("redirects ...") and names both origins; or ERR_NOMEM. */
int httpc_redirect(struct httpc_request *r, unsigned *n, char **to_r, struct err *e);
#define HTTPC_MAX_REDIRECTS 3
/* A date as HTTP has it (RFC 9110 section 5.6.7) in seconds since 1970; -1: TEXT is none. */
int64_t httpc_date(const char *text);
/* Whether the server had closed the idle connection, so that R was sent again over a new one. */
bool httpc_sent_again(const struct httpc_request *r);

#endif
