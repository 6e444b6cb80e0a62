/* SPDX-License-Identifier: ISC */
/* pattern_ecma.h: a regular expression of ECMA-262 in the words of Perl and PCRE2.
 *
 * Read as with the flag "u" (ECMA-262 section 22.2.1), with what browsers allow beyond it (annex
 * B.1.2) where that cannot be misunderstood: "{" and "}" that are no quantifier, "]" outside of a
 * class, and a backslash before any character that is neither a letter nor a digit, stand for
 * themselves. */
#ifndef MCPD_PATTERN_ECMA_H
#define MCPD_PATTERN_ECMA_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

struct ecma_pattern {
	char *text; /* in the words of PCRE2, malloc'd */
	size_t len;
	bool refers; /* has a backreference, so that groups have to be remembered */
};

/* Translates TEXT (LEN bytes of UTF-8) into *P_R, whose text is to be freed. What PCRE2 would read
 * as something else than ECMA-262 does is translated or refused; what both refuse is left to PCRE2.
 * 0, ERR_INVALID, ERR_NOMEM. */
int ecma_translate(const char *text, size_t len, struct ecma_pattern *p_r, struct err *e);

#endif
