/* SPDX-License-Identifier: ISC */
#include "cli/output.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/text.h"

const struct output_format *output_find(const char *name)
{
	static const struct output_format *const all[] = {&output_table, &output_json, &output_kv};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	}
	return NULL;
}

struct output_to output_stdout(void)
{
	struct output_to to = {.f = stdout, .terminal = isatty(STDOUT_FILENO)};
	struct winsize ws;

	if (to.terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0)
		to.width = ws.ws_col;
	return to;
}

json_t *output_complete(const struct ctl_column *columns, json_t *row)
{
	json_t *whole = json_object();

	for (const struct ctl_column *c = columns; whole && c && c->key; c++) {
		json_t *value = json_object_get(row, c->key);

		json_object_set_new(whole, c->key, value ? json_incref(value) : json_null());
	}
	json_object_update_missing(whole, row);
	return whole;
}

/* A value without structure. BUF must take any number. */
static const char *scalar_text(const json_t *value, char *buf, size_t size)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return json_string_value(value);
	case JSON_INTEGER:
		snprintf(buf, size, "%lld", (long long)json_integer_value(value));
		return buf;
	case JSON_REAL:
		snprintf(buf, size, "%.10g", json_real_value(value));
		return buf;
	case JSON_TRUE:
		return "yes";
	case JSON_FALSE:
		return "no";
	case JSON_NULL:
	case JSON_OBJECT:
	case JSON_ARRAY:
		break;
	}
	return "";
}

static bool is_flat(const json_t *value)
{
	return !json_is_object(value) && !json_is_array(value);
}

static void put_structure(FILE *f, const json_t *value);

static void put_member(FILE *f, const char *before, const char *key, const json_t *value)
{
	char buf[64];

	fputs(before, f);
	if (key)
		fprintf(f, "%s: ", key);
	if (is_flat(value)) {
		fputs(scalar_text(value, buf, sizeof buf), f);
		return;
	}
	if (json_object_size(value) + json_array_size(value) == 0) {
		fputs("none", f);
		return;
	}
	fputc('(', f);
	put_structure(f, value);
	fputc(')', f);
}

/* Lists and objects without their brackets, and what is inside of them in parentheses: "ready: 2,
 * failed: 1", "write: (value: (/tmp), enforced: yes)". Empty strings are left out: they say nothing
 * to people. */
static void put_structure(FILE *f, const json_t *value)
{
	const char *key, *before = "";
	json_t *item;
	size_t i;

	json_object_foreach ((json_t *)(uintptr_t)value, key, item) {
		if (json_is_string(item) && json_string_length(item) == 0)
			continue;
		put_member(f, before, key, item);
		before = ", ";
	}
	json_array_foreach (value, i, item) {
		put_member(f, before, NULL, item);
		before = ", ";
	}
}

/* Numbers with units. NULL: COLUMN has none. */
static const char *unit_text(const struct ctl_column *column, const json_t *value, char *buf,
			     size_t size)
{
	if (!column || !json_is_integer(value))
		return NULL;
	switch (column->type) {
	case CTL_COL_DURATION:
		return text_duration(buf, size, json_integer_value(value));
	case CTL_COL_BYTES:
		return text_bytes(buf, size, json_integer_value(value));
	case CTL_COL_TIME:
		return text_time(buf, size, json_integer_value(value));
	case CTL_COL_STRING:
	case CTL_COL_INTEGER:
	case CTL_COL_BOOLEAN:
	case CTL_COL_JSON:
		break;
	}
	return NULL;
}

/* TEXT escaped, with blanks for the newlines of a description. */
static char *one_line(const char *text)
{
	char *escaped = text_escape(text, "\n\t");

	for (char *p = escaped; p && *p; p++)
		*p = *p == '\n' || *p == '\t' ? ' ' : *p;
	return escaped;
}

char *output_cell(const struct ctl_column *column, const json_t *value)
{
	char buf[64], *text = NULL, *escaped;
	const char *unit = unit_text(column, value, buf, sizeof buf);
	size_t size;
	FILE *f;

	if (!value || json_is_null(value))
		return strdup("-");
	if (unit)
		return strdup(unit);
	if (is_flat(value)) {
		escaped = one_line(scalar_text(value, buf, sizeof buf));
	} else {
		f = open_memstream(&text, &size);
		if (!f)
			return NULL;
		put_structure(f, value);
		fclose(f);
		escaped = text ? one_line(text) : NULL;
		free(text);
	}
	if (escaped && *escaped == '\0') {
		free(escaped);
		return strdup("-");
	}
	return escaped;
}
