/* SPDX-License-Identifier: ISC */
/* store.h: what outlives the daemon: tables of JSON values under string keys.
 *
 * All of it is in memory and is served from there; the kind "sqlite" writes it behind. What is put
 * in one turn of the loop is one transaction at the end of that turn, before the loop sends
 * anything: who has got an answer finds its session again after a kill -9. Sessions cost no fsync;
 * tokens and secrets do, because losing a rotated refresh token in a power cut is a lost login.
 *
 * A store in trouble (disk full, locked, corrupt, wrong key) keeps serving from memory, overwrites
 * nothing that it could not read, and says why in store_trouble(). It tries again by itself where
 * that can help. */
#ifndef MCPD_STORE_H
#define MCPD_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "config/config.h"
#include "lib/err.h"

struct event_base;
struct store;

/* Values of tokens and secrets are sealed (AES-256-GCM, bound to table and key), on disk and in
 * memory. */
enum store_table { STORE_SESSIONS, STORE_TOKENS, STORE_SECRETS, STORE_CHILDREN, STORE_PARTS };
#define STORE_TABLES 5

/* Somebody who waits. Part of another object; nothing is allocated. */
struct store_waiter {
	TAILQ_ENTRY(store_waiter) link;
	void (*fn)(void *arg);
	void *arg;
	unsigned long round; /* the store's */
	bool queued;
};

/* CONF may be gone afterwards. A database that cannot be used is no failure: the store is in
 * trouble then. NULL with E filled on lack of memory. */
struct store *store_open(struct event_base *base, const struct config_store *conf, struct err *e);
/* Writes what is not written yet. Nobody may wait any more. */
void store_close(struct store **s);

/* Sets KEY to VALUE (borrowed): visible at once, written at the end of the turn. 0 or ERR_NOMEM. */
int store_put(struct store *s, enum store_table table, const char *key, const json_t *value);
/* 0, also when there was nothing; or ERR_NOMEM. */
int store_delete(struct store *s, enum store_table table, const char *key);
/* A new reference; NULL when there is none (E: ERR_NOTFOUND), when it was tampered with
 * (ERR_DENIED) or on lack of memory (ERR_NOMEM). E may be NULL. */
json_t *store_get(struct store *s, enum store_table table, const char *key, struct err *e);
/* Calls FN for each readable value; FN may put and delete. */
void store_each(struct store *s, enum store_table table,
		void (*fn)(const char *key, json_t *value, void *arg), void *arg);

/* Whether something was put that is not written: in this turn, or because of trouble. */
bool store_unwritten(const struct store *s);
/* Calls W->fn, never from inside this call, once everything that was put so far is written
 * (tokens and secrets: on disk for good), or it is known that it cannot be written now. */
void store_when_durable(struct store *s, struct store_waiter *w);
/* Calls W->fn whenever values of an earlier life come to those that are there already: when a
 * database could be opened only later. */
void store_when_loaded(struct store *s, struct store_waiter *w);
/* Of either kind. */
void store_unwait(struct store *s, struct store_waiter *w);

/* NULL: all is well; else why nothing is written. */
const char *store_trouble(const struct store *s);
/* Whether anything is kept when the daemon ends. */
bool store_persistent(const struct store *s);
/* {"kind","path","trouble"}, a new reference: for `mcpctl status`. */
json_t *store_describe(const struct store *s);

#endif
