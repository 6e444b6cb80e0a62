/* SPDX-License-Identifier: ISC */
/* server_request.h: the insides of a request, for request.c, server.c and server_*.c alone. The
 * methods see a request through request.h. */
#ifndef MCPD_SERVER_REQUEST_H
#define MCPD_SERVER_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "backend/view.h"
#include "server/request.h"

struct followup;
struct call;
struct link;
struct method;
struct need;
struct server;

/* A request of the client while it is in flight. */
struct request {
	TAILQ_ENTRY(request) link;
	struct server *server;
	void *origin; /* see struct server_front; NULL: a request of mcpd itself */
	json_t *id;   /* the client's: echoed, never used as a key */
	const struct method *method;
	struct call *call;
	struct view_waiter waiter;
	const struct need *denied; /* the missing capability for which it was given up */
	struct link *via;	   /* the backend that it went to; NULL: none (yet) */
	struct followup *followup; /* the calls after the first; NULL: none so far */
	size_t source;		   /* the index of that backend in the view */
	bool starved;		   /* there was no memory to go on with it */
	bool relays_task;	   /* see request_relay_task() */
	json_t *tool;		   /* as the backend lists it; NULL: not a tool, or not listed */
	size_t reserved;	   /* see request_reserve() */
	request_after_fn *after;   /* NULL: nothing */
};

#endif
