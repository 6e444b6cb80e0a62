/* SPDX-License-Identifier: ISC */
/* children_log.h: a child's stderr on its way to the log: lines, masked, escaped, rate limited. */
#ifndef MCPD_CHILDREN_LOG_H
#define MCPD_CHILDREN_LOG_H

#include "base/mask.h"
#include "base/ratelimit.h"
#include "lib/lines.h"

struct evbuffer;

struct children_log {
	const char *name; /* the backend's; borrowed */
	int pid;
	struct lines lines;
	struct ratelimit limit;
	struct mask mask; /* what has to stay out of the log */
	char last[256];	  /* the last line that was not empty, masked and cut */
};

/* MASK is copied; NULL: none. 0 or ERR_NOMEM. */
int children_log_init(struct children_log *l, const char *name, const struct mask *mask);
void children_log_fini(struct children_log *l);
/* Logs every whole line of IN. */
void children_log_feed(struct children_log *l, struct evbuffer *in);
/* The end: what is left of IN is a line, and what was dropped is told. */
void children_log_finish(struct children_log *l, struct evbuffer *in);

#endif
