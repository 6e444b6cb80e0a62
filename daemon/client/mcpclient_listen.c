/* SPDX-License-Identifier: ISC */
/* mcpclient_listen.c: the one subscriptions/listen of a modern server, for all subscriptions. The
 * filter of a stream cannot be changed, so for a change a second stream is opened, and the first
 * one is closed when the server has acknowledged the second. (2026-07-28, "Subscriptions".) */
#include "autoconf.h"

#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "client/mcpclient_dialect.h"
#include "http/backoff.h"
#include "lib/jsonrpc.h"
#include "mcp/era.h"

/* What is wanted by name: the requests that say so (of mcpd itself, where it is about tasks), the
 * name's member in them, and its member in the filter. */
enum { SET_RESOURCES, SET_TASKS };
static const struct set {
	const char *subscribe, *unsubscribe, *key, *member;
} sets[] = {
	[SET_RESOURCES] = {"resources/subscribe", "resources/unsubscribe", "uri",
			   "resourceSubscriptions"},
	[SET_TASKS] = {"tasks/subscribe", "tasks/unsubscribe", "taskId", "taskIds"},
};
#define N_SETS (sizeof sets / sizeof sets[0])

/* One subscriptions/listen. */
struct stream {
	struct listening *l;
	json_int_t id;
	json_t *names[N_SETS]; /* objects used as sets: those it asks for */
};

struct listening {
	struct mcpclient *m;
	struct stream *current, *next; /* acknowledged; not yet */
	struct stream *previous;       /* heard for the rest of a turn */
	struct defer late;
	json_t *names[N_SETS]; /* those that are wanted */
	struct delayq_node again;
	struct backoff backoff; /* between streams; afresh after something was told in one */
	int64_t not_before;	/* clock_ms() of the next one */
	bool stale;		/* something else is wanted than NEXT asks for */
	bool missed;   /* there was a time without any: what was heard before may be out of date */
	bool hopeless; /* the server does not know the method */
};

static void renew(struct listening *l);

static const struct {
	const char *member, *capability, *notification;
} lists[] = {
	{"toolsListChanged", "tools", "notifications/tools/list_changed"},
	{"promptsListChanged", "prompts", "notifications/prompts/list_changed"},
	{"resourcesListChanged", "resources", "notifications/resources/list_changed"},
};
#define N_LISTS (sizeof lists / sizeof lists[0])

static bool tells(const struct mcpclient *m, size_t i)
{
	return json_is_true(json_object_get(
		json_object_get(m->server_capabilities, lists[i].capability), "listChanged"));
}

/* ---- the streams ---- */

static void stream_free(struct stream *s)
{
	for (size_t i = 0; i < N_SETS; i++)
		json_decref(s->names[i]);
	free(s);
}

/* The names of set I, as they stand in a filter. */
static int add_names(const struct listening *l, size_t i, json_t *filter)
{
	json_t *names = json_array(), *value;
	const char *name;
	int rc = 0;

	json_object_foreach (l->names[i], name, value)
		rc |= json_array_append_new(names, json_string(name));
	if (rc == 0 && json_array_size(names) > 0)
		rc = json_object_set(filter, sets[i].member, names);
	json_decref(names);
	return rc;
}

/* What is wanted, as the parameters of a request; empty if nothing is. NULL on lack of memory. */
static json_t *filter(const struct listening *l)
{
	json_t *f = json_object();
	int rc = 0;

	for (size_t i = 0; i < N_LISTS; i++)
		if (tells(l->m, i))
			rc |= json_object_set_new(f, lists[i].member, json_true());
	for (size_t i = 0; i < N_SETS; i++)
		rc |= add_names(l, i, f);
	if (rc == 0)
		return f;
	json_decref(f);
	return NULL;
}

/* The set that P is about. */
static size_t set_of(const struct pending *p)
{
	size_t i = 0;

	while (i < N_SETS - 1 && strcmp(mcpclient_method(p), sets[i].subscribe) != 0 &&
	       strcmp(mcpclient_method(p), sets[i].unsubscribe) != 0)
		i++;
	return i;
}

static const char *name_of(const struct pending *p)
{
	const char *name =
		json_string_value(json_object_get(mcpclient_params(p), sets[set_of(p)].key));

	return name ? name : "";
}

static bool subscribes(const struct pending *p)
{
	return strcmp(mcpclient_method(p), sets[set_of(p)].subscribe) == 0;
}

/* A request that waits until S is acknowledged or refused. */
static struct pending *who_waits(const struct listening *l, const struct stream *s)
{
	struct pending *p;

	TAILQ_FOREACH (p, &l->m->asking, entry)
		if (subscribes(p) && json_object_get(s->names[set_of(p)], name_of(p)))
			return p;
	return NULL;
}

/* S was refused: the requests that wait for S fail with WHY. */
static void refuse_waiting(struct listening *l, const struct stream *s, int code, const char *why)
{
	struct pending *p;

	while ((p = who_waits(l, s))) {
		json_object_del(l->names[set_of(p)], name_of(p));
		if (code != 0)
			mcpclient_error(p, code, NULL, "%s", why);
		else
			mcpclient_fail(p, why);
	}
}

static void again_later(struct listening *l)
{
	l->missed = true;
	l->not_before = clock_ms() + backoff_next(&l->backoff, 0);
	if (!l->hopeless)
		delayq_add(l->m->again, &l->again);
}

void mcpclient_on_again(struct delayq_node *node, void *arg)
{
	struct listening *l = container_of(node, struct listening, again);

	(void)arg;
	if (clock_ms() < l->not_before)
		delayq_add(l->m->again, &l->again);
	else
		renew(l);
}

/* A stream has ended, or was refused. */
static void on_end(struct mcpclient *m, const struct mcpclient_reply *r, void *arg)
{
	struct stream *s = arg;
	struct listening *l = s->l;

	if (m->state == MCPCLIENT_CLOSED) {
		l->current = s == l->current ? NULL : l->current;
		l->next = s == l->next ? NULL : l->next;
		l->previous = s == l->previous ? NULL : l->previous;
		stream_free(s);
		return;
	}
	l->hopeless = l->hopeless || r->code == RPC_METHOD_NOT_FOUND;
	if (s == l->previous) {
		l->previous = NULL;
	} else if (s == l->current) {
		l->current = NULL;
		if (!l->next)
			again_later(l);
	} else if (s == l->next) {
		l->next = NULL;
		mcpclient_grumble(m, "ended or refused subscriptions/listen: %s",
				  r->message != NULL ? r->message : "no reason given");
		refuse_waiting(l, s, r->code,
			       r->message != NULL ? r->message : "the subscription was ended");
		again_later(l);
	}
	stream_free(s);
}

static void open_stream(struct listening *l, json_t *filter_take)
{
	struct stream *s = calloc(1, sizeof *s);
	json_t *params = json_pack("{s:o}", "notifications", filter_take);
	bool whole = s && params;

	for (size_t i = 0; s != NULL && i < N_SETS; i++) {
		s->names[i] = jsonrpc_copy(l->names[i]);
		whole = whole && s->names[i];
	}
	if (!whole) {
		if (s)
			stream_free(s);
		json_decref(params);
		again_later(l);
		return;
	}
	s->l = l;
	s->id = l->m->last_id + 1; /* the one that it will get */
	l->next = s;
	mcpclient_ask(l->m, "subscriptions/listen", params, on_end, s, true);
}

/* Cancels S at the server, and ignores the answer. */
static void close_stream(struct listening *l, struct stream *s)
{
	if (!s)
		return;
	mcpclient_abandon(l->m, s->id);
	stream_free(s);
}

/* Has a stream for what is wanted now. */
static void renew(struct listening *l)
{
	json_t *f;

	delayq_remove(l->m->again, &l->again);
	if (l->next) {
		l->stale = true;
		return;
	}
	l->stale = false;
	f = filter(l);
	if (!f) {
		again_later(l);
	} else if (json_object_size(f) > 0) {
		open_stream(l, f);
	} else {
		struct stream *s = l->current;

		json_decref(f);
		l->current = NULL;
		close_stream(l, s);
	}
}

/* ---- what the server says ---- */

static void tell(struct mcpclient *m, const char *method, json_t *params)
{
	if (m->state != MCPCLIENT_CLOSED)
		m->events->on_notification(m, method, params, m->arg);
}

/* Nothing is told twice, so what happened meanwhile has to be assumed. */
static void catch_up(struct listening *l)
{
	struct mcpclient *m = l->m;
	json_t *uris = jsonrpc_copy(l->names[SET_RESOURCES]), *value, *params;
	const char *uri;

	l->missed = false;
	for (size_t i = 0; i < N_LISTS; i++)
		if (tells(m, i))
			tell(m, lists[i].notification, NULL);
	json_object_foreach (uris, uri, value) {
		params = json_pack("{s:s}", "uri", uri);
		if (params)
			tell(m, "notifications/resources/updated", params);
		json_decref(params);
	}
	json_decref(uris);
}

static bool grants(const json_t *granted, size_t set, const char *name)
{
	json_t *one;
	size_t i;

	json_array_foreach (json_object_get(granted, sets[set].member), i, one)
		if (json_is_string(one) && strcmp(json_string_value(one), name) == 0)
			return true;
	return false;
}

/* Tasks end by themselves. One that the server knows no more is not asked for again. */
static void forget_tasks(struct listening *l, const struct stream *s, const json_t *granted)
{
	const char *name;
	json_t *value;

	json_object_foreach (s->names[SET_TASKS], name, value)
		if (!grants(granted, SET_TASKS, name))
			json_object_del(l->names[SET_TASKS], name);
}

static void on_late(void *arg)
{
	struct listening *l = arg;
	struct stream *s = l->previous;

	l->previous = NULL;
	close_stream(l, s);
}

/* S, the stream so far, has a successor. Where each is a stream of its own, what was told in S
 * before that may be read after it. */
static void retire(struct listening *l, struct stream *s)
{
	if (!s || !l->m->parallel) {
		close_stream(l, s);
		return;
	}
	on_late(l);
	l->previous = s;
	defer_call(&l->late, on_late, l);
}

static void on_acknowledged(struct listening *l, const json_t *params)
{
	const json_t *granted = json_object_get(params, "notifications");
	struct stream *old = l->current, *s = l->next;
	struct pending *p;

	l->current = s;
	l->next = NULL;
	mcpclient_no_timeout(l->m, s->id);
	retire(l, old);
	while (s == l->current && (p = who_waits(l, s))) {
		if (grants(granted, set_of(p), name_of(p))) {
			mcpclient_done_tree(p, json_object());
			continue;
		}
		json_object_del(l->names[set_of(p)], name_of(p));
		mcpclient_error(p, RPC_INVALID_PARAMS, NULL,
				"the server does not offer a subscription to this");
	}
	if (s == l->current)
		forget_tasks(l, s, granted);
	if (l->m->state != MCPCLIENT_CLOSED && l->missed)
		catch_up(l);
	if (l->m->state != MCPCLIENT_CLOSED && l->stale)
		renew(l);
}

/* PARAMS without the id of the stream, which is of this hop, in *PARAMS_R (a new reference; NULL:
 * nothing is left). 0 or ERR_NOMEM. */
static int unstamped(json_t *params, json_t **params_r)
{
	json_t *copy = jsonrpc_copy(params), *meta = jsonrpc_copy(json_object_get(params, "_meta"));
	int rc = copy && meta ? 0 : ERR_NOMEM;

	json_object_del(meta, META_SUBSCRIPTION);
	if (json_object_size(meta) > 0)
		rc |= json_object_set(copy, "_meta", meta);
	else
		json_object_del(copy, "_meta");
	json_decref(meta);
	if (rc != 0 || json_object_size(copy) == 0) {
		json_decref(copy);
		copy = NULL;
	}
	*params_r = copy;
	return rc == 0 ? 0 : ERR_NOMEM;
}

/* Passes a notification on to the owner. One that is lost for lack of memory is noted in "missed":
 * once there is memory again, the owner is told that everything may have changed. */
static void retell(struct listening *l, const char *method, json_t *params)
{
	if (unstamped(params, &params) < 0) {
		l->missed = true;
		return;
	}
	tell(l->m, method, params);
	json_decref(params);
}

bool mcpclient_listen_heard(struct mcpclient *m, const char *method, json_t *params)
{
	json_t *stamp = json_object_get(json_object_get(params, "_meta"), META_SUBSCRIPTION);
	struct listening *l = m->listening;
	json_int_t id = json_integer_value(stamp);
	bool is_ack = strcmp(method, "notifications/subscriptions/acknowledged") == 0;

	if (is_ack && l && l->next && id == l->next->id)
		on_acknowledged(l, params);
	if (!stamp || is_ack)
		return is_ack;
	m->useless++;
	/* One that was closed tells the same as the one after it. */
	if (l && ((l->current && id == l->current->id) || (l->previous && id == l->previous->id))) {
		backoff_reset(&l->backoff);
		retell(l, method, params);
	}
	return true;
}

/* --- what is wanted
 * -------------------------------------------------------------------------------- */

void mcpclient_listen_start(struct mcpclient *m)
{
	struct listening *l = calloc(1, sizeof *l);

	bool whole = l;

	m->listening = l;
	for (size_t i = 0; l != NULL && i < N_SETS; i++)
		whole = (l->names[i] = json_object()) && whole;
	if (!whole) {
		mcpclient_listen_free(m);
		mcpclient_grumble(m, "cannot be listened to: out of memory");
		return;
	}
	l->m = m;
	renew(l);
}

void mcpclient_listen_free(struct mcpclient *m)
{
	struct listening *l = m->listening;

	m->listening = NULL;
	if (!l)
		return;
	for (size_t i = 0; i < N_SETS; i++)
		json_decref(l->names[i]);
	free(l);
}

void mcpclient_listen_stop(struct mcpclient *m)
{
	if (!m->listening)
		return;
	delayq_remove(m->again, &m->listening->again);
	defer_cancel(&m->listening->late);
}

void mcpclient_subscribe(struct pending *p)
{
	struct listening *l = p->m->listening;
	size_t i = set_of(p);
	const char *name = name_of(p);

	if (!l || l->hopeless) {
		mcpclient_error(p, RPC_METHOD_NOT_FOUND, NULL,
				"the server does not know subscriptions/listen");
		return;
	}
	if (l->current && json_object_get(l->current->names[i], name) &&
	    json_object_get(l->names[i], name)) {
		mcpclient_done_tree(p, json_object());
		return;
	}
	mcpclient_set_aside(p);
	if (json_object_set_new(l->names[i], name, json_true()) < 0)
		mcpclient_fail(p, "out of memory");
	else
		renew(l);
}

void mcpclient_unsubscribe(struct pending *p)
{
	struct listening *l = p->m->listening;

	if (l && json_object_del(l->names[set_of(p)], name_of(p)) == 0)
		renew(l);
	mcpclient_done_tree(p, json_object());
}
