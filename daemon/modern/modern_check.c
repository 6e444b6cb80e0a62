/* SPDX-License-Identifier: ISC */
/* modern_check.c: the ladder of checks for a modern request, first failure wins. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/view.h"
#include "base/share.h"
#include "http/exchange.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "mcp/catalog.h"
#include "mcp/message.h"
#include "mcp/xheader.h"
#include "modern/modern_impl.h"
#include "text/headervalue.h"

void modern_refuse(struct exchange *x, int status, json_t *id, int code, json_t *data_take,
		   const char *fmt, ...)
{
	char text[400];
	json_t *msg;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	msg = jsonrpc_error(id, code, text, data_take);
	exchange_reply_json(x, status, msg);
	json_decref(msg);
}

void modern_refuse_limit(struct exchange *x, const struct share *share, json_t *id,
			 const struct err *e)
{
	bool full = e->code != ERR_LIMIT || share_full(share);

	exchange_set_header(x, "Retry-After", full ? "1" : "10");
	modern_refuse(x, full ? 503 : 429, id, RPC_INTERNAL_ERROR, NULL, "%s", e->text);
}

/* Compares header NAME with WANTED. REQUIRED: it must be there. False: X was answered. */
static bool check_header(struct exchange *x, json_t *id, const char *name, const char *wanted,
			 bool required)
{
	const char *value = exchange_header(x, name);

	if (!value && !required)
		return true;
	if (value && strcmp(value, wanted) == 0 && exchange_header_count(x, name) == 1)
		return true;
	modern_refuse(x, 400, id, RPC_HEADER_MISMATCH, NULL, "Header mismatch: %s %s", name,
		      value ? "does not say what the body says" : "is missing");
	return false;
}

/* A header that may be encoded against a value of the body. */
static bool check_encoded(struct exchange *x, json_t *id, const char *name, const json_t *wanted)
{
	const char *value = exchange_header(x, name), *why = "does not say what the body says";
	char *text = NULL;
	struct err e;
	bool same = false;

	if (!value || exchange_header_count(x, name) > 1) {
		why = value ? "occurs more than once" : "is missing";
	} else {
		text = headervalue_decode(value, &e);
		same = text && headervalue_equal(text, wanted);
		if (!text)
			why = e.text;
	}
	free(text);
	if (!same)
		modern_refuse(x, 400, id, RPC_HEADER_MISMATCH, NULL, "Header mismatch: %s: %s",
			      name, why);
	return same;
}

struct param_check {
	struct exchange *x;
	json_t *id;
};

static int check_param(const char *header, const json_t *value, void *arg)
{
	struct param_check *c = arg;
	char name[160];

	if (!value || json_is_null(value))
		return 0;
	snprintf(name, sizeof name, "Mcp-Param-%s", header);
	return check_encoded(c->x, c->id, name, value) ? 0 : -1;
}

/* Mcp-Param-* of a tool whose schema asks for it. */
static bool check_params(struct exchange *x, struct view *view, const struct mcheck *c)
{
	const struct catalog *cat = view_catalog(view, MCP_REV_NEWEST);
	const char *name = json_string_value(json_object_get(c->params, "name"));
	const json_t *tool = cat && name ? catalog_entry(cat, OFFER_TOOLS, name) : NULL;
	const json_t *schema = json_object_get(tool, "inputSchema");
	struct param_check pc = {.x = x, .id = c->id};
	json_t *arguments = NULL;
	struct err e;

	if (!schema || strcmp(c->method->name, "tools/call") != 0 || !xheader_wanted(schema))
		return true;
	if (c->arguments && !(arguments = jsontext_strict_tree(c->arguments, &e))) {
		modern_refuse(x, 400, c->id, RPC_INVALID_PARAMS, NULL,
			      "Invalid params: arguments: %s", e.text);
		return false;
	}
	return xheader_each(schema, arguments, check_param, &pc) == 0;
}

static bool check_version(struct exchange *x, struct mcheck *c)
{
	if (era_is_supported(c->env.version, &c->rev))
		return true;
	modern_refuse(
		x, 400, c->id, RPC_UNSUPPORTED_VERSION,
		json_pack("{s:o, s:s}", "supported", era_supported(), "requested", c->env.version),
		"Unsupported protocol version: %.100s", c->env.version);
	return false;
}

/* Mcp-Name repeats a parameter of some methods. Where the body lacks it, the method will say so. */
static bool check_name(struct exchange *x, const struct mcheck *c)
{
	const json_t *value =
		c->method && c->method->named ? json_object_get(c->params, c->method->named) : NULL;

	return !json_is_string(value) || check_encoded(x, c->id, "Mcp-Name", value);
}

bool modern_check(struct exchange *x, struct view *view, const struct message *msg,
		  struct mcheck *c, bool *listen)
{
	const char *method = json_string_value(msg->method);
	struct err e;

	c->id = msg->id;
	c->params = msg->params;
	c->arguments = msg->arguments;
	c->view = view;
	if (envelope_parse(c->params, &c->env, &e) < 0) {
		modern_refuse(x, 400, c->id, RPC_INVALID_PARAMS, NULL, "Invalid params: %s",
			      e.text);
		return false;
	}
	*listen = strcmp(method, "subscriptions/listen") == 0;
	c->method = method_find(method, MCP_REV_2026_07_28);
	if (c->method && !(c->method->eras & METHOD_MODERN))
		c->method = NULL;
	if (!check_header(x, c->id, "MCP-Protocol-Version", c->env.version, false) ||
	    !check_header(x, c->id, "Mcp-Method", method, false) || !check_version(x, c) ||
	    !check_header(x, c->id, "MCP-Protocol-Version", c->env.version, true) ||
	    !check_header(x, c->id, "Mcp-Method", method, true) || !check_name(x, c))
		return false;
	if (!c->method && !*listen) {
		modern_refuse(x, 404, c->id, RPC_METHOD_NOT_FOUND, NULL, "Method not found: %.100s",
			      method);
		return false;
	}
	return *listen || check_params(x, view, c);
}
