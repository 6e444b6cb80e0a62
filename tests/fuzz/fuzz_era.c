/* SPDX-License-Identifier: ISC */
/* The era of a POST: the first two lines are the headers MCP-Protocol-Version and Mcp-Method
 * (empty: not sent), the rest is the body. */
#include <string.h>

#include "fuzz.h"
#include "lib/jsonrpc.h"
#include "mcp/era.h"

/* Cuts a line off *S: malloc'd. */
static char *cut_line(const char **s, const char *end)
{
	const char *newline = memchr(*s, '\n', (size_t)(end - *s));
	const char *stop = newline ? newline : end;
	char *line = strndup(*s, (size_t)(stop - *s));

	MUST(line);
	*s = newline ? newline + 1 : end;
	return line;
}

static void check(json_t *body, const char *version, const char *method)
{
	struct era_verdict v;
	struct envelope env;
	struct err e = {0};

	era_classify(body, version, method, &v);
	MUST((v.era == ERA_REFUSED) == (v.code != 0) && (v.code != 0) == (v.text[0] != '\0'));
	if (json_is_array(body))
		MUST(v.era == ERA_LEGACY || v.code == RPC_INVALID_REQUEST);
	if (v.era == ERA_MODERN_REQUEST)
		MUST(json_object_get(body, "id") && json_object_get(body, "method"));
	if (v.era == ERA_MODERN_NOTIFICATION)
		MUST(!json_object_get(body, "id") && json_object_get(body, "method"));
	if (envelope_parse(json_object_get(body, "params"), &env, &e) == 0)
		MUST(env.version && json_is_object(env.capabilities) && env.log_level >= -1);
	else
		MUST(e.code == ERR_INVALID && e.text[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data, *end = s + size;
	char *version = cut_line(&s, end), *method = cut_line(&s, end);
	json_t *body = jsonrpc_parse(s, (size_t)(end - s), 32, NULL);

	if (body)
		check(body, *version ? version : NULL, *method ? method : NULL);
	json_decref(body);
	free(version);
	free(method);
	return 0;
}
