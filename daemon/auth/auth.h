/* SPDX-License-Identifier: ISC */
/* auth.h: finds the user of each request by its bearer token (RFC 6750).
 *
 * The claims of a token are found once (in a file, by verifying a JWT, or by asking the issuer) and
 * remembered by the token's SHA-256 until the token expires. The token itself goes along with its
 * request (bearer.h), and is never logged. A refused request is answered here, with the challenges
 * of RFC 6750 and RFC 9728. */
#ifndef MCPD_AUTH_H
#define MCPD_AUTH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

struct auth;
struct bearer;
struct config;
struct event_base;
struct exchange;
struct httpc;
struct stopping;
struct view;

/* Valid during the callback. */
struct auth_identity {
	const char *user;
	const char *token;     /* as it came */
	int64_t expires;       /* seconds since the epoch; 0: never */
	const char *issuer;    /* NULL: of the file of tokens */
	const char *scope;     /* with spaces between; NULL: none */
	json_t *audience;      /* an array of strings; NULL: not said */
	const char *rights;    /* see bearer.h; NULL: not known */
	struct bearer *bearer; /* the token, to go along with the request */
};

/* X was sent by ID. */
typedef void (*auth_fn)(struct exchange *x, const struct auth_identity *id, void *arg);

/* Everything is borrowed. Once STOPPING says that the daemon is going down, no request waits; NULL:
 * the daemon never does. NULL with E filled; also for the mode "none", where there is nothing to
 * do: then E says so with code 0. */
struct auth *auth_new(struct event_base *base, struct httpc *h, const struct config *conf,
		      const struct stopping *stopping, struct err *e);
/* The daemon is going down: answers the requests that wait with 503. A may be NULL. */
void auth_stop(struct auth *a);
void auth_free(struct auth **a);

/* X asks for the place NAME of the endpoint ("": the one that serves all; borrowed until the
 * end of the endpoint). FN gets X with its user, now or later. A refused X is answered here: 401
 * without a valid token, 400 for two tokens, 503 where the issuer cannot be asked now. */
void auth_check(struct auth *a, struct exchange *x, const char *name, auth_fn fn, void *arg);

/* auth_precheck() tells by the head of a request, before its body is read, whether auth_check()
 * will find a good token. AUTHORIZATION is the first of N such headers, terminated; QUERY may be
 * NULL. HOLDER has the place among those that wait, and is NULL where the address of the client has
 * no share. */
struct auth_head {
	const char *authorization, *query, *holder;
	unsigned n;
};
struct auth_ask;
enum auth_early { AUTH_EARLY_PASS, AUTH_EARLY_REFUSED, AUTH_EARLY_WAIT };
/* CODE 0: the token is good. Else auth_check() will refuse the request for this reason, once its
 * exchange has CODE and WHY as its verdict (exchange_verdict()). */
typedef void (*auth_early_fn)(int code, const char *why, void *arg);
/* For AUTH_EARLY_WAIT FN is called later, once, and *ASK_R can be cancelled until then. */
enum auth_early auth_precheck(struct auth *a, const struct auth_head *h, const char *name,
			      auth_early_fn fn, void *arg, struct auth_ask **ask_r);
void auth_precheck_cancel(struct auth_ask *ask);

#define AUTH_MAX_SCOPE 2048 /* bytes of the scopes that a challenge shows */

/* The scopes that one request takes. */
struct auth_needs {
	const struct auth_identity *id; /* borrowed */
	bool lacks;			/* ID does not have all of them */
	char all[AUTH_MAX_SCOPE];	/* with spaces between, for the challenge */
};
/* Fills N for a request of ID with the scopes that are asked of every request ("scopes"). */
void auth_needs_begin(struct auth *a, const struct auth_identity *id, struct auth_needs *n);
void auth_needs_scope(struct auth_needs *n, const char *scope);
/* Whether the identity has what N lists. False: X, at the place NAME, was answered with 403. */
bool auth_admit(struct auth *a, struct exchange *x, const char *name, const struct auth_needs *n);

/* Of "/.well-known/oauth-protected-resource" and what follows it (RFC 9728). IS_PLACE tells whether
 * there is a place NAME. False: there is nothing; X was not answered. */
bool auth_metadata(struct auth *a, struct exchange *x,
		   bool (*is_place)(const char *name, void *arg), void *arg);

/* X is to be answered with a challenge (RFC 6750 section 3) for the error code ERROR; WHY is for
 * people; SCOPE (may be NULL) is what the token has to have. Sets the headers. */
void auth_challenge(struct auth *a, struct exchange *x, const char *name, const char *error,
		    const char *why, const char *scope);
/* Sets the headers of a challenge for a token that lacks SCOPE at a backend. The challenge names
 * the scopes that the token has, too: a client that asks for what the challenge names loses none.
 */
void auth_step_up(struct auth *a, struct exchange *x, const char *name, const char *why,
		  const char *scope);

/* USER logged out: ends the streams and calls that tokens of USER opened. A may be NULL. */
void auth_logout(struct auth *a, const char *user);

/* The file of mode "tokens", for mcpctl: NULL in other modes. */
struct tokens *auth_tokens(struct auth *a);

#endif
