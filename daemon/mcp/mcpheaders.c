/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "mcp/mcpheaders.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/jsontext.h"
#include "mcp/message.h"
#include "mcp/xheader.h"
#include "text/headerlines.h"
#include "text/headervalue.h"

#define CLAIM "io.modelcontextprotocol/protocolVersion"

const char *mcpheaders_claim(const json_t *msg)
{
	const json_t *meta = json_object_get(json_object_get(msg, "params"), "_meta");

	return json_string_value(json_object_get(meta, CLAIM));
}

/* What Mcp-Name repeats: the member of params, by method. */
static const char *name_member(const char *method)
{
	static const struct {
		const char *method, *member;
	} table[] = {
		{"tools/call", "name"},	 {"prompts/get", "name"},    {"resources/read", "uri"},
		{"tasks/get", "taskId"}, {"tasks/update", "taskId"}, {"tasks/cancel", "taskId"},
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (strcmp(method, table[i].method) == 0)
			return table[i].member;
	return NULL;
}

/* VALUE as a header says it: malloc'd. NULL where nothing is to be said (null, a container), or on
 * lack of memory, which *RC tells apart. */
static char *encode(const json_t *value, int *rc)
{
	char buf[40], *text = NULL;

	if (json_is_string(value)) {
		/* A NUL cannot be told from an end: nothing is sent, and the server says that. */
		if (strlen(json_string_value(value)) != json_string_length(value))
			return NULL;
		text = headervalue_encode(json_string_value(value));
	} else if (json_is_boolean(value)) {
		text = strdup(json_is_true(value) ? "true" : "false");
	} else if (json_is_integer(value)) {
		snprintf(buf, sizeof buf, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		text = strdup(buf);
	} else if (json_is_real(value)) {
		double d = json_real_value(value);

		/* As short as it can be: some compare the text with that of their own. */
		for (int digits = 15; digits <= 17; digits++) {
			snprintf(buf, sizeof buf, "%.*g", digits, d);
			if (!islessgreater(strtod(buf, NULL), d))
				break;
		}
		text = strdup(buf);
	} else {
		return NULL;
	}
	if (!text)
		*rc = ERR_NOMEM;
	return text;
}

static int add_encoded(struct headerlines *h, const char *name, const json_t *value)
{
	int rc = 0;
	char *text = encode(value, &rc);

	if (text)
		rc = headerlines_add(h, name, text);
	free(text);
	return rc;
}

static int add_param(const char *header, const json_t *value, void *arg)
{
	char name[128];

	if (snprintf(name, sizeof name, "Mcp-Param-%s", header) >= (int)sizeof name)
		return ERR_INVALID;
	return add_encoded(arg, name, value);
}

/* The headers for the arguments in TEXT that SCHEMA annotates. */
static int add_params(struct headerlines *h, const json_t *schema, struct jsontext *text)
{
	struct jsontext *arguments = message_arguments(text);
	struct err e;
	json_t *tree = arguments ? jsontext_strict_tree(arguments, &e) : NULL;
	int rc = 0;

	if (arguments)
		rc = tree ? xheader_each(schema, tree, add_param, h) : e.code;
	jsontext_unref(&arguments);
	return rc;
}

int mcpheaders_add(struct headerlines *h, const json_t *msg, const json_t *schema,
		   struct jsontext *text)
{
	const char *method = json_string_value(json_object_get(msg, "method"));
	const json_t *params = json_object_get(msg, "params");
	const char *member = method ? name_member(method) : NULL;
	int rc = headerlines_add(h, "MCP-Protocol-Version", mcpheaders_claim(msg));

	if (rc == 0)
		rc = headerlines_add(h, "Mcp-Method", method);
	if (rc == 0 && member)
		rc = add_encoded(h, "Mcp-Name", json_object_get(params, member));
	if (rc == 0 && method && strcmp(method, "tools/call") == 0 && xheader_wanted(schema))
		rc = add_params(h, schema, text);
	return rc;
}
