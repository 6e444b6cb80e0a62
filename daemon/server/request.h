/* SPDX-License-Identifier: ISC */
/* request.h: a request of the client in flight, and questions to its client. For the files that
 * include server_impl.h. */
#ifndef MCPD_REQUEST_H
#define MCPD_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "backend/view.h"
#include "mcp/call.h"

struct again;
struct link;
struct method;
struct need;
struct question;
struct server;

/* A request of the client while it is in flight. */
struct request {
	TAILQ_ENTRY(request) link;
	struct server *server;
	void *where;
	json_t *id; /* the client's: echoed, never used as a key */
	const struct method *method;
	struct call *call;
	struct view_waiter waiter;
	const struct need *denied; /* the missing capability for which it was given up */
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

/* The revision that is spoken with the backend of R. */
enum mcp_rev server_backend_rev(const struct request *r);
/* The next call of R in the place of one that has ended; PARAMS is consumed. NULL on lack of
 * memory. */
struct call *server_next_call(struct request *r, const char *method, json_t *params_take,
			      int64_t deadline_ms);
/* Whether the client can be asked Q. False: it cannot, and R of a client of 2026-07-28 is denied:
 * its end will say what is missing. */
bool server_can_ask(struct request *r, const struct question *q);
/* Asks the client on behalf of the request at WHERE (NULL: of none), if it declared that it can be
 * asked. */
void server_ask(struct server *s, void *where, struct question *q_take);
/* Whether the client declared the extension for tasks. */
bool server_declared_tasks(const struct server *s);
/* Denies R, whose client lacks the extension for tasks; its end names the extension. */
void server_deny_tasks(struct request *r);
/* Whether the log message with PARAMS is of a level that the client wants. */
bool server_wants_log(const struct server *s, json_t *params);

#endif
