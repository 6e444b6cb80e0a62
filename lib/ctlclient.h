/* SPDX-License-Identifier: ISC */
/* ctlclient.h: the client's side of the control protocol. Waits, with time limits: it is for mcpctl
 * and tests, never for the daemon. See mcpd-control(7). */
#ifndef MCPD_CTLCLIENT_H
#define MCPD_CTLCLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/ctlspec.h"
#include "lib/err.h"

struct ctlclient;

#define CTLCLIENT_FOREVER (-1)

/* Connects to the socket at PATH and reads the hello, within TIMEOUT_MS; a daemon of this user that
 * wants the key of the socket is shown it, within as much again. NULL with E: ERR_NOTFOUND: nobody
 * listens there; ERR_DENIED: the socket may not be opened, its key may not be read or is wrong, or
 * the daemon refuses this process; ERR_INVALID: PATH is too long; ERR_PROTOCOL: not an mcpd, or of
 * another major version; ERR_LIMIT: the daemon refuses one more connection; ERR_TIMEOUT,
 * ERR_CLOSED, ERR_IO, ERR_NOMEM. */
struct ctlclient *ctlclient_open(const char *path, int timeout_ms, struct err *e);
/* A client on the connected stream socket FD, as ctlclient_open(). FD is taken, on failure too. */
struct ctlclient *ctlclient_attach(int fd_take, int timeout_ms, struct err *e);
void ctlclient_close(struct ctlclient **c);

/* From the hello. */
const char *ctlclient_version(const struct ctlclient *c);
int ctlclient_minor(const struct ctlclient *c);
enum ctl_level ctlclient_level(const struct ctlclient *c);
/* The user who runs the daemon (SO_PEERCRED); (uid_t)-1 if the kernel does not say. */
uid_t ctlclient_peer_uid(const struct ctlclient *c);
/* Whether the daemon has not closed the connection yet. Does not wait. */
bool ctlclient_alive(struct ctlclient *c);

struct ctlclient_call {
	const char *method;
	json_t *params; /* borrowed, may be NULL */
	int timeout_ms; /* of the whole call, or CTLCLIENT_FOREVER */
	int wake_fd;	/* readable: cancel the call; readable again: leave. -1: no such thing */
	/* Rows as they come, borrowed; may be NULL. False: enough, cancel the call. */
	bool (*row)(json_t *row, void *arg);
	void *arg;
};

/* Calls and waits for the end. 0: *answer_r is a new reference to the daemon's message, with
 * "result" or "error" in it. Otherwise ERR_TIMEOUT (the call is cancelled), ERR_CLOSED (the daemon,
 * or a second sign from wake_fd), ERR_PROTOCOL, ERR_IO, ERR_LIMIT (the request is too long),
 * ERR_NOMEM; after anything but a time-out the connection is of no use any more. */
int ctlclient_call(struct ctlclient *c, const struct ctlclient_call *call, json_t **answer_r,
		   struct err *e);

/* Waits until the daemon has closed the connection. 0, ERR_TIMEOUT, ERR_CLOSED (wake_fd) or ERR_IO.
 */
int ctlclient_wait_end(struct ctlclient *c, int timeout_ms, int wake_fd, struct err *e);

#endif
