/* SPDX-License-Identifier: ISC */
/* What jsonrpc_parse() reads, jsonrpc_dump() writes as one line that reads back the same; and what
 * jansson itself reads, is read alike. */
#include <event2/buffer.h>
#include <string.h>

#include "fuzz.h"
#include "lib/jsonrpc.h"

static void check_written(const json_t *value, const char *text, size_t len)
{
	struct evbuffer *out = evbuffer_new();
	json_t *back = jsonrpc_parse(text, len, 0, NULL);

	MUST(back && json_equal(value, back));
	json_decref(back);
	for (size_t i = 0; i < len; i++)
		MUST((unsigned char)text[i] >= 0x20);
	MUST(jsonrpc_write(out, value) == 0);
	MUST(evbuffer_get_length(out) == len);
	MUST(memcmp(evbuffer_pullup(out, -1), text, len) == 0);
	evbuffer_free(out);
}

static void check_against_jansson(const char *text, size_t len, const json_t *value)
{
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY;
	json_t *other = json_loadb(text, len, flags, NULL);

	if (other)
		MUST(value && json_equal(value, other));
	json_decref(other);
}

static void check_classify(json_t *value)
{
	enum jsonrpc_kind kind;
	struct err e = {0, ""};

	if (jsonrpc_classify(value, &kind, &e) == 0) {
		json_t *id = json_object_get(value, "id");

		MUST(json_is_object(value));
		MUST(kind == JSONRPC_ERROR || (id != NULL) == (kind != JSONRPC_NOTIFICATION));
		MUST(!id || json_is_null(id) || jsonrpc_id_equal(id, id));
	} else {
		MUST(e.code == ERR_INVALID && e.text[0] != '\0');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	struct err e = {0, ""};
	size_t len;
	json_t *value;
	char *out;

	if (size == 0)
		return 0;
	/* The first byte is the depth; a space stands for none. */
	value = jsonrpc_parse(text, size - 1, data[0] == ' ' ? 0 : data[0], &e);
	if (data[0] == ' ')
		check_against_jansson(text, size - 1, value);
	if (!value) {
		MUST((e.code == ERR_PARSE || e.code == ERR_LIMIT) && e.text[0] != '\0');
		return 0;
	}
	out = jsonrpc_dump(value, &len);
	MUST(out && strlen(out) == len);
	check_written(value, out, len);
	check_classify(value);
	free(out);
	json_decref(value);
	return 0;
}
