/* SPDX-License-Identifier: ISC */
/* tokens.h: the file of mode "tokens": lines of "DIGEST USER [SCOPE ...]", where DIGEST is the
 * SHA-256 of a token in hexadecimal. The file does not have the tokens themselves. */
#ifndef MCPD_TOKENS_H
#define MCPD_TOKENS_H

#include <jansson.h>
#include <stdbool.h>

#include "auth/claims.h"
#include "lib/err.h"

struct tokens;

/* FILE need not be there yet. CHANGED is called when the file has changed, from inside any function
 * here that reads the file. NULL on lack of memory. */
struct tokens *tokens_new(const char *file, void (*changed)(void *arg), void *arg);
void tokens_free(struct tokens **t);

/* The user and scopes of the token with this digest; NULL: unknown. Reads the file again when it
 * has changed. Borrowed until the next call. */
const struct claims *tokens_find(struct tokens *t, const unsigned char digest[DIGEST_SIZE]);

/* Reads the file again if it has changed. */
void tokens_refresh(struct tokens *t);

/* Adds a line to the file, which is replaced as a whole; other lines stay. SCOPE: words with spaces
 * between, NULL for none. 0, ERR_EXISTS, ERR_INVALID, ERR_IO, ERR_NOMEM. */
int tokens_add(struct tokens *t, const char *user, const char *digest_hex, const char *scope,
	       struct err *e);
/* Removes the token whose digest begins with ID. ERR_NOTFOUND, or ERR_EXISTS when there are
 * several.
 */
int tokens_revoke(struct tokens *t, const char *id, struct err *e);
/* For `mcpctl user token list`: an array of {"id", "user", "scope"}; NULL on lack of memory. */
json_t *tokens_describe(struct tokens *t);

#endif
