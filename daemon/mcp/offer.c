/* SPDX-License-Identifier: ISC */
#include "mcp/offer.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *method, *member, *key, *capability, *changed;
} kinds[OFFER_KINDS] = {
	[OFFER_TOOLS] = {"tools/list", "tools", "name", "tools",
			 "notifications/tools/list_changed"},
	[OFFER_PROMPTS] = {"prompts/list", "prompts", "name", "prompts",
			   "notifications/prompts/list_changed"},
	[OFFER_RESOURCES] = {"resources/list", "resources", "uri", "resources",
			     "notifications/resources/list_changed"},
	[OFFER_TEMPLATES] = {"resources/templates/list", "resourceTemplates", "uriTemplate",
			     "resources", "notifications/resources/list_changed"},
};

struct offer *offer_new(enum mcp_rev rev)
{
	struct offer *o = calloc(1, sizeof *o);
	bool whole;

	if (!o)
		return NULL;
	o->refs = 1;
	o->rev = rev;
	o->capabilities = json_object();
	whole = o->capabilities;
	for (int k = 0; k < OFFER_KINDS; k++) {
		o->lists[k] = json_array();
		whole = whole && o->lists[k];
	}
	if (!whole)
		offer_unref(&o);
	return o;
}

struct offer *offer_ref(struct offer *o)
{
	o->refs++;
	return o;
}

void offer_unref(struct offer **o)
{
	struct offer *gone = *o;

	*o = NULL;
	if (!gone || --gone->refs > 0)
		return;
	for (int k = 0; k < OFFER_KINDS; k++)
		json_decref(gone->lists[k]);
	json_decref(gone->capabilities);
	json_decref(gone->server_info);
	free(gone->instructions);
	free(gone);
}

struct offer *offer_with(const struct offer *o, enum offer_kind kind, json_t *list_take)
{
	struct offer *copy = calloc(1, sizeof *copy);

	if (!copy || !list_take)
		goto fail;
	copy->refs = 1;
	copy->rev = o->rev;
	if (o->instructions && !(copy->instructions = strdup(o->instructions)))
		goto fail;
	/* The values are as immutable as the offer itself, so they can be shared. */
	for (int k = 0; k < OFFER_KINDS; k++)
		copy->lists[k] = k == (int)kind ? list_take : json_incref(o->lists[k]);
	copy->capabilities = json_incref(o->capabilities);
	copy->server_info = json_incref(o->server_info);
	return copy;
fail:
	json_decref(list_take);
	free(copy);
	return NULL;
}

bool offer_has_tasks(enum mcp_rev rev, const json_t *capabilities)
{
	const json_t *at = NULL;

	if (rev == MCP_REV_2025_11_25) {
		at = json_object_get(json_object_get(capabilities, "tasks"), "requests");
		at = json_object_get(json_object_get(at, "tools"), "call");
	} else if (rev == MCP_REV_2026_07_28) {
		at = json_object_get(json_object_get(capabilities, "extensions"), EXTENSION_TASKS);
	}
	return json_is_object(at);
}

bool offer_runs_tasks(const struct offer *o)
{
	return offer_has_tasks(o->rev, o->capabilities);
}

const char *offer_list_method(enum offer_kind kind)
{
	return kinds[kind].method;
}

const char *offer_list_member(enum offer_kind kind)
{
	return kinds[kind].member;
}

const char *offer_key(enum offer_kind kind)
{
	return kinds[kind].key;
}

const char *offer_capability(enum offer_kind kind)
{
	return kinds[kind].capability;
}

unsigned offer_changed_kinds(const char *notification_method)
{
	unsigned changed = 0;

	for (unsigned k = 0; k < OFFER_KINDS; k++)
		if (strcmp(notification_method, kinds[k].changed) == 0)
			changed |= 1u << k;
	return changed;
}
