/* SPDX-License-Identifier: ISC */
/* context.h: what all commands of one mcpctl share. */
#ifndef MCPCTL_CONTEXT_H
#define MCPCTL_CONTEXT_H

#include <stdbool.h>

#include "cli/output.h"
#include "cli/remote.h"

struct mcpctl {
	struct remote *remote;
	const struct output_format *format; /* unless a command says something else */
	int timeout_ms;			    /* of -t; 0: each command its own */
	bool keep_stdin; /* commands come from standard input, so none may read it */
	bool shell;	 /* commands are typed at a prompt */
};

#endif
