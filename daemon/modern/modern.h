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
struct message;
struct modern;
struct stopping;
struct users;
struct view;

/* The arguments of modern_new(). The struct itself is not kept. The objects that its pointers name
 * are borrowed and have to outlive the front. */
struct modern_deps {
	struct event_base *base;
	const struct config *conf;
	struct users *users;		 /* whose calls are counted; NULL: users have no limits */
	const struct stopping *stopping; /* once the daemon is going down, requests get 503 */
};

/* NULL with E filled. */
struct modern *modern_new(const struct modern_deps *deps, struct err *e);
/* Every exchange must have been ended: modern_close() first. */
void modern_free(struct modern **m);

/* A request that era_classify() found modern. X is taken, MSG borrowed. */
void modern_request(struct modern *m, struct exchange *x, struct view *view,
		    const struct message *msg);
/* A notification: accepted and ignored, because none that a client may send over HTTP has an
 * effect. */
void modern_notification(struct modern *m, struct exchange *x);

/* The daemon is going down, which its struct stopping says already: ends listen streams with their
 * result, answers what waits with 503, closes the servers. */
void modern_close(struct modern *m);

/* {"servers":N,"requests":N,"parked":N,"listens":N}, a new reference. */
json_t *modern_describe(const struct modern *m);

#endif
