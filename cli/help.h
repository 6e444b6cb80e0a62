/* SPDX-License-Identifier: ISC */
/* help.h: the help of mcpctl, made from ctlspec. */
#ifndef MCPCTL_HELP_H
#define MCPCTL_HELP_H

#include <stdio.h>

#include "cli/output.h"
#include "cli/parse.h"
#include "cli/status.h"

/* How mcpctl itself is used. */
void help_usage(FILE *f);
/* About the command that W has found, or all those that its words may become. */
enum status help_about(const struct walk *w, const struct output_format *format);
/* What may come next and begins with PREFIX: for "?" in the shell. */
void help_next(FILE *f, const struct walk *w, const char *prefix);

#endif
