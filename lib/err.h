/* SPDX-License-Identifier: ISC */
/* err.h: an error: a code for the program and a text for people. */
#ifndef MCPD_ERR_H
#define MCPD_ERR_H

#include <stddef.h>

/* Negative, so that a function can return one of them or 0. err_name() has no default case. */
enum err_code {
	ERR_NOMEM = -1,	       /* an allocation failed */
	ERR_INVALID = -2,      /* well-formed input with an impossible value */
	ERR_PARSE = -3,	       /* input that could not be read at all */
	ERR_NOTFOUND = -4,     /* no such thing */
	ERR_EXISTS = -5,       /* there is one already */
	ERR_LIMIT = -6,	       /* a configured limit was reached */
	ERR_TIMEOUT = -7,      /* it took too long */
	ERR_IO = -8,	       /* a system call failed; the text carries strerror(errno) */
	ERR_CLOSED = -9,       /* the other side, or the object itself, is gone */
	ERR_DENIED = -10,      /* the peer may not do this */
	ERR_PROTOCOL = -11,    /* the other side broke the protocol */
	ERR_UNSUPPORTED = -12, /* not offered */
	ERR_INTERNAL = -13,    /* a bug */
};

struct err {
	int code;	/* 0 or an enum err_code */
	char text[512]; /* always terminated; one line (control bytes became "?"), no full stop */
};

/* Fills E (which may be NULL) and returns CODE, so that `return err_set(...)` reads well. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Like err_set() with ERR_IO (ERR_NOMEM for ENOMEM) and ": strerror(errno)" appended; keeps errno.
 */
int err_errno(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts "PREFIX: " before the text that is already in E. Keeps the code, which is returned. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A short stable word for CODE ("nomem", "limit"); never NULL. */
const char *err_name(int code);

#endif
