/* SPDX-License-Identifier: ISC */
/* paths.h: the default paths by which mcpctl finds mcpd. */
#ifndef MCPD_PATHS_H
#define MCPD_PATHS_H

#include <stddef.h>

/* The default control socket: RUNSTATEDIR/mcpd/control.sock for root, else
 * $XDG_RUNTIME_DIR/mcpd/control.sock, else /tmp/mcpd-UID/control.sock (the program that makes
 * the directory there gives it mode 0700 and checks its owner). 0, or ERR_LIMIT when it does not
 * fit into BUF. */
int paths_control_default(char *buf, size_t size);

/* The file beside the control socket SOCKET that has its key: the end ".sock" becomes ".key", so it
 * is control.key beside control.sock; a name with another end gets ".key" behind it. 0, or
 * ERR_LIMIT when the path does not fit into BUF. mcpd writes this file, mcpctl reads it, and what
 * keeps children away from it (sandbox) asks here. */
int paths_control_key(const char *socket, char *buf, size_t size);

#endif
