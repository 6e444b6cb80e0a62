/* session.h: one client's conversation. Owns exactly one server and one transport.
 *
 * session_close() is the only way a session ends, whatever the reason; its steps, their order and
 * their log lines are the product (DESIGN, "Closing a session"). Closing never frees. */
#ifndef MCPD_SESSION_H
#define MCPD_SESSION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"
#include "err.h"
#include "protocol.h"

struct server;
struct session;
struct sessions;
struct transport;

enum close_reason {
	CLOSE_CLIENT,	/* DELETE */
	CLOSE_OPERATOR, /* mcpctl session close */
	CLOSE_IDLE,
	CLOSE_LOGOUT,
	CLOSE_SHUTDOWN,
	CLOSE_FAILED,	/* it could not be set up */
};
const char *close_reason_name(enum close_reason reason);

/* Closes S: runs the steps in their order, all of them whatever fails. Idempotent and re-entrant: from
 * inside any callback of the session, twice, or for one that is in no map any more. REPORT (may be NULL)
 * tells what each step did; a second close reports no steps. The memory goes in a later turn. */
void session_close(struct session *s, enum close_reason reason, struct cleanup_report *report);

const char *session_id(const struct session *s);
const char *session_user(const struct session *s); /* NULL: unauthenticated */
const char *session_peer(const struct session *s);
enum mcp_rev session_rev(const struct session *s);
struct server *session_server(const struct session *s);
struct transport *session_transport(const struct session *s);
bool session_closing(const struct session *s);
/* The client was heard: idle time starts afresh. */
void session_touch(struct session *s);

/* Its row for `mcpctl sessions list` (a new reference): id, user, peer, client, revision, age_ms, idle_ms,
 * calls, streams, children; DETAIL adds capabilities, client version, subscriptions, replay buffer, pids,
 * log level, endpoint path. */
json_t *session_describe(const struct session *s, bool detail);

#endif
