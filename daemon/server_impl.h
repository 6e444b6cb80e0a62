/* server_impl.h: for server.c, methods.c and server_links.c alone. */
#ifndef MCPD_SERVER_IMPL_H
#define MCPD_SERVER_IMPL_H

#include <stdbool.h>
#include <sys/queue.h>

#include "server.h"

struct method;
struct need;

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
	json_t *tool;		   /* as that backend lists it; NULL: not a tool, or not listed */
	/* What the session remembers of the outcome (a subscription); NULL: nothing. */
	void (*after)(struct request *r, const struct answer *answer);
};

struct server {
	struct server_conf conf;
	TAILQ_HEAD(, request) requests;
	LIST_HEAD(, push) pushes; /* requests of our own to the backends */
	struct link **links;   /* one place for each backend of the view; NULL: none yet */
	struct catalog *own;   /* NULL: the view's catalogue is right for this session */
	json_t *subscriptions; /* object used as a set of URIs; NULL: none */
	struct view_watch watch;
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
/* The client's new log level reaches the backends that are in use. */
void server_push_log_level(struct server *s);
/* Cancels what server_push_log_level() has under way. */
void server_cancel_pushes(struct server *s);
/* Asks the client on behalf of the request at WHERE (NULL: of none), if it declared that it can be asked. */
void server_ask(struct server *s, void *where, struct question *q_take);
/* The revision that is spoken with the backend of R. */
enum mcp_rev server_backend_rev(const struct request *r);
/* Ends R with ANSWER, which is in the client's words. */
void server_end(struct request *r, const struct answer *answer);
bool server_wants_log(const struct server *s, json_t *params);

#endif
