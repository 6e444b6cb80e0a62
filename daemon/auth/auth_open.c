/* SPDX-License-Identifier: ISC */
/* auth_open.c: ends the streams and calls that a token opened together with the token: when it
 * expires (by one timer for each such token), when the issuer says so (asked once per cacheTime),
 * when the file of tokens does not have it any more, when the issuer has withdrawn its key, or when
 * the user logged out. */
#include "autoconf.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/auth_impl.h"
#include "base/same.h"
#include "lib/hash.h"
#include "lib/log.h"

/* The clock may be set: nothing sleeps longer than this. */
#define MAX_SLEEP_S 3600
/* How soon a file of tokens that was changed by hand counts for what is open. Requests look each
 * time. */
#define LOOK_S 5

/* A token that something refers to. */
struct auth_open {
	UT_hash_handle hh;
	struct auth *auth;
	struct bearer *bearer; /* not a reference: it tells when it goes */
	struct event timer;
	int64_t checked; /* time() when it was found good last */
	bool open;	 /* has something open */
	unsigned char digest[DIGEST_SIZE];
};

static struct auth_open *find(const struct auth *a, const unsigned char digest[DIGEST_SIZE])
{
	struct auth_open *o;

	HASH_FIND(hh, a->open, digest, DIGEST_SIZE, o);
	return o;
}

static void forget(struct auth_open *o)
{
	o->auth->n_open -= o->open;
	event_del(&o->timer);
	HASH_DEL(o->auth->open, o);
	free(o);
}

/* ---- the timer ---- */

static bool asks(const struct auth *a)
{
	return a->conf->auth.mode == CONFIG_AUTH_INTROSPECT;
}

static int64_t cache_s(const struct auth *a)
{
	int64_t s = a->conf->auth.cache_ms / 1000;

	return s > 0 ? s : 1;
}

/* When the token expires by its own claims; 0: never. */
static int64_t end_of(const struct auth_open *o)
{
	int64_t expires = bearer_expires(o->bearer);

	return expires ? expires + o->auth->conf->auth.leeway_ms / 1000 : 0;
}

static void arm(struct auth_open *o)
{
	int64_t now = time(NULL), at = end_of(o), again = o->checked + cache_s(o->auth);
	struct timeval tv = {.tv_sec = MAX_SLEEP_S};

	if (asks(o->auth) && (at == 0 || again < at))
		at = again;
	if (!o->open || at == 0) {
		event_del(&o->timer);
		return;
	}
	if (at - now < MAX_SLEEP_S)
		tv.tv_sec = at > now ? at - now : 0;
	if (evtimer_add(&o->timer, &tv) < 0)
		log_warn(NULL, "out of memory: a token will not end what it opened");
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct auth_open *o = arg;
	int64_t now = time(NULL), end = end_of(o);

	(void)fd, (void)what;
	if (end && end <= now) {
		bearer_end(o->bearer, BEARER_EXPIRED); /* O may be gone */
		return;
	}
	if (asks(o->auth) && o->checked + cache_s(o->auth) <= now) {
		/* Once per cacheTime, whatever comes of it: that is for auth_open_checked(). */
		o->checked = now;
		(void)o->auth->ask_again(o->auth, bearer_token(o->bearer), o->digest);
	}
	arm(o);
}

/* In mode tokens the file is looked at now and then as long as anything is open. */
static void look_later(struct auth *a)
{
	static const struct timeval later = {.tv_sec = LOOK_S};

	if (a->tokens && a->n_open > 0 && !evtimer_pending(&a->look, NULL))
		evtimer_add(&a->look, &later);
	else if (a->n_open == 0)
		event_del(&a->look);
}

/* ---- the bearers ---- */

static void on_opened(struct bearer *b, bool open, void *arg)
{
	struct auth_open *o = arg;

	(void)b;
	o->auth->n_open += (size_t)open - (size_t)o->open;
	o->open = open;
	arm(o);
	look_later(o->auth);
}

static void on_gone(struct bearer *b, void *arg)
{
	(void)b;
	forget(arg);
}

/* Whether B, a token that was found good, is what SPEC says of the same token. */
static bool says(const struct bearer *b, const char *user, const char *scope, const char *rights)
{
	return strcmp(bearer_user(b), user) == 0 && same_text(bearer_scope(b), scope) &&
	       (!rights || strcmp(bearer_rights(b), rights) == 0);
}

static struct bearer *keep(struct auth *a, const struct bearer_spec *spec)
{
	static const struct bearer_keeper keeper = {.opened = on_opened, .gone = on_gone};
	struct auth_open *o = calloc(1, sizeof *o);
	struct bearer *b = o ? bearer_new(spec) : NULL;

	if (b) {
		o->auth = a;
		o->bearer = b;
		o->checked = time(NULL);
		memcpy(o->digest, bearer_digest(b), DIGEST_SIZE);
		evtimer_assign(&o->timer, a->base, on_timer, o);
		HASH_ADD(hh, a->open, digest, DIGEST_SIZE, o);
	}
	if (!b || !o->hh.tbl) {
		bearer_unref(&b);
		free(o);
		return NULL;
	}
	bearer_keep(b, &keeper, o);
	return b;
}

struct bearer *auth_bearer(struct auth *a, const struct bearer_spec *spec)
{
	unsigned char digest[DIGEST_SIZE];
	struct auth_open *o;

	if (digest_sha256(spec->token, strlen(spec->token), digest) < 0)
		return NULL;
	o = find(a, digest);
	if (o && !bearer_ended(o->bearer) && says(o->bearer, spec->user, spec->scope, spec->rights))
		return bearer_ref(o->bearer);
	if (o) {
		struct bearer *old = bearer_ref(o->bearer);

		bearer_keep(old, NULL, NULL);
		forget(o);
		/* The issuer, or the file, has other claims for this token now. */
		bearer_end(old, BEARER_REVOKED);
		bearer_unref(&old);
	}
	return keep(a, spec);
}

/* References to all of USER's (NULL: everybody's) that have not ended; to be freed, with them.
 * NULL: none, or no memory. */
static struct bearer **list(const struct auth *a, const char *user, size_t *n_r)
{
	struct bearer **all = calloc(HASH_COUNT(a->open) + 1, sizeof(struct bearer *));
	struct auth_open *o;

	*n_r = 0;
	for (o = all ? a->open : NULL; o; o = o->hh.next) {
		if (!bearer_ended(o->bearer) &&
		    (!user || strcmp(bearer_user(o->bearer), user) == 0))
			all[(*n_r)++] = bearer_ref(o->bearer);
	}
	return all;
}

static void free_list(struct bearer **all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bearer_unref(&all[i]);
	free(all);
}

/* ---- why a token ends ---- */

void auth_logout(struct auth *a, const char *user)
{
	struct bearer **all;
	size_t n;

	if (!a)
		return;
	all = list(a, user, &n);
	for (size_t i = 0; i < n; i++)
		bearer_end(all[i], BEARER_LOGOUT);
	free_list(all, n);
}

void auth_open_checked(struct auth *a, const unsigned char digest[DIGEST_SIZE],
		       enum auth_result result, const struct claims *claims)
{
	struct auth_open *o = find(a, digest);
	int64_t now = time(NULL);

	if (!o)
		return;
	o->checked = now; /* also where the issuer is down: what is open stays so, and is asked
			     about again */
	if (result == AUTH_BAD)
		bearer_end(o->bearer, bearer_expires(o->bearer) && bearer_expires(o->bearer) <= now
					      ? BEARER_EXPIRED
					      : BEARER_REVOKED);
	else if (result == AUTH_GOOD &&
		 !says(o->bearer, claims->user, claims->scope, claims->rights))
		bearer_end(o->bearer, BEARER_REVOKED);
	else
		arm(o);
}

void auth_open_verify(struct auth *a, bool lost)
{
	struct bearer **all;
	size_t n;

	if (asks(a) || a->tokens || (!lost && !a->doubt))
		return;
	a->doubt = false;
	all = list(a, NULL, &n);
	for (size_t i = 0; i < n; i++) {
		const struct claims *claims;
		const char *why;

		if (bearer_ended(all[i]))
			continue;
		switch (auth_jwt(a, bearer_token(all[i]), bearer_digest(all[i]), &claims, &why)) {
		case AUTH_GOOD:
			break;
		case AUTH_BAD:
			bearer_end(all[i], BEARER_REVOKED);
			break;
		case AUTH_UNAVAILABLE:
		case AUTH_BUSY:
		case AUTH_WAIT:
			a->doubt = true; /* with the next keys */
			break;
		}
	}
	free_list(all, n);
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	struct auth *a = arg;
	struct bearer **all;
	size_t n;

	(void)fd, (void)what;
	tokens_refresh(a->tokens);
	event_del(&a->look);
	all = list(a, NULL, &n);
	for (size_t i = 0; i < n; i++) {
		const struct claims *c = tokens_find(a->tokens, bearer_digest(all[i]));

		if (!c || !says(all[i], c->user, c->scope, c->rights))
			bearer_end(all[i], BEARER_REVOKED);
	}
	free_list(all, n);
	look_later(a);
}

void auth_open_look_soon(void *arg)
{
	static const struct timeval now = {0};
	struct auth *a = arg;

	if (HASH_COUNT(a->open) > 0)
		evtimer_add(&a->look, &now);
}

void auth_open_init(struct auth *a)
{
	evtimer_assign(&a->look, a->base, on_look, a);
}

void auth_open_fini(struct auth *a)
{
	struct auth_open *o;

	if (event_initialized(&a->look))
		event_del(&a->look);
	while ((o = a->open)) {
		bearer_keep(o->bearer, NULL, NULL);
		forget(o);
	}
}
