/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "server/methods.h"

#include <stdlib.h>
#include <string.h>

#include "lib/jsonrpc.h"
#include "mcp/era.h"
#include "mcp/translate.h"
#include "mcp/xheader.h"
#include "server/server_impl.h"

#define NO_MEMORY "out of memory"

static void handle_ping(struct request *r)
{
	call_result_tree(request_call(r), json_object());
}

/* Ends R with RESULT (NULL: there was no memory for it) and the instructions of CAT. */
static void introduce(struct request *r, json_t *result_take, const struct catalog *cat)
{
	char *text;

	if (!result_take) {
		call_error(request_call(r), RPC_INTERNAL_ERROR, NULL, NO_MEMORY);
		return;
	}
	text = catalog_instructions(cat);
	if (text)
		json_object_set_new(result_take, "instructions", json_string(text));
	free(text);
	call_result_tree(request_call(r), result_take);
}

/* Lifecycle, "Initialization". The revision was negotiated when the session was opened. */
static void handle_initialize(struct request *r)
{
	struct server *s = request_server(r);
	const struct catalog *cat = server_catalog(s);
	json_t *result = NULL;

	if (cat)
		result = json_pack("{s:s, s:o, s:{s:s, s:s, s:s}}", "protocolVersion",
				   mcp_rev_name(s->conf.caller->rev), "capabilities",
				   catalog_capabilities(cat, view_incomplete(s->conf.view)),
				   "serverInfo", "name", "mcpd", "title", "mcpd", "version",
				   PACKAGE_VERSION);
	introduce(r, result, cat);
}

static void list(struct request *r, enum offer_kind kind)
{
	const struct catalog *cat = server_catalog(request_server(r));
	json_t *cursor = json_object_get(call_params(request_call(r)), "cursor");
	struct err e = {.code = ERR_NOMEM, .text = NO_MEMORY};
	json_t *page = NULL;

	if (cursor && !json_is_string(cursor)) {
		call_error(request_call(r), RPC_INVALID_PARAMS, NULL, "cursor must be a string");
		return;
	}
	if (cat)
		page = catalog_page(cat, kind, json_string_value(cursor),
				    request_server(r)->conf.limits->page_size, &e);
	if (page)
		call_result_tree(request_call(r), page);
	else
		call_error(request_call(r),
			   e.code == ERR_INVALID ? RPC_INVALID_PARAMS : RPC_INTERNAL_ERROR, NULL,
			   "%s", e.text);
}

static void handle_tools_list(struct request *r)
{
	list(r, OFFER_TOOLS);
}

static void handle_prompts_list(struct request *r)
{
	list(r, OFFER_PROMPTS);
}

static void handle_resources_list(struct request *r)
{
	list(r, OFFER_RESOURCES);
}

static void handle_templates_list(struct request *r)
{
	list(r, OFFER_TEMPLATES);
}

/* Hands the call of R to backend I of the view, translated for that backend. */
static void pass(struct request *r, size_t i)
{
	struct server *s = request_server(r);
	struct call *c = request_call(r);
	struct translate t = {.from = s->conf.caller->rev, .method = call_method(c)};
	struct link *via = server_link(s, i);
	json_t *params = call_params(c), *said;

	request_route(r, i, via);
	t.to = server_backend_rev(r);
	said = via ? translate_params(&t, params) : NULL;
	if (via && request_has_tool(r) && server_relays_task(r))
		request_relay_task(r);
	if (said && followup_needs_task(r)) {
		json_t *task = followup_task_params(r, said);

		json_decref(said);
		said = task;
	}
	if (!via || (params && !said)) {
		call_error(c, RPC_INTERNAL_ERROR, NULL, NO_MEMORY);
		return;
	}
	if (said != params)
		call_set_params(c, said);
	else
		json_decref(said);
	link_call(via, c);
}

/* The string member KEY of the parameters; NULL after having refused the call. */
static const char *need_string(struct request *r, const char *key)
{
	const char *value = json_string_value(json_object_get(call_params(request_call(r)), key));

	if (!value)
		call_error(request_call(r), RPC_INVALID_PARAMS, NULL, "%s: \"%s\" must be a string",
			   call_method(request_call(r)), key);
	return value;
}

/* A backend of the view that NAME would belong to by its prefix but that offers nothing now. */
static struct backend *missing_backend(struct server *s, const char *name)
{
	for (size_t i = 0; i < view_size(s->conf.view); i++) {
		struct backend *b = view_backend(s->conf.view, i);
		size_t len = strlen(backend_name(b));

		if (!backend_offer(b) && strncmp(name, backend_name(b), len) == 0 &&
		    strncmp(name + len, "__", 2) == 0)
			return b;
	}
	return NULL;
}

/* Refuses R, whose WHAT ("tool") NAME is unknown. NEAR is a visible name like it; NULL: none. */
static void refuse_unknown(struct request *r, const char *what, const char *name, const char *near)
{
	struct backend *b = missing_backend(request_server(r), name);

	if (b)
		call_error(request_call(r), RPC_INTERNAL_ERROR, NULL,
			   "backend %s is not available: %s", backend_name(b), backend_why(b));
	else if (near)
		call_error(request_call(r), RPC_INVALID_PARAMS, NULL,
			   "Unknown %s: %.200s (did you mean %.200s?)", what, name, near);
	else
		call_error(request_call(r), RPC_INVALID_PARAMS, NULL, "Unknown %s: %.200s", what,
			   name);
}

/* Finds the tool or prompt NAME: the index of its backend in the view, and the backend's own name.
 * With one backend alone, a name that is not listed goes to that backend, whose error says more
 * than mcpd could. False: the call was refused. */
static bool find(struct request *r, enum offer_kind kind, const char *what, const char *name,
		 size_t *i_r, const char **original_r)
{
	const struct catalog *cat = server_catalog(request_server(r));

	if (!cat) {
		call_error(request_call(r), RPC_INTERNAL_ERROR, NULL, NO_MEMORY);
		return false;
	}
	if (catalog_find(cat, kind, name, i_r, original_r) == 0)
		return true;
	if (!view_prefixed(request_server(r)->conf.view) &&
	    view_size(request_server(r)->conf.view) == 1) {
		*i_r = 0;
		*original_r = name;
		return true;
	}
	refuse_unknown(r, what, name, catalog_nearest(cat, kind, name));
	return false;
}

/* Gives the call a copy of its parameters with VALUE as member KEY; the front's own are left alone.
 * False: the call was refused. */
static bool replace_param(struct request *r, const char *key, json_t *value_take)
{
	json_t *copy = jsonrpc_with(call_params(request_call(r)), key, value_take);

	if (!copy) {
		call_error(request_call(r), RPC_INTERNAL_ERROR, NULL, NO_MEMORY);
		return false;
	}
	call_set_params(request_call(r), copy);
	return true;
}

/* The tool NAME as its backend lists it: a new reference, or NULL. */
static json_t *tool_of(struct request *r, const char *name)
{
	const struct catalog *cat = server_catalog(request_server(r));
	const json_t *tool = cat ? catalog_original(cat, OFFER_TOOLS, name) : NULL;

	return json_incref((json_t *)(uintptr_t)tool);
}

/* Whether the arguments of TOOL (may be NULL) can be read where some of them are repeated in
 * headers, by which others decide: duplicate members cannot. False: the call was refused. */
static bool may_be_headers(struct request *r, const json_t *tool)
{
	struct err e;

	if (!xheader_wanted(json_object_get(tool, "inputSchema")) ||
	    call_arguments_tree(request_call(r), &e))
		return true;
	call_error(request_call(r), e.code == ERR_NOMEM ? RPC_INTERNAL_ERROR : RPC_INVALID_PARAMS,
		   NULL, "tools/call: arguments: %s", e.text);
	return false;
}

static void pass_named(struct request *r, enum offer_kind kind, const char *what)
{
	const char *name = need_string(r, "name"), *original;
	json_t *tool;
	size_t i;

	if (!name || !find(r, kind, what, name, &i, &original))
		return;
	tool = kind == OFFER_TOOLS ? tool_of(r, name) : NULL;
	request_set_tool(r, tool);
	if (!may_be_headers(r, tool))
		return;
	if (strcmp(name, original) != 0 && !replace_param(r, "name", json_string(original)))
		return;
	pass(r, i);
}

static void handle_tools_call(struct request *r)
{
	/* Only arguments that are no object stay among the other parameters. */
	if (json_object_get(call_params(request_call(r)), "arguments"))
		call_error(request_call(r), RPC_INVALID_PARAMS, NULL,
			   "tools/call: \"arguments\" must be an object");
	else
		pass_named(r, OFFER_TOOLS, "tool");
}

static void handle_prompts_get(struct request *r)
{
	pass_named(r, OFFER_PROMPTS, "prompt");
}

static void refuse_uri(struct request *r, const char *uri)
{
	bool legacy = mcp_rev_is_legacy(request_server(r)->conf.caller->rev);

	call_error(request_call(r), legacy ? RPC_RESOURCE_NOT_FOUND : RPC_INVALID_PARAMS,
		   json_pack("{s:s}", "uri", uri), "Resource not found: %.300s", uri);
}

/* Finds the backend of URI: its index in the view. False: the call was refused. */
static bool find_uri(struct request *r, const char *uri, size_t *i_r)
{
	const struct catalog *cat = server_catalog(request_server(r));

	if (!cat)
		call_error(request_call(r), RPC_INTERNAL_ERROR, NULL, NO_MEMORY);
	else if (catalog_find_uri(cat, uri, i_r) == 0)
		return true;
	else if (view_size(request_server(r)->conf.view) == 1)
		return *i_r = 0, true;
	else
		refuse_uri(r, uri);
	return false;
}

static void handle_resources_read(struct request *r)
{
	const char *uri = need_string(r, "uri");
	size_t i;

	if (uri && find_uri(r, uri, &i))
		pass(r, i);
}

static bool offers(struct server *s, size_t i, const char *capability, const char *member)
{
	const struct offer *o = s->links && s->links[i]
					? link_offer(s->links[i])
					: backend_offer(view_backend(s->conf.view, i));
	json_t *cap = o ? json_object_get(o->capabilities, capability) : NULL;

	return member ? json_is_true(json_object_get(cap, member)) : cap != NULL;
}

static const char *uri_of(const struct request *r)
{
	return json_string_value(json_object_get(call_params(request_call(r)), "uri"));
}

static void tell_subscribed(struct server *s, const char *uri, bool on)
{
	if (s->conf.front->subscribed)
		s->conf.front->subscribed(uri, on, s->conf.arg);
}

static void after_subscribe(struct request *r, const struct answer *answer)
{
	struct server *s = request_server(r);
	const char *uri = uri_of(r);

	s->subscribing--;
	s->kept -= request_reserved(r);
	if (answer->kind != ANSWER_RESULT || !uri || json_object_get(s->subscriptions, uri) ||
	    json_object_set_new(s->subscriptions, uri, json_true()) < 0)
		return;
	s->kept += strlen(uri);
	tell_subscribed(s, uri, true);
}

static void after_unsubscribe(struct request *r, const struct answer *answer)
{
	struct server *s = request_server(r);
	const char *uri = uri_of(r);

	if (answer->kind != ANSWER_RESULT || !uri || json_object_del(s->subscriptions, uri) < 0)
		return;
	s->kept -= strlen(uri);
	tell_subscribed(s, uri, false);
}

/* Passes resources/subscribe or resources/unsubscribe on. AFTER notes the outcome. */
static void pass_subscription(struct request *r, request_after_fn *after)
{
	struct server *s = request_server(r);
	const char *uri = need_string(r, "uri");
	size_t i;

	if (!uri || !find_uri(r, uri, &i))
		return;
	if (!offers(s, i, "resources", "subscribe")) {
		call_error(request_call(r), RPC_METHOD_NOT_FOUND, NULL,
			   "backend %s does not support subscriptions",
			   backend_name(view_backend(s->conf.view, i)));
		return;
	}
	request_set_after(r, after);
	if (after == after_subscribe) {
		s->subscribing++;
		s->kept += request_reserved(r);
	}
	pass(r, i);
}

/* Whether the session has room for one more subscription, to URI. False: the call was refused. */
static bool has_room(struct request *r, const char *uri)
{
	struct server *s = request_server(r);
	size_t n = json_object_size(s->subscriptions) + s->subscribing;

	if (json_object_get(s->subscriptions, uri))
		return true;
	if (s->conf.max_subscriptions && n >= s->conf.max_subscriptions)
		call_error(request_call(r), RPC_INTERNAL_ERROR, NULL,
			   "too many subscriptions in this session (limits.maxSubscriptions is %u)",
			   s->conf.max_subscriptions);
	else if (s->conf.max_bytes && s->kept + strlen(uri) > s->conf.max_bytes)
		call_error(
			request_call(r), RPC_INVALID_PARAMS, NULL,
			"clientInfo, capabilities and subscriptions of this session have more than "
			"%zu bytes together (limits.maxSessionBytes): unsubscribe from others "
			"first",
			s->conf.max_bytes);
	else
		return true;
	return false;
}

static void handle_subscribe(struct request *r)
{
	struct server *s = request_server(r);
	const char *uri = need_string(r, "uri");

	if (!s->subscriptions)
		s->subscriptions = json_object();
	if (!uri || !has_room(r, uri))
		return;
	request_reserve(r, json_object_get(s->subscriptions, uri) ? 0 : strlen(uri));
	pass_subscription(r, after_subscribe);
}

static void handle_unsubscribe(struct request *r)
{
	pass_subscription(r, after_unsubscribe);
}

/* Finds the backend of REF, the prompt or resource of a completion. False: the call was refused. */
static bool find_ref(struct request *r, json_t *ref, size_t *i_r)
{
	const char *type = json_string_value(json_object_get(ref, "type"));
	const char *name = json_string_value(json_object_get(ref, "name"));
	const char *uri = json_string_value(json_object_get(ref, "uri"));
	const struct catalog *cat = server_catalog(request_server(r));
	const char *original;

	if (cat && type && strcmp(type, "ref/resource") == 0 && uri) {
		if (catalog_find_template(cat, uri, i_r) == 0)
			return true;
		return find_uri(r, uri, i_r);
	}
	if (!type || strcmp(type, "ref/prompt") != 0 || !name) {
		call_error(request_call(r), RPC_INVALID_PARAMS, NULL,
			   "completion/complete: \"ref\" must be a ref/prompt with a name or a "
			   "ref/resource with a uri");
		return false;
	}
	if (!find(r, OFFER_PROMPTS, "prompt", name, i_r, &original))
		return false;
	if (strcmp(name, original) == 0)
		return true;
	return replace_param(r, "ref", jsonrpc_with(ref, "name", json_string(original)));
}

static void handle_complete(struct request *r)
{
	size_t i;

	if (!find_ref(r, json_object_get(call_params(request_call(r)), "ref"), &i))
		return;
	if (!offers(request_server(r), i, "completions", NULL))
		call_error(request_call(r), RPC_METHOD_NOT_FOUND, NULL,
			   "backend %s does not support completion",
			   backend_name(view_backend(request_server(r)->conf.view, i)));
	else
		pass(r, i);
}

static void handle_set_level(struct request *r)
{
	struct server *s = request_server(r);
	const char *name = need_string(r, "level");
	int level = mcp_log_level_parse(name);

	if (!name)
		return;
	if (level < 0) {
		call_error(request_call(r), RPC_INVALID_PARAMS, NULL, "Invalid log level: %.40s",
			   name);
		return;
	}
	s->conf.caller->log_level = level;
	server_push_log_level(s);
	if (s->conf.front->level_set)
		s->conf.front->level_set(s->conf.arg);
	call_result_tree(request_call(r), json_object());
}

/* Requests about a task (tasks/get and the others), with the backend's id in place of the client's.
 */
static void handle_task(struct request *r)
{
	struct server *s = request_server(r);
	const struct catalog *cat = server_catalog(s);
	const char *id = json_string_value(json_object_get(call_params(request_call(r)), "taskId")),
		   *remote;
	size_t source;

	if (!cat || !catalog_runs_tasks(cat)) {
		call_error(request_call(r), RPC_METHOD_NOT_FOUND, NULL, "Method not found: %s",
			   call_method(request_call(r)));
	} else if (!mcp_rev_is_legacy(s->conf.caller->rev) && !server_declared_tasks(s)) {
		server_deny_tasks(r);
		call_error(request_call(r), RPC_INVALID_REQUEST, NULL, "the client has no tasks");
	} else if (!id) {
		call_error(request_call(r), RPC_INVALID_PARAMS, NULL,
			   "%s: \"taskId\" must be a string", call_method(request_call(r)));
	} else if (!server_find_task(s, id, &source, &remote)) {
		call_error(request_call(r), RPC_INVALID_PARAMS, NULL, "Task not found");
	} else if (replace_param(r, "taskId", json_string(remote))) {
		request_relay_task(r);
		pass(r, source);
	}
}

/* 2026-07-28, "Discovery". */
static void handle_discover(struct request *r)
{
	struct server *s = request_server(r);
	const struct catalog *cat = server_catalog(s);
	json_t *result = NULL;

	if (cat)
		result = json_pack("{s:o, s:o}", "supportedVersions", era_supported(),
				   "capabilities",
				   catalog_capabilities(cat, view_incomplete(s->conf.view)));
	introduce(r, result, cat);
}

#define LEGACY	 METHOD_LEGACY
#define MODERN	 METHOD_MODERN
#define INTERNAL (METHOD_LEGACY | METHOD_INTERNAL)
#define BOTH	 (METHOD_LEGACY | METHOD_MODERN)

static const struct method methods[] = {
	{"completion/complete", handle_complete, true, BOTH, NULL},
	{"initialize", handle_initialize, true, LEGACY, NULL},
	{"logging/setLevel", handle_set_level, false, LEGACY, NULL},
	{"ping", handle_ping, false, LEGACY, NULL},
	{"prompts/get", handle_prompts_get, true, BOTH, "name"},
	{"prompts/list", handle_prompts_list, true, BOTH, NULL},
	{"resources/list", handle_resources_list, true, BOTH, NULL},
	{"resources/read", handle_resources_read, true, BOTH, "uri"},
	{"resources/subscribe", handle_subscribe, true, INTERNAL, NULL},
	{"resources/templates/list", handle_templates_list, true, BOTH, NULL},
	{"resources/unsubscribe", handle_unsubscribe, true, INTERNAL, NULL},
	{"server/discover", handle_discover, true, MODERN, NULL},
	{"tasks/cancel", handle_task, true, BOTH, "taskId"},
	{"tasks/get", handle_task, true, BOTH, "taskId"},
	{"tasks/result", handle_task, true, LEGACY, "taskId"},
	{"tasks/subscribe", handle_task, true, METHOD_INTERNAL, NULL},
	{"tasks/unsubscribe", handle_task, true, METHOD_INTERNAL, NULL},
	{"tasks/update", handle_task, true, MODERN, "taskId"},
	{"tools/call", handle_tools_call, true, BOTH, "name"},
	{"tools/list", handle_tools_list, true, BOTH, NULL},
};

static int compare(const void *key, const void *item)
{
	return strcmp(key, ((const struct method *)item)->name);
}

const struct method *method_find(const char *name, enum mcp_rev rev)
{
	const struct method *m =
		bsearch(name, methods, sizeof methods / sizeof *methods, sizeof *methods, compare);

	return m && m->eras & (mcp_rev_is_legacy(rev) ? LEGACY : MODERN | METHOD_INTERNAL) ? m
											   : NULL;
}
