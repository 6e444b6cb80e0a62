/* SPDX-License-Identifier: ISC */
/* post.h: what the body of a POST of a client says: one message, or several (batches of
 * 2025-03-26). The body is read once, and all who serve the POST ask here. */
#ifndef MCPD_POST_H
#define MCPD_POST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"
#include "mcp/message.h"

struct jsontext;

struct post {
	struct message *messages;
	size_t n;
	unsigned requests;  /* how many of them are */
	bool batch;	    /* they came in an array, and so do their responses */
	struct message one; /* where MESSAGES points to for a single message */
};

/* Reads BODY (borrowed; its bytes are shared), of at most MAX_BATCH messages that nest at most
 * MAX_DEPTH levels. 0; ERR_PARSE or ERR_LIMIT (no JSON that is taken), ERR_INVALID (no message), or
 * ERR_NOMEM, with E filled. P is to be cleared in any case: after ERR_INVALID the id of the message
 * that is none is there as far as it could be read. */
int post_read(struct post *p, struct jsontext *body, unsigned max_batch, unsigned max_depth,
	      struct err *e);
void post_clear(struct post *p);

/* The id that an error about the whole POST can name: that of the only request; NULL: it came in an
 * array, or is no request. Borrowed. */
json_t *post_reply_id(const struct post *p);

#endif
