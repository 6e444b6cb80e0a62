/* SPDX-License-Identifier: ISC */
/* notify.h: reports the state of the daemon to the service manager (sd_notify(3)), if there is one.
 */
#ifndef MCPD_NOTIFY_H
#define MCPD_NOTIFY_H

/* Everything is up; STATUS is one line for `systemctl status`. */
void notify_ready(const char *status);
/* The orderly shutdown has begun. */
void notify_stopping(void);

#endif
