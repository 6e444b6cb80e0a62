/* SPDX-License-Identifier: ISC */
/* issuer.h: the authorization server: its metadata (RFC 8414, OpenID Connect
 * Discovery) and its keys (RFC 7517), fetched when they are needed and kept. */
#ifndef MCPD_ISSUER_H
#define MCPD_ISSUER_H

#include <jansson.h>
#include <stdbool.h>

#include "config/config_auth.h"
#include "lib/err.h"

struct event_base;
struct httpc;
struct issuer;

/* CHANGED is called at the end of every refresh; LOST: a key that was there is not any more. All is
 * borrowed. NULL on lack of memory. */
struct issuer *issuer_new(struct event_base *base, struct httpc *h, const struct config_auth *conf,
			  void (*changed)(bool lost, void *arg), void *arg);
/* CHANGED is not called any more. */
void issuer_free(struct issuer **i);

/* The keys, an array for jwt_verify(), borrowed until the next turn; NULL: not known yet. Those
 * that are old are refreshed meanwhile. */
const json_t *issuer_keys(struct issuer *i);
/* The introspection endpoint; NULL: not known yet, or the issuer has none. */
const char *issuer_introspection(const struct issuer *i);

/* Fetches what mode needs, unless that is under way. 0: CHANGED will be called. ERR_LIMIT: it was
 * fetched just now. ERR_IO: that failed, and is not tried again yet (outage.h). */
int issuer_refresh(struct issuer *i);

#endif
