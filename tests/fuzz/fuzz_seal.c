/* SPDX-License-Identifier: ISC */
/* The opener of what clients carry: any text, and states that mcpd sealed itself, changed.
 *
 * The first byte says which: 0 is a text as it comes; else a state is sealed and the rest changes
 * it, three bytes at a time: two for a place, one for what to do there. It must open exactly if
 * nothing of it is changed. */
#include <string.h>

#include "base/seal.h"
#include "fuzz.h"

#define CONTEXT "[\"alice\", 1, \"tools/call\", \"digest\", \"\"]"
#define EXPIRES 1000

static const unsigned char key[SEAL_KEY_SIZE] = "a key that everybody may know..";

/* Opens or refuses, and says why. */
static json_t *open_checked(const struct seal *s, const char *text, const char *context,
			    int64_t now)
{
	struct err e = {0};
	json_t *got = seal_open(s, text, context, now, &e);

	MUST(got || (e.code == ERR_DENIED && e.text[0]));
	return got;
}

static void any_text(const struct seal *s, const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);

	MUST(text);
	/* Nobody makes one without the key. */
	MUST(!open_checked(s, text, CONTEXT, 0));
	free(text);
}

static json_t *payload(uint8_t kind)
{
	return json_pack("{s:I, s:s, s:[b, n]}", "handle", (json_int_t)kind, "state",
			 "opaque \xc3\xa9", "more", kind & 1);
}

/* Changes TEXT (of LEN bytes, in a block one larger) as DATA says. */
static void change(char *text, const uint8_t *data, size_t size)
{
	for (; size >= 3; data += 3, size -= 3) {
		size_t len = strlen(text);
		size_t at = len ? (size_t)(data[0] << 8 | data[1]) % len : 0;

		if (len == 0)
			return;
		switch (data[2] % 3) {
		case 0: /* another byte */
			text[at] = (char)(data[2] ? data[2] : 1);
			break;
		case 1: /* cut off */
			text[at] = '\0';
			break;
		case 2: /* one byte less */
			memmove(text + at, text + at + 1, len - at);
			break;
		}
	}
}

static void own_state(const struct seal *s, const uint8_t *data, size_t size)
{
	json_t *in = payload(data[0]), *out;
	char *text = seal_close(s, in, EXPIRES, CONTEXT), *changed = text ? strdup(text) : NULL;

	MUST(in && text && changed);
	change(changed, data + 1, size - 1);
	out = open_checked(s, changed, CONTEXT, EXPIRES - 1);
	MUST((out != NULL) == (strcmp(text, changed) == 0));
	MUST(!out || json_equal(in, out));
	json_decref(out);
	MUST(!open_checked(s, text, CONTEXT " ", EXPIRES - 1));
	MUST(!open_checked(s, text, CONTEXT, EXPIRES + 1));
	json_decref(in);
	free(text);
	free(changed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seal *s = seal_with_key(key);

	MUST(s);
	if (size > 0 && data[0])
		own_state(s, data, size);
	else if (size > 0)
		any_text(s, data + 1, size - 1);
	seal_free(&s);
	return 0;
}
