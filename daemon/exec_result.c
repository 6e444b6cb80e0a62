#include "autoconf.h"

#include "exec_result.h"

#include <event2/buffer.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "children.h"
#include "config.h"
#include "jsonrpc.h"
#include "schema.h"
#include "utf8.h"

/* A content block of LEN bytes of text. */
static json_t *text_block(const char *text, size_t len)
{
	size_t clean_len = 0;
	char *clean = utf8_clean(text, len, &clean_len);
	json_t *string = clean != NULL ? json_stringn_nocheck(clean, clean_len) : NULL;

	free(clean);
	return json_pack("{s:s, s:o}", "type", "text", "text", string);
}

/* A result of one block, which is consumed. */
static json_t *result_of(json_t *block_take, bool is_error)
{
	json_t *result = json_pack("{s:[o]}", "content", block_take);

	if (is_error && result != NULL && json_object_set_new(result, "isError", json_true()) < 0) {
		json_decref(result);
		result = NULL;
	}
	return result;
}

json_t *exec_result_error(const char *fmt, va_list ap)
{
	json_t *result;
	char *text;

	if (vasprintf(&text, fmt, ap) < 0)
		return NULL;
	result = result_of(text_block(text, strlen(text)), true);
	free(text);
	return result;
}

json_t *exec_result_text(const char *fmt, ...)
{
	json_t *result;
	va_list ap;

	va_start(ap, fmt);
	result = exec_result_error(fmt, ap);
	va_end(ap);
	return result;
}

/* The text in BUF; NULL on lack of memory. */
static const char *text_of(struct evbuffer *buf, size_t *len_r)
{
	*len_r = evbuffer_get_length(buf);
	return *len_r > 0 ? (const char *)evbuffer_pullup(buf, -1) : "";
}

static json_t *append_block(json_t *result, const char *text, size_t len)
{
	if (result != NULL &&
	    json_array_append_new(json_object_get(result, "content"), text_block(text, len)) < 0) {
		json_decref(result);
		result = NULL;
	}
	return result;
}

/* The command failed: why first (stderr, else the status), then what it had to say until then. */
static json_t *failure(const struct config_tool *tool, const struct exec_output *output,
		       const char *out, size_t out_len)
{
	char status[80];
	size_t err_len;
	const char *err = text_of(output->err, &err_len);
	json_t *result;

	if (err == NULL)
		return NULL;
	child_status_text(output->status, status, sizeof(status));
	if (err_len > 0)
		result = result_of(text_block(err, err_len), true);
	else
		result = exec_result_text("%s %s", tool->name, status);
	return out_len > 0 ? append_block(result, out, out_len) : result;
}

static json_t *structured(const struct config_tool *tool, const char *out, size_t len,
			  unsigned max_depth)
{
	json_t *schema = json_object_get(tool->entry, "outputSchema"), *result;
	struct err why = {0};
	json_t *value = jsonrpc_parse(out, len, max_depth, &why);

	if (value != NULL && !json_is_object(value))
		err_set(&why, ERR_INVALID, "it is not a JSON object");
	else if (value != NULL && schema != NULL)
		schema_validate(schema, value, &why);
	if (why.code == ERR_NOMEM)
		result = NULL;
	else if (why.code != 0)
		result = exec_result_text("%s: the output is not what was promised: %s", tool->name,
					  why.text);
	else
		result = result_of(text_block(out, len), false);
	if (result != NULL && why.code == 0 &&
	    json_object_set(result, "structuredContent", value) < 0) {
		json_decref(result);
		result = NULL;
	}
	json_decref(value);
	return result;
}

json_t *exec_result(const struct config_tool *tool, const struct exec_output *output,
		    unsigned max_depth)
{
	size_t len;
	const char *out = text_of(output->out, &len);

	if (out == NULL)
		return NULL;
	if (!WIFEXITED(output->status) || WEXITSTATUS(output->status) != 0)
		return failure(tool, output, out, len);
	if (tool->structured)
		return structured(tool, out, len, max_depth);
	return result_of(text_block(out, len), false);
}
