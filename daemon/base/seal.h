/* SPDX-License-Identifier: ISC */
/* seal.h: state that a client keeps for the daemon, and can neither read nor change: AES-256-GCM
 * (NIST SP 800-38D) under a key that lives as long as the daemon, or in a file (store.h), in
 * base64url. */
#ifndef MCPD_SEAL_H
#define MCPD_SEAL_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

struct seal;

#define SEAL_KEY_SIZE 32 /* bytes */

/* A fresh random key. NULL with E filled. */
struct seal *seal_new(struct err *e);
/* A key that is kept elsewhere (copied). NULL on lack of memory. */
struct seal *seal_with_key(const unsigned char key[SEAL_KEY_SIZE]);
/* Fills KEY_R with a fresh key. 0 or ERR_IO. */
int seal_make_key(unsigned char key_r[SEAL_KEY_SIZE], struct err *e);
/* Overwrites SECRET; the compiler cannot remove the call. */
void seal_wipe(void *secret, size_t len);
void seal_free(struct seal **s); /* the key is wiped */

/* Seals PAYLOAD (borrowed). The result opens until EXPIRES (seconds since the epoch) with the same
 * CONTEXT (user, method, digest of the parameters ...). malloc'd; NULL on lack of memory or
 * randomness. */
char *seal_close(const struct seal *s, const json_t *payload, int64_t expires, const char *context);

/* Opens TEXT: a new reference, for seal_drop() where it is secret, or NULL with E = ERR_DENIED
 * (tampered with, expired, of another context) or ERR_NOMEM. */
json_t *seal_open(const struct seal *s, const char *text, const char *context, int64_t now,
		  struct err *e);

/* Drops the reference OPENED (may be NULL) to what was sealed, for instance tokens: texts that
 * nobody else has are overwritten before they are freed. */
void seal_drop(json_t *opened);

/* A SHA-256 of VALUE in a canonical form (sorted keys), in hex: malloc'd; NULL on lack of memory.
 */
char *seal_digest(const json_t *value);

#endif
