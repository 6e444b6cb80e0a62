#include "listen.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "config.h"
#include "delayq.h"
#include "era.h"
#include "exchange.h"
#include "jsonrpc.h"
#include "modern_impl.h"
#include "pool.h"
#include "reply.h"
#include "server.h"
#include "stream.h"
#include "view.h"

/* A task that a stream is about, and the server that has it. */
struct listen_task {
	LIST_ENTRY(listen_task) link;
	struct pooled *pooled;
	char id[]; /* ours */
};

struct listen {
	TAILQ_ENTRY(listen) link;
	LIST_HEAD(, listen_task) tasks;
	struct listens *all;
	struct exchange *x;
	struct view *view;
	char *user;	       /* NULL: unauthenticated */
	struct pooled *pooled; /* the server that holds the subscriptions; NULL without any */
	json_t *id;
	json_t *uris; /* object used as a set; NULL: none */
	struct view_watch watch;
	struct delayq_node keepalive;
	struct defer freeing;
	unsigned mask; /* of 1u << enum offer_kind */
};

struct listens {
	TAILQ_HEAD(, listen) streams;
	const struct config *conf;
	struct pool *pool;
	struct delayq *keepalive;
	size_t n;
};

/* What can be asked for: the member of "notifications", the lists it stands for, the capability it needs. */
static const struct kind {
	const char *member, *capability, *method;
	unsigned mask;
} kinds[] = {
	{"toolsListChanged", "tools", "notifications/tools/list_changed", 1u << OFFER_TOOLS},
	{"promptsListChanged", "prompts", "notifications/prompts/list_changed", 1u << OFFER_PROMPTS},
	{"resourcesListChanged", "resources", "notifications/resources/list_changed",
	 1u << OFFER_RESOURCES | 1u << OFFER_TEMPLATES},
};
#define N_KINDS (sizeof kinds / sizeof *kinds)

static void free_later(void *arg)
{
	struct listen *l = arg;

	json_decref(l->id);
	json_decref(l->uris);
	free(l->user);
	free(l);
}

/* Does another stream of the same server want URI? */
static bool wanted_elsewhere(const struct listen *l, const char *uri)
{
	const struct listen *other;

	TAILQ_FOREACH(other, &l->all->streams, link)
	{
		if (other != l && other->pooled == l->pooled && json_object_get(other->uris, uri))
			return true;
	}
	return false;
}

static void subscribe(struct listen *l, const char *method)
{
	const char *uri;
	json_t *value, *params;

	json_object_foreach(l->uris, uri, value)
	{
		if (wanted_elsewhere(l, uri))
			continue;
		params = json_pack("{s:s}", "uri", uri);
		server_request(pooled_server(l->pooled), NULL, NULL, method, params);
		json_decref(params);
	}
}

/* ---- tasks (extension io.modelcontextprotocol/tasks, "Task Status Notifications") ---- */

static struct listen_task *find_task(const struct listen *l, const char *id)
{
	struct listen_task *t;

	LIST_FOREACH(t, &l->tasks, link)
	{
		if (strcmp(t->id, id) == 0)
			return t;
	}
	return NULL;
}

static void tell_task(const struct listen_task *t, const char *method)
{
	json_t *params = json_pack("{s:s}", "taskId", t->id);

	server_request(pooled_server(t->pooled), NULL, NULL, method, params);
	json_decref(params);
}

static void drop_tasks(struct listen *l)
{
	struct listen_task *t;

	while ((t = LIST_FIRST(&l->tasks))) {
		const struct listen *other;
		bool elsewhere = false;

		LIST_REMOVE(t, link);
		TAILQ_FOREACH(other, &l->all->streams, link)
		elsewhere = elsewhere || (other != l && find_task(other, t->id));
		if (!elsewhere)
			tell_task(t, "tasks/unsubscribe");
		pool_give(t->pooled);
		free(t);
	}
}

/* Makes L be about the task ID, if this principal has it. */
static bool take_task(struct listen *l, const char *id)
{
	struct pool_want want = {.view = l->view,
				 .user = l->user,
				 .peer = exchange_peer(l->x),
				 .tasks = true,
				 .task = id};
	struct pooled *pooled = pool_take(l->all->pool, &want);
	struct listen_task *t = NULL;

	if (pooled && server_has_task(pooled_server(pooled), id))
		t = calloc(1, sizeof *t + strlen(id) + 1);
	if (!t) {
		if (pooled)
			pool_give(pooled);
		return false;
	}
	t->pooled = pooled;
	memcpy(t->id, id, strlen(id) + 1);
	LIST_INSERT_HEAD(&l->tasks, t, link);
	return true;
}

/* Those of WANTED that will be told of, for the acknowledgement. */
static json_t *take_tasks(struct listen *l, const json_t *wanted)
{
	json_t *ids = json_array(), *id;
	size_t i;

	json_array_foreach(wanted, i, id)
	{
		const char *text = json_string_value(id);

		if (text && !find_task(l, text) &&
		    json_array_size(ids) < l->all->conf->limits.max_subscriptions &&
		    take_task(l, text))
			json_array_append(ids, id);
	}
	return ids;
}

/* ---- the end ---- */

/* Forgets the stream, whose exchange is ended or gone. */
static void drop(struct listen *l)
{
	struct listens *ls = l->all;

	delayq_remove(ls->keepalive, &l->keepalive);
	view_unwatch(l->view, &l->watch);
	TAILQ_REMOVE(&ls->streams, l, link);
	ls->n--;
	drop_tasks(l);
	if (l->pooled) {
		subscribe(l, "resources/unsubscribe");
		pool_give(l->pooled);
	}
	defer_call(&l->freeing, free_later, l);
}

static void on_gone(struct exchange *x, void *arg)
{
	(void)x;
	drop(arg);
}

/* Writes MSG, or a comment where it is NULL. False: the stream is no more. */
static bool put(struct listen *l, const json_t *msg)
{
	if (modern_write(l->x, msg, l->all->conf->limits.max_backlog) == 0) {
		delayq_add(l->all->keepalive, &l->keepalive);
		return true;
	}
	exchange_on_gone(l->x, NULL, NULL);
	exchange_abort(l->x);
	drop(l);
	return false;
}

/* A copy of PARAMS with the id of the stream in it. */
static json_t *stamped(const struct listen *l, json_t *params)
{
	json_t *copy = params ? json_copy(params) : json_object();
	json_t *meta = json_copy(json_object_get(copy, "_meta"));

	if (!meta)
		meta = json_object();
	json_object_set(meta, META_SUBSCRIPTION, l->id);
	json_object_set_new(copy, "_meta", meta);
	return copy;
}

static bool send_note(struct listen *l, const char *method, json_t *params)
{
	json_t *msg = jsonrpc_notification(method, stamped(l, params));
	bool there = msg ? put(l, msg) : true;

	json_decref(msg);
	return there;
}

static void on_changed(struct view *v, unsigned mask, void *arg)
{
	struct listen *l = arg;

	(void)v;
	for (size_t i = 0; i < N_KINDS; i++) {
		if (mask & l->mask & kinds[i].mask && !send_note(l, kinds[i].method, NULL))
			return;
	}
}

static void on_keepalive(struct delayq_node *node, void *arg)
{
	(void)arg;
	put((struct listen *)(void *)((char *)node - offsetof(struct listen, keepalive)), NULL);
}

/* ---- opening ---- */

/* The URIs that can be subscribed to, as an array for the acknowledgement; they become the stream's set. */
static json_t *take_uris(struct listen *l, const json_t *wanted, const json_t *caps)
{
	json_t *uris = json_array(), *uri;
	bool can = json_is_true(
		json_object_get(json_object_get(caps, "resources"), "subscribe"));
	size_t i;

	json_array_foreach(wanted, i, uri)
	{
		if (!can || !json_is_string(uri) ||
		    json_array_size(uris) >= l->all->conf->limits.max_subscriptions)
			continue;
		if (!l->uris)
			l->uris = json_object();
		json_object_set_new(l->uris, json_string_value(uri), json_true());
		json_array_append(uris, uri);
	}
	return uris;
}

/* What of WANTED will be delivered. */
static json_t *honour(struct listen *l, const json_t *wanted)
{
	const struct catalog *cat = view_catalog(l->view, MCP_REV_NEWEST);
	json_t *caps = cat ? catalog_capabilities(cat, view_incomplete(l->view)) : NULL;
	json_t *granted = json_object(), *uris = json_object_get(wanted, "resourceSubscriptions");
	json_t *tasks = take_tasks(l, json_object_get(wanted, "taskIds"));

	for (size_t i = 0; i < N_KINDS; i++) {
		if (!json_is_true(json_object_get(wanted, kinds[i].member)) ||
		    !json_object_get(caps, kinds[i].capability))
			continue;
		l->mask |= kinds[i].mask;
		json_object_set_new(granted, kinds[i].member, json_true());
	}
	if (json_is_array(uris)) {
		uris = take_uris(l, uris, caps);
		if (json_array_size(uris) > 0)
			json_object_set(granted, "resourceSubscriptions", uris);
		json_decref(uris);
	}
	if (json_array_size(tasks) > 0)
		json_object_set(granted, "taskIds", tasks);
	json_decref(tasks);
	json_decref(caps);
	return granted;
}

static void take_server(struct listen *l, const char *user)
{
	struct pool_want want = {
		.view = l->view, .user = user, .peer = exchange_peer(l->x), .capabilities = NULL};

	if (json_object_size(l->uris) == 0)
		return;
	l->pooled = pool_take(l->all->pool, &want);
	if (l->pooled)
		subscribe(l, "resources/subscribe");
}

/* Whether the stream can be opened; else X was answered. */
static bool may_open(struct exchange *x, const struct listen_caller *who, json_t *id,
		     const json_t *wanted)
{
	json_t *needs;

	if (!json_is_object(wanted)) {
		modern_refuse(x, 200, id, RPC_INVALID_PARAMS, NULL,
			      "Invalid params: notifications must be an object");
	} else if (!(reply_accept(x) & STREAM_ACCEPT_SSE)) {
		modern_refuse(x, 406, id, RPC_INVALID_REQUEST, NULL,
			      "Not Acceptable: subscriptions/listen is answered with "
			      "text/event-stream");
	} else if (json_object_get(wanted, "taskIds") && !who->tasks) {
		needs = json_pack("{s:{s:{s:{}}}}", "requiredCapabilities", "extensions",
				  EXTENSION_TASKS);
		modern_refuse(x, 400, id, RPC_MISSING_CAPABILITY, needs,
			      "the client lacks a capability that is needed");
	} else {
		return true;
	}
	return false;
}

static struct listen *listen_new(struct listens *ls, struct exchange *x,
				 const struct listen_caller *who, json_t *id)
{
	struct listen *l = calloc(1, sizeof *l);

	if (l && who->user)
		l->user = strdup(who->user);
	if (!l || (who->user && !l->user) || exchange_stream_begin(x) < 0) {
		if (l)
			free(l->user);
		free(l);
		return NULL;
	}
	l->all = ls;
	l->x = x;
	l->view = who->view;
	l->id = json_incref(id);
	l->watch.changed = on_changed;
	l->watch.arg = l;
	LIST_INIT(&l->tasks);
	TAILQ_INSERT_TAIL(&ls->streams, l, link);
	ls->n++;
	return l;
}

void listens_open(struct listens *ls, struct exchange *x, const struct listen_caller *who,
		  json_t *id, json_t *params)
{
	json_t *wanted = json_object_get(params, "notifications"), *granted;
	struct listen_task *t, *next;
	struct listen *l;

	if (!may_open(x, who, id, wanted))
		return;
	l = listen_new(ls, x, who, id);
	if (!l) {
		modern_refuse(x, 503, id, RPC_INTERNAL_ERROR, NULL, "out of memory");
		return;
	}
	view_watch(l->view, &l->watch);
	exchange_on_gone(x, on_gone, l);
	granted = json_pack("{s:o}", "notifications", honour(l, wanted));
	if (send_note(l, "notifications/subscriptions/acknowledged", granted)) {
		take_server(l, who->user);
		for (t = LIST_FIRST(&l->tasks); t; t = next) {
			next = LIST_NEXT(t, link);
			tell_task(t, "tasks/subscribe");
		}
	}
	json_decref(granted);
}

/* ---- what comes ---- */

static bool same_user(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Did L ask for the notification METHOD with PARAMS? */
static bool wants(const struct listen *l, const char *method, const json_t *params)
{
	const char *uri = json_string_value(json_object_get(params, "uri"));
	const char *task = json_string_value(json_object_get(params, "taskId"));

	if (task && strcmp(method, "notifications/tasks") == 0)
		return find_task(l, task);
	if (uri && strcmp(method, "notifications/resources/updated") == 0)
		return l->pooled && json_object_get(l->uris, uri);
	for (size_t i = 0; i < N_KINDS; i++) {
		if (strcmp(method, kinds[i].method) == 0)
			return l->mask & kinds[i].mask;
	}
	return false; /* nothing else may go over these streams */
}

void listens_deliver(struct listens *ls, const struct view *view, const char *user, json_t *msg_take)
{
	const char *method = json_string_value(json_object_get(msg_take, "method"));
	json_t *params = json_object_get(msg_take, "params");
	struct listen *l, *next;

	for (l = TAILQ_FIRST(&ls->streams); method && l; l = next) {
		next = TAILQ_NEXT(l, link);
		if (l->view == view && same_user(l->user, user) && wants(l, method, params))
			send_note(l, method, params);
	}
	json_decref(msg_take);
}

void listens_close(struct listens *ls)
{
	struct listen *l;

	while ((l = TAILQ_FIRST(&ls->streams))) {
		json_t *result = stamped(l, NULL), *msg;
		struct exchange *x = l->x;

		modern_stamp(result, "complete");
		msg = jsonrpc_result(l->id, result);
		if (msg && !put(l, msg)) {
			json_decref(msg);
			continue;
		}
		json_decref(msg);
		exchange_on_gone(x, NULL, NULL);
		exchange_stream_end(x);
		drop(l);
	}
}

size_t listens_count(const struct listens *ls)
{
	return ls->n;
}

struct listens *listens_new(struct event_base *base, const struct config *conf, struct pool *pool)
{
	struct listens *ls = calloc(1, sizeof *ls);

	if (!ls)
		return NULL;
	TAILQ_INIT(&ls->streams);
	ls->conf = conf;
	ls->pool = pool;
	ls->keepalive = delayq_new(base, conf->limits.keepalive_ms, on_keepalive, NULL);
	if (!ls->keepalive)
		listens_free(&ls);
	return ls;
}

void listens_free(struct listens **lsp)
{
	struct listens *ls = *lsp;
	struct listen *l;

	*lsp = NULL;
	if (!ls)
		return;
	while ((l = TAILQ_FIRST(&ls->streams))) {
		struct exchange *x = l->x;

		exchange_on_gone(x, NULL, NULL);
		drop(l);
		exchange_abort(x);
	}
	delayq_free(&ls->keepalive);
	free(ls);
}
