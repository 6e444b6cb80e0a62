/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "mcp/toolresult.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/utf8.h"

static json_t *text_block(const char *text, size_t len)
{
	size_t clean_len = 0;
	char *clean = utf8_clean(text, len, &clean_len);
	json_t *string = clean ? json_stringn_nocheck(clean, clean_len) : NULL;

	free(clean);
	return json_pack("{s:s, s:o}", "type", "text", "text", string);
}

/* RESULT, or NULL instead where what was done to it failed. */
static json_t *if_done(json_t *result_take, int rc)
{
	if (rc == 0)
		return result_take;
	json_decref(result_take);
	return NULL;
}

json_t *toolresult_text(const char *text, size_t len, bool is_error)
{
	json_t *result = json_pack("{s:[o]}", "content", text_block(text, len));

	if (!result || !is_error)
		return result;
	return if_done(result, json_object_set_new(result, "isError", json_true()));
}

json_t *toolresult_verror(const char *fmt, va_list ap)
{
	json_t *result;
	char *text;

	if (vasprintf(&text, fmt, ap) < 0)
		return NULL;
	result = toolresult_text(text, strlen(text), true);
	free(text);
	return result;
}

json_t *toolresult_error(const char *fmt, ...)
{
	json_t *result;
	va_list ap;

	va_start(ap, fmt);
	result = toolresult_verror(fmt, ap);
	va_end(ap);
	return result;
}

json_t *toolresult_append(json_t *result_take, const char *text, size_t len)
{
	if (!result_take)
		return NULL;
	return if_done(result_take, json_array_append_new(json_object_get(result_take, "content"),
							  text_block(text, len)));
}

json_t *toolresult_structured(json_t *result_take, json_t *value)
{
	if (!result_take)
		return NULL;
	return if_done(result_take, json_object_set(result_take, "structuredContent", value));
}
