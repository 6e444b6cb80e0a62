/* SPDX-License-Identifier: ISC */
/* shell.h: mcpctl on a terminal: lines with history and completion, commands that Ctrl-C ends, a
 * daemon that may come and go. The only file that knows readline. */
#ifndef MCPCTL_SHELL_H
#define MCPCTL_SHELL_H

#include "cli/context.h"
#include "cli/status.h"

/* Runs until `quit`, `exit` or the end of input. The status is that of the last command. */
enum status shell_run(struct mcpctl *m);

#endif
