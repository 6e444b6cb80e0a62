/* SPDX-License-Identifier: ISC */
/* framing_reader.h: judges the requests of one connection for the gate. The bytes come in pieces;
 * the verdicts depend on the bytes alone, never on where a piece ends. This part uses neither
 * connections nor evhttp. */
#ifndef MCPD_FRAMING_READER_H
#define MCPD_FRAMING_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/framing.h"

/* The present request. MAX_HEAD and MAX_BODY are the caller's to set, in bytes; all else is zero at
 * the beginning. */
struct framing_reader {
	size_t max_head;
	uint64_t max_body;
	struct framing_scan scan; /* SEEN: how much of the head was judged */
	bool skipped;		  /* an empty line before the request */
	size_t head_len;	  /* once the head is whole */
	enum framing_body body;
	uint64_t left; /* of a body with a length */
	struct framing_chunks chunks;
};

enum framing_step {
	FRAMING_STEP_MORE,    /* the head is not whole */
	FRAMING_STEP_EMPTY,   /* the text begins with an empty line, which the caller drops */
	FRAMING_STEP_HEAD,    /* *H_R is filled in, and HEAD_LEN is its length */
	FRAMING_STEP_REFUSED, /* *BAD_R says why */
};

/* The next request begins. */
void framing_reader_next(struct framing_reader *r);
/* Judges TEXT: all bytes of the head, and of the bytes behind the head, that have come. TEXT begins
 * with the TEXT of the previous call. */
enum framing_step framing_reader_head(struct framing_reader *r, const char *text, size_t len,
				      struct framing_head *h_r, struct framing_fault *bad_r);
/* Follows the body over LEN more bytes, of which TEXT may be NULL where framing_reader_counts()
 * says so. *USED_R: how many belong to it. */
struct framing_fault framing_reader_body(struct framing_reader *r, const char *text, size_t len,
					 size_t *used_r);
/* Whether the next LEN bytes are the body's whatever they are. */
bool framing_reader_counts(const struct framing_reader *r, size_t len);
/* Whether the whole body was followed. */
bool framing_reader_complete(const struct framing_reader *r);

#endif
