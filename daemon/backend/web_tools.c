/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "backend/web_tools.h"

#include <stdlib.h>
#include <string.h>

#include "lib/hash.h"
#include "lib/jsonrpc.h"
#include "mcp/names.h"
#include "mcp/offer.h"
#include "mcp/xheader.h"
#include "text/schema.h"

#define MAX_PAGES 1000
#define MAX_TOOLS 100000
/* Bytes of all compiled patterns: one page with all of them is taken in one turn of the loop. */
#define MAX_PATTERNS (1u << 20)

/* A tool with a schema that mcpd checks. */
struct checked {
	UT_hash_handle hh;
	const char *name;	       /* in its entry */
	struct schema *input, *output; /* NULL: not checked */
};

struct web_tools {
	json_t *list;
	json_t *index; /* name: entry */
	struct checked *checked;
	size_t room;	 /* of MAX_PATTERNS */
	json_t *cursors; /* those seen, as keys: who repeats one would go on for ever */
	size_t pages;
	struct err complaint;
	size_t left_out;
};

struct web_tools *web_tools_new(void)
{
	struct web_tools *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->list = json_array();
	t->index = json_object();
	t->room = MAX_PATTERNS;
	t->cursors = json_object();
	if (!t->list || !t->index || !t->cursors)
		web_tools_free(&t);
	return t;
}

static void checked_free(struct checked *c)
{
	schema_unref(&c->input);
	schema_unref(&c->output);
	free(c);
}

void web_tools_free(struct web_tools **tp)
{
	struct web_tools *t = *tp;
	struct checked *c, *next;

	*tp = NULL;
	if (!t)
		return;
	HASH_ITER (hh, t->checked, c, next) {
		HASH_DEL(t->checked, c);
		checked_free(c);
	}
	json_decref(t->list);
	json_decref(t->index);
	json_decref(t->cursors);
	free(t);
}

const char *web_tools_complaint(const struct web_tools *t)
{
	return t->complaint.text;
}

size_t web_tools_left_out(const struct web_tools *t)
{
	return t->left_out;
}

/* Whether ENTRY can be a tool. If not, E says why. */
static int check_entry(const struct web_tools *t, json_t *entry, struct err *e)
{
	const char *name = json_string_value(json_object_get(entry, "name"));
	json_t *input = json_object_get(entry, "inputSchema");
	json_t *output = json_object_get(entry, "outputSchema");
	struct err why;

	if (!name || name[0] == '\0')
		return err_set(e, ERR_INVALID, "a tool without a name is left out");
	if (names_has_nul(json_object_get(entry, "name")))
		return err_set(e, ERR_INVALID, "a tool with a NUL in its name (%.100s) is left out",
			       name);
	if (json_object_get(t->index, name))
		return err_set(e, ERR_INVALID, "a second tool %.100s is left out", name);
	if ((input && !json_is_object(input)) || (output && !json_is_object(output)))
		return err_set(e, ERR_INVALID, "tool %.100s is left out: a schema is no object",
			       name);
	if (xheader_check(input, &why) < 0)
		return err_set(e, ERR_INVALID, "tool %.100s is left out: %.300s", name, why.text);
	return 0;
}

/* A schema that mcpd does not check is none of its business, unless compiling it costs too much. */
static int compile(struct web_tools *t, const char *name, json_t *schema, const char *member,
		   struct schema **schema_r, struct err *e)
{
	struct err why;
	int rc = schema ? schema_new(schema, &t->room, schema_r, &why) : 0;

	if (rc == ERR_LIMIT)
		return err_set(e, ERR_LIMIT, "tool %.100s is left out: %s.%.300s", name, member,
			       why.text);
	return rc == ERR_NOMEM ? err_set(e, rc, "out of memory") : 0;
}

/* 0, ERR_LIMIT (the tool is to be left out), ERR_NOMEM. */
static int add_schemas(struct web_tools *t, const char *name, json_t *input, json_t *output,
		       struct err *e)
{
	struct checked *c = calloc(1, sizeof *c);
	int rc;

	if (!c)
		return err_set(e, ERR_NOMEM, "out of memory");
	c->name = name;
	rc = compile(t, name, input, "inputSchema", &c->input, e);
	if (rc == 0)
		rc = compile(t, name, output, "outputSchema", &c->output, e);
	if (rc == 0 && (c->input || c->output)) {
		HASH_ADD_KEYPTR(hh, t->checked, c->name, strlen(c->name), c);
		if (c->hh.tbl)
			return 0;
		rc = err_set(e, ERR_NOMEM, "out of memory");
	}
	checked_free(c);
	return rc;
}

static int add_tool(struct web_tools *t, json_t *entry, struct err *e)
{
	const char *name = json_string_value(json_object_get(entry, "name"));
	json_t *schema = json_object_get(entry, "inputSchema");
	int rc = 0;

	if (!schema) { /* MCP: there has to be one */
		schema = json_pack("{s:s}", "type", "object");
		rc |= json_object_set_new(entry, "inputSchema", schema);
	}
	if (rc == 0)
		rc = add_schemas(t, name, schema, json_object_get(entry, "outputSchema"), e);
	if (rc == ERR_LIMIT)
		return rc;
	if (rc == 0)
		rc |= json_object_set(t->index, name, entry);
	if (rc == 0)
		rc |= json_array_append(t->list, entry);
	return rc == 0 ? 0 : err_set(e, ERR_NOMEM, "out of memory");
}

static int take_entry(struct web_tools *t, json_t *entry)
{
	struct err why;
	int rc = check_entry(t, entry, &why);

	if (rc == 0)
		rc = add_tool(t, entry, &why);
	if (rc != 0 && rc != ERR_NOMEM && t->left_out++ == 0)
		t->complaint = why;
	return rc == ERR_NOMEM ? rc : 0;
}

static int add_all(struct web_tools *t, json_t *tools, struct err *e)
{
	json_t *entry;
	size_t i;

	json_array_foreach (tools, i, entry) {
		if (json_array_size(t->list) >= MAX_TOOLS)
			return err_set(e, ERR_LIMIT, "there are more than %d tools", MAX_TOOLS);
		if (take_entry(t, entry) < 0)
			return err_set(e, ERR_NOMEM, "out of memory");
	}
	return 0;
}

/* The cursor of PAGE; a list without end ends here. */
static int next_cursor(struct web_tools *t, const json_t *page, char **cursor_r, struct err *e)
{
	const char *cursor = json_string_value(json_object_get(page, "nextCursor"));

	if (!cursor)
		return 0;
	if (json_object_get(t->cursors, cursor))
		return err_set(e, ERR_PROTOCOL, "a page names a cursor for the second time");
	if (++t->pages >= MAX_PAGES)
		return err_set(e, ERR_LIMIT, "there are more than %d pages", MAX_PAGES);
	*cursor_r = strdup(cursor);
	if (*cursor_r && json_object_set_new(t->cursors, cursor, json_true()) == 0)
		return 0;
	free(*cursor_r);
	*cursor_r = NULL;
	return err_set(e, ERR_NOMEM, "out of memory");
}

int web_tools_add(struct web_tools *t, const char *page, size_t len, unsigned max_depth,
		  char **cursor_r, struct err *e)
{
	json_t *value = jsonrpc_parse(page, len, max_depth, e);
	json_t *tools = json_object_get(value, "tools");
	int rc;

	*cursor_r = NULL;
	if (!value)
		return e->code;
	if (!json_is_array(tools))
		rc = err_set(e, ERR_PROTOCOL, "it is not {\"tools\": [...]}");
	else
		rc = add_all(t, tools, e);
	if (rc == 0)
		rc = next_cursor(t, value, cursor_r, e);
	json_decref(value);
	return rc;
}

struct offer *web_tools_offer(const struct web_tools *t, const char *name)
{
	struct offer *o = offer_new(MCP_REV_LEGACY_NEWEST);
	int rc = 0;

	if (!o)
		return NULL;
	o->server_info = json_pack("{s:s, s:s}", "name", name, "version", PACKAGE_VERSION);
	rc |= !o->server_info ? -1 : 0;
	rc |= json_object_set_new(o->capabilities, "tools", json_object());
	rc |= json_array_extend(o->lists[OFFER_TOOLS], t->list);
	if (rc != 0)
		offer_unref(&o);
	return o;
}

json_t *web_tools_entry(const struct web_tools *t, const char *name)
{
	return json_object_get(t->index, name);
}

static struct checked *find_checked(const struct web_tools *t, const char *name)
{
	struct checked *c;

	HASH_FIND_STR(t->checked, name, c);
	return c;
}

int web_tools_check(const struct web_tools *t, const char *name, json_t *arguments, struct err *e)
{
	const struct checked *c = find_checked(t, name);

	if (!json_is_object(arguments))
		return err_set(e, ERR_INVALID, "expected an object");
	return c && c->input ? schema_validate(c->input, arguments, e) : 0;
}

struct schema *web_tools_output(const struct web_tools *t, const char *name)
{
	const struct checked *c = find_checked(t, name);

	return c ? c->output : NULL;
}
