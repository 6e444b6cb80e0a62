/* SPDX-License-Identifier: ISC */
/* output_kv.c: for shell scripts. key=value lines with the value quoted for sh(1) where it needs to
 * be; an empty line ends each record. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/output.h"
#include "cli/text.h"
#include "lib/jsonrpc.h"

/* Single quotes protect everything but themselves. */
static void put_quoted(FILE *f, const char *s)
{
	if (*s == '\0' ||
	    strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,+@%") <
		    strlen(s)) {
		fputc('\'', f);
		for (; *s; s++) {
			if (*s == '\'')
				fputs("'\\''", f);
			else
				fputc(*s, f);
		}
		fputc('\'', f);
	} else {
		fputs(s, f);
	}
}

static void put_key(FILE *f, const char *key)
{
	/* What eval would read must be a name. */
	if (isdigit((unsigned char)*key))
		fputc('_', f);
	for (; *key; key++)
		fputc(isalnum((unsigned char)*key) ? *key : '_', f);
}

/* In a pipe a string stays what it is; a terminal must not see what it would obey. */
static void put_string(const struct output_to *to, const char *s)
{
	char *safe = to->terminal ? text_escape(s, "") : NULL;

	put_quoted(to->f, safe ? safe : s);
	free(safe);
}

static void put_value(const struct output_to *to, const json_t *value)
{
	FILE *f = to->f;
	char *dump;

	if (json_is_string(value)) {
		put_string(to, json_string_value(value));
	} else if (json_is_null(value)) {
		put_quoted(f, "");
	} else {
		dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
		put_string(to, dump ? dump : "");
		free(dump);
	}
}

static void kv_record(const struct output_to *to, const struct ctl_column *columns, json_t *record)
{
	json_t *whole = output_complete(columns, record), *value;
	const char *key;

	json_object_foreach (whole, key, value) {
		put_key(to->f, key);
		fputc('=', to->f);
		put_value(to, value);
		fputc('\n', to->f);
	}
	fputc('\n', to->f);
	json_decref(whole);
}

static void kv_rows(const struct output_to *to, const struct ctl_column *columns, json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach (rows, i, row)
		kv_record(to, columns, row);
}

static void kv_text(const struct output_to *to, const struct ctl_column *columns, json_t *record)
{
	json_t *copy = jsonrpc_copy(record);

	json_object_del(copy, "text");
	kv_record(to, columns, copy);
	json_decref(copy);
}

static void kv_content(const struct output_to *to, json_t *result)
{
	kv_record(to, NULL, result);
}

const struct output_format output_kv = {
	"kv", kv_rows, kv_record, kv_text, kv_content, kv_record,
};
