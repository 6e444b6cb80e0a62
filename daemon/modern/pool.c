/* SPDX-License-Identifier: ISC */
#include "modern/pool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "backend/view.h"
#include "base/bearer.h"
#include "base/budget.h"
#include "base/container.h"
#include "base/defer.h"
#include "base/delayq.h"
#include "base/share.h"
#include "config/config.h"
#include "lib/hash.h"
#include "lib/protocol.h"
#include "mcp/call.h"
#include "mcp/offer.h"
#include "server/server.h"

struct pooled {
	LIST_ENTRY(pooled) owned; /* among its owner's */
	TAILQ_ENTRY(pooled) free; /* among those of its kind that can be taken */
	TAILQ_ENTRY(pooled)
	idle_all, idle_owned; /* while no request uses it: the longest idle first */
	struct pool *pool;
	struct owner *owner;
	struct kind *kind;
	struct view *view;
	struct server *server;
	struct caller caller;
	struct delayq_node idle;
	struct defer freeing;
	struct bearer_hold hold; /* the latest token */
	enum bearer_end why;	 /* it ended, if it has */
	unsigned users;
	bool exclusive, closed;
	bool spoilt;  /* knows what no other client may; changes only while it is in use */
	char texts[]; /* capabilities, user, peer, holder */
};

TAILQ_HEAD(pooled_list, pooled);

/* Whose servers they are: the holder of their requests (exchange_holder()), or "" for all who have
 * none. */
struct owner {
	UT_hash_handle hh;
	LIST_HEAD(, pooled) servers;
	struct pooled_list idle;
	char name[];
};

/* Servers that are alike. From the owner on it is the key. */
struct kind {
	UT_hash_handle hh;
	struct pooled_list free;
	unsigned n;
	size_t key_size;
	struct owner *owner;
	struct view *view;
	uintptr_t exclusive; /* as wide as the pointers: no padding in the key */
	char caps[];	     /* and, behind its end, what the tokens allow */
};

struct pool {
	struct owner *owners;
	struct kind *kinds;
	struct pooled_list idle_all;
	struct pool_deps deps;
	struct delayq *idle;
	struct share *places;
	size_t n;
};

static const char *no_null(const char *name)
{
	return name ? name : "";
}

/* ---- owners and kinds ---- */

static struct owner *owner_find(const struct pool *p, const char *holder)
{
	struct owner *o;

	HASH_FIND_STR(p->owners, no_null(holder), o);
	return o;
}

static struct owner *owner_get(struct pool *p, const char *holder)
{
	struct owner *o = owner_find(p, holder);
	size_t size = strlen(no_null(holder)) + 1;

	if (o)
		return o;
	o = calloc(1, sizeof *o + size);
	if (!o)
		return NULL;
	memcpy(o->name, no_null(holder), size);
	LIST_INIT(&o->servers);
	TAILQ_INIT(&o->idle);
	HASH_ADD_STR(p->owners, name, o);
	if (o->hh.tbl)
		return o;
	free(o);
	return NULL;
}

static void owner_drop(struct pool *p, struct owner *o)
{
	if (!LIST_EMPTY(&o->servers))
		return;
	HASH_DELETE(hh, p->owners, o);
	free(o);
}

#define KEY_OF(k) (&(k)->owner)

/* A kind that is in no table yet. */
/* What the token of a request allows, where that makes a difference; else "". */
static const char *rights_of(const struct pool_want *want)
{
	return want->bearer && view_per_token(want->view) ? bearer_rights(want->bearer) : "";
}

static struct kind *kind_new(struct owner *o, const struct pool_want *want, const char *caps)
{
	const char *rights = rights_of(want);
	size_t caps_size = strlen(caps) + 1, size = caps_size + strlen(rights) + 1;
	struct kind *k = calloc(1, sizeof *k + size);

	if (!k)
		return NULL;
	TAILQ_INIT(&k->free);
	k->owner = o;
	k->view = want->view;
	k->exclusive = want->exclusive;
	memcpy(k->caps, caps, caps_size);
	strcpy(k->caps + caps_size, rights);
	k->key_size = offsetof(struct kind, caps) - offsetof(struct kind, owner) + size;
	return k;
}

static struct kind *kind_find(const struct pool *p, struct owner *o, const struct pool_want *want,
			      const char *caps)
{
	struct kind *like = kind_new(o, want, caps), *k = NULL;

	if (like)
		HASH_FIND(hh, p->kinds, KEY_OF(like), like->key_size, k);
	free(like);
	return k;
}

/* The kind of what WANT wants; NULL on lack of memory. */
static struct kind *kind_get(struct pool *p, struct owner *o, const struct pool_want *want,
			     const char *caps)
{
	struct kind *k = kind_find(p, o, want, caps);

	if (k)
		return k;
	k = kind_new(o, want, caps);
	if (!k)
		return NULL;
	HASH_ADD_KEYPTR(hh, p->kinds, KEY_OF(k), k->key_size, k);
	if (k->hh.tbl)
		return k;
	free(k);
	return NULL;
}

static void kind_drop(struct pool *p, struct kind *k)
{
	if (k->n > 0)
		return;
	HASH_DELETE(hh, p->kinds, k);
	free(k);
}

/* ---- one server ---- */

static void set_idle(struct pooled *s)
{
	delayq_add(s->pool->idle, &s->idle);
	TAILQ_INSERT_TAIL(&s->pool->idle_all, s, idle_all);
	TAILQ_INSERT_TAIL(&s->owner->idle, s, idle_owned);
	/* The one that was used last is used again first. */
	if (s->exclusive && !s->spoilt)
		TAILQ_INSERT_HEAD(&s->kind->free, s, free);
}

static void set_busy(struct pooled *s)
{
	delayq_remove(s->pool->idle, &s->idle);
	TAILQ_REMOVE(&s->pool->idle_all, s, idle_all);
	TAILQ_REMOVE(&s->owner->idle, s, idle_owned);
	if (s->exclusive && !s->spoilt)
		TAILQ_REMOVE(&s->kind->free, s, free);
}

static void free_later(void *arg)
{
	struct pooled *s = arg;

	server_free(&s->server);
	bearer_unref(&s->caller.bearer);
	budget_unref(&s->caller.budget);
	free(s);
}

/* Takes S out of the lists; its owner and its kind go with their last server. */
static void take_out(struct pooled *s)
{
	struct pool *p = s->pool;

	if (s->users == 0)
		set_busy(s);
	if (!s->exclusive)
		TAILQ_REMOVE(&s->kind->free, s, free);
	LIST_REMOVE(s, owned);
	s->kind->n--;
	kind_drop(p, s->kind);
	owner_drop(p, s->owner);
	share_give(p->places, s->caller.holder);
	bearer_release(&s->hold);
	p->n--;
}

static void drop(struct pooled *s)
{
	take_out(s);
	s->closed = true;
	server_close(s->server, NULL);
	defer_call(&s->freeing, free_later, s);
}

/* The latest token of S, which no request uses, has ended. */
static bool is_over(const struct pooled *s)
{
	return s->caller.bearer && bearer_ended(s->caller.bearer) &&
	       (s->why == BEARER_LOGOUT || server_tasks(s->server) == 0);
}

static void on_token_end(enum bearer_end why, void *arg)
{
	struct pooled *s = arg;

	s->why = why;
	if (s->users == 0 && !s->closed && is_over(s))
		drop(s);
}

static void on_idle(struct delayq_node *node, void *arg)
{
	struct pooled *s = container_of(node, struct pooled, idle);

	(void)arg;
	if (server_tasks(s->server) > 0)
		delayq_add(s->pool->idle, &s->idle);
	else
		drop(s);
}

/* ---- the pool ---- */

struct pool *pool_new(const struct pool_deps *deps)
{
	struct pool *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	TAILQ_INIT(&p->idle_all);
	p->deps = *deps;
	p->idle = delayq_new(deps->base, deps->idle_ms, on_idle, p);
	p->places = share_new("servers of requests without a session", "limits.maxRequestServers",
			      deps->limits->max_request_servers, deps->limits->share);
	if (!p->idle || !p->places)
		pool_free(&p);
	return p;
}

void pool_close(struct pool *p)
{
	struct owner *o;

	/* What a server cancels is given back meanwhile, which changes nothing here. */
	while ((o = p->owners))
		drop(LIST_FIRST(&o->servers));
}

void pool_free(struct pool **pp)
{
	struct pool *p = *pp;

	*pp = NULL;
	if (!p)
		return;
	pool_close(p);
	delayq_free(&p->idle);
	share_free(&p->places);
	free(p);
}

/* The server with the task of the request; NULL: no server of this holder has the task. */
static struct pooled *find_task(const struct pool *p, const struct pool_want *want)
{
	const struct owner *o = owner_find(p, want->holder);
	struct pooled *s;

	for (s = o ? LIST_FIRST(&o->servers) : NULL; s; s = LIST_NEXT(s, owned)) {
		if (s->view == want->view && server_has_task(s->server, want->task))
			return s;
	}
	return NULL;
}

/* What its backends hear of the client: malloc'd. Capabilities are the same whatever the order of
 * their members. */
static char *capabilities(const struct pool_want *want)
{
	if (want->exclusive)
		return json_dumps(want->capabilities, JSON_COMPACT | JSON_SORT_KEYS);
	return strdup(want->tasks ? "{\"extensions\":{\"" EXTENSION_TASKS "\":{}}}" : "{}");
}

static size_t text_size(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

/* Copies TEXT to *at and moves *at behind it. NULL stays NULL. */
static const char *put_text(char **at, const char *text)
{
	char *copy = *at;

	if (!text)
		return NULL;
	*at = stpcpy(copy, text) + 1;
	return copy;
}

/* A server in no list. */
static struct pooled *server_make(struct pool *p, const struct pool_want *want, const char *caps)
{
	size_t size = text_size(caps) + text_size(want->user) + text_size(want->peer) +
		      text_size(want->holder);
	struct pooled *s = calloc(1, sizeof *s + size);
	struct server_conf conf = {
		.base = p->deps.base,
		.limits = p->deps.limits,
		.view = want->view,
		.users = p->deps.users,
		.front = p->deps.front,
		.arg = s,
		.lists_told = true, /* each stream watches the view by itself */
	};
	char *at;

	if (!s)
		return NULL;
	at = s->texts;
	s->pool = p;
	s->view = want->view;
	s->hold.ended = on_token_end;
	s->hold.arg = s;
	s->exclusive = want->exclusive;
	s->caller = (struct caller){
		.capabilities = put_text(&at, caps),
		.user = put_text(&at, want->user),
		.peer = put_text(&at, want->peer),
		.holder = put_text(&at, want->holder),
		.rev = MCP_REV_2026_07_28,
		.alone = want->exclusive,
		.log_level = -1,
	};
	s->caller.budget = budget_of(want->holder);
	conf.caller = &s->caller;
	s->server = server_new(&conf);
	if (s->server)
		return s;
	budget_unref(&s->caller.budget);
	free(s);
	return NULL;
}

/* The one of LIST that was idle longest and has no tasks, which only it knows; NULL: none. */
static struct pooled *oldest_idle(const struct pool *p, const struct owner *o)
{
	struct pooled *s = TAILQ_FIRST(o ? &o->idle : &p->idle_all);

	while (s && server_tasks(s->server) > 0)
		s = o ? TAILQ_NEXT(s, idle_owned) : TAILQ_NEXT(s, idle_all);
	return s;
}

/* Takes a place for one more server of HOLDER, if need be that of an idle one: one of its own where
 * HOLDER has its share, else whichever was idle longest. 0, or ERR_LIMIT or ERR_NOMEM with E
 * filled. */
static int take_place(struct pool *p, const char *holder, struct err *e)
{
	int rc = share_take(p->places, holder, e);
	bool own = holder && share_of(p->places, holder) >= share_size(p->places);
	struct pooled *s =
		rc == ERR_LIMIT ? oldest_idle(p, own ? owner_find(p, holder) : NULL) : NULL;

	if (!s)
		return rc;
	drop(s);
	return share_take(p->places, holder, e);
}

/* One more server of K, in use, whose place is taken. NULL on lack of memory. */
static struct pooled *pooled_new(struct pool *p, struct kind *k, const struct pool_want *want)
{
	struct pooled *s = server_make(p, want, k->caps);

	if (!s)
		return NULL;
	s->kind = k;
	s->owner = k->owner;
	s->users = 1;
	k->n++;
	p->n++;
	LIST_INSERT_HEAD(&s->owner->servers, s, owned);
	if (!s->exclusive)
		TAILQ_INSERT_HEAD(&k->free, s, free);
	return s;
}

/* A server that can be taken; NULL: there is none like that. */
static struct pooled *find(const struct pool *p, const struct pool_want *want, const char *caps)
{
	struct owner *o = owner_find(p, want->holder);
	struct kind *k = o ? kind_find(p, o, want, caps) : NULL;

	return k ? TAILQ_FIRST(&k->free) : NULL;
}

/* One more server for WANT. NULL with E filled. */
static struct pooled *add(struct pool *p, const struct pool_want *want, const char *caps,
			  struct err *e)
{
	struct owner *o;
	struct kind *k;
	struct pooled *s;

	/* First, because an owner and a kind go with their last server. */
	if (take_place(p, want->holder, e) < 0)
		return NULL;
	o = owner_get(p, want->holder);
	k = o ? kind_get(p, o, want, caps) : NULL;
	s = k ? pooled_new(p, k, want) : NULL;
	if (s)
		return s;
	if (k)
		kind_drop(p, k);
	if (o)
		owner_drop(p, o);
	share_give(p->places, want->holder);
	err_set(e, ERR_NOMEM, "out of memory");
	return NULL;
}

struct pooled *pool_take(struct pool *p, const struct pool_want *want, struct err *e)
{
	char *caps = capabilities(want);
	struct pooled *s;

	if (!caps) {
		err_set(e, ERR_NOMEM, "out of memory");
		return NULL;
	}
	if (strlen(caps) > p->deps.limits->max_session_bytes) {
		err_set(e, ERR_INVALID,
			"the client's capabilities have more than %zu bytes "
			"(limits.maxSessionBytes)",
			p->deps.limits->max_session_bytes);
		free(caps);
		return NULL;
	}
	s = want->task && want->tasks ? find_task(p, want) : NULL;
	if (!s)
		s = find(p, want, caps);
	if (!s)
		s = add(p, want, caps, e);
	else if (s->users++ == 0)
		set_busy(s);
	free(caps);
	if (s)
		pooled_seen(s, want->bearer);
	return s;
}

void pool_give(struct pooled *s)
{
	if (--s->users > 0 || s->closed)
		return;
	set_idle(s);
	if ((s->spoilt && server_tasks(s->server) == 0) || is_over(s))
		drop(s);
}

void pooled_seen(struct pooled *s, struct bearer *b)
{
	bearer_set(&s->caller.bearer, b);
	bearer_hold(&s->hold, b);
}

void pooled_spoil(struct pooled *s)
{
	s->spoilt = s->spoilt || (s->exclusive && !s->caller.user);
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

const char *pooled_holder(const struct pooled *s)
{
	return s->caller.holder;
}

struct budget *pooled_budget(const struct pooled *s)
{
	return s->caller.budget;
}

bool pooled_exclusive(const struct pooled *s)
{
	return s->exclusive;
}

void *pooled_arg(const struct pooled *s)
{
	return s->pool->deps.arg;
}

size_t pool_size(const struct pool *p)
{
	return p->n;
}

const struct share *pool_share(const struct pool *p)
{
	return p->places;
}
