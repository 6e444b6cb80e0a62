/* SPDX-License-Identifier: ISC */
/* server_tasks.c: relays tasks of a kind that both client and backend support, under ids that
 * tasks.h makes: the experimental tasks of 2025-11-25, and the extension
 * io.modelcontextprotocol/tasks of 2026-07-28. */
#include <string.h>

#include "lib/jsonrpc.h"
#include "mcp/question.h"
#include "server/server_impl.h"
#include "server/server_request.h"
#include "server/tasks.h"

#define RELATED "io.modelcontextprotocol/related-task"

/* ---- which client and backend have tasks ---- */

static bool modern(const struct server *s)
{
	return !mcp_rev_is_legacy(s->conf.caller->rev);
}

/* Whether client and backend of R have tasks of one kind. */
static bool both_have_tasks(const struct request *r)
{
	const struct offer *o = link_offer(r->via);

	return o && o->rev == r->server->conf.caller->rev && offer_runs_tasks(o);
}

bool server_relays_task(struct request *r)
{
	if (!both_have_tasks(r))
		return false;
	return modern(r->server) ? server_declared_tasks(r->server)
				 : json_object_get(call_params(r->call), "task") != NULL;
}

/* ---- ids on their way to the client ---- */

/* OBJECT with ID in place of the backend's id (a new reference); NULL on lack of memory. */
static json_t *renamed(const json_t *object, const char *id)
{
	return id ? jsonrpc_with(object, "taskId", json_string(id)) : NULL;
}

/* Adds the task that OBJECT describes. The client's id of it; NULL on lack of memory. */
static const char *learn(struct request *r, const json_t *object)
{
	struct server *s = r->server;
	const char *remote = json_string_value(json_object_get(object, "taskId"));
	const json_t *ttl = json_object_get(object, modern(s) ? "ttlMs" : "ttl");

	if (!s->tasks)
		s->tasks = tasks_new();
	return s->tasks ? tasks_add(s->tasks, r->source, remote, json_integer_value(ttl)) : NULL;
}

/* VALUE with the client's id of the task to which it belongs by its _meta; VALUE itself where _meta
 * names no task, or an unknown one. A new reference; NULL on lack of memory. */
static json_t *related(struct server *s, size_t source, json_t *value)
{
	json_t *meta = json_object_get(value, "_meta"), *task = json_object_get(meta, RELATED);
	const char *remote = json_string_value(json_object_get(task, "taskId"));
	const char *id = remote && s->tasks ? tasks_id(s->tasks, source, remote) : NULL;

	if (!id)
		return json_incref(value);
	return jsonrpc_with(value, "_meta", jsonrpc_with(meta, RELATED, renamed(task, id)));
}

static json_t *legacy_task_result(struct request *r, json_t *result)
{
	json_t *task = json_object_get(result, "task");

	if (!r->relays_task)
		return json_incref(result);
	if (json_is_string(json_object_get(task, "taskId")))
		return jsonrpc_with(result, "task", renamed(task, learn(r, task)));
	if (json_is_string(json_object_get(result, "taskId")))
		return renamed(result, learn(r, result));
	return related(r->server, r->source, result);
}

static json_t *modern_task_result(struct request *r, json_t *result)
{
	if (!r->relays_task || !json_is_string(json_object_get(result, "taskId")))
		return json_incref(result);
	return renamed(result, learn(r, result));
}

bool server_task_too_long(const struct request *r, const json_t *result)
{
	const json_t *task = json_object_get(result, "task");
	const json_t *id = json_object_get(task ? task : result, "taskId");

	return r->relays_task && json_string_length(id) > TASKS_MAX_ID;
}

json_t *server_task_result(struct request *r, json_t *result)
{
	if (!r->relays_task && !r->server->tasks)
		return json_incref(result);
	return modern(r->server) ? modern_task_result(r, result) : legacy_task_result(r, result);
}

int server_task_question(struct server *s, size_t source, struct question *q)
{
	json_t *params = question_params(q), *own;

	if (!s->tasks || !params)
		return 0;
	own = related(s, source, params);
	if (!own)
		return ERR_NOMEM;
	if (own != params)
		question_relate(q, own, RELATED);
	json_decref(own);
	return 0;
}

json_t *server_task_notification(struct server *s, size_t source, json_t *params)
{
	const char *remote = json_string_value(json_object_get(params, "taskId"));
	const char *id = remote && s->tasks ? tasks_id(s->tasks, source, remote) : NULL;

	return id ? renamed(params, id) : NULL;
}

/* ---- which tasks there are ---- */

bool server_find_task(struct server *s, const char *id, size_t *source_r, const char **remote_r)
{
	return s->tasks && tasks_find(s->tasks, id, source_r, remote_r);
}

bool server_has_task(struct server *s, const char *id)
{
	size_t source;
	const char *remote;

	return server_find_task(s, id, &source, &remote);
}

size_t server_tasks(struct server *s)
{
	return tasks_count(s->tasks);
}
