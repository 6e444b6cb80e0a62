/* SPDX-License-Identifier: ISC */
/* detach.h: goes into the background. The command returns when the daemon serves, or with the exit
 * status when the start failed. */
#ifndef MCPD_DETACH_H
#define MCPD_DETACH_H

#include "lib/err.h"

/* Forks: returns 0 in the daemon-to-be, in a session of its own; the parent waits in here and ends
 * with the status that detach_done() is told (1 if it dies before). Before any thread, child or
 * loop exists. */
int detach_begin(struct err *e);
/* In the daemon: everything is up (STATUS 0) or not. Closes the standard streams on 0. Without
 * detach_begin() it does nothing. */
void detach_done(int status);

#endif
