/* SPDX-License-Identifier: ISC */
#include "lib/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/utf8.h"

/* A text may quote input: it is made one line, and stays UTF-8 where it was cut. */
static void tidy(char *text, bool cut)
{
	size_t len = strlen(text), last = len;
	uint32_t c;

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = '?';
	if (!cut || len == 0)
		return;
	do
		last--;
	while (last > 0 && len - last < 4 && ((unsigned char)text[last] & 0xc0) == 0x80);
	if (utf8_decode(text + last, len - last, &c) != len - last)
		text[last] = '\0';
}

static void put_text(struct err *e, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

/* Formats by way of a copy, because an argument may well be E's own text. */
static void put_text(struct err *e, const char *fmt, va_list ap)
{
	char text[sizeof e->text];
	int n = vsnprintf(text, sizeof text, fmt, ap);

	if (n < 0)
		text[0] = '\0';
	tidy(text, n >= (int)sizeof text);
	memcpy(e->text, text, strlen(text) + 1);
}

/* Puts ": MORE" behind the text of E. */
static void append(struct err *e, const char *more)
{
	size_t len = strlen(e->text), room = sizeof e->text - len;
	int n = snprintf(e->text + len, room, ": %s", more);

	tidy(e->text, n >= (int)room);
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return code;
	va_start(ap, fmt);
	put_text(e, fmt, ap);
	va_end(ap);
	e->code = code;
	return code;
}

int err_errno(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	int code = saved == ENOMEM ? ERR_NOMEM : ERR_IO;
	va_list ap;

	if (!e)
		return code;
	va_start(ap, fmt);
	put_text(e, fmt, ap);
	va_end(ap);
	append(e, strerror(saved));
	e->code = code;
	errno = saved;
	return code;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char old[sizeof e->text];
	va_list ap;

	if (!e)
		return ERR_INTERNAL;
	memcpy(old, e->text, sizeof old);
	va_start(ap, fmt);
	put_text(e, fmt, ap);
	va_end(ap);
	append(e, old);
	return e->code;
}

const char *err_name(int code)
{
	switch ((enum err_code)code) {
	case ERR_NOMEM:
		return "nomem";
	case ERR_INVALID:
		return "invalid";
	case ERR_PARSE:
		return "parse";
	case ERR_NOTFOUND:
		return "notfound";
	case ERR_EXISTS:
		return "exists";
	case ERR_LIMIT:
		return "limit";
	case ERR_TIMEOUT:
		return "timeout";
	case ERR_IO:
		return "io";
	case ERR_CLOSED:
		return "closed";
	case ERR_DENIED:
		return "denied";
	case ERR_PROTOCOL:
		return "protocol";
	case ERR_UNSUPPORTED:
		return "unsupported";
	case ERR_INTERNAL:
		return "internal";
	}
	return code == 0 ? "ok" : "unknown";
}
