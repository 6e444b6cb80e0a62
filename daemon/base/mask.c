/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "base/mask.h"

#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/wipe.h"

/* Adds the LEN bytes at TEXT before those at AT. */
static int add_line(struct mask *m, size_t at, const char *text, size_t len)
{
	char **v = realloc(m->v, (m->n + 1) * sizeof *v), *value;

	if (!v)
		return ERR_NOMEM;
	m->v = v;
	value = strndup(text, len);
	if (!value)
		return ERR_NOMEM;
	memmove(v + at + 1, v + at, (m->n - at) * sizeof *v);
	v[at] = value;
	m->n++;
	return 0;
}

int mask_add(struct mask *m, const char *value)
{
	size_t len;
	int rc = 0;

	for (const char *p = value; rc == 0 && *p; p += len + strspn(p + len, "\r\n")) {
		len = strcspn(p, "\r\n");
		if (len >= MASK_MIN)
			rc = add_line(m, m->n - m->passing, p, len);
	}
	return rc;
}

/* Takes the value at AT, which is a passing one, out of M, which has it no longer. */
static char *take(struct mask *m, size_t at)
{
	char *value = m->v[at];

	m->n--;
	m->passing--;
	memmove(m->v + at, m->v + at + 1, (m->n - at) * sizeof *m->v);
	return value;
}

int mask_add_passing(struct mask *m, const char *value)
{
	size_t len = value ? strlen(value) : 0;

	if (len < MASK_MIN)
		return 0;
	if (add_line(m, m->n, value, len) < 0)
		return ERR_NOMEM;
	m->passing++;
	for (size_t i = m->n - m->passing; i < m->n - 1; i++) {
		if (strcmp(m->v[i], value) == 0) {
			wipe_free(take(m, i));
			break;
		}
	}
	if (m->passing > MASK_PASSING)
		wipe_free(take(m, m->n - m->passing));
	return 0;
}

int mask_add_env(struct mask *m, char *const *env)
{
	int rc = 0;

	for (; rc == 0 && env && *env; env++) {
		const char *value = strchr(*env, '=');

		if (value)
			rc = mask_add(m, value + 1);
	}
	return rc;
}

int mask_add_headers(struct mask *m, const char *const *lines)
{
	int rc = 0;

	for (; rc == 0 && lines && *lines; lines++) {
		const char *value = *lines + strcspn(*lines, ":"), *space;

		value += strspn(value, ": ");
		space = strchr(value, ' ');
		rc = mask_add(m, value);
		if (rc == 0 && space)
			rc = mask_add(m, space + 1);
	}
	return rc;
}

int mask_add_all(struct mask *m, const struct mask *from)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && from && i < from->n; i++)
		rc = mask_add(m, from->v[i]);
	return rc;
}

/* How many bytes TEXT and VALUE have in common at their beginning. */
static size_t common(const char *value, const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && value[n] && value[n] == text[n])
		n++;
	return n;
}

/* The length of the longest value, or part of a passing one, that TEXT begins with; 0: none. CUT:
 * see mask_here(). */
static size_t match(const struct mask *m, const char *text, size_t len, bool cut)
{
	size_t longest = 0;

	for (size_t i = 0; i < m->n; i++) {
		size_t n = common(m->v[i], text, len);
		bool whole = m->v[i][n] == '\0' || (cut && n == len && len >= MASK_MIN);
		bool part = i >= m->n - m->passing && n >= MASK_PART;

		if (n > longest && (whole || part))
			longest = n;
	}
	return longest;
}

/* Writes the LEN bytes at TEXT to OUT, which may be TEXT, and ends them. Returns the length. */
static size_t write_masked(const struct mask *m, const char *text, size_t len, bool cut, char *out)
{
	/* No value is shorter than the sign. */
	_Static_assert(MASK_MIN >= sizeof MASK_SIGN - 1,
		       "the masked text fits into the size of the text");
	size_t to = 0, n;

	for (size_t i = 0; i < len;) {
		n = match(m, text + i, len - i, cut);
		if (n > 0) {
			memcpy(out + to, MASK_SIGN, sizeof MASK_SIGN - 1);
			to += sizeof MASK_SIGN - 1;
			i += n;
		} else {
			out[to++] = text[i++];
		}
	}
	out[to] = '\0';
	return to;
}

void mask_here(const struct mask *m, char *text, bool cut)
{
	if (m)
		write_masked(m, text, strlen(text), cut, text);
}

void mask_beginning(const struct mask *m, const char *text, size_t len, char begin[MASK_BEGINNING])
{
	size_t n = len < MASK_BEGINNING - 1 ? len : MASK_BEGINNING - 1;

	for (size_t i = 0; i < n; i++)
		begin[i] = text[i] ? text[i] : '?';
	begin[n] = '\0';
	mask_here(m, begin, n < len);
}

char *mask_text(const struct mask *m, const char *text, size_t len, size_t *len_r)
{
	char *masked = malloc(len + 1);

	if (masked)
		*len_r = write_masked(m, text, len, false, masked);
	return masked;
}

void mask_fini(struct mask *m)
{
	for (size_t i = 0; i < m->n; i++)
		wipe_free(m->v[i]);
	free(m->v);
	*m = (struct mask){.n = 0};
}
