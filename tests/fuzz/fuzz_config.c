/* SPDX-License-Identifier: ISC */
/* Any text is either refused with a reason of one line, or its effective configuration is read back
 * to the same. */
#include <string.h>

#include "config/config.h"
#include "fuzz.h"
#include "lib/jsonrpc.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	/* Both decide what is accepted. */
	setenv("PATH", "/usr/bin:/bin", 1);
	setenv("XDG_RUNTIME_DIR", "/run/user/0", 1);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0, ""};
	struct config *c = config_parse((const char *)data, size, "fuzz.json", &e), *again;
	json_t *dump, *dump_again;
	size_t len;
	char *text;

	if (!c) {
		MUST(e.code < 0 && e.text[0] != '\0' && !strchr(e.text, '\n'));
		return 0;
	}
	dump = config_dump(c);
	MUST(dump);
	text = jsonrpc_dump(dump, &len);
	again = config_parse(text, len, "dump.json", &e);
	if (!again)
		fprintf(stderr, "%s\n%s\n", text, e.text);
	MUST(again);
	dump_again = config_dump(again);
	MUST(json_equal(dump, dump_again));
	free(text);
	json_decref(dump);
	json_decref(dump_again);
	config_free(&c);
	config_free(&again);
	MUST(!c);
	return 0;
}
