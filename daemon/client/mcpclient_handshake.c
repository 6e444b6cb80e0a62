/* SPDX-License-Identifier: ISC */
/* mcpclient_handshake.c: finds the era of a server by server/discover (2026-07-28, Discovery and
 * "Backward Compatibility"), sends initialize to a legacy one, and keeps the server's description.
 */
#include "autoconf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mask.h"
#include "client/mcpclient_dialect.h"
#include "lib/jsonrpc.h"
#include "mcp/era.h"
#include "mcp/names.h"

void mcpclient_probe_fini(struct mcpclient *m)
{
	delayq_remove(m->silence, &m->silent);
}

/* There will be no handshake. */
static void no_handshake(struct mcpclient *m, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void no_handshake(struct mcpclient *m, const char *fmt, ...)
{
	struct err why = {.code = ERR_PROTOCOL};
	va_list ap;
	int len;

	if (m->state == MCPCLIENT_CLOSED)
		return;
	va_start(ap, fmt);
	len = vsnprintf(why.text, sizeof why.text, fmt, ap);
	va_end(ap);
	mask_here(m->mask, why.text, len >= (int)sizeof why.text);
	m->events->on_failed(m, &why, m->arg);
}

/* Takes over what the server said of itself. */
static int introduce(struct mcpclient *m, json_t *result)
{
	json_t *caps = json_object_get(result, "capabilities");
	json_t *info = json_object_get(result, "serverInfo");
	const char *text = json_string_value(json_object_get(result, "instructions"));

	if (!info)
		info = json_object_get(json_object_get(result, "_meta"), META_SERVER_INFO);
	m->server_capabilities = json_is_object(caps) ? json_incref(caps) : json_object();
	m->server_info = json_is_object(info) ? json_incref(info) : NULL;
	m->instructions = text ? strdup(text) : NULL;
	return m->server_capabilities && (!text || m->instructions) ? 0 : ERR_NOMEM;
}

/* The handshake is over: RESULT (of initialize or server/discover) is what the server says of
 * itself, in the era of DIALECT and revision REV. */
static void introduced(struct mcpclient *m, const struct mcpclient_dialect *dialect,
		       enum mcp_rev rev, json_t *result)
{
	struct pending *p;

	if (introduce(m, result) < 0) {
		no_handshake(m, "out of memory");
		return;
	}
	m->dialect = dialect;
	m->rev = rev;
	mcpclient_probe_fini(m);
	if (mcp_rev_is_legacy(rev))
		mcpclient_notify(m, "notifications/initialized", NULL);
	m->state = MCPCLIENT_READY;
	if (dialect->start)
		dialect->start(m);
	if (m->state != MCPCLIENT_READY)
		return;
	m->events->on_ready(m, m->arg);
	while (m->state == MCPCLIENT_READY && (p = TAILQ_FIRST(&m->queued)))
		mcpclient_retry(p);
}

/* The server refused initialize: E, while server/discover may still be answered. */
static void initialize_refused(struct mcpclient *m, const struct err *e)
{
	/* A modern server that took its time refuses what it got after server/discover, and may
	 * answer in any order. */
	if (m->discovering)
		m->refused = *e;
	else
		no_handshake(m, "%s", e->text);
}

/* ---- initialize (Lifecycle, "Initialization") ---- */

static void refused(struct mcpclient *m, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void refused(struct mcpclient *m, const char *fmt, ...)
{
	struct err e = {.code = ERR_PROTOCOL};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e.text, sizeof e.text, fmt, ap);
	va_end(ap);
	initialize_refused(m, &e);
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
		introduced(m, m->parts->legacy, rev, r->result);
}

void mcpclient_initialize(struct mcpclient *m)
{
	json_t *params =
		json_pack("{s:s,s:O,s:O}", "protocolVersion", mcp_rev_name(MCP_REV_LEGACY_NEWEST),
			  "capabilities", m->capabilities, "clientInfo", m->client_info);

	m->initializing = true;
	mcpclient_ask(m, "initialize", params, on_initialize, NULL, true);
}

/* ---- which era ---- */

/* The server is, or may be, one of the older ones. */
static void fall_back(struct mcpclient *m)
{
	mcpclient_probe_fini(m);
	if (m->refused.code != 0)
		no_handshake(m, "%s", m->refused.text);
	else if (!m->initializing)
		mcpclient_initialize(m);
}

void mcpclient_on_silence(struct delayq_node *node, void *arg)
{
	(void)node;
	fall_back(arg);
}

/* ---- what an answer to server/discover says ---- */

/* Whether LIST, which a server says it supports, has a revision of WANTED's era that is known here.
 */
static bool has_rev(const json_t *list, bool legacy, enum mcp_rev *rev_r)
{
	const json_t *one;
	enum mcp_rev rev;
	bool found = false;
	size_t i;

	json_array_foreach (list, i, one)
		if (json_is_string(one) && mcp_rev_parse(json_string_value(one), &rev) &&
		    mcp_rev_is_legacy(rev) == legacy && (!found || rev > *rev_r)) {
			found = true;
			*rev_r = rev;
		}
	return found;
}

/* A server that names its revisions, and none of them is MCP_REV_2026_07_28. */
static void choose_older(struct mcpclient *m, const json_t *supported)
{
	enum mcp_rev rev;
	char *names;

	if (has_rev(supported, true, &rev) && m->era == MCPCLIENT_ERA_PROBE) {
		fall_back(m);
		return;
	}
	names = json_dumps(supported, JSON_COMPACT | JSON_ENCODE_ANY);
	no_handshake(m, "the server supports none of the protocol versions spoken here: %s",
		     names != NULL ? names : "?");
	free(names);
}

static void on_result(struct mcpclient *m, json_t *result)
{
	const json_t *supported = json_object_get(result, "supportedVersions");
	enum mcp_rev rev;

	if (has_rev(supported, false, &rev))
		introduced(m, m->parts->modern, rev, result);
	else if (json_is_array(supported))
		choose_older(m, supported);
	else if (m->era == MCPCLIENT_ERA_PROBE)
		fall_back(m); /* some answer anything they do not know with an empty result */
	else
		no_handshake(m, "server/discover was answered without supportedVersions");
}

static void on_error(struct mcpclient *m, const struct mcpclient_reply *r)
{
	const json_t *supported = json_object_get(r->data, "supported");

	if (r->code == MCPCLIENT_CODE_FAILED)
		no_handshake(m, "%s", r->message);
	else if (r->code == RPC_UNSUPPORTED_VERSION && json_is_array(supported))
		choose_older(m, supported);
	else if (r->code == RPC_HEADER_MISMATCH || r->code == RPC_MISSING_CAPABILITY ||
		 r->code == RPC_UNSUPPORTED_VERSION || m->era != MCPCLIENT_ERA_PROBE)
		no_handshake(m, "server/discover was refused: %s (%d)", r->message, r->code);
	else
		fall_back(m);
}

static void on_discover(struct mcpclient *m, const struct mcpclient_reply *r, void *arg)
{
	(void)arg;
	m->discovering = false;
	if (m->state != MCPCLIENT_STARTING)
		return; /* closed, or initialize was answered first */
	if (r->result)
		on_result(m, r->result);
	else if (r->code != 0)
		on_error(m, r);
	else if (m->era == MCPCLIENT_ERA_PROBE && m->silence_ms > 0)
		fall_back(m); /* it was not answered, as it goes with an old server */
	else
		no_handshake(m, "%s", r->message);
}

void mcpclient_discover(struct mcpclient *m)
{
	json_t *params = mcpclient_enveloped(m, NULL);

	if (!params) {
		no_handshake(m, "out of memory");
		return;
	}
	m->discovering = true;
	if (m->era == MCPCLIENT_ERA_PROBE)
		delayq_add(m->silence, &m->silent);
	mcpclient_ask(m, "server/discover", params, on_discover, NULL, true);
}
