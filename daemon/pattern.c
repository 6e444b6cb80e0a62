#include "autoconf.h"

#include "pattern.h"

#include <ctype.h>
#include <regex.h>
#include <stdbool.h>
#include <string.h>

#define FLAGS (REG_EXTENDED | REG_NOSUB)

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

static int check_dialect(const char *pattern, struct err *e)
{
	const char *p = pattern;

	while (*p != '\0') {
		if (*p == '[') {
			p = skip_brackets(p);
			if (p == NULL)
				return err_set(
					e, ERR_INVALID,
					"a backslash inside [] is an ordinary character in POSIX: "
					"write \"]\" first and \"-\" last instead");
			continue;
		}
		if (p[0] == '\\' && isalnum((unsigned char)p[1]))
			return err_set(
				e, ERR_INVALID,
				"\"\\%c\" is not POSIX: write [0-9], [[:alnum:]_] or [[:space:]]",
				p[1]);
		if (p[0] == '(' && p[1] == '?')
			return err_set(e, ERR_INVALID,
				       "\"(?\" is not POSIX: use plain parentheses");
		p += p[0] == '\\' && p[1] != '\0' ? 2 : 1;
	}
	return 0;
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
