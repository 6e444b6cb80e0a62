/* SPDX-License-Identifier: ISC */
/* call.h: one JSON-RPC request on its way to a backend and back.
 *
 * The front (legacy, modern) makes the call and is told of events through struct call_front. The
 * back (a backend adapter) attaches itself and reports with call_notify(), call_ask() and one end.
 * Neither side knows the era of the other. A call ends exactly once, by result, error, cancellation
 * or deadline; a second end is logged as a bug and ignored. The memory is freed in a later turn of
 * the loop; after the end, neither side may begin anything new with the call.
 *
 * A call is identified by its address and by call_id(). The client's request id stays in the front.
 */
#ifndef MCPD_CALL_H
#define MCPD_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/protocol.h"

struct bearer;
struct budget;
struct event_base;
struct call;
struct jsontext;
struct question;

/* The client that a call is for. Owned by the front, outlives the call. A string is NULL only where
 * its comment says so. */
struct caller {
	const char *session; /* session id; NULL without one (modern, control) */
	const char *user;    /* NULL: unauthenticated */
	const char *peer;    /* address, for limits and logs */
	const char *holder; /* the holder of the places that its calls take (share.h); NULL: none */
	enum mcp_rev rev;   /* the revision spoken with the client */
	const char
		*capabilities;	 /* the client's capabilities as compact JSON text, at least "{}" */
	const char *client_info; /* clientInfo as compact JSON text; NULL if unknown */
	/* The token of the latest request of the session, or of the pooled server; NULL: the daemon
	 * asks for no tokens. The owner of the caller keeps the reference. */
	struct bearer *bearer;
	/* Where what is held for the client is counted; NULL: for the whole daemon. */
	struct budget *budget;
	/* No other client has used the children of this caller, and none will once a child knows
	 * the roots of the client. */
	bool alone;
	int log_level; /* lowest level the client wants (mcp_log_level_parse); -1: not said */
};

enum answer_kind { ANSWER_RESULT, ANSWER_ERROR, ANSWER_CANCELLED };

/* How a call ended. Borrowed by the callbacks. */
struct answer {
	enum answer_kind kind;
	struct jsontext *result; /* ANSWER_RESULT: an object */
	int code;		 /* ANSWER_ERROR: JSON-RPC code */
	const char *message;	 /* ANSWER_ERROR; ANSWER_CANCELLED: the reason */
	json_t *data;		 /* ANSWER_ERROR, may be NULL */
	const char *scope;	 /* ANSWER_ERROR: the scopes that the client's token lacks, with
				    spaces between; NULL: the token lacks none */
};

struct call_front {
	/* A notification that belongs to this call (progress, message). PARAMS is borrowed. */
	void (*notify)(struct call *c, const char *method, json_t *params, void *arg);
	/* The backend asks the client something; the front now owes question_answer(). */
	void (*ask)(struct call *c, struct question *q, void *arg);
	/* The call has ended with ANSWER; called exactly once. */
	void (*end)(struct call *c, const struct answer *answer, void *arg);
};

struct call_back {
	/* The call was cancelled or is past its deadline. The back tells its peer, drops its
	 * reference, and does not end the call. */
	void (*cancel)(struct call *c, const char *reason, void *arg);
};

/* A new call. METHOD is copied, PARAMS may be NULL, PROGRESS_TOKEN (the client's own, string or
 * integer; borrowed, referenced) may be NULL. DEADLINE_MS bounds the whole life of the call; 0: an
 * hour. NULL on lack of memory (PARAMS is released). */
struct call *call_new(struct event_base *base, const struct call_front *front, void *front_arg,
		      const struct caller *caller, const char *method, json_t *params_take,
		      json_t *progress_token, int64_t deadline_ms);

/* Counts what the parameters and arguments of C hold in the budget of its caller, once. 0, or an
 * error of budget_check() with E: nothing is counted, and C is to be ended. */
int call_hold(struct call *c, struct err *e);

uint64_t call_id(const struct call *c);
const char *call_method(const struct call *c);
/* The parameters without "arguments": borrowed, may be NULL. */
json_t *call_params(const struct call *c);
/* The arguments of a tool or prompt, as the client wrote them: borrowed; NULL: none. */
struct jsontext *call_arguments(const struct call *c);
/* The arguments for who decides by them (borrowed; an empty object where there are none). NULL with
 * E: ERR_PARSE (a duplicate member), ERR_LIMIT (over limits.maxTree), ERR_NOMEM. */
json_t *call_arguments_tree(struct call *c, struct err *e);
json_t *
call_progress_token(const struct call *c); /* borrowed, may be NULL: then no progress is wanted */
const struct caller *call_caller(const struct call *c);
/* The token that authorises the call: the caller's at call_new(), or that of call_set_bearer().
 * NULL: the daemon asks for no tokens. Lives as long as the call. */
struct bearer *call_bearer(const struct call *c);
/* Replaces the token by B, that of the request with which the client continued the call. */
void call_set_bearer(struct call *c, struct bearer *b);
/* Notes that the back was refused for lack of SCOPE (words with spaces between; copied): the error
 * that ends the call will name SCOPE, unless memory lacks. */
void call_set_scope(struct call *c, const char *scope);
int64_t call_age_ms(const struct call *c);
bool call_ended(const struct call *c);
/* Replaces the parameters, as where the name of a tool loses its prefix. */
void call_set_params(struct call *c, json_t *params_take);
/* ARGUMENTS (one more reference is taken) belong to the parameters. */
void call_set_arguments(struct call *c, struct jsontext *arguments);
/* Moves the deadline to DEADLINE_MS from now. */
void call_set_deadline(struct call *c, int64_t deadline_ms);

/* The back takes the call (and is told of a cancellation from now on), or lets go of it. */
void call_attach(struct call *c, const struct call_back *back, void *back_arg);
void call_detach(struct call *c);

/* Back to front. call_notify() drops progress without a token, with a value that does not increase,
 * or after the end. call_ask() consumes Q: a call that has ended answers it with an error. */
void call_notify(struct call *c, const char *method, json_t *params);
void call_ask(struct call *c, struct question *q_take);
/* Ends the call with RESULT (consumed), the bytes that came or a tree that mcpd made. NULL: there
 * was no memory for the result, and the call ends with that error. */
void call_result(struct call *c, struct jsontext *result_take);
void call_result_tree(struct call *c, json_t *result_take);
void call_error(struct call *c, int code, json_t *data_take, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Front to back: the client, or the end of its session, cancels the call. The back is told, and
 * front->end is called with ANSWER_CANCELLED, before this returns. */
void call_cancel(struct call *c, const char *reason);

/* How many calls have not ended. */
size_t call_count(void);

#endif
