/* SPDX-License-Identifier: ISC */
#include "store/store.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/seal.h"
#include "base/turns.h"
#include "lib/hash.h"
#include "lib/log.h"
#include "store/store_impl.h"

#define RETRY_MS 5000

struct entry {
	UT_hash_handle hh;
	TAILQ_ENTRY(entry) link; /* while it is dirty */
	enum store_table table;
	char *value; /* as it is on disk: compact JSON text, or sealed; NULL: deleted */
	int64_t row; /* its place on disk; 0: none yet */
	bool dirty;  /* not on disk as it is here */
	char key[];
};

TAILQ_HEAD(waiters, store_waiter);
TAILQ_HEAD(entries, entry);

struct store {
	enum config_store_kind kind;
	char *dir, *key_file;
	struct seal *seal; /* while the file's key is not known: one of our own */
	struct store_sql *sql;
	struct entry *tables[STORE_TABLES];
	int64_t last_row[STORE_TABLES];
	struct entries dirty;
	struct event *turn; /* the end of this turn */
	struct event *retry;
	struct waiters durable, loaded;
	unsigned long round; /* of telling those who wait for durable */
	int64_t retry_ms;
	bool news;    /* those who wait for loaded values are to be told */
	bool waiting; /* for the retry: nothing is written before */
	bool dead;    /* no retry will help */
	bool in_trouble;
	char trouble[600];
};

static const bool is_sealed[STORE_TABLES] = {
	[STORE_TOKENS] = true,
	[STORE_SECRETS] = true,
};
static const char *const table_names[STORE_TABLES] = {
	[STORE_SESSIONS] = "sessions", [STORE_TOKENS] = "tokens",	[STORE_SECRETS] = "secrets",
	[STORE_CHILDREN] = "children", [STORE_PARTS] = "session_parts",
};

/* ---- trouble ---- */

static void in_trouble(struct store *s, const struct err *e)
{
	struct timeval tv = {.tv_sec = s->retry_ms / 1000, .tv_usec = s->retry_ms % 1000 * 1000};
	bool known = s->in_trouble && strcmp(s->trouble, e->text) == 0;

	s->in_trouble = true;
	snprintf(s->trouble, sizeof s->trouble, "%s", e->text);
	s->dead = e->code == ERR_PARSE || e->code == ERR_DENIED;
	if (s->dead)
		store_sql_close(&s->sql);
	else
		s->waiting = evtimer_add(s->retry, &tv) == 0;
	if (!known)
		log_error(NULL, "The store is in trouble, nothing is written: %s%s", s->trouble,
			  s->dead ? "; it is left as it is" : "");
}

static void out_of_trouble(struct store *s)
{
	if (s->in_trouble)
		log_notice(NULL, "The store is well again");
	s->in_trouble = false;
	s->waiting = false;
}

/* ---- entries ---- */

static struct entry *find(struct store *s, enum store_table table, const char *key)
{
	struct entry *en;

	HASH_FIND_STR(s->tables[table], key, en);
	return en;
}

static struct entry *add(struct store *s, enum store_table table, const char *key)
{
	size_t size = strlen(key) + 1;
	struct entry *en = calloc(1, sizeof *en + size);

	if (!en)
		return NULL;
	memcpy(en->key, key, size);
	en->table = table;
	HASH_ADD_STR(s->tables[table], key, en);
	if (en->hh.tbl)
		return en;
	free(en);
	return NULL;
}

static void set_clean(struct store *s, struct entry *en)
{
	if (en->dirty)
		TAILQ_REMOVE(&s->dirty, en, link);
	en->dirty = false;
}

static void drop(struct store *s, struct entry *en)
{
	set_clean(s, en);
	HASH_DEL(s->tables[en->table], en);
	free(en->value);
	free(en);
}

static void end_turn(struct store *s)
{
	event_active(s->turn, EV_TIMEOUT, 0);
}

static void set_dirty(struct store *s, struct entry *en)
{
	if (s->kind == CONFIG_STORE_MEMORY)
		return;
	if (!en->dirty)
		TAILQ_INSERT_TAIL(&s->dirty, en, link);
	en->dirty = true;
	end_turn(s);
}

/* What VALUE is bound to: it opens nowhere else. malloc'd. */
static char *context_of(enum store_table table, const char *key)
{
	size_t size = strlen(table_names[table]) + strlen(key) + 2;
	char *text = malloc(size);

	if (text)
		snprintf(text, size, "%s/%s", table_names[table], key);
	return text;
}

static char *write_value(struct store *s, enum store_table table, const char *key,
			 const json_t *value)
{
	char *context, *text;

	if (!is_sealed[table])
		return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	context = context_of(table, key);
	text = context ? seal_close(s->seal, value, INT64_MAX, context) : NULL;
	free(context);
	return text;
}

static json_t *read_value(struct store *s, enum store_table table, const char *key,
			  const char *text, struct err *e)
{
	char *context;
	json_t *value = NULL;

	err_set(e, ERR_NOMEM, "out of memory");
	if (!is_sealed[table]) {
		value = json_loads(text, JSON_DECODE_ANY, NULL);
		if (!value)
			err_set(e, ERR_DENIED, "%s: not readable", table_names[table]);
		return value;
	}
	context = context_of(table, key);
	if (context)
		value = seal_open(s->seal, text, context, 0, e);
	free(context);
	return value;
}

int store_put(struct store *s, enum store_table table, const char *key, const json_t *value)
{
	char *text = write_value(s, table, key, value);
	struct entry *en = text ? find(s, table, key) : NULL;

	if (text && !en)
		en = add(s, table, key);
	if (!en) {
		free(text);
		return ERR_NOMEM;
	}
	if (en->value && strcmp(en->value, text) == 0) {
		free(text);
		return 0;
	}
	free(en->value);
	en->value = text;
	set_dirty(s, en);
	return 0;
}

int store_delete(struct store *s, enum store_table table, const char *key)
{
	struct entry *en = find(s, table, key);
	/* What has not been read yet must be gone when it is. */
	bool unread = s->kind != CONFIG_STORE_MEMORY && !s->sql && !s->dead;

	if (!en && unread)
		en = add(s, table, key);
	if (!en)
		return unread ? ERR_NOMEM : 0;
	free(en->value);
	en->value = NULL;
	if (en->row || unread)
		set_dirty(s, en);
	else
		drop(s, en);
	return 0;
}

json_t *store_get(struct store *s, enum store_table table, const char *key, struct err *e)
{
	struct entry *en = find(s, table, key);

	if (en && en->value)
		return read_value(s, table, key, en->value, e);
	err_set(e, ERR_NOTFOUND, "not found");
	return NULL;
}

void store_each(struct store *s, enum store_table table,
		void (*fn)(const char *key, json_t *value, void *arg), void *arg)
{
	size_t n = 0, size = HASH_COUNT(s->tables[table]);
	char **keys = calloc(size + 1, sizeof *keys);
	struct entry *en, *tmp;
	json_t *value;

	/* FN may do anything to the table, so the keys are copied first. */
	HASH_ITER (hh, s->tables[table], en, tmp) {
		if (keys && en->value && (keys[n] = strdup(en->key)))
			n++;
	}
	for (size_t i = 0; i < n; i++) {
		value = store_get(s, table, keys[i], NULL);
		if (value)
			fn(keys[i], value, arg);
		seal_drop(value);
		free(keys[i]);
	}
	free(keys);
}

/* ---- the database ---- */

/* The key of the database; a database that has none gets ours, made now if there is none either. */
static struct seal *find_key(struct store *s, struct store_sql *sql, struct err *e)
{
	char *text = NULL;
	struct seal *seal = NULL;
	json_t *value;
	int rc = store_sql_check(sql, &text, e);

	if (rc == 0)
		seal = store_key(s->key_file, !text, e);
	if (seal && text) {
		value = seal_open(seal, text, "check", 0, NULL);
		rc = value ? 0 : err_set(e, ERR_DENIED, "%s: made with another key", s->dir);
		json_decref(value);
	} else if (seal) {
		text = seal_close(seal, json_true(), INT64_MAX, "check");
		rc = text ? store_sql_set_check(sql, text, e)
			  : err_set(e, ERR_NOMEM, "out of memory");
	}
	if (rc)
		seal_free(&seal);
	free(text);
	return seal;
}

/* A value of an earlier life. What was put since is newer. */
static int load_one(const struct store_row *row, void *arg)
{
	struct store *s = arg;
	struct entry *en = find(s, row->table, row->key);
	bool newer = en;

	if (!en)
		en = add(s, row->table, row->key);
	if (!en)
		return ERR_NOMEM;
	en->row = row->number;
	if (row->number > s->last_row[row->table])
		s->last_row[row->table] = row->number;
	if (newer)
		return 0;
	en->value = strdup(row->value);
	if (en->value)
		return 0;
	drop(s, en);
	return ERR_NOMEM;
}

/* What was sealed with a key of our own, because the right one was not known. */
static int reseal(struct store *s, struct seal *seal)
{
	struct seal *old = s->seal;
	struct entry *en;
	int rc = 0;

	TAILQ_FOREACH (en, &s->dirty, link) {
		json_t *value;

		if (!is_sealed[en->table] || !en->value)
			continue;
		s->seal = old;
		value = read_value(s, en->table, en->key, en->value, NULL);
		s->seal = seal;
		free(en->value);
		en->value = value ? write_value(s, en->table, en->key, value) : NULL;
		if (!en->value)
			rc = ERR_NOMEM;
		json_decref(value);
	}
	s->seal = seal;
	seal_free(&old);
	return rc;
}

static int open_database(struct store *s, struct err *e)
{
	struct store_sql *sql = NULL;
	struct seal *seal = NULL;
	int rc = store_sql_open(s->dir, &sql, e);

	if (rc == 0) {
		seal = find_key(s, sql, e);
		rc = seal ? store_sql_load(sql, load_one, s, e) : e->code;
	}
	if (rc) {
		seal_free(&seal);
		store_sql_close(&sql);
		return rc;
	}
	if (reseal(s, seal) < 0)
		log_error(NULL, "The store lost a value for lack of memory");
	s->sql = sql;
	s->news = true;
	return 0;
}

static bool needs_sync(const struct store *s)
{
	const struct entry *en;

	TAILQ_FOREACH (en, &s->dirty, link) {
		if (is_sealed[en->table])
			return true;
	}
	return false;
}

static int write_one(struct store *s, struct entry *en, struct err *e)
{
	struct store_row row = {.table = en->table, .key = en->key, .value = en->value};

	if (!en->row && en->value)
		en->row = ++s->last_row[en->table];
	row.number = en->row;
	return row.number ? store_sql_write(s->sql, &row, e) : 0;
}

static int write_dirty(struct store *s, struct err *e)
{
	struct entry *en, *tmp;
	int rc = store_sql_begin(s->sql, needs_sync(s), e);

	TAILQ_FOREACH (en, &s->dirty, link) {
		if (rc == 0)
			rc = write_one(s, en, e);
	}
	if (rc == 0)
		rc = store_sql_commit(s->sql, e);
	if (rc)
		return rc;
	for (en = TAILQ_FIRST(&s->dirty); en; en = tmp) {
		tmp = TAILQ_NEXT(en, link);
		set_clean(s, en);
		if (!en->value)
			drop(s, en);
	}
	return 0;
}

/* Opens the database if it is not open, and writes what is to be written. */
static void settle(struct store *s)
{
	struct err e = {0};
	int rc = 0;

	if (s->kind == CONFIG_STORE_MEMORY || s->dead || s->waiting)
		return;
	if (!s->sql)
		rc = open_database(s, &e);
	if (rc == 0 && !TAILQ_EMPTY(&s->dirty))
		rc = write_dirty(s, &e);
	if (rc)
		in_trouble(s, &e);
	else
		out_of_trouble(s);
}

/* Tells those who wait now, not those who begin to meanwhile. */
static void tell_durable(struct store *s)
{
	struct store_waiter *w;

	s->round++;
	while ((w = TAILQ_FIRST(&s->durable)) && w->round != s->round) {
		TAILQ_REMOVE(&s->durable, w, link);
		w->queued = false;
		w->fn(w->arg);
	}
}

static void tell_loaded(struct store *s)
{
	struct store_waiter *w, *next;

	s->news = false;
	for (w = TAILQ_FIRST(&s->loaded); w; w = next) {
		next = TAILQ_NEXT(w, link);
		w->fn(w->arg);
	}
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct store *s = arg;

	(void)fd, (void)what;
	turns_doing("the store", NULL);
	settle(s);
	tell_durable(s);
	if (s->news)
		tell_loaded(s);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct store *s = arg;

	s->waiting = false;
	on_turn(fd, what, arg);
}

/* ---- life ---- */

static bool copy_paths(struct store *s, const struct config_store *conf)
{
	s->kind = conf->kind == CONFIG_STORE_SQLITE ? CONFIG_STORE_SQLITE : CONFIG_STORE_MEMORY;
	if (s->kind == CONFIG_STORE_MEMORY)
		return true;
	s->dir = strdup(conf->path);
	s->key_file = strdup(conf->key);
	return s->dir && s->key_file;
}

struct store *store_open(struct event_base *base, const struct config_store *conf, struct err *e)
{
	struct store *s = calloc(1, sizeof *s);

	err_set(e, ERR_NOMEM, "out of memory");
	if (!s)
		return NULL;
	TAILQ_INIT(&s->dirty);
	TAILQ_INIT(&s->durable);
	TAILQ_INIT(&s->loaded);
	s->retry_ms = RETRY_MS;
	s->turn = event_new(base, -1, 0, on_turn, s);
	s->retry = evtimer_new(base, on_retry, s);
	s->seal = seal_new(e);
	if (!s->turn || !s->retry || !s->seal || !copy_paths(s, conf)) {
		store_close(&s);
		return NULL;
	}
	settle(s);
	s->news = false;
	return s;
}

void store_close(struct store **sp)
{
	struct store *s = *sp;
	struct entry *en, *tmp;

	*sp = NULL;
	if (!s)
		return;
	s->waiting = false;
	if (s->sql && !TAILQ_EMPTY(&s->dirty))
		settle(s);
	store_sql_close(&s->sql);
	for (size_t i = 0; i < STORE_TABLES; i++) {
		HASH_ITER (hh, s->tables[i], en, tmp)
			drop(s, en);
	}
	if (s->turn)
		event_free(s->turn);
	if (s->retry)
		event_free(s->retry);
	seal_free(&s->seal);
	free(s->dir);
	free(s->key_file);
	free(s);
}

static void wait_in(struct store *s, struct waiters *list, struct store_waiter *w)
{
	if (!w->queued)
		TAILQ_INSERT_TAIL(list, w, link);
	w->round = s->round;
	w->queued = true;
}

void store_when_durable(struct store *s, struct store_waiter *w)
{
	wait_in(s, &s->durable, w);
	end_turn(s);
}

void store_when_loaded(struct store *s, struct store_waiter *w)
{
	wait_in(s, &s->loaded, w);
}

void store_unwait(struct store *s, struct store_waiter *w)
{
	struct store_waiter *one;

	TAILQ_FOREACH (one, &s->loaded, link) {
		if (one == w)
			break;
	}
	if (w->queued && one)
		TAILQ_REMOVE(&s->loaded, w, link);
	else if (w->queued)
		TAILQ_REMOVE(&s->durable, w, link);
	w->queued = false;
}

bool store_unwritten(const struct store *s)
{
	return !TAILQ_EMPTY(&s->dirty);
}

const char *store_trouble(const struct store *s)
{
	return s->in_trouble ? s->trouble : NULL;
}

bool store_persistent(const struct store *s)
{
	return s->kind == CONFIG_STORE_SQLITE;
}

json_t *store_describe(const struct store *s)
{
	return json_pack("{s:s, s:s, s:s}", "kind",
			 s->kind == CONFIG_STORE_SQLITE ? "sqlite" : "memory", "path",
			 s->dir ? s->dir : "", "trouble", s->in_trouble ? s->trouble : "");
}

void store_set_retry(struct store *s, int64_t ms)
{
	s->retry_ms = ms;
}
