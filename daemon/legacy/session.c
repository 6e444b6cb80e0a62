/* SPDX-License-Identifier: ISC */
#include "legacy/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/users.h"
#include "base/bearer.h"
#include "base/budget.h"
#include "base/container.h"
#include "base/defer.h"
#include "base/delayq.h"
#include "base/heap.h"
#include "base/share.h"
#include "legacy/registry.h"
#include "legacy/transport.h"
#include "lib/jsonrpc.h"
#include "lib/log.h"
#include "mcp/call.h"
#include "server/server.h"

enum session_state { SESSION_OPEN, SESSION_CLOSING, SESSION_CLOSED };

struct session {
	struct registry_entry entry;
	struct session_env *env;
	struct view *view;
	const char *path;
	struct caller caller; /* what the server and the backends see of the client */
	struct server *server;
	struct transport *transport;
	struct delayq_node idle, saving;
	struct defer freeing;
	int64_t opened, touched; /* milliseconds, monotonic */
	enum session_state state;
	enum close_reason reason;
	struct budget *budget;	 /* what the session holds */
	struct budget_part kept; /* the session itself */
	bool announced;		 /* the client knows the id */
	bool restored;		 /* of an earlier life of the daemon */
	bool counted;		 /* among the sessions of its peer */
	bool placed;		 /* a place of all sessions is taken */
	char texts[];		 /* user, peer, holder, capabilities, clientInfo */
};

static const char *close_reason_name(enum close_reason reason)
{
	switch (reason) {
	case CLOSE_CLIENT:
		return "client";
	case CLOSE_OPERATOR:
		return "operator";
	case CLOSE_IDLE:
		return "idle";
	case CLOSE_LOGOUT:
		return "logout";
	case CLOSE_SHUTDOWN:
		return "shutdown";
	case CLOSE_FAILED:
		return "failed";
	}
	return "unknown";
}

static struct log_scope scope_of(const struct session *s)
{
	return (struct log_scope){
		.session = s->entry.id,
		.user = s->caller.user,
		.reason = s->state == SESSION_OPEN ? NULL : close_reason_name(s->reason),
	};
}

static const char *user_name(const struct session *s)
{
	return s->caller.user ? s->caller.user : "unauthenticated";
}

static int step_log(void *ctx, struct err *e)
{
	struct session *s = ctx;
	struct log_scope scope = scope_of(s);

	(void)e;
	log_lifecycle(&scope, "Session closed: %s (user: %s)", s->entry.id, user_name(s));
	return 0;
}

static int step_transport(void *ctx, struct err *e)
{
	struct session *s = ctx;
	bool down = s->reason == CLOSE_SHUTDOWN;

	if (!s->transport)
		return 0;
	return transport_close(s->transport, down ? 503 : 404,
			       down ? "the server is shutting down" : "Session not found", e);
}

static int step_server(void *ctx, struct err *e)
{
	struct session *s = ctx;

	return s->server ? server_close(s->server, e) : 0;
}

/* Out of the counts of its peer and its holder. */
static void uncount(struct session *s)
{
	if (s->counted)
		registry_peer_drop(s->env->registry, s->caller.peer);
	s->counted = false;
	if (s->placed)
		share_give(s->env->places, s->caller.holder);
	s->placed = false;
}

static int step_session_map(void *ctx, struct err *e)
{
	struct session *s = ctx;

	delayq_remove(s->env->idle, &s->idle);
	uncount(s);
	if (registry_remove(s->env->registry, &s->entry) < 0)
		return err_set(e, ERR_NOTFOUND, "session %s was in no session map", s->entry.id);
	return 0;
}

static int step_user_map(void *ctx, struct err *e)
{
	struct session *s = ctx;

	(void)e;
	registry_unbind_user(s->env->registry, s->entry.id);
	return 0;
}

static int step_caps_map(void *ctx, struct err *e)
{
	struct session *s = ctx;

	(void)e;
	registry_drop_caps(s->env->registry, s->entry.id);
	return 0;
}

/* The user's tokens are left alone on purpose: they are for the reconnection. */
static int step_counts(void *ctx, struct err *e)
{
	struct session *s = ctx;
	struct log_scope scope = scope_of(s);
	char line[80];

	(void)e;
	log_lifecycle(&scope, "%s", registry_counts_line(s->env->registry, line, sizeof line));
	return 0;
}

const struct session_step session_steps[SESSION_STEPS] = {
	{{"log", step_log}, NULL, NULL},
	{{"transport", step_transport},
	 "Transport closed for session %s",
	 "Error closing transport for session %s: %s"},
	{{"server", step_server},
	 "Server closed for session %s",
	 "Error closing server for session %s: %s"},
	{{"session-map", step_session_map}, NULL, NULL},
	{{"user-map", step_user_map}, NULL, NULL},
	{{"capabilities-map", step_caps_map}, NULL, NULL},
	{{"counts", step_counts}, NULL, NULL},
};

/* What the log says of a step that ran. */
static void log_step(const struct session *s, const struct session_step *step,
		     const struct cleanup_result *res)
{
	struct log_scope scope = scope_of(s);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (res->rc == 0 && step->done)
		log_lifecycle(&scope, step->done, s->entry.id);
	else if (res->rc != 0 && step->failed)
		log_lifecycle(&scope, step->failed, s->entry.id, res->err.text);
	else if (res->rc != 0)
		log_error(&scope, "closing session %s: step %s failed: %s", s->entry.id, res->name,
			  res->err.text);
#pragma GCC diagnostic pop
}

static void free_later(void *arg)
{
	struct session *s = arg;

	/* The server first: what it still has in flight ends on the transport's streams. */
	server_free(&s->server);
	transport_free(&s->transport);
	bearer_unref(&s->caller.bearer);
	budget_end(&s->kept);
	budget_unref(&s->budget);
	free(s);
	heap_ended();
}

/* A session whose memory will be freed must not be found or counted, even after a failed step. */
static void forget(struct session *s)
{
	struct registry *r = s->env->registry;

	delayq_remove(s->env->idle, &s->idle);
	delayq_remove(s->env->saving, &s->saving);
	registry_remove(r, &s->entry);
	registry_unbind_user(r, s->entry.id);
	registry_drop_caps(r, s->entry.id);
	uncount(s);
}

void session_close(struct session *s, enum close_reason reason, struct cleanup_report *report)
{
	struct cleanup_report one;

	if (report)
		memset(report, 0, sizeof *report);
	if (s->state != SESSION_OPEN)
		return;
	s->state = SESSION_CLOSING;
	s->reason = reason;
	s->env->closing(s, reason, s->env);
	for (size_t i = 0; i < SESSION_STEPS; i++) {
		cleanup_run(&s->env->steps[i].step, 1, s, &one);
		log_step(s, &s->env->steps[i], &one.res[0]);
		if (report) {
			report->res[report->n++] = one.res[0];
			report->failed += one.failed;
		}
	}
	s->state = SESSION_CLOSED;
	forget(s);
	defer_call(&s->freeing, free_later, s);
}

/* Copies TEXT to *at and moves *at behind it. NULL stays NULL. */
static const char *put_text(char **at, const char *text)
{
	char *copy = *at;

	if (!text)
		return NULL;
	*at = stpcpy(copy, text) + 1;
	return copy;
}

static size_t text_size(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

static struct session *session_new(struct session_env *env, const struct session_conf *conf)
{
	size_t size = text_size(conf->user) + text_size(conf->peer) + text_size(conf->holder) +
		      text_size(conf->capabilities) + text_size(conf->client_info);
	struct session *s = calloc(1, sizeof *s + size);
	char *at;

	if (!s)
		return NULL;
	at = s->texts;
	s->env = env;
	s->view = conf->view;
	s->path = conf->path;
	s->entry.session = s;
	s->opened = s->touched = clock_ms();
	s->caller = (struct caller){
		.session = s->entry.id,
		.user = put_text(&at, conf->user),
		.peer = put_text(&at, conf->peer),
		.holder = put_text(&at, conf->holder),
		.rev = conf->rev,
		.capabilities = put_text(&at, conf->capabilities),
		.client_info = put_text(&at, conf->client_info),
		.bearer = bearer_ref(conf->bearer),
		.log_level = conf->past ? conf->past->log_level : -1,
	};
	s->budget = s->caller.budget = budget_within(conf->holder);
	budget_move(&s->kept, s->budget);
	budget_add(&s->kept, budget_block(sizeof *s + size));
	if (conf->past) {
		snprintf(s->entry.id, sizeof s->entry.id, "%s", conf->past->id);
		s->opened -= conf->past->age_ms;
		s->restored = s->announced = true;
	}
	return s;
}

/* A connection ended: idle time runs from here. */
static void on_quiet(void *arg)
{
	session_touch(arg);
}

/* Its place among all sessions. Whether there is one was asked before (sessions_admit()), but for a
 * session that is opened only to be closed. 0 or ERR_NOMEM. */
static int take_place(struct session *s)
{
	int rc = s->env->places ? share_take(s->env->places, s->caller.holder, NULL) : ERR_LIMIT;

	s->placed = rc == 0;
	return rc == ERR_NOMEM ? rc : 0;
}

/* The token that came with the requests of stream ST was withdrawn. */
static void on_withdrawn(struct stream *st, const char *why, void *arg)
{
	struct session *s = arg;

	while (server_cancel(s->server, st, why))
		continue;
}

/* Server, transport and the maps. Whatever is there already when one fails, session_drop() undoes.
 */
static int set_up(struct session *s, const struct session_conf *conf, struct err *e)
{
	struct registry *r = s->env->registry;
	struct server_conf sc = {
		.base = s->env->base,
		.limits = s->env->limits,
		.view = s->view,
		.users = s->env->users,
		.caller = &s->caller,
		.max_calls = s->env->limits->max_calls,
		.max_subscriptions = s->env->limits->max_subscriptions,
		.max_bytes = s->env->limits->max_session_bytes,
		.front = conf->front,
		.arg = s,
	};

	if (!conf->past && registry_make_id(s->entry.id, e) < 0)
		return e ? e->code : ERR_IO;
	s->transport = transport_new(s->env->streams, conf->rev, s->budget, on_quiet, s);
	if (s->transport)
		transport_on_withdrawn(s->transport, on_withdrawn);
	s->server = server_new(&sc);
	if (!s->transport || !s->server || registry_add_caps(r, s->entry.id) ||
	    (conf->user && registry_bind_user(r, s->entry.id, conf->user)) || take_place(s) < 0 ||
	    registry_peer_add(r, conf->peer))
		return err_set(e, ERR_NOMEM, "out of memory");
	s->counted = true;
	return registry_add(r, &s->entry) ? err_set(e, ERR_NOMEM, "out of memory") : 0;
}

/* What there is more to do for one of an earlier life. */
static int take_up(struct session *s, const struct session_past *past, struct err *e)
{
	transport_renumber(s->transport);
	if (server_restore(s->server, past->subscriptions) < 0)
		return err_set(e, ERR_NOMEM, "out of memory");
	return 0;
}

/* A session whose id no client got. */
static void session_drop(struct session *s)
{
	forget(s);
	free_later(s);
}

int session_open(struct session_env *env, const struct session_conf *conf, struct session **s_r,
		 struct err *e)
{
	struct session *s = session_new(env, conf);
	struct log_scope scope;
	int rc;

	if (!s)
		return err_set(e, ERR_NOMEM, "out of memory");
	rc = set_up(s, conf, e);
	if (rc == 0 && conf->past)
		rc = take_up(s, conf->past, e);
	if (rc) {
		session_drop(s);
		return rc;
	}
	delayq_add(env->idle, &s->idle);
	delayq_add(env->saving, &s->saving);
	session_changed(s);
	scope = scope_of(s);
	if (conf->past)
		log_lifecycle(&scope, "Session restored: %s (user: %s)", s->entry.id, user_name(s));
	else
		log_lifecycle(&scope, "Session created: %s", s->entry.id);
	if (env->users && s->caller.user && !conf->past)
		users_session(env->users, s->caller.user);
	*s_r = s;
	return 0;
}

const char *session_id(const struct session *s)
{
	return s->entry.id;
}

const char *session_user(const struct session *s)
{
	return s->caller.user;
}

enum mcp_rev session_rev(const struct session *s)
{
	return s->caller.rev;
}

const struct caller *session_caller(const struct session *s)
{
	return &s->caller;
}

const char *session_path(const struct session *s)
{
	return s->path;
}

int64_t session_age_ms(const struct session *s)
{
	return clock_ms() - s->opened;
}

int64_t session_idle_ms(const struct session *s)
{
	return session_working(s) ? 0 : clock_ms() - s->touched;
}

bool session_restored(const struct session *s)
{
	return s->restored;
}

void session_changed(struct session *s)
{
	if (s->state == SESSION_OPEN)
		s->env->save(s, s->env);
}

void session_level_set(struct session *s)
{
	if (s->state == SESSION_OPEN)
		s->env->save_level(s, s->env);
}

void session_subscribed(struct session *s, const char *uri, bool on)
{
	if (s->state == SESSION_OPEN)
		s->env->save_subscription(s, uri, on, s->env);
}

struct server *session_server(const struct session *s)
{
	return s->server;
}

struct transport *session_transport(const struct session *s)
{
	return s->transport;
}

bool session_closing(const struct session *s)
{
	return s->state != SESSION_OPEN;
}

void session_announce(struct session *s)
{
	s->announced = true;
}

bool session_announced(const struct session *s)
{
	return s->announced;
}

struct view *session_view(const struct session *s)
{
	return s->view;
}

bool session_working(const struct session *s)
{
	return server_in_flight(s->server) > 0 || transport_open_streams(s->transport) > 0;
}

struct session *session_of_idle(struct delayq_node *node)
{
	return container_of(node, struct session, idle);
}

struct session *session_of_saving(struct delayq_node *node)
{
	return container_of(node, struct session, saving);
}

void session_seen(struct session *s, struct bearer *b)
{
	bearer_set(&s->caller.bearer, b);
}

void session_touch(struct session *s)
{
	if (s->state != SESSION_OPEN)
		return;
	s->touched = clock_ms();
	delayq_add(s->env->idle, &s->idle);
}

/* "name version" or the name alone, from clientInfo. */
static json_t *client_name(const struct session *s, const char *member)
{
	json_t *info = s->caller.client_info ? json_loads(s->caller.client_info, 0, NULL) : NULL;
	json_t *value = json_incref(json_object_get(info, member));

	json_decref(info);
	return json_is_string(value) ? value : (json_decref(value), json_string(""));
}

json_t *session_describe(const struct session *s, bool detail)
{
	json_t *row = json_pack(
		"{s:s, s:s, s:s, s:o, s:s, s:I, s:I, s:I, s:I, s:I}", "id", s->entry.id, "user",
		s->caller.user ? s->caller.user : "", "peer", s->caller.peer, "client",
		client_name(s, "name"), "revision", mcp_rev_name(s->caller.rev), "age_ms",
		(json_int_t)session_age_ms(s), "idle_ms", (json_int_t)session_idle_ms(s), "calls",
		(json_int_t)server_in_flight(s->server), "streams",
		(json_int_t)transport_open_streams(s->transport), "children",
		(json_int_t)server_children(s->server));
	json_t *more;

	if (!row || !detail)
		return row;
	json_object_set_new(row, "clientVersion", client_name(s, "version"));
	json_object_set_new(row, "path", json_string(s->path));
	json_object_set_new(row, "capabilities", json_loads(s->caller.capabilities, 0, NULL));
	more = server_describe(s->server);
	json_object_update_missing(row, more);
	json_object_set(row, "inFlight", json_object_get(more, "calls"));
	json_decref(more);
	more = transport_describe(s->transport);
	json_object_update_missing(row, more);
	json_decref(more);
	json_object_set_new(row, "held", json_integer((json_int_t)budget_held(s->budget)));
	return row;
}
