/* SPDX-License-Identifier: ISC */
/* session_fixture.h: a daemon's worth of sessions without HTTP and without children: real sessions,
 * transports, servers, views and calls between fake exchanges and a fake backend. */
#ifndef MCPD_TESTS_SESSION_FIXTURE_H
#define MCPD_TESTS_SESSION_FIXTURE_H

#include "fake_backend.h"
#include "fake_exchange.h"
#include "http/reply.h"
#include "legacy/session.h"
#include "legacy/sessions.h"
#include "legacy/transport.h"
#include "server/server.h"
#include "support.h"

#define JSON_ONLY REPLY_ACCEPT_JSON
#define BOTH	  (REPLY_ACCEPT_JSON | REPLY_ACCEPT_SSE)

extern struct fixture {
	struct event_base *base;
	struct config_sessions conf;
	struct config_limits limits;
	struct sessions *ss;
	struct registry *registry;
	struct backend *backend;
	struct view *view;
	const char *capabilities; /* of the clients to come */
	/* Inside the callbacks of the front, besides what a front does: 'n'otify, 'a'sk, 'e'nd,
	 * 's'end. */
	void (*in_front)(struct session *s, char what);
} fx;

/* cmocka's setup and teardown. Teardown fails when something is left: sessions, map entries, calls,
 * links, exchanges without an end. */
int fixture_open(void **state);
/* Replaces fx.ss, which has no session, by sessions that STORE keeps (NULL: nothing does), for
 * users of ISSUER (NULL: none). */
void fixture_sessions(struct store *store, const char *issuer);
int fixture_close(void **state);

/* A session of USER (NULL: unauthenticated). */
struct session *open_session(const char *user, enum mcp_rev rev);
/* The client POSTs a request; fake_answer() of it comes through the exchange. Ids count from 1. */
struct exchange *post(struct session *s, unsigned accept, const char *method, const char *params);
extern int last_id;
/* The client opens a GET stream. */
struct exchange *get(struct session *s);
/* A session that holds something of everything: a GET stream, a pending answer, one that became a
 * stream, an open question, a subscription, a log level that its backend has not confirmed, a
 * client that left. */
struct session *busy_session(const char *user);
/* A question that counts its end. */
struct question *counted_question(const char *method);
extern int questions_ended;

size_t count_sessions(void);
/* All three maps and the peers' counts are empty. */
void assert_maps_empty(void);

#endif
