/* SPDX-License-Identifier: ISC */
/* credentials_impl.h: the parts of credentials.h: credentials.c (where one comes from), granted.c
 * (tokens that an issuer gives) and credentials_line.c. For these alone. */
#ifndef MCPD_CREDENTIALS_IMPL_H
#define MCPD_CREDENTIALS_IMPL_H

#include <event2/event_struct.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/mask.h"
#include "config/config_backend.h"
#include "credentials/credentials.h"
#include "credentials/grant.h"
#include "http/backoff.h"
#include "http/fetch.h"
#include "lib/hash.h"
#include "store/store.h"

/* A token for one user (NULL: the daemon itself) of one issuer, for one purpose, given for tokens
 * of the user that allow the same. */
struct granted {
	UT_hash_handle hh; /* by key */
	struct credentials *cs;
	const struct config_credential *conf;
	char *user;
	char *key;	    /* in the store, too */
	struct grant token; /* the latest one; access NULL: none */
	int64_t since;	    /* seconds since the epoch: when it was granted */
	enum grant_kind asking;
	struct fetch *fetch;	     /* a request at the issuer */
	struct mask sent;	     /* the secrets of the latest one */
	struct store_waiter durable; /* a new token is on its way to the disk */
	bool queued;		/* waits until the issuer is done with this user's other tokens */
	bool own;		/* of the daemon itself, not of requests */
	bool used;		/* since it was granted */
	struct bearer *subject; /* the latest token of the user that came; NULL: none, or the
				   daemon's own */
	struct bearer *refused_subject; /* the one that the issuer refused; NULL: none */
	struct err why;			/* of the last failure */
	struct backoff wait;		/* after failures in a row */
	int64_t not_before;		/* clock_ms() of the next attempt */
	int64_t disputed_at;		/* clock_ms() when a backend refused one; 0: never */
	struct event timer;		/* 80 % of its life, or its end */
	TAILQ_HEAD(, credential_wait) waits;
	unsigned round;
};

struct credential_wait {
	TAILQ_ENTRY(credential_wait) link;
	struct granted *g;
	unsigned round; /* when it came */
	credential_fn fn;
	void *arg;
	struct credential_wait **self;
};

struct credentials {
	struct event_base *base;
	struct httpc *httpc;
	struct store *store; /* may be NULL */
	struct users *users; /* may be NULL */
	struct granted *granted;
	struct store_waiter loaded;
};

/* granted.c */
/* The one by CONF for all tokens of USER that allow what SUBJECT does (NULL: for the daemon itself,
 * in the place of USER or, where USER is NULL too, of nobody), made if need be and filled from the
 * store. NULL on lack of memory. */
struct granted *granted_find(struct credentials *cs, const struct config_credential *conf,
			     const char *user, const struct bearer *subject);
/* SUBJECT (NULL for the daemon itself): the token of the user that one is asked for with, where
 * that has to be. */
void granted_get(struct granted *g, struct bearer *subject, credential_fn fn, void *arg,
		 struct credential_wait **wait_r);
/* The token in LINE was refused by a backend. Whether there is another one, or could be. */
bool granted_dispute(struct granted *g, const char *line);
/* RECORD, under KEY in the store, goes if it is a granted token that is long over. */
void granted_sweep(struct credentials *cs, const char *key, const json_t *record);
/* The user logged out. */
void granted_forget(struct granted *g);
void granted_free(struct granted *g);
/* What the keys of USER's tokens begin with; malloc'd, NULL on lack of memory. */
char *granted_prefix(const char *user);

/* credentials_line.c */
/* Calls FN with an error. */
void credentials_fail(credential_fn fn, void *arg, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Whether BEARER is another token than the one in LINE. */
bool credentials_is_newer(const struct bearer *bearer, const char *line);
/* Whether B (may be NULL) has expired. */
bool credentials_expired(const struct bearer *b);
/* Calls FN with SECRET as CONF says it is sent. */
void credentials_tell(const struct config_credential *conf, const char *secret, credential_fn fn,
		      void *arg);

#endif
