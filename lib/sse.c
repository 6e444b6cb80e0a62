/* SPDX-License-Identifier: ISC */
#include "lib/sse.h"

#include <stdio.h>
#include <string.h>

#include <event2/buffer.h>

#include "lib/err.h"

/* Where an event is put together; without a buffer only its length is counted. */
struct writer {
	char *buf;
	size_t len;
};

static void put(struct writer *w, const char *s, size_t len)
{
	if (w->buf && len > 0)
		memcpy(w->buf + w->len, s, len);
	w->len += len;
}

/* A line break in VALUE would start a field of the sender's choice: it ends the value instead. */
static void put_field(struct writer *w, const char *name, const char *value)
{
	put(w, name, strlen(name));
	put(w, value, strcspn(value, "\r\n"));
	put(w, "\n", 1);
}

/* Length of the first line of S. LF, CR and CRLF all end a line (section 9.2.6). */
static size_t line_length(const char *s, size_t len)
{
	const char *lf = memchr(s, '\n', len);
	const char *cr;

	if (lf)
		len = (size_t)(lf - s);
	cr = memchr(s, '\r', len);
	return cr ? (size_t)(cr - s) : len;
}

static void put_data(struct writer *w, const char *data, size_t len)
{
	const char *end = data + len;

	for (;;) {
		size_t n = data == end ? 0 : line_length(data, (size_t)(end - data));

		put(w, "data: ", 6);
		put(w, data, n);
		put(w, "\n", 1);
		data += n;
		if (data == end)
			return;
		data += end - data > 1 && data[0] == '\r' && data[1] == '\n' ? 2 : 1;
	}
}

struct event {
	const char *name;
	const char *id;
	long retry_ms;
	const char *data;
	size_t len;
};

static void put_fields(struct writer *w, const struct event *ev)
{
	char retry[32];

	if (ev->name)
		put_field(w, "event: ", ev->name);
	if (ev->id)
		put_field(w, "id: ", ev->id);
	if (ev->retry_ms >= 0) {
		snprintf(retry, sizeof retry, "%ld", ev->retry_ms);
		put_field(w, "retry: ", retry);
	}
}

static void put_event(struct writer *w, const struct event *ev)
{
	put_fields(w, ev);
	put_data(w, ev->data, ev->len);
	put(w, "\n", 1);
}

static void put_begin(struct writer *w, const struct event *ev)
{
	put_fields(w, ev);
	put(w, "data: ", 6);
}

/* Once to count and once to write, straight into the buffer: all of it or nothing. */
static int append(struct evbuffer *out, const struct event *ev,
		  void (*fn)(struct writer *w, const struct event *ev))
{
	struct writer w = {NULL, 0};
	struct evbuffer_iovec vec;

	fn(&w, ev);
	if (evbuffer_reserve_space(out, (ev_ssize_t)w.len, &vec, 1) != 1)
		return ERR_NOMEM;
	w = (struct writer){vec.iov_base, 0};
	fn(&w, ev);
	vec.iov_len = w.len;
	return evbuffer_commit_space(out, &vec, 1) < 0 ? ERR_NOMEM : 0;
}

int sse_event(struct evbuffer *out, const char *event, const char *id, long retry_ms,
	      const char *data, size_t len)
{
	const struct event ev = {event, id, retry_ms, len > 0 ? data : "", len};

	return append(out, &ev, put_event);
}

int sse_event_begin(struct evbuffer *out, const char *event, const char *id, long retry_ms)
{
	const struct event ev = {event, id, retry_ms, "", 0};

	return append(out, &ev, put_begin);
}

int sse_comment(struct evbuffer *out, const char *text)
{
	struct evbuffer_iovec vec;
	struct writer w;

	if (evbuffer_reserve_space(out, (ev_ssize_t)strlen(text) + 4, &vec, 1) != 1)
		return ERR_NOMEM;
	w = (struct writer){vec.iov_base, 0};
	put_field(&w, ": ", text);
	put(&w, "\n", 1);
	vec.iov_len = w.len;
	return evbuffer_commit_space(out, &vec, 1) < 0 ? ERR_NOMEM : 0;
}
