/* SPDX-License-Identifier: ISC */
/* history.h: the file of the shell's history, and the lines that must not be kept there. */
#ifndef MCPCTL_HISTORY_H
#define MCPCTL_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

/* Makes the file if it is missing, for this user alone (0600), and writes its path:
 * $XDG_STATE_HOME/mcpd/history or ~/.local/state/mcpd/history. 0; ERR_NOTFOUND: there is no home;
 * ERR_LIMIT; ERR_IO. */
int history_open(char *path, size_t size);

/* Whether WORDS may hold secrets: a sensitive command, or none that is known. */
bool history_is_secret(char *const *words, size_t n);

#endif
