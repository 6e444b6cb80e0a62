/* children_log.h: a child's stderr on its way to the log: lines, escaped, rate limited. */
#ifndef MCPD_CHILDREN_LOG_H
#define MCPD_CHILDREN_LOG_H

#include "lines.h"
#include "ratelimit.h"

struct evbuffer;

struct children_log {
	const char *name; /* the backend's; borrowed */
	int pid;
	struct lines lines;
	struct ratelimit limit;
	char last[256]; /* the last line that was not empty, cut */
};

void children_log_init(struct children_log *l, const char *name);
/* Logs every whole line of IN. */
void children_log_feed(struct children_log *l, struct evbuffer *in);
/* The end: what is left of IN is a line, and what was dropped is told. */
void children_log_finish(struct children_log *l, struct evbuffer *in);

#endif
