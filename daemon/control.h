/* control.h: the control socket: JSON-RPC lines for mcpctl. See mcpd-control(7). */
#ifndef MCPD_CONTROL_H
#define MCPD_CONTROL_H

#include <jansson.h>
#include <stddef.h>

#include "err.h"

struct backend;
struct config;
struct control;
struct event_base;
struct sessions;
struct view;

/* What the commands work on. All of it outlives the control socket. */
struct control_deps {
	struct event_base *base;
	const struct config *config;
	struct sessions *sessions;
	struct backend *const *backends;
	size_t n_backends;
	struct view *view; /* all backends */
	/* A new object: version, pid, uptime_ms, listen, config, children, calls. */
	json_t *(*status)(void *arg);
	/* Begins an orderly shutdown in a later turn. */
	void (*shutdown)(void *arg);
	void *arg;
};

/* Binds the socket that the configuration names. NULL with E filled: another daemon listens there, the path
 * is too long, the folder is missing. */
struct control *control_new(const struct control_deps *deps, struct err *e);
/* Closes every connection and removes the socket, if it is still this daemon's. */
void control_free(struct control **c);

#endif
