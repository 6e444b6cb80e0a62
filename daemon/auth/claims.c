/* SPDX-License-Identifier: ISC */
#include "auth/claims.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/hash.h"

struct entry {
	UT_hash_handle hh;
	TAILQ_ENTRY(entry) link; /* the least recently used first */
	unsigned char digest[DIGEST_SIZE];
	int64_t until;
	struct claims claims;
};

struct claims_cache {
	struct entry *entries;
	TAILQ_HEAD(, entry) order;
	size_t max;
};

void claims_clear(struct claims *c)
{
	free(c->user);
	free(c->scope);
	free(c->rights);
	json_decref(c->audience);
	*c = (struct claims){.user = NULL};
}

struct claims_cache *claims_cache_new(size_t max)
{
	struct claims_cache *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	TAILQ_INIT(&c->order);
	c->max = max;
	return c;
}

static void forget(struct claims_cache *c, struct entry *e)
{
	HASH_DEL(c->entries, e);
	TAILQ_REMOVE(&c->order, e, link);
	claims_clear(&e->claims);
	free(e);
}

void claims_cache_clear(struct claims_cache *c)
{
	struct entry *e;

	while ((e = TAILQ_FIRST(&c->order)))
		forget(c, e);
}

void claims_cache_free(struct claims_cache **cp)
{
	struct claims_cache *c = *cp;

	*cp = NULL;
	if (!c)
		return;
	claims_cache_clear(c);
	free(c);
}

static struct entry *find(struct claims_cache *c, const unsigned char digest[DIGEST_SIZE])
{
	struct entry *e;

	HASH_FIND(hh, c->entries, digest, DIGEST_SIZE, e);
	return e;
}

const struct claims *claims_cache_find(struct claims_cache *c,
				       const unsigned char digest[DIGEST_SIZE], int64_t now)
{
	struct entry *e = find(c, digest);

	if (!e)
		return NULL;
	if (e->until <= now) {
		forget(c, e);
		return NULL;
	}
	TAILQ_REMOVE(&c->order, e, link);
	TAILQ_INSERT_TAIL(&c->order, e, link);
	return &e->claims;
}

const struct claims *claims_cache_put(struct claims_cache *c,
				      const unsigned char digest[DIGEST_SIZE],
				      struct claims *claims, int64_t until)
{
	struct entry *e = find(c, digest);

	if (e)
		forget(c, e);
	if (HASH_COUNT(c->entries) >= c->max)
		forget(c, TAILQ_FIRST(&c->order));
	e = calloc(1, sizeof *e);
	if (e) {
		memcpy(e->digest, digest, DIGEST_SIZE);
		HASH_ADD(hh, c->entries, digest, DIGEST_SIZE, e);
	}
	if (!e || !e->hh.tbl) {
		free(e);
		claims_clear(claims);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&c->order, e, link);
	e->until = until;
	e->claims = *claims;
	*claims = (struct claims){.user = NULL};
	return &e->claims;
}
