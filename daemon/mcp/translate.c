/* SPDX-License-Identifier: ISC */
#include "mcp/translate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/jsonrpc.h"
#include "mcp/translate_impl.h"

#define NEWEST MCP_REV_NEWEST

/* Members and the revisions that have them. A member without a row is in all revisions, or not part
 * of MCP, and is kept. (The schema.ts of each revision.) */
static const struct {
	enum thing thing;
	const char *name;
	enum mcp_rev since, until;
} members[] = {
	{THING_TOOL, "annotations", MCP_REV_2025_03_26, NEWEST},
	{THING_TOOL, "title", MCP_REV_2025_06_18, NEWEST},
	{THING_TOOL, "outputSchema", MCP_REV_2025_06_18, NEWEST},
	{THING_TOOL, "_meta", MCP_REV_2025_06_18, NEWEST},
	{THING_TOOL, "icons", MCP_REV_2025_11_25, NEWEST},
	{THING_TOOL, "execution", MCP_REV_2025_11_25, MCP_REV_2025_11_25},
	{THING_PROMPT, "title", MCP_REV_2025_06_18, NEWEST},
	{THING_PROMPT, "_meta", MCP_REV_2025_06_18, NEWEST},
	{THING_PROMPT, "icons", MCP_REV_2025_11_25, NEWEST},
	{THING_ARGUMENT, "title", MCP_REV_2025_06_18, NEWEST},
	{THING_RESOURCE, "size", MCP_REV_2025_03_26, NEWEST},
	{THING_RESOURCE, "title", MCP_REV_2025_06_18, NEWEST},
	{THING_RESOURCE, "_meta", MCP_REV_2025_06_18, NEWEST},
	{THING_RESOURCE, "icons", MCP_REV_2025_11_25, NEWEST},
	{THING_TEMPLATE, "title", MCP_REV_2025_06_18, NEWEST},
	{THING_TEMPLATE, "_meta", MCP_REV_2025_06_18, NEWEST},
	{THING_TEMPLATE, "icons", MCP_REV_2025_11_25, NEWEST},
	{THING_CONTENT, "_meta", MCP_REV_2025_06_18, NEWEST},
	{THING_ANNOTATIONS, "lastModified", MCP_REV_2025_06_18, NEWEST},
	{THING_CONTENTS, "_meta", MCP_REV_2025_06_18, NEWEST},
	{THING_CALL_RESULT, "structuredContent", MCP_REV_2025_06_18, NEWEST},
	{THING_META, "io.modelcontextprotocol/related-task", MCP_REV_2025_11_25,
	 MCP_REV_2025_11_25},
	{THING_CALL_PARAMS, "task", MCP_REV_2025_11_25, MCP_REV_2025_11_25},
	{THING_COMPLETE_PARAMS, "context", MCP_REV_2025_06_18, NEWEST},
	{THING_ELICITATION, "mode", MCP_REV_2025_11_25, NEWEST},
	{THING_ELICITATION, "elicitationId", MCP_REV_2025_11_25, MCP_REV_2025_11_25},
	{THING_ELICITATION, "task", MCP_REV_2025_11_25, MCP_REV_2025_11_25},
	{THING_REQUESTED_SCHEMA, "$schema", MCP_REV_2025_11_25, NEWEST},
	{THING_SAMPLING, "task", MCP_REV_2025_11_25, MCP_REV_2025_11_25},
	{THING_SAMPLING, "toolChoice", MCP_REV_2025_11_25, NEWEST},
	{THING_SAMPLING_MESSAGE, "_meta", MCP_REV_2025_11_25, NEWEST},
	{THING_CAPABILITIES, "elicitation", MCP_REV_2025_06_18, NEWEST},
	{THING_CAPABILITIES, "tasks", MCP_REV_2025_11_25, MCP_REV_2025_11_25},
	{THING_CAPABILITIES, "extensions", MCP_REV_2026_07_28, NEWEST},
	{THING_ELICITATION_CAPABILITY, "form", MCP_REV_2025_11_25, NEWEST},
	{THING_ELICITATION_CAPABILITY, "url", MCP_REV_2025_11_25, NEWEST},
	{THING_SAMPLING_CAPABILITY, "context", MCP_REV_2025_11_25, NEWEST},
	{THING_SAMPLING_CAPABILITY, "tools", MCP_REV_2025_11_25, NEWEST},
};

/* ---- values that are copied when they are changed ---- */

struct cow cow_of(json_t *object)
{
	return (struct cow){.now = json_incref(object)};
}

static bool make_own(struct cow *c)
{
	json_t *copy;

	if (c->own || c->failed)
		return !c->failed;
	copy = jsonrpc_copy(c->now);
	if (!copy) {
		c->failed = true;
		return false;
	}
	json_decref(c->now);
	c->now = copy;
	c->own = true;
	return true;
}

void cow_del(struct cow *c, const char *key)
{
	if (json_object_get(c->now, key) && make_own(c))
		json_object_del(c->now, key);
}

void cow_set(struct cow *c, const char *key, json_t *value_take)
{
	if (!value_take)
		c->failed = true;
	if (make_own(c))
		c->failed = json_object_set_new(c->now, key, value_take) < 0;
	else
		json_decref(value_take);
}

json_t *cow_done(struct cow *c)
{
	if (!c->failed)
		return c->now;
	json_decref(c->now);
	return NULL;
}

void cow_map(struct cow *c, const char *key, translate_fn fn, const void *arg)
{
	json_t *old = json_object_get(c->now, key), *new;

	if (!old)
		return;
	new = fn(old, arg);
	if (new == old)
		json_decref(new);
	else
		cow_set(c, key, new);
}

bool translate_must_wrap(const json_t *schema)
{
	const char *type = json_string_value(json_object_get(schema, "type"));

	return json_is_object(schema) && (!type || strcmp(type, "object") != 0);
}

json_t *translate_each(json_t *array, translate_fn fn, const void *arg)
{
	json_t *copy = NULL, *old;
	size_t i;

	json_array_foreach (array, i, old) {
		json_t *new = fn(old, arg);

		if (new == old) {
			json_decref(new);
			continue;
		}
		if (new && !copy)
			copy = jsonrpc_copy(array);
		if (!new || !copy || json_array_set_new(copy, i, new) < 0) {
			if (new && !copy)
				json_decref(new);
			json_decref(copy);
			return NULL;
		}
	}
	return copy ? copy : json_incref(array);
}

json_t *translate_each_member(json_t *object, translate_fn fn, const void *arg)
{
	struct cow c = cow_of(object);
	const char *key;
	json_t *old;

	json_object_foreach (object, key, old)
		cow_map(&c, key, fn, arg);
	return cow_done(&c);
}

void translate_trim(struct cow *c, enum thing thing, enum mcp_rev rev)
{
	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		if (members[i].thing == thing && (rev < members[i].since || rev > members[i].until))
			cow_del(c, members[i].name);
	}
}

/* ---- content ---- */

static json_t *text_block(const char *text)
{
	return json_pack("{s:s, s:s}", "type", "text", "text", text);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* "Title (uri): description", as far as there is any of it. */
static json_t *link_as_text(const json_t *block)
{
	const char *title = text_of(block, "title"), *about = text_of(block, "description");
	json_t *made;
	char *text;

	if (!title[0])
		title = text_of(block, "name");
	if (asprintf(&text, "%s%s%s%s%s%s", title, title[0] ? " (" : "", text_of(block, "uri"),
		     title[0] ? ")" : "", about[0] ? ": " : "", about) < 0)
		return NULL;
	made = text_block(text);
	free(text);
	return made;
}

static json_t *audio_as_text(const json_t *block)
{
	json_t *made;
	char *text;

	if (asprintf(&text, "[audio (%s), which this client's protocol revision cannot carry]",
		     text_of(block, "mimeType")) < 0)
		return NULL;
	made = text_block(text);
	free(text);
	return made;
}

/* Blocks that came with a revision, and what those before it hear instead. */
static const struct {
	const char *type;
	enum mcp_rev since;
	json_t *(*as_text)(const json_t *block);
} blocks[] = {
	{"audio", MCP_REV_2025_03_26, audio_as_text},
	{"resource_link", MCP_REV_2025_06_18, link_as_text},
};

static json_t *annotations(json_t *value, const void *arg)
{
	const struct translate_pair *pair = arg;
	struct cow c = cow_of(value);

	translate_trim(&c, THING_ANNOTATIONS, pair->to);
	return cow_done(&c);
}

static json_t *contents(json_t *value, const void *arg)
{
	const struct translate_pair *pair = arg;
	struct cow c = cow_of(value);

	translate_trim(&c, THING_CONTENTS, pair->to);
	return cow_done(&c);
}

json_t *translate_content(json_t *block, const void *arg)
{
	const struct translate_pair *pair = arg;
	const char *type = text_of(block, "type");
	struct cow c;

	for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
		if (pair->to < blocks[i].since && strcmp(type, blocks[i].type) == 0)
			return blocks[i].as_text(block);
	}
	c = cow_of(block);
	translate_trim(&c, THING_CONTENT, pair->to);
	if (strcmp(type, "resource_link") == 0)
		translate_trim(&c, THING_RESOURCE, pair->to);
	cow_map(&c, "annotations", annotations, pair);
	cow_map(&c, "resource", contents, pair);
	return cow_done(&c);
}

/* ---- results ---- */

static json_t *meta(json_t *value, const void *arg)
{
	const struct translate_pair *pair = arg;
	struct cow c = cow_of(value);

	translate_trim(&c, THING_META, pair->to);
	return cow_done(&c);
}

void translate_meta(struct cow *c, const struct translate_pair *pair)
{
	bool any = json_object_size(json_object_get(c->now, "_meta")) > 0;

	cow_map(c, "_meta", meta, pair);
	/* Nothing is left of it, and an empty one says nothing. */
	if (any && json_object_size(json_object_get(c->now, "_meta")) == 0)
		cow_del(c, "_meta");
}

static bool has_text(const json_t *content)
{
	const json_t *block;
	size_t i;

	json_array_foreach (content, i, block) {
		if (strcmp(text_of(block, "type"), "text") == 0)
			return true;
	}
	return false;
}

/* What a client without structured content would miss, as the text that the specification wants
 * servers to give beside it (2025-06-18, Tools, "Structured Content"). */
static void repeat_as_text(struct cow *c, const json_t *structured)
{
	json_t *content = json_object_get(c->now, "content"), *copy, *block;
	char *text;

	if (has_text(content))
		return;
	text = json_dumps(structured, JSON_COMPACT | JSON_ENCODE_ANY);
	block = text ? text_block(text) : NULL;
	free(text);
	copy = json_is_array(content) ? jsonrpc_copy(content) : json_array();
	if (copy && json_array_append_new(copy, block) < 0) {
		json_decref(copy);
		copy = NULL;
	} else if (!copy) {
		json_decref(block);
	}
	cow_set(c, "content", copy);
}

static void structured(struct cow *c, const struct translate *t)
{
	json_t *value = json_object_get(c->now, "structuredContent");
	const json_t *schema = json_object_get(t->tool, "outputSchema");
	bool wrap = value && mcp_rev_is_legacy(t->to) &&
		    (!json_is_object(value) || (schema && translate_must_wrap(schema)));

	if (!value || !mcp_rev_is_legacy(t->to))
		return;
	if (wrap || t->to < MCP_REV_2025_06_18)
		repeat_as_text(c, value);
	if (wrap)
		cow_set(c, "structuredContent", json_pack("{s:O}", "result", value));
	translate_trim(c, THING_CALL_RESULT, t->to);
}

static json_t *all_content(json_t *value, const void *pair)
{
	return translate_each(value, translate_content, pair);
}

static void call_result(struct cow *c, const struct translate *t, const struct translate_pair *pair)
{
	cow_map(c, "content", all_content, pair);
	structured(c, t);
}

static json_t *message(json_t *value, const void *pair)
{
	struct cow c = cow_of(value);

	cow_map(&c, "content", translate_content, pair);
	return cow_done(&c);
}

static json_t *all_messages(json_t *value, const void *pair)
{
	return translate_each(value, message, pair);
}

static void prompt_result(struct cow *c, const struct translate *t,
			  const struct translate_pair *pair)
{
	(void)t;
	cow_map(c, "messages", all_messages, pair);
}

static json_t *all_contents(json_t *value, const void *pair)
{
	return translate_each(value, contents, pair);
}

static void read_result(struct cow *c, const struct translate *t, const struct translate_pair *pair)
{
	(void)t;
	cow_map(c, "contents", all_contents, pair);
}

static const struct {
	const char *method;
	void (*fn)(struct cow *c, const struct translate *t, const struct translate_pair *pair);
} results[] = {
	{"prompts/get", prompt_result},
	{"resources/read", read_result},
	{"tools/call", call_result},
};

json_t *translate_result(const struct translate *t, json_t *result)
{
	const struct translate_pair pair = {t->from, t->to};
	struct cow c;

	if (t->from == t->to)
		return json_incref(result);
	c = cow_of(result);
	translate_meta(&c, &pair);
	for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
		if (strcmp(t->method, results[i].method) == 0)
			results[i].fn(&c, t, &pair);
	}
	return cow_done(&c);
}

/* ---- the way to the backend ---- */

json_t *translate_params(const struct translate *t, json_t *params)
{
	static const struct {
		const char *method;
		enum thing thing;
	} table[] = {
		{"completion/complete", THING_COMPLETE_PARAMS},
		{"tools/call", THING_CALL_PARAMS},
	};
	struct cow c;

	if (t->from == t->to)
		return json_incref(params);
	c = cow_of(params);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (strcmp(t->method, table[i].method) == 0)
			translate_trim(&c, table[i].thing, t->to);
	}
	return cow_done(&c);
}

static json_t *capability(json_t *value, const void *arg)
{
	const struct translate_pair *pair = arg;
	struct cow c = cow_of(value);

	/* The two have no member in common, so one pass serves both. */
	translate_trim(&c, THING_ELICITATION_CAPABILITY, pair->to);
	translate_trim(&c, THING_SAMPLING_CAPABILITY, pair->to);
	return cow_done(&c);
}

json_t *translate_capabilities(enum mcp_rev rev, json_t *capabilities)
{
	const struct translate_pair pair = {rev, rev};
	struct cow c = cow_of(capabilities);

	translate_trim(&c, THING_CAPABILITIES, rev);
	cow_map(&c, "elicitation", capability, &pair);
	cow_map(&c, "sampling", capability, &pair);
	return cow_done(&c);
}

/* ---- errors ---- */

#define ALL_REVS    MCP_REV_2024_11_05, NEWEST
#define LEGACY_REVS MCP_REV_2024_11_05, MCP_REV_LEGACY_NEWEST
#define MODERN_REVS NEWEST, NEWEST

/* The first row that fits. Codes up to -32000 belong to whoever made them and down to -32099 to the
 * protocol; none may be taken for something that mcpd says of itself. (2026-07-28, "Error Codes".)
 */
static const struct {
	enum mcp_rev from_first, from_last, to_first, to_last;
	int first, last; /* the codes, inclusive */
	int becomes;	 /* 0: the same */
} codes[] = {
	{LEGACY_REVS, MODERN_REVS, RPC_RESOURCE_NOT_FOUND, RPC_RESOURCE_NOT_FOUND,
	 RPC_INVALID_PARAMS},
	{LEGACY_REVS, MODERN_REVS, -32099, -32000, RPC_INTERNAL_ERROR},
	/* A gap between what the client declared and what the server needs: the client's to close.
	 */
	{MODERN_REVS, MODERN_REVS, RPC_MISSING_CAPABILITY, RPC_MISSING_CAPABILITY, 0},
	{MODERN_REVS, MODERN_REVS, RPC_RESOURCE_NOT_FOUND, RPC_RESOURCE_NOT_FOUND,
	 RPC_INVALID_PARAMS},
	{MODERN_REVS, ALL_REVS, -32099, -32020, RPC_INTERNAL_ERROR},
	/* URL elicitation as an error is of 2025-11-25 alone. */
	{MCP_REV_2025_11_25, MCP_REV_2025_11_25, MCP_REV_2025_11_25, MCP_REV_2025_11_25,
	 RPC_URL_ELICITATION, RPC_URL_ELICITATION, 0},
	{LEGACY_REVS, LEGACY_REVS, RPC_URL_ELICITATION, RPC_URL_ELICITATION, RPC_INTERNAL_ERROR},
};

static int code_for(const struct translate *t, int code)
{
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		if (t->from >= codes[i].from_first && t->from <= codes[i].from_last &&
		    t->to >= codes[i].to_first && t->to <= codes[i].to_last &&
		    code >= codes[i].first && code <= codes[i].last)
			return codes[i].becomes ? codes[i].becomes : code;
	}
	return code;
}

/* A resource that is not there is named by the error. */
static json_t *with_uri(const struct translate *t, json_t *data)
{
	json_t *uri = json_object_get(t->params, "uri");
	struct cow c;

	if (!uri || (data && !json_is_object(data)) || json_object_get(data, "uri"))
		return json_incref(data);
	if (!data)
		return json_pack("{s:O}", "uri", uri);
	c = cow_of(data);
	cow_set(&c, "uri", json_incref(uri));
	return cow_done(&c);
}

/* An older client can do nothing about a capability; the model may know another way. */
static json_t *tool_error(const char *message, const json_t *data)
{
	char *needed = json_dumps(json_object_get(data, "requiredCapabilities"), JSON_COMPACT);
	json_t *result = NULL;
	char *text;

	if (asprintf(&text, "%s%s%s", message, needed ? "; the client would have to support " : "",
		     needed ? needed : "") >= 0) {
		result = json_pack("{s:[o], s:b}", "content", text_block(text), "isError", 1);
		free(text);
	}
	free(needed);
	return result;
}

void translate_error(const struct translate *t, int code, const char *message, json_t *data,
		     struct translated_error *out)
{
	bool read = strcmp(t->method, "resources/read") == 0;

	*out = (struct translated_error){.code = code_for(t, code)};
	if (code == RPC_MISSING_CAPABILITY && !mcp_rev_is_legacy(t->from) &&
	    mcp_rev_is_legacy(t->to) && strcmp(t->method, "tools/call") == 0)
		out->result = tool_error(message, data);
	else if (read && code == RPC_RESOURCE_NOT_FOUND)
		out->data = with_uri(t, data);
	else
		out->data = json_incref(data);
	/* Only a resource that is not there is named; other parameters may be wrong as well. */
	if (read && code == RPC_INVALID_PARAMS && !mcp_rev_is_legacy(t->from) &&
	    mcp_rev_is_legacy(t->to) && json_object_get(data, "uri"))
		out->code = RPC_RESOURCE_NOT_FOUND;
}
