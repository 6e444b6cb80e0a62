/* SPDX-License-Identifier: ISC */
/* records.h: the records of sessions in the store: of those that are open, and of those of an
 * earlier life of the daemon whose clients have not come back yet. The latter are called dormant.
 *
 * A record says when its session was last heard of, but is not written for that alone: it is looked
 * after every eighth of the idle time (or ten minutes). So much longer a dormant session may live.
 */
#ifndef MCPD_RECORDS_H
#define MCPD_RECORDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "lib/err.h"

struct event_base;
struct records;
struct session;
struct session_past;
struct store;

/* All is borrowed for the life of the records. ISSUER: whose users are meant, or NULL. IS_OPEN
 * tells open sessions from dormant ones. NULL on lack of memory. */
struct records *records_new(struct event_base *base, struct store *store,
			    const struct config_sessions *conf, const char *issuer,
			    bool (*is_open)(const char *id, void *arg), void *arg);
void records_free(struct records **r);

/* How often each open session is to be saved. */
int64_t records_interval_ms(const struct config_sessions *conf);
/* S as it is now. What cannot be saved will not survive; nothing else depends on it. */
void records_save(struct records *r, const struct session *s);
/* Of what S keeps, its log level or its subscription to URI alone, which is new (ON) or gone:
 * writes about as much as that takes, however much else S keeps. */
void records_save_level(struct records *r, const struct session *s);
void records_save_subscription(struct records *r, const struct session *s, const char *uri,
			       bool on);
/* S, which is open, is really gone. */
void records_end(struct records *r, const struct session *s);
/* The dormant session ID is really gone. */
void records_drop(struct records *r, const char *id);

/* The dormant session ID as its record tells (a new reference), if it is of this user (NULL:
 * unauthenticated) and path; NULL with E = ERR_NOTFOUND as for one that was never there, or
 * ERR_NOMEM. */
json_t *records_find(struct records *r, const char *id, const char *user, const char *path,
		     struct err *e);
/* ID is open again. */
void records_awake(struct records *r, const char *id);

size_t records_dormant(const struct records *r);
/* The id of the dormant session that PREFIX means: 0, ERR_NOTFOUND, or ERR_EXISTS if there are
 * several. Borrowed until it is dropped. */
int records_find_prefix(struct records *r, const char *prefix, const char **id_r, struct err *e);
/* Calls FN for each dormant session, oldest first; FN may drop it. */
void records_each(struct records *r, void (*fn)(const char *id, void *arg), void *arg);
/* Its row for `mcpctl sessions list`, like session_describe(). NULL on lack of memory, or when it
 * went. */
json_t *records_describe(struct records *r, const char *id);
/* The user of dormant ID, malloc'd; NULL: unauthenticated. */
char *records_user(struct records *r, const char *id);

#endif
