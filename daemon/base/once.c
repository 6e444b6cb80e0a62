/* SPDX-License-Identifier: ISC */
#include "base/once.h"

#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/delayq.h"
#include "base/share.h"
#include "lib/err.h"
#include "lib/hash.h"

struct used {
	UT_hash_handle hh;
	struct delayq_node due;
	uint64_t n;
	const char *holder; /* NULL, or in NAME */
	char name[];
};

struct once {
	struct used *all;
	struct delayq *forgetting;
	struct share *places;
};

static void forget(struct once *o, struct used *u)
{
	delayq_remove(o->forgetting, &u->due);
	HASH_DEL(o->all, u);
	share_give(o->places, u->holder);
	free(u);
}

static void on_due(struct delayq_node *node, void *arg)
{
	forget(arg, container_of(node, struct used, due));
}

struct once *once_new(struct event_base *base, int64_t keep_ms, unsigned max, unsigned percent)
{
	struct once *o = calloc(1, sizeof *o);

	if (!o)
		return NULL;
	o->places =
		share_new("states of requests of several rounds", "limits.maxStates", max, percent);
	o->forgetting = delayq_new(base, keep_ms, on_due, o);
	if (!o->forgetting || !o->places)
		once_free(&o);
	return o;
}

void once_free(struct once **op)
{
	struct once *o = *op;
	struct used *u, *next;

	*op = NULL;
	if (!o)
		return;
	HASH_ITER (hh, o->all, u, next)
		forget(o, u);
	delayq_free(&o->forgetting);
	share_free(&o->places);
	free(o);
}

static struct used *used_new(uint64_t n, const char *holder)
{
	size_t size = holder ? strlen(holder) + 1 : 0;
	struct used *u = calloc(1, sizeof *u + size);

	if (!u)
		return NULL;
	u->n = n;
	if (holder)
		u->holder = memcpy(u->name, holder, size);
	return u;
}

int once_use(struct once *o, uint64_t n, const char *holder, struct err *e)
{
	struct used *u;
	int rc;

	HASH_FIND(hh, o->all, &n, sizeof n, u);
	if (u)
		return ERR_EXISTS;
	rc = share_take(o->places, holder, e);
	if (rc < 0)
		return rc;
	u = used_new(n, holder);
	if (u)
		HASH_ADD(hh, o->all, n, sizeof u->n, u);
	if (!u || !u->hh.tbl) {
		share_give(o->places, holder);
		free(u);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	delayq_add(o->forgetting, &u->due);
	return 0;
}

const struct share *once_share(const struct once *o)
{
	return o->places;
}
