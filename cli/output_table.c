/* SPDX-License-Identifier: ISC */
/* output_table.c: for people. */
#include <stdlib.h>
#include <string.h>

#include "cli/output.h"
#include "cli/text.h"

#define GAP	    2 /* columns between two cells */
#define LEAST_WIDTH 6 /* no column is cut to less */
#define LEAST_ID    10
#define MAX_COLUMNS 32

/* A table before it is printed: cells[row * n + column], the titles in row 0. */
struct table {
	const struct ctl_column *columns[MAX_COLUMNS];
	size_t n, rows;
	char **cells;
	size_t width[MAX_COLUMNS];
};

static void choose_columns(struct table *t, const struct ctl_column *columns)
{
	for (; columns && columns->key && t->n < MAX_COLUMNS; columns++) {
		if (!(columns->flags & CTL_COL_HIDE))
			t->columns[t->n++] = columns;
	}
}

static void fill(struct table *t, json_t *rows)
{
	t->rows = json_array_size(rows) + 1;
	t->cells = calloc(t->rows * t->n + 1, sizeof *t->cells);
	for (size_t i = 0; t->cells && i < t->rows * t->n; i++) {
		const struct ctl_column *c = t->columns[i % t->n];
		const json_t *row = i < t->n ? NULL : json_array_get(rows, i / t->n - 1);
		char *cell = row ? output_cell(c, json_object_get(row, c->key)) : strdup(c->title);
		size_t width = cell ? text_width(cell) : 0;

		t->cells[i] = cell;
		if (width > t->width[i % t->n])
			t->width[i % t->n] = width;
	}
}

static size_t total_width(const struct table *t)
{
	size_t total = 0;

	for (size_t i = 0; i < t->n; i++)
		total += t->width[i] + (i > 0 ? GAP : 0);
	return total;
}

/* Takes from the widest column again and again; numbers are never cut. */
static void fit(struct table *t, size_t width)
{
	for (size_t total = total_width(t); total > width; total--) {
		size_t widest = t->n;

		for (size_t i = 0; i < t->n; i++) {
			unsigned flags = t->columns[i]->flags;

			if (flags & CTL_COL_RIGHT ||
			    t->width[i] <= (flags & CTL_COL_ID ? LEAST_ID : LEAST_WIDTH))
				continue;
			if (widest == t->n || t->width[i] > t->width[widest])
				widest = i;
		}
		if (widest == t->n)
			return;
		t->width[widest]--;
	}
}

static void put_padding(FILE *f, size_t n)
{
	while (n-- > 0)
		fputc(' ', f);
}

static void put_cell(FILE *f, const struct table *t, size_t row, size_t column)
{
	char *cell = t->cells[row * t->n + column];
	size_t width, padding;

	if (!cell)
		return;
	text_cut(cell, t->width[column], !(t->columns[column]->flags & CTL_COL_ID));
	width = text_width(cell);
	padding = width < t->width[column] ? t->width[column] - width : 0;
	if (column > 0)
		put_padding(f, GAP);
	if (t->columns[column]->flags & CTL_COL_RIGHT)
		put_padding(f, padding);
	fputs(cell, f);
	if (!(t->columns[column]->flags & CTL_COL_RIGHT) && column + 1 < t->n)
		put_padding(f, padding);
}

static void table_rows(const struct output_to *to, const struct ctl_column *columns, json_t *rows)
{
	struct table t = {.n = 0};

	choose_columns(&t, columns);
	fill(&t, rows);
	if (to->terminal && to->width > 0)
		fit(&t, to->width);
	for (size_t row = 0; t.cells && row < t.rows; row++) {
		for (size_t column = 0; column < t.n; column++)
			put_cell(to->f, &t, row, column);
		fputc('\n', to->f);
	}
	for (size_t i = 0; t.cells && i < t.rows * t.n; i++)
		free(t.cells[i]);
	free(t.cells);
}

static const struct ctl_column *find_column(const struct ctl_column *columns, const char *key)
{
	for (; columns && columns->key; columns++) {
		if (strcmp(columns->key, key) == 0)
			return columns;
	}
	return NULL;
}

/* What a member is called: its title in small letters, or its key. malloc'd; NULL on lack of
 * memory. */
static char *make_label(const struct ctl_column *c, const char *key)
{
	char *label = text_escape(c ? c->title : key, "");

	for (char *p = c ? label : NULL; p && *p; p++)
		*p = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
	return label;
}

static void put_label(FILE *f, const char *label, size_t width)
{
	size_t n = text_width(label);

	fputs(label, f);
	put_padding(f, width > n ? width - n : 0);
}

/* The widest label of those in RECORD. */
static size_t label_width(const struct ctl_column *columns, json_t *record)
{
	const char *key;
	json_t *value;
	size_t width = 0;

	json_object_foreach (record, key, value) {
		char *label = make_label(find_column(columns, key), key);
		size_t n = label ? text_width(label) : 0;

		width = n > width ? n : width;
		free(label);
	}
	return width;
}

static void table_record(const struct output_to *to, const struct ctl_column *columns,
			 json_t *record)
{
	json_t *whole = output_complete(columns, record), *value;
	size_t width = label_width(columns, whole);
	const char *key;

	json_object_foreach (whole, key, value) {
		const struct ctl_column *c = find_column(columns, key);
		char *label = make_label(c, key), *cell = output_cell(c, value);

		if (label && cell && !(c && c->flags & CTL_COL_HIDE)) {
			put_label(to->f, label, width + GAP);
			fprintf(to->f, "%s\n", cell);
		}
		free(label);
		free(cell);
	}
	json_decref(whole);
}

/* Text of several lines. On a terminal nothing but characters gets through. */
static void put_block(const struct output_to *to, const char *text)
{
	char *safe = to->terminal ? text_escape(text, "\n\t") : NULL;
	size_t len;

	if (safe)
		text = safe;
	len = strlen(text);
	fputs(text, to->f);
	if (len == 0 || text[len - 1] != '\n')
		fputc('\n', to->f);
	free(safe);
}

static void table_text(const struct output_to *to, const struct ctl_column *columns, json_t *record)
{
	const char *text = json_string_value(json_object_get(record, "text"));

	(void)columns;
	if (text)
		put_block(to, text);
}

static const char *member(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

/* What is no text is named, not printed. */
static void put_content(const struct output_to *to, const json_t *block)
{
	const char *type = member(block, "type");
	const json_t *resource = json_object_get(block, "resource");
	const char *text = json_string_value(json_object_get(resource ? resource : block, "text"));
	const char *uri = member(resource ? resource : block, "uri");
	char line[512];

	if (text && (strcmp(type, "text") == 0 || resource)) {
		put_block(to, text);
		return;
	}
	if (*uri)
		snprintf(line, sizeof line, "[%s: %s]", type, uri);
	else
		snprintf(line, sizeof line, "[%s: %s, %zu bytes of base64]", type,
			 member(block, "mimeType"), strlen(member(block, "data")));
	put_block(to, line);
}

static void table_content(const struct output_to *to, json_t *result)
{
	json_t *content = json_object_get(result, "content");
	json_t *structured = json_object_get(result, "structuredContent");
	json_t *block;
	size_t i;
	char *dump;

	json_array_foreach (content, i, block)
		put_content(to, block);
	if (json_array_size(content) > 0 || !structured)
		return;
	dump = json_dumps(structured, JSON_INDENT(2) | JSON_ENCODE_ANY);
	put_block(to, dump ? dump : "");
	free(dump);
}

static void put_escaped(FILE *f, const char *before, const json_t *row, const char *key)
{
	char *text = text_escape(member(row, key), "");

	fprintf(f, "%s%s", before, text ? text : "");
	free(text);
}

/* The line as the log has it, with the time where a person looks at it. */
static void table_follow(const struct output_to *to, const struct ctl_column *columns, json_t *row)
{
	static const char *const scope[] = {"session", "user", "backend", "reason"};
	const char *level = member(row, "level");
	char buf[32];

	(void)columns;
	if (to->terminal)
		fprintf(to->f, "%s ",
			text_time(buf, sizeof buf,
				  json_integer_value(json_object_get(row, "time_ms"))));
	if (strcmp(level, "error") == 0 || strcmp(level, "warning") == 0)
		fprintf(to->f, "%s: ", level);
	put_escaped(to->f, "", row, "text");
	for (size_t i = 0; !json_is_true(json_object_get(row, "lifecycle")) && i < 4; i++) {
		if (*member(row, scope[i])) {
			fprintf(to->f, " %s", scope[i]);
			put_escaped(to->f, "=", row, scope[i]);
		}
	}
	fputc('\n', to->f);
}

const struct output_format output_table = {
	"table", table_rows, table_record, table_text, table_content, table_follow,
};
