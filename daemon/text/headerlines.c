/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "text/headerlines.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/err.h"
#include "text/httpfield.h"

int headerlines_add(struct headerlines *h, const char *name, const char *value)
{
	char **lines;

	if (!value)
		return 0;
	if (!httpfield_value_ok(value))
		return ERR_INVALID;
	lines = realloc(h->lines, (h->n + 2) * sizeof *lines);
	if (!lines)
		return ERR_NOMEM;
	h->lines = lines;
	/* libcurl takes "Name:" for a header that is not to be sent, and "Name;" for an empty one.
	 */
	if (asprintf(&lines[h->n], value[0] != '\0' ? "%s: %s" : "%s;%s", name, value) < 0) {
		lines[h->n] = NULL;
		return ERR_NOMEM;
	}
	lines[++h->n] = NULL;
	return 0;
}

void headerlines_clear(struct headerlines *h)
{
	for (size_t i = 0; i < h->n; i++)
		free(h->lines[i]);
	free(h->lines);
	h->lines = NULL;
	h->n = 0;
}
