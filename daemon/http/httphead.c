/* SPDX-License-Identifier: ISC */
#include "http/httphead.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <event2/buffer.h>
#include <event2/util.h>

#include "lib/err.h"

/* RFC 9110 section 15. */
static const char *reason(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} reasons[] = {
		{200, "OK"},
		{202, "Accepted"},
		{204, "No Content"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{406, "Not Acceptable"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{410, "Gone"},
		{411, "Length Required"},
		{413, "Content Too Large"},
		{415, "Unsupported Media Type"},
		{417, "Expectation Failed"},
		{421, "Misdirected Request"},
		{422, "Unprocessable Content"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
		{505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		if (reasons[i].status == status)
			return reasons[i].phrase;
	return "Status";
}

/* RFC 9110 section 5.6.7. Made once a second. */
static const char *date(void)
{
	static char text[64];
	static time_t made = (time_t)-1;
	time_t now = time(NULL);
	struct tm tm;

	if (now != made && gmtime_r(&now, &tm)) {
		evutil_date_rfc1123(text, sizeof text, &tm);
		made = now;
	}
	return text;
}

void httphead_add(struct httphead *h, const char *text, size_t len)
{
	if (len == 0)
		return;
	/* sendmsg() does not write to it. */
	h->iov[h->n].iov_base = (void *)(uintptr_t)text;
	h->iov[h->n].iov_len = len;
	h->n++;
	h->len += len;
}

void httphead_begin(struct httphead *h, bool http11, int status, bool keep_alive)
{
	const char *connection = "";
	int n;

	h->n = 0;
	h->len = 0;
	if (!keep_alive)
		connection = "Connection: close\r\n";
	else if (!http11)
		connection = "Connection: keep-alive\r\n";
	n = snprintf(h->status, sizeof h->status, "HTTP/1.%d %d %s\r\nDate: %s\r\n%s", http11,
		     status, reason(status), date(), connection);
	httphead_add(h, h->status, (size_t)n);
}

void httphead_field(struct httphead *h, const char *name, const char *value)
{
	httphead_add(h, name, strlen(name));
	httphead_add(h, ": ", 2);
	httphead_add(h, value, strlen(value));
	httphead_add(h, "\r\n", 2);
}

void httphead_end(struct httphead *h, size_t content_length)
{
	int n;

	if (content_length == HTTPHEAD_NO_LENGTH) {
		httphead_add(h, "\r\n", 2);
		return;
	}
	n = snprintf(h->length, sizeof h->length, "Content-Length: %zu\r\n\r\n", content_length);
	httphead_add(h, h->length, (size_t)n);
}

int httphead_queue(const struct httphead *h, size_t skip, struct evbuffer *out)
{
	if (evbuffer_expand(out, h->len - skip) != 0)
		return ERR_NOMEM;
	for (int i = 0; i < h->n; i++) {
		size_t len = h->iov[i].iov_len;
		size_t past = skip < len ? skip : len;

		/* Cannot fail: there is room. */
		evbuffer_add(out, (const char *)h->iov[i].iov_base + past, len - past);
		skip -= past;
	}
	return 0;
}

int httphead_send(struct httphead *h, int fd, struct evbuffer *out)
{
	struct msghdr msg = {.msg_iov = h->iov, .msg_iovlen = (size_t)h->n};
	ssize_t sent = 0;

	if (evbuffer_get_length(out) == 0)
		sent = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0)
		sent = 0;
	return (size_t)sent == h->len ? 0 : httphead_queue(h, (size_t)sent, out);
}
