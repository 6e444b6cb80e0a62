/* SPDX-License-Identifier: ISC */
/* complain.h: errors of mcpctl, on standard error. */
#ifndef MCPCTL_COMPLAIN_H
#define MCPCTL_COMPLAIN_H

#include "cli/status.h"

/* Prints "mcpctl: ...", safe for a terminal, after what standard output has so far. Returns STATUS.
 */
enum status complain(enum status status, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
