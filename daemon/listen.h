/* listen.h: the streams of subscriptions/listen (2026-07-28, "Subscriptions"). Each has its own filter and gets its
 * own stamped copy of what it asked for; nothing is replayed. */
#ifndef MCPD_LISTEN_H
#define MCPD_LISTEN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct config;
struct event_base;
struct exchange;
struct listens;
struct pool;
struct view;

/* NULL on lack of memory. */
struct listens *listens_new(struct event_base *base, const struct config *conf, struct pool *pool);
void listens_free(struct listens **ls);

/* Who opens a stream. All is borrowed. */
struct listen_caller {
	struct view *view;
	const char *user; /* NULL: unauthenticated */
	bool tasks;	  /* the client declared the extension for tasks */
};

/* Opens a stream on X (taken). The acknowledgement goes first. */
void listens_open(struct listens *ls, struct exchange *x, const struct listen_caller *who,
		  json_t *id, json_t *params);
/* A notification of a backend that serves USER in VIEW: to the streams that asked for it. Consumed. */
void listens_deliver(struct listens *ls, const struct view *view, const char *user, json_t *msg_take);
/* Ends each stream with its result. */
void listens_close(struct listens *ls);
size_t listens_count(const struct listens *ls);

#endif
