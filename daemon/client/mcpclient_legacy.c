/* SPDX-License-Identifier: ISC */
/* mcpclient_legacy.c: the dialect of the revisions up to 2025-11-25, with the members that a
 * request of a client of 2026-07-28 loses. */
#include "autoconf.h"

#include <string.h>

#include "client/mcpclient_dialect.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "mcp/era.h"

/* ---- requests and answers ---- */

static bool has_modern(const json_t *params)
{
	json_t *meta = json_object_get(params, "_meta"), *value;
	const char *key;

	json_object_foreach (meta, key, value)
		if (strncmp(key, META_PREFIX, sizeof META_PREFIX - 1) == 0)
			return true;
	return json_object_get(params, "inputResponses") || json_object_get(params, "requestState");
}

/* PARAMS without what only 2026-07-28 knows (a new reference); NULL on lack of memory. */
static json_t *without_modern(json_t *params)
{
	const json_t *given = json_object_get(params, "_meta");
	json_t *copy, *meta, *value;
	const char *key;
	void *next;
	int rc;

	if (!has_modern(params))
		return json_incref(params);
	copy = jsonrpc_copy(params);
	meta = jsonrpc_copy(given);
	rc = copy && (meta || !given) ? 0 : ERR_NOMEM;
	json_object_del(copy, "inputResponses");
	json_object_del(copy, "requestState");
	json_object_foreach_safe (meta, next, key, value)
		if (strncmp(key, META_PREFIX, sizeof META_PREFIX - 1) == 0)
			json_object_del(meta, key);
	if (json_object_size(meta) == 0)
		json_object_del(copy, "_meta");
	else
		rc |= json_object_set(copy, "_meta", meta);
	json_decref(meta);
	if (rc == 0)
		return copy;
	json_decref(copy);
	return NULL;
}

static int legacy_params(const struct pending *p, json_t **params_r)
{
	json_t *params = mcpclient_params(p), *plain = NULL, *token = NULL;

	if (p->call && params && !mcp_rev_is_legacy(call_caller(p->call)->rev)) {
		plain = without_modern(params);
		if (!plain)
			return ERR_NOMEM;
		params = plain;
	}
	if (p->call && call_progress_token(p->call))
		token = json_integer(p->id);
	*params_r = mcpclient_with_token(params, token);
	json_decref(plain);
	return *params_r != NULL || !params ? 0 : ERR_NOMEM;
}

static void legacy_on_result(struct pending *p, struct jsontext *result)
{
	/* The legacy revisions have no member resultType. One that a server adds by itself would be
	 * taken for the real one by a client of 2026-07-28. */
	static const struct jsonedit no_type = {.key = "resultType"};

	mcpclient_done(p, jsontext_edit(result, &no_type, 1));
}

static void legacy_on_error(struct pending *p, int code, const char *text, json_t *data)
{
	mcpclient_error(p, code, json_incref(data), "%s", text);
}

const struct mcpclient_dialect mcpclient_legacy = {
	.params = legacy_params,
	.on_result = legacy_on_result,
	.on_error = legacy_on_error,
	.on_request = mcpclient_on_request,
};
