/* SPDX-License-Identifier: ISC */
/* control_commands.c: the short commands of the control protocol, and the table of all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "autoconf.h"
#include "backend/backend.h"
#include "base/budget.h"
#include "base/delayq.h"
#include "base/turns.h"
#include "config/config.h"
#include "control/control_impl.h"
#include "legacy/records.h"
#include "legacy/sessions.h"
#include "lib/log.h"
#include "mcp/call.h"

/* For items that are rows already. */
static int make_same(struct control_request *r, json_t *item, json_t **row_r)
{
	(void)r;
	*row_r = json_incref(item);
	return 0;
}

/* An array that is put together by a callback, which cannot return anything. */
struct gathering {
	json_t *array;
	const char *user;
	struct sessions *sessions;
	bool failed;
};

static void gather_id(struct session *s, void *arg)
{
	struct gathering *g = arg;

	if (json_array_append_new(g->array, json_string(session_id(s))) < 0)
		g->failed = true;
}

/* Takes what was gathered; NULL for lack of memory. */
static json_t *gathered(struct gathering *g)
{
	if (g->failed) {
		json_decref(g->array);
		g->array = NULL;
	}
	return g->array;
}

/* One row of `sessions list`; nothing where the session ended meanwhile. */
static int make_session(struct control_request *r, json_t *item, json_t **row_r)
{
	struct session *s = sessions_find(r->control->deps.sessions, json_string_value(item));

	if (!s)
		return 0;
	*row_r = session_describe(s, false);
	return *row_r ? 0 : ERR_NOMEM;
}

static void sessions_list(struct control_request *r)
{
	struct gathering g = {.array = json_array()};

	if (control_param(r, "dormant")) {
		json_decref(g.array);
		control_dormant_list(r);
		return;
	}
	sessions_each(r->control->deps.sessions, gather_id, &g);
	control_rows(r, gathered(&g), make_session);
}

/* Finds the session that a prefix means. NULL: R is over. */
static struct session *find_session(struct control_request *r, const char *prefix)
{
	struct session *s;
	struct err e;
	int rc = sessions_find_prefix(r->control->deps.sessions, prefix, &s, &e);

	if (rc == 0)
		return s;
	control_fail(r, rc == ERR_EXISTS ? CTL_AMBIGUOUS : CTL_NOTFOUND, "%s", e.text);
	return NULL;
}

/* The dormant session that PREFIX means, if it means no open one; NULL: none. */
static const char *find_dormant(struct control_request *r, const char *prefix)
{
	struct records *records = sessions_dormant(r->control->deps.sessions);
	struct session *s;
	const char *id;

	if (!records || sessions_find_prefix(r->control->deps.sessions, prefix, &s, NULL) == 0 ||
	    records_find_prefix(records, prefix, &id, NULL) < 0)
		return NULL;
	return id;
}

static void session_show(struct control_request *r)
{
	const char *prefix = control_string(r, "id"), *dormant = find_dormant(r, prefix);
	struct session *s = dormant ? NULL : find_session(r, prefix);

	if (dormant)
		control_done(
			r, records_describe(sessions_dormant(r->control->deps.sessions), dormant));
	else if (s)
		control_done(r, session_describe(s, true));
}

/* "transport: WHY; server: WHY", from what failed. */
static void list_failures(const struct cleanup_report *report, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < report->n && len < size; i++) {
		if (report->res[i].rc != 0)
			len += (size_t)snprintf(buf + len, size - len, "%s%s: %s", len ? "; " : "",
						report->res[i].name, report->res[i].err.text);
	}
}

static void close_one(struct session *s, void *arg)
{
	struct gathering *g = arg;
	struct cleanup_report report;
	char errors[1024], escaped[2048];
	const char *user = session_user(s);
	json_t *row;

	if (g->user && (!user || strcmp(user, g->user) != 0))
		return;
	session_close(s, CLOSE_OPERATOR, &report);
	list_failures(&report, errors, sizeof errors);
	log_escape(escaped, sizeof escaped, errors, strlen(errors));
	row = json_pack("{s:s, s:s, s:I, s:s}", "id", session_id(s), "user", user ? user : "",
			"failed", (json_int_t)report.failed, "errors", escaped);
	if (json_array_append_new(g->array, row) < 0)
		g->failed = true;
}

/* Sessions that wait for their clients are closed like others, but nothing of it can fail. */
static void close_dormant(const char *id, void *arg)
{
	struct gathering *g = arg;
	struct records *records = sessions_dormant(g->sessions);
	char *user = records_user(records, id);

	if (!g->user || (user && strcmp(user, g->user) == 0)) {
		json_t *row = json_pack("{s:s, s:s, s:i, s:s}", "id", id, "user", user ? user : "",
					"failed", 0, "errors", "");

		sessions_close_dormant(g->sessions, id);
		if (json_array_append_new(g->array, row) < 0)
			g->failed = true;
	}
	free(user);
}

/* Finds all sessions before any is closed: a wrong id in the list closes none. */
static void close_listed(struct control_request *r, json_t *ids, struct gathering *g)
{
	struct session *s;
	json_t *id;
	size_t i;

	json_array_foreach (ids, i, id) {
		if (!find_dormant(r, json_string_value(id)) &&
		    !find_session(r, json_string_value(id)))
			return;
	}
	json_array_foreach (ids, i, id) {
		const char *dormant = find_dormant(r, json_string_value(id));

		if (dormant)
			close_dormant(dormant, g);
		/* Not there: named twice. */
		if (sessions_find_prefix(r->control->deps.sessions, json_string_value(id), &s,
					 NULL) == 0)
			close_one(s, g);
	}
}

static void session_close_command(struct control_request *r)
{
	struct sessions *sessions = r->control->deps.sessions;
	struct gathering g = {
		.array = json_array(), .user = control_string(r, "user"), .sessions = sessions};
	json_t *ids = control_param(r, "ids");

	if (ids)
		close_listed(r, ids, &g);
	else
		sessions_each(sessions, close_one, &g);
	if (!ids && sessions_dormant(sessions))
		records_each(sessions_dormant(sessions), close_dormant, &g);
	if (r->ended)
		json_decref(g.array);
	else
		control_rows(r, gathered(&g), make_same);
}

static void counts(struct control_request *r)
{
	struct registry_counts c;
	char line[80];

	sessions_counts(r->control->deps.sessions, &c);
	sessions_counts_line(r->control->deps.sessions, line, sizeof line);
	control_done(r, json_pack("{s:s, s:I, s:I}", "text", line, "activeSessions",
				  (json_int_t)c.sessions, "activeUsers", (json_int_t)c.users));
}

/* Resident memory in bytes; 0 where /proc does not tell. */
static json_int_t resident_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	long pages = 0;

	if (f && fscanf(f, "%*s %ld", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return (json_int_t)pages * sysconf(_SC_PAGESIZE);
}

/* {"ready": 2, "failed": 1}: how many backends are in which state. */
static json_t *backend_states(const struct control_deps *deps)
{
	static const char *const names[] = {
		[BACKEND_LEARNING] = "learning",
		[BACKEND_READY] = "ready",
		[BACKEND_FAILED] = "failed",
		[BACKEND_STOPPED] = "stopped",
	};
	json_t *states = json_object();

	for (size_t i = 0; i < deps->n_backends; i++) {
		const char *name = names[backend_state(deps->backends[i])];
		json_int_t n = json_integer_value(json_object_get(states, name));

		json_object_set_new(states, name, json_integer(n + 1));
	}
	return states;
}

static json_t *turn(const struct turns_longest *t)
{
	return json_pack("{s:f, s:f, s:s}", "processorMs", (double)t->cpu_us / 1000, "wallMs",
			 (double)t->wall_us / 1000, "what", t->what);
}

/* The longest turns of the loop. */
static json_t *longest_turns(void)
{
	struct turns_longest minute, ever;

	turns_report(&minute, &ever);
	return json_pack("{s:o, s:o}", "lastMinute", turn(&minute), "sinceStart", turn(&ever));
}

static void status(struct control_request *r)
{
	const struct control_deps *deps = &r->control->deps;
	struct registry_counts c;
	json_t *own, *result;

	sessions_counts(deps->sessions, &c);
	result = json_pack(
		"{s:s, s:I, s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:o, s:s, s:I, s:I}", "version",
		PACKAGE_VERSION, "pid", (json_int_t)getpid(), "uptime_ms",
		(json_int_t)(clock_ms() - r->control->started), "control", deps->config->control,
		"config", deps->config->file ? deps->config->file : "", "sessions",
		(json_int_t)c.sessions, "dormant",
		(json_int_t)(sessions_dormant(deps->sessions)
				     ? records_dormant(sessions_dormant(deps->sessions))
				     : 0),
		"users", (json_int_t)c.users, "calls", (json_int_t)call_count(), "backends",
		backend_states(deps), "logLevel", log_level_name(log_get_level()), "logLost",
		(json_int_t)log_lost(), "memory", resident_bytes());
	json_object_set_new(result, "held", json_integer((json_int_t)budget_held(NULL)));
	json_object_set_new(result, "heldPeak", json_integer((json_int_t)budget_peak()));
	json_object_set_new(result, "maxMemory", json_integer((json_int_t)budget_max()));
	json_object_set_new(result, "longestTurns", longest_turns());
	own = deps->status ? deps->status(deps->arg) : NULL;
	json_object_update(result, own);
	json_decref(own);
	control_done(r, result);
}

static int make_backend(struct control_request *r, json_t *item, json_t **row_r)
{
	*row_r = backend_describe(r->control->deps.backends[json_integer_value(item)]);
	return *row_r ? 0 : ERR_NOMEM;
}

static void backends_list(struct control_request *r)
{
	struct gathering g = {.array = json_array()};

	for (size_t i = 0; i < r->control->deps.n_backends; i++) {
		if (json_array_append_new(g.array, json_integer((json_int_t)i)) < 0)
			g.failed = true;
	}
	control_rows(r, gathered(&g), make_backend);
}

/* The backend that R names; NULL after R has failed. */
static struct backend *find_backend(struct control_request *r)
{
	const struct control_deps *deps = &r->control->deps;
	const char *name = control_string(r, "name");

	for (size_t i = 0; i < deps->n_backends; i++)
		if (strcmp(backend_name(deps->backends[i]), name) == 0)
			return deps->backends[i];
	control_no_backend(r, name);
	return NULL;
}

static void backend_show_command(struct control_request *r)
{
	struct backend *b = find_backend(r);

	if (b)
		control_done(r, backend_show(b));
}

static void backend_restart_command(struct control_request *r)
{
	struct backend *b = find_backend(r);

	if (!b)
		return;
	backend_restart(b);
	control_done(r, json_pack("{s:o, s:s}", "text",
				  json_sprintf("Backend %s is restarted", backend_name(b)),
				  "backend", backend_name(b)));
}

static void log_level_command(struct control_request *r)
{
	enum log_level level = log_get_level();

	log_level_parse(control_string(r, "level"), &level); /* ctlspec has checked the word */
	log_set_level(level);
	control_done(r, json_pack("{s:o, s:s}", "text",
				  json_sprintf("Log level is %s", log_level_name(level)),
				  "logLevel", log_level_name(level)));
}

static void shutdown_now(void *arg)
{
	struct control *c = arg;

	if (c->deps.shutdown)
		c->deps.shutdown(c->deps.arg);
}

static void shutdown_command(struct control_request *r)
{
	struct control *c = r->control;
	struct registry_counts counts_now;

	sessions_counts(c->deps.sessions, &counts_now);
	defer_call(&c->shutdown_soon, shutdown_now, c);
	control_done(r, json_pack("{s:o, s:I, s:I}", "text",
				  json_sprintf("mcpd (process %d) is shutting down", (int)getpid()),
				  "pid", (json_int_t)getpid(), "sessions",
				  (json_int_t)counts_now.sessions));
}

const struct control_handler control_handlers[] = {
	{"sessions list", sessions_list, control_rows_pump, NULL, control_rows_stop},
	{"session show", session_show, NULL, NULL, NULL},
	{"session close", session_close_command, control_rows_pump, NULL, control_rows_stop},
	{"users list", control_users_list, control_rows_pump, NULL, control_rows_stop},
	{"user show", control_user_show, NULL, NULL, NULL},
	{"user logout", control_user_logout, NULL, NULL, NULL},
	{"user token add", control_token_add, NULL, NULL, NULL},
	{"user token revoke", control_token_revoke, NULL, NULL, NULL},
	{"user token list", control_tokens_list, control_rows_pump, NULL, control_rows_stop},
	{"user secret set", control_secret_set, NULL, NULL, NULL},
	{"user secret unset", control_secret_unset, NULL, NULL, NULL},
	{"user secret list", control_secrets_list, control_rows_pump, NULL, control_rows_stop},
	{"counts", counts, NULL, NULL, NULL},
	{"status", status, NULL, NULL, NULL},
	{"backends list", backends_list, control_rows_pump, NULL, control_rows_stop},
	{"backend show", backend_show_command, NULL, NULL, NULL},
	{"backend restart", backend_restart_command, NULL, NULL, NULL},
	{"tools list", control_tools_list, control_rows_pump, NULL, control_rows_stop},
	{"tool call", control_tool_call, NULL, control_tool_cancel, control_tool_stop},
	{"log follow", control_log_follow, NULL, control_log_cancel, control_log_stop},
	{"log level", log_level_command, NULL, NULL, NULL},
	{"shutdown", shutdown_command, NULL, NULL, NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

const struct control_handler *control_handler_find(const struct ctl_command *c)
{
	for (const struct control_handler *h = control_handlers; h->words; h++) {
		if (strcmp(h->words, c->words) == 0)
			return h;
	}
	return NULL;
}
