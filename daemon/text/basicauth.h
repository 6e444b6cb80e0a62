/* SPDX-License-Identifier: ISC */
/* basicauth.h: how a client of an OAuth server shows its secret in a header (RFC 6749 section
 * 2.3.1): HTTP's Basic scheme with both parts escaped. */
#ifndef MCPD_BASICAUTH_H
#define MCPD_BASICAUTH_H

/* "Authorization: Basic ..." for the client ID with SECRET: malloc'd, for wipe_free(). NULL on
 * lack of memory. */
char *basicauth_header(const char *id, const char *secret);

#endif
