/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "text/challenge.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_VALUE 2048 /* bytes of one parameter; longer ones count as empty */

/* RFC 9110 section 5.6.2, and "/" for what is left of a token68. */
static bool is_tchar(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~/", c));
}

/* A token or a quoted string at *AT into BUF; *AT moves behind it. */
static void read_value(const char **at, char buf[MAX_VALUE])
{
	const char *p = *at;
	bool quoted = *p == '"';
	size_t n = 0;

	p += quoted;
	while (*p && (quoted ? *p != '"' : is_tchar(*p))) {
		if (quoted && *p == '\\' && p[1])
			p++;
		if (n < MAX_VALUE)
			buf[n++] = *p;
		p++;
	}
	buf[n < MAX_VALUE ? n : 0] = '\0';
	*at = p + (quoted && *p == '"');
}

/* The words of TEXT with one space between, in place. "" where it has what no scope has (RFC 6749
 * section 3.3). */
static void tidy(char *text)
{
	char *to = text;

	for (const char *p = text; *p; p++) {
		if (*p < 0x20 || *p > 0x7e || *p == '"' || *p == '\\') {
			*text = '\0';
			return;
		}
	}
	for (const char *p = text; *p; p++) {
		if (*p != ' ' || (to > text && p[1] != ' ' && p[1] != '\0'))
			*to++ = *p;
	}
	*to = '\0';
}

/* The members of a challenge (RFC 9110 section 11.6.1), as far as they were read. */
struct reading {
	bool insufficient;
	char scope[MAX_VALUE];
};

static void take(struct reading *r, const char *name, size_t len, const char *value)
{
	if (len == 5 && strncasecmp(name, "error", len) == 0)
		r->insufficient = strcmp(value, "insufficient_scope") == 0;
	else if (len == 5 && strncasecmp(name, "scope", len) == 0)
		strcpy(r->scope, value);
}

char *challenge_scope(const char *value)
{
	struct reading r = {.insufficient = false};
	char text[MAX_VALUE];
	const char *at = value;

	for (;;) {
		const char *name;
		size_t len = 0;

		at += strspn(at, " \t,");
		name = at;
		while (is_tchar(name[len]))
			len++;
		at += len + strspn(at + len, " \t");
		if (len > 0 && *at == '=') {
			at++;
			at += strspn(at, " \t");
			read_value(&at, text);
			take(&r, name, len, text);
		} else if (len > 0 && !r.insufficient) {
			r = (struct reading){.insufficient =
						     false}; /* the scheme of the next one */
		} else if (len > 0 || *at == '\0') {
			break;
		} else {
			at++; /* what belongs to no challenge */
		}
	}
	tidy(r.scope);
	return r.insufficient ? strdup(r.scope) : NULL;
}
