/* SPDX-License-Identifier: ISC */
/* However the bytes are cut into pieces, the lines are those of a reader that sees all at once. */
#include <event2/buffer.h>
#include <string.h>

#include "fuzz.h"
#include "lib/lines.h"

struct reference {
	const char *s, *end;
	size_t max;
};

/* The next line that ends; false when there is none. A line that is too long has no *LINE_R. */
static int next(struct reference *r, const char **line_r, size_t *len_r)
{
	const char *newline = r->s < r->end ? memchr(r->s, '\n', (size_t)(r->end - r->s)) : NULL;
	size_t len;

	if (!newline)
		return 0;
	len = (size_t)(newline - r->s);
	if (len > 0 && r->s[len - 1] == '\r')
		len--;
	*line_r = len > r->max ? NULL : r->s;
	*len_r = len;
	r->s = newline + 1;
	return 1;
}

/* Takes all lines that are complete and compares them. */
static void drain(struct lines *l, struct evbuffer *in, struct reference *r, int *tail)
{
	enum lines_result got;
	const char *want;
	size_t len, want_len;
	char *line;

	while ((got = lines_next(l, in, &line, &len)) != LINES_MORE) {
		MUST(got == LINES_GOT || got == LINES_TOO_LONG);
		if (!next(r, &want, &want_len)) {
			/* Told at once, though its end has not come: so at most once. */
			MUST(got == LINES_TOO_LONG && !*tail);
			*tail = 1;
			return;
		}
		MUST((got == LINES_GOT) == (want != NULL));
		if (got == LINES_GOT) {
			MUST(len == want_len && memcmp(line, want, len) == 0 && line[len] == '\0');
			free(line);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct evbuffer *in = evbuffer_new();
	struct reference r;
	struct lines l;
	const char *line;
	size_t step, len;
	int tail = 0;

	if (size < 2) {
		evbuffer_free(in);
		return 0;
	}
	lines_init(&l, data[0]);
	step = 1 + data[1];
	r = (struct reference){(const char *)data + 2, (const char *)data + size, data[0]};
	for (size_t at = 2; at < size; at += step) {
		evbuffer_add(in, data + at, size - at < step ? size - at : step);
		drain(&l, in, &r, &tail);
		MUST(evbuffer_get_length(in) <= l.max + 1);
	}
	MUST(!next(&r, &line, &len)); /* nothing was left out */
	evbuffer_free(in);
	return 0;
}
