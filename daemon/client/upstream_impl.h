/* SPDX-License-Identifier: ISC */
/* upstream_impl.h: the parts of the channel to an upstream, for upstream.c and upstream_*.c alone.
 * Each file calls only those before it in this list: upstream_judge.c (what an answer means),
 * upstream_leg.c (how messages go over HTTP), upstream_session.c (the session), upstream_answer.c
 * (what is done about an answer), upstream.c. */
#ifndef MCPD_UPSTREAM_IMPL_H
#define MCPD_UPSTREAM_IMPL_H

#include <sys/queue.h>

#include "base/budget.h"
#include "base/defer.h"
#include "client/upstream.h"
#include "client/upstream_judge.h"
#include "credentials/credentials.h"
#include "http/backoff.h"
#include "http/httpc.h"
#include "lib/ssereader.h"

struct event;

/* One message to the upstream, over all its HTTP exchanges: redirects, resumptions, repetitions. */
struct leg {
	TAILQ_ENTRY(leg) link;
	struct leg_list *in; /* the list that the leg is in; NULL: dropped */
	struct upstream *u;
	enum leg_kind kind;
	enum leg_part part;
	struct httpc_request *req; /* NULL between two exchanges */
	struct credential_wait *wait;
	struct bearer *bearer; /* of the client's request; NULL: that of the session */
	char *scope;	       /* the scope for lack of which the message was refused; NULL: none */
	char *line;	       /* the credential that was sent; NULL: none */
	struct err unauthorized; /* why there is no credential */
	struct err no_room;	 /* why there is no memory for the answer; code 0: there is */
	struct err misled;	 /* why the redirect of the answer is not followed */
	struct err fault;	 /* why the latest text is no response; code 0: the text is one */
	struct defer refusing;
	bool asking;	       /* the credential is being asked for */
	bool reauthorized;     /* sent again after a 401 */
	struct jsontext *text; /* LEG_POST: the message; MSG lacks the arguments of a call */
	json_t *msg;	       /* NULL: a response */
	const char *method;    /* of MSG; NULL: it has none */
	json_t *id;	       /* of the request MSG, until it is answered; NULL: none */
	json_t *cancels;       /* id of the request that the notification MSG cancels; NULL: none */
	struct ssereader *sse; /* the answer is a stream */
	unsigned long noise;   /* how many lines of ssereader_useless() were reported */
	char *last_id;	       /* the event after which to resume; NULL: none */
	char *url;	       /* after a temporary redirect; NULL: the upstream's */
	char *body;
	size_t len;
	struct budget_part held; /* what was collected of the answer */
	struct event *retry;
	struct defer freeing;
	struct backoff backoff; /* between exchanges; reset by an event with data */
	int64_t retry_after_ms; /* the Retry-After of the last 429 or 503; 0: none */
	unsigned epoch;		/* the session in which MSG was sent */
	unsigned resumes, redirects;
	int status;	   /* of the exchange under way; 0: no answer yet */
	bool broken;	   /* the exchange ended without a whole answer */
	bool modern;	   /* MSG claims revision 2026-07-28 */
	bool renewing;	   /* MSG is an initialize that opens a lost session again */
	bool with_session; /* MSG was sent with a session's id */
	bool repeated;	   /* sent again after the session was lost */
	bool relearnt;	   /* sent again after its headers were refused (-32020) */
	bool opened;	   /* LEG_GET: the stream was open */
	bool broke;	   /* LEG_GET: an attempt broke off before its answer */
};
TAILQ_HEAD(leg_list, leg);

/* The callbacks of a leg into upstream_answer.c and upstream_session.c; set by upstream.c. */
struct leg_hooks {
	/* Status and headers of an answer are there. */
	void (*head)(struct leg *l, struct httpc_request *r);
	/* TEXT (borrowed), one JSON-RPC message or batch, came for L: in an event or as the whole
	 * body. */
	void (*message)(struct leg *l, struct jsontext *text);
	/* The answer to L is larger than the limit or, if NOMEM, than memory allows. */
	void (*too_large)(struct leg *l, bool nomem);
	/* The exchange of L is over. E: the answer broke off or never came; NULL: it is whole. L
	 * may be dropped by this. */
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
	struct bearer *bearer; /* the latest token of the session; NULL: none */
	char *url;	       /* changes with a permanent redirect */
	char *session;
	char version[16];     /* as negotiated; "" before */
	json_t *initialize;   /* the message that opened the session; sent again when it is lost */
	struct leg *reading;  /* the leg whose stream is being read; NULL: none */
	const json_t *origin; /* see upstream_origin() */
	unsigned epoch;	      /* of the session */
	struct event *later;  /* opens a lost session after a while; NULL: was not needed yet */
	struct backoff renewals; /* between sessions in which no request was answered */
	bool fruitless;		 /* no request was answered in the session since it was opened */
	struct leg_list legs;
	struct leg_list waiting; /* until the session is set up */
	struct leg_list unsure;	 /* headers were refused: until the tools were listed again */
	struct defer freeing;
	bool renewing; /* the session is being opened again */
	bool stale;    /* the upstream answered as no server of its era does */
	bool settling; /* notifications/initialized is under way */
};

/* upstream_leg.c: a new leg without a message, in the list of legs. NULL on lack of memory. */
struct leg *leg_new(struct upstream *u, enum leg_kind kind);
/* A POST of MSG and TEXT (see struct leg; referenced), not begun. NULL on lack of memory. */
struct leg *leg_message(struct upstream *u, json_t *msg, struct jsontext *text);
/* What is known of the answer to L, whose body is BODY as JSON (borrowed; may be NULL). */
void leg_facts(const struct leg *l, const json_t *body, struct upstream_answer *a_r);
/* Answers the request of L with MSG (consumed; NULL: there was no memory for it). */
void leg_deliver(struct leg *l, json_t *msg_take);
/* Answers the request of L, unless it has an answer, with an error of mcpd itself. */
void leg_refuse(struct leg *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Moves L to LIST. */
void leg_move(struct leg *l, struct leg_list *list);
/* Begins the first or the next exchange of L. 0 or ERR_NOMEM. */
int leg_start(struct leg *l);
/* leg_start(); on lack of memory L is refused and dropped. */
void leg_go(struct leg *l);
/* Ends L and what it has under way; the memory goes in a later turn. Idempotent. */
void leg_drop(struct leg *l);
/* Forgets the last answer to L. */
void leg_rewind(struct leg *l);
/* Begins the next exchange of L after MS, which resumes after last_id. False on lack of memory. */
bool leg_again(struct leg *l, int64_t ms);

/* upstream_session.c, which alone changes the state of the session. */
/* The answer to L says that the session of L is gone. */
void upstream_session_lost(struct leg *l);
/* The initialize that opens a lost session again is over; unless OK, WHY is the reason. */
void upstream_renewed(struct upstream *u, bool ok, const char *why);
/* Begins L, a notifications/initialized: other messages wait until upstream_settled(). 0 or
 * ERR_NOMEM. */
int upstream_settle(struct leg *l);
/* The notifications/initialized was sent, or has failed: the messages that wait are sent. */
void upstream_settled(struct upstream *u);
/* Whether messages have to wait because the session is being opened or set up. */
bool upstream_is_setting_up(const struct upstream *u);
/* An initialize was answered with session ID (NULL or "": none). */
void upstream_session_opened(struct upstream *u, const char *id);
/* A request that was sent in the session has its answer. */
void upstream_session_worked(struct upstream *u);
/* Begins all legs of LIST. */
void upstream_release(struct upstream *u, struct leg_list *list);
/* The notification that cancels request ID has arrived: drops the leg of that request. */
void upstream_cancelled(struct upstream *u, const json_t *id);

/* upstream_answer.c: the functions of struct leg_hooks. */
void leg_answer_head(struct leg *l, struct httpc_request *r);
void leg_answer_message(struct leg *l, struct jsontext *text);
void leg_answer_too_large(struct leg *l, bool nomem);
void leg_answer_end(struct leg *l, const struct err *e);

#endif
