/* SPDX-License-Identifier: ISC */
/* bearer.h: one valid token of a client. The token goes along with its request to each part that
 * acts for the request.
 *
 * References are held by the exchange, the session or pooled server (the token of its latest
 * request), the call, and the request to an upstream. A stream or a waiting call that a token
 * opened has a bearer_hold, which is told when the token expires, is revoked, or its user logs out.
 * The text of the token is wiped with the last reference, and is never logged. */
#ifndef MCPD_BEARER_H
#define MCPD_BEARER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/digest.h"

struct bearer;

/* A token and its claims. Everything is borrowed, and copied by bearer_new(). */
struct bearer_spec {
	const char *token; /* as it came */
	const char *user;
	int64_t expires;    /* seconds since the epoch; 0: never */
	const char *issuer; /* NULL: the file of tokens */
	const char *scope;  /* words with spaces between; NULL: not said */
	json_t *audience;   /* an array of strings; NULL: not said; referenced */
	/* A text that all tokens of a user with equal rights have in common. NULL: the rights of
	 * TOKEN are not known, so no other token counts as equal. */
	const char *rights;
};

/* One reference. NULL on lack of memory. */
struct bearer *bearer_new(const struct bearer_spec *spec);
/* One reference more; returns B, which may be NULL. */
struct bearer *bearer_ref(struct bearer *b);
/* One less; *B (which may be NULL) becomes NULL. */
void bearer_unref(struct bearer **b);
/* *AT refers to B from now on (either may be NULL), and no longer to what it referred to. */
void bearer_set(struct bearer **at, struct bearer *b);

/* Borrowed as long as the reference. */
const char *bearer_token(const struct bearer *b);
const char *bearer_user(const struct bearer *b);
const char *bearer_scope(const struct bearer *b); /* NULL: not said */
const json_t *bearer_audience(const struct bearer *b);
int64_t bearer_expires(const struct bearer *b); /* seconds since the epoch; 0: never */
/* The rights of bearer_spec; where the spec had none, the digest of the token. Never NULL. */
const char *bearer_rights(const struct bearer *b);
const unsigned char *bearer_digest(const struct bearer *b); /* DIGEST_SIZE bytes */

/* Why a token is not valid any more. */
enum bearer_end {
	BEARER_EXPIRED, /* the user may go on with a fresh token */
	BEARER_REVOKED, /* the issuer or an operator revoked the token */
	BEARER_LOGOUT,	/* its user logged out */
};

/* Anything that a token opened and that ends with the token: a session, a request, a stream. */
struct bearer_hold {
	TAILQ_ENTRY(bearer_hold) link;
	struct bearer *bearer; /* NULL: holds none */
	/* The token ended; the hold was released before. */
	void (*ended)(enum bearer_end why, void *arg);
	void *arg;
};

/* Calls H->ended (set by the caller, like H->arg) once when B ends; with B = NULL, never. H
 * releases the bearer that it held before. Where B has ended already H is not called: ask
 * bearer_ended(). */
void bearer_hold(struct bearer_hold *h, struct bearer *b);
/* H->ended is not called any more. Idempotent. */
void bearer_release(struct bearer_hold *h);
/* B has ended: calls each hold of B once. */
void bearer_end(struct bearer *b, enum bearer_end why);
bool bearer_ended(const struct bearer *b);
/* For people: "the token has expired". */
const char *bearer_end_text(enum bearer_end why);

/* The part that watches for the end of a bearer (auth_open.c). */
struct bearer_keeper {
	/* B got its first hold (OPEN), or lost its last one. */
	void (*opened)(struct bearer *b, bool open, void *arg);
	/* The last reference went: B is being freed. */
	void (*gone)(struct bearer *b, void *arg);
};
/* Sets the one keeper of B; NULL takes the keeper away. */
void bearer_keep(struct bearer *b, const struct bearer_keeper *keeper, void *arg);

#endif
