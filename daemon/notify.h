/* SPDX-License-Identifier: ISC */
/* notify.h: what the service manager is told (sd_notify(3)), where there is one. */
#ifndef MCPD_NOTIFY_H
#define MCPD_NOTIFY_H

/* Everything is up; STATUS is one line for `systemctl status`. */
void notify_ready(const char *status);
/* The orderly shutdown has begun. */
void notify_stopping(void);

#endif
