/* SPDX-License-Identifier: ISC */
/* complete.h: what may stand in the place of the last word. */
#ifndef MCPCTL_COMPLETE_H
#define MCPCTL_COMPLETE_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/context.h"

/* Calls FN with each candidate; WORDS must not be empty, its last word may be. Asks the daemon for
 * ids and names, and stays silent when it does not answer. *FILES_R: the names of files would do as
 * well. */
void complete_words(struct mcpctl *m, char *const *words, size_t n,
		    void (*fn)(const char *candidate, void *arg), void *arg, bool *files_r);

#endif
