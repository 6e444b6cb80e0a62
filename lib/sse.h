/* SPDX-License-Identifier: ISC */
/* sse.h: server-sent events (WHATWG HTML, section 9.2), the writing half. */
#ifndef MCPD_SSE_H
#define MCPD_SSE_H

#include <stddef.h>

struct evbuffer;

/* Appends one event. EVENT and ID may be NULL (no such field); RETRY_MS below 0 leaves "retry:"
 * out. DATA of LEN bytes is split at newlines into several data lines; LEN 0 gives an empty "data:
 * ". 0 or ERR_NOMEM; on failure nothing was appended. */
int sse_event(struct evbuffer *out, const char *event, const char *id, long retry_ms,
	      const char *data, size_t len);

/* Appends the beginning of an event, as above, up to "data: ": one line of data and a blank line
 * are to follow. */
int sse_event_begin(struct evbuffer *out, const char *event, const char *id, long retry_ms);

/* Appends ": TEXT" and a blank line. TEXT must be one line. */
int sse_comment(struct evbuffer *out, const char *text);

#endif
