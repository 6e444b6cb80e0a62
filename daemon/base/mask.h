/* SPDX-License-Identifier: ISC */
/* mask.h: takes secrets out of what a server says, before an operator or a client sees it.
 *
 * A mask finds the exact bytes of known values. A secret that is encoded, in pieces, or shorter
 * than MASK_MIN bytes is not found. */
#ifndef MCPD_MASK_H
#define MCPD_MASK_H

#include <stdbool.h>
#include <stddef.h>

#define MASK_MIN     4 /* bytes; a shorter value would hide parts of ordinary words */
#define MASK_SIGN    "***"

#define MASK_PASSING 16 /* so many values of mask_add_passing() are known at a time */
#define MASK_PART    16 /* so many bytes of the beginning of such a value are found as well */

/* Zero it before use. */
struct mask {
	char **v; /* n of them */
	size_t n;
	size_t passing; /* the last of them, which others may follow; the one that was added latest
			   is at the end */
};

/* Adds VALUE, or each line of a VALUE with several lines (a PEM key). 0 or ERR_NOMEM. */
int mask_add(struct mask *m, const char *value);
/* Adds VALUE (NULL: nothing), which a later value will replace, as tokens do; the latest
 * MASK_PASSING values are kept. A quoted VALUE may be cut short, so its first MASK_PART bytes
 * are found as well, with the rest of the word. 0 or ERR_NOMEM. */
int mask_add_passing(struct mask *m, const char *value);
/* Adds the values of header lines ("Name: value", NULL-terminated). Of a value with a scheme
 * ("Bearer x") the part after the scheme is added. */
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
