/* SPDX-License-Identifier: ISC */
/* control_tools.c: `tools list` and `tool call`, for the tools of all backends. */
#include <stdlib.h>

#include "control/control_impl.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "lib/protocol.h"
#include "mcp/call.h"
#include "mcp/catalog.h"
#include "mcp/question.h"

/* A tool call outlives its request when the operator leaves: until the backend has let go. */
struct tool_call {
	struct control_request *request; /* NULL: the request has ended */
	struct caller caller;
	struct link *link;
	struct call *call; /* NULL before and after */
	struct defer freeing;
};

static int make_tool(struct control_request *r, json_t *item, json_t **row_r)
{
	const struct catalog *catalog = view_catalog(r->control->deps.view, MCP_REV_NEWEST);
	const char *name = json_string_value(json_object_get(item, "name"));
	const char *original, *text = json_string_value(json_object_get(item, "description"));
	const json_t *schema = json_object_get(item, "inputSchema");
	size_t source;

	if (!catalog)
		return ERR_NOMEM;
	if (catalog_find(catalog, OFFER_TOOLS, name, &source, &original) < 0)
		return 0; /* went while the list was on its way */
	*row_r = json_pack("{s:s, s:s, s:s, s:O?}", "name", name, "backend",
			   backend_name(view_backend(r->control->deps.view, source)), "description",
			   text ? text : "", "inputSchema", schema);
	return *row_r ? 0 : ERR_NOMEM;
}

static void list_tools(struct control_request *r)
{
	const struct catalog *catalog = view_catalog(r->control->deps.view, MCP_REV_NEWEST);

	control_rows(r, catalog ? json_incref(catalog_list(catalog, OFFER_TOOLS)) : NULL,
		     make_tool);
}

void control_tools_list(struct control_request *r)
{
	control_when_settled(r, list_tools);
}

static void on_notify(struct call *c, const char *method, json_t *params, void *arg)
{
	(void)c, (void)method, (void)params, (void)arg;
}

static void on_ask(struct call *c, struct question *q, void *arg)
{
	(void)c, (void)arg;
	question_refuse(q, RPC_METHOD_NOT_FOUND, "the operator cannot be asked");
}

static void tool_call_free(void *arg)
{
	struct tool_call *t = arg;

	link_close(&t->link);
	free(t);
}

/* Hands the end of the call over to the operator. */
static void report(struct control_request *r, const struct answer *answer)
{
	struct err e;
	json_t *result;

	switch (answer->kind) {
	case ANSWER_RESULT:
		result = jsontext_whole_tree(answer->result, &e);
		if (result)
			control_done(r, json_incref(result));
		else
			control_fail(r, CTL_UNAVAILABLE, "the result cannot be shown: %s", e.text);
		return;
	case ANSWER_ERROR:
		control_fail(r, answer->code == RPC_INVALID_PARAMS ? CTL_INVALID : CTL_UNAVAILABLE,
			     "%s", answer->message ? answer->message : "error");
		return;
	case ANSWER_CANCELLED:
		control_fail(r, CTL_CANCELLED, "%s",
			     answer->message ? answer->message : "cancelled");
		return;
	}
}

/* The link may be closed only when the backend is done with the call: in a later turn. */
static void on_end(struct call *c, const struct answer *answer, void *arg)
{
	struct tool_call *t = arg;
	struct control_request *r = t->request;

	(void)c;
	t->call = NULL;
	t->request = NULL;
	if (r) {
		r->state = NULL;
		report(r, answer);
	}
	defer_call(&t->freeing, tool_call_free, t);
}

static const struct call_front call_front = {
	.notify = on_notify,
	.ask = on_ask,
	.end = on_end,
};

static void ignore_notification(struct link *l, const char *method, json_t *params, void *arg)
{
	(void)l, (void)method, (void)params, (void)arg;
}

static void refuse_question(struct link *l, struct question *q_take, void *arg)
{
	(void)l, (void)arg;
	question_refuse(q_take, RPC_METHOD_NOT_FOUND, "the operator cannot be asked");
}

static void ignore_change(struct link *l, unsigned kinds, void *arg)
{
	(void)l, (void)kinds, (void)arg;
}

static const struct link_events link_events = {
	.notification = ignore_notification,
	.question = refuse_question,
	.changed = ignore_change,
};

/* NULL on lack of memory. */
static struct tool_call *tool_call_new(struct control_request *r, struct backend *b,
				       const char *tool)
{
	struct tool_call *t = calloc(1, sizeof *t);
	json_t *given = control_param(r, "arguments");
	struct jsontext *arguments = jsontext_of(given ? json_incref(given) : json_object());
	json_t *params = json_pack("{s:s}", "name", tool);

	if (!t || !params || !arguments) {
		json_decref(params);
		jsontext_unref(&arguments);
		free(t);
		return NULL;
	}
	t->request = r;
	t->caller = (struct caller){
		.peer = "control",
		.rev = MCP_REV_LEGACY_NEWEST,
		.capabilities = "{}",
		.log_level = -1,
	};
	t->link = link_new(b, &t->caller, &link_events, t);
	t->call = call_new(r->control->deps.base, &call_front, t, &t->caller, "tools/call", params,
			   NULL, 0);
	if (t->call)
		call_set_arguments(t->call, arguments);
	jsontext_unref(&arguments);
	if (t->link && t->call)
		return t;
	t->request = NULL;
	if (t->call)
		call_cancel(t->call, "out of memory"); /* on_end() lets go of the rest */
	else
		tool_call_free(t);
	return NULL;
}

static void no_tool(struct control_request *r, const char *near, const char *name)
{
	if (near)
		control_fail(r, CTL_NOTFOUND, "no tool \"%s\" (did you mean \"%s\"?)", name, near);
	else
		control_fail(r, CTL_NOTFOUND, "no tool \"%s\": see tools list", name);
}

static void call_tool(struct control_request *r)
{
	struct view *view = r->control->deps.view;
	const struct catalog *catalog = view_catalog(view, MCP_REV_NEWEST);
	const char *name = control_string(r, "name"), *original;
	struct tool_call *t;
	size_t source;

	if (!catalog) {
		control_fail_nomem(r);
		return;
	}
	if (catalog_find(catalog, OFFER_TOOLS, name, &source, &original) < 0) {
		no_tool(r, catalog_nearest(catalog, OFFER_TOOLS, name), name);
		return;
	}
	t = tool_call_new(r, view_backend(view, source), original);
	if (!t) {
		control_fail_nomem(r);
		return;
	}
	r->state = t;
	link_call(t->link, t->call);
}

void control_tool_call(struct control_request *r)
{
	control_when_settled(r, call_tool);
}

void control_tool_cancel(struct control_request *r)
{
	struct tool_call *t = r->state;

	if (t && t->call)
		call_cancel(t->call, "cancelled");
	else
		control_fail(r, CTL_CANCELLED, "cancelled");
}

void control_tool_stop(struct control_request *r)
{
	struct tool_call *t = r->state;

	r->state = NULL;
	if (!t)
		return;
	t->request = NULL;
	if (t->call)
		call_cancel(t->call, "the operator has left");
}
