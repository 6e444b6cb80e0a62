/* SPDX-License-Identifier: ISC */
/* transport.h: the HTTP side of a legacy session: its open exchanges, its SSE streams, its replay
 * buffer, and the questions its client has not answered.
 *
 * Each message goes to exactly one stream: a message that belongs to a request to the stream of
 * that request, every other message to the newest GET stream (Streamable HTTP, "Multiple
 * Connections"). */
#ifndef MCPD_TRANSPORT_H
#define MCPD_TRANSPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "legacy/stream.h"
#include "lib/err.h"
#include "lib/protocol.h"

struct budget;
struct exchange;
struct message;
struct question;
struct transport;

/* ENV outlives it. What it holds is counted in BUDGET (NULL: that of the whole daemon). ON_QUIET is
 * called whenever a connection of the session has ended. NULL on lack of memory. */
struct transport *transport_new(const struct stream_env *env, enum mcp_rev rev,
				struct budget *budget, void (*on_quiet)(void *arg), void *arg);
/* FN (with the arg of transport_new()) is called with a stream whose requests have to be cancelled,
 * and the reason. */
void transport_on_withdrawn(struct transport *t,
			    void (*fn)(struct stream *s, const char *why, void *arg));
/* The session was restored: no event id of the transport before the restart may be valid in T.
 * Before there is any stream. */
void transport_renumber(struct transport *t);
/* In a later turn than transport_close(). */
void transport_free(struct transport **t);

/* The stream on which the responses to a POST will go out (X taken); see stream_post(). */
struct stream *transport_post(struct transport *t, struct exchange *x, unsigned accept,
			      unsigned responses, bool batch);
/* Opens a standalone stream on X (taken on success). With too many streams the oldest is ended,
 * which is usually dead. Messages that waited for a stream are sent. 0 or ERR_NOMEM. */
int transport_get(struct transport *t, struct exchange *x, struct err *e);
/* Resumes the stream that LAST_EVENT_ID belongs to on X (taken on success). ERR_INVALID or
 * ERR_NOTFOUND. */
int transport_resume(struct transport *t, struct exchange *x, const char *last_event_id,
		     struct err *e);

/* A message that belongs to no request. Without an open GET stream it waits for one; of too many
 * that wait, the oldest goes. */
void transport_send(struct transport *t, json_t *msg_take);

/* Asks the client (Q consumed): on stream S, or on a GET stream where S is NULL or cannot carry it.
 */
void transport_ask(struct transport *t, struct stream *s, struct question *q_take);
/* A response of the client to one of our requests. ERR_NOTFOUND: none such is open. */
int transport_answer(struct transport *t, const struct message *msg);

/* Ends all streams and answers what waits: with STATUS (404: the session is over; 503: the daemon
 * is) and a JSON-RPC error that says MESSAGE. Refuses the open questions. Idempotent. */
int transport_close(struct transport *t, int status, const char *message, struct err *e);

size_t transport_open_streams(const struct transport *t); /* with a connection, GET and POST */
bool transport_has_get(const struct transport *t);
/* {"streams":N,"replayEvents":N,"replayBytes":N,"waiting":N,"questions":N}, a new reference. */
json_t *transport_describe(const struct transport *t);

#endif
