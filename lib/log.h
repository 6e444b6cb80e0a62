/* SPDX-License-Identifier: ISC */
/* log.h: lines for people and for grep.
 *
 * Everything that came from outside is escaped on its way out (control bytes, invalid UTF-8 and
 * backslash become \xNN), so that no client and no child can forge a line. errno is preserved. */
#ifndef MCPD_LOG_H
#define MCPD_LOG_H

#include <stdbool.h>
#include <stddef.h>

struct event_base;

enum log_level { LOGL_ERROR, LOGL_WARN, LOGL_NOTICE, LOGL_INFO, LOGL_DEBUG };
enum log_target { LOG_TARGET_STDERR, LOG_TARGET_SYSLOG, LOG_TARGET_JSON };

/* The session, user and backend that a line is about. Borrowed strings, any of them NULL. In plain
 * text the scope follows the text as " session=... user=... backend=... reason=..." for ordinary
 * lines, and is left out for lifecycle lines, whose text is an interface; in JSON the scope is
 * always there, as fields. */
struct log_scope {
	const char *session;
	const char *user;
	const char *backend;
	const char *reason;
};

/* One line as a subscriber sees it; TEXT is already escaped. */
struct log_line {
	enum log_level level;
	bool lifecycle;
	double time; /* seconds since the epoch */
	const char *text;
	const struct log_scope *scope; /* never NULL */
};
typedef void (*log_sink_fn)(const struct log_line *, void *arg);

/* Opens the target. stderr lines carry "<N>" priorities when $JOURNAL_STREAM names stderr, a
 * timestamp when stderr is a terminal, and otherwise a level word for anything above info
 * ("warning: ...", "error: ..."). IDENT is the syslog identity (borrowed for ever). */
void log_open(enum log_target target, const char *ident);
/* From now on, lines that wait go out from the loop of BASE, as soon as they can. */
void log_attach(struct event_base *base);
/* Before the end of that loop. */
void log_detach(void);
/* Waits up to a second until the waiting lines are written. The only function here that waits. */
void log_close(void);
/* How many lines were lost since the start: their reader was too slow, or could not be reached. */
unsigned long log_lost(void);
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
int log_level_parse(const char *word, enum log_level *level_r); /* 0, or ERR_INVALID */
const char *log_level_name(enum log_level level);

/* SCOPE may be NULL. The text is one line; a newline in it is escaped. Never fails, never waits: a
 * line that its reader does not take waits in memory, up to 4 MiB of lines; one for which there is
 * no room, or that cannot be written (full disk, closed pipe), is dropped. How many were is logged
 * as soon as that is possible. */
void log_at(enum log_level level, const struct log_scope *scope, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
#define log_error(scope, ...)  log_at(LOGL_ERROR, scope, __VA_ARGS__)
#define log_warn(scope, ...)   log_at(LOGL_WARN, scope, __VA_ARGS__)
#define log_notice(scope, ...) log_at(LOGL_NOTICE, scope, __VA_ARGS__)
#define log_info(scope, ...)   log_at(LOGL_INFO, scope, __VA_ARGS__)
#define log_debug(scope, ...)  log_at(LOGL_DEBUG, scope, __VA_ARGS__)

/* A lifecycle line (DESIGN: the texts are an interface). Notice level: shown at the default level.
 */
void log_lifecycle(const struct log_scope *scope, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Hands every line that passes the level to FN as well (`mcpctl log follow`, tests). FN may log;
 * lines logged inside FN do not reach subscribers. At most 64. Returns 0, ERR_NOMEM or ERR_LIMIT.
 */
int log_subscribe(log_sink_fn fn, void *arg);
void log_unsubscribe(log_sink_fn fn, void *arg);

/* Appends the escaped form of IN (LEN bytes) to OUT (SIZE bytes, always terminated), cutting at the
 * end of OUT. Returns the length of OUT. */
size_t log_escape(char *out, size_t size, const char *in, size_t len);

#endif
