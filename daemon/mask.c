#include "autoconf.h"

#include "mask.h"

#include <stdlib.h>
#include <string.h>

#include "err.h"

static int add_line(struct mask *m, const char *text, size_t len)
{
	char **v = realloc(m->v, (m->n + 1) * sizeof *v);

	if (!v)
		return ERR_NOMEM;
	m->v = v;
	m->v[m->n] = strndup(text, len);
	if (!m->v[m->n])
		return ERR_NOMEM;
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
			rc = add_line(m, p, len);
	}
	return rc;
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

int mask_add_all(struct mask *m, const struct mask *from)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && from && i < from->n; i++)
		rc = mask_add(m, from->v[i]);
	return rc;
}

/* The length of the longest value that TEXT begins with; 0: none. */
static size_t match(const struct mask *m, const char *text, size_t len)
{
	size_t longest = 0;

	for (size_t i = 0; i < m->n; i++) {
		size_t n = m->v[i][0] == text[0] ? strlen(m->v[i]) : 0;

		if (n > longest && n <= len && memcmp(m->v[i], text, n) == 0)
			longest = n;
	}
	return longest;
}

char *mask_text(const struct mask *m, const char *text, size_t len, size_t *len_r)
{
	/* No value is shorter than the sign. */
	_Static_assert(MASK_MIN >= sizeof MASK_SIGN - 1, "the masked text fits into the size of the text");
	char *masked = malloc(len + 1);
	size_t out = 0, n;

	if (!masked)
		return NULL;
	for (size_t i = 0; i < len;) {
		n = match(m, text + i, len - i);
		if (n > 0) {
			memcpy(masked + out, MASK_SIGN, sizeof MASK_SIGN - 1);
			out += sizeof MASK_SIGN - 1;
			i += n;
		} else {
			masked[out++] = text[i++];
		}
	}
	masked[out] = '\0';
	*len_r = out;
	return masked;
}

void mask_fini(struct mask *m)
{
	for (size_t i = 0; i < m->n; i++) {
		explicit_bzero(m->v[i], strlen(m->v[i]));
		free(m->v[i]);
	}
	free(m->v);
	*m = (struct mask){.n = 0};
}
