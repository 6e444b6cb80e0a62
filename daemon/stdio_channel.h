/* stdio_channel.h: how an instance reaches its server: as a child (channel_child.c) or behind a URL
 * (channel_upstream.c). What is behind it, stdio_impl.h, does not know which. */
#ifndef MCPD_STDIO_CHANNEL_H
#define MCPD_STDIO_CHANNEL_H

#include <jansson.h>

#include "err.h"
#include "log.h"

struct bearer;
struct caller;
struct child;
struct instance;

/* How an instance reaches its server. */
struct instance_channel {
	/* Opens it for CALLER (NULL: the daemon itself). 0, or why not. */
	int (*open)(struct instance *in, const struct caller *caller, struct err *e);
	/* Sends MSG (borrowed) for a request that came with BEARER (NULL: for none in particular). 0, ERR_LIMIT,
	 * ERR_CLOSED or ERR_NOMEM. */
	int (*send)(struct instance *in, json_t *msg, struct bearer *bearer);
};
extern const struct instance_channel channel_child, channel_upstream;

/* channel_child.c: takes the brake off; for the pace of an instance, which is ARG. */
void channel_child_release(void *arg, unsigned kinds);

/* For the channels: it went without being asked to. C may be NULL. */
void instance_lost(struct instance *in, const struct child *c, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Whose lines in the log are about it. */
struct log_scope instance_scope(const struct instance *in);
/* The server is a new one under the same client: what was set up in the old one is set up again. */
void instance_renewed(struct instance *in);

#endif
