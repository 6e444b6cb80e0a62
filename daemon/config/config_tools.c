/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "config/config_impl.h"

#include <stdlib.h>
#include <string.h>

#include "text/placeholder.h"
#include "text/schema.h"

#define MAX_TOOL_NAME 64

/* Members of the tool's entry in tools/list: kept as the JSON that they are. */
static int set_member(struct reader *r, const struct key *k, json_t *value, void *field)
{
	return json_object_set(*(json_t **)field, k->name, value) == 0 ? 0 : reader_nomem(r);
}

static int dump_member(const struct key *k, const void *field, json_t *into)
{
	json_t *value = json_object_get(*(json_t *const *)field, k->name);

	return value ? json_object_set(into, k->name, value) : 0;
}

static int read_text(struct reader *r, const struct key *k, json_t *value, void *field)
{
	if (!value)
		return 0;
	if (!json_is_string(value))
		return reader_expected(r, k->type->expected, value);
	return set_member(r, k, value, field);
}

static const struct key_type type_text = {
	.read = read_text, .dump = dump_member, .expected = "a string"};

static int read_schema(struct reader *r, const struct key *k, json_t *value, void *field)
{
	const char *type = json_string_value(json_object_get(value, "type"));
	struct schema *schema;
	struct err why;
	int rc;

	if (!value)
		return 0;
	if (!json_is_object(value))
		return reader_expected(r, k->type->expected, value);
	if (!type || strcmp(type, "object") != 0)
		return reader_fail(r,
				   "expected a schema with \"type\": \"object\" (MCP asks for it)");
	rc = schema_new(value, NULL, &schema, &why);
	schema_unref(&schema);
	if (rc != 0)
		return rc == ERR_NOMEM ? reader_nomem(r) : reader_fail(r, "%s", why.text);
	return set_member(r, k, value, field);
}

/* Without an inputSchema a tool takes no arguments. */
static int read_input_schema(struct reader *r, const struct key *k, json_t *value, void *field)
{
	json_t *none;
	int rc;

	if (value)
		return read_schema(r, k, value, field);
	none = json_pack("{s:s, s:b}", "type", "object", "additionalProperties", 0);
	rc = none ? set_member(r, k, none, field) : reader_nomem(r);
	json_decref(none);
	return rc;
}

static const struct key_type type_schema = {
	.read = read_schema, .dump = dump_member, .expected = "an object (a JSON Schema)"};
static const struct key_type type_input_schema = {
	.read = read_input_schema, .dump = dump_member, .expected = "an object (a JSON Schema)"};

/* ToolAnnotations of the MCP schema. */
static int read_annotations(struct reader *r, const struct key *k, json_t *value, void *field)
{
	static const char *const hints[] = {"readOnlyHint", "destructiveHint", "idempotentHint",
					    "openWorldHint"};
	const char *name;
	json_t *member;
	size_t mark;

	if (!value)
		return 0;
	if (!json_is_object(value))
		return reader_expected(r, k->type->expected, value);
	json_object_foreach (value, name, member) {
		bool title = strcmp(name, "title") == 0, hint = false;

		for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++)
			hint = hint || strcmp(name, hints[i]) == 0;
		mark = jsonpath_down(&r->path, name);
		if (!title && !hint)
			return reader_fail(r, "unknown key");
		if (title ? !json_is_string(member) : !json_is_boolean(member))
			return reader_expected(r, title ? "a string" : "true or false", member);
		jsonpath_up(&r->path, mark);
	}
	return set_member(r, k, value, field);
}

static const struct key_type type_annotations = {
	.read = read_annotations, .dump = dump_member, .expected = "an object"};

static int check_command(struct reader *r, void *field)
{
	char **command = *(char ***)field;

	if (!command[0] || command[0][0] == '\0')
		return reader_fail(r, "expected the program and its arguments, found nothing");
	return 0;
}

static const struct key tool_keys[] = {
	KEY("title", type_text, struct config_tool, entry),
	KEY("description", type_text, struct config_tool, entry),
	KEY("inputSchema", type_input_schema, struct config_tool, entry),
	KEY("outputSchema", type_schema, struct config_tool, entry),
	KEY("annotations", type_annotations, struct config_tool, entry),
	KEY("command", type_strings, struct config_tool, command, .check = check_command,
	    .required = true),
	KEY("cwd", type_string, struct config_tool, cwd),
	KEY("timeout", type_seconds, struct config_tool, timeout_ms,
	    RANGE(100, SECONDS(86400), SECONDS(30))),
	KEY("maxOutput", type_size, struct config_tool, max_output, RANGE(1, MIB(256), MIB(1))),
	KEY("structured", type_bool, struct config_tool, structured),
};
const struct key_table config_tool_keys = KEY_TABLE(tool_keys);

static void clear_tool(struct config_tool *t)
{
	config_clear_table(&config_tool_keys, t);
	schema_unref(&t->input);
	schema_unref(&t->output);
	json_decref(t->entry);
	free(t->name);
}

static bool is_tool_name(const char *name)
{
	static const char legal[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				    "_.-";
	size_t len = strlen(name);

	return len > 0 && len <= MAX_TOOL_NAME && strspn(name, legal) == len;
}

static int check_placeholders(struct reader *r, const struct config_tool *t)
{
	struct err why;

	if (placeholder_check(t->command, json_object_get(t->entry, "inputSchema"), &why) == 0)
		return 0;
	jsonpath_down(&r->path, "command");
	return reader_fail(r, "%s", why.text);
}

/* Both schemas were found to be good, with the paths of their keys, when they were read. */
static int compile_schemas(struct reader *r, struct config_tool *t)
{
	json_t *output = json_object_get(t->entry, "outputSchema");
	struct err why;
	int rc = schema_new(json_object_get(t->entry, "inputSchema"), NULL, &t->input, &why);

	if (rc == 0 && output)
		rc = schema_new(output, NULL, &t->output, &why);
	return rc == 0 ? 0 : reader_nomem(r);
}

static int read_tool(struct reader *r, const struct config_backend *b, const char *name,
		     json_t *value, struct config_tool *t)
{
	const char *cwd;
	int rc;

	if (!is_tool_name(name))
		return reader_fail(r, "a name of a tool has 1 to %d letters, digits and _ . -",
				   MAX_TOOL_NAME);
	t->name = strdup(name);
	t->entry = json_pack("{s:s}", "name", name);
	if (!t->name || !t->entry)
		return reader_nomem(r);
	rc = config_read_table(r, &config_tool_keys, value, t);
	if (rc != 0)
		return rc;
	/* MCP: who declares an outputSchema must give structured results. */
	if (json_object_get(t->entry, "outputSchema") && !t->structured)
		return reader_fail(r, "an \"outputSchema\" needs \"structured\": true");
	cwd = t->cwd ? t->cwd : b->cwd;
	rc = check_placeholders(r, t);
	if (rc == 0)
		rc = compile_schemas(r, t);
	if (rc == 0)
		rc = config_check_cwd(r, "cwd", t->cwd);
	if (rc == 0)
		rc = config_check_program(r, t->command[0], b->env, cwd);
	return rc;
}

static int read_tools(struct reader *r, const struct key *k, json_t *value, void *field)
{
	struct config_backend *b = field;
	const char *name;
	json_t *member;

	if (!json_is_object(value) || json_object_size(value) == 0)
		return reader_expected(r, k->type->expected, value);
	b->tools = calloc(json_object_size(value), sizeof *b->tools);
	if (!b->tools)
		return reader_nomem(r);
	json_object_foreach (value, name, member) {
		size_t mark = jsonpath_down(&r->path, name);
		int rc = read_tool(r, b, name, member, &b->tools[b->n_tools++]);

		if (rc != 0)
			return rc;
		jsonpath_up(&r->path, mark);
	}
	return 0;
}

static int dump_tools(const struct key *k, const void *field, json_t *into)
{
	const struct config_backend *b = field;
	json_t *all = json_object();
	int rc = json_object_set_new(into, k->name, all);

	for (size_t i = 0; rc == 0 && i < b->n_tools; i++)
		rc = json_object_set_new(all, b->tools[i].name,
					 config_dump_table(&config_tool_keys, &b->tools[i]));
	return rc;
}

static void clear_tools(const struct key *k, void *field)
{
	struct config_backend *b = field;

	(void)k;
	for (size_t i = 0; i < b->n_tools; i++)
		clear_tool(&b->tools[i]);
	free(b->tools);
	b->tools = NULL;
	b->n_tools = 0;
}

const struct key_type type_tools = {.read = read_tools,
				    .dump = dump_tools,
				    .clear = clear_tools,
				    .expected = "an object of one or more tools"};
