/* SPDX-License-Identifier: ISC */
/* Any bytes of a connection before the judging part of the gate: the verdicts (heads, bodies, ends,
 * refusals) are the same whether the bytes come whole, one at a time or in random pieces. The first
 * byte is the seed of the pieces. */
#include <string.h>

#include "fuzz.h"
#include "http/framing_reader.h"

#define MAX_HEAD 1000
#define MAX_BODY 1000
#define MAX_SIZE 20000

/* What was judged of one connection, as text. */
struct verdicts {
	char text[8 * MAX_SIZE];
	size_t n;
};

struct run {
	struct framing_reader reader;
	struct verdicts *out;
	char text[MAX_SIZE]; /* what the gate holds */
	size_t len;
	int in_body, over;
};

static void note(struct verdicts *v, const void *what, size_t len)
{
	MUST(len <= sizeof v->text - v->n);
	memcpy(v->text + v->n, what, len);
	v->n += len;
}

static void note_number(struct verdicts *v, const char *name, unsigned long long n)
{
	char text[64];

	note(v, text, (size_t)snprintf(text, sizeof text, "|%s %llu|", name, n));
}

static void take(struct run *r, size_t n)
{
	MUST(n <= r->len);
	memmove(r->text, r->text + n, r->len - n);
	r->len -= n;
}

static void refuse(struct run *r, struct framing_fault bad)
{
	MUST(bad.status >= 400 && bad.why);
	note_number(r->out, "refused", (unsigned long long)bad.status);
	note(r->out, bad.why, strlen(bad.why));
	/* The lines that the answer may be made from. */
	if (!r->in_body)
		note(r->out, r->text, r->reader.scan.seen);
	r->over = 1;
}

static void note_head(struct run *r, const struct framing_head *h)
{
	MUST(r->reader.head_len <= MAX_HEAD && r->reader.head_len <= r->len);
	MUST(h->method.at == r->text && h->target.at + h->target.len <= r->text + r->len);
	note(r->out, h->method.at, h->method.len);
	note(r->out, h->target.at, h->target.len);
	note(r->out, h->authorization.at ? h->authorization.at : "", h->authorization.len);
	note(r->out, h->origin.at ? h->origin.at : "", h->origin.len);
	note_number(r->out, "credentials", h->n_authorization);
	note_number(r->out, "origins", h->n_origin);
	note_number(r->out, "head", r->reader.head_len);
	note_number(r->out, "body", h->body);
	note_number(r->out, "length", h->length);
	note_number(r->out, "minor", h->minor);
	note_number(r->out, "flags", (h->close ? 2u : 0u) + (h->body_read ? 1u : 0u));
}

/* Judges what there is of a head. Whether there may be more to do. */
static int step_head(struct run *r)
{
	struct framing_fault bad;
	struct framing_head h;

	switch (framing_reader_head(&r->reader, r->text, r->len, &h, &bad)) {
	case FRAMING_STEP_MORE:
		MUST(r->len <= MAX_HEAD);
		return 0;
	case FRAMING_STEP_EMPTY:
		take(r, 2);
		return 1;
	case FRAMING_STEP_HEAD:
		note_head(r, &h);
		take(r, r->reader.head_len);
		r->in_body = 1;
		return 1;
	case FRAMING_STEP_REFUSED:
		refuse(r, bad);
		return 0;
	}
	return 0;
}

static int step_body(struct run *r)
{
	size_t used;
	struct framing_fault bad = framing_reader_body(
		&r->reader, framing_reader_counts(&r->reader, r->len) ? NULL : r->text, r->len,
		&used);

	note(r->out, r->text, used);
	take(r, used);
	if (bad.status)
		refuse(r, bad);
	else if (framing_reader_complete(&r->reader)) {
		note_number(r->out, "end", r->reader.chunks.total);
		framing_reader_next(&r->reader);
		r->in_body = 0;
		return 1;
	}
	return 0;
}

/* The next number of a sequence; the low bits of the state are poor. */
static unsigned next(unsigned *state)
{
	*state = *state * 1103515245u + 12345u;
	return *state >> 16;
}

/* LIMIT: the largest piece. */
static void run(struct verdicts *out, const uint8_t *data, size_t size, size_t limit, unsigned seed)
{
	static struct run r;

	memset(&r, 0, sizeof r);
	out->n = 0;
	r.out = out;
	r.reader.max_head = MAX_HEAD;
	r.reader.max_body = MAX_BODY;
	for (size_t at = 0, n; at < size && !r.over; at += n) {
		n = limit < 3 || limit >= size ? limit : 1 + next(&seed) % limit;
		if (n > size - at)
			n = size - at;
		memcpy(r.text + r.len, data + at, n);
		r.len += n;
		while (!r.over && (r.in_body ? step_body(&r) : step_head(&r)))
			;
	}
	if (!r.over)
		note(out, r.text, r.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct verdicts whole, pieces;
	static const size_t limits[] = {1, 2, 7, 100};

	if (size < 2 || size > MAX_SIZE)
		return 0;
	run(&whole, data + 1, size - 1, size, 0);
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		run(&pieces, data + 1, size - 1, limits[i], data[0]);
		MUST(whole.n == pieces.n && memcmp(whole.text, pieces.text, whole.n) == 0);
	}
	return 0;
}
