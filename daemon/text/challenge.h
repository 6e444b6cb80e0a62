/* SPDX-License-Identifier: ISC */
/* challenge.h: reads WWW-Authenticate (RFC 9110 section 11.6.1), in which a server refuses a token.
 */
#ifndef MCPD_CHALLENGE_H
#define MCPD_CHALLENGE_H

/* Returns the scope that the token lacks (RFC 6750 section 3.1: error="insufficient_scope"),
 * malloc'd, words with one space between; "" where VALUE names no scope, or one with characters
 * that no scope may have. VALUE is the header, perhaps with several challenges. NULL: VALUE has no
 * such error, or there is no memory. */
char *challenge_scope(const char *value);

#endif
