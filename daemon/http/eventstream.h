/* SPDX-License-Identifier: ISC */
/* eventstream.h: an answer over HTTP that may become a stream of server-sent events.
 *
 * An answer that nothing was written to yet is pending: it can still end as one JSON body. It
 * becomes a stream (eventstream_open()) at its first event, or when it has been pending for
 * limits.upgradeAfter, and its head is followed by a comment at once, so that no proxy on the way
 * holds the head back. A silent stream gets a comment every limits.keepAlive. A client that left
 * more than limits.maxBacklog bytes unread is cut, not waited for.
 *
 * The owner embeds a struct eventstream, reads its members, and changes them through the functions
 * here alone. The exchange belongs to the eventstream until it was ended, detached or lost. */
#ifndef MCPD_EVENTSTREAM_H
#define MCPD_EVENTSTREAM_H

#include <stdbool.h>

#include "base/delayq.h"

struct config_limits;
struct evbuffer;
struct event_base;
struct eventstream;
struct eventstreams;
struct exchange;
struct jsontext;

/* The callbacks of the owner. The owner may free the object that has the eventstream in it only in
 * a later turn. */
struct eventstream_hooks {
	/* ES has been pending for long, and its client takes a stream: the owner opens it. NULL
	 * where all are opened at once. */
	void (*waited)(struct eventstream *es);
	/* ES has no exchange any more: its client left, or was cut. WHY is static text. Comes from
	 * the loop or from inside the functions below that say so. */
	void (*lost)(struct eventstream *es, const char *why);
};

struct eventstream {
	struct eventstreams *all;
	struct exchange *x;	  /* NULL: there is no client */
	struct delayq_node timer; /* the upgrade while it is pending, then keep-alive */
	unsigned char accept;	  /* REPLY_ACCEPT_* of the client */
	bool open; /* a stream, no longer pending; stays so when the exchange is gone */
};

/* What the eventstreams of one kind of owner share. HOOKS and LIMITS outlive them. NULL on lack of
 * memory. */
struct eventstreams *eventstreams_new(struct event_base *base, const struct config_limits *limits,
				      const struct eventstream_hooks *hooks);
void eventstreams_free(struct eventstreams **all);

/* ES, which is zeroed or has no exchange, answers X (taken) and is pending. ACCEPT: REPLY_ACCEPT_*,
 * what the client takes. */
void eventstream_attach(struct eventstream *es, struct eventstreams *all, struct exchange *x,
			unsigned accept);
/* Begins the stream, unless it is open. 0, also where the first comment lost the client (lost() was
 * called, and there is no exchange any more); ERR_UNSUPPORTED (the client takes JSON only),
 * ERR_CLOSED (there is no client) or ERR_NOMEM. */
int eventstream_open(struct eventstream *es);
/* X (taken on success) continues the stream ES: whatever exchange it has ends. 0 or the error of
 * exchange_stream_begin(), after which ES is as before. May call lost(). */
int eventstream_resume(struct eventstream *es, struct exchange *x);

/* Writes FRAME (drained) to an open stream. False: there is no client, maybe because lost() was
 * called meanwhile. */
bool eventstream_write(struct eventstream *es, struct evbuffer *frame);
/* Writes MSG (borrowed) as an event that has no id. As eventstream_write(). */
bool eventstream_send(struct eventstream *es, struct jsontext *msg);
/* Appends MSG (borrowed; NULL: nothing) as the data of an event to OUT, with ID and, from 0 on,
 * RETRY_MS. 0 or ERR_NOMEM, and then OUT has a part of it. */
int eventstream_frame(struct evbuffer *out, const char *id, long retry_ms, struct jsontext *msg);

/* The exchange, which is the caller's to end; NULL: there is none. */
struct exchange *eventstream_detach(struct eventstream *es);
/* Ends a pending answer with STATUS and MSG (borrowed) as JSON, an open stream as it is. Nothing
 * where there is no exchange. */
void eventstream_reply(struct eventstream *es, int status, struct jsontext *msg);
void eventstream_end(struct eventstream *es);
/* Cuts the connection, if there is one; lost() is not called. */
void eventstream_abort(struct eventstream *es);

#endif
