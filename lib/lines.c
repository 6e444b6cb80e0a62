/* SPDX-License-Identifier: ISC */
#include "lib/lines.h"

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

void lines_init(struct lines *l, size_t max)
{
	*l = (struct lines){.max = max};
}

/* Looks for the next LF behind what was scanned before. Returns its position, or -1. */
static ev_ssize_t find_newline(struct lines *l, struct evbuffer *in)
{
	struct evbuffer_ptr at;

	if (l->scanned > evbuffer_get_length(in))
		l->scanned = 0; /* another reader drained the buffer */
	if (evbuffer_ptr_set(in, &at, l->scanned, EVBUFFER_PTR_SET) < 0)
		return -1;
	return evbuffer_search_eol(in, &at, NULL, EVBUFFER_EOL_LF).pos;
}

/* Drops what is there of a line that was too long. Returns whether its end was reached. */
static bool discard(struct lines *l, struct evbuffer *in)
{
	ev_ssize_t pos = find_newline(l, in);

	l->scanned = 0;
	l->discarding = pos < 0;
	evbuffer_drain(in, pos < 0 ? evbuffer_get_length(in) : (size_t)pos + 1);
	return pos >= 0;
}

/* LEN bytes before the newline, the last of which may be a CR that does not count. */
static bool too_long(const struct lines *l, size_t len)
{
	return len > l->max && len - l->max > 1;
}

/* Takes the line whose newline is at POS. */
static enum lines_result take(struct lines *l, struct evbuffer *in, size_t pos, char **line_r,
			      size_t *len_r)
{
	char *line = malloc(pos + 1);

	if (!line) {
		l->scanned = pos; /* the line stays, and is not searched again */
		return LINES_NOMEM;
	}
	l->scanned = 0;
	evbuffer_remove(in, line, pos);
	evbuffer_drain(in, 1);
	if (pos > 0 && line[pos - 1] == '\r')
		pos--;
	if (pos > l->max) {
		l->begin_len = pos < sizeof l->begin ? pos : sizeof l->begin;
		memcpy(l->begin, line, l->begin_len);
		free(line);
		return LINES_TOO_LONG;
	}
	line[pos] = '\0';
	*line_r = line;
	*len_r = pos;
	return LINES_GOT;
}

static void keep_begin(struct lines *l, struct evbuffer *in)
{
	ev_ssize_t n = evbuffer_copyout(in, l->begin, sizeof l->begin);

	l->begin_len = n > 0 ? (size_t)n : 0;
}

enum lines_result lines_next(struct lines *l, struct evbuffer *in, char **line_r, size_t *len_r)
{
	ev_ssize_t pos;

	if (l->discarding && !discard(l, in))
		return LINES_MORE;
	pos = find_newline(l, in);
	if (pos < 0) {
		l->scanned = evbuffer_get_length(in);
		if (!too_long(l, l->scanned))
			return LINES_MORE;
	} else if (!too_long(l, (size_t)pos)) {
		return take(l, in, (size_t)pos, line_r, len_r);
	}
	keep_begin(l, in);
	discard(l, in);
	return LINES_TOO_LONG;
}
