/* SPDX-License-Identifier: ISC */
/* Server-sent events are the same however their bytes are cut, and what sse_event() writes is read
 * back. The first byte is the size of the pieces, the second the limit of an event. */
#include <event2/buffer.h>
#include <string.h>

#include "fuzz.h"
#include "lib/err.h"
#include "lib/sse.h"
#include "lib/ssereader.h"

static void record(const struct sse_received *ev, void *arg)
{
	MUST(ev->event && strlen(ev->data) <= ev->len);
	evbuffer_add_printf(arg, "[%s|%s|%zu|", ev->event, ev->id ? ev->id : "-", ev->len);
	evbuffer_add(arg, ev->data, ev->len);
	evbuffer_add(arg, "]", 1);
}

/* What comes of DATA in pieces of STEP bytes. */
static struct evbuffer *read_all(const uint8_t *data, size_t size, size_t step, size_t max)
{
	struct evbuffer *out = evbuffer_new();
	struct ssereader *r = ssereader_new(max, record, out);
	int limits = 0;

	MUST(out && r);
	for (size_t at = 0; at < size; at += step) {
		size_t n = size - at < step ? size - at : step;
		char *piece = malloc(n);
		int rc;

		memcpy(piece, data + at, n);
		rc = ssereader_feed(r, piece, n);
		MUST(rc == 0 || rc == ERR_LIMIT);
		limits += rc != 0;
		free(piece);
	}
	evbuffer_add_printf(out, "%ld %s %d", ssereader_retry(r),
			    ssereader_last_id(r) ? ssereader_last_id(r) : "-", limits > 0);
	ssereader_free(&r);
	return out;
}

static int same(struct evbuffer *a, struct evbuffer *b)
{
	size_t len = evbuffer_get_length(a);

	return len == evbuffer_get_length(b) &&
	       (len == 0 || memcmp(evbuffer_pullup(a, -1), evbuffer_pullup(b, -1), len) == 0);
}

static void check_written(const uint8_t *data, size_t size)
{
	struct evbuffer *text = evbuffer_new(), *want = evbuffer_new(), *got;

	MUST(sse_event(text, NULL, "7", 5, (const char *)data, size) == 0);
	got = read_all(evbuffer_pullup(text, -1), evbuffer_get_length(text), 1, SIZE_MAX / 4);
	evbuffer_add_printf(want, "[message|7|%zu|", size);
	evbuffer_add(want, data, size);
	evbuffer_add_printf(want, "]5 7 0");
	MUST(same(got, want));
	evbuffer_free(text);
	evbuffer_free(want);
	evbuffer_free(got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct evbuffer *whole, *pieces;
	size_t max;

	if (size < 3)
		return 0;
	max = data[1] < 255 ? data[1] : 100000;
	whole = read_all(data + 2, size - 2, size, max);
	pieces = read_all(data + 2, size - 2, (size_t)data[0] + 1, max);
	MUST(same(whole, pieces));
	evbuffer_free(whole);
	evbuffer_free(pieces);
	if (!memchr(data + 2, '\r', size - 2))
		check_written(data + 2, size - 2);
	return 0;
}
