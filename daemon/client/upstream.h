/* SPDX-License-Identifier: ISC */
/* upstream.h: the channel to an MCP server over Streamable HTTP, as its client: POSTs, the streams
 * they are answered with, and, for the legacy revisions, the session and its standalone stream.
 *
 * The _meta of a message shows its era, and the headers are made from the message. A request
 * without a proper answer of the upstream is answered here, with an error that says why. A session
 * that the upstream has ended is opened again, once for all messages that were refused by its end;
 * a request is sent again unless it may have been carried out. */
#ifndef MCPD_UPSTREAM_H
#define MCPD_UPSTREAM_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

struct bearer;
struct budget;
struct config_backend;
struct credentials;
struct event_base;
struct httpc;
struct mask;
struct jsontext;
struct upstream;

struct upstream_spec {
	const char *url;
	const char *const
		*headers;    /* configured, NULL-terminated "Name: value"; borrowed; may be NULL */
	const char *ca_file; /* NULL: the system's; borrowed */
	bool allow_link_local;
	size_t max_message; /* bytes of one body or event */
	/* Each request is authorised by the credential for CONF of USER (copied; NULL:
	 * unauthenticated) or, if OWN, of the daemon. CREDENTIALS NULL: by none. */
	struct credentials *credentials;
	const struct config_backend *conf;
	const char *user;
	bool own;
	/* Where what is sent and what comes is counted; referenced; NULL: in the whole daemon's. */
	struct budget *budget;
	/* Gets every credential that is sent, until upstream_close(); borrowed; may be NULL. */
	struct mask *mask;
};

/* Called from the loop, never from inside a function of this header, except for schema() and
 * bearer(). Each of the others may close the upstream. */
struct upstream_events {
	/* TEXT is one JSON-RPC message or batch as it came; borrowed. */
	void (*on_message)(struct upstream *u, struct jsontext *text, void *arg);
	/* N lines or events of a stream were not messages; TEXT is the beginning of one. May be
	 * NULL. */
	void (*on_noise)(struct upstream *u, unsigned long n, const char *text, void *arg);
	/* The upstream had lost the session and has a new one, without subscriptions and log level.
	 */
	void (*on_renewed)(struct upstream *u, void *arg);
	/* The session cannot be opened again, or the upstream speaks another revision now: the
	 * owner has to start a new handshake and list the offer again. */
	void (*on_lost)(struct upstream *u, const char *why, void *arg);
	/* The upstream cannot be reached, or fails (HTTP 5xx). */
	void (*on_trouble)(struct upstream *u, void *arg);
	/* The upstream refused the headers of a tools/call (-32020). The owner lists the tools
	 * again and calls upstream_relearnt(). May be NULL. */
	void (*on_mismatch)(struct upstream *u, void *arg);
	/* The upstream refused request ID with 403, because the client's token lacks SCOPE (words
	 * with spaces between); its error follows. */
	void (*on_denied)(struct upstream *u, const json_t *id, const char *scope, void *arg);
	/* The token for messages that no request of a client causes: the session's stream, its end,
	 * its renewal. NULL: none. */
	struct bearer *(*bearer)(struct upstream *u, void *arg);
	/* The inputSchema of TOOL, borrowed; NULL: unknown. */
	const json_t *(*schema)(struct upstream *u, const char *tool, void *arg);
};

/* NULL on lack of memory. */
struct upstream *upstream_new(struct event_base *base, struct httpc *httpc,
			      const struct upstream_spec *spec,
			      const struct upstream_events *events, void *arg);
/* Ends the session (DELETE, with a short time limit) and all messages under way; no callback comes
 * any more. *U becomes NULL. */
void upstream_close(struct upstream **u);

/* Sends TEXT (borrowed), authorised by BEARER, the token of the client's request (referenced; NULL:
 * that of bearer()), also where TEXT is sent again. MSG (borrowed) is the message without the
 * arguments of a call; NULL: a response. A request is answered through on_message, whatever
 * happens. A notifications/cancelled ends the request that it names: by closing the answer
 * (modern), or by being sent (legacy). 0 or ERR_NOMEM. */
int upstream_send(struct upstream *u, json_t *msg, struct jsontext *text, struct bearer *bearer);
/* During on_message: the id of the originating request, over whose answer the message came
 * (borrowed); NULL: the message came over the stream that belongs to no request. (Transports,
 * "Sending Messages to the Server": what a server sends before the response should relate to the
 * request.) */
const json_t *upstream_origin(const struct upstream *u);
/* During on_message and on_noise: stops reading the stream of the message until upstream_resume(),
 * which resumes all paused streams. */
void upstream_pause(struct upstream *u);
void upstream_resume(struct upstream *u);
/* The tools were listed again, or could not be. */
void upstream_relearnt(struct upstream *u);

#endif
