/* SPDX-License-Identifier: ISC */
/* session.h: one client's conversation. Owns exactly one server and one transport.
 *
 * session_close() is the only way a session ends, whatever the reason; its steps, their order and
 * their log lines are the product (DESIGN, "Closing a session"). Closing never frees. */
#ifndef MCPD_SESSION_H
#define MCPD_SESSION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "lib/err.h"
#include "lib/protocol.h"

struct bearer;
struct delayq;
struct delayq_node;
struct event_base;
struct registry;
struct registry_entry;
struct server;
struct server_front;
struct share;
struct stream_env;
struct caller;
struct config_limits;
struct session;
struct sessions;
struct transport;
struct users;
struct view;

enum close_reason {
	CLOSE_CLIENT,	/* DELETE */
	CLOSE_OPERATOR, /* mcpctl session close */
	CLOSE_IDLE,
	CLOSE_LOGOUT,
	CLOSE_SHUTDOWN,
	CLOSE_FAILED, /* it could not be set up */
};

/* A step of closing and what the log says of it: DONE takes the id, FAILED the id and the reason;
 * NULL: the step speaks for itself. */
struct session_step {
	struct cleanup_step step;
	const char *done, *failed;
};
#define SESSION_STEPS 7
/* The steps in their order. Their context is the session. */
extern const struct session_step session_steps[SESSION_STEPS];

/* What every session uses. Filled in by sessions.c. */
struct session_env {
	struct event_base *base;
	struct registry *registry;
	const struct config_limits *limits;
	const struct stream_env *streams;
	struct delayq *idle;   /* sessions in order of their last sign of life */
	struct delayq *saving; /* when their records are looked after again */
	/* A record of S is due; its log level alone changed; its subscription to URI alone is new
	 * (ON) or gone; S is closing, for this reason. */
	void (*save)(struct session *s, struct session_env *env);
	void (*save_level)(struct session *s, struct session_env *env);
	void (*save_subscription)(struct session *s, const char *uri, bool on,
				  struct session_env *env);
	void (*closing)(struct session *s, enum close_reason reason, struct session_env *env);
	struct share *places;		  /* of all sessions; NULL: no limit */
	const struct session_step *steps; /* session_steps; tests make some fail */
	struct users *users;		  /* NULL: none are known */
};

/* The state of a session that is restored. */
struct session_past {
	const char *id;
	int64_t age_ms;
	int log_level;
	const json_t *subscriptions; /* array of URIs or NULL; borrowed */
};

struct session_conf {
	struct view *view;
	const char *path; /* of the endpoint, for mcpctl; borrowed for the session's life */
	const char *user; /* NULL: unauthenticated */
	const char *peer;
	struct bearer *bearer;		  /* the token of the request that opens it; NULL: none */
	const char *holder;		  /* the holder of its places (share.h); NULL: none */
	enum mcp_rev rev;		  /* as negotiated */
	const char *capabilities;	  /* compact JSON text */
	const char *client_info;	  /* compact JSON text or NULL */
	const struct server_front *front; /* its arg will be the session */
	const struct session_past *past;  /* NULL: a new session */
};

/* Opens a session: server, transport, all three maps; logs "Session created: ID" or "Session
 * restored: ID (user: USER)". On failure (ERR_NOMEM, ERR_IO) nothing is left of it. CONF's strings
 * are copied. */
int session_open(struct session_env *env, const struct session_conf *conf, struct session **s_r,
		 struct err *e);

/* Closes S: runs the steps in their order, all of them whatever fails. Idempotent and re-entrant:
 * from inside any callback of the session, twice, or for one that is in no map any more. REPORT
 * (may be NULL) tells what each step did; a second close reports no steps. The memory goes in a
 * later turn. */
void session_close(struct session *s, enum close_reason reason, struct cleanup_report *report);

const char *session_id(const struct session *s);
const char *session_user(const struct session *s); /* NULL: unauthenticated */
enum mcp_rev session_rev(const struct session *s);
const struct caller *session_caller(const struct session *s);
const char *session_path(const struct session *s);
int64_t session_age_ms(const struct session *s);
int64_t session_idle_ms(const struct session *s); /* 0 while it is working */
/* Whether S was restored: its client may resume streams that the daemon does not have. */
bool session_restored(const struct session *s);
/* The record of S has to be written as a whole. */
void session_changed(struct session *s);
/* The log level of S alone has changed; its subscription to URI alone is new (ON) or gone. */
void session_level_set(struct session *s);
void session_subscribed(struct session *s, const char *uri, bool on);
struct server *session_server(const struct session *s);
struct transport *session_transport(const struct session *s);
bool session_closing(const struct session *s);
/* The client was told the session's id. */
void session_announce(struct session *s);
bool session_announced(const struct session *s);
struct view *session_view(const struct session *s);
/* Idle time does not run while a stream is open or a call in flight. */
bool session_working(const struct session *s);
/* The session whose idle time NODE is. */
struct session *session_of_idle(struct delayq_node *node);
struct session *session_of_saving(struct delayq_node *node);
/* A request of the client came with the token B (NULL: none): the latest token of S from now on. */
void session_seen(struct session *s, struct bearer *b);
/* The client sent something: the idle time begins again. */
void session_touch(struct session *s);

/* The row of S for `mcpctl sessions list` (a new reference): id, user, peer, client, revision,
 * age_ms, idle_ms, calls, streams, children; DETAIL adds capabilities, client version,
 * subscriptions, replay buffer, pids, log level, endpoint path. */
json_t *session_describe(const struct session *s, bool detail);

#endif
