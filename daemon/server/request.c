/* SPDX-License-Identifier: ISC */
#include "server/request.h"

#include "lib/jsonrpc.h"
#include "mcp/capability.h"
#include "mcp/question.h"
#include "server/server_impl.h"
#include "server/server_request.h"

struct server *request_server(const struct request *r)
{
	return r->server;
}

struct call *request_call(const struct request *r)
{
	return r->call;
}

void request_set_tool(struct request *r, json_t *tool_take)
{
	r->tool = tool_take;
}

bool request_has_tool(const struct request *r)
{
	return r->tool;
}

void request_route(struct request *r, size_t source, struct link *l)
{
	r->source = source;
	r->via = l;
}

void request_relay_task(struct request *r)
{
	r->relays_task = true;
}

void request_reserve(struct request *r, size_t bytes)
{
	r->reserved = bytes;
}

size_t request_reserved(const struct request *r)
{
	return r->reserved;
}

void request_set_after(struct request *r, request_after_fn *fn)
{
	r->after = fn;
}

enum mcp_rev server_backend_rev(const struct request *r)
{
	const struct offer *o = r->via ? link_offer(r->via) : NULL;

	return o ? o->rev : r->server->conf.caller->rev;
}

struct call *server_next_call(struct request *r, const char *method, json_t *params_take,
			      struct jsontext *arguments, int64_t deadline_ms)
{
	struct server *s = r->server;
	struct call *next = call_new(s->conf.base, s->calls, r, s->conf.caller, method, params_take,
				     call_progress_token(r->call), deadline_ms);

	if (next) {
		call_set_arguments(next, arguments);
		call_set_bearer(next, call_bearer(r->call));
		(void)call_hold(next, NULL); /* the request was taken, so its calls are made */
		r->call = next;
	}
	return next;
}

/* ---- the client ---- */

/* A client that did not declare a capability is never asked for it (Lifecycle, "Capability
 * Negotiation"). */
void server_ask(struct server *s, void *origin, struct question *q_take)
{
	const struct need *need = need_of(question_method(q_take), question_params(q_take));

	if (!need)
		question_refuse(q_take, RPC_METHOD_NOT_FOUND, "Method not found");
	else if (s->closed || !need_met(need, s->capabilities))
		question_refuse(q_take, RPC_METHOD_NOT_FOUND,
				"the client did not declare this capability");
	else
		s->conf.front->ask(origin, q_take, s->conf.arg);
}

bool server_declared_tasks(const struct server *s)
{
	return need_met(need_tasks(), s->capabilities);
}

void server_deny_tasks(struct request *r)
{
	r->denied = need_tasks();
}

bool server_can_ask(struct request *r, const struct question *q)
{
	const struct need *need = need_of(question_method(q), question_params(q));

	if (!need || need_met(need, r->server->capabilities))
		return need != NULL;
	if (!mcp_rev_is_legacy(r->server->conf.caller->rev))
		r->denied = need;
	return false;
}

/* Log messages below the level that the client asked for are not for it. */
bool server_wants_log(const struct server *s, json_t *params)
{
	int level = mcp_log_level_parse(json_string_value(json_object_get(params, "level")));

	return s->conf.caller->log_level < 0 || level < 0 || level >= s->conf.caller->log_level;
}
