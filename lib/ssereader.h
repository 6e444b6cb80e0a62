/* SPDX-License-Identifier: ISC */
/* ssereader.h: server-sent events (WHATWG HTML, section 9.2), the reading half: bytes in, events
 * out. */
#ifndef MCPD_SSEREADER_H
#define MCPD_SSEREADER_H

#include <stdbool.h>
#include <stddef.h>

struct ssereader;

struct sse_received {
	const char *event; /* "message" where the stream names none */
	const char *id;	   /* the last event id so far; NULL: none yet */
	const char *data;  /* terminated; may be "" for an event that only sets the id */
	size_t len;
};
/* May free the reader. */
typedef void (*ssereader_fn)(const struct sse_received *ev, void *arg);

/* MAX bounds one event's data and one line, in bytes. NULL on lack of memory. */
struct ssereader *ssereader_new(size_t max, ssereader_fn fn, void *arg);
void ssereader_free(struct ssereader **r);

/* 0, ERR_LIMIT (an event was larger than MAX; it is lost, and the rest goes on) or ERR_NOMEM. */
int ssereader_feed(struct ssereader *r, const char *bytes, size_t len);
/* The stream has ended: an event that only lacks its blank line is given to FN. (Section 9.2.6 has
 * it dropped; servers that end an answer without one mean it.) */
void ssereader_end(struct ssereader *r);
/* The "retry:" of the stream in milliseconds; -1 while there was none. */
long ssereader_retry(const struct ssereader *r);
/* How many lines so far belong to no event: comments, unknown fields, empty lines that end nothing,
 * what is too long. The caller slows its reading by this number. */
unsigned long ssereader_useless(const struct ssereader *r);
/* The beginning of the last one, borrowed until more is fed; "" for an empty line. */
const char *ssereader_useless_line(const struct ssereader *r);
/* The beginning of the last event that was larger than MAX, maybe after the name of its field;
 * *LEN_R bytes, borrowed until more is fed. */
const char *ssereader_lost(const struct ssereader *r, size_t *len_r);
/* Bytes of memory for what was read of the present line and event. */
size_t ssereader_held(const struct ssereader *r);
/* The last event id; NULL: none. */
const char *ssereader_last_id(const struct ssereader *r);

#endif
