/* SPDX-License-Identifier: ISC */
/* What servers and clients say is put in the words of every other revision: nothing that was said
 * is changed in place, where revisions agree it is the same value, and what comes out is what that
 * revision can read. The input is
 * {"entry":...,"result":...,"params":...,"tool":...,"data":...,"code":...}. */
#include <string.h>

#include "fuzz.h"
#include "lib/jsonrpc.h"
#include "mcp/translate.h"

#define NEWEST MCP_REV_NEWEST

static const char *const methods[] = {"tools/call", "prompts/get", "resources/read",
				      "completion/complete", ""};
static const char *const questions[] = {"elicitation/create", "sampling/createMessage",
					"roots/list"};

/* No reference to the root is left that does not count from where the root is now. */
static void check_refs(const json_t *value, int depth)
{
	const char *ref = json_string_value(json_object_get(value, "$ref")), *key;
	json_t *one;
	size_t i;

	if (depth == 0 || json_is_string(json_object_get(value, "$id")))
		return;
	MUST(!ref || ref[0] != '#' || (ref[1] != '\0' && ref[1] != '/') ||
	     strncmp(ref, "#/properties/result", 19) == 0);
	json_object_foreach ((json_t *)(uintptr_t)value, key, one) {
		/* The names of data and of properties are no keywords. */
		if (strcmp(key, "anyOf") == 0 || strcmp(key, "not") == 0 ||
		    strcmp(key, "items") == 0)
			check_refs(one, depth - 1);
	}
	json_array_foreach (value, i, one)
		check_refs(one, depth - 1);
}

static void check_tool(const json_t *tool, enum mcp_rev to)
{
	const json_t *schema = json_object_get(tool, "outputSchema");
	const char *type = json_string_value(json_object_get(schema, "type"));

	MUST(to == MCP_REV_2025_11_25 || !json_object_get(tool, "execution"));
	MUST(to >= MCP_REV_2025_06_18 || !schema);
	if (to < NEWEST && schema)
		MUST(type && strcmp(type, "object") == 0);
}

static void entries(json_t *entry, enum mcp_rev from, enum mcp_rev to)
{
	for (int kind = 0; kind < OFFER_KINDS; kind++) {
		json_t *out = translate_entry((enum offer_kind)kind, from, to, entry);

		MUST(out);
		MUST(from != to || out == entry);
		if (kind == OFFER_TOOLS && from != to)
			check_tool(out, to);
		json_decref(out);
	}
}

static void wrapped(json_t *entry)
{
	json_t *out = translate_entry(OFFER_TOOLS, NEWEST, MCP_REV_2025_11_25, entry);
	json_t *old = json_object_get(entry, "outputSchema");
	json_t *schema = json_object_get(out, "outputSchema");

	if (schema != old && json_is_object(old))
		check_refs(json_object_get(json_object_get(schema, "properties"), "result"), 64);
	json_decref(out);
}

static void results(const struct translate *t, json_t *result, json_t *params)
{
	json_t *out = translate_result(t, result), *said;

	MUST(out && (t->from != t->to || out == result));
	said = json_object_get(out, "structuredContent");
	if (t->from != t->to && strcmp(t->method, "tools/call") == 0 && t->to < NEWEST)
		MUST(!said || (t->to >= MCP_REV_2025_06_18 && json_is_object(said)));
	json_decref(out);
	out = translate_params(t, params);
	MUST(out && (t->from != t->to || out == params));
	json_decref(out);
}

static void errors(const struct translate *t, int code, json_t *data)
{
	struct translated_error e;

	translate_error(t, code, "why", data, &e);
	/* Nobody hears a code that belongs to a hop, or to another revision. */
	if (t->to == NEWEST && code <= -32000 && code >= -32099 && t->from != t->to)
		MUST(e.code == RPC_INTERNAL_ERROR || e.code == RPC_INVALID_PARAMS);
	json_decref(e.data);
	json_decref(e.result);
}

static void asked(json_t *params, enum mcp_rev from, enum mcp_rev to)
{
	for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
		struct err e = {0};
		json_t *out = translate_question(questions[i], from, to, params, &e);

		MUST(out ? e.code == 0 : e.code == ERR_UNSUPPORTED && e.text[0] != '\0');
		MUST(from != to || out == params);
		if (out && i == 0 && from != to && to < MCP_REV_2025_11_25)
			MUST(to >= MCP_REV_2025_06_18 && !json_object_get(out, "mode"));
		json_decref(out);
		out = translate_reply(questions[i], from, to, params);
		MUST(out && (from != to || out == params));
		json_decref(out);
	}
}

static void pair(json_t *input, enum mcp_rev from, enum mcp_rev to)
{
	json_t *empty = json_object(), *params = json_object_get(input, "params");
	json_t *result = json_object_get(input, "result"), *entry = json_object_get(input, "entry");
	struct translate t = {.from = from, .to = to, .tool = json_object_get(input, "tool")};

	params = params ? params : empty;
	t.params = params;
	entries(entry ? entry : empty, from, to);
	asked(params, from, to);
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
		t.method = methods[i];
		results(&t, result ? result : empty, params);
		errors(&t, (int)json_integer_value(json_object_get(input, "code")),
		       json_object_get(input, "data"));
	}
	json_decref(empty);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *input = jsonrpc_parse((const char *)data, size, 0, NULL),
	       *copy = json_deep_copy(input);

	if (json_is_object(input)) {
		for (int from = 0; from < MCP_REVS; from++)
			for (int to = 0; to < MCP_REVS; to++)
				pair(input, (enum mcp_rev)from, (enum mcp_rev)to);
		if (json_object_get(input, "entry"))
			wrapped(json_object_get(input, "entry"));
		json_decref(translate_capabilities(MCP_REV_2025_06_18, input));
		MUST(json_equal(input, copy));
	}
	json_decref(copy);
	json_decref(input);
	return 0;
}
