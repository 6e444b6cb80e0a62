#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Formats by way of a copy, because an argument may well be E's own text. */
static void put_text(struct err *e, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void put_text(struct err *e, const char *fmt, va_list ap)
{
	char text[sizeof e->text];

	if (vsnprintf(text, sizeof text, fmt, ap) < 0)
		text[0] = '\0';
	memcpy(e->text, text, strlen(text) + 1);
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
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
	size_t len;
	va_list ap;

	if (e == NULL)
		return code;
	va_start(ap, fmt);
	put_text(e, fmt, ap);
	va_end(ap);
	len = strlen(e->text);
	snprintf(e->text + len, sizeof e->text - len, ": %s", strerror(saved));
	e->code = code;
	errno = saved;
	return code;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char old[sizeof e->text];
	size_t len;
	va_list ap;

	if (e == NULL)
		return ERR_INTERNAL;
	memcpy(old, e->text, sizeof old);
	va_start(ap, fmt);
	put_text(e, fmt, ap);
	va_end(ap);
	len = strlen(e->text);
	snprintf(e->text + len, sizeof e->text - len, ": %s", old);
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
