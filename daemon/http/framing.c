/* SPDX-License-Identifier: ISC */
#include "http/framing.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <event2/http.h>

#define MAX_LENGTH_DIGITS 18 /* of Content-Length: no overflow, here or in evhttp */
#define MAX_SIZE_DIGITS	  15 /* of a chunk's size, in hexadecimal */
#define MIN_LINE	  14 /* "GET / HTTP/1.0": evhttp refuses less */

static const struct framing_fault no_fault = {0, NULL};

static struct framing_fault fault(int status, const char *why)
{
	return (struct framing_fault){status, why};
}

enum framing_found framing_find(struct framing_scan *s, const char *text, size_t len, size_t *end_r)
{
	const char *lf;

	while ((lf = memchr(text + s->seen, '\n', len - s->seen))) {
		size_t at = (size_t)(lf - text);

		s->seen = at + 1;
		if (at == s->line || text[at - 1] != '\r')
			return FRAMING_BAD;
		*end_r = s->seen;
		if (at - s->line == 1)
			return FRAMING_HEAD;
		s->line = s->seen;
	}
	s->seen = len;
	return FRAMING_MORE;
}

/* ---- characters ---- */

/* RFC 9110 section 5.6.2. */
static bool is_tchar(char c)
{
	static const char set[256] = {
		['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1,
		['+'] = 1, ['-'] = 1, ['.'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1,  ['|'] = 1,
		['~'] = 1, ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1,  ['5'] = 1,
		['6'] = 1, ['7'] = 1, ['8'] = 1, ['9'] = 1, ['A'] = 1, ['B'] = 1,  ['C'] = 1,
		['D'] = 1, ['E'] = 1, ['F'] = 1, ['G'] = 1, ['H'] = 1, ['I'] = 1,  ['J'] = 1,
		['K'] = 1, ['L'] = 1, ['M'] = 1, ['N'] = 1, ['O'] = 1, ['P'] = 1,  ['Q'] = 1,
		['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1, ['V'] = 1, ['W'] = 1,  ['X'] = 1,
		['Y'] = 1, ['Z'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1,  ['e'] = 1,
		['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1, ['k'] = 1,  ['l'] = 1,
		['m'] = 1, ['n'] = 1, ['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1,  ['s'] = 1,
		['t'] = 1, ['u'] = 1, ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1,  ['z'] = 1,
	};

	return set[(unsigned char)c];
}

static bool is_token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_tchar(text[i]))
			return false;
	return len > 0;
}

static bool is_digits(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return len > 0;
}

static bool is_word(struct span s, const char *word)
{
	return s.len == strlen(word) && strncasecmp(s.at, word, s.len) == 0;
}

static struct span trim(const char *text, size_t len)
{
	while (len > 0 && (*text == ' ' || *text == '\t'))
		text++, len--;
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	return (struct span){text, len};
}

bool framing_may_begin(char c)
{
	return c == '\r' || is_tchar(c);
}

/* ---- the request line ---- */

/* evhttp's own parser refuses some targets; all that begin with a single slash pass it. */
static bool target_parses(const char *text, size_t len)
{
	struct evhttp_uri *uri = NULL;
	char *copy;

	if (len > 0 && text[0] == '/' && (len == 1 || text[1] != '/'))
		return true;
	copy = strndup(text, len);
	if (copy)
		uri = evhttp_uri_parse_with_flags(copy, EVHTTP_URI_NONCONFORMANT);
	free(copy);
	if (uri)
		evhttp_uri_free(uri);
	return uri;
}

static bool target_ok(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f)
			return false;
	return len > 0 && target_parses(text, len);
}

/* Methods for which evhttp reads a body. */
static bool has_body_read(struct span method)
{
	static const char *const methods[] = {"POST", "GET", "DELETE", "PUT", "OPTIONS", "PATCH"};

	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
		if (method.len == strlen(methods[i]) &&
		    memcmp(method.at, methods[i], method.len) == 0)
			return true;
	return false;
}

/* "HTTP/D.D" (RFC 9112 section 2.3). A higher minor version is read as 1.1 (section 2.5). */
static struct framing_fault read_version(struct framing_head *h, const char *text, size_t len)
{
	if (len != 8 || memcmp(text, "HTTP/", 5) != 0 || text[6] != '.' ||
	    !is_digits(text + 5, 1) || !is_digits(text + 7, 1))
		return fault(400, "Malformed request line");
	if (text[5] != '1')
		return fault(505, "HTTP Version Not Supported: use HTTP/1.1");
	h->minor = (unsigned)(text[7] - '0');
	return no_fault;
}

static struct framing_fault read_line(struct framing_head *h, const char *text, size_t len)
{
	const char *end = text + len, *space = memchr(text, ' ', len), *version;
	struct framing_fault f;

	if (!space || !is_token(text, (size_t)(space - text)))
		return fault(400, "Malformed request line");
	h->method = (struct span){text, (size_t)(space - text)};
	h->target.at = space + 1;
	space = memchr(h->target.at, ' ', (size_t)(end - h->target.at));
	if (!space)
		return fault(400, "Malformed request line");
	h->target.len = (size_t)(space - h->target.at);
	version = space + 1;
	f = read_version(h, version, (size_t)(end - version));
	if (f.status)
		return f;
	if (is_word(h->method, "CONNECT") || len < MIN_LINE)
		return fault(501, "Method not implemented");
	if (!target_ok(h->target.at, h->target.len))
		return fault(400, "Malformed request target");
	h->body_read = has_body_read(h->method);
	return no_fault;
}

/* ---- the fields ---- */

struct fields {
	struct span length, coding, expect;
	unsigned lengths, codings, expects;
	bool close, keep_alive, tab;
};

/* Whether the comma-separated LIST has TOKEN, whatever the case. */
static bool has_token(struct span list, const char *token)
{
	const char *at = list.at, *end = list.at + list.len;

	while (at < end) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		const char *stop = comma ? comma : end;

		if (is_word(trim(at, (size_t)(stop - at)), token))
			return true;
		at = stop + 1;
	}
	return false;
}

static void first(struct span *kept, unsigned *n, struct span value)
{
	if ((*n)++ == 0)
		*kept = value;
}

/* TAB: evhttp strips spaces alone before a value. */
static void note_length(struct fields *f, struct framing_head *h, struct span value, bool tab)
{
	(void)h;
	f->tab |= tab;
	first(&f->length, &f->lengths, value);
}

static void note_coding(struct fields *f, struct framing_head *h, struct span value, bool tab)
{
	(void)h;
	f->tab |= tab;
	first(&f->coding, &f->codings, value);
}

static void note_expect(struct fields *f, struct framing_head *h, struct span value, bool tab)
{
	(void)h;
	f->tab |= tab;
	first(&f->expect, &f->expects, value);
}

static void note_connection(struct fields *f, struct framing_head *h, struct span value, bool tab)
{
	(void)h;
	(void)tab;
	f->close |= has_token(value, "close");
	f->keep_alive |= has_token(value, "keep-alive");
}

static void note_authorization(struct fields *f, struct framing_head *h, struct span value,
			       bool tab)
{
	(void)f;
	(void)tab;
	first(&h->authorization, &h->n_authorization, value);
}

static void note_origin(struct fields *f, struct framing_head *h, struct span value, bool tab)
{
	(void)f;
	(void)tab;
	first(&h->origin, &h->n_origin, value);
}

static void note_host(struct fields *f, struct framing_head *h, struct span value, bool tab)
{
	(void)f;
	(void)tab;
	first(&h->host, &h->n_host, value);
}

static const struct known {
	const char *name;
	size_t len;
	void (*note)(struct fields *f, struct framing_head *h, struct span value, bool tab);
} known[] = {
	{"Content-Length", 14, note_length},
	{"Transfer-Encoding", 17, note_coding},
	{"Expect", 6, note_expect},
	{"Connection", 10, note_connection},
	{"Origin", 6, note_origin},
	{"Authorization", 13, note_authorization},
	{"Host", 4, note_host},
};

static void note_field(struct fields *f, struct framing_head *h, const char *text, size_t name_len,
		       size_t len)
{
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		struct span value;
		const char *at;

		if (known[i].len != name_len || strncasecmp(known[i].name, text, name_len) != 0)
			continue;
		value = trim(text + name_len + 1, len - name_len - 1);
		at = text + name_len + 1;
		known[i].note(f, h, value, memchr(at, '\t', (size_t)(value.at - at)) != NULL);
		return;
	}
}

/* One line without its CRLF. */
static struct framing_fault read_field(struct fields *f, struct framing_head *h, const char *text,
				       size_t len)
{
	size_t name = 0;

	while (name < len && is_tchar(text[name]))
		name++;
	if (name == 0 && (*text == ' ' || *text == '\t'))
		return fault(400, "Folded header lines are not accepted");
	if (name == 0 || name == len || text[name] != ':')
		return fault(400, "Malformed header name");
	note_field(f, h, text, name, len);
	return no_fault;
}

static uint64_t number(struct span digits)
{
	uint64_t n = 0;

	for (size_t i = 0; i < digits.len; i++)
		n = 10 * n + (uint64_t)(digits.at[i] - '0');
	return n;
}

static struct framing_fault check_body(struct framing_head *h, const struct fields *f)
{
	if (f->lengths > 1 || (f->lengths == 1 && !is_digits(f->length.at, f->length.len)))
		return fault(400, "Invalid Content-Length");
	if (f->codings > 0 && (f->lengths > 0 || h->minor < 1))
		return fault(400, "Ambiguous message length");
	if (f->codings > 1 || (f->codings == 1 && !is_word(f->coding, "chunked")))
		return fault(501, "Unsupported Transfer-Encoding");
	if (f->tab)
		return fault(400, "A tab before a value that says how long the message is");
	if (f->lengths == 1 && f->length.len > MAX_LENGTH_DIGITS)
		return fault(413, "Request body too large (limits.maxBody)");
	/* An expectation of HTTP/1.0 is ignored: RFC 9110 section 10.1.1. */
	if (f->expects > 0 && h->minor > 0 &&
	    (f->expects > 1 || !is_word(f->expect, "100-continue")))
		return fault(417, "Unknown expectation: the only one is 100-continue");
	h->length = f->lengths > 0 ? number(f->length) : 0;
	if (f->codings > 0)
		h->body = FRAMING_CHUNKED;
	else
		h->body = h->length > 0 ? FRAMING_LENGTH : FRAMING_NONE;
	return no_fault;
}

/* Neither NUL nor a carriage return that ends no line, anywhere. */
static bool is_clean(const char *text, size_t len)
{
	const char *end = text + len;

	if (memchr(text, '\0', len))
		return false;
	while ((text = memchr(text, '\r', (size_t)(end - text)))) {
		if (text + 1 == end || text[1] != '\n')
			return false;
		text += 2;
		if (text == end)
			break;
	}
	return true;
}

struct framing_fault framing_read(struct framing_head *h, const char *text, size_t len)
{
	const char *end = text + len - 2, *lf;
	struct fields f = {.lengths = 0};
	struct framing_fault bad;

	memset(h, 0, sizeof *h);
	h->close = true;
	if (!is_clean(text, len))
		return fault(400, "A NUL or a bare CR in the head");
	lf = memchr(text, '\n', len);
	bad = read_line(h, text, (size_t)(lf - text) - 1);
	while (!bad.status && lf + 1 < end) {
		text = lf + 1;
		lf = memchr(text, '\n', (size_t)(end - text));
		bad = read_field(&f, h, text, (size_t)(lf - text) - 1);
	}
	if (!bad.status)
		bad = check_body(h, &f);
	if (!bad.status)
		h->close = f.close || (h->minor < 1 && !f.keep_alive);
	return bad;
}

struct span framing_field(const char *text, size_t len, const char *name)
{
	size_t n = strlen(name);
	struct span found = {NULL, 0};
	const char *end = text + len, *lf;

	for (; (lf = memchr(text, '\n', (size_t)(end - text))); text = lf + 1) {
		size_t line = (size_t)(lf - text);

		if (line > 0 && text[line - 1] == '\r')
			line--;
		if (line <= n || text[n] != ':' || strncasecmp(text, name, n) != 0)
			continue;
		if (found.at || memchr(text, '\0', line) || memchr(text, '\r', line))
			return (struct span){NULL, 0};
		found = trim(text + n + 1, line - n - 1);
	}
	return found;
}

bool framing_about_body(const char *text, size_t len)
{
	static const char *const names[] = {"Content-Length", "Transfer-Encoding", "Expect",
					    "Trailer"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t n = strlen(names[i]);

		if (len > n && text[n] == ':' && strncasecmp(text, names[i], n) == 0)
			return true;
	}
	return false;
}

/* ---- chunks ---- */

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static struct framing_fault chunk_size(struct framing_chunks *c, char ch)
{
	int digit = hex(ch);

	if (digit >= 0 && c->digits < MAX_SIZE_DIGITS) {
		c->left = 16 * c->left + (uint64_t)digit;
		c->digits++;
		return no_fault;
	}
	if (digit >= 0 && c->left == 0)
		return fault(400, "Malformed chunk");
	if (digit >= 0)
		return fault(413, "Request body too large (limits.maxBody)");
	if (ch == ';')
		return fault(400, "Chunk extensions are not accepted");
	if (ch != '\r' || c->digits == 0)
		return fault(400, "Malformed chunk");
	if (c->left > c->max - c->total)
		return fault(413, "Request body too large (limits.maxBody)");
	c->total += c->left;
	c->state = CHUNK_SIZE_LF;
	return no_fault;
}

/* CH has to be WANTED; then comes NEXT. */
static struct framing_fault expect(struct framing_chunks *c, char ch, char wanted,
				   enum framing_chunk_state next)
{
	if (ch != wanted)
		return fault(400, "Malformed chunk");
	c->state = next;
	return no_fault;
}

static struct framing_fault chunk_byte(struct framing_chunks *c, char ch)
{
	switch (c->state) {
	case CHUNK_SIZE:
		return chunk_size(c, ch);
	case CHUNK_SIZE_LF:
		c->digits = 0;
		return expect(c, ch, '\n', c->left > 0 ? CHUNK_DATA : CHUNK_LAST_CR);
	case CHUNK_DATA_CR:
		return expect(c, ch, '\r', CHUNK_DATA_LF);
	case CHUNK_DATA_LF:
		return expect(c, ch, '\n', CHUNK_SIZE);
	case CHUNK_LAST_CR:
		/* evhttp would add them to the fields of the head. */
		if (is_tchar(ch))
			return fault(400, "Trailers are not accepted");
		return expect(c, ch, '\r', CHUNK_LAST_LF);
	case CHUNK_LAST_LF:
		return expect(c, ch, '\n', CHUNK_DONE);
	case CHUNK_DATA:
	case CHUNK_DONE:
		break;
	}
	return no_fault;
}

struct framing_fault framing_chunks(struct framing_chunks *c, const char *text, size_t len,
				    size_t *used_r)
{
	struct framing_fault bad = no_fault;
	size_t at = 0;

	while (at < len && c->state != CHUNK_DONE && !bad.status) {
		if (c->state == CHUNK_DATA) {
			size_t n = c->left < len - at ? (size_t)c->left : len - at;

			at += n;
			c->left -= n;
			if (c->left == 0)
				c->state = CHUNK_DATA_CR;
		} else {
			bad = chunk_byte(c, text[at++]);
		}
	}
	*used_r = at;
	return bad;
}
