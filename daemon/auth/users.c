/* SPDX-License-Identifier: ISC */
#include "auth/users.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/delayq.h"
#include "base/same.h"
#include "base/seal.h"
#include "lib/hash.h"
#include "lib/log.h"
#include "store/store.h"

#define SWEEP_SECONDS 60
#define MINUTE_MS     60000

struct user {
	UT_hash_handle hh;
	json_t *record;		 /* of the token, as it is in the store; NULL: none */
	struct user_token token; /* its members belong to the record */
	int64_t stored;		 /* when, clock_ms() */
	bool connected; /* had a session since the token came, or the token is of an earlier life */
	unsigned calls; /* in flight */
	int64_t credit; /* calls times MINUTE_MS: what is left of those of a minute */
	int64_t credited; /* clock_ms() */
	char name[];
};

struct users {
	struct users_deps deps;
	struct user *users;
	size_t with_tokens;
	struct store_waiter loaded;
	struct event *sweep;
};

static struct user *find(const struct users *us, const char *name)
{
	struct user *u;

	HASH_FIND_STR(us->users, name, u);
	return u;
}

static struct user *get(struct users *us, const char *name)
{
	size_t size = strlen(name) + 1;
	struct user *u = find(us, name);

	if (u)
		return u;
	u = calloc(1, sizeof *u + size);
	if (!u)
		return NULL;
	memcpy(u->name, name, size);
	u->credit = (int64_t)us->deps.conf->max_calls_per_minute * MINUTE_MS;
	u->credited = clock_ms();
	HASH_ADD_STR(us->users, name, u);
	if (u->hh.tbl)
		return u;
	free(u);
	return NULL;
}

static void set_record(struct users *us, struct user *u, json_t *record_take)
{
	us->with_tokens += (record_take != NULL) - (u->record != NULL);
	seal_drop(u->record);
	u->record = record_take;
	u->token = (struct user_token){
		.access = json_string_value(json_object_get(record_take, "access")),
		.refresh = json_string_value(json_object_get(record_take, "refresh")),
		.expires = json_integer_value(json_object_get(record_take, "expires")),
		.issuer = json_string_value(json_object_get(record_take, "issuer")),
		.scope = json_string_value(json_object_get(record_take, "scope")),
		.audience = json_object_get(record_take, "audience"),
		.rights = json_string_value(json_object_get(record_take, "rights")),
	};
}

static bool is_minute_full(const struct users *us, const struct user *u)
{
	return us->deps.conf->max_calls_per_minute == 0 || clock_ms() - u->credited >= MINUTE_MS;
}

/* Nothing is known of a user who has nothing. */
static void drop_if_empty(struct users *us, struct user *u)
{
	if (u->record || u->calls || !is_minute_full(us, u))
		return;
	HASH_DEL(us->users, u);
	free(u);
}

static bool is_expired(const struct user_token *t, time_t now)
{
	return t->expires && t->expires <= now;
}

/* A token of an earlier life. */
static void on_stored(const char *key, json_t *record, void *arg)
{
	struct users *us = arg;
	struct user *u;

	if (!json_is_string(json_object_get(record, "access")) ||
	    !same_text(json_string_value(json_object_get(record, "issuer")), us->deps.issuer))
		return;
	u = get(us, key);
	if (!u || u->record)
		return;
	set_record(us, u, json_incref(record));
	u->connected = true;
}

static void on_loaded(void *arg)
{
	struct users *us = arg;

	store_each(us->deps.store, STORE_TOKENS, on_stored, us);
}

void users_sweep(struct users *us)
{
	struct user *u, *tmp;
	time_t now = time(NULL);
	size_t n = 0;

	HASH_ITER (hh, us->users, u, tmp) {
		if (u->record && !u->token.refresh && is_expired(&u->token, now)) {
			store_delete(us->deps.store, STORE_TOKENS, u->name);
			set_record(us, u, NULL);
			n++;
		}
		drop_if_empty(us, u);
	}
	if (n > 0)
		log_notice(NULL, "Swept expired tokens of %zu users", n);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	users_sweep(arg);
}

struct users *users_new(const struct users_deps *deps)
{
	static const struct timeval period = {.tv_sec = SWEEP_SECONDS};
	struct users *us = calloc(1, sizeof *us);

	if (!us)
		return NULL;
	us->deps = *deps;
	us->loaded.fn = on_loaded;
	us->loaded.arg = us;
	us->sweep = event_new(deps->base, -1, EV_PERSIST, on_sweep, us);
	if (!us->sweep || event_add(us->sweep, &period) < 0) {
		users_free(&us);
		return NULL;
	}
	on_loaded(us);
	store_when_loaded(deps->store, &us->loaded);
	return us;
}

void users_free(struct users **usp)
{
	struct users *us = *usp;
	struct user *u, *tmp;

	*usp = NULL;
	if (!us)
		return;
	store_unwait(us->deps.store, &us->loaded);
	HASH_ITER (hh, us->users, u, tmp) {
		set_record(us, u, NULL);
		HASH_DEL(us->users, u);
		free(u);
	}
	if (us->sweep)
		event_free(us->sweep);
	free(us);
}

/* Two tokens of which none expires later are in use side by side: not each request writes to disk.
 */
static bool is_due(const struct user *u)
{
	return clock_ms() - u->stored >= MINUTE_MS;
}

static bool is_newer(const struct user *u, const struct user_token *t)
{
	if (!u->record || !same_text(u->token.issuer, t->issuer))
		return true;
	if (same_text(u->token.access, t->access))
		return t->refresh && !same_text(u->token.refresh, t->refresh);
	if (t->expires == u->token.expires)
		return is_due(u);
	/* Never is later than any time. */
	return t->expires == 0 || (u->token.expires && t->expires > u->token.expires);
}

int users_seen(struct users *us, const char *user, const struct user_token *t)
{
	struct user *u = get(us, user);
	const char *refresh;
	json_t *record;

	if (!u)
		return ERR_NOMEM;
	if (!is_newer(u, t))
		return 0;
	refresh = t->refresh				  ? t->refresh
		  : same_text(u->token.issuer, t->issuer) ? u->token.refresh
							  : NULL;
	record = json_pack("{s:s, s:s?, s:I, s:s?, s:s?, s:O?, s:s?}", "access", t->access,
			   "refresh", refresh, "expires", (json_int_t)t->expires, "issuer",
			   t->issuer, "scope", t->scope, "audience", t->audience, "rights",
			   t->rights);
	if (!record || store_put(us->deps.store, STORE_TOKENS, user, record) < 0) {
		seal_drop(record);
		drop_if_empty(us, u);
		return ERR_NOMEM;
	}
	set_record(us, u, record);
	u->stored = clock_ms();
	return 0;
}

void users_session(struct users *us, const char *user)
{
	struct user *u = find(us, user);

	if (!u || !u->record)
		return;
	if (u->connected) {
		struct log_scope scope = {.user = user};

		log_lifecycle(&scope, "User %s reconnecting", user);
	}
	u->connected = true;
}

const struct user_token *users_token(struct users *us, const char *user)
{
	const struct user *u = find(us, user);

	return u && u->record ? &u->token : NULL;
}

int users_logout(struct users *us, const char *user)
{
	struct user *u = find(us, user);
	bool known = u && u->record;
	size_t closed;

	if (known) {
		/* First, so that the counts that each session logs are those without the user. */
		store_delete(us->deps.store, STORE_TOKENS, user);
		set_record(us, u, NULL);
		u->connected = false;
		drop_if_empty(us, u);
	}
	closed = us->deps.logout ? us->deps.logout(user, us->deps.arg) : 0;
	return known || closed ? (int)closed : ERR_NOTFOUND;
}

size_t users_count(const struct users *us)
{
	return us->with_tokens;
}

int users_secret_set(struct users *us, const char *user, const char *backend, const char *secret)
{
	json_t *all = store_get(us->deps.store, STORE_SECRETS, user, NULL);
	int rc = ERR_NOMEM;

	if (!all)
		all = json_object();
	if (all && json_object_set_new(all, backend, json_string(secret)) == 0)
		rc = store_put(us->deps.store, STORE_SECRETS, user, all);
	seal_drop(all);
	return rc;
}

int users_secret_unset(struct users *us, const char *user, const char *backend)
{
	json_t *all = store_get(us->deps.store, STORE_SECRETS, user, NULL);
	int rc = ERR_NOTFOUND;

	if (all && json_object_del(all, backend) == 0)
		rc = json_object_size(all) ? store_put(us->deps.store, STORE_SECRETS, user, all)
					   : store_delete(us->deps.store, STORE_SECRETS, user);
	seal_drop(all);
	return rc;
}

char *users_secret(struct users *us, const char *user, const char *backend)
{
	json_t *all = store_get(us->deps.store, STORE_SECRETS, user, NULL);
	const char *secret = json_string_value(json_object_get(all, backend));
	char *copy = secret ? strdup(secret) : NULL;

	seal_drop(all);
	return copy;
}

/* The names of those who have anything, each once. */
static void add_name(const char *key, json_t *value, void *arg)
{
	(void)value;
	json_object_set_new(arg, key, json_true());
}

void users_each(struct users *us, void (*fn)(const char *user, void *arg), void *arg)
{
	json_t *names = json_object(), *value;
	struct user *u, *tmp;
	const char *name;

	HASH_ITER (hh, us->users, u, tmp) {
		if (u->record || u->calls)
			add_name(u->name, NULL, names);
	}
	store_each(us->deps.store, STORE_SECRETS, add_name, names);
	json_object_foreach (names, name, value)
		fn(name, arg);
	json_decref(names);
}

json_t *users_describe(struct users *us, const char *user)
{
	const struct user *u = find(us, user);
	json_t *all = store_get(us->deps.store, STORE_SECRETS, user, NULL), *names = json_array(),
	       *secret;
	const struct user_token *t = u && u->record ? &u->token : NULL;
	const char *name;
	json_t *row;

	json_object_foreach (all, name, secret)
		json_array_append_new(names, json_string(name));
	seal_drop(all);
	if (!t && !(u && u->calls) && json_array_size(names) == 0) {
		json_decref(names);
		return NULL;
	}
	row = json_pack("{s:s, s:b, s:b, s:s, s:s, s:I, s:o}", "user", user, "token", t != NULL,
			"refresh", t && t->refresh, "issuer", t && t->issuer ? t->issuer : "",
			"scope", t && t->scope ? t->scope : "", "calls",
			(json_int_t)(u ? u->calls : 0), "secrets", names);
	if (t && t->expires)
		json_object_set_new(row, "expires_ms", json_integer((json_int_t)t->expires * 1000));
	return row;
}

/* What came back of the minute since the last look. */
static void refill(const struct users *us, struct user *u)
{
	int64_t now = clock_ms(), most = (int64_t)us->deps.conf->max_calls_per_minute * MINUTE_MS;

	u->credit += (now - u->credited) * us->deps.conf->max_calls_per_minute;
	if (u->credit > most)
		u->credit = most;
	u->credited = now;
}

int users_admit(struct users *us, const char *user, unsigned n, unsigned *retry_r, struct err *e)
{
	unsigned most = us->deps.conf->max_calls_per_user,
		 rate = us->deps.conf->max_calls_per_minute;
	/* A batch of more than there are in a minute costs the whole minute. */
	int64_t price = (int64_t)(n < rate ? n : rate) * MINUTE_MS;
	struct user *u;

	if (!user || n == 0 || (most == 0 && rate == 0))
		return 0;
	u = get(us, user);
	if (!u)
		return err_set(e, ERR_NOMEM, "out of memory");
	*retry_r = 1;
	if (most && u->calls + n > most)
		return err_set(e, ERR_LIMIT,
			       "too many requests in flight (sessions.maxCallsPerUser is %u)",
			       most);
	refill(us, u);
	if (rate && u->credit < price) {
		*retry_r = (unsigned)((price - u->credit) / rate / 1000 + 1);
		return err_set(e, ERR_LIMIT,
			       "too many requests in a minute (sessions.callsPerMinute is %u)",
			       rate);
	}
	u->credit -= rate ? price : 0;
	return 0;
}

/* For lack of memory one call goes uncounted, and its end counts for another. */
void users_call_begun(struct users *us, const char *user)
{
	struct user *u = us && user ? get(us, user) : NULL;

	if (u)
		u->calls++;
}

void users_call_ended(struct users *us, const char *user)
{
	struct user *u = us && user ? find(us, user) : NULL;

	if (!u)
		return;
	u->calls -= u->calls > 0;
	drop_if_empty(us, u);
}
