/* SPDX-License-Identifier: ISC */
#include "lib/ctlspec.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/jsonrpc.h"
#include "lib/log.h"

/* clang-format off */
/* The rows of these tables end with an empty one. */
#define PARAMS(...)  .params = (const struct ctl_param[]){__VA_ARGS__, {.name = NULL}}
#define COLUMNS(...) .columns = (const struct ctl_column[]){__VA_ARGS__, {.key = NULL}}

/* The level is an argument, so that a command without one does not compile. */
#define COMMAND(words_, level_, shape_, flags_, summary_, ...)                       \
	{.words = (words_), .level = (level_), .shape = (shape_), .flags = (flags_), \
	 .summary = (summary_), __VA_ARGS__}

#define STRING(key, title)   {key, title, CTL_COL_STRING, 0}
#define ID(key, title)       {key, title, CTL_COL_STRING, CTL_COL_ID}
#define NUMBER(key, title)   {key, title, CTL_COL_INTEGER, CTL_COL_RIGHT}
#define DURATION(key, title) {key, title, CTL_COL_DURATION, CTL_COL_RIGHT}
#define BYTES(key, title)    {key, title, CTL_COL_BYTES, CTL_COL_RIGHT}
#define TIME(key, title)     {key, title, CTL_COL_TIME, 0}
#define BOOLEAN(key, title)  {key, title, CTL_COL_BOOLEAN, 0}
#define VALUE(key, title)    {key, title, CTL_COL_JSON, 0}
#define HIDDEN(key, title)   {key, title, CTL_COL_JSON, CTL_COL_HIDE}
/* clang-format on */

/* What is known of a session in both its list and its own page. */
#define SESSION_COLUMNS                                                                            \
	ID("id", "ID"), STRING("user", "USER"), STRING("peer", "PEER"),                            \
		STRING("client", "CLIENT"), STRING("revision", "REVISION"),                        \
		DURATION("age_ms", "AGE"), DURATION("idle_ms", "IDLE"), NUMBER("calls", "CALLS"),  \
		NUMBER("streams", "STREAMS"), NUMBER("children", "CHILDREN")

/* The same of a user. */
#define USER_COLUMNS                                                                               \
	STRING("user", "USER"), NUMBER("sessions", "SESSIONS"), NUMBER("calls", "CALLS"),          \
		BOOLEAN("token", "TOKEN"), TIME("expires_ms", "EXPIRES"),                          \
		VALUE("secrets", "SECRETS")

const struct ctl_command ctlspec_commands[] = {
	COMMAND("sessions list", CTL_READ, CTL_ROWS, 0, "list the sessions, oldest first",
		PARAMS({"dormant", NULL, CTL_FLAG, CTL_OPTION,
			"those whose clients have not come back since the daemon was started"}),
		COLUMNS(SESSION_COLUMNS)),
	COMMAND("session show", CTL_READ, CTL_RECORD, 0, "show everything about one session",
		PARAMS({"id", "ID", CTL_SESSION, 0, "the session"}),
		COLUMNS(SESSION_COLUMNS, STRING("clientVersion", "CLIENT VERSION"),
			STRING("path", "PATH"), VALUE("capabilities", "CAPABILITIES"),
			VALUE("inFlight", "IN FLIGHT"), VALUE("pids", "PIDS"),
			VALUE("processes", "PROCESSES"), VALUE("subscriptions", "SUBSCRIPTIONS"),
			STRING("logLevel", "LOG LEVEL"), NUMBER("replayEvents", "REPLAY EVENTS"),
			BYTES("replayBytes", "REPLAY BYTES"), NUMBER("waiting", "WAITING"),
			NUMBER("questions", "QUESTIONS"), BYTES("held", "HELD"))),
	COMMAND("session close", CTL_ADMIN, CTL_ROWS, 0,
		"close sessions, and say which steps of that failed",
		PARAMS({"ids", "ID", CTL_SESSION, CTL_MANY | CTL_ONE_OF, "the sessions"},
		       {"all", NULL, CTL_FLAG, CTL_OPTION | CTL_ONE_OF, "every session"},
		       {"user", "USER", CTL_USER, CTL_OPTION | CTL_ONE_OF,
			"the sessions of this user"}),
		COLUMNS(ID("id", "ID"), STRING("user", "USER"), NUMBER("failed", "FAILED"),
			STRING("errors", "ERRORS"))),
	COMMAND("users list", CTL_READ, CTL_ROWS, 0, "list the users, by what is known of them",
		COLUMNS(USER_COLUMNS)),
	COMMAND("user show", CTL_READ, CTL_RECORD, 0, "show everything about one user",
		PARAMS({"user", "USER", CTL_USER, 0, "the user"}),
		COLUMNS(USER_COLUMNS, BOOLEAN("refresh", "REFRESH TOKEN"),
			STRING("issuer", "ISSUER"), STRING("scope", "SCOPE"))),
	COMMAND("user logout", CTL_ADMIN, CTL_TEXT, 0,
		"forget the tokens of a user and close all sessions of that user",
		PARAMS({"user", "USER", CTL_USER, 0, "the user"}),
		COLUMNS(STRING("user", "USER"), NUMBER("sessions", "SESSIONS"))),
	COMMAND("user token add", CTL_ADMIN, CTL_TEXT, 0,
		"make a token for a user and print it, this once; or take one that exists",
		PARAMS({"user", "USER", CTL_USER, 0, "the user"},
		       {"digest", "DIGEST", CTL_DIGEST, 0, "the digest of the token"},
		       {"scope", "SCOPE", CTL_STRING, CTL_OPTION,
			"what it is good for: scopes with spaces between"},
		       {"read", NULL, CTL_FLAG, CTL_OPTION,
			"take a token that exists: it is asked for, or read from standard input"}),
		COLUMNS(STRING("user", "USER"), STRING("id", "ID"), STRING("token", "TOKEN"))),
	COMMAND("user token revoke", CTL_ADMIN, CTL_TEXT, 0, "make a token worthless",
		PARAMS({"id", "ID", CTL_STRING, 0, "the token, as user token list shows it"}),
		COLUMNS(ID("id", "ID"))),
	COMMAND("user token list", CTL_READ, CTL_ROWS, 0, "list the tokens that users have",
		COLUMNS(ID("id", "ID"), STRING("user", "USER"), STRING("scope", "SCOPE"))),
	COMMAND("user secret set", CTL_ADMIN, CTL_TEXT, 0,
		"keep a secret that the user's requests to a backend are made with",
		PARAMS({"user", "USER", CTL_USER, 0, "the user"},
		       {"backend", "BACKEND", CTL_BACKEND, 0, "the backend"},
		       {"secret", "SECRET", CTL_SECRET, 0,
			"the secret: it is asked for, or read from standard input"}),
		COLUMNS(STRING("user", "USER"), STRING("backend", "BACKEND"))),
	COMMAND("user secret unset", CTL_ADMIN, CTL_TEXT, 0, "forget such a secret",
		PARAMS({"user", "USER", CTL_USER, 0, "the user"},
		       {"backend", "BACKEND", CTL_BACKEND, 0, "the backend"}),
		COLUMNS(STRING("user", "USER"), STRING("backend", "BACKEND"))),
	COMMAND("user secret list", CTL_READ, CTL_ROWS, 0,
		"list who has a secret for which backend",
		COLUMNS(STRING("user", "USER"), STRING("backend", "BACKEND"))),
	COMMAND("counts", CTL_READ, CTL_TEXT, 0, "print the numbers of sessions and users",
		COLUMNS(NUMBER("activeSessions", "SESSIONS"), NUMBER("activeUsers", "USERS"))),
	COMMAND("status", CTL_READ, CTL_RECORD, 0, "show how the daemon is",
		COLUMNS(STRING("version", "VERSION"), NUMBER("pid", "PID"),
			DURATION("uptime_ms", "UPTIME"), VALUE("listen", "LISTEN"),
			STRING("control", "CONTROL"), STRING("config", "CONFIG"),
			NUMBER("sessions", "SESSIONS"), NUMBER("dormant", "DORMANT"),
			NUMBER("users", "USERS"), VALUE("modern", "MODERN"),
			NUMBER("children", "CHILDREN"), NUMBER("processes", "PROCESSES"),
			NUMBER("calls", "CALLS"), VALUE("backends", "BACKENDS"),
			STRING("logLevel", "LOG LEVEL"), NUMBER("logLost", "LOG LINES LOST"),
			VALUE("store", "STORE"), BYTES("memory", "MEMORY"), BYTES("held", "HELD"),
			BYTES("heldPeak", "HELD PEAK"), BYTES("maxMemory", "HELD LIMIT"),
			VALUE("longestTurns", "LONGEST TURNS"))),
	COMMAND("backends list", CTL_READ, CTL_ROWS, 0, "list the backends and their states",
		COLUMNS(STRING("name", "NAME"), STRING("kind", "KIND"), STRING("state", "STATE"),
			STRING("scope", "SCOPE"), NUMBER("children", "CHILDREN"),
			NUMBER("calls", "CALLS"), NUMBER("tools", "TOOLS"),
			NUMBER("resources", "RESOURCES"), NUMBER("prompts", "PROMPTS"),
			NUMBER("restarts", "RESTARTS"), STRING("reason", "REASON"),
			HIDDEN("lastStderr", "LAST STDERR"), HIDDEN("firstNoise", "FIRST NOISE"))),
	COMMAND("backend show", CTL_READ, CTL_RECORD, 0,
		"show what a backend is, and which of its limits the kernel enforces",
		PARAMS({"name", "NAME", CTL_BACKEND, 0, "the backend"}),
		COLUMNS(STRING("name", "NAME"), STRING("kind", "KIND"), STRING("state", "STATE"),
			STRING("reason", "REASON"), STRING("lastStderr", "LAST STDERR"),
			STRING("firstNoise", "FIRST NOISE"), STRING("program", "PROGRAM"),
			STRING("url", "URL"), STRING("scope", "SCOPE"), STRING("era", "ERA"),
			STRING("revision", "REVISION"), NUMBER("children", "CHILDREN"),
			NUMBER("links", "LINKS"), NUMBER("calls", "CALLS"),
			NUMBER("tools", "TOOLS"), NUMBER("resources", "RESOURCES"),
			NUMBER("prompts", "PROMPTS"), NUMBER("restarts", "RESTARTS"),
			NUMBER("landlock", "LANDLOCK"), VALUE("hidden", "HIDDEN"),
			VALUE("sandbox", "SANDBOX"), VALUE("limits", "LIMITS"))),
	COMMAND("backend restart", CTL_ADMIN, CTL_TEXT, 0,
		"stop the children of a backend and learn anew what it offers",
		PARAMS({"name", "NAME", CTL_BACKEND, 0, "the backend"}),
		COLUMNS(STRING("backend", "BACKEND"))),
	COMMAND("tools list", CTL_READ, CTL_ROWS, 0, "list the tools of all backends",
		COLUMNS(STRING("name", "NAME"), STRING("backend", "BACKEND"),
			STRING("description", "DESCRIPTION"), HIDDEN("inputSchema", "INPUT"))),
	COMMAND("tool call", CTL_ADMIN, CTL_CONTENT, CTL_SENSITIVE | CTL_SLOW,
		"call a tool and print what it returns",
		PARAMS({"name", "NAME", CTL_TOOL, 0, "the tool, as tools list shows it"},
		       {"arguments", "JSON", CTL_JSON, CTL_OPTIONAL,
			"its arguments, a JSON object; - reads them from standard input"})),
	COMMAND("log follow", CTL_READ, CTL_FOLLOW, CTL_SLOW,
		"print the lifecycle lines of the log as they happen",
		PARAMS({"all", NULL, CTL_FLAG, CTL_OPTION, "every line that passes the log level"}),
		COLUMNS(TIME("time_ms", "TIME"), STRING("level", "LEVEL"),
			BOOLEAN("lifecycle", "LIFECYCLE"), STRING("text", "TEXT"),
			STRING("session", "SESSION"), STRING("user", "USER"),
			STRING("backend", "BACKEND"), STRING("reason", "REASON"))),
	COMMAND("log level", CTL_ADMIN, CTL_TEXT, 0, "set the level of the log",
		PARAMS({"level", "LEVEL", CTL_LOGLEVEL, 0,
			"error, warning, notice, info or debug"}),
		COLUMNS(STRING("logLevel", "LOG LEVEL"))),
	COMMAND("config check", CTL_NOBODY, CTL_TEXT, CTL_LOCAL | CTL_SLOW,
		"check a configuration file as mcpd does; no daemon needed",
		PARAMS({"file", "FILE", CTL_FILE, 0, "the configuration file"}),
		COLUMNS(STRING("file", "FILE"), BOOLEAN("good", "GOOD"))),
	COMMAND("shutdown", CTL_ADMIN, CTL_TEXT, CTL_WHOLE | CTL_LAST | CTL_SLOW,
		"close every session, stop every child and end the daemon",
		COLUMNS(NUMBER("pid", "PID"), NUMBER("sessions", "SESSIONS"))),
	COMMAND("help", CTL_NOBODY, CTL_ROWS, CTL_LOCAL, "describe all commands, or one of them",
		PARAMS({"command", "COMMAND", CTL_WORDS, CTL_OPTIONAL | CTL_MANY, "its words"}),
		COLUMNS(STRING("command", "COMMAND"), STRING("usage", "USAGE"),
			STRING("level", "LEVEL"), STRING("summary", "SUMMARY"))),
	COMMAND("version", CTL_NOBODY, CTL_RECORD, CTL_LOCAL,
		"print the versions of mcpctl and, where it runs, of the daemon",
		COLUMNS(STRING("mcpctl", "MCPCTL"), STRING("mcpd", "MCPD"),
			STRING("protocol", "PROTOCOL"), STRING("level", "LEVEL"))),
	COMMAND("complete", CTL_NOBODY, CTL_TEXT, CTL_LOCAL | CTL_HIDDEN | CTL_WHOLE,
		"print what could stand in the place of the last word",
		PARAMS({"words", "WORD", CTL_WORDS, CTL_OPTIONAL | CTL_MANY,
			"the words so far; the last one may be empty"})),
	{.words = NULL},
};

/* Whether METHOD is the method of WORDS. */
static bool is_method(const char *words, const char *method)
{
	for (; *words; words++, method++) {
		if (*method != (*words == ' ' ? '.' : *words))
			return false;
	}
	return *method == '\0';
}

const struct ctl_command *ctlspec_find(const char *method)
{
	for (const struct ctl_command *c = ctlspec_commands; c->words; c++) {
		if (!(c->flags & CTL_LOCAL) && is_method(c->words, method))
			return c;
	}
	return NULL;
}

const char *ctlspec_method(const struct ctl_command *c, char *buf, size_t size)
{
	snprintf(buf, size, "%s", c->words);
	for (char *p = buf; *p; p++)
		*p = *p == ' ' ? '.' : *p;
	return buf;
}

/* Appends one parameter. */
static void put_usage(const struct ctl_param *p, const char *before, char *buf, size_t size)
{
	size_t len = strlen(buf);
	bool brackets = p->flags & (CTL_OPTIONAL | CTL_OPTION) && !(p->flags & CTL_ONE_OF);

	snprintf(buf + len, size - len, "%s%s%s%s%s%s%s%s", before, brackets ? "[" : "",
		 p->flags & CTL_OPTION ? "--" : "", p->flags & CTL_OPTION ? p->name : "",
		 p->flags & CTL_OPTION && p->label ? " " : "", p->label ? p->label : "",
		 p->flags & CTL_MANY ? "..." : "", brackets ? "]" : "");
}

const char *ctlspec_usage(const struct ctl_command *c, char *buf, size_t size)
{
	bool choice = false;

	snprintf(buf, size, "%s", c->words);
	for (const struct ctl_param *p = c->params; p && p->name; p++) {
		if (p->type == CTL_SECRET || p->type == CTL_DIGEST)
			continue;
		put_usage(p, choice ? " | " : " ", buf, size);
		choice = p->flags & CTL_ONE_OF;
	}
	return buf;
}

static const struct ctl_param *find_param(const struct ctl_command *c, const char *name)
{
	for (const struct ctl_param *p = c->params; p && p->name; p++) {
		if (strcmp(p->name, name) == 0)
			return p;
	}
	return NULL;
}

/* A string that C can handle: not empty and without NUL. */
static bool is_word(const json_t *value)
{
	const char *s = json_string_value(value);

	return s && *s && strlen(s) == json_string_length(value);
}

static int check_words(const struct ctl_param *p, const json_t *value, struct err *e)
{
	size_t i;
	const json_t *item;

	if (!json_is_array(value) || json_array_size(value) == 0)
		return err_set(e, ERR_INVALID, "%s: expected an array of strings", p->name);
	json_array_foreach (value, i, item) {
		if (!is_word(item) && !(p->type == CTL_WORDS && json_string_length(item) == 0))
			return err_set(e, ERR_INVALID, "%s[%zu]: expected a string", p->name, i);
	}
	return 0;
}

static int check_value(const struct ctl_param *p, const json_t *value, struct err *e)
{
	enum log_level level;

	if (p->flags & CTL_MANY)
		return check_words(p, value, e);
	if (p->type == CTL_FLAG)
		return json_is_true(value) ? 0 : err_set(e, ERR_INVALID, "%s: only true", p->name);
	if (p->type == CTL_JSON)
		return json_is_object(value)
			       ? 0
			       : err_set(e, ERR_INVALID, "%s: expected an object", p->name);
	if (!is_word(value))
		return err_set(e, ERR_INVALID, "%s: expected a string that is not empty", p->name);
	if (p->type == CTL_LOGLEVEL && log_level_parse(json_string_value(value), &level) < 0)
		return err_set(e, ERR_INVALID, "%s: expected %s", p->name, p->help);
	return 0;
}

/* Whether what has to be there is there. */
static int check_presence(const struct ctl_command *c, const json_t *params, struct err *e)
{
	char usage[256];
	size_t choices = 0, chosen = 0;

	for (const struct ctl_param *p = c->params; p && p->name; p++) {
		bool there = json_object_get(params, p->name);

		if (p->flags & CTL_ONE_OF) {
			choices++;
			chosen += there;
		} else if (!there && !(p->flags & (CTL_OPTIONAL | CTL_OPTION))) {
			return err_set(e, ERR_INVALID, "%s is missing; usage: %s", p->label,
				       ctlspec_usage(c, usage, sizeof usage));
		}
	}
	if (choices > 0 && chosen != 1)
		return err_set(e, ERR_INVALID, "%s; usage: %s",
			       chosen ? "these exclude each other" : "which ones?",
			       ctlspec_usage(c, usage, sizeof usage));
	return 0;
}

int ctlspec_check(const struct ctl_command *c, const json_t *params, struct err *e)
{
	const char *name;
	json_t *value;

	if (params && !json_is_object(params))
		return err_set(e, ERR_INVALID, "params must be an object");
	json_object_foreach ((json_t *)(uintptr_t)params, name, value) {
		const struct ctl_param *p = find_param(c, name);
		int rc = p ? check_value(p, value, e)
			   : err_set(e, ERR_INVALID, "unknown parameter \"%s\"", name);

		if (rc)
			return rc;
	}
	return check_presence(c, params, e);
}

static const char *const level_names[] = {
	[CTL_NOBODY] = "none",
	[CTL_READ] = "read",
	[CTL_ADMIN] = "admin",
};

const char *ctlspec_level_name(enum ctl_level level)
{
	return level_names[level];
}

enum ctl_level ctlspec_level_parse(const char *name)
{
	for (int i = CTL_READ; name && i <= CTL_ADMIN; i++) {
		if (strcmp(level_names[i], name) == 0)
			return (enum ctl_level)i;
	}
	return CTL_NOBODY;
}

static const struct {
	const char *name;
	int code;
} reasons[] = {
	[CTL_DENIED] = {"denied", -32010},	 [CTL_NOTFOUND] = {"notfound", -32011},
	[CTL_AMBIGUOUS] = {"ambiguous", -32012}, [CTL_INVALID] = {"invalid", RPC_INVALID_PARAMS},
	[CTL_LIMIT] = {"limit", -32013},	 [CTL_UNAVAILABLE] = {"unavailable", -32014},
	[CTL_CANCELLED] = {"cancelled", -32015}, [CTL_INTERNAL] = {"internal", RPC_INTERNAL_ERROR},
};

const char *ctlspec_reason_name(enum ctl_reason reason)
{
	return reasons[reason].name;
}

int ctlspec_reason_code(enum ctl_reason reason)
{
	return reasons[reason].code;
}
