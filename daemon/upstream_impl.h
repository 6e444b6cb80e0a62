/* upstream_impl.h: the parts of the channel to an upstream. For upstream.c and upstream_leg.c
 * alone. */
#ifndef MCPD_UPSTREAM_IMPL_H
#define MCPD_UPSTREAM_IMPL_H

#include <sys/queue.h>

#include "defer.h"
#include "httpc.h"
#include "ssereader.h"
#include "upstream.h"

struct event;

enum leg_kind { LEG_POST, LEG_GET, LEG_DELETE };

/* One HTTP exchange with the upstream, over its redirects and resumptions. */
struct leg {
	TAILQ_ENTRY(leg) link;
	struct upstream *u;
	enum leg_kind kind;
	struct httpc_request *req; /* NULL between two of them */
	json_t *msg;		   /* LEG_POST */
	json_t *id;		   /* of the request in MSG that is not answered; NULL: none */
	struct ssereader *sse;	   /* the answer is a stream */
	char *last_id;		   /* where to resume */
	char *body;
	size_t len;
	struct event *retry;
	struct defer freeing;
	long retry_ms;
	unsigned resumes, redirects;
	int status;
	bool renewing; /* an initialize of our own after a 404 */
	bool retried;  /* sent again after a 404 already */
	bool too_long;
};

struct upstream {
	struct event_base *base;
	struct httpc *httpc;
	struct upstream_spec spec;
	const struct upstream_events *events; /* NULL: closed */
	void *arg;
	char *url; /* changes with a permanent redirect */
	char *session;
	char version[16];   /* as negotiated; "" before */
	json_t *initialize; /* the message, for when the session is lost */
	TAILQ_HEAD(leg_list, leg) legs;
	struct leg_list waiting; /* messages that met a 404 and wait for the new session */
	struct defer freeing;
	bool renewing;
};

/* upstream_leg.c */
struct leg *leg_new(struct upstream *u, enum leg_kind kind);
/* Begins its exchange, or the next one. 0 or ERR_NOMEM. */
int leg_start(struct leg *l);
/* Everything but the memory, which goes later. */
void leg_drop(struct leg *l);
/* Nothing of the last answer is left. */
void leg_rewind(struct leg *l);
/* An answer of ours to the request of this leg, if it has none. */
void leg_refuse(struct leg *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* upstream.c: what legs find out about the session. */
/* L met a 404. True: the session is opened again and L starts again after it. */
bool upstream_session_lost(struct leg *l);
/* The attempt to open the session again is over. */
void upstream_renewed(struct upstream *u, bool ok, const char *why);
/* The goodbye is over. */
void upstream_gone(struct upstream *u);

#endif
