/* SPDX-License-Identifier: ISC */
/* configcheck.h: `config check`, which runs mcpd to check a configuration. */
#ifndef MCPCTL_CONFIGCHECK_H
#define MCPCTL_CONFIGCHECK_H

#include <stdbool.h>

#include "lib/err.h"

/* Runs `mcpd -n -c FILE`: $MCPD, or the mcpd that was installed with this mcpctl, or the one in
 * PATH. 0: mcpd ran; *good_r: it found no error; *complaint_r (malloc'd, or NULL): its output.
 * ERR_NOTFOUND: no mcpd; ERR_IO, ERR_NOMEM. */
int configcheck_run(const char *file, bool *good_r, char **complaint_r, struct err *e);

#endif
