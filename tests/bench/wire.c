/* SPDX-License-Identifier: ISC */
#include "load.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static void *need(void *p)
{
	if (!p) {
		fprintf(stderr, "load: out of memory\n");
		exit(1);
	}
	return p;
}

static void reserve(char **buf, size_t *size, size_t want)
{
	if (want <= *size)
		return;
	*size = want * 2;
	*buf = need(realloc(*buf, *size));
}

int wire_connect(struct wire *w, const struct sockaddr_in *to)
{
	static const int on = 1;

	w->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	w->in_len = 0;
	w->closing = false;
	w->count = (struct count){.state = COUNT_HEAD};
	if (w->fd < 0)
		return -1;
	setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(w->fd, (const struct sockaddr *)to, sizeof *to) != 0 && errno != EINPROGRESS) {
		wire_close(w);
		return -1;
	}
	return 0;
}

void wire_close(struct wire *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

void wire_free(struct wire *w)
{
	wire_close(w);
	free(w->out);
	free(w->in);
	free(w->body);
}

void wire_request(struct wire *w, const char *method, const char *path, const char *headers,
		  const char *accept, const char *body)
{
	/* In the environment it is in nobody's process list. */
	const char *token = getenv("MCPD_BENCH_TOKEN");
	size_t body_len = strlen(body);

	reserve(&w->out, &w->out_size, 1024 + body_len + (token ? strlen(token) : 0));
	w->out_len = (size_t)snprintf(
		w->out, w->out_size,
		"%s %s HTTP/1.1\r\n"
		"Host: 127.0.0.1\r\n"
		"Accept: %s\r\n"
		"Content-Type: application/json\r\n"
		"User-Agent: mcpd-bench\r\n"
		"Content-Length: %zu\r\n"
		"%s%s%s%s\r\n%s",
		method, path, accept, body_len, token && *token ? "Authorization: Bearer " : "",
		token ? token : "", token && *token ? "\r\n" : "", headers, body);
	w->out_at = 0;
}

bool wire_send(struct wire *w)
{
	while (w->out_at < w->out_len) {
		ssize_t n = send(w->fd, w->out + w->out_at, w->out_len - w->out_at, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		w->out_at += (size_t)n;
	}
	return true;
}

/* The value of a header in the head at IN, or NULL. */
static const char *field(const char *in, const char *end, const char *name, size_t *len_r)
{
	size_t name_len = strlen(name);
	const char *line = memmem(in, (size_t)(end - in), "\r\n", 2);

	while (line && line + 2 < end) {
		const char *next = memmem(line + 2, (size_t)(end - line) - 2, "\r\n", 2);

		line += 2;
		if (next && (size_t)(next - line) > name_len && line[name_len] == ':' &&
		    strncasecmp(line, name, name_len) == 0) {
			line += name_len + 1;
			line += strspn(line, " ");
			*len_r = (size_t)(next - line);
			return line;
		}
		line = next;
	}
	return NULL;
}

static bool field_is(const char *in, const char *end, const char *name, const char *value)
{
	size_t len;
	const char *at = field(in, end, name, &len);

	return at && len >= strlen(value) && strncasecmp(at, value, strlen(value)) == 0;
}

/* Puts the chunks from FROM on together. Bytes used with the last chunk, or 0 for more. */
static size_t unchunk(struct wire *w, size_t from, size_t *body_len_r)
{
	size_t at = from, body_len = 0;

	reserve(&w->body, &w->body_size, w->in_len + 1);
	for (;;) {
		char *eol = memmem(w->in + at, w->in_len - at, "\r\n", 2);
		size_t len;

		if (!eol)
			return 0;
		len = strtoul(w->in + at, NULL, 16);
		at = (size_t)(eol - w->in) + 2;
		if (w->in_len - at < len + 2)
			return 0;
		memcpy(w->body + body_len, w->in + at, len);
		body_len += len;
		at += len + 2;
		if (len == 0) {
			*body_len_r = body_len;
			return at;
		}
	}
}

/* Length of the answer at the beginning of the buffer, or 0 while it is not whole. */
static size_t whole(struct wire *w, const char *end, struct answer *a)
{
	size_t head = (size_t)(end - w->in) + 4, len, used;
	const char *at;

	if (field_is(w->in, end + 2, "Transfer-Encoding", "chunked")) {
		used = unchunk(w, head, &a->body_len);
		if (used == 0)
			return 0;
		a->body = w->body;
		w->body[a->body_len] = '\0';
		return used;
	}
	at = field(w->in, end + 2, "Content-Length", &len);
	a->body_len = at ? strtoul(at, NULL, 10) : 0;
	if (w->in_len - head < a->body_len)
		return 0;
	reserve(&w->body, &w->body_size, a->body_len + 1);
	memcpy(w->body, w->in + head, a->body_len);
	w->body[a->body_len] = '\0';
	a->body = w->body;
	return head + a->body_len;
}

/* Looks at what is there. */
static enum wire_state examine(struct wire *w, struct answer *a, bool head_enough)
{
	char *end = memmem(w->in, w->in_len, "\r\n\r\n", 4);
	const char *id;
	size_t len, used;

	if (!end || w->in_len < 12)
		return WIRE_MORE;
	memset(a, 0, sizeof *a);
	a->status = atoi(w->in + 9);
	a->stream = field_is(w->in, end + 2, "Content-Type", "text/event-stream");
	if (head_enough && a->stream)
		return WIRE_HEAD;
	used = whole(w, end, a);
	if (used == 0)
		return WIRE_MORE;
	id = field(w->in, end + 2, "Mcp-Session-Id", &len);
	if (id && len < sizeof a->session)
		memcpy(a->session, id, len);
	w->closing = field_is(w->in, end + 2, "Connection", "close");
	w->in_len -= used;
	memmove(w->in, w->in + used, w->in_len);
	return WIRE_ANSWER;
}

enum wire_state wire_read(struct wire *w, struct answer *a, bool head_enough)
{
	for (;;) {
		ssize_t n;
		enum wire_state state;

		reserve(&w->in, &w->in_size, w->in_len + (w->in_len > 0 ? w->in_len : 2048));
		n = recv(w->fd, w->in + w->in_len, w->in_size - w->in_len, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return WIRE_CLOSED;
		if (n < 0)
			return WIRE_MORE;
		w->in_len += (size_t)n;
		state = examine(w, a, head_enough);
		if (state != WIRE_MORE)
			return state;
	}
}

/* Takes one byte of what stands between the data of chunks. True: the answer is complete. */
static bool between(struct count *c, char byte)
{
	const char *digit = memchr("0123456789abcdef", byte | 0x20, 16);

	if (c->state == COUNT_SIZE && byte != '\n') {
		if (digit && byte != '\r')
			c->left = c->left * 16 + (size_t)strtoul((char[]){byte, '\0'}, NULL, 16);
		return false;
	}
	if (byte != '\n')
		return false;
	if (c->state == COUNT_LAST)
		return true;
	if (c->state == COUNT_CHUNK_END)
		c->state = COUNT_SIZE;
	else
		c->state = c->left > 0 ? COUNT_CHUNK : COUNT_LAST;
	return false;
}

/* Takes N bytes of a body. True: the answer is complete. */
static bool counted(struct count *c, const char *at, size_t n)
{
	while (n > 0) {
		size_t k = n < c->left ? n : c->left;

		if (c->state != COUNT_BODY && c->state != COUNT_CHUNK) {
			n--;
			if (between(c, *at++))
				return true;
			continue;
		}
		c->left -= k;
		c->body_len += k;
		at += k;
		n -= k;
		if (c->left > 0)
			return false;
		if (c->state == COUNT_BODY)
			return true;
		c->state = COUNT_CHUNK_END;
	}
	return c->state == COUNT_BODY && c->left == 0;
}

/* Takes the head, if it is whole: what follows it, of *N_R bytes; or NULL. */
static const char *count_head(struct wire *w, size_t *n_r)
{
	char *end = memmem(w->in, w->in_len, "\r\n\r\n", 4);
	const char *length;
	size_t len;

	if (!end)
		return NULL;
	length = field(w->in, end + 2, "Content-Length", &len);
	w->count = (struct count){.state = length ? COUNT_BODY : COUNT_SIZE,
				  .left = length ? strtoul(length, NULL, 10) : 0,
				  .status = atoi(w->in + 9)};
	w->closing = field_is(w->in, end + 2, "Connection", "close");
	*n_r = w->in_len - (size_t)(end + 4 - w->in);
	w->in_len = 0;
	return end + 4;
}

enum wire_state wire_count(struct wire *w, struct answer *a)
{
	for (;;) {
		const char *at;
		size_t len;
		ssize_t n;

		reserve(&w->in, &w->in_size, w->in_len + 262144);
		n = recv(w->fd, w->in + w->in_len, w->in_size - w->in_len, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return WIRE_CLOSED;
		if (n < 0)
			return WIRE_MORE;
		at = w->in;
		len = (size_t)n;
		if (w->count.state == COUNT_HEAD) {
			w->in_len += (size_t)n;
			at = count_head(w, &len);
		}
		if (!at || !counted(&w->count, at, len))
			continue;
		*a = (struct answer){.status = w->count.status, .body_len = w->count.body_len};
		w->count = (struct count){.state = COUNT_HEAD};
		return WIRE_ANSWER;
	}
}
