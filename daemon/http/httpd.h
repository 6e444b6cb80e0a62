/* SPDX-License-Identifier: ISC */
/* httpd.h: the listening side: evhttp, its listeners and its limits. */
#ifndef MCPD_HTTPD_H
#define MCPD_HTTPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

struct event_base;
struct exchange;
struct gate_hooks;
struct httpd;
struct peer_rules;

typedef void (*httpd_handler)(struct exchange *x, void *arg);

struct httpd_limits {
	size_t max_body;	  /* bytes; over it: 413 */
	size_t max_headers;	  /* bytes of all header lines */
	int idle_seconds;	  /* a connection that sends nothing between requests is closed */
	unsigned max_connections; /* 0: any number. At it the longest silent one goes, or accept
				     pauses */
	unsigned max_per_address; /* connections; 0: no limit but the share */
	unsigned share;		  /* percent of max_connections for one address; 0: all */
	int64_t request_ms;	  /* see gate.h */
};

/* The arguments of httpd_new(). The struct and the limits are copied. The objects that BASE, PEERS
 * and the args name are borrowed and have to outlive the httpd. */
struct httpd_deps {
	struct event_base *base;
	const struct httpd_limits *limits;
	httpd_handler handler;
	void *arg;			/* of HANDLER */
	const struct gate_hooks *hooks; /* judge requests by their heads; NULL: none */
	const struct peer_rules *peers; /* whose forwarded addresses count; NULL: nobody's */
	/* An answer that is given while HOLD(HOLD_ARG) is true leaves after this turn of the loop.
	 * The store writes at the end of the turn, so no client gets an answer that a crash could
	 * undo. NULL: no answer is held. */
	bool (*hold)(void *arg);
	void *hold_arg;
};

/* NULL on lack of memory. */
struct httpd *httpd_new(const struct httpd_deps *deps);

/* Listens on "ADDRESS:PORT", "[V6]:PORT" or "NAME:PORT" (port 0: any). *bound_r (malloc'd, may be
 * NULL) is what was bound, with the real port; of a name with several addresses, the first. On
 * EMFILE and ENFILE accepting pauses for a second and the log says so once. 0 or ERR_INVALID,
 * ERR_IO ("127.0.0.1:6200: Address already in use"). */
int httpd_listen(struct httpd *h, const char *address, char **bound_r, struct err *e);
/* httpd_listen() for the TCP socket FD (taken) that is listening already (socket activation). */
int httpd_listen_fd(struct httpd *h, int fd, char **bound_r, struct err *e);
/* Stops accepting; open connections stay. */
void httpd_stop(struct httpd *h);
/* Frees everything. Every exchange must have been ended before (they are aborted with a logged
 * bug). */
void httpd_free(struct httpd **h);
unsigned httpd_connections(const struct httpd *h);

#endif
