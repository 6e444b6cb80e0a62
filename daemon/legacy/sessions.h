/* SPDX-License-Identifier: ISC */
/* sessions.h: all sessions of the daemon and the three maps: id to session, id to user, id to the
 * client's capabilities; the counts; idle time; the limits. */
#ifndef MCPD_SESSIONS_H
#define MCPD_SESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "legacy/registry.h"
#include "legacy/session.h"
#include "lib/err.h"

struct event_base;
struct records;
struct sessions;
struct store;
struct users;

/* The arguments of sessions_new(). The struct itself is not kept. The objects that its pointers
 * name are borrowed and have to outlive the sessions. */
struct sessions_deps {
	struct event_base *base;
	const struct config_sessions *conf;
	const struct config_limits *limits;
	struct users *users; /* whose tokens are counted, and who are logged when they come back;
				NULL: none */
	struct store *store; /* keeps sessions beyond the daemon's end; NULL: no session is kept */
	const char *issuer;  /* of the users; NULL: none */
};

/* NULL on lack of memory. */
struct sessions *sessions_new(const struct sessions_deps *deps);
/* All sessions must have been closed. */
void sessions_free(struct sessions **ss);

/* The environment for session_open(). */
struct session_env *sessions_env(struct sessions *ss);

/* Whether one more session like CONF may be opened. 0; ERR_LIMIT: there are too many in all;
 * ERR_DENIED: this user or holder has too many; both with the text for the client. No session is
 * evicted for a new one. */
int sessions_admit(struct sessions *ss, const struct session_conf *conf, struct err *e);

/* The session with this id, NULL if there is none. */
struct session *sessions_find(struct sessions *ss, const char *id);
/* Resumes the dormant session ID, if its user and path are those of LIKE; the rest of LIKE is its
 * view, peer and front. 0; ERR_NOTFOUND; or, where ID stays dormant, the codes of sessions_admit()
 * (not asked where ENDING says that the session will be closed at once) or ERR_NOMEM. */
int sessions_restore(struct sessions *ss, const char *id, const struct session_conf *like,
		     bool ending, struct session **s_r, struct err *e);
/* The records with the dormant sessions; NULL: there is no store. */
struct records *sessions_dormant(struct sessions *ss);
/* Closes the dormant session ID: logs it and the counts. */
void sessions_close_dormant(struct sessions *ss, const char *id);
/* Closes USER's sessions, dormant ones too; how many. */
size_t sessions_logout(struct sessions *ss, const char *user);

/* By a unique prefix of the id. ERR_NOTFOUND, or ERR_EXISTS when it is not unique. */
int sessions_find_prefix(struct sessions *ss, const char *prefix, struct session **s_r,
			 struct err *e);
/* Calls FN for each, oldest first; FN may close any of them. */
void sessions_each(struct sessions *ss, void (*fn)(struct session *s, void *arg), void *arg);
void sessions_counts(const struct sessions *ss, struct registry_counts *counts_r);

/* "Active sessions: N, Active users: M": the one place where this line is made, for the log and
 * for mcpctl. Returns BUF. */
const char *sessions_counts_line(const struct sessions *ss, char *buf, size_t size);

/* Closes all: logs "Closing N active sessions...", each close, then "All transports closed". */
void sessions_close_all(struct sessions *ss, enum close_reason reason);

#endif
