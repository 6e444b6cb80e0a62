/* How the revisions up to 2025-11-25 put it: the handshake, and what is left out of a request of a
 * client of 2026-07-28. */
#include "autoconf.h"

#include <string.h>

#include "client/mcpclient_dialect.h"
#include "lib/jsonrpc.h"
#include "mcp/era.h"
#include "mcp/names.h"

/* ---- the handshake (Lifecycle, "Initialization") ---- */

static void refused(struct mcpclient *m, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void refused(struct mcpclient *m, const char *fmt, ...)
{
	struct err e = {.code = ERR_PROTOCOL};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e.text, sizeof e.text, fmt, ap);
	va_end(ap);
	mcpclient_initialize_refused(m, &e);
}

static void on_initialize(struct mcpclient *m, const struct mcpclient_reply *r, void *arg)
{
	const char *version = json_string_value(json_object_get(r->result, "protocolVersion"));
	enum mcp_rev rev;

	(void)arg;
	m->initializing = false;
	if (m->state != MCPCLIENT_STARTING)
		return; /* closed, or the server turned out to be a modern one meanwhile */
	if (!r->result && r->code != 0)
		refused(m, "initialize was refused: %s (%d)", r->message, r->code);
	else if (!r->result)
		refused(m, "%s", r->message);
	else if (!version || names_has_nul(json_object_get(r->result, "protocolVersion")) ||
		 !mcp_rev_parse(version, &rev) || !mcp_rev_is_legacy(rev))
		refused(m, "initialize was answered with protocol version \"%s\"",
			version != NULL ? version : "");
	else
		mcpclient_introduced(m, &mcpclient_legacy, rev, r->result);
}

void mcpclient_initialize(struct mcpclient *m)
{
	json_t *params =
		json_pack("{s:s,s:O,s:O}", "protocolVersion", mcp_rev_name(MCP_REV_LEGACY_NEWEST),
			  "capabilities", m->capabilities, "clientInfo", m->client_info);

	m->initializing = true;
	mcpclient_ask(m, "initialize", params, on_initialize, NULL, true);
}

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
	json_t *copy, *meta;
	const char *key;
	json_t *value;
	void *next;

	if (!has_modern(params))
		return json_incref(params);
	copy = json_copy(params);
	meta = json_copy(json_object_get(params, "_meta"));
	json_object_del(copy, "inputResponses");
	json_object_del(copy, "requestState");
	json_object_foreach_safe (meta, next, key, value)
		if (strncmp(key, META_PREFIX, sizeof META_PREFIX - 1) == 0)
			json_object_del(meta, key);
	if (json_object_size(meta) == 0)
		json_object_del(copy, "_meta");
	else if (json_object_set(copy, "_meta", meta) < 0)
		json_object_clear(
			copy); /* no memory; the server will say that something is missing */
	json_decref(meta);
	return copy;
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

static void legacy_on_result(struct pending *p, json_t *result)
{
	json_object_del(result, "resultType"); /* it is not theirs to say */
	mcpclient_done(p, json_incref(result));
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
