/* SPDX-License-Identifier: ISC */
/* backend.h: one server of the configuration, which offers tools, resources or prompts, of any
 * kind.
 *
 * A backend learns its offer once at the start and keeps the offer up to date. A session or request
 * uses a backend by a link; a link costs nothing until its first call. Adapters (backend_stdio.c,
 * backend_exec.c, backend_web.c) implement struct backend_ops, in backend_impl.h. */
#ifndef MCPD_BACKEND_H
#define MCPD_BACKEND_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"
#include "mcp/call.h"
#include "mcp/offer.h"

struct backend;
struct cgroups;
struct children;
struct credentials;
struct config_backend;
struct config_limits;
struct event_base;
struct httpc;
struct link;
struct question;
struct sandbox;

enum backend_state {
	BACKEND_LEARNING, /* the offer is not known yet */
	BACKEND_READY,	  /* the offer is known and up to date */
	BACKEND_FAILED,	  /* the last attempt failed; an older offer may still be served */
	BACKEND_STOPPED,
};

/* What an adapter may use. Owned by the daemon, outlives all backends. */
struct backend_env {
	struct event_base *base;
	struct children *children;
	struct httpc *httpc;
	struct credentials *credentials; /* NULL: there are none */
	const struct config_limits *limits;
};

/* The restrictions that the children of a backend run under. The daemon owns the two members, which
 * outlive all backends and are made after the backends: the sandbox once the files that it hides
 * exist, the cgroups once the daemon listens, so that no other daemon uses the same ones. */
struct backend_confinement {
	struct sandbox *sandbox; /* hides the daemon's folders from children; NULL: none */
	struct cgroups *cgroups; /* NULL: children get none */
};

/* The callbacks for changes of a backend (for the views of the endpoint). */
struct backend_watch {
	/* The state of B has changed, or its lists of KINDS (1u << enum offer_kind) have. */
	void (*changed)(struct backend *b, unsigned kinds, void *arg);
	void *arg;
};

/* Messages for a holder outside of its calls. ARG is the holder's. */
struct link_events {
	/* notifications/message, notifications/resources/updated, elicitation/complete. PARAMS
	 * borrowed. */
	void (*notification)(struct link *l, const char *method, json_t *params, void *arg);
	/* A question that belongs to no call in flight; consumed. */
	void (*question)(struct link *l, struct question *q_take, void *arg);
	/* The lists of KINDS (1u << enum offer_kind) of this holder's own child have changed. */
	void (*changed)(struct link *l, unsigned kinds, void *arg);
};

/* Makes a backend of CONF's kind (borrowed, outlives it). Nothing runs yet. */
struct backend *backend_new(const struct backend_env *env, const struct config_backend *conf,
			    struct err *e);
/* Begins to list what B offers, with children under CONFINEMENT (copied). The outcome comes through
 * the watches. */
void backend_start(struct backend *b, const struct backend_confinement *confinement);
/* Stops every child of B; new calls fail. */
void backend_stop(struct backend *b);
/* Stops every child of B and lists the offer again; holders keep their links and get new children.
 */
void backend_restart(struct backend *b);
void backend_free(struct backend **b); /* all links must be closed */
/* Copied; up to 8. 0 or ERR_LIMIT. */
int backend_watch(struct backend *b, const struct backend_watch *watch);
void backend_unwatch(struct backend *b, void *arg);

const char *backend_name(const struct backend *b);
/* Whether requests to B are authorised by the token of the client's request (forwardToken), or by a
 * token that the issuer exchanges it for (credential.from "exchange"). */
bool backend_per_token(const struct backend *b);
enum backend_state backend_state(const struct backend *b);
/* Why B has no offer or an old one: its last error, or that it has not answered yet. "" for a B
 * that is ready. */
const char *backend_why(const struct backend *b);
const struct offer *backend_offer(const struct backend *b); /* NULL until learnt once */
/* The row of B for `mcpctl backends list` (a new reference): name, kind, state, scope, children,
 * calls, tools, resources, prompts, restarts, reason. */
json_t *backend_describe(const struct backend *b);

/* The record of B for `mcpctl backend show`: the row of backend_describe(), the program or URL, and
 * the limits that the kernel enforces. A new reference. */
json_t *backend_show(const struct backend *b);

/* A holder's link. CALLER and its strings outlive the link. NULL on lack of memory. */
struct link *link_new(struct backend *b, const struct caller *caller,
		      const struct link_events *events, void *arg);
/* Closes L, whose calls must have ended: stops the child that L has to itself and drops the
 * subscriptions. No event comes any more. Never fails, never waits; *L becomes NULL. */
void link_close(struct link **l);
/* Takes over C, which will end exactly once, maybe before this returns. */
void link_call(struct link *l, struct call *c);
/* Sends a notification of the client (notifications/roots/list_changed) to the child of this holder
 * alone; dropped where the child is shared or not running. */
void link_notify(struct link *l, const char *method, json_t *params);
/* The offer for this holder: that of its own child where it differs, else the backend's. */
const struct offer *link_offer(const struct link *l);
/* The pid of the child that belongs to this holder alone; 0 without one. */
int link_pid(const struct link *l);
/* Appends {"pid","parent","server","command"} to ROWS for the child that belongs to this holder
 * alone and for each of its descendants, the child first: the first few hundred. The command is a
 * name without arguments, masked. Reads /proc. */
void link_processes(const struct link *l, json_t *rows);

#endif
