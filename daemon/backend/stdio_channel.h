/* SPDX-License-Identifier: ISC */
/* stdio_channel.h: how an instance reaches its server: as a child (channel_child.c) or behind a URL
 * (channel_upstream.c). The
 * parts in stdio_impl.h work with either. */
#ifndef MCPD_STDIO_CHANNEL_H
#define MCPD_STDIO_CHANNEL_H

#include <jansson.h>

#include "lib/err.h"
#include "lib/log.h"

struct bearer;
struct budget;
struct caller;
struct child;
struct instance;
struct jsontext;

/* How an instance reaches its server. */
struct instance_channel {
	/* Opens it for CALLER (NULL: the daemon itself). 0, or why not. */
	int (*open)(struct instance *in, const struct caller *caller, struct err *e);
	/* Sends TEXT (borrowed) for a request that came with BEARER (NULL: for none in particular).
	 * MSG (borrowed) is TEXT without the arguments of a call; NULL: a response. 0, ERR_LIMIT
	 * (the server does not read), ERR_DENIED (no memory in the budget), ERR_CLOSED or
	 * ERR_NOMEM. */
	int (*send)(struct instance *in, json_t *msg, struct jsontext *text, struct bearer *bearer);
	/* Stops reading the source of the message that is being delivered, until resume(). */
	void (*pause)(struct instance *in);
	void (*resume)(struct instance *in);
};
extern const struct instance_channel channel_child, channel_upstream;

/* For the channels: the server ended by itself. C may be NULL. */
void instance_lost(struct instance *in, const struct child *c, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The scope of lines in the log about IN. */
struct log_scope instance_scope(const struct instance *in);
/* The budget for what waits for the server of IN, which is started for CALLER, and what comes from
 * it. A reference, or NULL: the whole daemon's. */
struct budget *instance_budget(const struct instance *in, const struct caller *caller);
/* TEXT came from the server, or N lines that were no messages: pauses the channel where more than
 * 2000 of no use came in a second, until that is over. For each thing that was delivered. */
void instance_brake(struct instance *in, unsigned long n, const char *text, size_t len);
/* The server has a new session: subscriptions and the log level are set up again. */
void instance_renewed(struct instance *in);

#endif
