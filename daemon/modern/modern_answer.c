/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

/* modern_answer.c: makes responses of 2026-07-28 from the answers of servers. */
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "http/exchange.h"
#include "lib/jsonrpc.h"
#include "lib/sse.h"
#include "modern/modern_impl.h"
#include "modern/pool.h"

/* How long a client may rely on an answer without asking again. Lists change with a notification,
 * so this bounds only what a client without subscriptions misses. */
#define LIST_TTL_MS 10000

static const struct {
	const char *method;
	json_int_t ttl_ms;
} cacheable[] = {
	{"prompts/list", LIST_TTL_MS},
	{"resources/list", LIST_TTL_MS},
	{"resources/read", 0},
	{"resources/templates/list", LIST_TTL_MS},
	{"server/discover", LIST_TTL_MS},
	{"tools/list", LIST_TTL_MS},
};

/* Every answer has it, so it is made once. Borrowed; NULL on lack of memory. */
static json_t *server_info(void)
{
	static json_t *info;

	if (!info)
		info = json_pack("{s:s, s:s}", "name", "mcpd", "version", PACKAGE_VERSION);
	return info;
}

int modern_stamp(json_t *result, const char *type)
{
	json_t *meta = json_object_get(result, "_meta");
	int rc;

	meta = meta ? jsonrpc_copy(meta) : json_object();
	rc = json_object_set_nocheck(meta, META_SERVER_INFO, server_info());
	if (!json_object_get(result, "resultType"))
		rc |= json_object_set_new_nocheck(result, "resultType", json_string_nocheck(type));
	rc |= json_object_set_new_nocheck(result, "_meta", meta);
	return rc == 0 ? 0 : ERR_NOMEM;
}

struct reqstate_bound modern_bound(const struct mreq *r)
{
	return (struct reqstate_bound){
		.user = pooled_user(r->pooled),
		.view = pooled_view(r->pooled),
		.method = r->method->name,
		.params = r->params,
	};
}

/* How long, and by whom, the complete RESULT may be kept. 0 or ERR_NOMEM. */
static int add_caching(const struct mreq *r, json_t *result)
{
	int rc = 0;

	for (size_t i = 0; i < sizeof cacheable / sizeof *cacheable; i++) {
		if (strcmp(cacheable[i].method, r->method->name) != 0)
			continue;
		if (!json_object_get(result, "ttlMs"))
			rc |= json_object_set_new(result, "ttlMs",
						  json_integer(cacheable[i].ttl_ms));
		/* What needs a token is not for caches that serve anybody. */
		if (!json_object_get(result, "cacheScope") || pooled_user(r->pooled))
			rc |= json_object_set_new(result, "cacheScope", json_string("private"));
	}
	return rc == 0 ? 0 : ERR_NOMEM;
}

static json_t *shape_result(struct reqstates *rs, const struct mreq *r, json_t *result)
{
	json_t *copy = json_is_object(result) ? jsonrpc_copy(result) : json_object();
	const char *type = json_string_value(json_object_get(copy, "resultType"));
	const struct reqstate_bound to = modern_bound(r);
	int rc = 0;

	if (!type || strcmp(type, "complete") == 0)
		rc = add_caching(r, copy);
	else if (strcmp(type, "input_required") == 0 && !reqstate_seal(rs, &to, copy))
		rc = ERR_NOMEM;
	if (rc == 0 && modern_stamp(copy, "complete") == 0)
		return copy;
	json_decref(copy);
	return NULL;
}

json_t *modern_response(struct reqstates *rs, const struct mreq *r, const struct answer *answer,
			int *status_r)
{
	*status_r = 200;
	if (answer->kind == ANSWER_RESULT) {
		json_t *result = shape_result(rs, r, answer->result);

		return result ? jsonrpc_result(r->id, result)
			      : jsonrpc_error(r->id, RPC_INTERNAL_ERROR, "out of memory", NULL);
	}
	if (answer->kind == ANSWER_CANCELLED) {
		*status_r = 503;
		return jsonrpc_error(r->id, RPC_INTERNAL_ERROR, answer->message, NULL);
	}
	if (answer->code == RPC_METHOD_NOT_FOUND)
		*status_r = 404;
	if (answer->code == RPC_MISSING_CAPABILITY)
		*status_r = 400;
	return jsonrpc_error(r->id, answer->code, answer->message, json_incref(answer->data));
}

/* Whether KEY of _meta is for the server of the request; the rest of the envelope is of this hop.
 */
static bool is_passed_on(const char *key)
{
	return strncmp(key, META_PREFIX, sizeof META_PREFIX - 1) != 0 ||
	       strcmp(key, META_LOG_LEVEL) == 0;
}

/* Puts what is passed on of META into PARAMS. */
static int strip_meta(json_t *params, json_t *meta)
{
	json_t *copy = NULL, *value;
	const char *key;
	int rc = 0;

	json_object_foreach (meta, key, value) {
		if (!is_passed_on(key))
			continue;
		if (!copy)
			copy = json_object();
		rc |= json_object_set_nocheck(copy, key, value);
	}
	if (copy && rc == 0)
		rc = json_object_set_nocheck(params, "_meta", copy);
	json_decref(copy);
	return rc;
}

json_t *modern_strip(json_t *params, json_t *state)
{
	json_t *copy = json_object(), *value;
	const char *key;
	int rc = strip_meta(copy, json_object_get(params, "_meta"));

	json_object_foreach (params, key, value) {
		if (strcmp(key, "_meta") != 0 && strcmp(key, "requestState") != 0)
			rc |= json_object_set_nocheck(copy, key, value);
	}
	if (state)
		rc |= json_object_set_nocheck(copy, "requestState", state);
	if (rc == 0)
		return copy;
	json_decref(copy);
	return NULL;
}
