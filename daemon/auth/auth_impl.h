/* SPDX-License-Identifier: ISC */
/* auth_impl.h: the parts of auth.h: auth.c gets the requests, the auth_*.c files judge the tokens.
 */
#ifndef MCPD_AUTH_IMPL_H
#define MCPD_AUTH_IMPL_H

#include <sys/queue.h>

#include <event2/event_struct.h>

#include "auth/auth.h"
#include "auth/claims.h"
#include "auth/issuer.h"
#include "auth/tokens.h"
#include "base/bearer.h"
#include "base/stopping.h"
#include "config/config.h"
#include "http/outage.h"
#include "lib/digest.h"

enum auth_result {
	AUTH_GOOD,
	AUTH_BAD,	  /* 401: invalid_token */
	AUTH_UNAVAILABLE, /* 503: the issuer cannot be asked, or there is no memory */
	AUTH_BUSY,	  /* 503 or 429: too many wait already (auth.maxWaiting) */
	AUTH_WAIT,
};

/* A request of which only the head is here: auth_precheck(). */
struct auth_ask {
	struct auth_waiter *waiter; /* NULL: does not wait */
	auth_early_fn fn;
	void *arg;
	char *holder; /* whose place a wait takes; NULL: nobody's */
	bool inside;  /* in auth_precheck(), which tells ANSWER itself */
	enum auth_early answer;
	char token[];
};

/* A token to which the issuer gave an answer that cannot be used. */
struct auth_doubtful {
	unsigned char digest[DIGEST_SIZE];
	struct outage outage;
};
#define AUTH_DOUBTFUL 64

/* A request that waits until its token is known. */
struct auth_waiter {
	TAILQ_ENTRY(auth_waiter) link;
	struct auth_queue *queue;
	struct exchange *x;   /* NULL: of ASK alone */
	struct auth_ask *ask; /* NULL: of X */
	const char *name;
	const char
		*token; /* of a request that has not waited; NULL: look in X, which may be gone */
	auth_fn fn;
	void *arg;
	char *holder; /* whose place it has; NULL: nobody's */
};

struct auth_queue {
	TAILQ_HEAD(, auth_waiter) waiters;
	struct auth *auth;
};

struct auth {
	struct event_base *base;
	struct httpc *httpc;
	const struct config *conf;
	struct claims_cache *cache;
	struct tokens *tokens;	    /* of mode tokens */
	struct issuer *issuer;	    /* of the others */
	struct auth_queue for_keys; /* of mode jwt */
	struct inquiry *inquiries;  /* of mode introspect, by digest */
	struct outage outage;	    /* of asking about tokens at all */
	struct outage odd;	    /* only for the log: of answers that are of no use */
	struct auth_doubtful doubtful[AUTH_DOUBTFUL]; /* the latest ones */
	size_t next_doubtful;			      /* the place of the next one */
	struct auth_open *open; /* tokens that something refers to, by digest */
	struct event look;	/* of mode tokens: the file is to be looked at */
	size_t n_open;		/* of them, those that have something open */
	bool doubt;		/* of mode jwt: some are to be verified again */
	struct share *waiting;	/* places of all waiters */
	/* auth_introspect_again(), for auth_open.c, which that calls back. */
	int (*ask_again)(struct auth *a, const char *token,
			 const unsigned char digest[DIGEST_SIZE]);
	const struct stopping *stopping; /* NULL: the daemon never goes down */
};

/* The result of looking for a token in the headers of a request. */
enum auth_found {
	AUTH_FOUND_ONE,
	AUTH_FOUND_NONE,
	AUTH_FOUND_MALFORMED,
	AUTH_FOUND_TWO,
	AUTH_FOUND_BOUND, /* sent with a scheme that proves possession of a key */
};
/* auth_token.c. AUTH_FOUND_ONE with the token of H in *TOKEN_R (borrowed), or what is wrong with
 * the request. */
enum auth_found auth_token_in_head(const struct auth_head *h, const char **token_r);
enum auth_found auth_token_of(struct exchange *x, const char **token_r);
/* Whether TEXT has the form of a token (RFC 6750 section 2.1: b64token). */
bool auth_token_ok(const char *text);

/* auth_queue.c. Makes W (copied, but for its token) wait in Q. AUTH_WAIT; AUTH_BUSY when too many
 * wait already, in all or of its holder; or AUTH_UNAVAILABLE. */
enum auth_result auth_wait(struct auth_queue *q, const struct auth_waiter *w);
/* Whether auth_wait() would find a place for W. */
bool auth_has_room(struct auth *a, const struct auth_waiter *w);
/* Takes the first one out of Q into W_R (its exchange is nobody's then); false when Q is empty. */
bool auth_next(struct auth_queue *q, struct auth_waiter *w_r);
/* auth_conclude.c. Ends W: answers it, or hands it over with CLAIMS (for AUTH_GOOD). WHY is for the
 * client. */
void auth_conclude(struct auth *a, const struct auth_waiter *w, enum auth_result result,
		   const struct claims *claims, const char *why);

/* Verifies TOKEN with its issuer's keys. AUTH_GOOD: *CLAIMS_R is borrowed from the cache. WHY_R:
 * see auth_conclude(). */
enum auth_result auth_jwt(struct auth *a, const char *token,
			  const unsigned char digest[DIGEST_SIZE], const struct claims **claims_r,
			  const char **why_r);
/* Asks the issuer about W's TOKEN, which waits or is concluded. */
void auth_introspect(struct auth *a, const char *token, const unsigned char digest[DIGEST_SIZE],
		     const struct auth_waiter *w);
/* Asks the issuer about TOKEN again, for auth_open_checked(). 0; ERR_NOMEM; ERR_IO: the URL to ask
 * is not known, or asking failed and is not tried again yet (outage.h). */
int auth_introspect_again(struct auth *a, const char *token,
			  const unsigned char digest[DIGEST_SIZE]);
/* Concludes all that wait for an answer of the issuer: there will be none. */
void auth_introspect_stop(struct auth *a);

/* Reads the members that JWTs and introspection answers have in common out of the object SAID.
 * NULL, or what is wrong with them. */
const char *auth_read_claims(const struct config_auth *conf, const json_t *said, int64_t now,
			     bool needs_expiry, struct claims *claims_r);
/* Whether the audience of CLAIMS has the place NAME in it. */
bool auth_audience_ok(const struct config_auth *conf, const struct claims *claims,
		      const char *name);

/* auth_open.c: ends streams and calls together with the tokens that opened them. */
void auth_open_init(struct auth *a);
void auth_open_fini(struct auth *a);
/* The one bearer for the token that SPEC is about, with one reference more; NULL on lack of memory.
 */
struct bearer *auth_bearer(struct auth *a, const struct bearer_spec *spec);
/* The issuer was asked about the token with DIGEST. CLAIMS: what it says, for AUTH_GOOD. */
void auth_open_checked(struct auth *a, const unsigned char digest[DIGEST_SIZE],
		       enum auth_result result, const struct claims *claims);
/* The issuer has other keys, and some may be LOST: verifies the open tokens again. */
void auth_open_verify(struct auth *a, bool lost);
/* The file of tokens has changed: in a later turn everything that is open is compared with it. ARG:
 * the auth. */
void auth_open_look_soon(void *arg);

/* Ends X with STATUS and the challenge. ERROR, WHY, SCOPE may be NULL. */
void auth_refuse(struct auth *a, struct exchange *x, const char *name, int status,
		 const char *error, const char *why, const char *scope);

#endif
