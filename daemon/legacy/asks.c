/* SPDX-License-Identifier: ISC */
#include "legacy/asks.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "base/container.h"
#include "lib/err.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "mcp/message.h"
#include "mcp/question.h"

struct ask {
	TAILQ_ENTRY(ask) link;
	struct delayq_node limit;
	struct asks *asks;
	struct question *q;
	json_int_t id;
};

/* A session rarely has more than one or two questions open, so a list is the right map. */
struct asks {
	TAILQ_HEAD(, ask) open;
	struct delayq *limit;
	void (*on_withdrawn)(json_int_t id, void *arg);
	void *arg;
	json_int_t last_id;
	size_t count;
};

/* Takes the question out; the caller ends it. */
static struct question *take_out(struct ask *ask)
{
	struct question *q = ask->q;

	TAILQ_REMOVE(&ask->asks->open, ask, link);
	delayq_remove(ask->asks->limit, &ask->limit);
	ask->asks->count--;
	free(ask);
	return q;
}

static void on_limit(struct delayq_node *node, void *arg)
{
	struct ask *ask = container_of(node, struct ask, limit);
	struct asks *a = ask->asks;
	json_int_t id = ask->id;

	(void)arg;
	question_refuse(take_out(ask), RPC_INTERNAL_ERROR, "the client did not answer in time");
	a->on_withdrawn(id, a->arg);
}

struct delayq *asks_limit_new(struct event_base *base, int64_t limit_ms)
{
	return delayq_new(base, limit_ms, on_limit, NULL);
}

struct asks *asks_new(struct delayq *limit, void (*on_withdrawn)(json_int_t id, void *arg),
		      void *arg)
{
	struct asks *a = calloc(1, sizeof *a);

	if (!a)
		return NULL;
	TAILQ_INIT(&a->open);
	a->limit = limit;
	a->on_withdrawn = on_withdrawn;
	a->arg = arg;
	return a;
}

void asks_refuse_all(struct asks *a, const char *why)
{
	struct ask *ask;

	while ((ask = TAILQ_FIRST(&a->open)))
		question_refuse(take_out(ask), RPC_INTERNAL_ERROR, why);
}

void asks_free(struct asks **ap)
{
	struct asks *a = *ap;

	*ap = NULL;
	if (!a)
		return;
	asks_refuse_all(a, "the session was closed");
	free(a);
}

static void on_withdrawn(struct question *q, void *arg)
{
	struct ask *ask = arg;
	struct asks *a = ask->asks;
	json_int_t id = ask->id;

	(void)q;
	take_out(ask);
	a->on_withdrawn(id, a->arg);
}

json_int_t asks_add(struct asks *a, struct question *q_take)
{
	struct ask *ask = calloc(1, sizeof *ask);

	if (!ask) {
		question_refuse(q_take, RPC_INTERNAL_ERROR, "out of memory");
		return 0;
	}
	ask->asks = a;
	ask->q = q_take;
	ask->id = ++a->last_id;
	TAILQ_INSERT_TAIL(&a->open, ask, link);
	a->count++;
	delayq_add(a->limit, &ask->limit);
	question_take(q_take, on_withdrawn, ask);
	return ask->id;
}

/* The error of MSG as the asker gets it; NULL: MSG has none, or there is no memory for it. */
static json_t *error_of(const struct message *msg)
{
	return msg->kind == JSONRPC_ERROR ? json_pack("{s:i, s:s, s:O*}", "code", msg->code,
						      "message", msg->error, "data", msg->data)
					  : NULL;
}

int asks_answer(struct asks *a, const struct message *msg)
{
	struct ask *ask;

	if (!json_is_integer(msg->id))
		return ERR_NOTFOUND;
	TAILQ_FOREACH (ask, &a->open, link) {
		if (ask->id == json_integer_value(msg->id)) {
			question_answer(take_out(ask), jsontext_ref(msg->result), error_of(msg));
			return 0;
		}
	}
	return ERR_NOTFOUND;
}

size_t asks_count(const struct asks *a)
{
	return a ? a->count : 0;
}
