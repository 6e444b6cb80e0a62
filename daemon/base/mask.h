/* SPDX-License-Identifier: ISC */
/* mask.h: takes secrets out of what a server says, before an operator or a client sees it.
 *
 * Known values are looked for, as they are: in another form (encoded, in pieces, one with fewer
 * than MASK_MIN bytes) a secret is not found. */
#ifndef MCPD_MASK_H
#define MCPD_MASK_H

#include <stdbool.h>
#include <stddef.h>

#define MASK_MIN     4 /* bytes; a shorter value is in too many words that are none */
#define MASK_SIGN    "***"

#define MASK_PASSING 16 /* of the values that others follow */
#define MASK_PART    16 /* so many bytes of the beginning of such a value are found as well */

/* Zero it before use. */
struct mask {
	char **v; /* n of them */
	size_t n;
	size_t passing; /* the last of them, which others may follow; the one that was added latest
			   is at the end */
};

/* Adds VALUE; of one with several lines (a PEM key) each line. 0 or ERR_NOMEM. */
int mask_add(struct mask *m, const char *value);
/* Adds VALUE (NULL: nothing), of a kind of which there is another one from time to time (a token):
 * the latest MASK_PASSING of these are known. A text that quotes the value may have cut it short:
 * its first MASK_PART bytes are looked for, with what follows them. 0 or ERR_NOMEM. */
int mask_add_passing(struct mask *m, const char *value);
/* Adds the values of header lines ("Name: value", like ENV below), of one with a scheme ("Bearer
 * x") what follows it. */
int mask_add_headers(struct mask *m, const char *const *lines);
/* Adds the values of ENV ("NAME=VALUE", NULL-terminated; NULL: none). 0 or ERR_NOMEM. */
int mask_add_env(struct mask *m, char *const *env);
/* TEXT with MASK_SIGN in the place of each value; malloc'd, terminated. NULL on lack of memory:
 * then TEXT must not be shown. */
char *mask_text(const struct mask *m, const char *text, size_t len, size_t *len_r);
/* Puts MASK_SIGN in the place of each value within TEXT itself, which gets no longer. M may be
 * NULL. CUT: TEXT was cut short, so an end of TEXT that a value begins with is taken for that
 * value. */
void mask_here(const struct mask *m, char *text, bool cut);
/* The beginning of the LEN bytes at TEXT, masked and terminated, with '?' for NUL. M may be NULL.
 */
#define MASK_BEGINNING 81
void mask_beginning(const struct mask *m, const char *text, size_t len, char begin[MASK_BEGINNING]);
/* Adds the values of FROM (NULL: none). 0 or ERR_NOMEM. */
int mask_add_all(struct mask *m, const struct mask *from);
/* Wipes and forgets all values. */
void mask_fini(struct mask *m);

#endif
