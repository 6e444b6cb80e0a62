/* SPDX-License-Identifier: ISC */
/* output.h: prints the results of commands, for people (table) or for programs (json, kv).
 *
 * The shape depends on the command and the format alone, never on how many rows there are. */
#ifndef MCPCTL_OUTPUT_H
#define MCPCTL_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "lib/ctlspec.h"

/* Where it goes. */
struct output_to {
	FILE *f;
	bool terminal; /* cut lines to WIDTH, and make control characters visible */
	size_t width;
};

/* A format. Everything is borrowed. COLUMNS may be NULL (none). What cannot be written shows in
 * ferror(to->f). */
struct output_format {
	const char *name;
	void (*rows)(const struct output_to *to, const struct ctl_column *columns, json_t *rows);
	void (*record)(const struct output_to *to, const struct ctl_column *columns,
		       json_t *record);
	/* RECORD without its "text" for programs, the "text" alone for people. */
	void (*text)(const struct output_to *to, const struct ctl_column *columns, json_t *record);
	/* The result of an MCP tool. */
	void (*content)(const struct output_to *to, json_t *result);
	/* One of the rows that come as they happen. */
	void (*follow)(const struct output_to *to, const struct ctl_column *columns, json_t *row);
};

extern const struct output_format output_table, output_json, output_kv;

/* The format called NAME; NULL if there is none. */
const struct output_format *output_find(const char *name);
/* Standard output as it is now. */
struct output_to output_stdout(void);

/* What COLUMNS say, in their order and null where it is missing, then whatever else ROW has. A new
 * reference; NULL on lack of memory. */
json_t *output_complete(const struct ctl_column *columns, json_t *row);
/* VALUE as one line for people, with units where COLUMN (may be NULL) has them; "-" for nothing.
 * Escaped. malloc'd; NULL on lack of memory. */
char *output_cell(const struct ctl_column *column, const json_t *value);

#endif
