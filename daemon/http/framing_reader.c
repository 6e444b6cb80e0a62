/* SPDX-License-Identifier: ISC */
#include "http/framing_reader.h"

#include <string.h>

static enum framing_step refused(struct framing_fault *bad_r, int status, const char *why)
{
	*bad_r = (struct framing_fault){status, why};
	return FRAMING_STEP_REFUSED;
}

void framing_reader_next(struct framing_reader *r)
{
	*r = (struct framing_reader){.max_head = r->max_head, .max_body = r->max_body};
}

/* The head in TEXT is whole. */
static enum framing_step take_head(struct framing_reader *r, const char *text, size_t len,
				   struct framing_head *h, struct framing_fault *bad_r)
{
	*bad_r = framing_read(h, text, len);
	if (bad_r->status)
		return FRAMING_STEP_REFUSED;
	if (h->body == FRAMING_LENGTH && h->length > r->max_body)
		return refused(bad_r, 413, "Request body too large (limits.maxBody)");
	r->head_len = len;
	r->body = h->body;
	r->left = h->length;
	r->chunks = (struct framing_chunks){.max = r->max_body};
	return FRAMING_STEP_HEAD;
}

/* RFC 9112 section 2.2: an empty line before a request is ignored; one is enough. */
static enum framing_step skip_line(struct framing_reader *r, struct framing_fault *bad_r)
{
	if (r->skipped)
		return refused(bad_r, 400, "Malformed request line");
	r->skipped = true;
	memset(&r->scan, 0, sizeof r->scan);
	return FRAMING_STEP_EMPTY;
}

enum framing_step framing_reader_head(struct framing_reader *r, const char *text, size_t len,
				      struct framing_head *h_r, struct framing_fault *bad_r)
{
	/* What lies behind the limit is not looked at: it may come later, too. */
	size_t judged = len < r->max_head ? len : r->max_head, end;

	if (len == 0)
		return FRAMING_STEP_MORE;
	if (!framing_may_begin(*text))
		return refused(bad_r, 400, "This is not HTTP");
	switch (framing_find(&r->scan, text, judged, &end)) {
	case FRAMING_BAD:
		return refused(bad_r, 400, "A line of the head does not end with CRLF");
	case FRAMING_HEAD:
		return end == 2 ? skip_line(r, bad_r) : take_head(r, text, end, h_r, bad_r);
	case FRAMING_MORE:
		break;
	}
	if (len > r->max_head)
		return refused(bad_r, 431, "Request header fields too large (limits.maxHeaders)");
	return FRAMING_STEP_MORE;
}

bool framing_reader_counts(const struct framing_reader *r, size_t len)
{
	return r->body != FRAMING_CHUNKED ||
	       (r->chunks.state == CHUNK_DATA && len < r->chunks.left);
}

struct framing_fault framing_reader_body(struct framing_reader *r, const char *text, size_t len,
					 size_t *used_r)
{
	if (r->body == FRAMING_CHUNKED)
		return framing_chunks(&r->chunks, text, len, used_r);
	*used_r = len < r->left ? len : (size_t)r->left;
	r->left -= *used_r;
	return (struct framing_fault){0, NULL};
}

bool framing_reader_complete(const struct framing_reader *r)
{
	return r->body == FRAMING_CHUNKED ? r->chunks.state == CHUNK_DONE : r->left == 0;
}
