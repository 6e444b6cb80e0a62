/* SPDX-License-Identifier: ISC */
/* stdio_channel.h: how an instance reaches its server: as a child (channel_child.c) or behind a URL
 * (channel_upstream.c). What is behind it, stdio_impl.h, does not know which. */
#ifndef MCPD_STDIO_CHANNEL_H
#define MCPD_STDIO_CHANNEL_H

#include <jansson.h>

#include "lib/err.h"
#include "lib/log.h"

struct bearer;
struct caller;
struct child;
struct instance;

/* How an instance reaches its server. */
struct instance_channel {
	/* Opens it for CALLER (NULL: the daemon itself). 0, or why not. */
	int (*open)(struct instance *in, const struct caller *caller, struct err *e);
	/* Sends MSG (borrowed) for a request that came with BEARER (NULL: for none in particular).
	 * 0, ERR_LIMIT, ERR_CLOSED or ERR_NOMEM. */
	int (*send)(struct instance *in, json_t *msg, struct bearer *bearer);
	/* What is being delivered just now is read no further until resume(). */
	void (*pause)(struct instance *in);
	void (*resume)(struct instance *in);
};
extern const struct instance_channel channel_child, channel_upstream;

/* For the channels: it went without being asked to. C may be NULL. */
void instance_lost(struct instance *in, const struct child *c, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Whose lines in the log are about it. */
struct log_scope instance_scope(const struct instance *in);
/* TEXT came from the server, or N lines that were no messages: pauses the channel where more than
 * 2000 of no use came in a second, until that is over. For each thing that was delivered. */
void instance_brake(struct instance *in, unsigned long n, const char *text, size_t len);
/* The server is a new one under the same client: what was set up in the old one is set up again. */
void instance_renewed(struct instance *in);

#endif
