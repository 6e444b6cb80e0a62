/* upstream.h: the channel to an MCP server over Streamable HTTP, as its client: POSTs, the streams
 * they are answered with, the standalone stream, the session of the upstream.
 *
 * A request that the upstream did not answer properly is answered here, with an error that says
 * why. A session that the upstream ended (404) is opened again, and the message that met the 404 is
 * sent again: it was not dispatched. */
#ifndef MCPD_UPSTREAM_H
#define MCPD_UPSTREAM_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct event_base;
struct httpc;
struct upstream;

struct upstream_spec {
	const char *url;
	const char *const
		*headers;    /* configured, NULL-terminated "Name: value"; borrowed; may be NULL */
	const char *ca_file; /* NULL: the system's; borrowed */
	bool allow_link_local;
	size_t max_message; /* bytes of one body or event */
};

/* From the loop, never from inside a call; each may close the upstream. */
struct upstream_events {
	/* One JSON-RPC message (or batch) as it came; LEN bytes, terminated. */
	void (*on_message)(struct upstream *u, const char *text, size_t len, void *arg);
	/* The upstream had lost the session and has a fresh one: what was set up in it is gone. */
	void (*on_renewed)(struct upstream *u, void *arg);
};

/* NULL on lack of memory. */
struct upstream *upstream_new(struct event_base *base, struct httpc *httpc,
			      const struct upstream_spec *spec,
			      const struct upstream_events *events, void *arg);
/* Ends the session (DELETE, with a short time limit) and everything under way; no event comes any
 * more. *U becomes NULL. */
void upstream_close(struct upstream **u);

/* Sends MSG (borrowed). Its answer comes through on_message, whatever happens. 0 or ERR_NOMEM. */
int upstream_send(struct upstream *u, json_t *msg);

#endif
