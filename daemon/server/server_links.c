/* SPDX-License-Identifier: ISC */
/* server_links.c: a server's links to backends, and the notifications and questions from them. */
#include <stdlib.h>
#include <string.h>

#include "lib/jsonrpc.h"
#include "mcp/question.h"
#include "server/server_impl.h"

static size_t index_of(const struct server *s, const struct link *l)
{
	size_t i = 0;

	while (s->links[i] != l)
		i++;
	return i;
}

static void on_notification(struct link *l, const char *method, json_t *params, void *arg)
{
	struct server *s = arg;

	if (s->closed)
		return;
	if (strcmp(method, "notifications/message") == 0 && !server_wants_log(s, params))
		return;
	if (strncmp(method, "notifications/tasks", sizeof "notifications/tasks" - 1) == 0) {
		params = server_task_notification(s, index_of(s, l), params);
		if (params)
			s->conf.front->send(jsonrpc_notification(method, params), s->conf.arg);
		return;
	}
	s->conf.front->send(jsonrpc_notification(method, json_incref(params)), s->conf.arg);
}

static void on_question(struct link *l, struct question *q_take, void *arg)
{
	struct server *s = arg;
	const struct offer *o = link_offer(l);
	enum mcp_rev to = s->conf.caller->rev;
	struct err e;

	if (!s->closed && server_task_question(s, index_of(s, l), q_take) < 0)
		question_refuse(q_take, RPC_INTERNAL_ERROR, "out of memory");
	else if (question_translate(q_take, o ? o->rev : to, to, &e) < 0)
		question_refuse(q_take, RPC_METHOD_NOT_FOUND, e.text);
	else
		server_ask(s, NULL, q_take);
}

static void on_changed(struct link *l, unsigned kinds, void *arg)
{
	struct server *s = arg;

	(void)l;
	s->differs = true;
	catalog_free(&s->own);
	server_lists_changed(s, kinds);
}

static const struct link_events link_events = {
	.notification = on_notification,
	.question = on_question,
	.changed = on_changed,
};

/* A request of mcpd itself, whose answer is ignored. The server lists these requests because no
 * call may be left when its link is closed. */
struct push {
	LIST_ENTRY(push) entry;
	struct call *call;
};

static void on_pushed(struct call *c, const struct answer *answer, void *arg)
{
	struct push *p = arg;

	(void)c, (void)answer;
	LIST_REMOVE(p, entry);
	free(p);
}

static const struct call_front push_front = {.end = on_pushed};

void server_push(struct server *s, struct link *l, const char *method, json_t *params_take)
{
	struct push *p = calloc(1, sizeof *p);

	if (p && params_take)
		p->call = call_new(s->conf.base, &push_front, p, s->conf.caller, method,
				   json_incref(params_take), NULL, 0);
	json_decref(params_take);
	if (!p || !p->call) {
		free(p);
		return;
	}
	LIST_INSERT_HEAD(&s->pushes, p, entry);
	link_call(l, p->call);
}

static void push_level(struct server *s, struct link *l)
{
	server_push(s, l, "logging/setLevel",
		    json_pack("{s:s}", "level", mcp_log_level_name(s->conf.caller->log_level)));
}

/* A push whose call has not ended; NULL: none. */
static struct push *first_live(const struct server *s)
{
	struct push *p;

	LIST_FOREACH (p, &s->pushes, entry) {
		if (!call_ended(p->call))
			return p;
	}
	return NULL;
}

/* The list is searched from its start each time, because a cancellation may end other pushes. */
void server_cancel_pushes(struct server *s)
{
	struct push *p;

	while ((p = first_live(s)))
		call_cancel(p->call, "the session was closed");
}

void server_push_log_level(struct server *s)
{
	for (size_t i = 0; s->links && i < view_size(s->conf.view); i++) {
		if (s->links[i])
			push_level(s, s->links[i]);
	}
}

struct link *server_link(struct server *s, size_t i)
{
	if (!s->links)
		s->links = calloc(view_size(s->conf.view), sizeof *s->links);
	if (!s->links)
		return NULL;
	if (!s->links[i]) {
		s->links[i] =
			link_new(view_backend(s->conf.view, i), s->conf.caller, &link_events, s);
		if (s->links[i] && s->conf.caller->log_level >= 0)
			push_level(s, s->links[i]);
	}
	return s->links[i];
}

/* A URI that no backend has any more stays a subscription: the URI may come back. */
static void resubscribe(void *arg)
{
	struct server *s = arg;
	json_t *uris = jsonrpc_copy(s->subscriptions), *value;
	const char *uri;

	json_object_foreach (uris, uri, value) {
		const struct catalog *cat = s->closed ? NULL : server_catalog(s);
		struct link *l;
		size_t i = 0;

		if (!cat || (catalog_find_uri(cat, uri, &i) < 0 && view_size(s->conf.view) != 1))
			continue;
		l = server_link(s, i);
		if (l)
			server_push(s, l, "resources/subscribe", json_pack("{s:s}", "uri", uri));
	}
	json_decref(uris);
}

int server_restore(struct server *s, const json_t *uris)
{
	const json_t *uri;
	size_t i;

	if (json_array_size(uris) == 0)
		return 0;
	s->subscriptions = json_object();
	json_array_foreach (uris, i, uri) {
		if (json_object_set_new(s->subscriptions, json_string_value(uri), json_true()) < 0)
			return ERR_NOMEM;
		s->kept += json_string_length(uri);
	}
	s->restoring.fn = resubscribe;
	s->restoring.arg = s;
	if (view_settled(s->conf.view))
		resubscribe(s);
	else
		view_wait(s->conf.view, &s->restoring);
	return 0;
}

/* The catalogue of a session whose children have lists other than those learnt of their backends.
 */
static struct catalog *own_catalog(struct server *s)
{
	size_t n = view_size(s->conf.view);
	struct catalog_source *sources = calloc(n, sizeof *sources);
	struct catalog *c;

	if (!sources)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		struct backend *b = view_backend(s->conf.view, i);

		sources[i].name = backend_name(b);
		sources[i].offer =
			s->links && s->links[i] ? link_offer(s->links[i]) : backend_offer(b);
	}
	c = catalog_new(sources, n, view_prefixed(s->conf.view), s->conf.caller->rev);
	free(sources);
	return c;
}

const struct catalog *server_catalog(struct server *s)
{
	if (!s->differs)
		return view_catalog(s->conf.view, s->conf.caller->rev);
	if (!s->own)
		s->own = own_catalog(s);
	return s->own;
}

void server_tell_lists(void *arg, unsigned kinds)
{
	static const struct {
		unsigned kinds;
		const char *method;
	} table[] = {
		{1u << OFFER_TOOLS, "notifications/tools/list_changed"},
		{1u << OFFER_PROMPTS, "notifications/prompts/list_changed"},
		{1u << OFFER_RESOURCES | 1u << OFFER_TEMPLATES,
		 "notifications/resources/list_changed"},
	};
	struct server *s = arg;

	for (size_t i = 0; i < sizeof table / sizeof *table && !s->closed; i++) {
		if (kinds & table[i].kinds)
			s->conf.front->send(jsonrpc_notification(table[i].method, NULL),
					    s->conf.arg);
	}
}

void server_lists_changed(struct server *s, unsigned kinds)
{
	if (s->closed)
		return;
	catalog_free(&s->own);
	pace_tell(&s->notices, kinds);
}
