/* SPDX-License-Identifier: ISC */
/* framing.h: where a request ends, read from its bytes (RFC 9112 sections 2, 3, 5, 6 and 7). evhttp
 * is lenient here. A proxy in front of mcpd may read the same bytes differently, and take for a
 * body what mcpd takes for a request. So a request that has two readings is refused, and so is one
 * that evhttp would read differently. This part uses neither connections nor evhttp. */
#ifndef MCPD_FRAMING_H
#define MCPD_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
	const char *at; /* not terminated; NULL: there is none */
	size_t len;
};

/* ---- the head ---- */

/* The search for the end of a head in text that comes in pieces. All zero at the beginning. */
struct framing_scan {
	size_t line; /* where the line begins that is not complete yet */
	size_t seen; /* up to where there is no other line feed */
};

/* Whether a request, or the empty line before one, can begin with C. */
bool framing_may_begin(char c);

enum framing_found { FRAMING_MORE, FRAMING_HEAD, FRAMING_BAD };

/* Continues in TEXT, which begins with the text of the previous call. FRAMING_HEAD: *END_R is the
 * length of the head with its empty line. FRAMING_BAD: a line feed without carriage return, the
 * last byte that counts as seen. */
enum framing_found framing_find(struct framing_scan *s, const char *text, size_t len,
				size_t *end_r);

enum framing_body { FRAMING_NONE, FRAMING_LENGTH, FRAMING_CHUNKED };

/* The fields of a head. The spans point into the text of the head. Of a field that is allowed once,
 * the first value and the number of values are kept. */
struct framing_head {
	struct span method, target, authorization, origin, host;
	unsigned n_authorization, n_origin, n_host;
	enum framing_body body;
	uint64_t length; /* FRAMING_LENGTH: never 0 */
	unsigned minor;	 /* of HTTP/1.x */
	bool body_read;	 /* evhttp reads a body for this method */
	bool close;	 /* the connection must end with the answer */
};

struct framing_fault {
	int status; /* 0: none */
	const char *why;
};

/* Reads the head in TEXT, of LEN bytes with its empty line (framing_find()). */
struct framing_fault framing_read(struct framing_head *h, const char *text, size_t len);
/* The value of the field NAME in a head that may be incomplete or malformed elsewhere. A span
 * without text where no field, or more than one, is well-formed. */
struct span framing_field(const char *text, size_t len, const char *name);
/* Whether the line in TEXT (without its CRLF) is about the body: Content-Length, Transfer-Encoding,
 * Expect or Trailer. */
bool framing_about_body(const char *text, size_t len);

/* ---- a chunked body ---- */

enum framing_chunk_state {
	CHUNK_SIZE,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_LAST_CR,
	CHUNK_LAST_LF,
	CHUNK_DONE,
};

/* All zero but MAX at the beginning. */
struct framing_chunks {
	uint64_t max;	/* bytes of the body, without its framing */
	uint64_t total; /* of the chunks that began */
	uint64_t left;	/* of the present one */
	enum framing_chunk_state state;
	unsigned digits;
};

/* Follows the body over TEXT; *USED_R: how much of that belongs to it, less than LEN only when
 * CHUNK_DONE. 413 for a body over MAX, 400 for extensions, trailers and anything malformed. */
struct framing_fault framing_chunks(struct framing_chunks *c, const char *text, size_t len,
				    size_t *used_r);

#endif
