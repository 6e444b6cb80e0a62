/* SPDX-License-Identifier: ISC */
/* challenge.h: what a server says in WWW-Authenticate (RFC 9110 section 11.6.1) about the token
 * that it was sent. */
#ifndef MCPD_CHALLENGE_H
#define MCPD_CHALLENGE_H

/* VALUE is that of the header, maybe with several challenges. The scope that the token lacks (RFC
 * 6750 section 3.1: error="insufficient_scope"), words with one space between; "" where it is not
 * said, or not in the characters that a scope may have: malloc'd. NULL: that is not what VALUE
 * says, or no memory. */
char *challenge_scope(const char *value);

#endif
