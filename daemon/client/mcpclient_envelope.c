/* SPDX-License-Identifier: ISC */
/* mcpclient_envelope.c: the sender in the _meta of each request of 2026-07-28: version,
 * capabilities, name. */
#include "autoconf.h"

#include <stdlib.h>
#include <string.h>

#include "client/mcpclient_dialect.h"
#include "lib/jsonrpc.h"
#include "mcp/era.h"
#include "mcp/offer.h"

static void copy_member(json_t *to, const json_t *from, const char *key)
{
	json_t *value = json_object_get(from, key);

	if (json_is_object(value))
		json_object_set(to, key, value);
}

/* "elicitation": {} means forms alone. What a revision does not have, its clients cannot do. */
static void add_elicitation(json_t *caps, const json_t *all, enum mcp_rev rev)
{
	const json_t *from = json_object_get(all, "elicitation");
	json_t *to;

	if (!json_is_object(from) || rev < MCP_REV_2025_06_18)
		return;
	to = json_object();
	copy_member(to, from, "form");
	if (rev >= MCP_REV_2025_11_25)
		copy_member(to, from, "url");
	if (json_object_size(to) == 0)
		json_object_set_new(to, "form", json_object());
	json_object_set_new(caps, "elicitation", to);
}

static void add_sampling(json_t *caps, const json_t *all, enum mcp_rev rev)
{
	const json_t *from = json_object_get(all, "sampling");
	json_t *to;

	if (!json_is_object(from))
		return;
	to = json_object();
	if (rev >= MCP_REV_2025_11_25) {
		copy_member(to, from, "context");
		copy_member(to, from, "tools");
	}
	json_object_set_new(caps, "sampling", to);
}

static json_t *normalised(const char *text, enum mcp_rev rev)
{
	json_t *all = json_loads(text, 0, NULL), *caps = json_object();

	add_elicitation(caps, all, rev);
	add_sampling(caps, all, rev);
	if (json_is_object(json_object_get(all, "roots")))
		json_object_set_new(caps, "roots", json_object()); /* no listChanged any more */
	/* Of the extensions this is the one that mcpd knows how to relay. */
	if (!mcp_rev_is_legacy(rev) &&
	    json_object_get(json_object_get(all, "extensions"), EXTENSION_TASKS))
		json_object_set_new(caps, "extensions", json_pack("{s:{}}", EXTENSION_TASKS));
	json_decref(all);
	return caps;
}

json_t *mcpclient_caller_capabilities(struct mcpclient *m, const struct caller *caller)
{
	if (m->caps_text && m->caps_rev == caller->rev &&
	    strcmp(m->caps_text, caller->capabilities) == 0)
		return m->caps;
	free(m->caps_text);
	json_decref(m->caps);
	m->caps_text = strdup(caller->capabilities);
	m->caps_rev = caller->rev;
	m->caps = normalised(caller->capabilities, caller->rev);
	if (!m->caps) {
		free(m->caps_text);
		m->caps_text = NULL;
	}
	return m->caps;
}

int mcpclient_add_envelope(struct mcpclient *m, json_t *meta, json_t *caps, json_t *info_take)
{
	enum mcp_rev rev = m->state == MCPCLIENT_READY ? m->rev : MCP_REV_2026_07_28;
	int rc = json_object_set_new(meta, META_VERSION, json_string(mcp_rev_name(rev)));

	rc |= json_object_set(meta, META_CLIENT_CAPS, caps);
	rc |= json_object_set_new(meta, META_CLIENT_INFO, info_take);
	return rc == 0 ? 0 : ERR_NOMEM;
}

json_t *mcpclient_enveloped(struct mcpclient *m, json_t *params)
{
	json_t *meta = json_object();

	if (mcpclient_add_envelope(m, meta, m->capabilities, json_incref(m->client_info)) == 0)
		return jsonrpc_with(params, "_meta", meta);
	json_decref(meta);
	return NULL;
}
