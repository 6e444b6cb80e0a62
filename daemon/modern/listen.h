/* SPDX-License-Identifier: ISC */
/* listen.h: the streams of subscriptions/listen (2026-07-28, "Subscriptions"). Each stream
 * has a filter and gets its own stamped copy of the notifications that pass; nothing is replayed.
 */
#ifndef MCPD_LISTEN_H
#define MCPD_LISTEN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct answer;
struct config;
struct event_base;
struct exchange;
struct listens;
struct pool;
struct pooled;
struct view;

/* NULL on lack of memory. */
struct listens *listens_new(struct event_base *base, const struct config *conf, struct pool *pool);
void listens_free(struct listens **ls);

/* The client that opens a stream. All is borrowed. */
struct listen_caller {
	struct view *view;
	const char *user;   /* NULL: unauthenticated */
	const char *holder; /* see pool_want */
	bool tasks;	    /* the client declared the extension for tasks */
	unsigned accept;    /* REPLY_ACCEPT_* of the request */
};

/* Opens a stream on X (taken). The acknowledgement is the first message, once the servers have
 * answered. */
void listens_open(struct listens *ls, struct exchange *x, const struct listen_caller *who,
		  json_t *id, json_t *params);
/* A notification of a server of the pool: to the streams that asked for it. Consumed. */
void listens_deliver(struct listens *ls, struct pooled *from, json_t *msg_take);
/* The end of a request that listen.c itself sent to a server of the pool: a request without an
 * origin (struct server_front). */
void listens_answered(struct listens *ls, const json_t *id, const struct answer *answer);
/* Ends each stream with its result. */
void listens_close(struct listens *ls);
size_t listens_count(const struct listens *ls);

#endif
