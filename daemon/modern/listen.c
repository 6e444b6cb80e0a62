/* SPDX-License-Identifier: ISC */
#include "modern/listen.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "backend/view.h"
#include "base/bearer.h"
#include "base/container.h"
#include "base/pace.h"
#include "base/same.h"
#include "config/config.h"
#include "http/eventstream.h"
#include "http/exchange.h"
#include "http/reply.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "mcp/capability.h"
#include "mcp/era.h"
#include "modern/modern_impl.h"
#include "modern/pool.h"
#include "modern/topic.h"
#include "server/server.h"

/* A resource or task that a stream is about. */
struct wanted {
	TAILQ_ENTRY(wanted) link;
	struct topic_member member;
	struct listen *l;
	json_t *early; /* what was told of it before the acknowledgement; NULL: nothing */
	enum topic_kind kind;
	char name[];
};

struct listen {
	TAILQ_ENTRY(listen) link;
	TAILQ_HEAD(, wanted) wanted; /* in the order of the request */
	struct listens *all;
	struct eventstream out;
	struct view *view;
	char *user;   /* NULL: unauthenticated */
	char *holder; /* NULL: none */
	json_t *id;
	struct pace notices; /* of lists that are different; kinds are 1u << enum offer_kind */
	struct view_watch watch;
	struct view_waiter waiter; /* until it is known what can be asked for */
	json_t *filter;		   /* meanwhile */
	struct bearer_hold hold;
	struct defer freeing;
	size_t waiting;		  /* how many of the wanted have no answer yet */
	unsigned kinds;		  /* lists to report: bits of 1u << enum offer_kind */
	unsigned early;		  /* lists that changed before the acknowledgement */
	bool asked, acknowledged; /* for all that is wanted */
};

struct listens {
	TAILQ_HEAD(, listen) streams;
	const struct config *conf;
	struct pool *pool;
	struct topics *topics;
	struct eventstreams *answers;
	size_t n;
};

/* Lists that can be asked for: the member of "notifications", which they are, the capability they
 * need. */
static const struct {
	const char *member, *capability, *method;
	unsigned kinds;
} lists[] = {
	{"toolsListChanged", "tools", "notifications/tools/list_changed", 1u << OFFER_TOOLS},
	{"promptsListChanged", "prompts", "notifications/prompts/list_changed",
	 1u << OFFER_PROMPTS},
	{"resourcesListChanged", "resources", "notifications/resources/list_changed",
	 1u << OFFER_RESOURCES | 1u << OFFER_TEMPLATES},
};
#define N_LISTS (sizeof lists / sizeof *lists)

/* And what can be asked for by name. */
static const char *const members[] = {
	[TOPIC_RESOURCE] = "resourceSubscriptions",
	[TOPIC_TASK] = "taskIds",
};

/* ---- the end ---- */

static void wanted_free(struct wanted *w)
{
	topic_leave(&w->member);
	TAILQ_REMOVE(&w->l->wanted, w, link);
	json_decref(w->early);
	free(w);
}

static void free_later(void *arg)
{
	struct listen *l = arg;

	json_decref(l->id);
	json_decref(l->filter);
	free(l->user);
	free(l->holder);
	free(l);
}

/* Forgets the stream, whose exchange is ended or gone. */
static void drop(struct listen *l)
{
	struct listens *ls = l->all;
	struct wanted *w;

	pace_stop(&l->notices);
	bearer_release(&l->hold);
	view_unwatch(l->view, &l->watch);
	view_unwait(l->view, &l->waiter);
	TAILQ_REMOVE(&ls->streams, l, link);
	ls->n--;
	while ((w = TAILQ_FIRST(&l->wanted)))
		wanted_free(w);
	defer_call(&l->freeing, free_later, l);
}

static void on_lost(struct eventstream *out, const char *why)
{
	(void)why;
	drop(container_of(out, struct listen, out));
}

static const struct eventstream_hooks hooks = {.lost = on_lost};

/* The end of the stream with MSG (consumed, may be NULL). */
static void end_with(struct listen *l, json_t *msg_take)
{
	struct jsontext *msg = jsontext_of(msg_take);

	if (!msg || eventstream_send(&l->out, msg)) {
		eventstream_end(&l->out);
		drop(l);
	}
	jsontext_unref(&msg);
}

/* The client opens another one with a fresh token. */
static void on_token_end(enum bearer_end why, void *arg)
{
	struct listen *l = arg;

	end_with(l, jsonrpc_error(l->id, RPC_TRANSPORT, bearer_end_text(why), NULL));
}

/* A copy of PARAMS with the id of the stream in it; NULL on lack of memory. */
static json_t *stamped(const struct listen *l, json_t *params)
{
	const json_t *meta = json_object_get(params, "_meta");

	return jsonrpc_with(params, "_meta",
			    jsonrpc_with(meta, META_SUBSCRIPTION, json_incref(l->id)));
}

static bool send_note(struct listen *l, const char *method, json_t *params)
{
	json_t *whole = stamped(l, params);
	struct jsontext *msg = whole ? jsontext_of(jsonrpc_notification(method, whole)) : NULL;
	bool there = msg ? eventstream_send(&l->out, msg) : true;

	jsontext_unref(&msg);
	return there;
}

/* The lists of KINDS have changed. False: the stream has ended. */
static bool tell_lists(struct listen *l, unsigned kinds)
{
	if (!l->acknowledged) {
		l->early |= kinds;
		return true;
	}
	for (size_t i = 0; i < N_LISTS; i++) {
		if (kinds & l->kinds & lists[i].kinds && !send_note(l, lists[i].method, NULL))
			return false;
	}
	return true;
}

static void on_notices(void *arg, unsigned kinds)
{
	tell_lists(arg, kinds);
}

static void on_changed(struct view *v, unsigned kinds, void *arg)
{
	struct listen *l = arg;

	(void)v;
	pace_tell(&l->notices, kinds);
}

/* ---- what is wanted by name ---- */

static struct wanted *wanted_of(struct topic_member *m)
{
	return container_of(m, struct wanted, member);
}

static void acknowledge(struct listen *l);

static void on_settled(struct topic_member *m, bool granted)
{
	struct wanted *w = wanted_of(m);
	struct listen *l = w->l;

	l->waiting--;
	if (!granted)
		wanted_free(w);
	if (l->asked && l->waiting == 0)
		acknowledge(l);
}

/* Of what comes before the acknowledgement, the last counts: it says what is. */
static void on_told(struct topic_member *m, const char *method, json_t *params)
{
	struct wanted *w = wanted_of(m);

	if (w->l->acknowledged) {
		send_note(w->l, method, params);
		return;
	}
	json_decref(w->early);
	w->early = json_pack("{s:s, s:O}", "method", method, "params", params);
}

/* The server that has NAME, or can tell whether there is such a thing; NULL: none has. */
static struct pooled *server_of(struct listen *l, enum topic_kind kind, const char *name)
{
	struct pool_want want = {.view = l->view,
				 .user = l->user,
				 .bearer = exchange_bearer(l->out.x),
				 .peer = exchange_peer(l->out.x),
				 .holder = l->holder};
	struct pooled *pooled;

	if (kind == TOPIC_TASK) {
		want.tasks = true;
		want.task = name;
	}
	pooled = pool_take(l->all->pool, &want, NULL);
	if (!pooled || kind != TOPIC_TASK || server_has_task(pooled_server(pooled), name))
		return pooled;
	pool_give(pooled);
	return NULL;
}

/* What cannot be had is left out of the acknowledgement. */
static void want(struct listen *l, enum topic_kind kind, const char *name)
{
	struct pooled *pooled = server_of(l, kind, name);
	struct wanted *w = pooled ? calloc(1, sizeof *w + strlen(name) + 1) : NULL;

	if (!w) {
		if (pooled)
			pool_give(pooled);
		return;
	}
	w->l = l;
	w->kind = kind;
	w->member.settled = on_settled;
	w->member.told = on_told;
	memcpy(w->name, name, strlen(name) + 1);
	TAILQ_INSERT_TAIL(&l->wanted, w, link);
	l->waiting++;
	if (topic_join(l->all->topics, &w->member, pooled, kind, name) < 0) {
		l->waiting--;
		wanted_free(w);
	}
}

/* Each name once, and no more than a session may subscribe to. */
static void want_all(struct listen *l, enum topic_kind kind, const json_t *names)
{
	json_t *seen = json_object();
	const json_t *name;
	size_t i;

	json_array_foreach (names, i, name) {
		const char *text = json_string_value(name);

		if (!text || json_object_get(seen, text))
			continue;
		if (json_object_size(seen) >= l->all->conf->limits.max_subscriptions ||
		    json_object_set_new(seen, text, json_true()) < 0)
			break;
		want(l, kind, text);
	}
	json_decref(seen);
}

/* ---- the acknowledgement ---- */

/* What will be delivered. */
static json_t *granted(const struct listen *l)
{
	json_t *all = json_object();
	const struct wanted *w;

	for (size_t i = 0; i < N_LISTS; i++) {
		if (l->kinds & lists[i].kinds)
			json_object_set_new(all, lists[i].member, json_true());
	}
	TAILQ_FOREACH (w, &l->wanted, link) {
		if (!json_object_get(all, members[w->kind]))
			json_object_set_new(all, members[w->kind], json_array());
		json_array_append_new(json_object_get(all, members[w->kind]), json_string(w->name));
	}
	return all;
}

static void acknowledge(struct listen *l)
{
	json_t *params = json_pack("{s:o}", "notifications", granted(l));
	struct wanted *w;
	bool there;

	l->acknowledged = true;
	there = send_note(l, "notifications/subscriptions/acknowledged", params) &&
		tell_lists(l, l->early);
	json_decref(params);
	for (w = there ? TAILQ_FIRST(&l->wanted) : NULL; w; w = TAILQ_NEXT(w, link)) {
		json_t *early = w->early;

		w->early = NULL;
		there = !early || send_note(l, json_string_value(json_object_get(early, "method")),
					    json_object_get(early, "params"));
		json_decref(early);
		if (!there)
			return;
	}
}

/* ---- opening ---- */

static void ask(void *arg)
{
	struct listen *l = arg;
	const json_t *filter = l->filter;
	const struct catalog *cat = view_catalog(l->view, MCP_REV_NEWEST);
	json_t *caps = cat ? catalog_capabilities(cat, view_incomplete(l->view)) : NULL;

	for (size_t i = 0; i < N_LISTS; i++) {
		if (json_is_true(json_object_get(filter, lists[i].member)) &&
		    json_object_get(caps, lists[i].capability))
			l->kinds |= lists[i].kinds;
	}
	if (json_is_true(json_object_get(json_object_get(caps, "resources"), "subscribe")))
		want_all(l, TOPIC_RESOURCE, json_object_get(filter, members[TOPIC_RESOURCE]));
	want_all(l, TOPIC_TASK, json_object_get(filter, members[TOPIC_TASK]));
	json_decref(caps);
	json_decref(l->filter);
	l->filter = NULL;
	l->asked = true;
	if (l->waiting == 0)
		acknowledge(l);
}

/* How many bytes the names are that FILTER asks for. */
static size_t names_size(const json_t *filter)
{
	const json_t *name;
	size_t i, size = 0;

	for (size_t kind = 0; kind < sizeof members / sizeof *members; kind++) {
		json_array_foreach (json_object_get(filter, members[kind]), i, name) {
			size += json_string_length(name) + 1;
		}
	}
	return size;
}

/* Whether the stream can be opened; else X was answered. */
static bool may_open(struct listens *ls, struct exchange *x, const struct listen_caller *who,
		     json_t *id, const json_t *filter)
{
	size_t most = ls->conf->limits.max_session_bytes;

	if (!json_is_object(filter)) {
		modern_refuse(x, 200, id, RPC_INVALID_PARAMS, NULL,
			      "Invalid params: notifications must be an object");
	} else if (!(who->accept & REPLY_ACCEPT_SSE)) {
		modern_refuse(x, 406, id, RPC_INVALID_REQUEST, NULL,
			      "Not Acceptable: subscriptions/listen is answered with "
			      "text/event-stream");
	} else if (json_object_get(filter, members[TOPIC_TASK]) && !who->tasks) {
		modern_refuse(x, 400, id, RPC_MISSING_CAPABILITY, need_data(need_tasks()),
			      CAPABILITY_MISSING);
	} else if (names_size(filter) > most) {
		modern_refuse(x, 200, id, RPC_INVALID_PARAMS, NULL,
			      "Invalid params: what is subscribed to has more than %zu bytes "
			      "(limits.maxSessionBytes); open several streams",
			      most);
	} else {
		return true;
	}
	return false;
}

static struct listen *listen_new(struct listens *ls, struct exchange *x,
				 const struct listen_caller *who, json_t *id)
{
	struct listen *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->user = who->user ? strdup(who->user) : NULL;
	l->holder = who->holder ? strdup(who->holder) : NULL;
	if ((who->user && !l->user) || (who->holder && !l->holder)) {
		free_later(l);
		return NULL;
	}
	l->all = ls;
	eventstream_attach(&l->out, ls->answers, x, REPLY_ACCEPT_SSE);
	l->hold.ended = on_token_end;
	l->hold.arg = l;
	bearer_hold(&l->hold, exchange_bearer(x));
	l->view = who->view;
	l->id = json_incref(id);
	pace_init(&l->notices, on_notices, l);
	l->watch.changed = on_changed;
	l->watch.arg = l;
	l->waiter.fn = ask;
	l->waiter.arg = l;
	TAILQ_INIT(&l->wanted);
	TAILQ_INSERT_TAIL(&ls->streams, l, link);
	ls->n++;
	view_watch(l->view, &l->watch);
	return l;
}

/* Begins the stream, which is dropped where that fails, with what is to be heard from now on. */
static int begin(struct listen *l, json_t *filter)
{
	int rc = eventstream_open(&l->out);

	if (rc < 0) {
		eventstream_detach(&l->out);
		drop(l);
	} else if (l->out.x) {
		l->filter = json_incref(filter);
		if (view_settled(l->view))
			ask(l);
		else
			view_wait(l->view, &l->waiter);
	}
	return rc;
}

void listens_open(struct listens *ls, struct exchange *x, const struct listen_caller *who,
		  json_t *id, json_t *params)
{
	json_t *filter = json_object_get(params, "notifications");
	struct listen *l;

	if (!may_open(ls, x, who, id, filter))
		return;
	l = listen_new(ls, x, who, id);
	if (!l || begin(l, filter) < 0)
		modern_refuse(x, 503, id, RPC_INTERNAL_ERROR, NULL, "out of memory");
}

/* ---- what comes ---- */

/* What a server offers beyond its view. One that a request has to itself lists nothing. */
static void deliver_lists(struct listens *ls, const struct pooled *from, const char *method)
{
	struct listen *l, *next;
	size_t i = 0;

	while (i < N_LISTS && strcmp(method, lists[i].method) != 0)
		i++;
	if (i == N_LISTS || pooled_exclusive(from))
		return; /* nothing else may go over these streams */
	for (l = TAILQ_FIRST(&ls->streams); l; l = next) {
		next = TAILQ_NEXT(l, link);
		if (l->view == pooled_view(from) && same_text(l->holder, pooled_holder(from)))
			tell_lists(l, lists[i].kinds);
	}
}

void listens_deliver(struct listens *ls, struct pooled *from, json_t *msg_take)
{
	const char *method = json_string_value(json_object_get(msg_take, "method"));

	if (method && !topics_tell(ls->topics, from, method, json_object_get(msg_take, "params")))
		deliver_lists(ls, from, method);
	json_decref(msg_take);
}

void listens_answered(struct listens *ls, const json_t *id, const struct answer *answer)
{
	topics_answered(ls->topics, id, answer);
}

void listens_close(struct listens *ls)
{
	struct listen *l;

	while ((l = TAILQ_FIRST(&ls->streams))) {
		json_t *result = stamped(l, NULL);

		modern_stamp(result, "complete");
		end_with(l, jsonrpc_result(l->id, result));
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
	ls->topics = topics_new();
	ls->answers = eventstreams_new(base, &conf->limits, &hooks);
	if (!ls->topics || !ls->answers)
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
		eventstream_abort(&l->out);
		drop(l);
	}
	topics_free(&ls->topics);
	eventstreams_free(&ls->answers);
	free(ls);
}
