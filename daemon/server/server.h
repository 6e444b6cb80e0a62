/* SPDX-License-Identifier: ISC */
/* server.h: the MCP server that one client sees: the client's capabilities, log level and
 * subscriptions, the requests in flight, the links to backends. Uses no HTTP: messages to the
 * client go to the front. */
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

/* The callbacks of a front. ORIGIN is the front's own object for the request that caused the event,
 * as server_request() was given it: the stream (legacy) or the mreq (modern), NULL for a request of
 * mcpd itself. ARG is that of struct server_conf. */
struct server_front {
	/* A notification about the request of ORIGIN. PARAMS is borrowed. */
	void (*notify)(void *origin, const char *method, json_t *params, void *arg);
	/* The client is asked something on behalf of the request of ORIGIN (NULL: of no request of
	 * the client). Q is consumed. */
	void (*ask)(void *origin, struct question *q_take, void *arg);
	/* The request of ORIGIN is over: once for each request that server_request() accepted. ID
	 * is the client's. */
	void (*end)(void *origin, json_t *id, const struct answer *answer, void *arg);
	/* A notification that belongs to no request. Consumed. */
	void (*send)(json_t *msg_take, void *arg);
	/* The client set another log level. May be NULL. */
	void (*level_set)(void *arg);
	/* The client has subscribed to URI (borrowed), or unsubscribed (ON is false). Called before
	 * the response is sent. May be NULL. */
	void (*subscribed)(const char *uri, bool on, void *arg);
};

struct server_conf {
	struct event_base *base;
	const struct config_limits *limits;
	struct view *view;
	struct caller *caller;	    /* outlives the server; log_level is kept up to date in it */
	struct users *users;	    /* counts the calls of each user; may be NULL */
	bool lists_told;	    /* the front reports changed lists of the view to the client */
	unsigned max_calls;	    /* in flight at a time; 0: no limit */
	unsigned max_subscriptions; /* 0: the front has limits of its own */
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

/* A request of the client. ORIGIN is passed to the front's callbacks. ID, PARAMS (without
 * "arguments") and ARGUMENTS are borrowed; the latter two may be NULL. The request ends through
 * front->end, maybe before this returns. ERR_NOMEM or ERR_CLOSED: the request was not accepted, and
 * front->end will not be called. */
int server_request(struct server *s, void *origin, json_t *id, const char *method, json_t *params,
		   struct jsontext *arguments);
/* A notification of the client: cancelled, roots/list_changed, initialized; others are ignored. */
void server_notification(struct server *s, const char *method, json_t *params);

/* Cancels one request in flight of ORIGIN; false if there is none. */
bool server_cancel(struct server *s, const void *origin, const char *reason);

/* Cancels the requests in flight and closes the links to backends. Idempotent. */
int server_close(struct server *s, struct err *e);

/* The client's subscriptions: an object with the URIs as keys; NULL: none. Borrowed. */
const json_t *server_subscriptions(const struct server *s);
size_t server_in_flight(const struct server *s);
/* Whether task ID belongs to the client. */
bool server_has_task(struct server *s, const char *id);
/* How many tasks the client has: as long as there are any, the server is needed. */
size_t server_tasks(struct server *s);
/* How many child processes belong to this server alone. */
size_t server_children(const struct server *s);
/* The state of S for mcpctl, a new reference:
 * {"calls":[{"method","age_ms"}],"pids":[..],"processes":[..],"subscriptions":[..],"logLevel":..}
 */
json_t *server_describe(const struct server *s);

#endif
