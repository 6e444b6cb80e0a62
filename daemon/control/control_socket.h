/* SPDX-License-Identifier: ISC */
/* control_socket.h: the Unix socket of the control protocol as a file: made safely, replaced when
 * stale, removed only by its owner. */
#ifndef MCPD_CONTROL_SOCKET_H
#define MCPD_CONTROL_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#include "control/control_key.h"
#include "lib/err.h"

struct control_socket {
	int fd; /* listening, non-blocking; -1: none */
	dev_t dev;
	ino_t ino;
	char path[sizeof((struct sockaddr_un *)0)->sun_path];
	struct control_key key; /* of this socket; there before anybody can connect */
};

/* Binds and listens on PATH with MODE and GROUP (a name or a number; NULL: leave it). The errors
 * are those of control_new(). */
int control_socket_open(struct control_socket *s, const char *path, mode_t mode, const char *group,
			struct err *e);
/* Closes it, and removes the socket and its key if they are still the same files. Idempotent. */
void control_socket_close(struct control_socket *s);

#endif
