/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "text/jsonpath.h"

#include <stdio.h>
#include <string.h>

#include "lib/log.h"

static size_t append(struct jsonpath *p, const char *before, const char *step, const char *after)
{
	size_t mark = p->len;
	int n = snprintf(p->text + p->len, sizeof p->text - p->len, "%s%s%s", before, step, after);

	p->len += n < 0 ? 0 : (size_t)n;
	if (p->len >= sizeof p->text)
		p->len = sizeof p->text - 1;
	return mark;
}

size_t jsonpath_down(struct jsonpath *p, const char *key)
{
	char plain[80];

	log_escape(plain, sizeof plain, key, strlen(key));
	if (plain[0] == '\0' || strpbrk(plain, " .[]\"\\") != NULL)
		return append(p, "[\"", plain, "\"]");
	return append(p, p->len > 0 ? "." : "", plain, "");
}

size_t jsonpath_down_index(struct jsonpath *p, size_t index)
{
	char number[24];

	snprintf(number, sizeof number, "%zu", index);
	return append(p, "[", number, "]");
}

void jsonpath_up(struct jsonpath *p, size_t mark)
{
	p->len = mark;
	p->text[mark] = '\0';
}
