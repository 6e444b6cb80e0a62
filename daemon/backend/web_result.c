/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "backend/web_result.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "http/fetch.h"
#include "lib/jsonrpc.h"
#include "mcp/toolresult.h"
#include "text/mediatype.h"
#include "text/schema.h"

#define MAX_REASON 2000 /* bytes of an error's text */

static bool is_text(const char *type)
{
	return type[0] == '\0' || strncasecmp(type, "text/", 5) == 0;
}

/* Whether VALUE is a CallToolResult. */
static bool is_result(const json_t *value)
{
	const json_t *content = json_object_get(value, "content");
	const json_t *structured = json_object_get(value, "structuredContent");
	const json_t *is_error = json_object_get(value, "isError");
	const json_t *block;
	size_t i;

	if (!json_is_array(content) || (structured && !json_is_object(structured)) ||
	    (is_error && !json_is_boolean(is_error)))
		return false;
	json_array_foreach (content, i, block)
		if (!json_is_string(json_object_get(block, "type")))
			return false;
	return true;
}

/* The member NAME of VALUE, if it is a string that says something. */
static const char *words(const json_t *value, const char *name)
{
	const char *text = json_string_value(json_object_get(value, name));

	return text && text[0] != '\0' ? text : NULL;
}

/* What an error's body says, in one of the ways that are usual: a message, RFC 9457, RFC 6749. */
static const char *reason_in(const json_t *value)
{
	static const char *const names[] = {"message",	     "detail", "error_description",
					    "error_message", "error",  "title"};
	const json_t *inner = json_object_get(value, "error");
	const char *text = NULL;

	if (json_is_object(inner))
		text = reason_in(inner);
	for (size_t i = 0; !text && i < sizeof names / sizeof names[0]; i++)
		text = words(value, names[i]);
	return text;
}

static json_t *failure(const char *name, const struct fetch_answer *a, json_t *value)
{
	const char *reason = reason_in(value);

	if (is_result(value) && json_object_set_new(value, "isError", json_true()) == 0)
		return json_incref(value);
	if (!reason && strncasecmp(a->type, "text/plain", 10) == 0 && a->len > 0)
		reason = a->body;
	if (a->status >= 300 && a->status < 400)
		return toolresult_error("%s: the web endpoint redirects elsewhere (HTTP %d), which "
					"is not followed",
					name, a->status);
	if (a->status == 429 && a->retry_after)
		return toolresult_error(
			"%s: the web endpoint answered HTTP 429, to try again after "
			"%.64s%s%.*s",
			name, a->retry_after, reason != NULL ? ": " : "", MAX_REASON,
			reason != NULL ? reason : "");
	return toolresult_error("%s: the web endpoint answered HTTP %d%s%.*s", name, a->status,
				reason != NULL ? ": " : "", MAX_REASON,
				reason != NULL ? reason : "");
}

/* JSON other than a CallToolResult. */
static json_t *plain(const char *name, const json_t *entry, struct schema *output,
		     const struct fetch_answer *a, json_t *value)
{
	json_t *schema = json_object_get(entry, "outputSchema"), *result;
	struct err why = {0};

	if (json_is_string(value))
		result =
			toolresult_text(json_string_value(value), json_string_length(value), false);
	else
		result = toolresult_text(a->body, a->len, false);
	if (!schema || !result)
		return result;
	if (!json_is_object(value))
		err_set(&why, ERR_INVALID, "it is not a JSON object");
	else if (output)
		schema_validate(output, value, &why);
	if (why.code == 0)
		return toolresult_structured(result, value);
	json_decref(result);
	if (why.code == ERR_NOMEM)
		return NULL;
	return toolresult_error("%s: the answer is not what was promised: %s", name, why.text);
}

static json_t *success(const char *name, const json_t *entry, struct schema *output,
		       const struct fetch_answer *a, json_t *value)
{
	if (is_result(value))
		return json_incref(value);
	if (value)
		return plain(name, entry, output, a, value);
	if (a->len == 0) /* 204 and the like: it worked, there is nothing to say */
		return json_pack("{s:[]}", "content");
	if (is_text(a->type))
		return toolresult_text(a->body, a->len, false);
	return toolresult_error("%s: the web endpoint answered with %.100s, which is neither JSON "
				"nor text",
				name, a->type);
}

json_t *web_result(const json_t *entry, struct schema *output, const struct fetch_answer *a,
		   unsigned max_depth)
{
	const char *name = json_string_value(json_object_get(entry, "name"));
	bool good = a->status >= 200 && a->status < 300;
	json_t *value = NULL, *result;
	struct err why = {0};

	if (mediatype_is_json(a->type) && a->len > 0)
		value = jsonrpc_parse(a->body, a->len, max_depth, &why);
	if (why.code == ERR_NOMEM)
		return NULL;
	if (good && why.code != 0)
		return toolresult_error("%s: the web endpoint answered with JSON that cannot be "
					"read: %s",
					name, why.text);
	result = good ? success(name, entry, output, a, value) : failure(name, a, value);
	json_decref(value);
	return result;
}
