/* SPDX-License-Identifier: ISC */
/* mcpclient_modern.c: the dialect of 2026-07-28: each request carries its version and capabilities,
 * there is no handshake, and a question of the server is a result that asks for input. */
#include "autoconf.h"

#include <stdlib.h>
#include <string.h>

#include "client/mcpclient_dialect.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "mcp/era.h"
#include "mcp/offer.h"

#define LEGACY_LOG_LEVEL "info" /* for clients that could set one, and leave it to the server */

static bool is_legacy(const struct pending *p)
{
	return p->call && mcp_rev_is_legacy(call_caller(p->call)->rev);
}

/* ---- the envelope ---- */

static json_t *client_info(struct mcpclient *m, const struct caller *caller)
{
	json_t *info = NULL;

	if (caller && caller->client_info)
		info = json_loads(caller->client_info, 0, NULL);
	return info ? info : json_incref(m->client_info);
}

/* The level of the messages that the caller of P wants; NULL: none. */
static const char *log_level(const struct pending *p, const json_t *meta)
{
	const struct caller *caller = call_caller(p->call);

	if (!mcpclient_can(p->m, "logging"))
		return NULL;
	if (!mcp_rev_is_legacy(caller->rev))
		return json_string_value(json_object_get(meta, META_LOG_LEVEL));
	return caller->log_level >= 0 ? mcp_log_level_name(caller->log_level) : LEGACY_LOG_LEVEL;
}

/* The _meta of a client without what is for us alone; NULL on lack of memory. */
static json_t *foreign_meta(const json_t *params)
{
	const json_t *given = json_object_get(params, "_meta");
	json_t *meta = json_is_object(given) ? jsonrpc_copy(given) : json_object(), *value;
	const char *key;
	void *next;

	json_object_del(meta, "progressToken");
	json_object_foreach_safe (meta, next, key, value)
		if (strncmp(key, META_PREFIX, sizeof META_PREFIX - 1) == 0)
			json_object_del(meta, key);
	return meta;
}

static int call_meta(const struct pending *p, const json_t *params, json_t *meta)
{
	const struct caller *caller = call_caller(p->call);
	const char *level = log_level(p, json_object_get(params, "_meta"));
	int rc = mcpclient_add_envelope(p->m, meta, mcpclient_caller_capabilities(p->m, caller),
					client_info(p->m, caller));

	if (level)
		rc |= json_object_set_new(meta, META_LOG_LEVEL, json_string(level));
	if (call_progress_token(p->call))
		rc |= json_object_set_new(meta, "progressToken", json_integer(p->id));
	return rc == 0 ? 0 : ERR_NOMEM;
}

/* ---- the state of a request that takes several rounds ---- */

/* STATE under the name of its server: a client that carries it about must not be able to bring it
 * to another one. The front seals it (seal.h). NULL on lack of memory. */
static json_t *marked(const struct pending *p, const json_t *state)
{
	return json_pack("s++%", p->m->name, ":", json_string_value(state),
			 json_string_length(state));
}

/* Whether STATE is of this server; or there is none. */
static bool is_own(const struct pending *p, const json_t *state)
{
	const char *text = json_string_value(state);
	size_t len = strlen(p->m->name);

	return !state || (text && strncmp(text, p->m->name, len) == 0 && text[len] == ':');
}

/* Every byte after the name. */
static json_t *unmarked(const struct pending *p, const json_t *state)
{
	size_t len = strlen(p->m->name) + 1;

	return json_stringn(json_string_value(state) + len, json_string_length(state) - len);
}

static int call_params_of(const struct pending *p, json_t *copy, json_t *meta)
{
	int rc = call_meta(p, mcpclient_params(p), meta);
	const json_t *state = json_object_get(copy, "requestState");

	if (is_legacy(p)) {
		json_object_del(copy, "inputResponses");
		json_object_del(copy, "requestState");
		rc |= mcpclient_rounds_params(p, copy);
	} else if (state) {
		rc |= json_object_set_new(copy, "requestState", unmarked(p, state));
	}
	return rc == 0 ? 0 : ERR_NOMEM;
}

static int modern_params(const struct pending *p, json_t **params_r)
{
	json_t *params = mcpclient_params(p);
	json_t *copy, *meta;
	int rc;

	if (!p->call) {
		/* server/discover has it already. */
		*params_r = mcpclient_enveloped(p->m, params);
		return *params_r != NULL ? 0 : ERR_NOMEM;
	}
	copy = params ? jsonrpc_copy(params) : json_object();
	meta = foreign_meta(params);
	rc = meta ? call_params_of(p, copy, meta) : ERR_NOMEM;
	if (rc == 0 && json_object_set(copy, "_meta", meta) < 0)
		rc = ERR_NOMEM;
	json_decref(meta);
	if (rc < 0) {
		json_decref(copy);
		copy = NULL;
	}
	*params_r = copy;
	return rc;
}

/* ---- answers ---- */

enum { TYPE, META, WORDS };
static const char *const words[] = {[TYPE] = "resultType", [META] = "_meta"};

/* _meta without what belongs to this hop: *META_R, NULL where nothing is left. 0; ERR_NOMEM, or
 * what is wrong with it. */
static int own_meta(struct jsontext *meta, struct jsontext **meta_r, struct err *e)
{
	json_t *copy = jsonrpc_copy(jsontext_tree(meta, e));

	if (!copy)
		return e->code;
	json_object_del(copy, META_SERVER_INFO);
	if (json_object_size(copy) == 0) {
		json_decref(copy);
		return 0;
	}
	*meta_r = jsontext_of(copy);
	return *meta_r ? 0 : err_set(e, ERR_NOMEM, "out of memory");
}

/* RESULT without what belongs to this hop, or is no word of the caller's revision (a new
 * reference). NULL with E. */
static struct jsontext *stripped(const struct pending *p, struct jsontext *result,
				 struct jsontext *meta, struct err *e)
{
	struct jsonedit edits[4] = {{.key = "_meta"}};
	struct jsontext *own = NULL, *new;
	size_t n = meta ? 1 : 0;

	if (meta && own_meta(meta, &own, e) < 0)
		return NULL;
	edits[0].value = own;
	if (is_legacy(p)) {
		edits[n++] = (struct jsonedit){.key = "resultType"};
		edits[n++] = (struct jsonedit){.key = "ttlMs"};
		edits[n++] = (struct jsonedit){.key = "cacheScope"};
	}
	new = n > 0 ? jsontext_edit(result, edits, n) : jsontext_ref(result);
	jsontext_unref(&own);
	if (!new)
		err_set(e, ERR_NOMEM, "out of memory");
	return new;
}

static void on_input_required(struct pending *p, struct jsontext *result)
{
	struct err e;
	json_t *tree = jsontext_tree(result, &e), *state = json_object_get(tree, "requestState");

	if (!tree) {
		mcpclient_fail(p, e.text);
	} else if (is_legacy(p) || !p->call) {
		mcpclient_input_required(p, tree);
	} else if (mcpclient_check_input(p, tree)) {
		tree = jsonrpc_copy(tree);
		if (state && json_object_set_new(tree, "requestState", marked(p, state)) < 0) {
			json_decref(tree);
			tree = NULL;
		}
		mcpclient_done_tree(p, tree);
	}
}

static void on_complete(struct pending *p, struct jsontext *result, struct jsontext *meta)
{
	struct err e = {.text = "out of memory"};
	struct jsontext *own = stripped(p, result, meta, &e);

	if (own)
		mcpclient_done(p, own);
	else
		mcpclient_fail(p, e.text);
}

static void modern_on_result(struct pending *p, struct jsontext *result)
{
	struct jsontext *found[WORDS];
	size_t len = 0;
	const char *type;

	if (jsontext_find(result, words, WORDS, found) < 0) {
		mcpclient_fail(p, "out of memory");
		return;
	}
	type = found[TYPE] ? jsontext_bytes(found[TYPE], &len) : NULL;
	if (jsontext_is(found[TYPE], "input_required"))
		on_input_required(p, result);
	else if (type && type[0] == '"' && !jsontext_is(found[TYPE], "complete") && is_legacy(p))
		mcpclient_error(
			p, RPC_INTERNAL_ERROR, NULL,
			"backend %s: the server answered with what nobody can use here (%.*s)",
			p->m->name, (int)(len < 42 ? len : 42), type);
	else
		on_complete(p, result, found[META]);
	for (size_t i = 0; i < WORDS; i++)
		jsontext_unref(&found[i]);
}

/* Which codes the caller's revision knows, is told elsewhere (translate.h). */
static void modern_on_error(struct pending *p, int code, const char *text, json_t *data)
{
	mcpclient_error(p, code, json_incref(data), "%s", text);
}

/* ---- what there is no request for ---- */

/* The level goes with each request instead. */
static void empty_result(struct pending *p)
{
	mcpclient_done_tree(p, json_object());
}

static const struct {
	const char *method;
	void (*fn)(struct pending *p);
} answers[] = {
	{"logging/setLevel", empty_result},
	{"ping", empty_result},
	{"resources/subscribe", mcpclient_subscribe},
	{"resources/unsubscribe", mcpclient_unsubscribe},
	{"tasks/subscribe", mcpclient_subscribe},
	{"tasks/unsubscribe", mcpclient_unsubscribe},
};

static bool modern_answer(struct pending *p)
{
	if (p->call && !is_legacy(p) &&
	    !is_own(p, json_object_get(mcpclient_params(p), "requestState"))) {
		mcpclient_error(p, RPC_INVALID_PARAMS, NULL,
				"Invalid params: requestState is of another server");
		return true;
	}
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
		if (strcmp(mcpclient_method(p), answers[i].method) == 0) {
			answers[i].fn(p);
			return true;
		}
	return false;
}

static bool modern_on_notification(struct mcpclient *m, const char *method, json_t *params)
{
	if (strcmp(method, "notifications/cancelled") != 0)
		return mcpclient_listen_heard(m, method, params);
	/* A server that asks nothing can cancel nothing but what it has to say to a subscription.
	 */
	mcpclient_ended(m, json_integer_value(json_object_get(params, "requestId")));
	return true;
}

static void modern_on_request(struct mcpclient *m, json_t *id, const char *method, json_t *params)
{
	(void)params;
	mcpclient_grumble(m, "sent a request (%s), which its revision has no room for", method);
	mcpclient_send(m, jsonrpc_error(id, RPC_METHOD_NOT_FOUND, "method not found", NULL));
}

const struct mcpclient_dialect mcpclient_modern = {
	.params = modern_params,
	.on_result = modern_on_result,
	.on_error = modern_on_error,
	.answer = modern_answer,
	.on_request = modern_on_request,
	.start = mcpclient_listen_start,
	.on_notification = modern_on_notification,
};
