/* SPDX-License-Identifier: ISC */
#include "mcp/era.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/jsonrpc.h"

/* The first modern revision; later names compare greater, and so does nonsense like "v999". */
#define FIRST_MODERN "2026-07-28"

static void refuse(struct era_verdict *v, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void refuse(struct era_verdict *v, int code, const char *fmt, ...)
{
	va_list ap;

	v->era = ERA_REFUSED;
	v->code = code;
	va_start(ap, fmt);
	vsnprintf(v->text, sizeof v->text, fmt, ap);
	va_end(ap);
}

static json_t *claim_of(const json_t *msg)
{
	return json_object_get(json_object_get(json_object_get(msg, "params"), "_meta"),
			       META_VERSION);
}

static bool is_modern_name(const char *version)
{
	return version && strcmp(version, FIRST_MODERN) >= 0;
}

static void classify_array(json_t *body, struct era_verdict *v)
{
	size_t i;
	json_t *msg;

	v->era = ERA_LEGACY;
	json_array_foreach (body, i, msg) {
		if (claim_of(msg))
			refuse(v, RPC_INVALID_REQUEST, "Invalid Request: %s has no batches",
			       FIRST_MODERN);
	}
}

static void classify_request(json_t *body, const char *version, struct era_verdict *v)
{
	const char *method = json_string_value(json_object_get(body, "method"));
	json_t *claim = claim_of(body);
	struct envelope env;

	if (strcmp(method, "initialize") == 0 &&
	    !(envelope_parse(json_object_get(body, "params"), &env, NULL) == 0 &&
	      is_modern_name(env.version))) {
		if (is_modern_name(version))
			refuse(v, RPC_HEADER_MISMATCH,
			       "Header mismatch: MCP-Protocol-Version names a revision without "
			       "initialize");
		else
			v->era = ERA_LEGACY;
	} else if (claim) {
		v->era = ERA_MODERN_REQUEST;
	} else if (is_modern_name(version)) {
		refuse(v, RPC_INVALID_PARAMS,
		       "Invalid params: _meta lacks " META_VERSION " and " META_CLIENT_CAPS);
	} else {
		v->era = ERA_LEGACY;
	}
}

static void classify_notification(json_t *body, const char *version, const char *header_method,
				  struct era_verdict *v)
{
	const char *method = json_string_value(json_object_get(body, "method"));
	json_t *claim = claim_of(body);

	if (!claim && !is_modern_name(version)) {
		v->era = ERA_LEGACY;
		return;
	}
	v->era = ERA_MODERN_NOTIFICATION;
	if (claim && !json_is_string(claim))
		refuse(v, RPC_INVALID_PARAMS, "Invalid params: " META_VERSION " must be a string");
	else if (claim && version && strcmp(version, json_string_value(claim)) != 0)
		refuse(v, RPC_HEADER_MISMATCH,
		       "Header mismatch: MCP-Protocol-Version and the body name different "
		       "revisions");
	else if (header_method && strcmp(header_method, method) != 0)
		refuse(v, RPC_HEADER_MISMATCH,
		       "Header mismatch: Mcp-Method and the body name different methods");
}

void era_classify(json_t *body, const char *version, const char *method, struct era_verdict *v)
{
	enum jsonrpc_kind kind;
	struct err e;

	memset(v, 0, sizeof *v);
	if (json_is_array(body)) {
		classify_array(body, v);
		return;
	}
	if (jsonrpc_classify(body, &kind, &e) < 0) {
		refuse(v, RPC_INVALID_REQUEST, "Invalid Request: %.160s", e.text);
		return;
	}
	switch (kind) {
	case JSONRPC_REQUEST:
		classify_request(body, version, v);
		return;
	case JSONRPC_NOTIFICATION:
		classify_notification(body, version, method, v);
		return;
	case JSONRPC_RESULT:
	case JSONRPC_ERROR:
		v->era = ERA_LEGACY; /* modern clients never post responses */
		return;
	}
}

static int check_client_info(json_t *info, struct err *e)
{
	if (info && (!json_is_object(info) || !json_is_string(json_object_get(info, "name")) ||
		     !json_is_string(json_object_get(info, "version"))))
		return err_set(e, ERR_INVALID,
			       META_CLIENT_INFO " must be an object with name and version");
	return 0;
}

int envelope_parse(json_t *params, struct envelope *env_r, struct err *e)
{
	json_t *meta = json_object_get(params, "_meta");
	json_t *level = json_object_get(meta, META_LOG_LEVEL);
	json_t *token = json_object_get(meta, "progressToken");

	env_r->version = json_string_value(json_object_get(meta, META_VERSION));
	env_r->capabilities = json_object_get(meta, META_CLIENT_CAPS);
	env_r->client_info = json_object_get(meta, META_CLIENT_INFO);
	env_r->log_level = level ? mcp_log_level_parse(json_string_value(level)) : -1;
	if (!env_r->version)
		return err_set(e, ERR_INVALID, "_meta lacks " META_VERSION " (a string)");
	if (!json_is_object(env_r->capabilities))
		return err_set(e, ERR_INVALID, "_meta lacks " META_CLIENT_CAPS " (an object)");
	if (level && env_r->log_level < 0)
		return err_set(e, ERR_INVALID, META_LOG_LEVEL " is not a log level");
	if (token && !json_is_string(token) && !json_is_integer(token))
		return err_set(e, ERR_INVALID, "progressToken must be a string or an integer");
	return check_client_info(env_r->client_info, e);
}

json_t *era_supported(void)
{
	return json_pack("[s]", FIRST_MODERN);
}

bool era_is_supported(const char *version, enum mcp_rev *rev_r)
{
	return mcp_rev_parse(version, rev_r) && !mcp_rev_is_legacy(*rev_r);
}
