/* SPDX-License-Identifier: ISC */
#include "server/server.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "auth/users.h"
#include "base/turns.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "lib/log.h"
#include "mcp/capability.h"
#include "mcp/question.h"
#include "mcp/translate.h"
#include "server/methods.h"
#include "server/server_impl.h"
#include "server/server_request.h"
#include "server/tasks.h"

static void request_free(struct request *r)
{
	TAILQ_REMOVE(&r->server->requests, r, link);
	r->server->in_flight--;
	users_call_ended(r->server->conf.users, r->server->conf.caller->user);
	view_unwait(r->server->conf.view, &r->waiter);
	json_decref(r->id);
	json_decref(r->tool);
	free(r);
}

static void on_notify(struct call *c, const char *method, json_t *params, void *arg)
{
	struct request *r = arg;
	struct server *s = r->server;

	(void)c;
	if (strcmp(method, "notifications/message") != 0 || server_wants_log(s, params))
		s->conf.front->notify(r->origin, method, params, s->conf.arg);
}

/* The backend asks the client Q. Where a client of 2026-07-28 lacks the capability, the whole
 * request ends with the error that names it, so that the client can repeat the request with it. */
static void on_ask(struct call *c, struct question *q, void *arg)
{
	struct request *r = arg;
	struct server *s = r->server;
	struct err e;

	(void)c;
	if (!server_can_ask(r, q) && r->denied) {
		question_refuse(q, RPC_METHOD_NOT_FOUND,
				"the client did not declare this capability");
		call_cancel(r->call, CAPABILITY_MISSING);
	} else if (server_task_question(s, r->source, q) < 0) {
		question_refuse(q, RPC_INTERNAL_ERROR, "out of memory");
	} else if (question_translate(q, server_backend_rev(r), s->conf.caller->rev, &e) < 0) {
		question_refuse(q, e.code == ERR_NOMEM ? RPC_INTERNAL_ERROR : RPC_METHOD_NOT_FOUND,
				e.text);
	} else {
		server_ask(s, r->origin, q);
	}
}

/* Ends R with ANSWER, which was translated for the client. */
static void server_end(struct request *r, const struct answer *answer)
{
	struct server *s = r->server;
	json_t *id = json_incref(r->id);
	void *origin = r->origin;
	struct answer denied = {0};

	if (r->denied)
		denied = (struct answer){
			.kind = ANSWER_ERROR,
			.code = RPC_MISSING_CAPABILITY,
			.message = CAPABILITY_MISSING,
			.data = need_data(r->denied),
		};
	followup_end(r, answer);
	request_free(r);
	s->conf.front->end(origin, id, denied.data ? &denied : answer, s->conf.arg);
	json_decref(denied.data);
	json_decref(id);
}

/* Whether RESULT is a task of the extension for tasks, which the client did not declare. Only
 * servers of 2026-07-28 have the extension. */
static bool is_stray_task(const struct request *r, struct jsontext *result)
{
	static const char *const type[] = {"resultType"};
	struct jsontext *found;
	bool stray;

	if (r->relays_task || mcp_rev_is_legacy(server_backend_rev(r)) ||
	    jsontext_find(result, type, 1, &found) < 0)
		return false;
	stray = jsontext_is(found, "task");
	jsontext_unref(&found);
	return stray;
}

/* RESULT with the client's ids of tasks (a new reference); NULL with E. */
static struct jsontext *with_own_ids(struct request *r, struct jsontext *result, struct err *e)
{
	json_t *tree, *own;

	if (!r->relays_task && !r->server->tasks)
		return jsontext_ref(result);
	tree = jsontext_tree(result, e);
	if (tree && server_task_too_long(r, tree)) {
		err_set(e, ERR_INVALID,
			"the server answered with a task whose id is longer than 1024 bytes");
		return NULL;
	}
	own = tree ? server_task_result(r, tree) : NULL;
	if (tree && !own)
		err_set(e, ERR_NOMEM, "out of memory");
	if (own != tree)
		return jsontext_of(own);
	json_decref(own);
	return own ? jsontext_ref(result) : NULL;
}

static void end_result(struct request *r, const struct translate *t, struct jsontext *result)
{
	struct err e = {.code = ERR_NOMEM, .text = "out of memory"};
	struct jsontext *own = r->starved ? NULL : with_own_ids(r, result, &e);
	struct jsontext *theirs = own ? translate_carried(t, own, &e) : NULL;
	const struct answer said = {.kind = ANSWER_RESULT, .result = theirs};
	const struct answer failed = {
		.kind = ANSWER_ERROR, .code = RPC_INTERNAL_ERROR, .message = e.text};
	static const struct answer stray = {.kind = ANSWER_ERROR,
					    .code = RPC_INTERNAL_ERROR,
					    .message = "the server answered with a task, "
						       "which the client did not declare"};

	if (!theirs)
		server_end(r, &failed);
	else
		server_end(r, is_stray_task(r, result) ? &stray : &said);
	jsontext_unref(&theirs);
	jsontext_unref(&own);
}

static void end_error(struct request *r, const struct translate *t, const struct answer *answer)
{
	struct answer said = *answer;
	struct translated_error e;
	struct jsontext *result;

	translate_error(t, answer->code, answer->message, answer->data, &e);
	result = jsontext_of(e.result);
	said.code = e.code;
	said.data = e.data;
	if (result && !answer->scope)
		said = (struct answer){.kind = ANSWER_RESULT, .result = result};
	server_end(r, &said);
	json_decref(e.data);
	jsontext_unref(&result);
}

/* The end of a call: ANSWER of a backend is translated to the client's revision. Answers of mcpd
 * itself (no R->via) are of that revision already. */
static void on_end(struct call *c, const struct answer *answer, void *arg)
{
	struct request *r = arg;
	json_t *params = json_incref(call_params(c));
	const struct translate t = {
		.from = server_backend_rev(r),
		.to = r->server->conf.caller->rev,
		.method = r->method ? r->method->name : "",
		.params = params,
		.tool = r->tool,
	};

	if (r->via && followup_begin(r, answer)) {
		json_decref(params);
		return;
	}
	if (r->after)
		r->after(r, answer);
	if (!r->via || answer->kind == ANSWER_CANCELLED)
		server_end(r, answer);
	else if (answer->kind == ANSWER_RESULT)
		end_result(r, &t, answer->result);
	else
		end_error(r, &t, answer);
	json_decref(params);
}

static const struct call_front call_front = {
	.notify = on_notify,
	.ask = on_ask,
	.end = on_end,
};

static void on_view_changed(struct view *v, unsigned kinds, void *arg)
{
	struct server *s = arg;

	(void)v;
	catalog_free(&s->own);
	if (!s->conf.lists_told)
		server_lists_changed(s, kinds);
}

struct server *server_new(const struct server_conf *conf)
{
	struct server *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->conf = *conf;
	s->calls = &call_front;
	TAILQ_INIT(&s->requests);
	s->kept = strlen(conf->caller->capabilities) +
		  (conf->caller->client_info ? strlen(conf->caller->client_info) : 0);
	s->capabilities = capabilities_parse(conf->caller->rev, conf->caller->capabilities);
	pace_init(&s->notices, server_tell_lists, s);
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
	tasks_free(&s->tasks);
	json_decref(s->subscriptions);
	free(s);
}

/* Runs R now, or once it is known what the backends offer. */
static void run(void *arg)
{
	struct request *r = arg;

	r->method->handle(r);
}

/* Whether R ended, because there is no memory for it. */
static bool refused_by_budget(const struct request *r)
{
	struct err e;

	if (call_hold(r->call, &e) == 0)
		return false;
	call_error(r->call, RPC_INTERNAL_ERROR, NULL, "%s", e.text);
	return true;
}

/* A request that will be told of to ORIGIN, with its call; NULL on lack of memory. */
static struct request *request_new(struct server *s, void *origin, const char *method,
				   json_t *params, struct jsontext *arguments)
{
	json_t *token = json_object_get(json_object_get(params, "_meta"), "progressToken");
	struct request *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->server = s;
	r->origin = origin;
	r->method = method_find(method, s->conf.caller->rev);
	r->waiter.fn = run;
	r->waiter.arg = r;
	r->call =
		call_new(s->conf.base, &call_front, r, s->conf.caller, method, json_incref(params),
			 json_is_string(token) || json_is_integer(token) ? token : NULL,
			 s->conf.limits->call_timeout_ms);
	if (!r->call) {
		free(r);
		return NULL;
	}
	call_set_arguments(r->call, arguments);
	return r;
}

/* Runs R, or ends it with the reason why not. */
static void begin(struct request *r)
{
	struct server *s = r->server;

	if (s->in_flight > s->conf.max_calls && s->conf.max_calls)
		call_error(r->call, RPC_INTERNAL_ERROR, NULL,
			   "too many requests in flight in this session (limits.maxCalls is %u)",
			   s->conf.max_calls);
	else if (refused_by_budget(r))
		return;
	else if (json_string_length(call_progress_token(r->call)) > JSONRPC_MAX_ID)
		call_error(r->call, RPC_INVALID_PARAMS, NULL,
			   "progressToken has more than %zu bytes", JSONRPC_MAX_ID);
	else if (!r->method)
		call_error(r->call, RPC_METHOD_NOT_FOUND, NULL, "Method not found: %.100s",
			   call_method(r->call));
	else if (r->method->needs_view && !view_settled(s->conf.view))
		view_wait(s->conf.view, &r->waiter);
	else
		run(r);
}

int server_request(struct server *s, void *origin, json_t *id, const char *method, json_t *params,
		   struct jsontext *arguments)
{
	struct request *r;

	if (s->closed)
		return ERR_CLOSED;
	if (strcmp(method, "tools/call") == 0)
		turns_doing("tools/call", json_string_value(json_object_get(params, "name")));
	else
		turns_doing("request", method);
	r = request_new(s, origin, method, params, arguments);
	if (!r)
		return ERR_NOMEM;
	r->id = json_incref(id);
	TAILQ_INSERT_TAIL(&s->requests, r, link);
	users_call_begun(s->conf.users, s->conf.caller->user);
	s->in_flight++;
	begin(r);
	return 0;
}

/* notifications/cancelled. Real clients use one id for several requests at a time; which of them is
 * meant cannot be known then, and stopping a stranger's work is worse than finishing one that
 * nobody wants. */
static void cancelled(struct server *s, json_t *params)
{
	json_t *id = json_object_get(params, "requestId");
	const char *reason = json_string_value(json_object_get(params, "reason"));
	struct request *r, *found = NULL;

	TAILQ_FOREACH (r, &s->requests, link) {
		if (!jsonrpc_id_equal(r->id, id) || strcmp(call_method(r->call), "initialize") == 0)
			continue;
		if (found)
			return;
		found = r;
	}
	if (found)
		call_cancel(found->call, reason ? reason : "cancelled by the client");
}

bool server_cancel(struct server *s, const void *origin, const char *reason)
{
	struct request *r;

	TAILQ_FOREACH (r, &s->requests, link) {
		if (r->origin == origin && !call_ended(r->call)) {
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

/* A request whose call has not ended. A request that is listed although its call has ended is freed
 * by its end, which is up the stack. */
static struct request *first_live(const struct server *s)
{
	struct request *r;

	TAILQ_FOREACH (r, &s->requests, link) {
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
	pace_stop(&s->notices);
	view_unwatch(s->conf.view, &s->watch);
	view_unwait(s->conf.view, &s->restoring);
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

const json_t *server_subscriptions(const struct server *s)
{
	return s->subscriptions;
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

/* The processes of all children of S; the first of each child is the child itself. */
static json_t *describe_processes(const struct server *s)
{
	json_t *rows = json_array();

	for (size_t i = 0; rows && s->links && i < view_size(s->conf.view); i++)
		if (s->links[i])
			link_processes(s->links[i], rows);
	return rows;
}

json_t *server_describe(const struct server *s)
{
	json_t *calls = json_array(), *pids = json_array(), *uris = json_array();
	const struct request *r;
	const char *uri;
	json_t *value;

	TAILQ_FOREACH (r, &s->requests, link) {
		json_array_append_new(calls, json_pack("{s:s, s:I}", "method", call_method(r->call),
						       "age_ms", (json_int_t)call_age_ms(r->call)));
	}
	for (size_t i = 0; s->links && i < view_size(s->conf.view); i++) {
		if (s->links[i] && link_pid(s->links[i]) > 0)
			json_array_append_new(pids, json_integer(link_pid(s->links[i])));
	}
	json_object_foreach (s->subscriptions, uri, value) {
		json_array_append_new(uris, json_string(uri));
	}
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:s}", "calls", calls, "pids", pids, "processes",
		describe_processes(s), "subscriptions", uris, "logLevel",
		s->conf.caller->log_level < 0 ? "" : mcp_log_level_name(s->conf.caller->log_level));
}
