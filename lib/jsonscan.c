/* SPDX-License-Identifier: ISC */
#include "lib/jsonscan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/utf8.h"

enum state {
	VALUE,	     /* a value */
	FIRST_VALUE, /* the same, or the end of an empty array */
	FIRST_KEY,   /* a key, or the end of an empty object */
	KEY,	     /* a key */
	COLON,	     /* the colon behind a key */
	AFTER,	     /* a comma, or the end of the array or object */
	STRING,	     /* the rest of a string */
	ESCAPE,	     /* what follows a backslash */
	HEX,	     /* digits of an escape */
	NUMBER,	     /* the rest of a number */
	LITERAL,     /* the rest of true, false or null */
	END,	     /* nothing but white space */
};

/* Where a number is. Those from INTEGER on may be its end. */
enum number { SIGN, DOT, MARK, MARK_SIGN, ZERO, INTEGER, FRACTION, EXPONENT };

/* What a step returns: where it stopped, or NULL with a status. */
struct run {
	struct jsonscan *s;
	const char *text, *end;
	enum jsonscan_status status;
	bool complete;
};

void jsonscan_init(struct jsonscan *s, size_t max_depth, jsonscan_fn fn, void *arg)
{
	memset(s, 0, sizeof *s);
	s->max_depth = max_depth;
	s->fn = fn;
	s->arg = arg;
	s->state = VALUE;
	s->kinds = s->few;
	s->room = sizeof s->few * 8;
}

void jsonscan_fini(struct jsonscan *s)
{
	if (s->kinds != s->few)
		free(s->kinds);
	s->kinds = s->few;
}

static const char *stop(struct run *r, enum jsonscan_status status, const char *at, const char *why)
{
	r->status = status;
	r->s->pos = (size_t)(at - r->text);
	r->s->why = why;
	return NULL;
}

/* ---- levels ---- */

static bool in_object(const struct jsonscan *s)
{
	return s->kinds[(s->depth - 1) / 8] >> (s->depth - 1) % 8 & 1;
}

static int grow(struct jsonscan *s)
{
	unsigned char *bigger =
		s->kinds == s->few ? malloc(s->room / 4) : realloc(s->kinds, s->room / 4);

	if (!bigger)
		return -1;
	if (s->kinds == s->few)
		memcpy(bigger, s->few, sizeof s->few);
	s->kinds = bigger;
	s->room *= 2;
	return 0;
}

static const char *enter(struct run *r, const char *p, bool object)
{
	struct jsonscan *s = r->s;
	unsigned char *kinds;

	if (s->max_depth > 0 && s->depth >= s->max_depth)
		return stop(r, JSONSCAN_DEEP, p, "nested too deeply");
	if (s->depth >= s->room && grow(s) < 0)
		return stop(r, JSONSCAN_NOMEM, p, "out of memory");
	kinds = &s->kinds[s->depth / 8];
	*kinds = (unsigned char)((*kinds & ~(1u << s->depth % 8)) | (unsigned)object
									    << s->depth % 8);
	s->depth++;
	s->state = object ? FIRST_KEY : FIRST_VALUE;
	return p + 1;
}

/* Whether members of the present level are told. */
static bool is_told(const struct jsonscan *s)
{
	if (!s->fn || s->depth > 2)
		return false;
	return s->depth == 2 ? s->kinds[0] & 1 && in_object(s) : s->depth == 1;
}

/* A value ends before P. */
static void leave_value(struct run *r, const char *p)
{
	struct jsonscan *s = r->s;
	struct jsonscan_member m;

	s->state = s->depth > 0 ? AFTER : END;
	if (!is_told(s))
		return;
	m.depth = (unsigned)s->depth;
	m.in_at = s->open[0].key_at;
	m.in_len = s->open[0].key_len;
	m.key_at = s->open[s->depth - 1].key_at;
	m.key_len = s->open[s->depth - 1].key_len;
	m.at = s->open[s->depth - 1].at;
	m.len = (size_t)(p - r->text) - m.at;
	s->fn(&m, s->arg);
}

static const char *leave(struct run *r, const char *p, bool object)
{
	if (in_object(r->s) != object)
		return stop(r, JSONSCAN_BAD, p, object ? "a } for a [" : "a ] for a {");
	r->s->depth--;
	leave_value(r, p + 1);
	return p + 1;
}

/* ---- tokens ---- */

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

/* Whether none of eight bytes ends what is plain in a string: quote, backslash, control, non-ASCII.
 */
static bool are_plain(const char *p)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	uint64_t v, quote, slash;

	memcpy(&v, p, sizeof v);
	quote = v ^ ones * '"';
	slash = v ^ ones * '\\';
	return !(((quote - ones) | (slash - ones) | (v - ones * 0x20) | v) & tops);
}

static const char *string(struct run *r, const char *p)
{
	struct jsonscan *s = r->s;
	uint32_t c;
	size_t n;

	for (;;) {
		while (r->end - p >= 8 && are_plain(p))
			p += 8;
		while (p < r->end && *p != '"' && *p != '\\' && (unsigned char)(*p - 0x20) < 0x60)
			p++;
		if (p == r->end)
			return stop(r, JSONSCAN_MORE, p, "a string without its end");
		if (*p == '"' || *p == '\\')
			break;
		if ((unsigned char)*p < 0x20)
			return stop(r, JSONSCAN_BAD, p, "a control character in a string");
		n = utf8_decode(p, (size_t)(r->end - p), &c);
		/* A sequence that the end of what is there cuts may become whole. */
		if (n == 0 && r->end - p < 4 && !r->complete)
			return stop(r, JSONSCAN_MORE, p, "a string without its end");
		s->bad += n == 0;
		p += n > 0 ? n : 1;
	}
	if (*p == '\\') {
		s->state = ESCAPE;
		return p + 1;
	}
	if (!s->is_key) {
		leave_value(r, p + 1);
		return p + 1;
	}
	s->state = COLON;
	if (is_told(s)) {
		s->open[s->depth - 1].key_at = s->token_at;
		s->open[s->depth - 1].key_len = (size_t)(p - r->text) - s->token_at;
	}
	return p + 1;
}

static const char *begin_string(struct run *r, const char *p, bool is_key)
{
	r->s->state = STRING;
	r->s->is_key = is_key;
	r->s->token_at = (size_t)(p - r->text) + 1;
	return string(r, p + 1);
}

static const char *escape(struct run *r, const char *p)
{
	if (!memchr("\"\\/bfnrtu", *p, 9))
		return stop(r, JSONSCAN_BAD, p, "an escape that JSON does not have");
	r->s->hex = 4;
	r->s->state = *p == 'u' ? HEX : STRING;
	return p + 1;
}

static const char *hex(struct run *r, const char *p)
{
	for (; p < r->end && r->s->hex > 0; p++, r->s->hex--) {
		if (!memchr("0123456789abcdefABCDEF", *p, 22))
			return stop(r, JSONSCAN_BAD, p, "an escape without its four digits");
	}
	if (r->s->hex == 0)
		r->s->state = STRING;
	return p;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The place in a number behind C at the place AT; -1: C is no part of it. */
static int next_in_number(enum number at, char c)
{
	if (is_digit(c)) {
		static const signed char behind_digit[] = {
			[SIGN] = INTEGER,	[DOT] = FRACTION,      [MARK] = EXPONENT,
			[MARK_SIGN] = EXPONENT, [ZERO] = -1,	       [INTEGER] = INTEGER,
			[FRACTION] = FRACTION,	[EXPONENT] = EXPONENT,
		};

		return at == SIGN && c == '0' ? ZERO : behind_digit[at];
	}
	if (c == '.')
		return at == ZERO || at == INTEGER ? DOT : -1;
	if (c == 'e' || c == 'E')
		return at == ZERO || at == INTEGER || at == FRACTION ? MARK : -1;
	return (c == '-' || c == '+') && at == MARK ? MARK_SIGN : -1;
}

static const char *number(struct run *r, const char *p)
{
	int next;

	for (; p < r->end && (next = next_in_number(r->s->number, *p)) >= 0; p++)
		r->s->number = (unsigned char)next;
	if (p == r->end && (!r->complete || r->s->number < ZERO))
		return stop(r, JSONSCAN_MORE, p, "a number without its end");
	if (r->s->number < ZERO || (p < r->end && is_digit(*p)))
		return stop(r, JSONSCAN_BAD, p, "no number");
	leave_value(r, p);
	return p;
}

static const char *literal(struct run *r, const char *p)
{
	struct jsonscan *s = r->s;

	for (; p < r->end && *s->literal; p++, s->literal++) {
		if (*p != *s->literal)
			return stop(r, JSONSCAN_BAD, p, "no value");
	}
	if (!*s->literal)
		leave_value(r, p);
	return p;
}

static const char *begin_literal(struct run *r, const char *p, const char *rest)
{
	r->s->state = LITERAL;
	r->s->literal = rest;
	return literal(r, p + 1);
}

static const char *value(struct run *r, const char *p)
{
	struct jsonscan *s = r->s;

	if (is_told(s))
		s->open[s->depth - 1].at = (size_t)(p - r->text);
	switch (*p) {
	case '{':
		return enter(r, p, true);
	case '[':
		return enter(r, p, false);
	case '"':
		return begin_string(r, p, false);
	case 't':
		return begin_literal(r, p, "rue");
	case 'f':
		return begin_literal(r, p, "alse");
	case 'n':
		return begin_literal(r, p, "ull");
	}
	if (*p != '-' && !is_digit(*p))
		return stop(r, JSONSCAN_BAD, p, "no value");
	s->state = NUMBER;
	s->number = *p == '-' ? SIGN : *p == '0' ? ZERO : INTEGER;
	return number(r, p + 1);
}

static const char *first_value(struct run *r, const char *p)
{
	return *p == ']' ? leave(r, p, false) : value(r, p);
}

static const char *key(struct run *r, const char *p)
{
	return *p == '"' ? begin_string(r, p, true) : stop(r, JSONSCAN_BAD, p, "no key");
}

static const char *first_key(struct run *r, const char *p)
{
	return *p == '}' ? leave(r, p, true) : key(r, p);
}

static const char *colon(struct run *r, const char *p)
{
	r->s->state = VALUE;
	return *p == ':' ? p + 1 : stop(r, JSONSCAN_BAD, p, "no colon behind a key");
}

static const char *after(struct run *r, const char *p)
{
	bool object = in_object(r->s);

	if (*p == '}' || *p == ']')
		return leave(r, p, *p == '}');
	r->s->state = object ? KEY : VALUE;
	return *p == ',' ? p + 1 : stop(r, JSONSCAN_BAD, p, "no comma behind a value");
}

static const char *at_end(struct run *r, const char *p)
{
	return stop(r, JSONSCAN_BAD, p, "more behind the value");
}

static const struct {
	const char *(*fn)(struct run *r, const char *p);
	bool spaced; /* white space may come before */
} steps[] = {
	[VALUE] = {value, true},
	[FIRST_VALUE] = {first_value, true},
	[FIRST_KEY] = {first_key, true},
	[KEY] = {key, true},
	[COLON] = {colon, true},
	[AFTER] = {after, true},
	[STRING] = {string, false},
	[ESCAPE] = {escape, false},
	[HEX] = {hex, false},
	[NUMBER] = {number, false},
	[LITERAL] = {literal, false},
	[END] = {at_end, true},
};

enum jsonscan_status jsonscan_run(struct jsonscan *s, const char *text, size_t len, bool complete)
{
	struct run r = {.s = s, .text = text, .end = text + len, .complete = complete};
	const char *p = text + s->pos;

	for (;;) {
		if (steps[s->state].spaced)
			p = skip_space(p, r.end);
		if (p == r.end)
			break;
		p = steps[s->state].fn(&r, p);
		if (!p && r.status == JSONSCAN_MORE && complete)
			return JSONSCAN_BAD;
		if (!p)
			return r.status;
	}
	s->pos = len;
	if (s->state == NUMBER && complete && s->number >= ZERO)
		leave_value(&r, p);
	if (s->state == END && complete)
		return JSONSCAN_DONE;
	s->why = "the text ends before the value";
	return complete ? JSONSCAN_BAD : JSONSCAN_MORE;
}

bool jsonscan_ended(const struct jsonscan *s)
{
	return s->state == END;
}

/* ---- keys ---- */

/* The character of the escape at *P, which moves behind it. Those beyond ASCII are 0x80: no name
 * that is looked for has them. */
static unsigned char unescape(const char **p)
{
	static const char letters[] = "bfnrt", are[] = "\b\f\n\r\t";
	const char *at = *p + 1, *letter = strchr(letters, *at);
	unsigned long c = 0;

	*p = at + 1;
	if (*at != 'u')
		return (unsigned char)(letter ? are[letter - letters] : *at);
	for (int i = 0; i < 4; i++, ++*p) {
		char d = **p;

		c = c * 16 + (unsigned long)(is_digit(d) ? d - '0' : (d | 0x20) - 'a' + 10);
	}
	return c < 0x80 ? (unsigned char)c : 0x80;
}

bool jsonscan_key_is(const char *key, size_t key_len, const char *name)
{
	const char *end = key + key_len;

	if (!memchr(key, '\\', key_len))
		return strlen(name) == key_len && memcmp(key, name, key_len) == 0;
	while (key < end && *name) {
		unsigned char c = *key == '\\' ? unescape(&key) : (unsigned char)*key++;

		if (c != (unsigned char)*name++)
			return false;
	}
	return key == end && !*name;
}
