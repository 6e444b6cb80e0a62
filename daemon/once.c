#include "once.h"

#include <stdlib.h>

#include "delayq.h"
#include "err.h"
#include "hash.h"

struct used {
	UT_hash_handle hh;
	struct delayq_node due;
	uint64_t n;
};

struct once {
	struct used *all;
	struct delayq *forgetting;
	size_t max;
};

static void forget(struct once *o, struct used *u)
{
	delayq_remove(o->forgetting, &u->due);
	HASH_DEL(o->all, u);
	free(u);
}

static void on_due(struct delayq_node *node, void *arg)
{
	forget(arg, (struct used *)(void *)((char *)node - offsetof(struct used, due)));
}

struct once *once_new(struct event_base *base, int64_t keep_ms, size_t max)
{
	struct once *o = calloc(1, sizeof *o);

	if (!o)
		return NULL;
	o->max = max;
	o->forgetting = delayq_new(base, keep_ms, on_due, o);
	if (!o->forgetting)
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
	free(o);
}

int once_use(struct once *o, uint64_t n)
{
	struct used *u;

	HASH_FIND(hh, o->all, &n, sizeof n, u);
	if (u)
		return ERR_EXISTS;
	if (HASH_COUNT(o->all) >= o->max)
		return ERR_LIMIT;
	u = calloc(1, sizeof *u);
	if (!u)
		return ERR_NOMEM;
	u->n = n;
	HASH_ADD(hh, o->all, n, sizeof u->n, u);
	if (!u->hh.tbl) {
		free(u);
		return ERR_NOMEM;
	}
	delayq_add(o->forgetting, &u->due);
	return 0;
}
