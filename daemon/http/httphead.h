/* SPDX-License-Identifier: ISC */
/* httphead.h: the head of an HTTP answer, and the body where it is known, as pieces that are sent
 * without being copied together. */
#ifndef MCPD_HTTPHEAD_H
#define MCPD_HTTPHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct evbuffer;

#define HTTPHEAD_NO_LENGTH SIZE_MAX

/* Lives on the stack; all texts that are added must outlive it. */
struct httphead {
	char status[160];
	char length[48];
	struct iovec iov[10];
	int n;
	size_t len;
};

/* Status line, Date, and Connection where the version of the request needs it said. */
void httphead_begin(struct httphead *h, bool http11, int status, bool keep_alive);
void httphead_field(struct httphead *h, const char *name, const char *value);
/* Whole lines with CRLF, or (after the end) the body. */
void httphead_add(struct httphead *h, const char *text, size_t len);
/* Content-Length, unless it is HTTPHEAD_NO_LENGTH, and the empty line. */
void httphead_end(struct httphead *h, size_t content_length);

/* Appends all but the first SKIP bytes to OUT: everything and 0, or nothing and ERR_NOMEM. */
int httphead_queue(const struct httphead *h, size_t skip, struct evbuffer *out);
/* Writes to FD at once what the kernel takes, unless OUT has something that must go before, and
 * queues the rest. An error of the connection is left for OUT's owner to meet. 0 or ERR_NOMEM. */
int httphead_send(struct httphead *h, int fd, struct evbuffer *out);

#endif
