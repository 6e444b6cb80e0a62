/* SPDX-License-Identifier: ISC */
#include "mcp/era.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/jsonrpc.h"
#include "mcp/post.h"

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

static json_t *claim_of(const struct message *msg)
{
	return json_object_get(json_object_get(msg->params, "_meta"), META_VERSION);
}

static bool is_modern_name(const char *version)
{
	return version && strcmp(version, FIRST_MODERN) >= 0;
}

static void classify_batch(const struct post *post, struct era_verdict *v)
{
	v->era = ERA_LEGACY;
	for (size_t i = 0; i < post->n; i++) {
		if (claim_of(&post->messages[i]))
			refuse(v, RPC_INVALID_REQUEST, "Invalid Request: %s has no batches",
			       FIRST_MODERN);
	}
}

static void classify_initialize(const struct message *msg, const char *version,
				struct era_verdict *v)
{
	struct envelope env;

	if (envelope_parse(msg->params, &env, NULL) == 0 && is_modern_name(env.version))
		v->era = ERA_MODERN_REQUEST;
	else if (is_modern_name(version))
		refuse(v, RPC_HEADER_MISMATCH,
		       "Header mismatch: MCP-Protocol-Version names a revision without initialize");
	else
		v->era = ERA_LEGACY;
}

static void classify_request(const struct message *msg, const char *version, const char *method,
			     struct era_verdict *v)
{
	(void)method;
	if (message_is(msg, "initialize"))
		classify_initialize(msg, version, v);
	else if (claim_of(msg))
		v->era = ERA_MODERN_REQUEST;
	else if (is_modern_name(version))
		refuse(v, RPC_INVALID_PARAMS,
		       "Invalid params: _meta lacks " META_VERSION " and " META_CLIENT_CAPS);
	else
		v->era = ERA_LEGACY;
}

static void classify_notification(const struct message *msg, const char *version,
				  const char *header_method, struct era_verdict *v)
{
	json_t *claim = claim_of(msg);

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
	else if (header_method && !message_is(msg, header_method))
		refuse(v, RPC_HEADER_MISMATCH,
		       "Header mismatch: Mcp-Method and the body name different methods");
}

/* Modern clients never post responses. */
static void classify_response(const struct message *msg, const char *version, const char *method,
			      struct era_verdict *v)
{
	(void)msg, (void)version, (void)method;
	v->era = ERA_LEGACY;
}

void era_classify(const struct post *post, const char *version, const char *method,
		  struct era_verdict *v)
{
	static void (*const kinds[])(const struct message *, const char *, const char *,
				     struct era_verdict *) = {
		[JSONRPC_REQUEST] = classify_request,
		[JSONRPC_NOTIFICATION] = classify_notification,
		[JSONRPC_RESULT] = classify_response,
		[JSONRPC_ERROR] = classify_response,
	};

	memset(v, 0, sizeof *v);
	if (post->batch)
		classify_batch(post, v);
	else
		kinds[post->messages[0].kind](&post->messages[0], version, method, v);
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
