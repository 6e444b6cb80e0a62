/* SPDX-License-Identifier: ISC */
/* echo.c: a stdio MCP server with the tool `echo`, that returns its argument `text`, and the tool
 * `toggle`, that makes a third one come or go. The same child stands behind mcpd and behind the
 * relays that it is measured against. */
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whether the third tool is there, and whether its coming or going has to be told. */
static bool extra, changed;

static json_t *initialize(json_t *params)
{
	const char *version = json_string_value(json_object_get(params, "protocolVersion"));

	return json_pack("{s:s, s:{s:{s:b}}, s:{s:s, s:s}}", "protocolVersion",
			 version != NULL ? version : "2025-06-18", "capabilities", "tools",
			 "listChanged", 1, "serverInfo", "name", "echo", "version", "1");
}

static json_t *tool(const char *name, const char *description)
{
	return json_pack("{s:s, s:s, s:{s:s, s:{s:{s:s}}, s:[s]}}", "name", name, "description",
			 description, "inputSchema", "type", "object", "properties", "text", "type",
			 "string", "required", "text");
}

static json_t *tools_list(json_t *params)
{
	json_t *tools = json_pack("[o, o]", tool("echo", "Returns its argument"),
				  tool("toggle", "Makes a tool come or go"));

	(void)params;
	if (extra)
		json_array_append_new(tools, tool("extra", "Comes and goes"));
	return json_pack("{s:o}", "tools", tools);
}

static json_t *tools_call(json_t *params)
{
	const char *name = json_string_value(json_object_get(params, "name"));
	json_t *arguments = json_object_get(params, "arguments");
	json_t *text = json_object_get(arguments, "text");

	if (!json_is_string(text))
		return NULL;
	if (name && strcmp(name, "toggle") == 0) {
		extra = !extra;
		changed = true;
	}
	return json_pack("{s:[{s:s, s:O}]}", "content", "type", "text", "text", text);
}

static json_t *ping(json_t *params)
{
	(void)params;
	return json_object();
}

static const struct {
	const char *name;
	json_t *(*fn)(json_t *params);
} methods[] = {
	{"initialize", initialize},
	{"ping", ping},
	{"tools/list", tools_list},
	{"tools/call", tools_call},
};

static json_t *answer(json_t *msg)
{
	const char *method = json_string_value(json_object_get(msg, "method"));
	json_t *id = json_object_get(msg, "id");
	json_t *result = NULL;

	if (!id || !method)
		return NULL;
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
		if (strcmp(method, methods[i].name) == 0)
			result = methods[i].fn(json_object_get(msg, "params"));
	if (result)
		return json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", id, "result", result);
	return json_pack("{s:s, s:O, s:{s:i, s:s}}", "jsonrpc", "2.0", "id", id, "error", "code",
			 -32601, "message", "Not offered");
}

/* Answers collect here while there is more input to look at. */
static struct {
	char *text;
	size_t len, size;
} out;

static void put(const json_t *msg)
{
	for (;;) {
		size_t room = out.size - out.len;
		size_t len = json_dumpb(msg, out.text + out.len, room, JSON_COMPACT);

		if (len < room) {
			out.len += len;
			out.text[out.len++] = '\n';
			return;
		}
		out.size = out.size * 2 + len + 1;
		out.text = realloc(out.text, out.size);
		if (!out.text)
			exit(1);
	}
}

static void tell_change(void)
{
	json_t *msg = json_pack("{s:s, s:s}", "jsonrpc", "2.0", "method",
				"notifications/tools/list_changed");

	if (msg)
		put(msg);
	json_decref(msg);
	changed = false;
}

static void flush(void)
{
	size_t at = 0;

	while (at < out.len) {
		ssize_t n = write(STDOUT_FILENO, out.text + at, out.len - at);

		if (n < 0)
			exit(1);
		at += (size_t)n;
	}
	out.len = 0;
}

/* Answers the lines at the beginning of IN. The bytes of them. */
static size_t take_lines(const char *in, size_t len)
{
	size_t at = 0;
	const char *end;

	while ((end = memchr(in + at, '\n', len - at))) {
		json_t *msg = json_loadb(in + at, (size_t)(end - in) - at, 0, NULL);
		json_t *reply = msg ? answer(msg) : NULL;

		if (reply)
			put(reply);
		if (changed)
			tell_change();
		json_decref(reply);
		json_decref(msg);
		at = (size_t)(end - in) + 1;
	}
	return at;
}

int main(void)
{
	size_t size = 65536, len = 0, used;
	char *in = malloc(size);
	ssize_t n;

	out.size = size;
	out.text = malloc(size);
	while (in && out.text && (n = read(STDIN_FILENO, in + len, size - len)) > 0) {
		len += (size_t)n;
		used = take_lines(in, len);
		flush();
		len -= used;
		memmove(in, in + used, len);
		if (len == size)
			in = realloc(in, size *= 2);
	}
	free(in);
	free(out.text);
	return 0;
}
