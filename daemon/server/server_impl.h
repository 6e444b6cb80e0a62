/* server_impl.h: for server.c, server_*.c and methods*.c alone. */
#ifndef MCPD_SERVER_IMPL_H
#define MCPD_SERVER_IMPL_H

#include <stdbool.h>
#include <sys/queue.h>

#include "base/pace.h"
#include "server/server.h"

struct again;
struct method;
struct need;
struct tasks;

/* A request of the client while it is in flight. */
struct request {
	TAILQ_ENTRY(request) link;
	struct server *server;
	void *where;
	json_t *id; /* the client's: echoed, never used as a key */
	const struct method *method;
	struct call *call;
	struct view_waiter waiter;
	const struct need *denied; /* the capability for lack of which it was given up */
	struct link *via;	   /* the backend that it went to; NULL: none (yet) */
	struct again *again;	   /* NULL: one call is enough, as far as is known */
	size_t source;		   /* which of the view's it is */
	bool starved;		   /* there was no memory to go on with it */
	bool relays_task;	   /* its result may be a task of the client's */
	json_t *tool;		   /* as that backend lists it; NULL: not a tool, or not listed */
	size_t reserved; /* bytes of "kept" that it gives back, or that its URI goes on taking */
	/* What the session remembers of the outcome (a subscription); NULL: nothing. */
	void (*after)(struct request *r, const struct answer *answer);
};

struct server {
	struct server_conf conf;
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

/* What this session is offered: the view's catalogue, or its own. NULL on lack of memory. */
const struct catalog *server_catalog(struct server *s);
/* The link to backend I of the view, made on first need. NULL on lack of memory. */
struct link *server_link(struct server *s, size_t i);
/* Tells the client which lists (1u << enum offer_kind) are different now. */
void server_lists_changed(struct server *s, unsigned mask);
/* The function of the pace that server_lists_changed() keeps; ARG is the server. */
void server_tell_lists(void *arg, unsigned mask);
/* The client's new log level reaches the backends that are in use. */
void server_push_log_level(struct server *s);
/* Cancels what server_push_log_level() or server_restore() has under way. */
void server_cancel_pushes(struct server *s);
/* Asks the client on behalf of the request at WHERE (NULL: of none), if it declared that it can be
 * asked. */
void server_ask(struct server *s, void *where, struct question *q_take);
/* The revision that is spoken with the backend of R. */
enum mcp_rev server_backend_rev(const struct request *r);
/* The next call of R in the place of one that has ended; PARAMS is consumed. NULL on lack of
 * memory. */
struct call *server_next_call(struct request *r, const char *method, json_t *params_take,
			      int64_t deadline_ms);
/* A request to the backend at L whose answer nobody waits for. PARAMS is consumed. */
void server_push(struct server *s, struct link *l, const char *method, json_t *params_take);
/* Whether the client can be asked Q; false: R is denied, and *NEED says what is missing. */
bool server_can_ask(struct request *r, const struct question *q);

/* server_again.c: requests that take more than one call. */
/* The call of R has ended with ANSWER: whether R goes on with another one. */
bool again_goes_on(struct request *r, const struct answer *answer);
/* The tool that R calls runs as a task alone (2025-11-25, Tasks), and the client cannot do that: R
 * does it in its place. PARAMS of the call (a new reference), or NULL on lack of memory. */
json_t *again_as_task(struct request *r, json_t *params);
/* Whether it is so. */
bool again_needs_task(const struct request *r);
/* R has ended, with ANSWER. */
void again_over(struct request *r, const struct answer *answer);

/* Hands R to backend SOURCE of the view, in that backend's words (methods.c). */
void server_pass(struct request *r, size_t source);

/* server_tasks.c: tasks that are relayed. */
/* Whether the backend may answer R, a call of a tool, with a task. */
bool server_relays_task(struct request *r);
/* tasks/get and so on. */
void server_handle_task(struct request *r);
/* RESULT, PARAMS with our ids: a new reference; NULL on lack of memory, or for a notification about
 * a task that is not the client's. */
json_t *server_task_result(struct request *r, json_t *result);
/* Whether RESULT is a task whose id is longer than ids of tasks may be: server_task_result() cannot
 * learn it. */
bool server_task_too_long(const struct request *r, const json_t *result);
json_t *server_task_notification(struct server *s, size_t source, json_t *params);
/* Q, asked by backend SOURCE, says with our id to which task it belongs. 0 or ERR_NOMEM. */
int server_task_question(struct server *s, size_t source, struct question *q);
/* server.c: whether the client declared the extension, and what it hears if not. */
bool server_declared_tasks(const struct server *s);
void server_deny_tasks(struct request *r);

/* Ends R with ANSWER, which is in the client's words. */
void server_end(struct request *r, const struct answer *answer);
bool server_wants_log(const struct server *s, json_t *params);

#endif
