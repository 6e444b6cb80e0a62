/* SPDX-License-Identifier: ISC */
/* mcpclient_impl.h: the parts of the client role, for mcpclient.c and mcpclient_*.c alone. Each
 * calls only those before it in this list: mcpclient_base.c (sending and logging), _pending.c
 * (requests without an answer), _requests.c (how they go out and are answered), _envelope.c,
 * _asks.c (questions of legacy servers), _rounds.c (of modern ones), _listen.c (subscriptions),
 * _legacy.c and _modern.c (the dialects), _handshake.c, mcpclient.c. A lower part calls
 * a higher one by struct mcpclient_parts alone. */
#ifndef MCPD_MCPCLIENT_IMPL_H
#define MCPD_MCPCLIENT_IMPL_H

#include <sys/queue.h>

#include "base/defer.h"
#include "base/delayq.h"
#include "base/mask.h"
#include "base/ratelimit.h"
#include "base/share.h"
#include "client/mcpclient.h"
#include "lib/hash.h"

struct listening;
struct mask;
struct mcpclient_dialect;
struct message;
struct rounds;

/* A request of ours that has no answer yet: a call's, or (CALL is NULL) mcpd's own. */
TAILQ_HEAD(pending_list, pending);
struct pending {
	UT_hash_handle hh;
	TAILQ_ENTRY(pending) entry;
	struct pending_list *in; /* which list of the mcpclient */
	struct delayq_node due;
	json_int_t id; /* 0: is not on its way just now */
	struct mcpclient *m;
	struct call *call;
	mcpclient_done_fn done;
	mcpclient_reply_fn reply;
	void *arg;
	json_t *params;	       /* mcpd's own, until it is sent */
	char *method;	       /* mcpd's own */
	struct rounds *rounds; /* questions of the server before the result; NULL: none */
	bool waits;	       /* a call that has a place in its mcpclient's waiting */
	char *holder;	       /* the holder of that place; NULL: none */
};

/* A request of the server's that has no answer yet. */
struct asked {
	TAILQ_ENTRY(asked) entry;
	struct mcpclient *m;
	struct question *q;
	struct pending *of; /* the call that it went to, if any */
	char *holder;	    /* the holder of its place in the mcpclient's questions; NULL: none */
	json_t *id;
};

enum mcpclient_state { MCPCLIENT_NEW, MCPCLIENT_STARTING, MCPCLIENT_READY, MCPCLIENT_CLOSED };

/* What mcpclient.c hands to the parts below it. */
struct mcpclient_parts {
	const struct mcpclient_dialect *legacy, *modern;
	/* The call P ends, or is CANCELLED: ends the questions that belong to P. */
	void (*on_end)(struct pending *p, bool cancelled);
};

struct mcpclient {
	const char *name;
	const struct mcpclient_events *events;
	void *arg;
	json_t *capabilities, *client_info;
	enum mcpclient_asks asks;
	enum mcpclient_state state;
	enum mcpclient_era era;
	bool parallel;
	const struct mcpclient_parts *parts;
	const struct mcpclient_dialect *dialect;
	struct share *waiting;	 /* calls that wait for the handshake */
	struct share *questions; /* of the server, without an answer */
	json_int_t last_id;
	struct pending *by_id;
	struct pending_list sent, queued, asking; /* by age */
	size_t n_calls;
	struct delayq *timeouts;
	TAILQ_HEAD(, asked) asked;
	/* The probe: which requests have no answer, and why initialize was refused. */
	bool discovering, initializing;
	json_int_t origin; /* the request with whose answer the fed message came; 0: unknown */
	unsigned doubts;   /* cancelled calls for which the server may still ask */
	struct err refused;
	int64_t silence_ms;
	struct delayq *silence;
	struct delayq_node silent;
	struct delayq *pace; /* rounds that have nothing to ask */
	struct listening *listening;
	struct delayq *again; /* to listen */
	/* The capabilities of the last caller as 2026-07-28 has them, and the text they are made
	 * of. */
	char *caps_text;
	enum mcp_rev caps_rev;
	json_t *caps;
	enum mcp_rev rev; /* from here on: once ready */
	json_t *server_capabilities, *server_info;
	char *instructions;
	char *scope; /* the handshake was refused for lack of this scope; NULL: it was not */
	struct ratelimit grumble;
	const struct mask *mask; /* may be NULL */
	unsigned long useless;
	char noise[MASK_BEGINNING]; /* of the first line that is not JSON, masked; "": none was */
	struct defer release;
};
/* mcpclient_base.c: 0 or why MSG (NULL: ERR_NOMEM) was not sent. ARGUMENTS (borrowed) are those of
 * a call, which MSG lacks; NULL: none. BEARER: the token of the call; NULL: of none. */
int mcpclient_send_call(struct mcpclient *m, json_t *msg_take, struct jsontext *arguments,
			struct bearer *bearer);
int mcpclient_send(struct mcpclient *m, json_t *msg_take);
/* Sends a response of the client (NULL: there was no memory for it). */
void mcpclient_respond(struct mcpclient *m, struct jsontext *response_take);
/* Logs an error of the server, with a limited rate. */
void mcpclient_grumble(struct mcpclient *m, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* mcpclient_requests.c. A request of mcpd's own, sent NOW or queued. */
void mcpclient_ask(struct mcpclient *m, const char *method, json_t *params_take,
		   mcpclient_reply_fn fn, void *arg, bool now);
/* P waits for something else than the server. */
void mcpclient_set_aside(struct pending *p);
/* Sends P again, under a new id. */
void mcpclient_retry(struct pending *p);
void mcpclient_on_timeout(struct delayq_node *node, void *arg);
void mcpclient_on_response(struct mcpclient *m, const struct message *msg);
/* The server answered the request ID (NULL: the one with whose answer the fed message came, or the
 * only one there is) with what nobody can take: it ends with WHY. False: there is no such request.
 */
bool mcpclient_fault(struct mcpclient *m, const json_t *id, const char *why);
void mcpclient_on_progress(struct mcpclient *m, json_t *params);
/* PARAMS without the progress token of whoever made it (a new reference), or with TOKEN instead
 * (which is consumed). NULL on lack of memory only. */
json_t *mcpclient_with_token(json_t *params, json_t *token_take);
/* mcpclient_asks.c */
void mcpclient_on_request(struct mcpclient *m, json_t *id, const char *method, json_t *params);
void mcpclient_on_cancelled(struct mcpclient *m, json_t *params);
/* The questions of call P (NULL: all) are over; the server hears so unless it is gone. */
void mcpclient_withdraw(struct mcpclient *m, const struct pending *p);
/* The questions of call P, which has ended, belong to none from now on. */
void mcpclient_orphan(struct mcpclient *m, const struct pending *p);

#endif
