/* SPDX-License-Identifier: ISC */
/* modern_impl.h: for the files of the modern front alone: modern.c, modern_check.c,
 * modern_answer.c, modern_park.c, mreq.c, listen.c. */
#ifndef MCPD_MODERN_IMPL_H
#define MCPD_MODERN_IMPL_H

#include "mcp/call.h"
#include "mcp/era.h"
#include "modern/modern.h"
#include "modern/mreq.h"
#include "modern/reqstate.h"
#include "server/methods.h"

struct jsontext;
struct share;

/* The members of a request that has passed the checks. */
struct mcheck {
	struct envelope env;
	enum mcp_rev rev;
	const struct method *method;
	json_t *id, *params;
	struct jsontext *arguments; /* NULL: none */
	struct view *view;
	unsigned accept; /* REPLY_ACCEPT_* that the client takes */
};

/* The ladder of checks before anything is dispatched; false: X was answered. LISTEN is set for
 * subscriptions/listen, which is no method of a server. */
bool modern_check(struct exchange *x, struct view *view, const struct message *msg,
		  struct mcheck *c, bool *listen);

/* X ends with STATUS and a JSON-RPC error. */
void modern_refuse(struct exchange *x, int status, json_t *id, int code, json_t *data_take,
		   const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* X ends with the error E about a limit that was met: 503 where SHARE is full, else 429, with
 * Retry-After. */
void modern_refuse_limit(struct exchange *x, const struct share *share, json_t *id,
			 const struct err *e);

/* The response to R as 2026-07-28 wants it (a new reference), and the HTTP status for a response
 * without a stream. The requestState that a backend gave is sealed by RS. */
struct jsontext *modern_response(struct reqstates *rs, const struct mreq *r,
				 const struct answer *answer, int *status_r);
/* Gives RESULT, which mcpd itself made or changed, resultType TYPE and the serverInfo. Results that
 * are passed on as the bytes that came have no tree; modern_response() edits their text instead. 0
 * or ERR_NOMEM. */
int modern_stamp(json_t *result, const char *type);
/* PARAMS without the members for mcpd itself, and with STATE as their state (a new reference).
 * Members for a backend of this revision stay: inputResponses, the log level. */
json_t *modern_strip(json_t *params, json_t *state);

/* What to do with a retry. */
struct retry {
	enum {
		RETRY_PARKED,  /* R goes on: park_resume() */
		RETRY_SERVER,  /* a new request of the server that gave THEIRS to the client */
		RETRY_INVALID, /* WHY is what is wrong with requestState */
		RETRY_FULL,    /* WHY names the limit that was met: reqstates_share() */
	} kind;
	struct mreq *r;
	json_t *theirs; /* part of OPENED */
	json_t *opened; /* a reference that is the caller's */
	struct err why;
};

/* Judges C, a request with a requestState. The state of a backend counts as used from now on, by
 * HOLDER. */
struct retry park_judge(struct reqstates *rs, const struct mreqs *all, const struct mcheck *c,
			const char *user, const char *holder);
/* Gives R, which is parked, the answers in C; R goes on and is answered on X (taken). */
void park_resume(struct reqstates *rs, struct mreq *r, struct exchange *x, const struct mcheck *c);
/* The questions of R are together: asks the client, and parks R until the client's retry. Does
 * nothing where R has no exchange or no question (any more). */
void park_ask(struct reqstates *rs, struct mreq *r);
/* What the states of R are bound to: user, method and parameters. */
struct reqstate_bound modern_bound(const struct mreq *r);

#endif
