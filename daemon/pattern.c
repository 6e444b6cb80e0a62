#include "autoconf.h"

#include "pattern.h"

#include <ctype.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define FLAGS	   (REG_EXTENDED | REG_NOSUB)
#define MAX_WEIGHT 10000
#define MAX_GROUPS 32

static int fail(int why, const regex_t *compiled, struct err *e)
{
	char text[120];

	if (why == REG_ESPACE)
		return err_set(e, ERR_NOMEM, "out of memory");
	regerror(why, compiled, text, sizeof(text));
	return err_set(e, ERR_INVALID, "not a POSIX extended regular expression: %s", text);
}

/* The character after the bracket expression that begins at AT; NULL where a backslash is inside:
 * an ordinary character in POSIX, an escape in ECMA-262. */
static const char *skip_brackets(const char *at)
{
	const char *p = at + 1 + (at[1] == '^');

	if (*p == ']')
		p++;
	while (*p != '\0' && *p != ']') {
		if (*p == '\\')
			return NULL;
		if (*p == '[' && p[1] != '\0' && strchr(":.=", p[1]) != NULL) {
			const char *close = strchr(p + 2, ']');

			if (close != NULL)
				p = close;
		}
		p++;
	}
	return *p == ']' ? p + 1 : p;
}

/* How far a pattern is read, and how large it is once its repetitions are written out, which is
 * what regcomp() does with them. */
struct scan {
	const char *p;
	unsigned depth;
	size_t weight[MAX_GROUPS + 1]; /* of each open group */
	size_t last;		       /* of what a quantifier would repeat; 0: nothing */
};

/* Reads a quantifier; in *TIMES_R the copies of what it repeats. Returns whether it is one. */
static bool quantifier(const char **p, size_t *times_r)
{
	unsigned least, most;
	int n = 0;

	*times_r = **p == '+' ? 2 : 1;
	if (**p != '{') {
		++*p;
		return true;
	}
	if (!isdigit((unsigned char)(*p)[1]) || strspn(*p, "{0123456789,}") < 3)
		return false;
	if (sscanf(*p, "{%4u}%n", &least, &n) == 1 && n > 0)
		most = least;
	else if (sscanf(*p, "{%4u,}%n", &least, &n) == 1 && n > 0)
		most = least + 1;
	else if (sscanf(*p, "{%4u,%4u}%n", &least, &most, &n) != 2 || n == 0)
		return false;
	*times_r = most > 1 ? most : 1;
	*p += n;
	return true;
}

static int repeat(struct scan *s, struct err *e)
{
	char what = *s->p;
	size_t times;

	if (s->last == 0)
		return err_set(e, ERR_INVALID, "nothing that \"%c\" could repeat", what);
	if (!quantifier(&s->p, &times))
		return err_set(e, ERR_INVALID,
			       "expected {N}, {N,} or {N,M} with numbers up to 9999: write \"\\{\" "
			       "for the character");
	s->weight[s->depth] += s->last * (times - 1);
	s->last = 0; /* what follows a quantifier is another thing in ECMA-262 */
	return 0;
}

/* A group opens, closes, or has an alternative. */
static int group(struct scan *s, struct err *e)
{
	char what = *s->p++;

	if (what == '(' && *s->p == '?')
		return err_set(e, ERR_INVALID, "\"(?\" is not POSIX: use plain parentheses");
	s->last = 0;
	if (what == '(') {
		if (s->depth == MAX_GROUPS)
			return err_set(e, ERR_INVALID, "more than %d groups inside each other",
				       MAX_GROUPS);
		s->weight[++s->depth] = 0;
	} else if (what == ')' && s->depth > 0) {
		s->last = s->weight[s->depth--] + 1;
		s->weight[s->depth] += s->last;
	}
	return 0;
}

/* A character, one that is escaped, or a bracket expression. */
static int atom(struct scan *s, struct err *e)
{
	const char *p = s->p;

	if (p[0] == '\\' && isalnum((unsigned char)p[1]))
		return err_set(e, ERR_INVALID,
			       "\"\\%c\" is not POSIX: write [0-9], [[:alnum:]_] or [[:space:]]",
			       p[1]);
	s->p = *p == '[' ? skip_brackets(p) : p + (p[0] == '\\' && p[1] != '\0' ? 2 : 1);
	if (s->p == NULL)
		return err_set(e, ERR_INVALID,
			       "a backslash inside [] is an ordinary character in POSIX: write "
			       "\"]\" first and \"-\" last instead");
	s->last = *p != '^' && *p != '$';
	s->weight[s->depth] += s->last;
	return 0;
}

static int check_dialect(const char *pattern, struct err *e)
{
	struct scan s = {.p = pattern};
	int rc = 0;

	while (rc == 0 && *s.p != '\0') {
		rc = strchr("*+?{", *s.p)  ? repeat(&s, e)
		     : strchr("()|", *s.p) ? group(&s, e)
					   : atom(&s, e);
		if (rc == 0 && s.weight[s.depth] > MAX_WEIGHT)
			rc = err_set(e, ERR_INVALID,
				     "too large: repetitions count by their number");
	}
	return rc;
}

int pattern_check(const char *pattern, struct err *e)
{
	regex_t compiled;
	int rc = check_dialect(pattern, e), why;

	if (rc != 0)
		return rc;
	why = regcomp(&compiled, pattern, FLAGS);
	if (why != 0)
		return fail(why, &compiled, e);
	regfree(&compiled);
	return 0;
}

int pattern_match(const char *pattern, const char *text, size_t len, struct err *e)
{
	regex_t compiled;
	int why;

	if (len > PATTERN_MAX_TEXT)
		return err_set(e, ERR_INVALID, "is too long");
	if (memchr(text, '\0', len) != NULL)
		return err_set(e, ERR_INVALID, "contains a NUL byte");
	why = regcomp(&compiled, pattern, FLAGS);
	if (why != 0)
		return fail(why, &compiled, e);
	why = regexec(&compiled, text, 0, NULL, 0);
	regfree(&compiled);
	if (why == 0)
		return 0;
	if (why != REG_NOMATCH)
		return err_set(e, ERR_NOMEM, "out of memory");
	return err_set(e, ERR_INVALID, "does not match %s", pattern);
}
