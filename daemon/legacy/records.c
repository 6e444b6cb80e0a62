/* SPDX-License-Identifier: ISC */
#include "legacy/records.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/same.h"
#include "legacy/registry.h"
#include "legacy/session.h"
#include "lib/hash.h"
#include "lib/log.h"
#include "mcp/call.h"
#include "server/server.h"
#include "store/store.h"

#define LONGEST_INTERVAL_MS 600000
#define HIGHEST_LOG_LEVEL   7 /* emergency */
#define SWEEP_SECONDS	    30

/* A dormant session; the rest is in its record. */
struct sleeper {
	UT_hash_handle hh;     /* kept in order of seen */
	int64_t seen;	       /* seconds since the epoch */
	json_t *subscriptions; /* URIs as keys, of its parts; NULL: none */
	json_t *log_level;     /* of its parts; NULL: that of the record */
	char id[REGISTRY_ID_SIZE];
};

struct records {
	struct store *store;
	const struct config_sessions *conf;
	const char *issuer;
	bool on; /* else nothing is kept */
	struct sleeper *sleepers;
	struct store_waiter loaded;
	struct event *sweep;
	bool (*is_open)(const char *id, void *arg);
	void *arg;
};

int64_t records_interval_ms(const struct config_sessions *conf)
{
	int64_t ms = conf->idle_timeout_ms / 8;

	if (ms < 1000)
		ms = 1000;
	return conf->idle_timeout_ms <= 0 || ms > LONGEST_INTERVAL_MS ? LONGEST_INTERVAL_MS : ms;
}

static struct sleeper *find(const struct records *r, const char *id)
{
	struct sleeper *sl;

	HASH_FIND_STR(r->sleepers, id, sl);
	return sl;
}

static void forget(struct records *r, struct sleeper *sl)
{
	HASH_DEL(r->sleepers, sl);
	json_decref(sl->subscriptions);
	json_decref(sl->log_level);
	free(sl);
}

/* ---- records ---- */

static json_int_t seconds_ago(int64_t ms)
{
	return (json_int_t)(time(NULL) - ms / 1000);
}

static json_t *record_of(const struct records *r, const struct session *s)
{
	const struct caller *c = session_caller(s);

	return json_pack("{s:s?, s:s?, s:s, s:s, s:s, s:s, s:s?, s:i, s:I, s:I}", "user", c->user,
			 "issuer", r->issuer, "path", session_path(s), "peer", c->peer, "revision",
			 mcp_rev_name(c->rev), "capabilities", c->capabilities, "client",
			 c->client_info, "logLevel", c->log_level, "opened",
			 seconds_ago(session_age_ms(s)), "seen", seconds_ago(session_idle_ms(s)));
}

void records_save(struct records *r, const struct session *s)
{
	json_t *record = r->on ? record_of(r, s) : NULL;
	struct log_scope scope = {.session = session_id(s), .user = session_user(s)};

	if (r->on && (!record || store_put(r->store, STORE_SESSIONS, session_id(s), record) < 0))
		log_warn(&scope, "out of memory: a restart will lose session %s", session_id(s));
	json_decref(record);
}

/* --- parts of records ---------------------------------------------------------------------------
 *
 * What a client changes again and again has rows of its own, so that a change writes about its own
 * size: "ID" is the log level, and "ID URI" stands for a subscription. */

/* malloc'd; NULL on lack of memory. */
static char *subscription_key(const char *id, const char *uri)
{
	size_t size = strlen(id) + 1 + strlen(uri) + 1;
	char *key = malloc(size);

	if (key)
		snprintf(key, size, "%s %s", id, uri);
	return key;
}

/* 0 or ERR_NOMEM. */
static int keep_subscription(struct records *r, const char *id, const char *uri, bool on)
{
	char *key = subscription_key(id, uri);
	int rc = ERR_NOMEM;

	if (key)
		rc = on ? store_put(r->store, STORE_PARTS, key, json_true())
			: store_delete(r->store, STORE_PARTS, key);
	free(key);
	return rc;
}

void records_save_level(struct records *r, const struct session *s)
{
	json_t *level = r->on ? json_integer(session_caller(s)->log_level) : NULL;
	struct log_scope scope = {.session = session_id(s), .user = session_user(s)};

	if (r->on && (!level || store_put(r->store, STORE_PARTS, session_id(s), level) < 0))
		log_warn(&scope, "out of memory: a restart will lose the log level of session %s",
			 session_id(s));
	json_decref(level);
}

void records_save_subscription(struct records *r, const struct session *s, const char *uri, bool on)
{
	struct log_scope scope = {.session = session_id(s), .user = session_user(s)};

	if (r->on && keep_subscription(r, session_id(s), uri, on) < 0)
		log_warn(
			&scope,
			"out of memory: a restart will not know what session %s has (un)subscribed",
			session_id(s));
}

/* The record of ID and its parts; SUBSCRIPTIONS has the URIs as keys, or is NULL. A part that stays
 * behind for lack of memory goes when the parts are read again. */
static void delete_all(struct records *r, const char *id, const json_t *subscriptions)
{
	const char *uri;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)subscriptions, uri, value)
		keep_subscription(r, id, uri, false);
	store_delete(r->store, STORE_PARTS, id);
	store_delete(r->store, STORE_SESSIONS, id);
}

void records_end(struct records *r, const struct session *s)
{
	if (r->on)
		delete_all(r, session_id(s), server_subscriptions(session_server(s)));
}

void records_drop(struct records *r, const char *id)
{
	struct sleeper *sl = find(r, id);

	/* ID may be in SL. */
	delete_all(r, id, sl ? sl->subscriptions : NULL);
	if (sl)
		forget(r, sl);
}

static const char *text_of(const json_t *record, const char *key)
{
	return json_string_value(json_object_get(record, key));
}

static bool is_level(const json_t *value)
{
	json_int_t level = json_integer_value(value);

	return json_is_integer(value) && level >= -1 && level <= HIGHEST_LOG_LEVEL;
}

/* Whether a record can become a session again: what is in the database may be of anybody's making.
 */
static bool is_whole(const json_t *record)
{
	const char *revision = text_of(record, "revision");
	const json_t *uris = json_object_get(record, "subscriptions"), *uri;
	enum mcp_rev rev;
	size_t i;

	json_array_foreach (uris, i, uri) {
		if (!json_is_string(uri))
			return false;
	}
	return revision && mcp_rev_parse(revision, &rev) && mcp_rev_is_legacy(rev) &&
	       is_level(json_object_get(record, "logLevel")) && text_of(record, "path") &&
	       text_of(record, "capabilities") &&
	       json_is_integer(json_object_get(record, "opened")) &&
	       json_is_integer(json_object_get(record, "seen")) && (!uris || json_is_array(uris));
}

/* --- those who sleep
 * ------------------------------------------------------------------------------ */

static bool is_over(const struct records *r, const struct sleeper *sl, time_t now)
{
	int64_t ms = r->conf->idle_timeout_ms;

	return ms > 0 && sl->seen + (ms + records_interval_ms(r->conf)) / 1000 < now;
}

static int by_seen(const struct sleeper *a, const struct sleeper *b)
{
	return (a->seen > b->seen) - (a->seen < b->seen);
}

/* Records of earlier versions have their subscriptions inside: they become parts, all in the
 * transaction that takes them out of the record. 0 or ERR_NOMEM. */
static int move_subscriptions(struct records *r, const char *id, json_t *record)
{
	const json_t *uris = json_object_get(record, "subscriptions"), *uri;
	size_t i;

	if (!uris)
		return 0;
	json_array_foreach (uris, i, uri) {
		if (keep_subscription(r, id, json_string_value(uri), true) < 0)
			return ERR_NOMEM;
	}
	json_object_del(record, "subscriptions");
	return store_put(r->store, STORE_SESSIONS, id, record);
}

static void put_to_sleep(const char *id, json_t *record, void *arg)
{
	struct records *r = arg;
	struct sleeper *sl;
	time_t now = time(NULL);

	if (find(r, id) || r->is_open(id, r->arg))
		return;
	if (!r->on || !is_whole(record) || strlen(id) != REGISTRY_ID_SIZE - 1) {
		store_delete(r->store, STORE_SESSIONS, id);
		return;
	}
	sl = move_subscriptions(r, id, record) == 0 ? calloc(1, sizeof *sl) : NULL;
	if (!sl)
		return;
	memcpy(sl->id, id, sizeof sl->id);
	sl->seen = json_integer_value(json_object_get(record, "seen"));
	if (sl->seen > now) /* the clock was set back */
		sl->seen = now;
	HASH_ADD_STR(r->sleepers, id, sl);
	if (!sl->hh.tbl)
		free(sl);
}

/* Whether the record of ID is there, readable or not. */
static bool has_record(const struct records *r, const char *id)
{
	struct err e = {0};
	json_t *record = store_get(r->store, STORE_SESSIONS, id, &e);

	json_decref(record);
	return record || e.code != ERR_NOTFOUND;
}

static void add_subscription(struct sleeper *sl, const char *uri)
{
	struct log_scope scope = {.session = sl->id};

	if (!sl->subscriptions)
		sl->subscriptions = json_object();
	if (json_object_set_new(sl->subscriptions, uri, json_true()) < 0)
		log_warn(&scope, "out of memory: session %s lost a subscription", sl->id);
}

/* Gives a part to the dormant session whose part it is. A part of no session at all goes. */
static void give_part(const char *key, json_t *value, void *arg)
{
	struct records *r = arg;
	char id[REGISTRY_ID_SIZE];
	bool is_uri = strlen(key) >= sizeof id; /* behind the id and a space */
	struct sleeper *sl;

	snprintf(id, sizeof id, "%.*s", (int)sizeof id - 1, key);
	sl = find(r, id);
	if (!sl && (r->is_open(id, r->arg) || has_record(r, id)))
		return; /* the latter: there was no memory for the sleeper */
	if (!sl || (is_uri ? key[sizeof id - 1] != ' ' : !is_level(value))) {
		store_delete(r->store, STORE_PARTS, key);
	} else if (is_uri) {
		add_subscription(sl, key + sizeof id);
	} else {
		json_decref(sl->log_level);
		sl->log_level = json_incref(value);
	}
}

/* Drops those who slept too long, and what is more than there may be sessions. */
static void sweep(struct records *r)
{
	time_t now = time(NULL);
	struct sleeper *sl, *tmp;
	size_t n = 0;

	HASH_ITER (hh, r->sleepers, sl, tmp) {
		if (!is_over(r, sl, now) && HASH_COUNT(r->sleepers) <= r->conf->max)
			break;
		records_drop(r, sl->id);
		n++;
	}
	if (n > 0)
		log_info(NULL, "%zu dormant sessions are over: their clients did not come back", n);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	sweep(arg);
}

static void on_loaded(void *arg)
{
	struct records *r = arg;

	store_each(r->store, STORE_SESSIONS, put_to_sleep, r);
	store_each(r->store, STORE_PARTS, give_part, r);
	HASH_SORT(r->sleepers, by_seen);
	sweep(r);
}

struct records *records_new(struct event_base *base, struct store *store,
			    const struct config_sessions *conf, const char *issuer,
			    bool (*is_open)(const char *id, void *arg), void *arg)
{
	static const struct timeval period = {.tv_sec = SWEEP_SECONDS};
	struct records *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->store = store;
	r->conf = conf;
	r->issuer = issuer;
	r->on = conf->persist && store_persistent(store);
	r->is_open = is_open;
	r->arg = arg;
	r->loaded.fn = on_loaded;
	r->loaded.arg = r;
	r->sweep = event_new(base, -1, EV_PERSIST, on_sweep, r);
	if (!r->sweep || event_add(r->sweep, &period) < 0) {
		records_free(&r);
		return NULL;
	}
	store_when_loaded(store, &r->loaded);
	on_loaded(r);
	if (HASH_COUNT(r->sleepers) > 0)
		log_notice(NULL, "%u stored sessions can be resumed", HASH_COUNT(r->sleepers));
	return r;
}

void records_free(struct records **rp)
{
	struct records *r = *rp;
	struct sleeper *sl, *tmp;

	*rp = NULL;
	if (!r)
		return;
	store_unwait(r->store, &r->loaded);
	HASH_ITER (hh, r->sleepers, sl, tmp)
		forget(r, sl);
	if (r->sweep)
		event_free(r->sweep);
	free(r);
}

/* Puts what is known of the parts of SL into its record. 0 or ERR_NOMEM. */
static int add_parts(const struct sleeper *sl, json_t *record)
{
	json_t *uris = json_array(), *value;
	const char *uri;

	json_object_foreach (sl->subscriptions, uri, value) {
		if (json_array_append_new(uris, json_string(uri)) < 0) {
			json_decref(uris);
			return ERR_NOMEM;
		}
	}
	if (json_object_set_new(record, "subscriptions", uris) < 0 ||
	    (sl->log_level && json_object_set(record, "logLevel", sl->log_level) < 0))
		return ERR_NOMEM;
	return 0;
}

json_t *records_find(struct records *r, const char *id, const char *user, const char *path,
		     struct err *e)
{
	struct sleeper *sl = find(r, id);
	json_t *record;

	err_set(e, ERR_NOTFOUND, "Session not found");
	if (!sl || is_over(r, sl, time(NULL)))
		return NULL;
	record = store_get(r->store, STORE_SESSIONS, id, NULL);
	if (!record || add_parts(sl, record) < 0) /* it could be read before */
		err_set(e, ERR_NOMEM, "out of memory");
	else if (same_text(text_of(record, "user"), user) &&
		 same_text(text_of(record, "issuer"), r->issuer) &&
		 same_text(text_of(record, "path"), path))
		return record;
	json_decref(record);
	return NULL;
}

void records_awake(struct records *r, const char *id)
{
	struct sleeper *sl = find(r, id);

	if (sl)
		forget(r, sl);
}

size_t records_dormant(const struct records *r)
{
	return HASH_COUNT(r->sleepers);
}

int records_find_prefix(struct records *r, const char *prefix, const char **id_r, struct err *e)
{
	size_t len = strlen(prefix);
	struct sleeper *sl, *tmp, *found = NULL;

	HASH_ITER (hh, r->sleepers, sl, tmp) {
		if (strncmp(sl->id, prefix, len) != 0)
			continue;
		if (found)
			return err_set(e, ERR_EXISTS, "several sessions begin with \"%s\"", prefix);
		found = sl;
	}
	if (!found)
		return err_set(e, ERR_NOTFOUND, "no session \"%s\"", prefix);
	*id_r = found->id;
	return 0;
}

void records_each(struct records *r, void (*fn)(const char *id, void *arg), void *arg)
{
	struct sleeper *sl, *tmp;

	HASH_ITER (hh, r->sleepers, sl, tmp)
		fn(sl->id, arg);
}

static int64_t ms_since(const json_t *record, const char *key)
{
	int64_t ms =
		(time(NULL) - (int64_t)json_integer_value(json_object_get(record, key))) * 1000;

	return ms > 0 ? ms : 0;
}

json_t *records_describe(struct records *r, const char *id)
{
	json_t *record = store_get(r->store, STORE_SESSIONS, id, NULL), *client, *row;
	const char *user = text_of(record, "user"), *info = text_of(record, "client");
	const char *name, *peer = text_of(record, "peer");

	if (!record)
		return NULL;
	client = info ? json_loads(info, 0, NULL) : NULL;
	name = text_of(client, "name");
	row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:i, s:i, s:i}", "id", id, "user",
			user ? user : "", "peer", peer ? peer : "", "client", name ? name : "",
			"revision", text_of(record, "revision"), "age_ms",
			(json_int_t)ms_since(record, "opened"), "idle_ms",
			(json_int_t)ms_since(record, "seen"), "calls", 0, "streams", 0, "children",
			0);
	json_decref(client);
	json_decref(record);
	return row;
}

char *records_user(struct records *r, const char *id)
{
	json_t *record = store_get(r->store, STORE_SESSIONS, id, NULL);
	const char *user = text_of(record, "user");
	char *copy = user ? strdup(user) : NULL;

	json_decref(record);
	return copy;
}
