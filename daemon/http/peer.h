/* SPDX-License-Identifier: ISC */
/* peer.h: the client address of a request: the TCP peer's or, where the peer is one of
 * trustedProxies, the address that the proxies forwarded (X-Forwarded-For, or Forwarded of RFC
 * 7239).
 *
 * The forwarded addresses are read from the right, because each proxy adds its own peer at the end:
 * the rightmost one that is not a trusted proxy counts. Addresses left of it come from
 * the client and are ignored. Where the address that would count is unknown, obfuscated (RFC 7239
 * section 6.3) or malformed, the address of the proxy that wrote the entry counts. All such
 * requests share the places of that address, so no client escapes its share by a malformed header.
 */
#ifndef MCPD_PEER_H
#define MCPD_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/netaddr.h"
#include "lib/err.h"

struct peer_rules;

enum peer_header { PEER_X_FORWARDED_FOR, PEER_FORWARDED, PEER_NO_HEADER };

/* PROXIES: NULL-terminated networks and addresses (may be NULL). NULL with ERR_INVALID, ERR_NOMEM.
 */
struct peer_rules *peer_rules_new(char *const *proxies, enum peer_header header, struct err *e);
void peer_rules_free(struct peer_rules **r);
/* The name of the header that counts; NULL: none, because no proxy is trusted. R may be NULL. */
const char *peer_rules_header(const struct peer_rules *r);
bool peer_is_trusted(const struct peer_rules *r, const struct netaddr *a);

/* A search: peer_begin(), then the values of the header, the last one first, until peer_line() is
 * false. */
struct peer_walk {
	const struct peer_rules *rules;
	struct netaddr client; /* whose address counts, as far as is known */
	bool shared;	       /* CLIENT has a share: false for loopback and trusted proxies */
};

/* TCP is the address of the connection. R may be NULL. False: its header does not matter. */
bool peer_begin(struct peer_walk *w, const struct peer_rules *r, const struct netaddr *tcp);
/* VALUE is the last line that was not looked at. False: W is complete. */
bool peer_line(struct peer_walk *w, const char *value);

#endif
