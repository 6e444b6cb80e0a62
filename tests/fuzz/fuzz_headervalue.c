/* SPDX-License-Identifier: ISC */
/* Header values that repeat values of the body, and states that clients bring back. */
#include <string.h>

#include "base/seal.h"
#include "fuzz.h"
#include "text/headervalue.h"

static const char prefix[] = "=?base64?";

static void check_header(const char *text)
{
	struct err e = {0};
	char *got = headervalue_decode(text, &e), *again;
	json_t *string;

	if (!got) {
		MUST(e.code == ERR_INVALID && strncmp(text, prefix, sizeof prefix - 1) == 0);
		return;
	}
	string = json_string(got);
	if (strcmp(got, text) != 0)
		MUST(string);
	if (string) {
		MUST(headervalue_equal(got, string));
		again = headervalue_encode(got);
		MUST(again);
		free(got);
		got = headervalue_decode(again, &e);
		MUST(got && strcmp(got, json_string_value(string)) == 0);
		free(again);
	}
	json_decref(string);
	free(got);
}

/* Nobody can guess a state that opens. */
static void check_seal(const char *text)
{
	static struct seal *s;
	struct err e = {0};

	if (!s)
		s = seal_new(NULL);
	MUST(s && !seal_open(s, text, "context", 0, &e) && e.code == ERR_DENIED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);

	MUST(text);
	check_header(text);
	check_seal(text);
	free(text);
	return 0;
}
