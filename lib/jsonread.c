/* SPDX-License-Identifier: ISC */
/* jsonread.c: the parser of jsonrpc.h. */
#include "lib/jsonrpc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The quote that ends the string which begins behind S; END when there is none. */
static const char *closing_quote(const char *s, const char *end)
{
	const char *from = s, *quote;

	while ((quote = memchr(s, '"', (size_t)(end - s))) != NULL) {
		const char *p = quote;

		while (p > from && p[-1] == '\\')
			p--;
		if ((quote - p) % 2 == 0)
			return quote;
		s = quote + 1;
	}
	return end;
}

/* Whether arrays and objects nest deeper than MAX in LEN bytes of what may be JSON. */
static bool nests_deeper(const char *s, size_t len, unsigned max)
{
	const char *end = s + len;
	unsigned depth = 0;

	for (; s < end; s++) {
		switch (*s) {
		case '"':
			s = closing_quote(s + 1, end);
			if (s == end)
				return false;
			break;
		case '[':
		case '{':
			if (++depth > max)
				return true;
			break;
		case ']':
		case '}':
			depth -= depth > 0;
			break;
		}
	}
	return false;
}

/* A walk over a text and the repaired copy of it. */
struct repair {
	const char *s, *end;
	char *out;
	bool lossy; /* also what jansson cannot hold at all becomes something like it */
	bool changed;
};

static void copy(struct repair *r, size_t n)
{
	memcpy(r->out, r->s, n);
	r->out += n;
	r->s += n;
}

/* Returns whether S begins with a \u escape for a surrogate between LEAST and LEAST + 0x3ff. */
static bool is_surrogate(const char *s, const char *end, unsigned long least)
{
	char hex[5] = {0};
	char *rest;
	unsigned long c;

	if (end - s < 6 || s[0] != '\\' || s[1] != 'u')
		return false;
	memcpy(hex, s + 2, 4);
	c = strtoul(hex, &rest, 16);
	return rest == hex + 4 && c >= least && c <= least + 0x3ff;
}

/* Whether the string that ends at R is a key. */
static bool is_key(const struct repair *r)
{
	const char *p = r->s + 1; /* the text is terminated: see repair() */

	return r->s < r->end && p[strspn(p, " \t\r\n")] == ':';
}

/* Takes each NUL out of the key that was copied to KEY. */
static void repair_key(struct repair *r, char *key)
{
	for (; r->out - key >= 6; key += *key == '\\' ? 2 : 1) {
		if (memcmp(key, "\\u0000", 6) == 0) {
			memcpy(key, "\\ufffd", 6);
			r->changed = true;
		}
	}
}

/* Copies a string up to its closing quote, without its unpaired surrogates. JavaScript writes them
 * (a text that was cut in the middle of a pair), and reads them. */
static void repair_string(struct repair *r)
{
	char *begin = r->out + 1;

	copy(r, 1);
	while (r->s < r->end && *r->s != '"') {
		bool high = is_surrogate(r->s, r->end, 0xd800);

		if (high && is_surrogate(r->s + 6, r->end, 0xdc00)) {
			copy(r, 12);
		} else if (high || is_surrogate(r->s, r->end, 0xdc00)) {
			memcpy(r->out, "\\ufffd", 6);
			r->out += 6;
			r->s += 6;
			r->changed = true;
		} else {
			copy(r, *r->s == '\\' && r->end - r->s > 1 ? 2 : 1);
		}
	}
	if (r->lossy && is_key(r))
		repair_key(r, begin);
}

/* Whether LEN bytes at S are a number that is too large for a double. */
static bool overflows(const char *s, size_t len)
{
	char *end;
	double n = strtod(s, &end);

	return isinf(n) && end == s + len;
}

/* Copies a number that overflows as one that does not: never a longer text. */
static void clamp_number(struct repair *r, size_t len)
{
	static const char large[] = "1e308";
	bool negative = *r->s == '-';

	copy(r, negative);
	memcpy(r->out, large, sizeof large - 1);
	r->out += sizeof large - 1;
	r->s += len - negative;
	r->changed = true;
}

/* Copies a number. An integer that does not fit into 64 bits gets an exponent, which makes it a
 * real: what JavaScript would take it for as well. */
static void repair_number(struct repair *r)
{
	bool negative = *r->s == '-';
	const char *digits = r->s + negative;
	size_t n = strspn(digits, "0123456789"); /* the text is terminated: see repair() */
	const char *limit = negative ? "9223372036854775808" : "9223372036854775807";

	copy(r, (size_t)negative + n);
	if (n < 19 || (n == 19 && strncmp(digits, limit, n) <= 0) ||
	    (*r->s && strchr(".eE", *r->s)))
		return;
	memcpy(r->out, "e0", 2);
	r->out += 2;
	r->changed = true;
}

/* Copies the fraction and exponent too, so that their digits are not taken for a number. */
static void repair_rest(struct repair *r)
{
	copy(r, strspn(r->s, "+-.eE0123456789"));
}

static void repair_whole_number(struct repair *r)
{
	size_t len = strspn(r->s, "+-.eE0123456789");

	if (r->lossy && overflows(r->s, len)) {
		clamp_number(r, len);
		return;
	}
	repair_number(r);
	repair_rest(r);
}

/* Returns a copy of LEN bytes (malloc'd, its length in *LEN_R) in which all is in jansson's range
 * that RFC 8259 allows to be outside of it; or NULL when there is nothing to repair. */
static char *repair(const char *buf, size_t len, bool lossy, size_t *len_r)
{
	char *text = malloc(len + 1);
	char *out = malloc(len + len / 8 + 1); /* 2 bytes more for 19 */
	struct repair r = {text, text ? text + len : NULL, out, lossy, false};

	if (text && out) {
		memcpy(text, buf, len);
		text[len] = '\0';
		while (r.s < r.end) {
			if (*r.s == '"')
				repair_string(&r);
			if (r.s < r.end && (*r.s == '-' || (*r.s >= '0' && *r.s <= '9'))) {
				repair_whole_number(&r);
			} else if (r.s < r.end) {
				copy(&r, 1);
			}
		}
	}
	free(text);
	if (!r.changed) {
		free(out);
		return NULL;
	}
	*len_r = (size_t)(r.out - out);
	return out;
}

/* Maps jansson's error to ours. */
static void set_parse_error(struct err *e, const json_error_t *je)
{
	enum json_error_code code = json_error_code(je);

	/* Where jansson lacks memory it does not always say so, but then it says nothing. */
	if (code == json_error_out_of_memory || je->text[0] == '\0')
		err_set(e, ERR_NOMEM, "out of memory");
	else if (code == json_error_stack_overflow)
		err_set(e, ERR_LIMIT, "nested too deeply");
	else
		err_set(e, ERR_PARSE, "line %d, column %d: %s", je->line, je->column, je->text);
}

json_t *jsonrpc_plain(const char *text, size_t len)
{
	json_int_t n = 0;

	if (len >= 2 && text[0] == '"' && text[len - 1] == '"') {
		for (size_t i = 1; i < len - 1; i++)
			if ((unsigned char)text[i] < 0x20 || text[i] == '"' || text[i] == '\\')
				return NULL;
		return json_stringn(text + 1, len - 2);
	}
	if (len == 0 || len > 15 || (text[0] == '0' && len > 1))
		return NULL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return NULL;
		n = n * 10 + (text[i] - '0');
	}
	return json_integer(n);
}

/* FLAGS are those of json_loadb(), beside the ones that all texts are read with. */
static json_t *parse(const char *buf, size_t len, size_t flags, bool lossy, struct err *e)
{
	json_error_t je = {0}; /* jansson does not fill in all of it when it lacks memory */
	json_t *msg = jsonrpc_plain(buf, len);
	char *repaired;

	if (msg)
		return msg;
	flags |= JSON_ALLOW_NUL | JSON_DECODE_ANY;
	msg = json_loadb(buf, len, flags, &je);
	if (msg)
		return msg;
	repaired = repair(buf, len, lossy, &len);
	if (repaired)
		msg = json_loadb(repaired, len, flags, &je);
	free(repaired);
	if (!msg)
		set_parse_error(e, &je);
	return msg;
}

json_t *jsonrpc_parse(const char *buf, size_t len, unsigned max_depth, struct err *e)
{
	/* jansson has a limit of its own, but by then it has built what is to be thrown away. */
	if (max_depth > 0 && nests_deeper(buf, len, max_depth)) {
		err_set(e, ERR_LIMIT, "nested deeper than %u levels", max_depth);
		return NULL;
	}
	return parse(buf, len, JSON_REJECT_DUPLICATES, false, e);
}

json_t *jsonrpc_parse_any(const char *buf, size_t len, struct err *e)
{
	return parse(buf, len, 0, true, e);
}
