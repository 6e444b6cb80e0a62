/* SPDX-License-Identifier: ISC */
/* registry.h: the three maps of sessions (id to session, id to user, and whose capabilities are
 * known), how many sessions each peer address has, and the counts. Only the first map is asked for
 * what it holds; the other two are counted, so that a session that is closed by half is seen.
 *
 * The maps are separate because a session that is half closed is in some of them only, and the
 * counts have to be right at every point. The registry does not use the members of a session. */
#ifndef MCPD_REGISTRY_H
#define MCPD_REGISTRY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/err.h"
#include "lib/hash.h"

struct registry;
struct session;

#define REGISTRY_ID_SIZE 33 /* 32 hex digits: 128 bits of getrandom(2) */

/* Part of a session: its place in the session map. */
struct registry_entry {
	char id[REGISTRY_ID_SIZE];
	struct session *session;
	UT_hash_handle hh;
	TAILQ_ENTRY(registry_entry) order; /* oldest first */
};

struct registry_counts {
	size_t sessions; /* entries of the session map */
	size_t users;	 /* users with tokens */
	size_t user_map; /* entries of the session-to-user map */
	size_t caps_map; /* entries of the session-capabilities map */
	uint64_t opened; /* ever */
};

/* COUNT_USERS(ARG) counts users with tokens; NULL: there are none. NULL on lack of memory. */
struct registry *registry_new(size_t (*count_users)(const void *arg), const void *arg);
void registry_free(struct registry **r);

/* Writes a fresh id. 0 or ERR_IO. */
int registry_make_id(char id_r[REGISTRY_ID_SIZE], struct err *e);

/* The session map. ENTRY is filled in by the caller and belongs to it. 0, ERR_EXISTS or ERR_NOMEM.
 */
int registry_add(struct registry *r, struct registry_entry *entry);
/* 0 or ERR_NOTFOUND. */
int registry_remove(struct registry *r, struct registry_entry *entry);
struct session *registry_find(struct registry *r, const char *id);
/* The entry after ENTRY, oldest first; the first for NULL; NULL at the end. */
struct registry_entry *registry_next(struct registry *r, struct registry_entry *entry);

/* The session-to-user map, which is only counted, as the count of a user's sessions is kept by it;
 * who the user of a session is, the session itself says. USER is copied. A session without a user
 * has no entry, and removing what is not there is no error. */
int registry_bind_user(struct registry *r, const char *id, const char *user);
void registry_unbind_user(struct registry *r, const char *id);

/* How many sessions USER has. */
size_t registry_user_count(struct registry *r, const char *user);

/* The session-capabilities map: which sessions said what their client is capable of. It is only
 * counted; what was said, the session itself keeps. 0 or ERR_NOMEM. */
int registry_add_caps(struct registry *r, const char *id);
void registry_drop_caps(struct registry *r, const char *id);

/* How many sessions there are from PEER. */
int registry_peer_add(struct registry *r, const char *peer);
void registry_peer_drop(struct registry *r, const char *peer);
size_t registry_peer_count(struct registry *r, const char *peer);

void registry_counts(const struct registry *r, struct registry_counts *counts_r);
/* "Active sessions: N, Active users: M": the one place where this line is made. Returns BUF. */
const char *registry_counts_line(const struct registry *r, char *buf, size_t size);

#endif
