/* SPDX-License-Identifier: ISC */
/* bearer.h: one token of a client, as it was found good: it goes along with the request that it
 * came with, to whatever acts for that request.
 *
 * Shared by reference: by the exchange, the session or the pooled server (the token of its latest
 * request), the call, and what is sent to an upstream for it. What a token opened (a stream, a call
 * that waits) holds on to it and hears when it ends: with the token's life, its revocation, or the
 * user's logout. The text of the token is wiped with the last reference, and is never logged. */
#ifndef MCPD_BEARER_H
#define MCPD_BEARER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/digest.h"

struct bearer;

/* What is known of a token. Everything is borrowed, and copied by bearer_new(). */
struct bearer_spec {
	const char *token; /* as it came */
	const char *user;
	int64_t expires;    /* seconds since the epoch; 0: never */
	const char *issuer; /* NULL: the file of tokens */
	const char *scope;  /* words with spaces between; NULL: not said */
	json_t *audience;   /* an array of strings; NULL: not said; referenced */
	/* A text that is the same for all tokens of a user that allow the same. NULL: what TOKEN
	 * allows is not known, so that no other token counts as the same. */
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
/* See bearer_spec; where that has none, the token's own digest. Never NULL. */
const char *bearer_rights(const struct bearer *b);
const unsigned char *bearer_digest(const struct bearer *b); /* DIGEST_SIZE bytes */

/* Why a token is good no longer. */
enum bearer_end {
	BEARER_EXPIRED, /* its user may come back with a fresh one and go on */
	BEARER_REVOKED, /* it was withdrawn */
	BEARER_LOGOUT,	/* its user logged out */
};

/* What a token opened. */
struct bearer_hold {
	TAILQ_ENTRY(bearer_hold) link;
	struct bearer *bearer; /* NULL: holds none */
	/* The token ended; the hold was released before. */
	void (*ended)(enum bearer_end why, void *arg);
	void *arg;
};

/* H (whose fn and arg are set) hears of the end of B, which may be NULL: then nothing ends.
 * Whatever H held before is released. A token that has ended already is told of by nobody: ask
 * bearer_ended(). */
void bearer_hold(struct bearer_hold *h, struct bearer *b);
/* H hears nothing any more. Idempotent. */
void bearer_release(struct bearer_hold *h);
/* B has ended: everything that it opened hears so, once. */
void bearer_end(struct bearer *b, enum bearer_end why);
bool bearer_ended(const struct bearer *b);
/* For people: "the token has expired". */
const char *bearer_end_text(enum bearer_end why);

/* Who knows when B ends (auth_open.c). */
struct bearer_keeper {
	/* B has something open now (OPEN), or nothing any more. */
	void (*opened)(struct bearer *b, bool open, void *arg);
	/* The last reference went: B is being freed. */
	void (*gone)(struct bearer *b, void *arg);
};
/* One for each bearer; NULL: none any more. */
void bearer_keep(struct bearer *b, const struct bearer_keeper *keeper, void *arg);

#endif
