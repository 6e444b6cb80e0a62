/* SPDX-License-Identifier: ISC */
/* users.h: users, and what belongs to a user beyond one session: tokens, secrets, limits and
 * counts.
 *
 * A user is a string: a claim of the configured issuer, or a name in the file of tokens. Tokens and
 * secrets are in the store; limits and counts are in memory. */
#ifndef MCPD_USERS_H
#define MCPD_USERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "lib/err.h"

struct event_base;
struct store;
struct users;

struct user_token {
	const char *access;
	const char *refresh; /* NULL: none */
	int64_t expires;     /* seconds since the epoch; 0: never */
	const char *issuer;  /* NULL: of the file of tokens */
	const char *scope;   /* NULL: none */
	json_t *audience;    /* the audience; NULL: not said */
	const char *rights;  /* see bearer.h; NULL: not known */
};

/* The arguments of users_new(). The struct is copied. The objects that its pointers name are
 * borrowed and have to outlive the users. */
struct users_deps {
	struct event_base *base;
	struct store *store;
	const struct config_sessions *conf;
	const char *issuer; /* whose tokens count, NULL where there is none; a token of another
			       issuer is as if unknown */
	/* Closes the sessions of a user who logs out, and returns their number. NULL: there are no
	 * sessions. */
	size_t (*logout)(const char *user, void *arg);
	void *arg;
};

/* NULL on lack of memory. */
struct users *users_new(const struct users_deps *deps);
void users_free(struct users **us);

/* USER was authenticated with TOKEN (borrowed): the first one is stored, a newer one (it expires
 * later, or is of another issuer) takes its place. A refresh token that is there stays where TOKEN
 * has none. Cheap when nothing is new. 0 or ERR_NOMEM. */
int users_seen(struct users *us, const char *user, const struct user_token *token);
/* A new session of USER: logs "User USER reconnecting" when a token was stored by an earlier one.
 */
void users_session(struct users *us, const char *user);
/* NULL without one. Borrowed until the next turn. */
const struct user_token *users_token(struct users *us, const char *user);

/* Removes USER's tokens and closes the sessions. Logs the counts. Returns how many sessions there
 * were; ERR_NOTFOUND when there was neither. */
int users_logout(struct users *us, const char *user);

/* Forgets tokens that have expired and cannot be refreshed, and logs how many; by itself each
 * minute. */
void users_sweep(struct users *us);

/* Users with tokens. */
size_t users_count(const struct users *us);

/* Secrets that the operator keeps for USER towards BACKEND. 0, ERR_NOMEM or ERR_NOTFOUND. */
int users_secret_set(struct users *us, const char *user, const char *backend, const char *secret);
int users_secret_unset(struct users *us, const char *user, const char *backend);
/* The secret, malloc'd; NULL without one. The caller wipes it. */
char *users_secret(struct users *us, const char *user, const char *backend);

/* Calls FN for every user who has tokens, secrets, or calls in flight. */
void users_each(struct users *us, void (*fn)(const char *user, void *arg), void *arg);
/* For `mcpctl users list`: user, token (BOOLEAN), expires_ms, calls, secrets (names of backends). A
 * new reference; NULL: no such user, or lack of memory. Never a token or a secret. */
json_t *users_describe(struct users *us, const char *user);

/* May USER begin N more calls? 0, and they count in the minute; or ERR_LIMIT with the text for the
 * client and the seconds after which it may try again. A NULL user has no limits. */
int users_admit(struct users *us, const char *user, unsigned n, unsigned *retry_r, struct err *e);
/* A call of USER (may be NULL) is in flight; it has ended. */
void users_call_begun(struct users *us, const char *user);
void users_call_ended(struct users *us, const char *user);

#endif
