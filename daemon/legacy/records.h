/* SPDX-License-Identifier: ISC */
/* records.h: the records of sessions in the store: of open sessions, and of dormant ones, which are
 * from before the restart and were not resumed yet.
 *
 * A record has the time of the last request, but is not written for each request: it is brought up
 * to date every eighth of the idle time (or ten minutes), so a dormant session may live that much
 * longer.
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

/* All is borrowed for the life of the records. ISSUER: the issuer of the users, or NULL. IS_OPEN
 * tells open sessions from dormant ones. NULL on lack of memory. */
struct records *records_new(struct event_base *base, struct store *store,
			    const struct config_sessions *conf, const char *issuer,
			    bool (*is_open)(const char *id, void *arg), void *arg);
void records_free(struct records **r);

/* How often each open session is to be saved. */
int64_t records_interval_ms(const struct config_sessions *conf);
/* Saves S as it is now. A session that cannot be saved does not survive a restart. */
void records_save(struct records *r, const struct session *s);
/* Saves the log level of S alone, or its subscription to URI, which is new (ON) or gone. Writes
 * about the size of that change, not of the whole record. */
void records_save_level(struct records *r, const struct session *s);
void records_save_subscription(struct records *r, const struct session *s, const char *uri,
			       bool on);
/* Removes the record of S, which was closed. */
void records_end(struct records *r, const struct session *s);
/* Removes the record of the dormant session ID. */
void records_drop(struct records *r, const char *id);

/* The dormant session ID as its record tells (a new reference), if it is of this user (NULL:
 * unauthenticated) and path; NULL with E = ERR_NOTFOUND, which is also the
 * answer for an unknown id, or ERR_NOMEM. */
json_t *records_find(struct records *r, const char *id, const char *user, const char *path,
		     struct err *e);
/* ID was resumed: it is not dormant any more. */
void records_awake(struct records *r, const char *id);

size_t records_dormant(const struct records *r);
/* The id of the dormant session that PREFIX means: 0, ERR_NOTFOUND, or ERR_EXISTS if there are
 * several. Borrowed until it is dropped. */
int records_find_prefix(struct records *r, const char *prefix, const char **id_r, struct err *e);
/* Calls FN for each dormant session, oldest first; FN may drop it. */
void records_each(struct records *r, void (*fn)(const char *id, void *arg), void *arg);
/* The row of the dormant session ID for `mcpctl sessions list`, like session_describe(). NULL on
 * lack of memory, or where ID is not dormant any more. */
json_t *records_describe(struct records *r, const char *id);
/* The user of dormant ID, malloc'd; NULL: unauthenticated. */
char *records_user(struct records *r, const char *id);

#endif
