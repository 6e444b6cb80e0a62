/* SPDX-License-Identifier: ISC */
/* store.h: tables of JSON values under string keys, which outlive the daemon.
 *
 * All values are in memory and are read from there. The kind "sqlite" also writes them to a
 * database: the values that were put in one turn of the loop are one transaction at the end of that
 * turn, before the loop sends answers. So a client that has an answer finds its session after a
 * kill -9. Tokens and secrets are synced to disk, because a rotated refresh token that is lost in a
 * power cut is a lost login; sessions are not.
 *
 * A store whose database cannot be used (disk full, locked, corrupt, wrong key) serves from memory,
 * does not overwrite what it could not read, and has the reason in store_trouble(). It tries again
 * where that can help. */
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

/* A callback that waits. Part of another object; nothing is allocated. */
struct store_waiter {
	TAILQ_ENTRY(store_waiter) link;
	void (*fn)(void *arg);
	void *arg;
	unsigned long round; /* the store's */
	bool queued;
};

/* CONF may be gone afterwards. A database that cannot be used is not an error here: see
 * store_trouble(). NULL with E filled on lack of memory. */
struct store *store_open(struct event_base *base, const struct config_store *conf, struct err *e);
/* Writes the values that are not written yet, and frees the store. No waiter may be queued. */
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
/* Calls W->fn whenever a database that could not be opened at the start was opened later, and its
 * values were added. */
void store_when_loaded(struct store *s, struct store_waiter *w);
/* Removes W, a waiter of either kind. */
void store_unwait(struct store *s, struct store_waiter *w);

/* NULL: all is well; else why nothing is written. */
const char *store_trouble(const struct store *s);
/* Whether anything is kept when the daemon ends. */
bool store_persistent(const struct store *s);
/* {"kind","path","trouble"}, a new reference: for `mcpctl status`. */
json_t *store_describe(const struct store *s);

#endif
