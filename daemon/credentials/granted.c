/* SPDX-License-Identifier: ISC */
/* granted.c: requests, keeps and refreshes tokens of an issuer, for a user or for the daemon. */
#include "autoconf.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bearer.h"
#include "base/delayq.h"
#include "base/same.h"
#include "base/seal.h"
#include "credentials/credentials_impl.h"
#include "lib/digest.h"
#include "lib/log.h"
#include "lib/wipe.h"

#define TIMEOUT_MS 15000 /* of a request at the issuer */
#define MAX_ANSWER 65536
/* A backend that refuses what was fetched because it refused is not served like that for ever. */
#define DISPUTE_MS 10000
/* How long it is remembered that there is nothing. */
#define NOTHING_S 600
/* How long a token that has expired is kept on disk for its refresh token. */
#define KEEP_S (30 * 24 * 3600)

static void begin(struct granted *g);

static struct log_scope scope_of(const struct granted *g)
{
	return (struct log_scope){.user = g->user};
}

/* ---- its state ---- */

static bool is_busy(const struct granted *g)
{
	return g->fetch || g->durable.queued;
}

static bool is_good(const struct granted *g, int64_t now)
{
	return g->token.access && (g->token.expires == 0 || g->token.expires > now);
}

/* When it is to be refreshed; 0: never. */
static int64_t due(const struct granted *g)
{
	return g->token.expires != 0 ? g->since + (g->token.expires - g->since) * 8 / 10 : 0;
}

static void set_timer(struct granted *g)
{
	int64_t now = time(NULL), at = due(g);
	struct timeval tv = {.tv_sec = 1};

	at = at > now ? at : g->token.expires;
	if (at > now)
		tv.tv_sec = (time_t)(at - now);
	event_del(&g->timer);
	if (at != 0 && evtimer_add(&g->timer, &tv) < 0)
		log_warn(NULL, "out of memory: a token will be refreshed only on need");
}

/* ---- on disk ---- */

char *granted_prefix(const char *user)
{
	char *prefix;

	/* No name of a user begins like this, and none is cut short by what follows. */
	return asprintf(&prefix, "\x1fgranted\x1f%zu:%s\x1f", strlen(user), user) < 0 ? NULL
										      : prefix;
}

static char *make_key(const struct config_credential *conf, const char *user,
		      const struct bearer *subject)
{
	json_t *purpose = json_pack("[s?, s?, s?, s?, s?, s?]", conf->endpoint, conf->client_id,
				    conf->audience, conf->resource, conf->scope,
				    subject != NULL ? bearer_rights(subject) : NULL);
	char *digest = purpose ? seal_digest(purpose) : NULL;
	char *prefix = user ? granted_prefix(user) : strdup("\x1fgranted\x1f");
	char *key = NULL;

	if (!digest || !prefix || asprintf(&key, "%s%s", prefix, digest) < 0)
		key = NULL;
	json_decref(purpose);
	free(digest);
	free(prefix);
	return key;
}

static void save(struct granted *g)
{
	const struct log_scope scope = scope_of(g);
	json_t *record;

	if (!g->cs->store)
		return;
	record = json_pack("{s:s?, s:s?, s:I, s:I}", "token", g->token.access, "refresh",
			   g->token.refresh, "expires", (json_int_t)g->token.expires, "since",
			   (json_int_t)g->since);
	if (!record || store_put(g->cs->store, STORE_TOKENS, g->key, record) < 0)
		log_warn(&scope, "out of memory: a granted token will not outlive the daemon");
	seal_drop(record);
}

/* A token that was kept for scopes that no token of the user has any more. */
void granted_sweep(struct credentials *cs, const char *key, const json_t *record)
{
	int64_t expires = json_integer_value(json_object_get(record, "expires"));

	if (strncmp(key, "\x1fgranted\x1f", 9) == 0 && expires != 0 &&
	    expires + KEEP_S < time(NULL))
		store_delete(cs->store, STORE_TOKENS, key);
}

static void load(struct granted *g)
{
	json_t *record = g->cs->store ? store_get(g->cs->store, STORE_TOKENS, g->key, NULL) : NULL;
	const char *access = json_string_value(json_object_get(record, "token"));
	const char *refresh = json_string_value(json_object_get(record, "refresh"));

	if (access)
		g->token.access = strdup(access);
	if (refresh)
		g->token.refresh = strdup(refresh);
	g->token.expires = json_integer_value(json_object_get(record, "expires"));
	g->since = json_integer_value(json_object_get(record, "since"));
	seal_drop(record);
	set_timer(g);
}

/* ---- those who wait ---- */

/* All who came until now get the token, or E. */
static void settle(struct granted *g, const struct err *e)
{
	struct credential_wait *w;
	unsigned round = g->round++;

	while ((w = TAILQ_FIRST(&g->waits)) && w->round <= round) {
		credential_fn fn = w->fn;
		void *arg = w->arg;

		*w->self = NULL;
		TAILQ_REMOVE(&g->waits, w, link);
		free(w);
		if (e || !g->token.access) {
			fn(NULL, e != NULL ? e : &g->why, arg);
			continue;
		}
		g->used = true;
		credentials_tell(g->conf, g->token.access, fn, arg);
	}
}

static bool is_neighbour(const struct granted *a, const struct granted *b)
{
	return a != b && same_text(a->user, b->user) &&
	       strcmp(a->conf->endpoint, b->conf->endpoint) == 0;
}

/* The issuer has answered for G: the requests that waited go on. */
static void done(struct granted *g)
{
	struct granted *other, *next;

	HASH_ITER (hh, g->cs->granted, other, next) {
		if (other->queued && is_neighbour(g, other)) {
			begin(other);
			return;
		}
	}
}

/* There is nothing to keep: G is freed after a while, unless a request needs G. */
static void expire(struct granted *g)
{
	static const struct timeval nothing = {.tv_sec = NOTHING_S};

	g->used = false;
	if (!g->token.access && !g->token.refresh)
		evtimer_add(&g->timer, &nothing);
}

/* LEAST_MS as for backoff_next(). */
static void failed(struct granted *g, const struct err *e, int64_t least_ms)
{
	const struct log_scope scope = scope_of(g);

	g->not_before = clock_ms() + backoff_next(&g->wait, least_ms);
	if (strcmp(g->why.text, e->text) != 0)
		log_warn(&scope, "no token from %s: %s", g->conf->endpoint, e->text);
	g->why = *e;
	expire(g);
	settle(g, is_good(g, time(NULL)) ? NULL : e);
	done(g);
}

/* ---- asking ---- */

static void on_durable(void *arg)
{
	struct granted *g = arg;

	set_timer(g);
	settle(g, NULL);
	done(g);
}

/* TOKEN is consumed. */
static void adopt(struct granted *g, struct grant *token)
{
	const struct log_scope scope = scope_of(g);

	if (!token->refresh && g->asking == GRANT_REFRESH) {
		token->refresh = g->token.refresh; /* it goes on to be good */
		g->token.refresh = NULL;
	}
	grant_clear(&g->token);
	g->token = *token;
	g->since = time(NULL);
	g->used = false;
	backoff_reset(&g->wait);
	g->not_before = 0;
	g->why = (struct err){0};
	bearer_unref(&g->refused_subject);
	log_info(&scope, "%s gave a token", g->conf->endpoint);
	save(g);
	if (!g->cs->store) {
		on_durable(g);
		return;
	}
	/* From here on the old refresh token may be dead, so the new one must not be lost. */
	g->durable.fn = on_durable;
	g->durable.arg = g;
	store_when_durable(g->cs->store, &g->durable);
}

/* What is wrong is with the grant itself. A refresh token that is no more leads to a new exchange;
 * the user's own token will not get better. */
static void on_invalid_grant(struct granted *g, const struct err *e)
{
	if (g->asking == GRANT_REFRESH) {
		wipe_free(g->token.refresh);
		g->token.refresh = NULL;
		save(g);
		begin(g);
		return;
	}
	bearer_set(&g->refused_subject, g->asking == GRANT_EXCHANGE ? g->subject : NULL);
	failed(g, e, 0);
}

static void on_answer(struct fetch *f, const struct fetch_answer *a, const struct err *e, void *arg)
{
	struct granted *g = arg;
	struct grant token;
	struct err why;
	int rc;

	(void)f;
	g->fetch = NULL;
	if (!a) {
		err_set(&why, ERR_IO, "the token endpoint cannot be reached: %s", e->text);
		mask_here(&g->sent, why.text, true);
		failed(g, &why, 0);
		return;
	}
	rc = grant_read(a, time(NULL), &g->sent, &token, &why);
	if (rc == 0)
		adopt(g, &token);
	else if (rc == ERR_DENIED)
		on_invalid_grant(g, &why);
	else
		failed(g, &why, backoff_retry_after(a->retry_after));
}

/* Notes the secrets that are sent now: TOKEN (may be NULL), and who says it is the client in WHO (a
 * header line; may be NULL). */
static int note_sent(struct granted *g, const char *token, const char *who)
{
	const char *const lines[] = {who, NULL};
	const char *secret = g->conf->client_secret.value;
	int rc = 0;

	mask_fini(&g->sent);
	if (token)
		rc = mask_add_passing(&g->sent, token);
	if (rc == 0 && secret)
		rc = mask_add(&g->sent, secret);
	return rc == 0 ? mask_add_headers(&g->sent, lines) : rc;
}

static int ask(struct granted *g, const char *token, struct err *e)
{
	char *form = grant_form(g->conf, g->asking, token);
	char *who = grant_authorization(g->conf, e);
	const char *headers[] = {"Content-Type: application/x-www-form-urlencoded",
				 "Accept: application/json", who, NULL};
	struct httpc_spec spec = {
		.method = "POST",
		.url = g->conf->endpoint,
		.headers = headers,
		.body = form,
		.len = form ? strlen(form) : 0,
		.timeout_ms = TIMEOUT_MS,
		.ca_file = g->conf->ca_file,
	};

	if (!form || note_sent(g, token, who) < 0)
		err_set(e, ERR_NOMEM, "out of memory");
	if (e->code == 0)
		g->fetch = fetch_start(g->cs->httpc, &spec, MAX_ANSWER, on_answer, g, e);
	wipe_free(form);
	wipe_free(who);
	return g->fetch ? 0 : e->code;
}

/* What to ask for, and with which token. */
static int pick(struct granted *g, const char **token_r, struct err *e)
{
	*token_r = g->token.refresh;
	g->asking = GRANT_REFRESH;
	if (*token_r)
		return 0;
	g->asking = GRANT_CLIENT;
	if (!g->user)
		return 0;
	g->asking = GRANT_EXCHANGE;
	if (credentials_expired(g->subject))
		return err_set(e, ERR_DENIED, "the token of the user has expired");
	*token_r = bearer_token(g->subject);
	if (g->refused_subject && g->why.code != 0 &&
	    digest_equal(bearer_digest(g->subject), bearer_digest(g->refused_subject))) {
		*e = g->why;
		return e->code;
	}
	return 0;
}

/* Asks the issuer, unless that is done already: once at a time for a user, whose tokens may hang
 * together there. */
static void begin(struct granted *g)
{
	struct granted *other, *next;
	const char *token;
	struct err e;

	if (is_busy(g))
		return;
	g->queued = false;
	HASH_ITER (hh, g->cs->granted, other, next)
		g->queued = g->queued || (is_busy(other) && is_neighbour(g, other));
	if (g->queued)
		return;
	if (pick(g, &token, &e) < 0) {
		expire(g);
		settle(g, is_good(g, time(NULL)) ? NULL : &e);
		done(g);
	} else if (ask(g, token, &e) < 0) {
		failed(g, &e, 0);
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct granted *g = arg;

	(void)fd;
	(void)what;
	if (g->used) {
		begin(g);
	} else if (!is_good(g, time(NULL)) && (!g->token.refresh || !g->own) && !is_busy(g) &&
		   TAILQ_EMPTY(&g->waits)) {
		/* Nothing of it is of any use to anybody. With a refresh token it would be, but
		 * whoever comes has a token of the user to exchange; there may be many of these,
		 * one for each set of scopes. */
		if (g->cs->store)
			store_delete(g->cs->store, STORE_TOKENS, g->key);
		granted_free(g);
	} else if (!g->token.refresh || !g->own) {
		set_timer(g);
	}
}

/* ---- from outside ---- */

void granted_get(struct granted *g, struct bearer *subject, credential_fn fn, void *arg,
		 struct credential_wait **wait_r)
{
	int64_t now = time(NULL);
	struct credential_wait *w;

	bearer_set(&g->subject, subject);
	if (is_good(g, now) && !g->durable.queued) {
		g->used = true;
		if (due(g) != 0 && due(g) <= now && clock_ms() >= g->not_before)
			begin(g);
		credentials_tell(g->conf, g->token.access, fn, arg);
		return;
	}
	if (!is_busy(g) && clock_ms() < g->not_before) {
		fn(NULL, &g->why, arg);
		return;
	}
	w = calloc(1, sizeof *w);
	if (!w) {
		fn(NULL, &(struct err){.code = ERR_NOMEM, .text = "out of memory"}, arg);
		return;
	}
	w->g = g;
	w->round = g->round;
	w->fn = fn;
	w->arg = arg;
	w->self = wait_r;
	*wait_r = w;
	TAILQ_INSERT_TAIL(&g->waits, w, link);
	begin(g);
}

bool granted_dispute(struct granted *g, const char *line)
{
	size_t len = strlen(line);
	size_t n = g->token.access ? strlen(g->token.access) : 0;
	int64_t now = clock_ms();

	if (n == 0 || n > len || strcmp(line + len - n, g->token.access) != 0)
		return true; /* another token, or none: ask again */
	if (g->disputed_at != 0 && now - g->disputed_at < DISPUTE_MS)
		return false;
	g->disputed_at = now;
	wipe_free(g->token.access);
	g->token.access = NULL;
	return true;
}

void granted_forget(struct granted *g)
{
	static const struct err gone = {.code = ERR_DENIED, .text = "the user has logged out"};

	fetch_cancel(&g->fetch);
	if (g->cs->store) {
		store_unwait(g->cs->store, &g->durable);
		store_delete(g->cs->store, STORE_TOKENS, g->key);
	}
	event_del(&g->timer);
	grant_clear(&g->token);
	bearer_unref(&g->subject);
	backoff_reset(&g->wait);
	g->not_before = 0;
	g->queued = false;
	expire(g);
	settle(g, &gone);
	done(g);
}

void granted_free(struct granted *g)
{
	struct credential_wait *w;

	fetch_cancel(&g->fetch);
	if (g->cs->store)
		store_unwait(g->cs->store, &g->durable);
	event_del(&g->timer);
	while ((w = TAILQ_FIRST(&g->waits)))
		credentials_cancel(w->self);
	if (g->hh.tbl)
		HASH_DEL(g->cs->granted, g);
	grant_clear(&g->token);
	mask_fini(&g->sent);
	bearer_unref(&g->subject);
	bearer_unref(&g->refused_subject);
	free(g->user);
	free(g->key);
	free(g);
}

static struct granted *granted_new(struct credentials *cs, const struct config_credential *conf,
				   const char *user, bool own, char *key_take)
{
	struct granted *g = calloc(1, sizeof *g);

	if (!g) {
		free(key_take);
		return NULL;
	}
	TAILQ_INIT(&g->waits);
	g->cs = cs;
	g->conf = conf;
	g->key = key_take;
	g->own = own;
	g->user = user ? strdup(user) : NULL;
	evtimer_assign(&g->timer, cs->base, on_timer, g);
	if (!user || g->user)
		HASH_ADD_KEYPTR(hh, cs->granted, g->key, strlen(g->key), g);
	if (g->hh.tbl) {
		load(g);
		return g;
	}
	granted_free(g);
	return NULL;
}

struct granted *granted_find(struct credentials *cs, const struct config_credential *conf,
			     const char *user, const struct bearer *subject)
{
	char *key = make_key(conf, user, subject);
	struct granted *g = NULL;

	if (!key)
		return NULL;
	HASH_FIND_STR(cs->granted, key, g);
	if (!g)
		return granted_new(cs, conf, user, !subject, key);
	free(key);
	return g;
}

void credentials_cancel(struct credential_wait **wait)
{
	struct credential_wait *w = *wait;

	*wait = NULL;
	if (!w)
		return;
	TAILQ_REMOVE(&w->g->waits, w, link);
	free(w);
}
