/* SPDX-License-Identifier: ISC */
/* claims.h: the claims of tokens, and a cache of claims by the SHA-256 of the token. A full cache
 * drops the entry that was not used for longest. */
#ifndef MCPD_CLAIMS_H
#define MCPD_CLAIMS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/digest.h"

struct claims_cache;

struct claims {
	char *user;
	char *scope;	  /* with spaces between; NULL: none */
	json_t *audience; /* an array of strings; NULL: not said */
	int64_t expires;  /* seconds since the epoch; 0: never */
	char *rights;	  /* equal for tokens with equal rights; NULL: not known */
};

void claims_clear(struct claims *c);

/* Keeps MAX entries. NULL on lack of memory. */
struct claims_cache *claims_cache_new(size_t max);
void claims_cache_free(struct claims_cache **c);

/* NULL: not known, or not any more. Borrowed until the next call that is not a find. */
const struct claims *claims_cache_find(struct claims_cache *c,
				       const unsigned char digest[DIGEST_SIZE], int64_t now);
/* Keeps CLAIMS (moved: empty afterwards, whatever happens) until UNTIL. Borrowed like above; NULL
 * on lack of memory. */
const struct claims *claims_cache_put(struct claims_cache *c,
				      const unsigned char digest[DIGEST_SIZE],
				      struct claims *claims, int64_t until);
/* Forgets all. */
void claims_cache_clear(struct claims_cache *c);

#endif
