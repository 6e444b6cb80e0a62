/* SPDX-License-Identifier: ISC */
/* translate_ask.c: translates questions of backends, and the answers. See translate.h. */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "mcp/translate_impl.h"

struct asking {
	struct translate_pair pair;
	const char *why; /* TO has no words for it */
};

/* --- elicitation
 * ---------------------------------------------------------------------------------- */

/* 2025-11-25 knows the questions of URL mode by an id. Nobody else asks for it again, so any will
 * do that nobody can guess. */
static void set_elicitation_id(struct cow *c)
{
	unsigned char raw[16];
	char id[2 * sizeof raw + 1];

	if (json_object_get(c->now, "elicitationId"))
		return;
	/* Up to 256 bytes are never short (getrandom(2)). */
	if (getrandom(raw, sizeof raw, 0) != (ssize_t)sizeof raw) {
		c->failed = true;
		return;
	}
	for (size_t i = 0; i < sizeof raw; i++)
		snprintf(id + 2 * i, 3, "%02x", raw[i]);
	cow_set(c, "elicitationId", json_string(id));
}

/* oneOf [{const, title}] as enum and enumNames, the form of 2025-06-18. */
static void old_enum(struct cow *c)
{
	json_t *options = json_object_get(c->now, "oneOf"), *option;
	json_t *values = json_array(), *names = json_array();
	bool whole = values && names;
	size_t i;

	json_array_foreach (options, i, option) {
		json_t *value = json_object_get(option, "const");
		json_t *name = json_object_get(option, "title");

		if (value) /* else it is no option */
			whole = whole && json_array_append(values, value) == 0 &&
				json_array_append(names, name ? name : value) == 0;
	}
	if (!whole) {
		c->failed = true;
		json_decref(values);
		json_decref(names);
		return;
	}
	cow_del(c, "oneOf");
	cow_set(c, "enum", values);
	cow_set(c, "enumNames", names);
}

static bool is_type(const json_t *schema, const char *type)
{
	const char *is = json_string_value(json_object_get(schema, "type"));

	return is && strcmp(is, type) == 0;
}

/* One question of a form for 2025-06-18. */
static json_t *old_property(json_t *property, const void *arg)
{
	struct cow c = cow_of(property);

	(void)arg;
	if (!is_type(property, "boolean")) /* these had a default before */
		cow_del(&c, "default");
	if (json_is_array(json_object_get(property, "oneOf")))
		old_enum(&c);
	return cow_done(&c);
}

static bool is_required(const json_t *schema, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach (json_object_get(schema, "required"), i, one) {
		const char *text = json_string_value(one);

		if (text && strcmp(text, name) == 0)
			return true;
	}
	return false;
}

/* 2025-06-18 has no question with several answers. One that need not be answered is left out. */
static json_t *without_lists(json_t *schema, struct asking *a)
{
	json_t *properties = json_object_get(schema, "properties"), *property;
	struct cow c = cow_of(properties);
	const char *name;

	json_object_foreach (properties, name, property) {
		if (!is_type(property, "array"))
			continue;
		if (is_required(schema, name))
			a->why = "a question with several answers";
		cow_del(&c, name);
	}
	return cow_done(&c);
}

static json_t *old_schema(json_t *schema, struct asking *a)
{
	struct cow c = cow_of(schema);
	json_t *properties, *old;

	translate_trim(&c, THING_REQUESTED_SCHEMA, a->pair.to);
	if (json_is_object(json_object_get(schema, "properties"))) {
		properties = without_lists(schema, a);
		old = properties ? translate_each_member(properties, old_property, NULL) : NULL;
		json_decref(properties);
		if (old && old == json_object_get(schema, "properties"))
			json_decref(old);
		else
			cow_set(&c, "properties", old);
	}
	return cow_done(&c);
}

static void elicitation(struct cow *c, struct asking *a)
{
	const char *mode = json_string_value(json_object_get(c->now, "mode"));
	bool url = mode && strcmp(mode, "url") == 0;
	json_t *schema = json_object_get(c->now, "requestedSchema"), *old;

	if (a->pair.to < MCP_REV_2025_06_18)
		a->why = "elicitation";
	else if (url && a->pair.to < MCP_REV_2025_11_25)
		a->why = "elicitation in URL mode";
	if (a->why)
		return;
	translate_trim(c, THING_ELICITATION, a->pair.to);
	if (url && a->pair.to == MCP_REV_2025_11_25)
		set_elicitation_id(c);
	if (!schema || a->pair.to >= MCP_REV_2025_11_25)
		return;
	old = old_schema(schema, a);
	if (old == schema)
		json_decref(old);
	else
		cow_set(c, "requestedSchema", old);
}

/* --- sampling
 * ------------------------------------------------------------------------------------- */

static bool about_tools(const json_t *block)
{
	return is_type(block, "tool_use") || is_type(block, "tool_result");
}

/* A message that says one thing, as the revisions before 2025-11-25 have it. */
static json_t *say_one(json_t *message, json_t *block, const struct asking *a)
{
	struct cow c = cow_of(message);

	translate_trim(&c, THING_SAMPLING_MESSAGE, a->pair.to);
	if (json_object_get(message, "content") != block)
		cow_set(&c, "content", json_incref(block));
	cow_map(&c, "content", translate_content, &a->pair);
	return cow_done(&c);
}

/* MESSAGE joins OUT, in as many as it says things. False: no memory. */
static bool add_messages(json_t *out, json_t *message, struct asking *a)
{
	json_t *content = json_object_get(message, "content"), *block;
	size_t i;

	if (!json_is_array(content)) {
		if (about_tools(content))
			a->why = "tools in sampling";
		return json_array_append_new(out, say_one(message, content, a)) == 0;
	}
	json_array_foreach (content, i, block) {
		if (about_tools(block))
			a->why = "tools in sampling";
		if (json_array_append_new(out, say_one(message, block, a)) < 0)
			return false;
	}
	return true;
}

static void sampling(struct cow *c, struct asking *a)
{
	json_t *messages = json_object_get(c->now, "messages"), *message, *out;
	size_t i;

	translate_trim(c, THING_SAMPLING, a->pair.to);
	if (a->pair.to >= MCP_REV_2025_11_25)
		return;
	if (json_array_size(json_object_get(c->now, "tools")) > 0)
		a->why = "tools in sampling";
	if (a->why)
		return;
	cow_del(c, "tools");
	if (!json_is_array(messages))
		return;
	out = json_array();
	json_array_foreach (messages, i, message) {
		if (!out || !add_messages(out, message, a)) {
			json_decref(out);
			out = NULL;
			break;
		}
	}
	cow_set(c, "messages", out);
}

/* --- both ways
 * ------------------------------------------------------------------------------------ */

json_t *translate_question(const char *method, enum mcp_rev from, enum mcp_rev to, json_t *params,
			   struct err *e)
{
	static const struct {
		const char *method;
		void (*fn)(struct cow *c, struct asking *a);
	} table[] = {
		{"elicitation/create", elicitation},
		{"sampling/createMessage", sampling},
	};
	struct asking a = {.pair = {from, to}};
	struct cow c = cow_of(params);
	json_t *done;

	if (from != to)
		translate_meta(&c, &a.pair);
	for (size_t i = 0; from != to && i < sizeof table / sizeof *table; i++) {
		if (strcmp(method, table[i].method) == 0)
			table[i].fn(&c, &a);
	}
	done = cow_done(&c);
	if (!done && params) {
		err_set(e, ERR_NOMEM, "out of memory");
	} else if (a.why) {
		err_set(e, ERR_UNSUPPORTED, "revision %s, which the client speaks, has no %s",
			mcp_rev_name(to), a.why);
		json_decref(done);
		done = NULL;
	}
	return done;
}

json_t *translate_reply(const char *method, enum mcp_rev from, enum mcp_rev to, json_t *result)
{
	json_t *content = json_object_get(result, "content");
	struct cow c = cow_of(result);

	/* Without tools there is nothing to say in several blocks; so the first is the answer. */
	if (from != to && to < MCP_REV_2025_11_25 && json_array_size(content) > 0 &&
	    strcmp(method, "sampling/createMessage") == 0)
		cow_set(&c, "content", json_incref(json_array_get(content, 0)));
	return cow_done(&c);
}
