#include "sessions.h"

#include <stdlib.h>
#include <string.h>

#include "delayq.h"
#include "log.h"
#include "stream.h"
#include "users.h"

struct sessions {
	struct session_env env;
	const struct config_sessions *conf;
	struct stream_env *streams;
};

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

struct sessions *sessions_new(struct event_base *base, const struct config_sessions *conf,
			      const struct config_limits *limits)
{
	struct sessions *ss = calloc(1, sizeof *ss);

	if (!ss)
		return NULL;
	ss->conf = conf;
	ss->streams = stream_env_new(base, limits);
	ss->env = (struct session_env){
		.base = base,
		.registry = registry_new(),
		.limits = limits,
		.streams = ss->streams,
		.idle = delayq_new(base, conf->idle_timeout_ms, on_idle, ss),
		.steps = session_steps,
	};
	if (!ss->streams || !ss->env.registry || !ss->env.idle)
		sessions_free(&ss);
	return ss;
}

void sessions_free(struct sessions **ssp)
{
	struct sessions *ss = *ssp;

	*ssp = NULL;
	if (!ss)
		return;
	delayq_free(&ss->env.idle);
	stream_env_free(&ss->streams);
	registry_free(&ss->env.registry);
	free(ss);
}

static size_t count_users(const void *arg)
{
	return users_count(arg);
}

void sessions_set_users(struct sessions *ss, struct users *us)
{
	ss->env.users = us;
	registry_count_users(ss->env.registry, count_users, us);
}

struct session_env *sessions_env(struct sessions *ss)
{
	return &ss->env;
}

int sessions_admit(struct sessions *ss, const char *peer, const char *user, struct err *e)
{
	struct registry_counts c;

	(void)user; /* counted with the user store */
	registry_counts(ss->env.registry, &c);
	if (c.sessions >= ss->conf->max)
		return err_set(e, ERR_LIMIT, "too many sessions (sessions.max is %u)",
			       ss->conf->max);
	if (registry_peer_count(ss->env.registry, peer) >= ss->conf->max_per_peer)
		return err_set(e, ERR_LIMIT,
			       "too many sessions from this address (sessions.maxPerPeer is %u)",
			       ss->conf->max_per_peer);
	return 0;
}

struct session *sessions_find(struct sessions *ss, const char *id)
{
	return registry_find(ss->env.registry, id);
}

int sessions_find_prefix(struct sessions *ss, const char *prefix, struct session **s_r, struct err *e)
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

	/* The memory of whatever FN closes stays until a later turn, and so does the way on from it. */
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
