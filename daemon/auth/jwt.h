/* SPDX-License-Identifier: ISC */
/* jwt.h: verifies JSON Web Tokens (RFC 7519) in compact form with given public keys. The only file
 * that uses libjose. Time, issuer and audience are checked elsewhere.
 *
 * By RFC 8725, the algorithm has to be one of a list and fit the key; the members of a token that
 * name a key (jwk, jku, x5c, x5u) are ignored; the key id only selects a key. */
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

/* Parses TOKEN without verifying it. 0, ERR_PARSE, ERR_NOMEM. */
int jwt_parse(struct jwt *j, const char *token, struct err *e);
void jwt_clear(struct jwt *j);

/* Whether one of KEYS (jwt_keys()) made the signature, with one of ALGORITHMS. 0; ERR_NOTFOUND:
 * no key fits the token; ERR_DENIED; ERR_NOMEM. */
int jwt_verify(const struct jwt *j, const json_t *keys, char *const *algorithms, struct err *e);

/* The keys of a JWK set (RFC 7517 section 5) that can check signatures, as a new array: public ones
 * for signatures, RSA of 2048 bits or more, P-256, P-384 and P-521. NULL: it is no set, or no
 * memory. */
json_t *jwt_keys(const json_t *set);

#endif
