/* SPDX-License-Identifier: ISC */
#include "base/nearest.h"

#include <string.h>
#include <strings.h>

#define LONGEST 64 /* bytes of a name, with its NUL */
#define TOO_FAR 3  /* letters: a name so far away is another word */

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* The distance of Levenshtein, by one row of the matrix at a time. */
static size_t distance(const char *a, const char *b)
{
	size_t row[LONGEST], la = strlen(a), lb = strlen(b);

	if (la >= LONGEST || lb >= LONGEST)
		return LONGEST;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t above = row[j];

			row[j] = min3(above + 1, row[j - 1] + 1,
				      diagonal + (a[i - 1] != b[j - 1] ? 1 : 0));
			diagonal = above;
		}
	}
	return row[lb];
}

struct nearest nearest_begin(const char *wanted)
{
	return (struct nearest){.wanted = wanted, .distance = TOO_FAR};
}

void nearest_look(struct nearest *n, const char *name)
{
	size_t la = strlen(name), lb = strlen(n->wanted), d;

	if ((la > lb ? la - lb : lb - la) >= n->distance)
		return;
	d = strcasecmp(name, n->wanted) == 0 ? 0 : distance(name, n->wanted);
	if (d >= n->distance)
		return;
	n->distance = d;
	n->found = name;
}
