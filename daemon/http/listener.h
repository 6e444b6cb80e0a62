/* SPDX-License-Identifier: ISC */
/* listener.h: listening TCP sockets for addresses of the configuration. */
#ifndef MCPD_LISTENER_H
#define MCPD_LISTENER_H

#include "lib/err.h"

#define LISTENER_MAX 8

/* Opens "ADDRESS:PORT", "[V6]:PORT" or "NAME:PORT"; a name may have several addresses (localhost
 * has two), which then share the port. Fills FDS and returns how many, at least 1; or ERR_INVALID,
 * ERR_IO ("127.0.0.1:6200: Address already in use"). */
int listener_open(const char *address, int fds[LISTENER_MAX], struct err *e);

/* Prepares a socket that listens already: non-blocking, and with options that the
 * connections accepted from it inherit. *NAME_R (malloc'd) is its address as "ADDRESS:PORT". 0, or
 * ERR_IO, ERR_NOMEM and FD is closed. */
int listener_adopt(int fd, char **name_r, struct err *e);

#endif
