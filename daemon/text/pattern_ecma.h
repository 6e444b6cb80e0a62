/* SPDX-License-Identifier: ISC */
/* pattern_ecma.h: translates a regular expression of ECMA-262 into one of PCRE2.
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
	char *text; /* for PCRE2, malloc'd */
	size_t len;
	bool refers; /* has a backreference, so that groups have to be remembered */
};

/* Translates TEXT (LEN bytes of UTF-8) into *P_R, whose text is to be freed. Syntax
 * that means something else to PCRE2 is translated or refused; syntax errors are left to PCRE2. 0,
 * ERR_INVALID, ERR_NOMEM. */
int ecma_translate(const char *text, size_t len, struct ecma_pattern *p_r, struct err *e);

#endif
