/* SPDX-License-Identifier: ISC */
/* words.h: a line of the shell or of a script, taken apart. */
#ifndef MCPCTL_WORDS_H
#define MCPCTL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

struct words {
	char **v; /* NULL-terminated */
	size_t n;
};

/* Splits LINE at blanks. Quotes work as in sh(1), without expansion of any kind; a word that begins
 * with { or [ is taken as it stands up to the bracket that closes it, so that JSON needs no
 * quoting; # at the start of a word begins a comment. 0; ERR_PARSE: a quote or bracket is not
 * closed (the words are there all the same, the last one as far as it goes); ERR_NOMEM (no words).
 */
int words_split(const char *line, struct words *w, struct err *e);
/* The same for a line that is still being written: where it ends with a blank, a new and empty word
 * has begun, so that there is at least one. ERR_PARSE: its end is inside a quote, a bracket or a
 * comment. */
int words_split_open(const char *line, struct words *w);
void words_free(struct words *w);

#endif
