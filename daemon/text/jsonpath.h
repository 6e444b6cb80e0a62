/* SPDX-License-Identifier: ISC */
/* jsonpath.h: the way to a value inside a JSON text, for messages: "mcpServers.files.args[2]". */
#ifndef MCPD_JSONPATH_H
#define MCPD_JSONPATH_H

#include <stddef.h>

/* A path that does not fit is cut, because it is only for messages. */
struct jsonpath {
	size_t len;
	char text[320]; /* always terminated; "" is the whole */
};

/* Goes one member or one element down. jsonpath_up() with the mark that is returned goes back. */
size_t jsonpath_down(struct jsonpath *p, const char *key);
size_t jsonpath_down_index(struct jsonpath *p, size_t index);
void jsonpath_up(struct jsonpath *p, size_t mark);

#endif
