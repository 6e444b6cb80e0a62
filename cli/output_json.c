/* SPDX-License-Identifier: ISC */
/* output_json.c: for programs. Lists are arrays with one row on a line, everything else is an
 * object. */
#include <stdlib.h>
#include <string.h>

#include "cli/output.h"
#include "cli/text.h"
#include "lib/jsonrpc.h"
#include "lib/utf8.h"

/* jansson escapes the oldest control characters alone. An escape for the others means the same, and
 * no terminal obeys it. The newlines are those of the layout. */
static void put_safe(FILE *f, const char *text)
{
	size_t left = strlen(text), n;
	uint32_t c;

	for (; left > 0; text += n, left -= n) {
		n = utf8_decode(text, left, &c);
		if (n == 0) { /* not from jansson */
			fputc('?', f);
			n = 1;
		} else if (text_is_tricky(c) && c != '\n') {
			fprintf(f, "\\u%04x", (unsigned)c);
		} else {
			fwrite(text, 1, n, f);
		}
	}
}

static void put_value(FILE *f, const json_t *value, size_t flags)
{
	char *text = json_dumps(value, flags | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));

	if (text)
		put_safe(f, text);
	free(text);
}

static void put_row(FILE *f, const struct ctl_column *columns, json_t *row, size_t flags)
{
	json_t *whole = output_complete(columns, row);

	put_value(f, whole, flags);
	json_decref(whole);
}

static void json_rows(const struct output_to *to, const struct ctl_column *columns, json_t *rows)
{
	json_t *row;
	size_t i;

	fputc('[', to->f);
	json_array_foreach (rows, i, row) {
		fputs(i > 0 ? ",\n" : "\n", to->f);
		put_row(to->f, columns, row, JSON_COMPACT);
	}
	fputs(json_array_size(rows) > 0 ? "\n]\n" : "]\n", to->f);
}

static void json_record(const struct output_to *to, const struct ctl_column *columns,
			json_t *record)
{
	put_row(to->f, columns, record, JSON_INDENT(2));
	fputc('\n', to->f);
}

static void json_text(const struct output_to *to, const struct ctl_column *columns, json_t *record)
{
	json_t *copy = jsonrpc_copy(record);

	json_object_del(copy, "text");
	put_row(to->f, columns, copy, JSON_COMPACT);
	fputc('\n', to->f);
	json_decref(copy);
}

static void json_content(const struct output_to *to, json_t *result)
{
	put_value(to->f, result, JSON_INDENT(2));
	fputc('\n', to->f);
}

static void json_follow(const struct output_to *to, const struct ctl_column *columns, json_t *row)
{
	put_row(to->f, columns, row, JSON_COMPACT);
	fputc('\n', to->f);
}

const struct output_format output_json = {
	"json", json_rows, json_record, json_text, json_content, json_follow,
};
