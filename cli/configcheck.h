/* SPDX-License-Identifier: ISC */
/* configcheck.h: `config check`: mcpd itself is asked, since it alone knows what a good
 * configuration is. */
#ifndef MCPCTL_CONFIGCHECK_H
#define MCPCTL_CONFIGCHECK_H

#include <stdbool.h>

#include "lib/err.h"

/* Runs `mcpd -n -c FILE`: $MCPD, or the mcpd that was installed with this mcpctl, or the one in
 * PATH. 0: it ran; *good_r tells whether it was content, and *complaint_r (malloc'd, or NULL) what
 * it said. ERR_NOTFOUND: no mcpd; ERR_IO, ERR_NOMEM. */
int configcheck_run(const char *file, bool *good_r, char **complaint_r, struct err *e);

#endif
