#include "server.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "jsonrpc.h"
#include "log.h"
#include "methods.h"
#include "question.h"
#include "server_impl.h"

static void request_free(struct request *r)
{
	TAILQ_REMOVE(&r->server->requests, r, link);
	r->server->in_flight--;
	view_unwait(r->server->conf.view, &r->waiter);
	json_decref(r->id);
	free(r);
}

static void on_notify(struct call *c, const char *method, json_t *params, void *arg)
{
	struct request *r = arg;
	struct server *s = r->server;

	(void)c;
	if (strcmp(method, "notifications/message") != 0 || server_wants_log(s, params))
		s->conf.front->notify(r->where, method, params, s->conf.arg);
}

static void on_ask(struct call *c, struct question *q, void *arg)
{
	struct request *r = arg;

	const char *missing = server_missing_capability(r->server, q);

	(void)c;
	if (!missing || mcp_rev_is_legacy(r->server->conf.caller->rev)) {
		server_ask(r->server, r->where, q);
		return;
	}
	/* 2026-07-28 has an error for this, and the client can do something about it. */
	r->denied = missing;
	question_refuse(q, RPC_METHOD_NOT_FOUND, "the client did not declare this capability");
	call_cancel(r->call, "the client lacks a capability that is needed");
}

static struct answer denial(const char *capability)
{
	return (struct answer){
		.kind = ANSWER_ERROR,
		.code = RPC_MISSING_CAPABILITY,
		.message = "the client lacks a capability that is needed",
		.data = json_pack("{s:{s:{}}}", "requiredCapabilities", capability),
	};
}

static void on_end(struct call *c, const struct answer *answer, void *arg)
{
	struct request *r = arg;
	struct server *s = r->server;
	json_t *id = json_incref(r->id);
	void *where = r->where;
	struct answer denied = {0};

	(void)c;
	if (r->after)
		r->after(r, answer);
	if (r->denied)
		denied = denial(r->denied);
	request_free(r);
	s->conf.front->end(where, id, denied.data ? &denied : answer, s->conf.arg);
	json_decref(denied.data);
	json_decref(id);
}

static const struct call_front call_front = {
	.notify = on_notify,
	.ask = on_ask,
	.end = on_end,
};

static const struct {
	const char *method, *capability;
} askable[] = {
	{"sampling/createMessage", "sampling"},
	{"elicitation/create", "elicitation"},
	{"roots/list", "roots"},
};
#define N_ASKABLE (sizeof askable / sizeof *askable)
#define CAP_URL (1u << N_ASKABLE)

const char *server_missing_capability(const struct server *s, const struct question *q)
{
	const char *mode = json_string_value(json_object_get(question_params(q), "mode"));

	for (size_t i = 0; i < N_ASKABLE; i++) {
		if (strcmp(question_method(q), askable[i].method) != 0)
			continue;
		if (mode && strcmp(mode, "url") == 0 && !(s->capabilities & CAP_URL))
			return askable[i].capability;
		return s->capabilities & 1u << i ? NULL : askable[i].capability;
	}
	return NULL;
}

/* A client that did not declare a capability is never asked for it (Lifecycle, "Capability Negotiation"). */
void server_ask(struct server *s, void *where, struct question *q_take)
{
	size_t i = 0;

	while (i < N_ASKABLE && strcmp(question_method(q_take), askable[i].method) != 0)
		i++;
	if (i == N_ASKABLE)
		question_refuse(q_take, RPC_METHOD_NOT_FOUND, "Method not found");
	else if (s->closed || server_missing_capability(s, q_take))
		question_refuse(q_take, RPC_METHOD_NOT_FOUND,
				"the client did not declare this capability");
	else
		s->conf.front->ask(where, q_take, s->conf.arg);
}

/* The client's capabilities as bits, in the order of the table above. */
static unsigned parse_capabilities(const char *text)
{
	json_t *caps = json_loads(text, 0, NULL);
	unsigned bits = 0;

	for (size_t i = 0; i < N_ASKABLE; i++)
		bits |= json_is_object(json_object_get(caps, askable[i].capability)) ? 1u << i : 0;
	if (json_object_get(json_object_get(caps, "elicitation"), "url"))
		bits |= CAP_URL;
	json_decref(caps);
	return bits;
}

/* Log messages below the level that the client asked for are not for it. */
bool server_wants_log(const struct server *s, json_t *params)
{
	int level = mcp_log_level_parse(json_string_value(json_object_get(params, "level")));

	return s->conf.caller->log_level < 0 || level < 0 || level >= s->conf.caller->log_level;
}

static void on_view_changed(struct view *v, unsigned mask, void *arg)
{
	(void)v;
	server_lists_changed(arg, mask);
}

struct server *server_new(const struct server_conf *conf)
{
	struct server *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->conf = *conf;
	TAILQ_INIT(&s->requests);
	s->capabilities = parse_capabilities(conf->caller->capabilities);
	s->watch.changed = on_view_changed;
	s->watch.arg = s;
	view_watch(conf->view, &s->watch);
	return s;
}

void server_free(struct server **sp)
{
	struct server *s = *sp;

	*sp = NULL;
	if (!s)
		return;
	server_close(s, NULL);
	catalog_free(&s->own);
	json_decref(s->subscriptions);
	free(s);
}

/* Runs R now, or once it is known what the backends offer. */
static void run(void *arg)
{
	struct request *r = arg;

	r->method->handle(r);
}

int server_request(struct server *s, void *where, json_t *id, const char *method, json_t *params)
{
	const struct method *m = method_find(method, s->conf.caller->rev);
	json_t *token = json_object_get(json_object_get(params, "_meta"), "progressToken");
	struct request *r;

	if (s->closed)
		return ERR_CLOSED;
	r = calloc(1, sizeof *r);
	if (!r)
		return ERR_NOMEM;
	r->server = s;
	r->where = where;
	r->method = m;
	r->waiter.fn = run;
	r->waiter.arg = r;
	r->call = call_new(s->conf.base, &call_front, r, s->conf.caller, method,
			   json_incref(params),
			   json_is_string(token) || json_is_integer(token) ? token : NULL,
			   s->conf.limits->call_timeout_ms);
	if (!r->call) {
		free(r);
		return ERR_NOMEM;
	}
	r->id = json_incref(id);
	TAILQ_INSERT_TAIL(&s->requests, r, link);
	if (++s->in_flight > s->conf.max_calls && s->conf.max_calls)
		call_error(r->call, RPC_INTERNAL_ERROR, NULL,
			   "too many requests in flight in this session (limit %u)",
			   s->conf.max_calls);
	else if (!m)
		call_error(r->call, RPC_METHOD_NOT_FOUND, NULL, "Method not found: %.100s", method);
	else if (m->needs_view && !view_settled(s->conf.view))
		view_wait(s->conf.view, &r->waiter);
	else
		run(r);
	return 0;
}

/* notifications/cancelled. Real clients use one id for several requests at a time; which of them is meant
 * cannot be known then, and stopping a stranger's work is worse than finishing one that nobody wants. */
static void cancelled(struct server *s, json_t *params)
{
	json_t *id = json_object_get(params, "requestId");
	const char *reason = json_string_value(json_object_get(params, "reason"));
	struct request *r, *found = NULL;

	TAILQ_FOREACH(r, &s->requests, link)
	{
		if (!jsonrpc_id_equal(r->id, id) || strcmp(call_method(r->call), "initialize") == 0)
			continue;
		if (found)
			return;
		found = r;
	}
	if (found)
		call_cancel(found->call, reason ? reason : "cancelled by the client");
}

bool server_cancel(struct server *s, const void *where, const char *reason)
{
	struct request *r;

	TAILQ_FOREACH(r, &s->requests, link)
	{
		if (r->where == where) {
			call_cancel(r->call, reason);
			return true;
		}
	}
	return false;
}

static void roots_changed(struct server *s, json_t *params)
{
	for (size_t i = 0; s->links && i < view_size(s->conf.view); i++) {
		if (s->links[i])
			link_notify(s->links[i], "notifications/roots/list_changed", params);
	}
}

void server_notification(struct server *s, const char *method, json_t *params)
{
	static const struct {
		const char *method;
		void (*handle)(struct server *s, json_t *params);
	} table[] = {
		{"notifications/cancelled", cancelled},
		{"notifications/roots/list_changed", roots_changed},
	};

	for (size_t i = 0; !s->closed && i < sizeof table / sizeof *table; i++) {
		if (strcmp(method, table[i].method) == 0)
			table[i].handle(s, params);
	}
}

/* A request whose call has not ended. One that has, but is still listed, is just being told about up the
 * stack, and goes by itself. */
static struct request *first_live(const struct server *s)
{
	struct request *r;

	TAILQ_FOREACH(r, &s->requests, link)
	{
		if (!call_ended(r->call))
			return r;
	}
	return NULL;
}

int server_close(struct server *s, struct err *e)
{
	struct request *r;

	(void)e;
	if (s->closed)
		return 0;
	s->closed = true;
	view_unwatch(s->conf.view, &s->watch);
	while ((r = first_live(s)))
		call_cancel(r->call, "the session was closed");
	server_cancel_pushes(s);
	for (size_t i = 0; s->links && i < view_size(s->conf.view); i++) {
		if (s->links[i])
			link_close(&s->links[i]);
	}
	free(s->links);
	s->links = NULL;
	return 0;
}

size_t server_in_flight(const struct server *s)
{
	return s->in_flight;
}

size_t server_children(const struct server *s)
{
	size_t n = 0;

	for (size_t i = 0; s->links && i < view_size(s->conf.view); i++)
		n += s->links[i] && link_pid(s->links[i]) > 0;
	return n;
}

json_t *server_describe(const struct server *s)
{
	json_t *calls = json_array(), *pids = json_array(), *uris = json_array();
	const struct request *r;
	const char *uri;
	json_t *value;

	TAILQ_FOREACH(r, &s->requests, link)
	{
		json_array_append_new(calls, json_pack("{s:s, s:I}", "method",
						       call_method(r->call), "age_ms",
						       (json_int_t)call_age_ms(r->call)));
	}
	for (size_t i = 0; s->links && i < view_size(s->conf.view); i++) {
		if (s->links[i] && link_pid(s->links[i]) > 0)
			json_array_append_new(pids, json_integer(link_pid(s->links[i])));
	}
	json_object_foreach(s->subscriptions, uri, value)
	{
		json_array_append_new(uris, json_string(uri));
	}
	return json_pack("{s:o, s:o, s:o, s:s}", "calls", calls, "pids", pids, "subscriptions", uris,
			 "logLevel",
			 s->conf.caller->log_level < 0
				 ? ""
				 : mcp_log_level_name(s->conf.caller->log_level));
}
