/* SPDX-License-Identifier: ISC */
/* run.h: runs one command, here or in the daemon, and prints what it brings back. */
#ifndef MCPCTL_RUN_H
#define MCPCTL_RUN_H

#include <stddef.h>

#include "cli/context.h"
#include "cli/status.h"

/* Parses WORDS and runs them. What goes wrong is told on standard error. */
enum status run_words(struct mcpctl *m, char *const *words, size_t n);

#endif
