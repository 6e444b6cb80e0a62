/* SPDX-License-Identifier: ISC */
#include "lib/log.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "lib/err.h"
#include "lib/logout.h"

#define TEXT_SIZE  3072 /* the longest text, escaped; with its scope it fits into a line */
#define VALUE_SIZE 160	/* the longest value of a scope, escaped */
#define MAX_SINKS  64
#define FLUSH_MS   1000 /* at the end, for lines that wait */

/* How lines look on stderr. */
enum style { STYLE_PLAIN, STYLE_JOURNAL, STYLE_TERMINAL };

struct sink {
	log_sink_fn fn;
	void *arg;
};

/* A process has one log. */
static struct {
	enum log_target target;
	enum log_level level;
	enum style style;
	const char *ident;
	unsigned long told; /* of logout_lost(), how many the log has been told of */
	unsigned long reports_lost;
	bool reporting, in_sink;
	size_t n_sinks;
	struct sink sinks[MAX_SINKS];
} state = {.level = LOGL_NOTICE};

static const struct {
	const char *name;
	const char *prefix;
	int priority;
} levels[] = {
	[LOGL_ERROR] = {"error", "error: ", LOG_ERR},
	[LOGL_WARN] = {"warning", "warning: ", LOG_WARNING},
	[LOGL_NOTICE] = {"notice", "", LOG_NOTICE},
	[LOGL_INFO] = {"info", "", LOG_INFO},
	[LOGL_DEBUG] = {"debug", "", LOG_DEBUG},
};

/* A line under construction. What does not fit is left out. At most PIPE_BUF bytes, which a pipe
 * takes at once or not at all. */
struct line {
	size_t len;
	char buf[PIPE_BUF];
};

static void add(struct line *l, const char *s, size_t n)
{
	size_t room = sizeof l->buf - 1 - l->len; /* a place is kept for the newline */

	if (n > room)
		n = room;
	memcpy(l->buf + l->len, s, n);
	l->len += n;
}

static void add_str(struct line *l, const char *s)
{
	add(l, s, strlen(s));
}

/* Calls FN for each part of SCOPE that is there, its value escaped. */
static void each_field(struct line *l, const struct log_scope *scope,
		       void (*fn)(struct line *, const char *key, const char *value))
{
	const struct {
		const char *key, *value;
	} fields[] = {
		{"session", scope->session},
		{"user", scope->user},
		{"backend", scope->backend},
		{"reason", scope->reason},
	};
	char value[VALUE_SIZE];

	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		if (!fields[i].value)
			continue;
		log_escape(value, sizeof value, fields[i].value, strlen(fields[i].value));
		fn(l, fields[i].key, value);
	}
}

/* Adds an escaped value, one whole character after the other, while it leaves RESERVE bytes. What
 * is left to escape is the quote, and in JSON the backslash. */
static void add_value(struct line *l, const char *value, bool json, size_t reserve)
{
	while (*value && l->len + 4 + reserve < sizeof l->buf) {
		size_t n = 1;

		while (((unsigned char)value[n] & 0xc0) == 0x80)
			n++;
		if (json && (*value == '"' || *value == '\\'))
			add(l, "\\", 1);
		if (!json && *value == '"')
			add_str(l, "\\x22");
		else
			add(l, value, n);
		value += n;
	}
}

/* " key=value", the value in quotes where it would not end at the next space. */
static void add_plain_field(struct line *l, const char *key, const char *value)
{
	bool quote = value[0] == '\0' || strpbrk(value, " \"=") != NULL;

	add_str(l, " ");
	add_str(l, key);
	add_str(l, quote ? "=\"" : "=");
	add_value(l, value, false, 1);
	if (quote)
		add_str(l, "\"");
}

static void add_json_field(struct line *l, const char *key, const char *value)
{
	add_str(l, ",\"");
	add_str(l, key);
	add_str(l, "\":\"");
	add_value(l, value, true, 1);
	add_str(l, "\"");
}

static void add_terminal_time(struct line *l, const struct timespec *ts)
{
	struct tm tm;
	char buf[64];
	size_t n;

	if (!localtime_r(&ts->tv_sec, &tm))
		return;
	n = strftime(buf, sizeof buf, "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(buf + n, sizeof buf - n, ".%03d ", (int)(ts->tv_nsec / 1000000));
	add_str(l, buf);
}

/* "<PRIORITY>TIME IDENT[PID]: ", as the system's log wants it: RFC 3164 section 4.1, and syslog(3)
 * of the C library, which would wait for a slow reader. */
static void add_syslog_head(struct line *l, const struct log_line *line, const struct timespec *ts)
{
	struct tm tm;
	char buf[128], stamp[32] = "";

	if (localtime_r(&ts->tv_sec, &tm))
		strftime(stamp, sizeof stamp, "%b %e %H:%M:%S", &tm);
	snprintf(buf, sizeof buf, "<%d>%s %.32s[%d]: ", LOG_DAEMON | levels[line->level].priority,
		 stamp, state.ident, (int)getpid());
	add_str(l, buf);
}

static void build_plain(struct line *l, const struct log_line *line, const struct timespec *ts)
{
	char priority[16];

	if (state.target == LOG_TARGET_SYSLOG) {
		add_syslog_head(l, line, ts);
	} else if (state.target == LOG_TARGET_STDERR && state.style == STYLE_JOURNAL) {
		snprintf(priority, sizeof priority, "<%d>", levels[line->level].priority);
		add_str(l, priority);
	} else if (state.target == LOG_TARGET_STDERR) {
		if (state.style == STYLE_TERMINAL)
			add_terminal_time(l, ts);
		add_str(l, levels[line->level].prefix);
	}
	add_str(l, line->text);
	if (!line->lifecycle)
		each_field(l, line->scope, add_plain_field);
}

static void build_json(struct line *l, const struct log_line *line, const struct timespec *ts)
{
	struct tm tm;
	char buf[64];
	size_t n = 0;

	if (gmtime_r(&ts->tv_sec, &tm))
		n = strftime(buf, sizeof buf, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, sizeof buf - n, ".%03dZ", (int)(ts->tv_nsec / 1000000));
	add_str(l, "{\"time\":\"");
	add_str(l, buf);
	add_str(l, "\",\"level\":\"");
	add_str(l, levels[line->level].name);
	add_str(l, line->lifecycle ? "\",\"lifecycle\":true" : "\"");
	each_field(l, line->scope, add_json_field);
	add_str(l, ",\"message\":\"");
	add_value(l, line->text, true, 2); /* last, so that cutting it leaves JSON */
	add_str(l, "\"}");
}

static bool render(const struct log_line *line, const struct timespec *ts)
{
	struct line l = {.len = 0};

	if (state.target == LOG_TARGET_JSON)
		build_json(&l, line, ts);
	else
		build_plain(&l, line, ts);
	l.buf[l.len++] = '\n';
	return logout_line(l.buf, l.len);
}

static void call_sinks(const struct log_line *line)
{
	size_t n = state.n_sinks;

	if (state.in_sink)
		return;
	state.in_sink = true;
	for (size_t i = 0; i < n; i++)
		if (state.sinks[i].fn)
			state.sinks[i].fn(line, state.sinks[i].arg);
	state.in_sink = false;
	for (size_t i = n = 0; i < state.n_sinks; i++)
		if (state.sinks[i].fn)
			state.sinks[n++] = state.sinks[i];
	state.n_sinks = n;
}

/* Says how many lines were lost, and why, as soon as there is room again. A report that is lost,
 * too, does not count. */
static void report_lost(void)
{
	static const struct log_scope none;
	unsigned long lost = logout_lost() - state.told;
	int why = logout_lost_why(), saved = errno;
	struct timespec ts;
	char text[160];
	struct log_line line = {LOGL_WARN, false, 0, text, &none};

	if (lost == 0 || state.reporting)
		return;
	clock_gettime(CLOCK_REALTIME, &ts);
	line.time = (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
	snprintf(text, sizeof text, "%lu log lines lost: %.100s", lost,
		 why ? strerror(why) : "the reader of the log is too slow");
	state.reporting = true;
	if (render(&line, &ts)) {
		state.told += lost;
		call_sinks(&line);
	} else {
		state.told++; /* the report itself */
		state.reports_lost++;
	}
	state.reporting = false;
	errno = saved;
}

static void vlog(enum log_level level, bool lifecycle, const struct log_scope *scope,
		 const char *fmt, va_list ap) __attribute__((format(printf, 4, 0)));

static void vlog(enum log_level level, bool lifecycle, const struct log_scope *scope,
		 const char *fmt, va_list ap)
{
	static const struct log_scope none;
	int saved = errno;
	char raw[TEXT_SIZE], text[TEXT_SIZE];
	struct timespec ts;
	struct log_line line = {level, lifecycle, 0, text, scope ? scope : &none};
	int n = vsnprintf(raw, sizeof raw, fmt, ap);

	if (n < 0)
		n = 0;
	log_escape(text, sizeof text, raw, (size_t)n < sizeof raw ? (size_t)n : sizeof raw - 1);
	clock_gettime(CLOCK_REALTIME, &ts);
	line.time = (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
	report_lost();
	render(&line, &ts);
	call_sinks(&line);
	errno = saved;
}

void log_at(enum log_level level, const struct log_scope *scope, const char *fmt, ...)
{
	va_list ap;

	if (level > state.level)
		return;
	va_start(ap, fmt);
	vlog(level, false, scope, fmt, ap);
	va_end(ap);
}

void log_lifecycle(const struct log_scope *scope, const char *fmt, ...)
{
	va_list ap;

	if (LOGL_NOTICE > state.level)
		return;
	va_start(ap, fmt);
	vlog(LOGL_NOTICE, true, scope, fmt, ap);
	va_end(ap);
}

/* libevent must not be called from inside its log callback, and subscribers do call it. */
static void libevent_log(int severity, const char *text)
{
	bool saved = state.in_sink;
	enum log_level level = severity == EVENT_LOG_DEBUG  ? LOGL_DEBUG
			       : severity == EVENT_LOG_MSG  ? LOGL_INFO
			       : severity == EVENT_LOG_WARN ? LOGL_WARN
							    : LOGL_ERROR;

	state.in_sink = true;
	log_at(level, NULL, "libevent: %s", text);
	state.in_sink = saved;
}

/* sd_journal_print(3), systemd.exec(5): $JOURNAL_STREAM is "DEVICE:INODE" of the journal's socket.
 */
static bool stderr_is_journal(const struct stat *st)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	char end;

	return stream && sscanf(stream, "%llu:%llu%c", &dev, &ino, &end) == 2 &&
	       dev == st->st_dev && ino == st->st_ino;
}

void log_open(enum log_target target, const char *ident)
{
	struct stat st;

	state.target = target;
	state.ident = ident;
	state.style = STYLE_PLAIN;
	if (isatty(STDERR_FILENO))
		state.style = STYLE_TERMINAL;
	else if (fstat(STDERR_FILENO, &st) == 0 && stderr_is_journal(&st))
		state.style = STYLE_JOURNAL;
	logout_open(target == LOG_TARGET_SYSLOG);
	event_set_log_callback(libevent_log);
}

void log_attach(struct event_base *base)
{
	logout_attach(base, report_lost);
}

void log_detach(void)
{
	logout_attach(NULL, NULL);
}

unsigned long log_lost(void)
{
	return logout_lost() - state.reports_lost;
}

void log_close(void)
{
	unsigned long before;

	event_set_log_callback(NULL);
	logout_flush(FLUSH_MS);
	report_lost();
	before = logout_lost();
	logout_close();
	/* Lines that are lost now cannot be reported any more. */
	state.told += logout_lost() - before;
	state.target = LOG_TARGET_STDERR;
}

void log_set_level(enum log_level level)
{
	state.level = level;
}

enum log_level log_get_level(void)
{
	return state.level;
}

int log_level_parse(const char *word, enum log_level *level_r)
{
	if (strcasecmp(word, "warn") == 0)
		word = "warning";
	for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
		if (strcasecmp(word, levels[i].name) == 0) {
			*level_r = (enum log_level)i;
			return 0;
		}
	}
	return ERR_INVALID;
}

const char *log_level_name(enum log_level level)
{
	return levels[level].name;
}

int log_subscribe(log_sink_fn fn, void *arg)
{
	if (state.n_sinks == MAX_SINKS)
		return ERR_LIMIT;
	state.sinks[state.n_sinks++] = (struct sink){fn, arg};
	return 0;
}

void log_unsubscribe(log_sink_fn fn, void *arg)
{
	for (size_t i = 0; i < state.n_sinks; i++) {
		if (state.sinks[i].fn != fn || state.sinks[i].arg != arg)
			continue;
		state.sinks[i].fn = NULL;
		if (!state.in_sink) /* else call_sinks() closes the gap */
			state.sinks[i] = state.sinks[--state.n_sinks];
		return;
	}
}
