/* SPDX-License-Identifier: ISC */
#include "modern/topic.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/hash.h"
#include "modern/pool.h"
#include "server/server.h"

struct topic {
	UT_hash_handle hh;	 /* by what it is */
	UT_hash_handle hh_asked; /* by serial, as long as the server has not answered */
	LIST_HEAD(, topic_member) members;
	struct topics *all;
	json_int_t serial; /* the id of the request */
	bool asked, granted;
	size_t key_size;
	/* From here on it is the key. */
	struct pooled *pooled;
	uintptr_t kind; /* as wide as the pointer: no padding in a key */
	char name[];
};

struct topics {
	struct topic *by_key, *asked;
	json_int_t last;
};

static const struct {
	const char *subscribe, *unsubscribe, *notification, *member;
} kinds[] = {
	[TOPIC_RESOURCE] = {"resources/subscribe", "resources/unsubscribe",
			    "notifications/resources/updated", "uri"},
	[TOPIC_TASK] = {"tasks/subscribe", "tasks/unsubscribe", "notifications/tasks", "taskId"},
};
#define N_KINDS (sizeof kinds / sizeof *kinds)

/* In no table yet, and without a reference of POOLED. */
static struct topic *topic_new(struct pooled *pooled, size_t kind, const char *name)
{
	size_t size = strlen(name) + 1;
	struct topic *t = calloc(1, sizeof *t + size);

	if (!t)
		return NULL;
	LIST_INIT(&t->members);
	t->key_size = offsetof(struct topic, name) - offsetof(struct topic, pooled) + size;
	t->pooled = pooled;
	t->kind = kind;
	memcpy(t->name, name, size);
	return t;
}

static const void *key_of(const struct topic *t)
{
	return (const char *)t + offsetof(struct topic, pooled);
}

static struct topic *find(const struct topics *ts, const struct topic *like)
{
	struct topic *t;

	HASH_FIND(hh, ts->by_key, key_of(like), like->key_size, t);
	return t;
}

static void not_asked(struct topic *t)
{
	if (t->asked)
		HASH_DELETE(hh_asked, t->all->asked, t);
	t->asked = false;
}

/* Out of the tables: the next member makes a new topic. */
static void take_out(struct topic *t)
{
	not_asked(t);
	HASH_DELETE(hh, t->all->by_key, t);
}

static void topic_free(struct topic *t)
{
	pool_give(t->pooled);
	free(t);
}

/* 0 or why the request was not accepted. ID = NULL: the answer is ignored. */
static int request(const struct topic *t, json_t *id, const char *method)
{
	json_t *params = json_pack("{s:s}", kinds[t->kind].member, t->name);
	int rc = params ? server_request(pooled_server(t->pooled), NULL, id, method, params, NULL)
			: ERR_NOMEM;

	json_decref(params);
	return rc;
}

static void refuse(struct topic *t)
{
	struct topic_member *m;

	take_out(t);
	while ((m = LIST_FIRST(&t->members))) {
		LIST_REMOVE(m, link);
		m->topic = NULL;
		m->settled(m, false);
	}
	topic_free(t);
}

/* Nobody wants T any more. As long as the server has not said whether it grants it at all, that
 * cannot be told: its answer comes here first. */
static void give_up(struct topic *t)
{
	if (t->asked)
		return;
	take_out(t);
	request(t, NULL, kinds[t->kind].unsubscribe);
	topic_free(t);
}

static void grant(struct topic *t)
{
	struct topic_member *m, *next;

	not_asked(t);
	t->granted = true;
	if (LIST_EMPTY(&t->members)) {
		give_up(t);
		return;
	}
	/* The last of them may take T with it, but then there is no next one. */
	for (m = LIST_FIRST(&t->members); m; m = next) {
		next = LIST_NEXT(m, link);
		m->settled(m, true);
	}
}

static int put_in(struct topics *ts, struct topic *t)
{
	t->all = ts;
	t->serial = ++ts->last;
	HASH_ADD_KEYPTR(hh, ts->by_key, key_of(t), t->key_size, t);
	if (!t->hh.tbl)
		return ERR_NOMEM;
	HASH_ADD(hh_asked, ts->asked, serial, sizeof t->serial, t);
	t->asked = t->hh_asked.tbl;
	if (t->asked)
		return 0;
	HASH_DELETE(hh, ts->by_key, t);
	return ERR_NOMEM;
}

/* T has its first member. */
static void ask(struct topic *t)
{
	json_t *id = json_integer(t->serial);

	if (!id || request(t, id, kinds[t->kind].subscribe) < 0)
		refuse(t);
	json_decref(id);
}

static void join(struct topic *t, struct topic_member *m)
{
	m->topic = t;
	LIST_INSERT_HEAD(&t->members, m, link);
}

int topic_join(struct topics *ts, struct topic_member *m, struct pooled *pooled_take,
	       enum topic_kind kind, const char *name)
{
	struct topic *t = topic_new(pooled_take, kind, name), *there = t ? find(ts, t) : NULL;

	if (!t || (!there && put_in(ts, t) < 0)) {
		free(t);
		pool_give(pooled_take);
		return ERR_NOMEM;
	}
	if (!there) {
		join(t, m);
		ask(t);
		return 0;
	}
	topic_free(t);
	join(there, m);
	if (there->granted)
		m->settled(m, true);
	return 0;
}

void topic_leave(struct topic_member *m)
{
	struct topic *t = m->topic;

	if (!t)
		return;
	LIST_REMOVE(m, link);
	m->topic = NULL;
	if (LIST_EMPTY(&t->members))
		give_up(t);
}

static bool tell(struct topics *ts, struct pooled *pooled, size_t kind, json_t *params)
{
	const char *name = json_string_value(json_object_get(params, kinds[kind].member));
	struct topic *like = name ? topic_new(pooled, kind, name) : NULL;
	struct topic *t = like ? find(ts, like) : NULL;
	struct topic_member *m, *next;

	free(like);
	for (m = t ? LIST_FIRST(&t->members) : NULL; m; m = next) {
		next = LIST_NEXT(m, link);
		m->told(m, kinds[kind].notification, params);
	}
	return true;
}

bool topics_tell(struct topics *ts, struct pooled *pooled, const char *method, json_t *params)
{
	for (size_t i = 0; i < N_KINDS; i++) {
		if (strcmp(method, kinds[i].notification) == 0)
			return tell(ts, pooled, i, params);
	}
	return false;
}

void topics_answered(struct topics *ts, const json_t *id, const struct answer *answer)
{
	json_int_t serial = json_integer_value(id);
	struct topic *t;

	HASH_FIND(hh_asked, ts->asked, &serial, sizeof serial, t);
	if (!t)
		return;
	if (answer->kind == ANSWER_RESULT)
		grant(t);
	else
		refuse(t);
}

struct topics *topics_new(void)
{
	return calloc(1, sizeof(struct topics));
}

void topics_free(struct topics **tsp)
{
	struct topics *ts = *tsp;
	struct topic *t;

	*tsp = NULL;
	while (ts && (t = ts->by_key))
		refuse(t);
	free(ts);
}
