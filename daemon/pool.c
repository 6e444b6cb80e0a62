#include "pool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "call.h"
#include "config.h"
#include "defer.h"
#include "delayq.h"
#include "offer.h"
#include "protocol.h"
#include "server.h"

struct pooled {
	TAILQ_ENTRY(pooled) link;
	struct pool *pool;
	struct view *view;
	struct server *server;
	struct caller caller;
	struct delayq_node idle;
	struct defer freeing;
	unsigned users;
	bool exclusive, closed;
	char texts[]; /* capabilities, user, peer */
};

/* The most recently used first. A host has a handful of principals at a time; a search is cheap next to the
 * request it serves. */
struct pool {
	TAILQ_HEAD(pooled_list, pooled) servers;
	struct event_base *base;
	const struct config_limits *limits;
	const struct server_front *front;
	void *arg;
	struct users *users;
	struct delayq *idle;
	size_t n;
};

static void free_later(void *arg)
{
	struct pooled *s = arg;

	server_free(&s->server);
	free(s);
}

static void drop(struct pooled *s)
{
	delayq_remove(s->pool->idle, &s->idle);
	TAILQ_REMOVE(&s->pool->servers, s, link);
	s->pool->n--;
	s->closed = true;
	server_close(s->server, NULL);
	defer_call(&s->freeing, free_later, s);
}

static void on_idle(struct delayq_node *node, void *arg)
{
	struct pooled *s = (struct pooled *)(void *)((char *)node - offsetof(struct pooled, idle));

	(void)arg;
	if (server_tasks(s->server) > 0)
		delayq_add(s->pool->idle, &s->idle);
	else
		drop(s);
}

struct pool *pool_new(struct event_base *base, const struct config_limits *limits,
		      const struct server_front *front, void *arg, int64_t idle_ms)
{
	struct pool *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	TAILQ_INIT(&p->servers);
	p->base = base;
	p->limits = limits;
	p->front = front;
	p->arg = arg;
	p->idle = delayq_new(base, idle_ms, on_idle, p);
	if (!p->idle) {
		free(p);
		return NULL;
	}
	return p;
}

void pool_close(struct pool *p)
{
	struct pooled *s;

	/* What a server cancels is given back meanwhile, which changes nothing here. */
	while ((s = TAILQ_FIRST(&p->servers)))
		drop(s);
}

void pool_set_users(struct pool *p, struct users *us)
{
	p->users = us;
}

void pool_free(struct pool **pp)
{
	struct pool *p = *pp;

	*pp = NULL;
	if (!p)
		return;
	pool_close(p);
	delayq_free(&p->idle);
	free(p);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static struct pooled *find(struct pool *p, const struct pool_want *want, const char *caps)
{
	struct pooled *s;

	TAILQ_FOREACH(s, &p->servers, link)
	{
		if (s->view == want->view && s->exclusive == want->exclusive &&
		    !(s->exclusive && s->users) && same_text(s->caller.user, want->user) &&
		    strcmp(s->caller.capabilities, caps) == 0)
			return s;
	}
	return NULL;
}

/* The server that has the task which is wanted; NULL: nobody has, or somebody else. */
static struct pooled *find_task(struct pool *p, const struct pool_want *want)
{
	struct pooled *s;

	TAILQ_FOREACH(s, &p->servers, link)
	{
		if (s->view == want->view && same_text(s->caller.user, want->user) &&
		    server_has_task(s->server, want->task))
			return s;
	}
	return NULL;
}

/* What its backends hear of the client: malloc'd. Capabilities are the same whatever the order of their
 * members. */
static char *capabilities(const struct pool_want *want)
{
	if (want->exclusive)
		return json_dumps(want->capabilities, JSON_COMPACT | JSON_SORT_KEYS);
	return strdup(want->tasks ? "{\"extensions\":{\"" EXTENSION_TASKS "\":{}}}" : "{}");
}

static struct pooled *pooled_new(struct pool *p, const struct pool_want *want, const char *caps)
{
	size_t caps_size = strlen(caps) + 1, peer_size = strlen(want->peer) + 1;
	size_t user_size = want->user ? strlen(want->user) + 1 : 0;
	struct pooled *s = calloc(1, sizeof *s + caps_size + peer_size + user_size);
	struct server_conf conf = {
		.base = p->base,
		.limits = p->limits,
		.view = want->view,
		.users = p->users,
		.front = p->front,
		.arg = s,
		.lists_told = true, /* each stream watches the view by itself */
	};

	if (!s)
		return NULL;
	s->pool = p;
	s->view = want->view;
	s->exclusive = want->exclusive;
	s->caller.capabilities = memcpy(s->texts, caps, caps_size);
	s->caller.peer = memcpy(s->texts + caps_size, want->peer, peer_size);
	if (want->user)
		s->caller.user = memcpy(s->texts + caps_size + peer_size, want->user, user_size);
	s->caller.rev = MCP_REV_2026_07_28;
	s->caller.log_level = -1;
	conf.caller = &s->caller;
	s->server = server_new(&conf);
	if (!s->server) {
		free(s);
		return NULL;
	}
	TAILQ_INSERT_HEAD(&p->servers, s, link);
	p->n++;
	return s;
}

struct pooled *pool_take(struct pool *p, const struct pool_want *want)
{
	char *caps = capabilities(want);
	struct pooled *s;

	if (!caps)
		return NULL;
	s = want->task && want->tasks ? find_task(p, want) : NULL;
	if (!s)
		s = find(p, want, caps);
	if (!s)
		s = pooled_new(p, want, caps);
	free(caps);
	if (!s)
		return NULL;
	s->users++;
	delayq_remove(p->idle, &s->idle);
	TAILQ_REMOVE(&p->servers, s, link);
	TAILQ_INSERT_HEAD(&p->servers, s, link);
	return s;
}

void pool_give(struct pooled *s)
{
	if (--s->users == 0 && !s->closed)
		delayq_add(s->pool->idle, &s->idle);
}

struct server *pooled_server(const struct pooled *s)
{
	return s->server;
}

struct view *pooled_view(const struct pooled *s)
{
	return s->view;
}

const char *pooled_user(const struct pooled *s)
{
	return s->caller.user;
}

bool pooled_exclusive(const struct pooled *s)
{
	return s->exclusive;
}

void *pooled_arg(const struct pooled *s)
{
	return s->pool->arg;
}

size_t pool_size(const struct pool *p)
{
	return p->n;
}
