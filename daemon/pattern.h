/* pattern.h: the "pattern" keyword of JSON Schema with the regular expressions of POSIX.
 *
 * JSON Schema means ECMA-262; what both read alike is accepted and the rest is refused when the
 * configuration is read, because "\d" would silently mean the letter d. */
#ifndef MCPD_PATTERN_H
#define MCPD_PATTERN_H

#include <stddef.h>

#include "err.h"

/* The longest string that is held against a pattern, in bytes: matching is not interruptible. */
#define PATTERN_MAX_TEXT 65536

/* Whether PATTERN is a POSIX extended regular expression (XBD 9.4) that means the same in ECMA-262:
 * no backslash before a letter or digit or inside brackets, no "(?", no quantifier that stands after
 * another one or after nothing; and whether it stays small with its repetitions written out. 0,
 * ERR_INVALID, ERR_NOMEM. */
int pattern_check(const char *pattern, struct err *e);

/* Whether PATTERN is found in TEXT (LEN bytes; not anchored). 0, ERR_INVALID (no; or TEXT is too
 * long or has a NUL byte), ERR_NOMEM. */
int pattern_match(const char *pattern, const char *text, size_t len, struct err *e);

#endif
