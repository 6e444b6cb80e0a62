/* SPDX-License-Identifier: ISC */
/* digest.h: SHA-256 (FIPS 180-4), which identifies tokens without storing them, and base64. */
#ifndef MCPD_DIGEST_H
#define MCPD_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#define DIGEST_SIZE	32 /* bytes */
#define DIGEST_HEX_SIZE 65 /* two digits each, and the NUL */

/* 0 or ERR_NOMEM. */
int digest_sha256(const void *data, size_t len, unsigned char digest_r[DIGEST_SIZE]);
/* Compares in constant time. */
bool digest_equal(const unsigned char a[DIGEST_SIZE], const unsigned char b[DIGEST_SIZE]);
/* Returns BUF. */
const char *digest_hex(const unsigned char digest[DIGEST_SIZE], char buf[DIGEST_HEX_SIZE]);
/* Whether HEX is a digest, which is 64 hexadecimal digits. */
bool digest_parse(const char *hex, unsigned char digest_r[DIGEST_SIZE]);

/* LEN bytes of TEXT in base64 (RFC 4648 section 4); malloc'd, NULL on lack of memory. */
char *digest_base64(const char *text, size_t len);
/* Decodes LEN bytes of base64 at IN: *TEXT_R is malloc'd and has *LEN_R bytes and a NUL. 0;
 * ERR_INVALID where IN is not what digest_base64() writes (white space, other padding, odd bits);
 * or ERR_NOMEM. */
int digest_unbase64(const char *in, size_t len, char **text_r, size_t *len_r);

#endif
