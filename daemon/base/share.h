/* SPDX-License-Identifier: ISC */
/* share.h: a bounded number of places of one kind (children, streams, parked calls), and how many
 * of them each holder has. A holder is a user or the network address of a client
 * (exchange_holder()). A holder may have more than its share as long as at least a quarter of all
 * places is free; with four places or fewer, no place is kept free. */
#ifndef MCPD_SHARE_H
#define MCPD_SHARE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

struct share;

/* KIND is the word for messages, in the plural ("connections"); KEY the configuration key of the
 * limit ("limits.maxConnections"), NULL where no key changes it; both are borrowed for the life of
 * the share. MAX: how many places there are; 0: no limit. PERCENT: the share of one holder, 1 to
 * 100, rounded up to a whole place. NULL on lack of memory. */
struct share *share_new(const char *kind, const char *key, unsigned max, unsigned percent);
void share_free(struct share **s);

/* Whether, of MAX with USED taken (at most MAX), less than a quarter is free: then nobody gets more
 * than a share. */
static inline bool share_is_scarce(size_t max, size_t used)
{
	return max - used < (max + 3) / 4;
}

/* Takes a place for HOLDER (copied; NULL: counts in all, has no share of its own). 0, ERR_LIMIT
 * with E naming the key and the remedy, or ERR_NOMEM. E may be NULL. */
int share_take(struct share *s, const char *holder, struct err *e);
/* Whether share_take() would find a place for HOLDER: 0 or ERR_LIMIT, with the same E. */
int share_check(const struct share *s, const char *holder, struct err *e);
/* Gives one place of HOLDER back: the same text as share_take() had, or NULL. */
void share_give(struct share *s, const char *holder);

/* Whether all places are taken. A refusal with free places is due to the holder's own use. */
bool share_full(const struct share *s);
/* How many places are taken in all. */
unsigned share_used(const struct share *s);
/* How many HOLDER has. */
unsigned share_of(const struct share *s, const char *holder);
/* How many places HOLDER may have while others want them. 0: no limit. */
unsigned share_size(const struct share *s);

#endif
