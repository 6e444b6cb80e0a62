/* SPDX-License-Identifier: ISC */
/* server_impl.h: for request.c, server.c, server_*.c and methods.c alone. From the bottom up:
 * request.c, server_tasks.c, server_links.c, server_again.c, methods.c, server.c. The insides of a
 * request are in server_request.h. */
#ifndef MCPD_SERVER_IMPL_H
#define MCPD_SERVER_IMPL_H

#include <stdbool.h>
#include <sys/queue.h>

#include "base/pace.h"
#include "server/request.h"
#include "server/server.h"

struct tasks;

struct server {
	struct server_conf conf;
	const struct call_front *calls; /* the front of the calls of requests; ARG is the request */
	TAILQ_HEAD(, request) requests;
	LIST_HEAD(, push) pushes; /* requests of our own to the backends */
	struct link **links;	  /* one place for each backend of the view; NULL: none yet */
	struct catalog *own;	  /* NULL: the view's catalogue is right for this session */
	struct tasks *tasks;	  /* NULL: none */
	json_t *subscriptions;	  /* object used as a set of URIs; NULL: none */
	struct pace notices;	  /* of lists that are different; kinds are 1u << enum offer_kind */
	size_t kept;		  /* bytes: what the client said of itself, and the URIs */
	unsigned subscribing;	  /* requests under way; their URIs are in "kept" already */
	struct view_watch watch;
	struct view_waiter restoring;
	unsigned in_flight;
	unsigned capabilities; /* what the client can be asked */
	bool closed;
	bool differs; /* some child of this session offers something of its own */
};

/* The catalogue of this session: the view's, or its own. NULL on lack of memory. */
const struct catalog *server_catalog(struct server *s);
/* The link to backend I of the view, made on first need. NULL on lack of memory. */
struct link *server_link(struct server *s, size_t i);
/* Tells the client which lists (1u << enum offer_kind) are different now. */
void server_lists_changed(struct server *s, unsigned mask);
/* The function of the pace that server_lists_changed() keeps; ARG is the server. */
void server_tell_lists(void *arg, unsigned mask);
/* Sends the client's log level to the backends that are in use. */
void server_push_log_level(struct server *s);
/* Cancels the requests of server_push_log_level() and server_restore(). */
void server_cancel_pushes(struct server *s);
/* A request to the backend at L whose answer nobody waits for. PARAMS is consumed. */
void server_push(struct server *s, struct link *l, const char *method, json_t *params_take);
/* server_again.c: requests that take more than one call. */
/* The call of R has ended with ANSWER: whether R goes on with another one. */
bool again_goes_on(struct request *r, const struct answer *answer);
/* The tool that R calls runs as a task alone (2025-11-25, Tasks), and the client cannot do that: R
 * does it in its place. PARAMS of the call (a new reference), or NULL on lack of memory. */
json_t *again_as_task(struct request *r, json_t *params);
/* Whether R calls such a tool for such a client. */
bool again_needs_task(const struct request *r);
/* R has ended, with ANSWER. */
void again_over(struct request *r, const struct answer *answer);

/* server_tasks.c: tasks that are relayed. */
/* Whether the backend may answer R, a call of a tool, with a task. */
bool server_relays_task(struct request *r);
/* Finds task ID: the backend in the view, and the id there (borrowed). False: unknown. */
bool server_find_task(struct server *s, const char *id, size_t *source_r, const char **remote_r);
/* RESULT, PARAMS with our ids: a new reference; NULL on lack of memory, or for a notification about
 * a task that is not the client's. */
json_t *server_task_result(struct request *r, json_t *result);
/* Whether RESULT is a task whose id is longer than ids of tasks may be: server_task_result() cannot
 * learn it. */
bool server_task_too_long(const struct request *r, const json_t *result);
json_t *server_task_notification(struct server *s, size_t source, json_t *params);
/* Q, asked by backend SOURCE, says with our id to which task it belongs. 0 or ERR_NOMEM. */
int server_task_question(struct server *s, size_t source, struct question *q);

#endif
