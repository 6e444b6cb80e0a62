/* SPDX-License-Identifier: ISC */
/* upstream_impl.h: the parts of the channel to an upstream, for upstream.c and upstream_*.c alone.
 * Each calls only those before it in this list: upstream_judge.c (what an answer means),
 * upstream_leg.c (how messages go over HTTP), upstream_session.c (the session), upstream_answer.c
 * (what is done about an answer), upstream.c. */
#ifndef MCPD_UPSTREAM_IMPL_H
#define MCPD_UPSTREAM_IMPL_H

#include <sys/queue.h>

#include "base/defer.h"
#include "client/upstream.h"
#include "client/upstream_judge.h"
#include "credentials/credentials.h"
#include "http/backoff.h"
#include "http/httpc.h"
#include "lib/ssereader.h"

struct event;

/* One message on its way, over its redirects, resumptions and repetitions. */
struct leg {
	TAILQ_ENTRY(leg) link;
	struct leg_list *in; /* the list that it is in; NULL: dropped */
	struct upstream *u;
	enum leg_kind kind;
	enum leg_part part;
	struct httpc_request *req; /* NULL between two of them */
	struct credential_wait *wait;
	struct bearer *bearer;	 /* of the request that caused it; NULL: of the session */
	char *scope;		 /* it was refused for lack of this scope; NULL: it was not */
	char *line;		 /* the credential that was sent; NULL: none */
	struct err unauthorized; /* why there is none */
	struct err misled;	 /* why the redirect of the answer is not followed */
	struct err fault;	 /* why the latest text is no response; code 0: it is one */
	struct defer refusing;
	bool asking;	       /* the credential is being asked for */
	bool reauthorized;     /* sent again after a 401 */
	json_t *msg;	       /* LEG_POST */
	const char *method;    /* of MSG; NULL: it has none */
	json_t *id;	       /* of the request in MSG that is not answered; NULL: none */
	json_t *cancels;       /* the request that goes with this notification */
	struct ssereader *sse; /* the answer is a stream */
	unsigned long noise;   /* ssereader_useless() that was told of */
	char *last_id;	       /* where to resume */
	char *url;	       /* after a temporary redirect; NULL: the upstream's */
	char *body;
	size_t len;
	struct event *retry;
	struct defer freeing;
	struct backoff backoff; /* between exchanges; afresh after an event with data */
	int64_t retry_after_ms; /* that the last answer, a 429 or 503, asked for; 0: none */
	unsigned epoch;		/* the session that it was sent in */
	unsigned resumes, redirects;
	int status;	   /* of the exchange under way; 0: no answer yet */
	bool broken;	   /* the exchange ended without a whole answer */
	bool modern;	   /* MSG claims revision 2026-07-28 */
	bool renewing;	   /* an initialize of our own */
	bool with_session; /* was sent with a session's id */
	bool repeated;	   /* sent again after the session was lost */
	bool relearnt;	   /* sent again after its headers were refused */
	bool opened;	   /* LEG_GET: there was such a stream */
	bool broke;	   /* LEG_GET: an attempt broke off before its answer */
};
TAILQ_HEAD(leg_list, leg);

/* The callbacks of a leg into upstream_answer.c and upstream_session.c; set by upstream.c. */
struct leg_hooks {
	/* The head of an answer. */
	void (*head)(struct leg *l, struct httpc_request *r);
	/* TEXT (borrowed) came for L, in an event or as a whole body. */
	void (*take)(struct leg *l, struct jsontext *text);
	/* L is answered with more than the limit, or out of memory. */
	void (*too_much)(struct leg *l, bool nomem);
	/* The exchange of L is over: E is why it broke, NULL where it did not. L may be gone after
	 * it. */
	void (*end)(struct leg *l, const struct err *e);
	/* The DELETE that ends the session of U is over, or cannot be sent. */
	void (*goodbye_said)(struct upstream *u);
};

struct upstream {
	struct event_base *base;
	struct httpc *httpc;
	struct upstream_spec spec;
	const struct upstream_events *events; /* NULL: closed */
	const struct leg_hooks *hooks;
	void *arg;
	char *user;	       /* copied from SPEC */
	struct bearer *bearer; /* the latest that was known of the session; NULL: none */
	char *url;	       /* changes with a permanent redirect */
	char *session;
	char version[16];    /* as negotiated; "" before */
	json_t *initialize;  /* the message, for when the session is lost */
	struct leg *speaks;  /* over whose answer something comes just now; NULL: none */
	const json_t *hears; /* the request that what is delivered just now came with; or NULL */
	unsigned epoch;	     /* of the session */
	struct event *later; /* renews; NULL: was not needed yet */
	struct backoff renewals; /* between those after which nothing was answered */
	bool fruitless;		 /* nothing was answered in the session since it was opened again */
	struct leg_list legs;
	struct leg_list waiting; /* for the session */
	struct leg_list unsure;	 /* their headers were refused: for a fresh list of tools */
	struct defer freeing;
	bool renewing; /* the session is being opened again */
	bool stale;    /* it answered as no server of its era does */
	bool settling; /* notifications/initialized is under way */
};
/* upstream_leg.c */
struct leg *leg_new(struct upstream *u, enum leg_kind kind);
/* A POST of MSG (referenced), not yet begun. NULL on lack of memory. */
struct leg *leg_message(struct upstream *u, json_t *msg);
/* What is known of the answer to L, whose body is BODY as JSON (borrowed; may be NULL). */
void leg_facts(const struct leg *l, const json_t *body, struct upstream_answer *a_r);
/* Passes MSG on, which is consumed and may be NULL, as the end of this leg's request. */
void leg_deliver(struct leg *l, json_t *msg_take);
/* An answer of ours to the request of this leg, if it has none. */
void leg_refuse(struct leg *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Into another list. */
void leg_move(struct leg *l, struct leg_list *list);
/* Begins its exchange, or the next one. 0 or ERR_NOMEM. */
int leg_start(struct leg *l);
/* Begins it or, where that cannot be, ends L with an answer of ours. */
void leg_go(struct leg *l);
/* Everything but the memory, which goes later. Idempotent. */
void leg_drop(struct leg *l);
/* Nothing of the last answer is left. */
void leg_rewind(struct leg *l);
/* Goes on after MS, resuming where it was. False: not again. */
bool leg_again(struct leg *l, int64_t ms);

/* upstream_session.c, which alone changes the state of the session. */
/* L learnt that its session is gone. */
void upstream_session_lost(struct leg *l);
/* An initialize of ours, which opens a lost session again, is over. */
void upstream_renewed(struct upstream *u, bool ok, const char *why);
/* Begins L, a notifications/initialized: everything else waits for its end. 0 or ERR_NOMEM. */
int upstream_settle(struct leg *l);
/* Its end. */
void upstream_settled(struct upstream *u);
/* Whether messages have to wait because the session is being opened or set up. */
bool upstream_is_setting_up(const struct upstream *u);
/* An initialize was answered with session ID (NULL or "": none). */
void upstream_session_opened(struct upstream *u, const char *id);
/* A request that was sent in the session has its answer. */
void upstream_session_worked(struct upstream *u);
/* Sends all of LIST. */
void upstream_release(struct upstream *u, struct leg_list *list);
/* The notification that cancels request ID has arrived: nothing more comes for that. */
void upstream_cancelled(struct upstream *u, const json_t *id);

/* upstream_answer.c: the hooks of legs. */
void answer_head(struct leg *l, struct httpc_request *r);
void answer_take(struct leg *l, struct jsontext *text);
void answer_too_much(struct leg *l, bool nomem);
void answer_end(struct leg *l, const struct err *e);

#endif
