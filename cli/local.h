/* SPDX-License-Identifier: ISC */
/* local.h: the commands that mcpctl runs by itself. */
#ifndef MCPCTL_LOCAL_H
#define MCPCTL_LOCAL_H

#include "cli/context.h"
#include "cli/parse.h"
#include "cli/status.h"

/* Runs a CTL_LOCAL command. */
enum status local_run(struct mcpctl *m, const struct walk *w, const struct output_format *format);

#endif
