/* SPDX-License-Identifier: ISC */
/* What a POST says, and its era: the first two lines are the headers MCP-Protocol-Version and
 * Mcp-Method (empty: not sent), the rest is the body. */
#include <string.h>

#include "fuzz.h"
#include "lib/jsontext.h"
#include "mcp/era.h"
#include "mcp/post.h"

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

static void check(const struct post *post, const char *version, const char *method)
{
	const struct message *msg = &post->messages[0];
	struct era_verdict v;
	struct envelope env;
	struct err e = {0};

	era_classify(post, version, method, &v);
	MUST((v.era == ERA_REFUSED) == (v.code != 0) && (v.code != 0) == (v.text[0] != '\0'));
	if (post->batch)
		MUST(v.era == ERA_LEGACY || v.code == RPC_INVALID_REQUEST);
	if (v.era == ERA_MODERN_REQUEST)
		MUST(msg->id && msg->method);
	if (v.era == ERA_MODERN_NOTIFICATION)
		MUST(!msg->id && msg->method);
	if (envelope_parse(msg->params, &env, &e) == 0)
		MUST(env.version && json_is_object(env.capabilities) && env.log_level >= -1);
	else
		MUST(e.code == ERR_INVALID && e.text[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data, *end = s + size;
	char *version = cut_line(&s, end), *method = cut_line(&s, end);
	struct jsontext *body = jsontext_copy(s, (size_t)(end - s));
	struct err e = {0};
	struct post post;

	MUST(body);
	if (post_read(&post, body, 8, 32, &e) == 0)
		check(&post, *version ? version : NULL, *method ? method : NULL);
	else
		MUST(e.code < 0 && e.text[0]);
	post_clear(&post);
	jsontext_unref(&body);
	free(version);
	free(method);
	return 0;
}
