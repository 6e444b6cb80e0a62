/* SPDX-License-Identifier: ISC */
/* jwt.h: JSON Web Tokens (RFC 7519) in compact form, signed by somebody whose public keys are
 * known. The only file that knows libjose. Knows nothing of time, issuers and audiences.
 *
 * RFC 8725 rules: the algorithm is one of a list and must fit the key; what a token says about
 * where its key is (jwk, jku, x5c, x5u) is never looked at; the key id only selects. */
#ifndef MCPD_JWT_H
#define MCPD_JWT_H

#include <jansson.h>
#include <stddef.h>

#include "lib/err.h"

#define JWT_MAX ((size_t)16384) /* bytes of a token */

struct jwt {
	json_t *header, *claims; /* objects */
	json_t *jws;		 /* protected, payload, signature */
};

/* Takes TOKEN apart without believing anything. 0, ERR_PARSE, ERR_NOMEM. */
int jwt_parse(struct jwt *j, const char *token, struct err *e);
void jwt_clear(struct jwt *j);

/* Whether one of KEYS (jwt_keys()) made the signature, with one of ALGORITHMS. 0; ERR_NOTFOUND:
 * none of the keys can be the one; ERR_DENIED; ERR_NOMEM. */
int jwt_verify(const struct jwt *j, const json_t *keys, char *const *algorithms, struct err *e);

/* The keys of a JWK set (RFC 7517 section 5) that can check signatures, as a new array: public ones
 * for signatures, RSA of 2048 bits or more, P-256, P-384 and P-521. NULL: it is no set, or no
 * memory. */
json_t *jwt_keys(const json_t *set);

#endif
