/* SPDX-License-Identifier: ISC */
/* utf8.h: checks and repairs UTF-8 (RFC 3629). */
#ifndef MCPD_UTF8_H
#define MCPD_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Length of the sequence that S (LEN bytes, at least one) begins with, its character in *C_R; 0
 * when it is not one (section 4: the shortest form, no surrogates, nothing above U+10FFFF). */
size_t utf8_decode(const char *s, size_t len, uint32_t *c_r);

/* A malloc'd copy of S in which each byte that belongs to no character is U+FFFD; its length in
 * *LEN_R. NULL on lack of memory. */
char *utf8_clean(const char *s, size_t len, size_t *len_r);

#endif
