/* SPDX-License-Identifier: ISC */
/* listing.h: reads the lists of a server, page by page. */
#ifndef MCPD_LISTING_H
#define MCPD_LISTING_H

#include "mcp/offer.h"

struct listing;
struct mcpclient;

#define LISTING_ALL ((1u << OFFER_KINDS) - 1)

/* The result: O is a new reference, NULL with WHY on failure. The listing is freed. */
typedef void (*listing_fn)(struct offer *o_take, const char *why, void *arg);

/* Asks M, which is ready, for the lists of KINDS (1u << enum offer_kind) that it declared; other
 * lists are those of BASE (NULL: empty). A list that the server refuses to give is that of BASE,
 * and a method that it does not know is an empty list; both are logged. Only a server that does not
 * answer is a failure. FN comes exactly once, maybe before this returns, unless the listing is
 * cancelled before. *LISTING_R is NULL by then. */
void listing_start(struct mcpclient *m, struct offer *base, unsigned kinds, listing_fn fn,
		   void *arg, struct listing **listing_r);
/* FN is not called any more. *L becomes NULL. */
void listing_cancel(struct listing **l);

#endif
