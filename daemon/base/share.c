/* SPDX-License-Identifier: ISC */
#include "base/share.h"

#include <stdlib.h>
#include <string.h>

#include "lib/hash.h"
#include "lib/log.h"

struct holder {
	UT_hash_handle hh;
	unsigned count; /* never 0 between two calls */
	char name[];
};

struct share {
	const char *kind, *key;
	unsigned max;  /* 0: no limit */
	unsigned size; /* of one holder */
	unsigned used;
	struct holder *holders;
};

struct share *share_new(const char *kind, const char *key, unsigned max, unsigned percent)
{
	struct share *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->kind = kind;
	s->key = key;
	s->max = max;
	s->size = (unsigned)(((unsigned long long)max * percent + 99) / 100);
	return s;
}

void share_free(struct share **sp)
{
	struct share *s = *sp;
	struct holder *h, *next;

	*sp = NULL;
	if (!s)
		return;
	HASH_ITER (hh, s->holders, h, next) {
		HASH_DELETE(hh, s->holders, h);
		free(h);
	}
	free(s);
}

static struct holder *find(const struct share *s, const char *name)
{
	struct holder *h = NULL;

	if (name)
		HASH_FIND_STR(s->holders, name, h);
	return h;
}

int share_check(const struct share *s, const char *name, struct err *e)
{
	unsigned count = share_of(s, name);

	if (s->max == 0)
		return 0;
	if (share_full(s))
		return err_set(e, ERR_LIMIT, "too many %s: all %u (%s) are in use; try again later",
			       s->kind, s->max, s->key ? s->key : "fixed");
	if (name && count >= s->size && share_is_scarce(s->max, s->used))
		return err_set(
			e, ERR_LIMIT,
			"too many %s: %u of %u (%s) are yours, your share (limits.share) is %u, and"
			" less than a quarter is free; end some, or try again later",
			s->kind, count, s->max, s->key ? s->key : "fixed", s->size);
	return 0;
}

/* Makes an entry for NAME, which has none. NULL on lack of memory. */
static struct holder *holder_new(struct share *s, const char *name)
{
	size_t size = strlen(name) + 1;
	struct holder *h = calloc(1, sizeof *h + size);

	if (!h)
		return NULL;
	memcpy(h->name, name, size);
	HASH_ADD_STR(s->holders, name, h);
	if (h->hh.tbl)
		return h;
	free(h);
	return NULL;
}

int share_take(struct share *s, const char *name, struct err *e)
{
	int rc = share_check(s, name, e);
	struct holder *h;

	if (rc < 0)
		return rc;
	if (name) {
		h = find(s, name);
		if (!h)
			h = holder_new(s, name);
		if (!h)
			return err_set(e, ERR_NOMEM, "out of memory");
		h->count++;
	}
	s->used++;
	return 0;
}

void share_give(struct share *s, const char *name)
{
	struct holder *h = find(s, name);

	if (s->used == 0 || (name && !h)) {
		log_error(NULL, "bug: a place among %s was given back twice", s->kind);
		return;
	}
	s->used--;
	if (!h || --h->count > 0)
		return;
	HASH_DELETE(hh, s->holders, h);
	free(h);
}

bool share_full(const struct share *s)
{
	return s->max > 0 && s->used >= s->max;
}

unsigned share_used(const struct share *s)
{
	return s->used;
}

unsigned share_of(const struct share *s, const char *name)
{
	const struct holder *h = find(s, name);

	return h ? h->count : 0;
}

unsigned share_size(const struct share *s)
{
	return s->size;
}
