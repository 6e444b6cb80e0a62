/* SPDX-License-Identifier: ISC */
/* remote.h: the daemon as mcpctl sees it: found, connected to when needed, connected to again after
 * a restart. */
#ifndef MCPCTL_REMOTE_H
#define MCPCTL_REMOTE_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/ctlclient.h"
#include "lib/ctlspec.h"
#include "lib/err.h"

struct remote;

#define REMOTE_TIMEOUT_MS                                                                          \
	30000 /* of a command, unless it is a slow one or -t says something else */

/* PATH: of the socket; NULL: $MCPD_SOCKET, or else where a daemon is usually found. NULL on lack of
 * memory. */
struct remote *remote_new(const char *path);
void remote_free(struct remote **r);

/* 0: each command its own. */
void remote_set_timeout(struct remote *r, int timeout_ms);
/* Readable: the command that is running should end. -1: no such thing. */
void remote_set_wake_fd(struct remote *r, int fd);
/* Another socket. 0 or ERR_NOMEM. */
int remote_set_path(struct remote *r, const char *path);
/* Where the daemon was found, or was looked for at last. */
const char *remote_path(const struct remote *r);

/* Connects unless there is a connection that lives. *AGAIN_R (may be NULL): the one before was
 * lost. The errors are those of ctlclient_open(). */
int remote_connect(struct remote *r, bool *again_r, struct err *e);
/* From the hello; NULL and CTL_NOBODY without a connection. */
const char *remote_version(const struct remote *r);
enum ctl_level remote_level(const struct remote *r);
int remote_minor(const struct remote *r);

/* Calls a command of the table; connect first. See ctlclient_call(). */
int remote_call(struct remote *r, const struct ctl_command *c, json_t *params,
		bool (*row)(json_t *row, void *arg), void *arg, json_t **answer_r, struct err *e);
/* Waits until the daemon has ended. */
int remote_wait_end(struct remote *r, struct err *e);

#endif
