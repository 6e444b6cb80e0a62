/* SPDX-License-Identifier: ISC */
/* Headers that repeat what the body says: what is encoded is decoded to the same, whatever comes is
 * decoded or refused, and annotations of schemas are found or refused. */
#include <string.h>

#include "fuzz.h"
#include "lib/err.h"
#include "lib/jsonrpc.h"
#include "lib/utf8.h"
#include "mcp/xheader.h"
#include "text/headervalue.h"

static int is_text(const char *s)
{
	size_t len = strlen(s), n;
	uint32_t c;

	for (size_t i = 0; i < len; i += n)
		if ((n = utf8_decode(s + i, len - i, &c)) == 0)
			return 0;
	return 1;
}

static void check_value(const char *text)
{
	struct err e = {0, ""};
	char *decoded = headervalue_decode(text, &e), *encoded, *back;

	MUST(decoded || (e.code == ERR_INVALID && e.text[0]));
	free(decoded);
	if (!is_text(text))
		return;
	encoded = headervalue_encode(text);
	MUST(encoded && !strpbrk(encoded, "\r\n"));
	back = headervalue_decode(encoded, &e);
	MUST(back && strcmp(back, text) == 0);
	free(back);
	free(encoded);
}

static void check_equal(const char *text)
{
	json_t *value = json_string(text), *number;

	if (value)
		MUST(headervalue_equal(text, value));
	json_decref(value);
	number = jsonrpc_parse(text, strlen(text), 4, NULL);
	if (json_is_integer(number) || json_is_boolean(number))
		MUST(headervalue_equal(text, number) || strpbrk(text, " \t\r\n"));
	json_decref(number);
}

static int on_header(const char *header, const json_t *value, void *arg)
{
	MUST(header && *header);
	if (value)
		(void)headervalue_equal("1", value);
	++*(int *)arg;
	return *(int *)arg > 1000;
}

static void check_schema(const char *text)
{
	json_t *schema = jsonrpc_parse(text, strlen(text), 32, NULL);
	struct err e = {0, ""};
	int n = 0;

	if (schema && xheader_check(schema, &e) == 0)
		(void)xheader_each(schema, schema, on_header, &n);
	else if (schema)
		MUST(e.code == ERR_INVALID && e.text[0]);
	json_decref(schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	check_value(text);
	check_equal(text);
	check_schema(text);
	free(text);
	return 0;
}
