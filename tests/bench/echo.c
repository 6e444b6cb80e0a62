/* echo.c: a stdio MCP server with one tool, `echo`, that returns its argument `text`. The same
 * child stands behind mcpd and behind the relays that it is measured against. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *initialize(json_t *params)
{
	const char *version = json_string_value(json_object_get(params, "protocolVersion"));

	return json_pack("{s:s, s:{s:{}}, s:{s:s, s:s}}", "protocolVersion",
			 version != NULL ? version : "2025-06-18", "capabilities", "tools",
			 "serverInfo", "name", "echo", "version", "1");
}

static json_t *tools_list(json_t *params)
{
	(void)params;
	return json_pack("{s:[{s:s, s:s, s:{s:s, s:{s:{s:s}}, s:[s]}}]}", "tools", "name", "echo",
			 "description", "Returns its argument", "inputSchema", "type", "object",
			 "properties", "text", "type", "string", "required", "text");
}

static json_t *tools_call(json_t *params)
{
	json_t *arguments = json_object_get(params, "arguments");
	json_t *text = json_object_get(arguments, "text");

	if (!json_is_string(text))
		return NULL;
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

	if (id == NULL || method == NULL)
		return NULL;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strcmp(method, methods[i].name) == 0)
			result = methods[i].fn(json_object_get(msg, "params"));
	if (result != NULL)
		return json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", id, "result", result);
	return json_pack("{s:s, s:O, s:{s:i, s:s}}", "jsonrpc", "2.0", "id", id, "error", "code",
			 -32601, "message", "Not offered");
}

int main(void)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	while ((len = getline(&line, &size, stdin)) > 0) {
		json_t *msg = json_loadb(line, (size_t)len, 0, NULL);
		json_t *reply = msg != NULL ? answer(msg) : NULL;

		if (reply != NULL) {
			json_dumpf(reply, stdout, JSON_COMPACT);
			putchar('\n');
			fflush(stdout);
		}
		json_decref(reply);
		json_decref(msg);
	}
	free(line);
	return 0;
}
