/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "text/pattern_ecma.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* WhiteSpace and LineTerminator of ECMA-262, sections 12.2 and 12.3, as the inside of a class, and
 * all others. */
#define SPACES                                                                                     \
	"\\x09-\\x0d\\x20\\xa0\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}"    \
	"\\x{3000}\\x{feff}"
#define OTHERS                                                                                     \
	"\\x{0}-\\x08\\x0e-\\x1f\\x21-\\x9f\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-"         \
	"\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{d7ff}"    \
	"\\x{e000}-\\x{fefe}\\x{ff00}-\\x{10ffff}"
#define NOT_LINE_END "[^\\n\\r\\x{2028}\\x{2029}]"

struct reader {
	const char *p, *end;
	bool in_class;
	bool repeatable; /* a quantifier may follow */
	char *out;
	size_t len, size;
	bool nomem, refers;
	struct err *e;
};

static void put(struct reader *r, const char *text, size_t len)
{
	if (r->len + len >= r->size) {
		size_t size = 2 * (r->len + len) + 64;
		char *grown = realloc(r->out, size);

		if (!grown) {
			r->nomem = true;
			return;
		}
		r->out = grown;
		r->size = size;
	}
	memcpy(r->out + r->len, text, len);
	r->len += len;
}

static void put_text(struct reader *r, const char *text)
{
	put(r, text, strlen(text));
}

static void put_code(struct reader *r, unsigned long code)
{
	char text[24];

	snprintf(text, sizeof text, "\\x{%lx}", code);
	put_text(r, text);
}

static char peek(const struct reader *r, size_t ahead)
{
	return r->p + ahead < r->end ? r->p[ahead] : '\0';
}

static bool starts(const struct reader *r, const char *text)
{
	size_t len = strlen(text);

	return (size_t)(r->end - r->p) >= len && memcmp(r->p, text, len) == 0;
}

/* ---- escapes ---- */

/* Reads COUNT hexadecimal digits at AHEAD. False where they are not there. */
static bool hex(const struct reader *r, size_t ahead, size_t count, unsigned long *code_r)
{
	char digits[8] = "";

	for (size_t i = 0; i < count; i++) {
		digits[i] = peek(r, ahead + i);
		if (!isxdigit((unsigned char)digits[i]))
			return false;
	}
	*code_r = strtoul(digits, NULL, 16);
	return true;
}

/* "\u{X}", up to six digits. The length of all of it; 0: it is none. */
static size_t braced(const struct reader *r, unsigned long *code_r)
{
	size_t n = 0;

	while (n < 7 && isxdigit((unsigned char)peek(r, 3 + n)))
		n++;
	if (peek(r, 2) != '{' || n == 0 || n > 6 || peek(r, 3 + n) != '}' ||
	    !hex(r, 3, n, code_r) || *code_r > 0x10ffff)
		return 0;
	return n + 4;
}

/* "\uXXXX", "\uD83D\uDE00" (one character) and "\u{X}". */
static int unicode(struct reader *r)
{
	unsigned long code, low;
	size_t n = 6;

	if (!hex(r, 2, 4, &code)) {
		n = braced(r, &code);
		if (n == 0)
			return err_set(r->e, ERR_INVALID,
				       "\"\\u\" needs four digits, or \"{\" digits \"}\"");
	} else if (code >= 0xd800 && code < 0xdc00 && peek(r, 6) == '\\' && peek(r, 7) == 'u' &&
		   hex(r, 8, 4, &low) && low >= 0xdc00 && low < 0xe000) {
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
		n = 12;
	}
	if (code >= 0xd800 && code < 0xe000)
		return err_set(r->e, ERR_INVALID, "half of a surrogate pair is no character");
	put_code(r, code);
	r->p += n;
	return 0;
}

/* The general categories by their long names (UAX 44, table 12), which PCRE2 has short ones for. */
static const struct {
	const char *name, *category;
} categories[] = {
	{"Any", "Any"},
	{"Cased_Letter", "L&"},
	{"LC", "L&"},
	{"Close_Punctuation", "Pe"},
	{"Connector_Punctuation", "Pc"},
	{"Control", "Cc"},
	{"Currency_Symbol", "Sc"},
	{"Dash_Punctuation", "Pd"},
	{"Decimal_Number", "Nd"},
	{"Enclosing_Mark", "Me"},
	{"Final_Punctuation", "Pf"},
	{"Format", "Cf"},
	{"Initial_Punctuation", "Pi"},
	{"Letter", "L"},
	{"Letter_Number", "Nl"},
	{"Line_Separator", "Zl"},
	{"Lowercase_Letter", "Ll"},
	{"Mark", "M"},
	{"Combining_Mark", "M"},
	{"Math_Symbol", "Sm"},
	{"Modifier_Letter", "Lm"},
	{"Modifier_Symbol", "Sk"},
	{"Nonspacing_Mark", "Mn"},
	{"Number", "N"},
	{"Open_Punctuation", "Ps"},
	{"Other", "C"},
	{"Other_Letter", "Lo"},
	{"Other_Number", "No"},
	{"Other_Punctuation", "Po"},
	{"Other_Symbol", "So"},
	{"Paragraph_Separator", "Zp"},
	{"Private_Use", "Co"},
	{"Punctuation", "P"},
	{"Separator", "Z"},
	{"Space_Separator", "Zs"},
	{"Spacing_Mark", "Mc"},
	{"Surrogate", "Cs"},
	{"Symbol", "S"},
	{"Titlecase_Letter", "Lt"},
	{"Unassigned", "Cn"},
	{"Uppercase_Letter", "Lu"},
};

static const char *short_name(const char *name)
{
	for (size_t i = 0; i < sizeof categories / sizeof categories[0]; i++)
		if (strcmp(name, categories[i].name) == 0)
			return categories[i].category;
	return name;
}

/* "\p{Letter}", "\p{gc=Lu}", "\p{Script=Greek}", "\P{...}". */
static int property(struct reader *r)
{
	static const char *const prefixes[] = {"General_Category=", "gc="};
	const char *close = memchr(r->p, '}', (size_t)(r->end - r->p));
	char name[64];
	size_t len, skip = 0;

	if (peek(r, 2) != '{' || !close || (len = (size_t)(close - r->p) - 3) >= sizeof name)
		return err_set(r->e, ERR_INVALID, "\"\\%c\" needs a property: \"\\%c{Letter}\"",
			       r->p[1], r->p[1]);
	memcpy(name, r->p + 3, len);
	name[len] = '\0';
	for (size_t i = 0; i < 2; i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			skip = strlen(prefixes[i]);
	put(r, r->p, 3);
	put_text(r, short_name(name + skip));
	put_text(r, "}");
	r->p = close + 1;
	return 0;
}

/* "\1": of a group that has to be there, which PCRE2 checks. */
static int reference(struct reader *r)
{
	char text[24];
	unsigned n = 0;

	if (r->in_class)
		return err_set(r->e, ERR_INVALID, "\"\\%c\" stands inside []", r->p[1]);
	for (r->p++; isdigit((unsigned char)peek(r, 0)) && n < 1000; r->p++)
		n = 10 * n + (unsigned)(*r->p - '0');
	snprintf(text, sizeof text, "\\g{%u}", n);
	put_text(r, text);
	r->refers = true;
	return 0;
}

static int named_reference(struct reader *r)
{
	if (r->in_class || peek(r, 2) != '<')
		return err_set(r->e, ERR_INVALID,
			       "\"\\k\" needs the name of a group: \"\\k<NAME>\"");
	put_text(r, "\\k");
	r->p += 2;
	r->refers = true;
	return 0;
}

static int hex_escape(struct reader *r)
{
	unsigned long code;

	if (!hex(r, 2, 2, &code))
		return err_set(r->e, ERR_INVALID, "\"\\x\" needs two digits");
	put_code(r, code);
	r->p += 4;
	return 0;
}

static int control(struct reader *r)
{
	if (!isalpha((unsigned char)peek(r, 2)))
		return err_set(r->e, ERR_INVALID, "\"\\c\" needs a letter");
	put_code(r, (unsigned long)(r->p[2] & 0x1f));
	r->p += 3;
	return 0;
}

static void spaces(struct reader *r, bool others)
{
	const char *set = others ? OTHERS : SPACES;

	if (!r->in_class)
		put_text(r, "[");
	put_text(r, set);
	if (!r->in_class)
		put_text(r, "]");
	r->p += 2;
}

/* An escape that PCRE2 knows in the same sense, or that names one character. */
static int simple_escape(struct reader *r, char c)
{
	if (c == 's' || c == 'S') {
		spaces(r, c == 'S');
		return 0;
	}
	if (c == 'v' || c == '0') {
		if (c == '0' && isdigit((unsigned char)peek(r, 2)))
			return err_set(r->e, ERR_INVALID,
				       "\"\\0\" before a digit: write \"\\x00\"");
		put_code(r, c == 'v' ? 0x0b : 0);
		r->p += 2;
		return 0;
	}
	if (isalnum((unsigned char)c) && !strchr(r->in_class ? "dDwWbnrtf" : "dDwWbBnrtf", c))
		return err_set(r->e, ERR_INVALID, "\"\\%c\" is no escape of ECMA-262", c);
	put(r, r->p, 2);
	r->p += 2;
	return 0;
}

static int escape(struct reader *r)
{
	char c = peek(r, 1);

	if (r->p + 1 == r->end)
		return err_set(r->e, ERR_INVALID, "a backslash at the end");
	r->repeatable = c != 'b' && c != 'B';
	switch (c) {
	case 'u':
		return unicode(r);
	case 'x':
		return hex_escape(r);
	case 'c':
		return control(r);
	case 'p':
	case 'P':
		return property(r);
	case 'k':
		return named_reference(r);
	}
	if (c >= '1' && c <= '9')
		return reference(r);
	if ((unsigned char)c >= 0x80 ||
	    c == '\0') { /* stands for itself; only the backslash goes */
		r->p++;
		return 0;
	}
	return simple_escape(r, c);
}

/* ---- classes ---- */

/* "[:alpha:]" inside of a class: POSIX, and a set of letters in ECMA-262. Neither is what was
 * meant. */
static bool is_posix(const struct reader *r)
{
	const char *close;
	char kind = peek(r, 1);

	if (kind != ':' && kind != '.' && kind != '=')
		return false;
	close = memchr(r->p + 2, kind, (size_t)(r->end - r->p) - 2);
	return close && close + 1 < r->end && close[1] == ']';
}

static int class_item(struct reader *r)
{
	if (*r->p == '\\')
		return escape(r);
	if (*r->p == '[' && is_posix(r))
		return err_set(
			r->e, ERR_INVALID,
			"\"%.12s\" is of POSIX: write \"a-z\", \"\\d\", \"\\s\" or \"\\p{L}\"",
			r->p);
	if (*r->p == '[')
		put_text(r, "\\");
	put(r, r->p++, 1);
	return 0;
}

static int class(struct reader *r)
{
	int rc = 0;

	put(r, r->p++, 1);
	if (peek(r, 0) == '^')
		put(r, r->p++, 1);
	r->in_class = true;
	while (rc == 0 && r->p < r->end && *r->p != ']')
		rc = class_item(r);
	r->in_class = false;
	if (rc == 0 && r->p == r->end)
		return err_set(r->e, ERR_INVALID, "\"[\" without \"]\"");
	if (rc == 0)
		put(r, r->p++, 1);
	r->repeatable = true;
	return rc;
}

/* ---- the rest ---- */

static int group(struct reader *r)
{
	static const char *const kinds[] = {"(?:", "(?=", "(?!", "(?<=", "(?<!"};

	r->repeatable = false;
	if (peek(r, 1) == '*')
		return err_set(r->e, ERR_INVALID, "nothing that \"*\" could repeat");
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (starts(r, kinds[i])) {
			put_text(r, kinds[i]);
			r->p += strlen(kinds[i]);
			return 0;
		}
	}
	if (peek(r, 1) == '?' && (peek(r, 2) != '<' || isdigit((unsigned char)peek(r, 3))))
		return err_set(r->e, ERR_INVALID, "\"(?%c\" is no group of ECMA-262", peek(r, 2));
	put(r, r->p, 1);
	r->p++;
	if (peek(r, 0) == '?') {
		put_text(r, "?<");
		r->p += 2;
	}
	return 0;
}

/* The length of "{N}", "{N,}" or "{N,M}" here; 0: there is none. */
static size_t braces(const struct reader *r)
{
	size_t n = 1, digits = 0;

	for (; isdigit((unsigned char)peek(r, n)); n++)
		digits++;
	if (digits == 0)
		return 0;
	if (peek(r, n) == ',')
		for (n++; isdigit((unsigned char)peek(r, n)); n++)
			;
	return peek(r, n) == '}' ? n + 1 : 0;
}

static int quantifier(struct reader *r, size_t len)
{
	if (!r->repeatable)
		return err_set(r->e, ERR_INVALID, "nothing that \"%c\" could repeat", *r->p);
	put(r, r->p, len);
	r->p += len;
	if (peek(r, 0) == '?')
		put(r, r->p++, 1);
	r->repeatable = false;
	return 0;
}

static int other(struct reader *r)
{
	char c = *r->p;

	r->repeatable = c != '^' && c != '$' && c != '|';
	if (c == '.')
		put_text(r, NOT_LINE_END);
	else if (strchr("{}]", c) && c != '\0')
		put(r, (const char[]){'\\', c}, 2);
	else
		put(r, &c, 1);
	r->p++;
	return 0;
}

static int item(struct reader *r)
{
	size_t len = *r->p == '{' ? braces(r) : 0;

	if (len > 0)
		return quantifier(r, len);
	switch (*r->p) {
	case '*':
	case '+':
	case '?':
		return quantifier(r, 1);
	case '\\':
		return escape(r);
	case '[':
		return class(r);
	case '(':
		return group(r);
	}
	return other(r);
}

int ecma_translate(const char *text, size_t len, struct ecma_pattern *p_r, struct err *e)
{
	struct reader r = {.p = text, .end = text + len, .e = e};
	int rc = 0;

	put(&r, "", 0); /* even an empty pattern is a text */
	while (rc == 0 && r.p < r.end)
		rc = item(&r);
	if (rc == 0 && r.nomem)
		rc = err_set(e, ERR_NOMEM, "out of memory");
	if (rc != 0) {
		free(r.out);
		return rc;
	}
	*p_r = (struct ecma_pattern){.text = r.out, .len = r.len, .refers = r.refers};
	return 0;
}
