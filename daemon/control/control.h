/* SPDX-License-Identifier: ISC */
/* control.h: the control socket: how an operator sees and steers the daemon. See mcpd-control(7).
 *
 * JSON-RPC 2.0, one object per line, over a Unix stream socket. The table in lib/ctlspec.c has the
 * commands and their levels; the kernel tells the user of the peer. Nothing here waits: a peer that
 * does not read is not written to, and one that follows the log too slowly is dropped. */
#ifndef MCPD_CONTROL_H
#define MCPD_CONTROL_H

#include <jansson.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/err.h"

struct backend;
struct config;
struct control;
struct event_base;
struct sessions;
struct tokens;
struct users;
struct view;

/* The parts that the commands use. All of them outlive the control; the struct is copied. */
struct control_deps {
	struct event_base *base;
	const struct config *config; /* control, control_mode, control_group, file */
	struct sessions *sessions;
	struct users *users;   /* NULL: nobody is known */
	struct tokens *tokens; /* NULL: auth.mode is another */
	struct backend *const *backends;
	size_t n_backends;
	struct view *view; /* of all backends: the tools that can be listed and called */
	/* What the owner knows, as a new object: "version", "pid", "uptime_ms", "listen" (array of
	 * strings, as bound), "config", "children", "calls". NULL, or a NULL result: left out. */
	json_t *(*status)(void *arg);
	/* Begins the orderly shutdown. Called from the loop, in a turn of its own; the answer to
	 * the operator was queued before. mcpctl waits for the end of the connection, so
	 * control_free() belongs late in the shutdown. */
	void (*shutdown)(void *arg);
	void *arg; /* of the two */
	/* Descendants of this process are refused: no child of the daemon is an operator. 0: the
	 * parents of peers are not checked. */
	pid_t family;
};

/* Binds and listens on config->control, and writes a new key beside the socket (control_key.h). A
 * missing parent directory is made when its own parent is there. A stale socket is replaced;
 * ERR_EXISTS when somebody listens on it; ERR_LIMIT when the path is too long for a socket address;
 * ERR_DENIED when its directory is not to be trusted; ERR_NOTFOUND when the group does not exist;
 * ERR_IO; ERR_NOMEM. */
struct control *control_new(const struct control_deps *deps, struct err *e);

/* Ends all connections (what is queued is written as far as it goes without waiting) and their
 * commands, and removes the socket and its key if they are still ours. */
void control_free(struct control **c);

#endif
