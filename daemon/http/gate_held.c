/* SPDX-License-Identifier: ISC */
/* gate_held.c: what a connection holds in the budget: the body of its request, and answers that its
 * client does not read. */
#include "http/gate_impl.h"

#include <stdlib.h>
#include <sys/socket.h>

#include <event2/bufferevent.h>
#include <event2/http.h>

/* The memory of a body of LEN bytes: evhttp collects bodies in blocks of some kilobytes. */
#define WITH_BLOCKS(len) ((len) + (len) / 4)

/* The client does not read. A reset says that the answer is not whole. */
static void on_cut(void *arg)
{
	static const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
	struct gate *g = arg;

	(void)connect(bufferevent_getfd(g->bev), &nobody, sizeof nobody);
	evhttp_connection_free(g->con);
}

int gate_count_begin(struct gate *g)
{
	budget_reader(&g->out.part, on_cut, g);
	return budget_watch(&g->out, bufferevent_get_output(g->bev), NULL);
}

void gate_count_end(struct gate *g)
{
	budget_unwatch(&g->out);
	budget_end(&g->body);
	budget_unref(&g->home);
}

void gate_charge(struct gate *g, struct budget *b)
{
	budget_move(&g->body, b);
	budget_move(&g->out.part, b);
}

const char *gate_holder(const struct gate *g)
{
	return g->rules->holder ? g->rules->holder(g->owner) : NULL;
}

/* The budget of the address, which is known once the first request comes. */
static struct budget *home_of(struct gate *g)
{
	if (!g->home)
		g->home = budget_of(gate_holder(g));
	return g->home;
}

static void refuse(struct gate *g, const struct err *e)
{
	budget_refused(g->home, "a body", e);
	gate_refuse(g, budget_status(e->code), e->text);
}

bool gate_has_room(struct gate *g, uint64_t len)
{
	struct err e;

	if (len <= GATE_AHEAD || len > g->reader.max_body ||
	    budget_check(home_of(g), WITH_BLOCKS(len), &e) == 0)
		return true;
	refuse(g, &e);
	return false;
}

/* A small body may end something that holds more, so there is always room for one. */
bool gate_count_body(struct gate *g, size_t n)
{
	struct err e;

	if (n == 0)
		return true;
	gate_charge(g, home_of(g));
	if (g->body.held + n > GATE_AHEAD && budget_check(g->home, WITH_BLOCKS(n), &e) < 0) {
		refuse(g, &e);
		return false;
	}
	budget_add(&g->body, WITH_BLOCKS(n));
	return true;
}

void gate_body_freed(struct gate *g)
{
	budget_set(&g->body, 0);
}

void gate_count_next(struct gate *g)
{
	gate_body_freed(g);
	gate_charge(g, g->home);
}

size_t gate_backlog(const struct gate *g)
{
	return g->out.part.held;
}
