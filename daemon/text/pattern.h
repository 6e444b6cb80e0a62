/* SPDX-License-Identifier: ISC */
/* pattern.h: the "pattern" keyword of JSON Schema, by PCRE2. The one user of that library.
 *
 * JSON Schema means the regular expressions of ECMA-262 with its flag "u" (JSON Schema core 6.4).
 * pattern_ecma.h translates them for PCRE2. Patterns and texts come from outside, so the cost of
 * compiling and of matching is limited. The
 * interpreter of PCRE2 is used, not its compiler to machine code, because only the interpreter
 * reports each of its steps. */
#ifndef MCPD_PATTERN_H
#define MCPD_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define PATTERN_MAX_LENGTH 4096 /* of a pattern, in bytes */
#define PATTERN_MAX_NESTED 64	/* groups inside each other */
#define PATTERN_MAX_GROUPS 100	/* that are remembered for a backreference */
#define PATTERN_MAX_SIZE                                                                           \
	65536 /* of a compiled pattern, in bytes: repetitions of groups are                        \
		 written out */

struct pattern;

/* Compiles TEXT (LEN bytes of UTF-8, not anchored). *P_R is to be freed. 0, ERR_INVALID (not a
 * regular expression of ECMA-262, or one with a lookbehind whose length varies), ERR_LIMIT (too
 * long, too deep or too large), ERR_NOMEM. */
int pattern_new(const char *text, size_t len, struct pattern **p_r, struct err *e);
void pattern_free(struct pattern **p);
/* The size of the compiled P in bytes, which grows with the time that compiling took. */
size_t pattern_size(const struct pattern *p);

/* Whether P is found in TEXT (LEN bytes of UTF-8). *WORK is the number of steps that the
 * match may take, and is reduced by the steps taken: 16 for each item of the pattern that is tried,
 * 1 or more for each character that is passed. 0, ERR_INVALID (not found), ERR_LIMIT (*WORK is 0,
 * or the match needs too much memory), ERR_NOMEM. */
int pattern_match(const struct pattern *p, const char *text, size_t len, uint64_t *work,
		  struct err *e);

#endif
