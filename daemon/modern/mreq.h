/* SPDX-License-Identifier: ISC */
/* mreq.h: the requests of the modern front while they last. A request waits for its answer, becomes
 * a stream of events when the answer takes long, and is parked while its client is asked
 * (2026-07-28, "Multi Round-Trip Requests"). The other files of the front read the members of
 * struct mreq; mreq.c alone changes them. */
#ifndef MCPD_MREQ_H
#define MCPD_MREQ_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/bearer.h"
#include "base/budget.h"
#include "base/defer.h"
#include "base/delayq.h"
#include "http/eventstream.h"
#include "lib/err.h"
#include "lib/hash.h"

struct config_limits;
struct event_base;
struct exchange;
struct jsontext;
struct mcheck;
struct method;
struct mreqs;
struct pooled;
struct question;
struct share;

enum mreq_state {
	MREQ_NEW,     /* has no exchange yet */
	MREQ_WAITING, /* for its response, as one JSON body or as a stream */
	MREQ_PARKED,  /* the client was asked; its retry will come on another exchange */
	MREQ_OVER,
};

/* A question that the client has not answered. */
struct mreq_ask {
	TAILQ_ENTRY(mreq_ask) link;
	struct mreq *req;
	struct question *q;
	char key[16]; /* in inputRequests */
};

/* One request, over all its rounds. */
struct mreq {
	TAILQ_ENTRY(mreq) link;
	struct mreqs *all;
	struct eventstream out; /* without an exchange: parked, or the client left */
	json_t *id;
	const struct method *method;
	struct pooled *pooled;
	struct delayq_node expiry; /* while the request is parked */
	struct delayq_node gather; /* questions that come together are asked together */
	struct defer freeing;
	struct bearer_hold hold; /* the token of the present round */
	TAILQ_HEAD(, mreq_ask) asks;
	struct jsontext *final;	 /* the whole response, when it came while it was parked */
	struct budget_part held; /* FINAL, PARAMS and ARGUMENTS, once no call holds these */
	/* Of the first round; the requestState is bound to them. */
	json_t *params;
	struct jsontext *arguments; /* NULL: none */
	uint64_t handle;
	UT_hash_handle hh; /* by handle, while it is listed */
	unsigned round, last_key;
	int log_level;
	enum mreq_state state;
	bool placed; /* counts among the requests that wait for their client */
	bool listed; /* and can be found there */
};

/* GATHERED is called with ARG when the questions of a request have been waited for. LIMITS outlive
 * the requests. NULL on lack of memory. */
struct mreqs *mreqs_new(struct event_base *base, const struct config_limits *limits,
			void (*gathered)(struct mreq *r, void *arg), void *arg);
/* Requests that are left are over, and give their servers back. ALL may be NULL. */
void mreqs_free(struct mreqs **all);
/* Ends those whose response waits for the client: no server knows of them any more. */
void mreqs_end_answered(struct mreqs *all);
size_t mreqs_count(const struct mreqs *all);
size_t mreqs_parked(const struct mreqs *all);
/* The places of mreq_place(). */
const struct share *mreqs_parking(const struct mreqs *all);
/* The request that is parked in ROUND under HANDLE; NULL: none. */
struct mreq *mreqs_find(const struct mreqs *all, uint64_t handle, unsigned round);

/* The request that C found good, for the server POOLED, a reference of which is taken over. It has
 * no exchange until mreq_attach(). NULL on lack of memory, and POOLED is left alone. */
struct mreq *mreq_new(struct mreqs *all, const struct mcheck *c, struct pooled *pooled_take);
/* Puts R on X (taken), the exchange of the request C: R waits for its response there. A parked R
 * gives its place back. */
void mreq_attach(struct mreq *r, struct exchange *x, const struct mcheck *c);
/* Writes a notification as an event, if the client can have one and is there. */
void mreq_event(struct mreq *r, const char *method, json_t *params);
/* Ends the exchange of R with MSG (consumed): as one JSON body, or as the last event of the stream.
 */
void mreq_send_last(struct mreq *r, int status, struct jsontext *msg_take);
/* The response MSG (consumed) came while R is parked: MSG waits for the client's retry, and the
 * questions of R are refused. */
void mreq_keep_final(struct mreq *r, struct jsontext *msg_take);
/* Takes the response of mreq_keep_final() out of R (a reference); NULL: there is none. */
struct jsontext *mreq_take_final(struct mreq *r);
/* Ends R, which gives its server back. The memory of R goes in a later turn. */
void mreq_over(struct mreq *r);

/* A place among the requests that wait for their client, and the next round. 0, or ERR_LIMIT or
 * ERR_NOMEM with E filled (see share_take()). */
int mreq_place(struct mreq *r, struct err *e);
/* R, which has a place, can be found with mreqs_find(). False on lack of memory, and the place is
 * given back. */
bool mreq_enlist(struct mreq *r);
/* Gives the place of R back. */
void mreq_displace(struct mreq *r);
/* R, whose exchange has ended and which has its place, waits for the retry, as long as its client
 * may take. */
void mreq_park(struct mreq *r);

/* R asks Q (consumed), once the questions that come with it are there. */
void mreq_ask(struct mreq *r, struct question *q_take);
/* Takes the question out of A, which is no more. */
struct question *mreq_ask_take(struct mreq_ask *a);
/* Refuses what R still asks. */
void mreq_drop_asks(struct mreq *r);

#endif
