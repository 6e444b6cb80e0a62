/* SPDX-License-Identifier: ISC */
/* prepared.c: a stdio MCP server that reads and writes no JSON: its answers are made once, and of a
 * request it looks for the id, the method and the name of the tool alone. What passes it is bound
 * by pipes, so what stands before it is measured.
 *
 *   prepared legacy|modern
 *
 * The tool rN (r1000, r10000 and so on up to r10000000) gives a text of N bytes. The tool hold
 * never answers. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* What is looked for stands that near to the beginning or the end of a request. */
#define NEAR	256
#define SCHEMA	",\"inputSchema\":{\"type\":\"object\"}}"
#define CAPABLE "\"capabilities\":{\"tools\":{}}"
#define WORDS	"The quick brown fox jumps over the lazy dog, and nobody looks at it.\\n"

static const char tools[] = "\"tools\":[{\"name\":\"r1000\"" SCHEMA ",{\"name\":\"r10000\"" SCHEMA
			    ",{\"name\":\"r100000\"" SCHEMA ",{\"name\":\"r1000000\"" SCHEMA
			    ",{\"name\":\"r10000000\"" SCHEMA ",{\"name\":\"hold\"" SCHEMA "]";

static const char *type = ""; /* the member that results of the era begin with */

struct slice {
	const char *at;
	size_t len;
};

/* What follows WORD in the first or the last bytes of LINE, as far as END; empty: it is not there.
 */
static struct slice after(struct slice line, const char *word, const char *end)
{
	size_t near = line.len < NEAR ? line.len : NEAR;
	const char *at = memmem(line.at, near, word, strlen(word));

	if (!at)
		at = memmem(line.at + line.len - near, near, word, strlen(word));
	if (!at)
		return (struct slice){"", 0};
	at += strlen(word);
	return (struct slice){at, strcspn(at, end)};
}

static bool is(struct slice s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.at, text, s.len) == 0;
}

static void put(struct iovec *parts, int n)
{
	while (n > 0) {
		ssize_t done = writev(STDOUT_FILENO, parts, n);

		if (done < 0)
			exit(1);
		for (; n > 0 && (size_t)done >= parts->iov_len; n--)
			done -= (ssize_t)parts++->iov_len;
		if (n > 0) {
			parts->iov_base = (char *)parts->iov_base + done;
			parts->iov_len -= (size_t)done;
		}
	}
}

/* The response to ID: BEFORE, TEXT and AFTER. */
static void respond(struct slice id, const char *before, struct slice text, const char *after)
{
	char head[200];
	int len = snprintf(head, sizeof head, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,%s", (int)id.len,
			   id.at, before);
	struct iovec parts[] = {
		{head, (size_t)len},
		{(void *)(size_t)text.at, text.len},
		{(void *)(size_t)after, strlen(after)},
	};

	put(parts, 3);
}

/* A text of SIZE bytes, made when it is asked for the first time. */
static struct slice text_of(size_t size)
{
	static struct slice made[8];
	char *text;
	size_t i = 0;

	while (i < 7 && made[i].at && made[i].len != size)
		i++;
	if (made[i].len == size)
		return made[i];
	text = malloc(size + sizeof WORDS);
	if (!text)
		exit(1);
	for (size_t at = 0; at < size; at += sizeof WORDS - 1)
		memcpy(text + at, WORDS, sizeof WORDS);
	if (text[size - 1] == '\\') /* half an escape */
		text[size - 1] = '.';
	made[i] = (struct slice){text, size};
	return made[i];
}

static void result(struct slice id, const char *members)
{
	char before[300];

	snprintf(before, sizeof before, "\"result\":{%s", type);
	respond(id, before, (struct slice){members, strlen(members)}, "}}\n");
}

static void call(struct slice id, struct slice line)
{
	struct slice name = after(line, "\"name\":\"", "\"");
	char before[200];

	if (is(name, "hold"))
		return;
	snprintf(before, sizeof before, "\"result\":{%s\"content\":[{\"type\":\"text\",\"text\":\"",
		 type);
	respond(id, before, text_of(strtoul(name.at + 1, NULL, 10)), "\"}]}}\n");
}

static void answer(struct slice line)
{
	struct slice id = after(line, "\"id\":", ",}");
	struct slice method = after(line, "\"method\":\"", "\"");
	bool modern = *type != '\0';

	if (id.len == 0 || method.len == 0)
		return;
	if (is(method, "tools/call"))
		call(id, line);
	else if (is(method, "tools/list"))
		result(id, tools);
	else if (!modern && is(method, "initialize"))
		result(id, "\"protocolVersion\":\"2025-06-18\"," CAPABLE
			   ",\"serverInfo\":{\"name\":\"prepared\",\"version\":\"1\"}");
	else if (modern && is(method, "server/discover"))
		result(id, "\"supportedVersions\":[\"2026-07-28\"]," CAPABLE
			   ",\"ttlMs\":0,\"cacheScope\":\"private\"");
	else if (is(method, "ping"))
		result(id, modern ? "\"_meta\":{}" : "");
	else
		respond(id, "\"error\":{\"code\":-32601,\"message\":\"Not offered\"}}\n",
			(struct slice){"", 0}, "");
}

int main(int argc, char **argv)
{
	size_t size = 65536, len = 0, looked = 0;
	char *in = malloc(size), *end;
	ssize_t n;

	if (argc != 2) {
		fprintf(stderr, "usage: prepared legacy|modern\n");
		return 64;
	}
	if (strcmp(argv[1], "modern") == 0)
		type = "\"resultType\":\"complete\",";
	while (in && (n = read(STDIN_FILENO, in + len, size - len)) > 0) {
		len += (size_t)n;
		while ((end = memchr(in + looked, '\n', len - looked))) {
			*end = '\0';
			answer((struct slice){in, (size_t)(end - in)});
			len -= (size_t)(end + 1 - in);
			memmove(in, end + 1, len);
			looked = 0;
		}
		looked = len;
		if (len == size)
			in = realloc(in, size *= 2);
	}
	free(in);
	return 0;
}
