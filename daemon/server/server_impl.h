/* SPDX-License-Identifier: ISC */
/* server_impl.h: for request.c, server.c, server_*.c and methods.c alone. From the bottom up:
 * request.c, server_tasks.c, server_links.c, server_followup.c, methods.c, server.c. The insides of
 * a request are in server_request.h. */
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
	struct pace notices;	  /* of changed lists; kinds are 1u << enum offer_kind */
	size_t kept;		  /* bytes of clientInfo, capabilities and subscribed URIs */
	unsigned subscribing;	  /* requests in flight whose URIs "kept" has already */
	struct view_watch watch;
	struct view_waiter restoring;
	unsigned in_flight;
	unsigned capabilities; /* what the client can be asked */
	bool closed;
	bool differs; /* a child of this session has lists of its own */
};

/* The catalogue of this session: the view's, or its own. NULL on lack of memory. */
const struct catalog *server_catalog(struct server *s);
/* The link to backend I of the view, made on first need. NULL on lack of memory. */
struct link *server_link(struct server *s, size_t i);
/* Tells the client which lists have changed. KINDS: bits of 1u << enum offer_kind. */
void server_lists_changed(struct server *s, unsigned kinds);
/* The function of the pace that server_lists_changed() keeps; ARG is the server. */
void server_tell_lists(void *arg, unsigned kinds);
/* Sends the client's log level to the backends that are in use. */
void server_push_log_level(struct server *s);
/* Cancels the requests of server_push_log_level() and server_restore(). */
void server_cancel_pushes(struct server *s);
/* Sends a request of mcpd itself to the backend at L; its answer is ignored. PARAMS is consumed. */
void server_push(struct server *s, struct link *l, const char *method, json_t *params_take);

/* server_followup.c: requests that take more than one call. */
/* The call of R has ended with ANSWER: true where another call follows, so that R goes on. */
bool followup_begin(struct request *r, const struct answer *answer);
/* Whether R calls a tool that runs as a task alone (2025-11-25, Tasks), for a client whose revision
 * has no such tasks. */
bool followup_needs_task(const struct request *r);
/* For R of which that is true: PARAMS with which the call starts a task (a new reference). The
 * result is fetched by a second call. NULL on lack of memory. */
json_t *followup_task_params(struct request *r, json_t *params);
/* R has ended, with ANSWER: forgets the calls that would follow. */
void followup_end(struct request *r, const struct answer *answer);

/* server_tasks.c: tasks that are relayed. */
/* Whether the backend may answer R, a call of a tool, with a task. */
bool server_relays_task(struct request *r);
/* Finds the task with the client's id ID: the backend's index in the view, and the backend's id
 * (borrowed). False: unknown. */
bool server_find_task(struct server *s, const char *id, size_t *source_r, const char **remote_r);
/* RESULT with the client's ids of tasks in place of the backend's: a new reference; NULL on lack of
 * memory. */
json_t *server_task_result(struct request *r, json_t *result);
/* PARAMS of a notification, with the client's id likewise: a new reference; NULL on lack of memory,
 * or where the task is not the client's. */
json_t *server_task_notification(struct server *s, size_t source, json_t *params);
/* Whether RESULT is a task whose id is longer than TASKS_MAX_ID, so that server_task_result() would
 * fail. */
bool server_task_too_long(const struct request *r, const json_t *result);
/* Puts the client's id of a task in place of the backend's in Q, which backend SOURCE asks. 0 or
 * ERR_NOMEM. */
int server_task_question(struct server *s, size_t source, struct question *q);

#endif
