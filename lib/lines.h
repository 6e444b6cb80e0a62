/* SPDX-License-Identifier: ISC */
/* lines.h: newline framing over an evbuffer (stdio MCP, the control protocol).
 *
 * A line ends with LF; a CR before it is dropped. A line over the limit is thrown away as it
 * arrives (memory stays bounded) and reported once. Each byte is scanned once. */
#ifndef MCPD_LINES_H
#define MCPD_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct evbuffer;

struct lines {
	size_t max;	 /* longest line accepted, in bytes, without the newline */
	size_t scanned;	 /* how much of the buffer is known to hold no newline */
	bool discarding; /* inside a line that was too long */
	char begin[128]; /* of the latest line that was too long */
	size_t begin_len;
};

enum lines_result { LINES_MORE, LINES_GOT, LINES_TOO_LONG, LINES_NOMEM };

void lines_init(struct lines *l, size_t max);

/* Takes the next line out of IN. LINES_GOT: *line_r is malloc'd, terminated, *len_r its length (it
 * may hold NUL bytes). LINES_MORE: no whole line yet. LINES_TOO_LONG: a line began to be discarded;
 * call again. */
enum lines_result lines_next(struct lines *l, struct evbuffer *in, char **line_r, size_t *len_r);

#endif
