/* SPDX-License-Identifier: ISC */
/* Whatever a daemon sends, mcpctl prints nothing that a terminal obeys, and JSON stays JSON. */
#include <locale.h>
#include <string.h>

#include "cli/output.h"
#include "cli/text.h"
#include "fuzz.h"
#include "lib/ctlspec.h"
#include "lib/utf8.h"

static const struct output_format *const formats[] = {&output_table, &output_json, &output_kv};

/* What FORMAT makes of VALUE, as a row, a record, a text, a tool's result and a line of the log. */
static char *print(const struct output_format *format, const struct ctl_column *columns, int shape,
		   json_t *value)
{
	char *text = NULL;
	size_t size;
	struct output_to to = {.f = open_memstream(&text, &size), .terminal = true, .width = 60};
	json_t *rows = json_pack("[O]", value);

	MUST(to.f && rows);
	if (shape == 0)
		format->rows(&to, columns, rows);
	else if (shape == 1)
		format->record(&to, columns, value);
	else if (shape == 2)
		format->text(&to, columns, value);
	else if (shape == 3)
		format->content(&to, value);
	else
		format->follow(&to, columns, value);
	fclose(to.f);
	json_decref(rows);
	return text;
}

static void check_safe(const char *text)
{
	size_t left = strlen(text), n;
	uint32_t c;

	for (; left > 0; text += n, left -= n) {
		n = utf8_decode(text, left, &c);
		MUST(n > 0);
		MUST(c == '\n' || c == '\t' || !text_is_tricky(c));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *value = json_loadb((const char *)data, size,
				   JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL),
	       *again;
	char *text;

	setlocale(LC_CTYPE, "C.UTF-8");
	if (!json_is_object(value)) {
		json_decref(value);
		return 0;
	}
	for (int i = 0; i < 3; i++) {
		for (int shape = 0; shape < 5; shape++) {
			text = print(formats[i], ctlspec_commands[0].columns, shape, value);
			check_safe(text);
			free(text);
		}
	}
	text = print(&output_json, NULL, 1, value);
	again = json_loads(text, JSON_ALLOW_NUL, NULL);
	MUST(json_equal(value, again));
	json_decref(again);
	json_decref(value);
	free(text);
	return 0;
}
