/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

/* modern_answer.c: makes responses of 2026-07-28 from the answers of servers. */
#include <stdlib.h>
#include <string.h>

#include "http/exchange.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "mcp/message.h"
#include "modern/modern_impl.h"
#include "modern/pool.h"

/* How long a client may keep a list. A client with subscriptions is notified of changes, so this
 * bounds how late one without subscriptions learns of them. */
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

/* The serverInfo of mcpd, made once because every response has it. Borrowed; NULL on lack of
 * memory. */
static json_t *server_info(void)
{
	static json_t *info;

	if (!info)
		info = json_pack("{s:s, s:s}", "name", "mcpd", "version", PACKAGE_VERSION);
	return info;
}

/* META, the _meta of a result (NULL: it has none), with the serverInfo of mcpd: a new reference.
 * NULL on lack of memory, or where META is no object. */
static json_t *with_server_info(const json_t *meta)
{
	return jsonrpc_with(meta, META_SERVER_INFO, json_incref(server_info()));
}

int modern_stamp(json_t *result, const char *type)
{
	json_t *meta = with_server_info(json_object_get(result, "_meta"));
	int rc = 0;

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
		.arguments = r->arguments,
	};
}

/* How long results of METHOD may be kept, in ms; -1: such results have no ttlMs. */
static json_int_t ttl_of(const char *method)
{
	for (size_t i = 0; i < sizeof cacheable / sizeof *cacheable; i++) {
		if (strcmp(cacheable[i].method, method) == 0)
			return cacheable[i].ttl_ms;
	}
	return -1;
}

/* RESULT, which asks the client for input, with its requestState sealed. */
static struct jsontext *shape_asking(struct reqstates *rs, const struct mreq *r,
				     struct jsontext *result)
{
	const struct reqstate_bound to = modern_bound(r);
	json_t *copy = jsonrpc_copy(jsontext_tree(result, NULL));

	if (!copy || !reqstate_seal(rs, &to, copy) || modern_stamp(copy, "complete") < 0) {
		json_decref(copy);
		return NULL;
	}
	return jsontext_of(copy);
}

enum { TYPE, META, TTL, SCOPE, WORDS };
static const char *const words[] = {
	[TYPE] = "resultType", [META] = "_meta", [TTL] = "ttlMs", [SCOPE] = "cacheScope"};

/* with_server_info() for META as text. NULL also where META is over limits.maxTree. */
static struct jsontext *stamped_meta(struct jsontext *meta)
{
	json_t *tree = meta ? jsontext_tree(meta, NULL) : NULL;

	return meta && !tree ? NULL : jsontext_of(with_server_info(tree));
}

/* RESULT, edited as text, with what 2026-07-28 has in every result: resultType and the serverInfo;
 * and with ttlMs and cacheScope, where the results of the method of R have these. A result that
 * needs a token is not for caches that serve other users. FOUND are the members that RESULT has
 * already. */
static struct jsontext *shape_complete(const struct mreq *r, struct jsontext *result,
				       struct jsontext *const *found)
{
	json_int_t ttl = ttl_of(r->method->name);
	bool keeps = ttl >= 0 && (!found[TYPE] || jsontext_is(found[TYPE], "complete"));
	struct jsontext *values[WORDS] = {
		[TYPE] = found[TYPE] ? jsontext_ref(found[TYPE])
				     : jsontext_of(json_string_nocheck("complete")),
		[META] = stamped_meta(found[META]),
		[TTL] = found[TTL] || !keeps ? NULL : jsontext_of(json_integer(ttl)),
		[SCOPE] = keeps && (!found[SCOPE] || pooled_user(r->pooled))
				  ? jsontext_of(json_string("private"))
				  : NULL,
	};
	struct jsonedit edits[WORDS];
	struct jsontext *shaped = NULL;
	size_t n = 0;

	for (size_t i = 0; i < WORDS; i++) {
		if (values[i] && (i != TYPE || !found[TYPE]))
			edits[n++] = (struct jsonedit){words[i], values[i], true};
	}
	if (values[TYPE] && values[META])
		shaped = jsontext_edit(result, edits, n);
	for (size_t i = 0; i < WORDS; i++)
		jsontext_unref(&values[i]);
	return shaped;
}

/* RESULT as 2026-07-28 wants it: a new reference; NULL on lack of memory. */
static struct jsontext *shape_result(struct reqstates *rs, const struct mreq *r,
				     struct jsontext *result)
{
	struct jsontext *found[WORDS], *shaped;

	if (jsontext_find(result, words, WORDS, found) < 0)
		return NULL;
	shaped = jsontext_is(found[TYPE], "input_required") ? shape_asking(rs, r, result)
							    : shape_complete(r, result, found);
	for (size_t i = 0; i < WORDS; i++)
		jsontext_unref(&found[i]);
	return shaped;
}

static struct jsontext *result_response(struct reqstates *rs, const struct mreq *r,
					struct jsontext *result)
{
	struct jsontext *shaped = shape_result(rs, r, result);
	struct jsontext *msg = shaped ? message_result(r->id, shaped) : NULL;

	jsontext_unref(&shaped);
	return msg ? msg
		   : jsontext_of(jsonrpc_error(r->id, RPC_INTERNAL_ERROR, "out of memory", NULL));
}

struct jsontext *modern_response(struct reqstates *rs, const struct mreq *r,
				 const struct answer *answer, int *status_r)
{
	*status_r = 200;
	if (answer->kind == ANSWER_RESULT)
		return result_response(rs, r, answer->result);
	if (answer->kind == ANSWER_CANCELLED) {
		*status_r = 503;
		return jsontext_of(jsonrpc_error(r->id, RPC_INTERNAL_ERROR, answer->message, NULL));
	}
	if (answer->code == RPC_METHOD_NOT_FOUND)
		*status_r = 404;
	if (answer->code == RPC_MISSING_CAPABILITY)
		*status_r = 400;
	return jsontext_of(
		jsonrpc_error(r->id, answer->code, answer->message, json_incref(answer->data)));
}

/* Whether KEY of _meta is for the server of the request; the rest of the envelope is of this hop.
 */
static bool is_passed_on(const char *key)
{
	return strncmp(key, META_PREFIX, sizeof META_PREFIX - 1) != 0 ||
	       strcmp(key, META_LOG_LEVEL) == 0;
}

/* Puts the members of META that are for the server into PARAMS. */
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
