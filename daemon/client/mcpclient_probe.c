/* Which era a server belongs to (2026-07-28, Discovery and "Backward Compatibility"): it gets
 * server/discover, and every answer says something. */
#include "autoconf.h"

#include <string.h>

#include "client/mcpclient_dialect.h"
#include "lib/jsonrpc.h"
#include "mcp/era.h"

void mcpclient_probe_fini(struct mcpclient *m)
{
	delayq_remove(m->silence, &m->silent);
}

/* It is, or may be, one of the older servers. */
static void fall_back(struct mcpclient *m)
{
	mcpclient_probe_fini(m);
	if (m->refused.code != 0)
		mcpclient_no_handshake(m, "%s", m->refused.text);
	else if (!m->initializing)
		mcpclient_initialize(m);
}

void mcpclient_on_silence(struct delayq_node *node, void *arg)
{
	(void)node;
	fall_back(arg);
}

void mcpclient_initialize_refused(struct mcpclient *m, const struct err *e)
{
	/* A modern server that took its time refuses what it got after server/discover, and may
	 * answer in any order. */
	if (m->discovering)
		m->refused = *e;
	else
		mcpclient_no_handshake(m, "%s", e->text);
}

/* ---- what an answer says ---- */

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
	mcpclient_no_handshake(m,
			       "the server supports none of the protocol versions spoken here: %s",
			       names != NULL ? names : "?");
	free(names);
}

static void on_result(struct mcpclient *m, json_t *result)
{
	const json_t *supported = json_object_get(result, "supportedVersions");
	enum mcp_rev rev;

	if (has_rev(supported, false, &rev))
		mcpclient_introduced(m, &mcpclient_modern, rev, result);
	else if (json_is_array(supported))
		choose_older(m, supported);
	else if (m->era == MCPCLIENT_ERA_PROBE)
		fall_back(m); /* some answer anything they do not know with an empty result */
	else
		mcpclient_no_handshake(m, "server/discover was answered without supportedVersions");
}

static void on_error(struct mcpclient *m, const struct mcpclient_reply *r)
{
	const json_t *supported = json_object_get(r->data, "supported");

	if (r->code == MCPCLIENT_CODE_FAILED)
		mcpclient_no_handshake(m, "%s", r->message);
	else if (r->code == RPC_UNSUPPORTED_VERSION && json_is_array(supported))
		choose_older(m, supported);
	else if (r->code == RPC_HEADER_MISMATCH || r->code == RPC_MISSING_CAPABILITY ||
		 r->code == RPC_UNSUPPORTED_VERSION || m->era != MCPCLIENT_ERA_PROBE)
		mcpclient_no_handshake(m, "server/discover was refused: %s (%d)", r->message,
				       r->code);
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
		mcpclient_no_handshake(m, "%s", r->message);
}

void mcpclient_discover(struct mcpclient *m)
{
	json_t *params = mcpclient_enveloped(m, NULL);

	if (!params) {
		mcpclient_no_handshake(m, "out of memory");
		return;
	}
	m->discovering = true;
	if (m->era == MCPCLIENT_ERA_PROBE)
		delayq_add(m->silence, &m->silent);
	mcpclient_ask(m, "server/discover", params, on_discover, NULL, true);
}
