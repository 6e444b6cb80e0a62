/* SPDX-License-Identifier: ISC */
/* modern.h: the front for revision 2026-07-28: no handshake, no session; each request has
 * all that is needed. */
#ifndef MCPD_MODERN_H
#define MCPD_MODERN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

struct config;
struct event_base;
struct exchange;
struct modern;
struct users;
struct view;

/* US: the users whose calls are counted; NULL: users have no limits. BASE, CONF and US outlive the
 * front. NULL with E filled. */
struct modern *modern_new(struct event_base *base, const struct config *conf, struct users *us,
			  struct err *e);
/* Every exchange must have been ended: modern_close() first. */
void modern_free(struct modern **m);

/* A request that era_classify() found modern. X is taken, BODY borrowed. */
void modern_request(struct modern *m, struct exchange *x, struct view *view, json_t *body);
/* A notification: accepted and ignored, because none that a client may send over HTTP has an
 * effect. */
void modern_notification(struct modern *m, struct exchange *x);

/* The daemon is going down: ends listen streams with their result, answers what waits with 503,
 * closes the servers. Idempotent. */
void modern_close(struct modern *m);

/* {"servers":N,"requests":N,"parked":N,"listens":N}, a new reference. */
json_t *modern_describe(const struct modern *m);

#endif
