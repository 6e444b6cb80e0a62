/* SPDX-License-Identifier: ISC */
/* server.h: the MCP side of a session: its client's capabilities, log level and subscriptions, its
 * requests in flight, its links to backends. Uses no HTTP: its messages go to its
 * front. */
#ifndef MCPD_SERVER_H
#define MCPD_SERVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "backend/view.h"
#include "config/config.h"
#include "lib/err.h"
#include "mcp/call.h"

struct event_base;
struct question;
struct server;
struct users;

/* Upcalls. WHERE is what server_request() was given (the stream of the request). */
struct server_front {
	/* Belongs to the request at WHERE. PARAMS is borrowed. */
	void (*notify)(void *where, const char *method, json_t *params, void *arg);
	/* The client is asked something on behalf of the request at WHERE (NULL: of none). Q
	 * consumed. */
	void (*ask)(void *where, struct question *q_take, void *arg);
	/* The request is over: exactly once for each accepted request. ID is the client's. */
	void (*end)(void *where, json_t *id, const struct answer *answer, void *arg);
	/* A notification that belongs to no request. Consumed. */
	void (*send)(json_t *msg_take, void *arg);
	/* The client set another log level. May be NULL. */
	void (*level_set)(void *arg);
	/* The client has subscribed to URI (borrowed), or no longer (ON is false): before it is
	 * told so. May be NULL. */
	void (*subscribed)(const char *uri, bool on, void *arg);
};

struct server_conf {
	struct event_base *base;
	const struct config_limits *limits;
	struct view *view;
	struct caller *caller;	    /* outlives the server; log_level is kept up to date in it */
	struct users *users;	    /* counts the calls of each user; may be NULL */
	bool lists_told;	    /* another part tells the client of changed lists of the view */
	unsigned max_calls;	    /* in flight at a time; 0: no limit */
	unsigned max_subscriptions; /* where the limits are for others to watch, 0: no limit */
	size_t max_bytes;	    /* of capabilities, clientInfo and subscriptions; 0: no limit */
	const struct server_front *front;
	void *arg;
};

/* NULL on lack of memory. */
struct server *server_new(const struct server_conf *conf);
/* In a later turn than server_close(). */
void server_free(struct server **s);
/* Subscribes again to URIS (array, borrowed, may be NULL), the subscriptions of a restored session,
 * as soon as the backends of the URIs are known. 0 or ERR_NOMEM. */
int server_restore(struct server *s, const json_t *uris);

/* A request of the client. ID and PARAMS are borrowed; PARAMS may be NULL. It ends through
 * front->end, maybe before this returns. ERR_NOMEM or ERR_CLOSED: it was not accepted, and nothing
 * will come. */
int server_request(struct server *s, void *where, json_t *id, const char *method, json_t *params);
/* A notification of the client: cancelled, roots/list_changed, initialized; others are ignored. */
void server_notification(struct server *s, const char *method, json_t *params);

/* Cancels the request that WHERE was given for; false if none is in flight. */
bool server_cancel(struct server *s, const void *where, const char *reason);

/* Cancels the requests in flight and closes the links to backends. Idempotent. */
int server_close(struct server *s, struct err *e);

/* URIs as keys; NULL: none. Borrowed. */
const json_t *server_subscriptions(const struct server *s);
size_t server_in_flight(const struct server *s);
/* Whether task ID is one of its client's. */
bool server_has_task(struct server *s, const char *id);
/* How many tasks its client has: as long as there are any, the server is needed. */
size_t server_tasks(struct server *s);
size_t server_children(const struct server *s); /* that belong to this session alone */
/* {"calls":[{"method","age_ms"}],"pids":[..],"processes":[..],"subscriptions":[..],"logLevel":..},
 * a new reference. */
json_t *server_describe(const struct server *s);

#endif
