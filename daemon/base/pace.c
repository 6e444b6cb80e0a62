/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "base/pace.h"

#include <stddef.h>

#include "base/container.h"
#include "lib/err.h"

int64_t pace_ms = 1000;

static struct delayq *queue;

static void on_due(struct delayq_node *node, void *arg)
{
	struct pace *p = container_of(node, struct pace, node);
	unsigned pending = p->pending;

	(void)arg;
	p->told = p->pending = 0;
	if (pending)
		pace_tell(p, pending);
}

int pace_begin(struct event_base *base)
{
	queue = delayq_new(base, pace_ms, on_due, NULL);
	return queue ? 0 : ERR_NOMEM;
}

void pace_end(void)
{
	delayq_free(&queue);
}

void pace_init(struct pace *p, void (*fn)(void *arg, unsigned kinds), void *arg)
{
	*p = (struct pace){.fn = fn, .arg = arg};
}

void pace_tell(struct pace *p, unsigned kinds)
{
	unsigned fresh = kinds & ~p->told;

	p->pending |= kinds & p->told;
	p->told |= fresh;
	if (queue && !p->node.queued)
		delayq_add(queue, &p->node);
	if (fresh)
		p->fn(p->arg, fresh);
}

void pace_stop(struct pace *p)
{
	if (queue)
		delayq_remove(queue, &p->node);
	p->told = p->pending = 0;
}
