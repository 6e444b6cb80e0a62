/* SPDX-License-Identifier: ISC */
#include "legacy/sessions.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/users.h"
#include "base/container.h"
#include "base/delayq.h"
#include "base/share.h"
#include "legacy/records.h"
#include "legacy/stream.h"
#include "lib/log.h"

struct sessions {
	struct session_env env;
	const struct config_sessions *conf;
	struct stream_env *streams;
	struct records *records; /* NULL: nothing outlives the daemon */
};

static struct sessions *of_env(struct session_env *env)
{
	return container_of(env, struct sessions, env);
}

static void on_save(struct session *s, struct session_env *env)
{
	if (of_env(env)->records)
		records_save(of_env(env)->records, s);
}

static void on_save_level(struct session *s, struct session_env *env)
{
	if (of_env(env)->records)
		records_save_level(of_env(env)->records, s);
}

static void on_save_subscription(struct session *s, const char *uri, bool on,
				 struct session_env *env)
{
	if (of_env(env)->records)
		records_save_subscription(of_env(env)->records, s, uri, on);
}

/* Only the end of the daemon is none of the session. A client that never heard of it cannot come
 * back. */
static void on_closing(struct session *s, enum close_reason reason, struct session_env *env)
{
	struct records *records = of_env(env)->records;

	if (!records)
		return;
	if (reason == CLOSE_SHUTDOWN && session_announced(s))
		records_save(records, s);
	else
		records_end(records, s);
}

/* Its record says when it was last heard of. */
static void on_saving(struct delayq_node *node, void *arg)
{
	struct sessions *ss = arg;

	session_changed(session_of_saving(node));
	delayq_add(ss->env.saving, node);
}

/* Idle time is over, unless the client holds a stream open or waits for an answer. */
static void on_idle(struct delayq_node *node, void *arg)
{
	struct sessions *ss = arg;
	struct session *s = session_of_idle(node);

	if (session_working(s))
		delayq_add(ss->env.idle, node);
	else
		session_close(s, CLOSE_IDLE, NULL);
}

static bool is_open(const char *id, void *arg)
{
	return sessions_find(arg, id);
}

static size_t count_users(const void *arg)
{
	return users_count(arg);
}

/* The records, where there is a store. 0 or ERR_NOMEM. */
static int make_records(struct sessions *ss, const struct sessions_deps *deps)
{
	if (!deps->store)
		return 0;
	ss->records = records_new(deps->base, deps->store, deps->conf, deps->issuer, is_open, ss);
	return ss->records ? 0 : ERR_NOMEM;
}

struct sessions *sessions_new(const struct sessions_deps *deps)
{
	const struct config_sessions *conf = deps->conf;
	struct sessions *ss = calloc(1, sizeof *ss);

	if (!ss)
		return NULL;
	ss->conf = conf;
	ss->streams = stream_env_new(deps->base, deps->limits);
	ss->env = (struct session_env){
		.base = deps->base,
		.registry = registry_new(deps->users ? count_users : NULL, deps->users),
		.limits = deps->limits,
		.users = deps->users,
		.streams = ss->streams,
		.idle = delayq_new(deps->base, conf->idle_timeout_ms, on_idle, ss),
		.saving = delayq_new(deps->base, records_interval_ms(conf), on_saving, ss),
		.save = on_save,
		.save_level = on_save_level,
		.save_subscription = on_save_subscription,
		.closing = on_closing,
		.places = share_new("sessions", "sessions.max", conf->max, deps->limits->share),
		.steps = session_steps,
	};
	if (!ss->env.places || !ss->streams || !ss->env.registry || !ss->env.idle ||
	    !ss->env.saving || make_records(ss, deps) < 0)
		sessions_free(&ss);
	return ss;
}

void sessions_free(struct sessions **ssp)
{
	struct sessions *ss = *ssp;

	*ssp = NULL;
	if (!ss)
		return;
	records_free(&ss->records);
	delayq_free(&ss->env.idle);
	delayq_free(&ss->env.saving);
	stream_env_free(&ss->streams);
	registry_free(&ss->env.registry);
	share_free(&ss->env.places);
	free(ss);
}

struct session_env *sessions_env(struct sessions *ss)
{
	return &ss->env;
}

int sessions_admit(struct sessions *ss, const struct session_conf *conf, struct err *e)
{
	struct registry *r = ss->env.registry;
	const struct config_sessions *limits = ss->conf;

	if (share_check(ss->env.places, conf->holder, e) < 0)
		return e->code = share_full(ss->env.places) ? ERR_LIMIT : ERR_DENIED;
	if (registry_peer_count(r, conf->peer) >= limits->max_per_peer)
		return err_set(e, ERR_LIMIT,
			       "too many sessions from this address (sessions.maxPerPeer is %u)",
			       limits->max_per_peer);
	if (conf->user && registry_user_count(r, conf->user) >= limits->max_per_user)
		return err_set(e, ERR_DENIED,
			       "too many sessions of this user (sessions.maxPerUser is %u)",
			       limits->max_per_user);
	return 0;
}

struct session *sessions_find(struct sessions *ss, const char *id)
{
	return registry_find(ss->env.registry, id);
}

/* Opens what RECORD tells of. */
static int open_again(struct sessions *ss, const char *id, const json_t *record,
		      const struct session_conf *like, struct session **s_r, struct err *e)
{
	int64_t age = time(NULL) - (int64_t)json_integer_value(json_object_get(record, "opened"));
	struct session_past past = {
		.id = id,
		.age_ms = age > 0 ? age * 1000 : 0, /* the clock may have been set back */
		.log_level = (int)json_integer_value(json_object_get(record, "logLevel")),
		.subscriptions = json_object_get(record, "subscriptions"),
	};
	struct session_conf conf = *like;

	mcp_rev_parse(json_string_value(json_object_get(record, "revision")), &conf.rev);
	conf.capabilities = json_string_value(json_object_get(record, "capabilities"));
	conf.client_info = json_string_value(json_object_get(record, "client"));
	conf.past = &past;
	return session_open(&ss->env, &conf, s_r, e);
}

int sessions_restore(struct sessions *ss, const char *id, const struct session_conf *like,
		     bool ending, struct session **s_r, struct err *e)
{
	json_t *record;
	int rc = 0;

	err_set(e, ERR_NOTFOUND, "Session not found");
	record = ss->records ? records_find(ss->records, id, like->user, like->path, e) : NULL;
	if (!record)
		return e->code;
	if (!ending)
		rc = sessions_admit(ss, like, e);
	if (rc == 0)
		rc = open_again(ss, id, record, like, s_r, e);
	if (rc == 0)
		records_awake(ss->records, id);
	json_decref(record);
	return rc;
}

struct records *sessions_dormant(struct sessions *ss)
{
	return ss->records;
}

void sessions_close_dormant(struct sessions *ss, const char *id)
{
	char *user = records_user(ss->records, id), line[80];
	struct log_scope scope = {.session = id, .user = user};

	log_lifecycle(&scope, "Session closed: %s (user: %s)", id, user ? user : "unauthenticated");
	log_lifecycle(&scope, "%s", sessions_counts_line(ss, line, sizeof line));
	records_drop(ss->records, id);
	free(user);
}

struct leaving {
	struct sessions *ss;
	const char *user;
	size_t n;
};

static void leave(struct session *s, void *arg)
{
	struct leaving *l = arg;

	if (!session_user(s) || strcmp(session_user(s), l->user) != 0)
		return;
	session_close(s, CLOSE_LOGOUT, NULL);
	l->n++;
}

static void leave_dormant(const char *id, void *arg)
{
	struct leaving *l = arg;
	char *user = records_user(l->ss->records, id);

	if (user && strcmp(user, l->user) == 0) {
		sessions_close_dormant(l->ss, id);
		l->n++;
	}
	free(user);
}

size_t sessions_logout(struct sessions *ss, const char *user)
{
	struct leaving l = {.ss = ss, .user = user};

	sessions_each(ss, leave, &l);
	if (ss->records)
		records_each(ss->records, leave_dormant, &l);
	return l.n;
}

int sessions_find_prefix(struct sessions *ss, const char *prefix, struct session **s_r,
			 struct err *e)
{
	struct registry_entry *entry = NULL;
	size_t len = strlen(prefix);
	struct session *found = NULL;

	while (len > 0 && (entry = registry_next(ss->env.registry, entry))) {
		if (strncmp(entry->id, prefix, len) != 0)
			continue;
		if (found)
			return err_set(e, ERR_EXISTS, "several sessions begin with \"%s\"", prefix);
		found = entry->session;
	}
	if (!found)
		return err_set(e, ERR_NOTFOUND, "no session \"%s\"", prefix);
	*s_r = found;
	return 0;
}

void sessions_each(struct sessions *ss, void (*fn)(struct session *s, void *arg), void *arg)
{
	struct registry_entry *entry, *next;

	/* The memory of whatever FN closes stays until a later turn, and so does the way on from
	 * it. */
	for (entry = registry_next(ss->env.registry, NULL); entry; entry = next) {
		next = registry_next(ss->env.registry, entry);
		if (!session_closing(entry->session))
			fn(entry->session, arg);
	}
}

void sessions_counts(const struct sessions *ss, struct registry_counts *counts_r)
{
	registry_counts(ss->env.registry, counts_r);
}

const char *sessions_counts_line(const struct sessions *ss, char *buf, size_t size)
{
	return registry_counts_line(ss->env.registry, buf, size);
}

static void close_one(struct session *s, void *arg)
{
	session_close(s, *(const enum close_reason *)arg, NULL);
}

void sessions_close_all(struct sessions *ss, enum close_reason reason)
{
	struct registry_counts c;

	registry_counts(ss->env.registry, &c);
	log_lifecycle(NULL, "Closing %zu active sessions...", c.sessions);
	sessions_each(ss, close_one, &reason);
	log_lifecycle(NULL, "All transports closed");
}
