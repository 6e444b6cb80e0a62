/* SPDX-License-Identifier: ISC */
/* translate_tools.c: translates entries of lists, and schemas. See translate.h. */
#include <string.h>

#include "mcp/translate_impl.h"

/* ---- schemas ---- */

/* What the value of a keyword is made of (JSON Schema 2020-12). What is not here is a schema, an
 * array of schemas, or something without a reference in it. */
enum keyword { KEYWORD_SCHEMA, KEYWORD_MAP, KEYWORD_DATA, KEYWORD_REF };

static enum keyword keyword_of(const char *name)
{
	static const struct {
		const char *name;
		enum keyword is;
	} keywords[] = {
		{"$defs", KEYWORD_MAP},
		{"$dynamicRef", KEYWORD_REF},
		{"$ref", KEYWORD_REF},
		{"const", KEYWORD_DATA},
		{"default", KEYWORD_DATA},
		{"definitions", KEYWORD_MAP},
		{"dependencies", KEYWORD_MAP},
		{"dependentSchemas", KEYWORD_MAP},
		{"enum", KEYWORD_DATA},
		{"examples", KEYWORD_DATA},
		{"patternProperties", KEYWORD_MAP},
		{"properties", KEYWORD_MAP},
	};

	for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
		if (strcmp(name, keywords[i].name) == 0)
			return keywords[i].is;
	}
	return KEYWORD_SCHEMA;
}

#define NEW_ROOT "#/properties/result"

/* "#" and "#/..." count from the root, which has moved; "#name" and other documents have not. */
static json_t *moved_ref(json_t *ref)
{
	const char *text = json_string_value(ref);

	if (!text || text[0] != '#' || (text[1] != '\0' && text[1] != '/'))
		return json_incref(ref);
	return json_sprintf("%s%s", NEW_ROOT, text + 1);
}

/* How deep schemas are followed. Deeper, no client would. */
#define MAX_DEPTH 200

static json_t *moved(json_t *value, const void *arg);

static json_t *moved_keyword(const char *key, json_t *value, const int *depth)
{
	switch (keyword_of(key)) {
	case KEYWORD_DATA:
		break;
	case KEYWORD_REF:
		return moved_ref(value);
	case KEYWORD_MAP:
		return translate_each_member(value, moved, depth);
	case KEYWORD_SCHEMA:
		return moved(value, depth);
	}
	return json_incref(value);
}

/* VALUE, a schema or an array of them, with its references following the root. */
static json_t *moved(json_t *value, const void *arg)
{
	int depth = *(const int *)arg + 1;
	struct cow c = cow_of(value);
	const char *key;
	json_t *old;

	if (json_is_array(value) && depth <= MAX_DEPTH) {
		json_decref(cow_done(&c));
		return translate_each(value, moved, &depth);
	}
	/* A schema with an address of its own is a document of its own: its references stay. */
	if (depth > MAX_DEPTH || json_is_string(json_object_get(value, "$id")))
		return cow_done(&c);
	json_object_foreach (value, key, old) {
		json_t *new = moved_keyword(key, old, &depth);

		if (new == old)
			json_decref(new);
		else
			cow_set(&c, key, new);
	}
	return cow_done(&c);
}

/* SCHEMA as that of the member "result" of an object. */
static json_t *wrap_schema(json_t *schema)
{
	int depth = 0;
	json_t *inner = moved(schema, &depth), *dialect = json_object_get(schema, "$schema");
	struct cow c = {.now = inner};
	json_t *outer;

	if (!inner)
		return NULL;
	/* The dialect is said at the root of a document. */
	if (dialect && !json_is_string(json_object_get(schema, "$id")))
		cow_del(&c, "$schema");
	inner = cow_done(&c);
	if (!inner)
		return NULL;
	outer = json_pack("{s:s, s:{s:o}, s:[s]}", "type", "object", "properties", "result", inner,
			  "required", "result");
	if (outer && dialect && json_object_set(outer, "$schema", dialect) < 0) {
		json_decref(outer);
		outer = NULL;
	}
	return outer;
}

static json_t *legacy_schema(json_t *schema, const void *arg)
{
	(void)arg;
	return translate_must_wrap(schema) ? wrap_schema(schema) : json_incref(schema);
}

/* ---- entries ---- */

/* Before titles there was one among the annotations. */
static void save_title(struct cow *c, const struct translate_pair *pair)
{
	json_t *title = json_object_get(c->now, "title");
	json_t *old = json_object_get(c->now, "annotations");
	struct cow a;

	if (pair->to != MCP_REV_2025_03_26 || !json_is_string(title) ||
	    json_object_get(old, "title") || (old && !json_is_object(old)))
		return;
	if (!old) {
		cow_set(c, "annotations", json_pack("{s:O}", "title", title));
		return;
	}
	a = cow_of(old);
	cow_set(&a, "title", json_incref(title));
	cow_set(c, "annotations", cow_done(&a));
}

static void tool(struct cow *c, const struct translate_pair *pair)
{
	save_title(c, pair);
	translate_trim(c, THING_TOOL, pair->to);
	if (!mcp_rev_is_legacy(pair->to))
		return;
	if (json_object_get(c->now, "outputSchema") &&
	    !json_is_object(json_object_get(c->now, "outputSchema")))
		cow_del(c, "outputSchema");
	cow_map(c, "outputSchema", legacy_schema, NULL);
}

static json_t *argument(json_t *value, const void *arg)
{
	const struct translate_pair *pair = arg;
	struct cow c = cow_of(value);

	translate_trim(&c, THING_ARGUMENT, pair->to);
	return cow_done(&c);
}

static json_t *arguments(json_t *value, const void *pair)
{
	return translate_each(value, argument, pair);
}

static void prompt(struct cow *c, const struct translate_pair *pair)
{
	translate_trim(c, THING_PROMPT, pair->to);
	cow_map(c, "arguments", arguments, pair);
}

static void resource(struct cow *c, const struct translate_pair *pair)
{
	translate_trim(c, THING_RESOURCE, pair->to);
}

static void template(struct cow *c, const struct translate_pair *pair)
{
	translate_trim(c, THING_TEMPLATE, pair->to);
}

json_t *translate_entry(enum offer_kind kind, enum mcp_rev from, enum mcp_rev to, json_t *entry)
{
	static void (*const fns[OFFER_KINDS])(struct cow * c, const struct translate_pair *pair) = {
		[OFFER_TOOLS] = tool,
		[OFFER_PROMPTS] = prompt,
		[OFFER_RESOURCES] = resource,
		[OFFER_TEMPLATES] = template,
	};
	const struct translate_pair pair = {from, to};
	struct cow c;

	if (from == to)
		return json_incref(entry);
	c = cow_of(entry);
	fns[kind](&c, &pair);
	return cow_done(&c);
}
