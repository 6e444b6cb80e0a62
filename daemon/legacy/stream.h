/* SPDX-License-Identifier: ISC */
/* stream.h: one logical stream of a legacy session towards its client: the answer to one POST, or a
 * GET.
 *
 * The answer to a POST is one JSON body if all responses come before any other message; otherwise,
 * or after a second, the answer becomes SSE. The connection under a stream may break and be
 * replaced (GET with Last-Event-ID); the stream goes on.
 *
 * A connection ends with the token that it came with. When the token has expired, the stream goes
 * on: the client resumes the stream with a fresh token. Where the client cannot resume, or the
 * token was revoked, the responses that are due are cancelled as well. An answer that has not begun
 * is a 401. */
#ifndef MCPD_STREAM_H
#define MCPD_STREAM_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/delayq.h"
#include "config/config.h"
#include "legacy/replay.h"
#include "lib/err.h"
#include "lib/protocol.h"

struct event_base;
struct eventstreams;
struct exchange;
struct jsontext;
struct stream;
struct transport;

/* What every stream of the daemon shares. */
struct stream_env {
	const struct config_limits *limits;
	struct eventstreams *answers;
	struct delayq *aging;  /* replay events */
	struct delayq *asking; /* questions (asks.h) */
};
struct stream_env *stream_env_new(struct event_base *base, const struct config_limits *limits);
void stream_env_free(struct stream_env **env);

struct stream_conf {
	const struct stream_env *env;
	struct replay *replay;
	struct budget *budget; /* where responses that wait are counted; NULL: the whole daemon's */
	enum mcp_rev rev;
	uint32_t no; /* unique in its session, never 0 */
	/* The stream has nothing left to do or to replay and may be freed with stream_free(). Comes
	 * from the loop, never from inside another call. */
	void (*idle)(struct stream *s, void *arg);
	/* The stream lost its connection, by its own end or the client's. */
	void (*detached)(void *arg);
	/* The requests whose responses are due have to be cancelled, because their token was
	 * revoked. */
	void (*withdrawn)(struct stream *s, const char *why, void *arg);
	void *arg;
};

/* The answer to a POST on X (taken): RESPONSES of them are due, in an array if BATCH. ACCEPT: what
 * the client takes. NULL on lack of memory (X is still the caller's). */
struct stream *stream_post(const struct stream_conf *conf, struct exchange *x, unsigned accept,
			   unsigned responses, bool batch);
/* A stream for messages that belong to no request. Begins at once. */
struct stream *stream_get(const struct stream_conf *conf, struct exchange *x);

/* A message that precedes the responses (notification, request). 0, or ERR_UNSUPPORTED (the client
 * takes JSON only), ERR_CLOSED (no connection and no way to resume), ERR_NOMEM. MSG is borrowed. */
int stream_send(struct stream *s, json_t *msg);
/* One of the responses that are due (borrowed). After the last one the answer ends. */
void stream_respond(struct stream *s, struct jsontext *response);
/* The response that is due is an error because the client's token lacks SCOPE: as long as it can,
 * the answer is a 403 with a challenge that names it (RFC 6750 section 3.1). WHY is for people. */
void stream_deny(struct stream *s, struct jsontext *response, const char *why, const char *scope);
/* One response that S waits for will never come (its request was cancelled). */
void stream_skip(struct stream *s);

/* Gives S, whose connection broke or is replaced, the connection X (taken on success) and replays
 * the events after SEQ. ERR_NOTFOUND: the events after SEQ are not kept any more. */
int stream_resume(struct stream *s, struct exchange *x, uint32_t seq, struct err *e);

/* Ends S: a pending answer gets STATUS and, as JSON-RPC error, CODE and MESSAGE; an SSE stream
 * ends. Responses that are still due are dropped when they come. */
void stream_close(struct stream *s, int status, int code, const char *message);
/* The replay buffer evicted event SEQ of S. */
void stream_evicted(struct stream *s, uint32_t seq);
/* Cuts the connection, if any, and calls no callback. */
void stream_free(struct stream **s);

bool stream_attached(const struct stream *s); /* there is a connection */
bool stream_is_get(const struct stream *s);
uint32_t stream_no(const struct stream *s);
/* The list of streams of a transport. */
TAILQ_HEAD(stream_list, stream);
struct stream *stream_list_next(struct stream_list *list, struct stream *s); /* NULL: the first */
void stream_list_add(struct stream_list *list, struct stream *s);
void stream_list_remove(struct stream_list *list, struct stream *s);

/* Event ids: "STREAM-SEQ" in hex. ERR_INVALID when ID is not one. */
int stream_parse_event_id(const char *id, uint32_t *no_r, uint32_t *seq_r);

#endif
