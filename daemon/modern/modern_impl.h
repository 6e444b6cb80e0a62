/* modern_impl.h: for the files of the modern front alone: modern.c, modern_check.c, modern_answer.c,
 * modern_park.c, listen.c. */
#ifndef MCPD_MODERN_IMPL_H
#define MCPD_MODERN_IMPL_H

#include <stdint.h>
#include <sys/queue.h>

#include "base/bearer.h"
#include "base/defer.h"
#include "base/delayq.h"
#include "lib/hash.h"
#include "mcp/call.h"
#include "mcp/era.h"
#include "modern/modern.h"
#include "server/methods.h"

struct once;
struct pooled;
struct question;
struct seal;
struct share;

enum mreq_state {
	MREQ_WAITING,	/* nothing was emitted */
	MREQ_STREAMING, /* SSE */
	MREQ_PARKED,	/* the client was asked; its retry will come on another exchange */
	MREQ_OVER,
};

/* A question that the client has not answered. */
struct mask {
	TAILQ_ENTRY(mask) link;
	struct mreq *req;
	struct question *q;
	char key[16];
};

/* One request while it lasts, over all its rounds. */
struct mreq {
	TAILQ_ENTRY(mreq) link;
	struct modern *m;
	struct exchange *x; /* NULL: parked, or the client left */
	json_t *id;
	const struct method *method;
	struct pooled *pooled;
	struct delayq_node timer;  /* upgrade while waiting, keep-alive while streaming, expiry while parked */
	struct delayq_node gather; /* questions that come together are asked together */
	struct defer freeing;
	struct bearer_hold hold; /* the token of the present round */
	TAILQ_HEAD(, mask) asks;
	json_t *final; /* the whole response, when it came while the request was parked */
	json_t *params; /* of the first round; the requestState is bound to them */
	uint64_t handle;
	UT_hash_handle hh; /* by handle, while parked */
	unsigned round, last_key;
	int log_level;
	enum mreq_state state;
	unsigned char accept;
};

struct modern {
	const struct config *conf;
	struct seal *seal;
	struct pool *pool;
	struct delayq *upgrade, *keepalive, *gather, *expiry;
	TAILQ_HEAD(, mreq) requests;
	struct mreq *parked; /* hash by handle */
	struct listens *listens;
	struct share *parking; /* places of n_parked */
	struct once *used; /* states of servers that keep them with the client */
	uint64_t last_handle;
	size_t n_requests, n_parked;
	bool closed;
};

/* What a request says, once it passed the checks. */
struct mcheck {
	struct envelope env;
	enum mcp_rev rev;
	const struct method *method;
	json_t *id, *params;
	struct view *view;
};

/* The ladder of checks before anything is dispatched; false: X was answered. LISTEN is set for
 * subscriptions/listen, which is no method of a server. */
bool modern_check(struct exchange *x, struct view *view, json_t *body, struct mcheck *c, bool *listen);

/* X ends with STATUS and a JSON-RPC error. */
void modern_refuse(struct exchange *x, int status, json_t *id, int code, json_t *data_take,
		   const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* The same for a limit that was met: 503 where SHARE is full, else 429, with Retry-After. */
void modern_refuse_limit(struct exchange *x, const struct share *share, json_t *id, const struct err *e);

/* The response to R in its modern shape (a new reference), and the HTTP status it would have alone. */
json_t *modern_response(const struct mreq *r, const struct answer *answer, int *status_r);
/* RESULT gets resultType and the serverInfo. */
void modern_stamp(json_t *result, const char *type);
/* Writes MSG as an event of the stream on X, or a comment where MSG is NULL. 0, or an error after which X is of
 * no more use: ERR_CLOSED, ERR_NOMEM, ERR_LIMIT (the client does not read). */
int modern_write(struct exchange *x, const json_t *msg, size_t max_backlog);
/* PARAMS without what is for us alone, and with STATE instead of theirs (a new reference). What a backend
 * of this revision has to hear too stays: inputResponses, the log level. */
json_t *modern_strip(json_t *params, json_t *state);

/* Gives the request that C is to a server, with the STATE that its backend wants back (borrowed; NULL: none). */
void modern_dispatch(struct modern *m, struct exchange *x, const struct mcheck *c, json_t *state);
/* Ends the exchange of R with MSG, in the form it has. Consumes MSG. */
void mreq_send_last(struct mreq *r, int status, json_t *msg_take);
void mreq_stop_timer(struct mreq *r);
/* R needs its server no more. Its memory goes later. */
void mreq_over(struct mreq *r);

/* The backend asks; Q consumed. */
void park_ask(struct mreq *r, struct question *q_take);
/* Refuses what R still asks. */
void park_drop_asks(struct mreq *r);
/* Leaves the table of what is parked. */
void park_remove(struct mreq *r);
/* A retry: X is taken. */
void park_resume(struct modern *m, struct exchange *x, const struct mcheck *c, const char *user);
/* RESULT, which nobody else sees, asks for input: seals the state that its server wants back. False on
 * lack of memory. */
bool park_seal(const struct mreq *r, json_t *result);
/* Timers. */
void park_on_gather(struct delayq_node *node, void *arg);
void park_on_expiry(struct delayq_node *node, void *arg);
/* Puts R on X: it is waited for again. */
void mreq_attach(struct mreq *r, struct exchange *x, json_t *id, int log_level);

#endif
