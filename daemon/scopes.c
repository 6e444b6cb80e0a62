/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "scopes.h"

#include <string.h>

#include "auth/auth.h"
#include "backend/backend.h"
#include "backend/view.h"
#include "mcp/catalog.h"
#include "mcp/post.h"

/* Whether the rule for TOOL of BACKEND applies to the tool that VIEW shows as NAME. While the offer
 * of the backend is not known, the names are compared, which may ask for a scope too many but never
 * for one too few. */
static bool is_about(struct view *v, const char *backend, size_t len, const char *tool,
		     const char *name)
{
	const struct catalog *c = view_catalog(v, MCP_REV_NEWEST);
	const char *original;
	size_t source;

	if (c && catalog_find(c, OFFER_TOOLS, name, &source, &original) == 0) {
		const char *own = backend_name(view_backend(v, source));

		return strlen(own) == len && strncmp(own, backend, len) == 0 &&
		       (strcmp(tool, "*") == 0 || strcmp(tool, original) == 0);
	}
	if (!view_prefixed(v))
		return strcmp(tool, "*") == 0 || strcmp(tool, name) == 0;
	/* What was too long or not legal in a name ends in a hash of it. */
	return strncmp(name, backend, len) == 0 && strncmp(name + len, "__", 2) == 0 &&
	       (strcmp(tool, "*") == 0 || strcmp(name + len + 2, tool) == 0 ||
		(strlen(name) > 9 && name[strlen(name) - 9] == '_'));
}

/* Whether VIEW has BACKEND (LEN bytes) in it. */
static bool shows(const struct view *v, const char *backend, size_t len)
{
	for (size_t i = 0; i < view_size(v); i++) {
		const char *name = backend_name(view_backend(v, i));

		if (strlen(name) == len && strncmp(name, backend, len) == 0)
			return true;
	}
	return false;
}

/* Adds what the message MSG takes. */
static void add_for_message(json_t *rules, struct view *v, const struct message *msg,
			    struct auth_needs *needs)
{
	const char *name = json_string_value(json_object_get(msg->params, "name"));
	const char *rule;
	json_t *scopes, *one;
	size_t i;

	if (!name || !message_is(msg, "tools/call"))
		return;
	json_object_foreach (rules, rule, scopes) {
		const char *slash = strchr(rule, '/');
		size_t len = (size_t)(slash - rule);

		if (!shows(v, rule, len) || !is_about(v, rule, len, slash + 1, name))
			continue;
		json_array_foreach (scopes, i, one)
			auth_needs_scope(needs, json_string_value(one));
	}
}

void scopes_of_tools(json_t *rules, struct view *v, const struct post *post,
		     struct auth_needs *needs)
{
	for (size_t i = 0; rules && post && i < post->n; i++)
		add_for_message(rules, v, &post->messages[i], needs);
}
