/* SPDX-License-Identifier: ISC */
/* pool.h: servers for requests that belong to no session (2026-07-28), kept for their holder: the
 * user, or where none is known the network address, or all together who have no share
 * (exchange_holder()).
 *
 * A request that may have to ask its client has a server to itself while it lasts, because a
 * question of a stdio server does not name its request. The server that was used last is taken
 * first, so a client with one request at a time stays with one child. All other requests of a
 * holder share one server. A server with tasks stays as long as the tasks.
 *
 * There are at most limits.maxRequestServers (share.h). Where there is no room for one more, an
 * idle one goes; the search for a server is a look into a hash table, however many there are.
 *
 * Where a backend of the view acts with the client's token (backend_per_token()), only requests
 * whose tokens allow the same share a server. Those about a task go to the server that has the
 * task, which belongs to the user; they take their own token along all the same. */
#ifndef MCPD_POOL_H
#define MCPD_POOL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

struct bearer;
struct budget;
struct config_limits;
struct event_base;
struct pool;
struct users;
struct pooled;
struct server;
struct server_front;
struct share;
struct view;

/* The request that needs a server. The strings are copied. */
struct pool_want {
	struct view *view;
	const char *user;      /* NULL: unauthenticated */
	struct bearer *bearer; /* the token of the request; NULL: none was asked for. Referenced */
	const char *peer;
	const char *holder;   /* NULL: has no share */
	json_t *capabilities; /* borrowed */
	bool exclusive;	      /* may have to ask the client */
	bool tasks;	      /* the client declared the extension for tasks */
	const char *task;     /* the task that it is about: only its server knows it; or NULL */
};

/* The arguments of pool_new(). The struct is copied. The objects that its pointers name are
 * borrowed and have to outlive the pool. */
struct pool_deps {
	struct event_base *base;
	const struct config_limits *limits;
	struct users *users;		  /* whose calls are counted; NULL: users have no limits */
	const struct server_front *front; /* of each server; its arg will be the struct pooled */
	void *arg;			  /* pooled_arg() */
	int64_t idle_ms;		  /* a server that nobody used for this long is closed */
};

/* NULL on lack of memory. */
struct pool *pool_new(const struct pool_deps *deps);
/* Closes all. */
void pool_free(struct pool **p);

/* Takes a server; NULL with E filled: ERR_NOMEM, ERR_LIMIT where all are in use, or ERR_INVALID
 * where the capabilities are longer than may be kept. */
struct pooled *pool_take(struct pool *p, const struct pool_want *want, struct err *e);
/* Gives S back to the pool: one reference for each pool_take(). */
void pool_give(struct pooled *s);
/* A request that S works for goes on with B. When the latest token of S has ended, S goes as soon
 * as nobody uses it, unless it has tasks, which are the user's until the user logs out. */
void pooled_seen(struct pooled *s, struct bearer *b);
/* S, exclusive and without a user, gets the roots of its client: no other client gets S afterwards,
 * and S is closed with its last request, or its last task. */
void pooled_spoil(struct pooled *s);
/* Closes all servers; requests in flight are cancelled. */
void pool_close(struct pool *p);

struct server *pooled_server(const struct pooled *s);
struct view *pooled_view(const struct pooled *s);
const char *pooled_user(const struct pooled *s);   /* NULL: unauthenticated */
const char *pooled_holder(const struct pooled *s); /* NULL: none */
/* Where what its requests hold is counted; borrowed. */
struct budget *pooled_budget(const struct pooled *s);
bool pooled_exclusive(const struct pooled *s);
void *pooled_arg(const struct pooled *s); /* the pool's */
size_t pool_size(const struct pool *p);
const struct share *pool_share(const struct pool *p);

#endif
