/* SPDX-License-Identifier: ISC */
/* auth_introspect.c: asks the issuer about tokens (RFC 7662). */
#include "autoconf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/auth_impl.h"
#include "base/mask.h"
#include "base/share.h"
#include "http/exchange.h"
#include "http/fetch.h"
#include "lib/hash.h"
#include "lib/log.h"
#include "lib/wipe.h"
#include "text/basicauth.h"
#include "text/url.h"

#define MAX_ANSWER ((size_t)64 << 10)
#define TIMEOUT_MS 10000

/* One token that is being asked about, and who waits for that. */
struct inquiry {
	UT_hash_handle hh;
	unsigned char digest[DIGEST_SIZE];
	struct auth *auth;
	struct auth_queue queue;
	struct fetch *fetch;
	struct mask sent; /* the secrets that the issuer gets */
};

static void drop(struct inquiry *q)
{
	HASH_DEL(q->auth->inquiries, q);
	fetch_cancel(&q->fetch);
	mask_fini(&q->sent);
	free(q);
}

/* Ends Q: everybody who waited gets to know. */
static void finish(struct inquiry *q, enum auth_result result, struct claims *claims_take,
		   const char *why)
{
	struct auth *a = q->auth;
	const struct claims *claims = NULL;
	struct auth_waiter w;

	if (result == AUTH_GOOD) {
		int64_t until = time(NULL) + a->conf->auth.cache_ms / 1000 + 1;

		if (claims_take->expires && claims_take->expires < until)
			until = claims_take->expires;
		claims = claims_cache_put(a->cache, q->digest, claims_take, until);
		result = claims ? AUTH_GOOD : AUTH_UNAVAILABLE;
	}
	auth_open_checked(a, q->digest, result, claims);
	/* What ends there may have led to requests, and those to more tokens. */
	if (result == AUTH_GOOD)
		claims = claims_cache_find(a->cache, q->digest, time(NULL));
	if (result == AUTH_GOOD && !claims)
		result = AUTH_UNAVAILABLE;
	while (auth_next(&q->queue, &w))
		auth_conclude(a, &w, result, claims, why);
	drop(q);
}

/* ---- failures ---- */

/* NULL: asking about the token with DIGEST did not fail lately. */
static struct auth_doubtful *find_doubtful(struct auth *a, const unsigned char digest[DIGEST_SIZE])
{
	for (size_t i = 0; i < AUTH_DOUBTFUL; i++) {
		struct auth_doubtful *d = &a->doubtful[i];

		if (d->outage.down && memcmp(d->digest, digest, DIGEST_SIZE) == 0)
			return d;
	}
	return NULL;
}

/* Whether the issuer is asked about the token with DIGEST now. */
static bool may_ask(struct auth *a, const unsigned char digest[DIGEST_SIZE])
{
	struct auth_doubtful *d = find_doubtful(a, digest);

	return (!d || outage_may_ask(&d->outage)) && outage_may_ask(&a->outage);
}

/* The answer of use that Q got ends what failed before. */
static void worked(const struct inquiry *q)
{
	struct auth *a = q->auth;
	struct auth_doubtful *d = find_doubtful(a, q->digest);
	bool down = outage_over(&a->outage), odd = outage_over(&a->odd);

	if (d)
		(void)outage_over(&d->outage);
	if (down || odd)
		log_notice(NULL, "The issuer %s can be asked about tokens again",
			   a->conf->auth.issuer);
}

/* The answer to Q is of no use. That may be for the token, which anybody can send: nobody else
 * waits for it to become better. Whether the log gets a line about it. */
static bool failed_for_token(const struct inquiry *q, int64_t least_ms)
{
	struct auth *a = q->auth;
	struct auth_doubtful *d = find_doubtful(a, q->digest);

	(void)outage_over(&a->outage);
	if (!d) {
		d = &a->doubtful[a->next_doubtful];
		a->next_doubtful = (a->next_doubtful + 1) % AUTH_DOUBTFUL;
		*d = (struct auth_doubtful){.outage = {.down = false}};
		memcpy(d->digest, q->digest, DIGEST_SIZE);
	}
	(void)outage_failed(&d->outage, least_ms);
	return outage_failed(&a->odd, 0);
}

/* Whether STATUS is about the issuer, or about us (RFC 7662 section 2.3), whatever was asked. */
static bool is_for_all(int status)
{
	static const int table[] = {401, 403, 429, 502, 503, 504};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (table[i] == status)
			return true;
	}
	return false;
}

/* A redirect that is refused is named, and what it leads to is the issuer's word. */
static void warn_unreachable(const struct inquiry *q, const struct err *e)
{
	struct err why = *e;

	mask_here(&q->sent, why.text, true);
	log_warn(NULL, "The issuer %s cannot be asked about a token: %s",
		 q->auth->conf->auth.issuer, why.text);
}

/* Q got answer A (NULL: none, for E) and not what it asked for. */
static void fail(struct inquiry *q, const struct fetch_answer *a, const struct err *e)
{
	const char *issuer = q->auth->conf->auth.issuer;
	int64_t least_ms = a ? backoff_retry_after(a->retry_after) : 0;
	bool line = !a || is_for_all(a->status) ? outage_failed(&q->auth->outage, least_ms)
						: failed_for_token(q, least_ms);

	if (line && !a)
		warn_unreachable(q, e);
	else if (line && a->status == 200)
		log_warn(NULL, "The issuer %s does not answer what RFC 7662 says", issuer);
	else if (line)
		log_warn(NULL, "The issuer %s answers %d to a question about a token", issuer,
			 a->status);
	finish(q, AUTH_UNAVAILABLE, NULL, "the issuer cannot be asked");
}

/* What the issuer says of the token. */
static void take(struct inquiry *q, const json_t *said)
{
	const struct config_auth *conf = &q->auth->conf->auth;
	const json_t *active = json_object_get(said, "active"), *iss = json_object_get(said, "iss");
	struct claims claims = {.user = NULL};
	const char *why = NULL;

	worked(q);
	if (!json_is_true(active))
		why = "The token is not active";
	else if (iss && !(json_is_string(iss) && strcmp(json_string_value(iss), conf->issuer) == 0))
		why = "The token is of another issuer";
	else
		why = auth_read_claims(conf, said, time(NULL), false, &claims);
	finish(q, why ? AUTH_BAD : AUTH_GOOD, &claims, why);
}

static void on_answer(struct fetch *f, const struct fetch_answer *a, const struct err *e, void *arg)
{
	struct inquiry *q = arg;
	json_t *said;

	(void)f;
	q->fetch = NULL;
	said = a && a->status == 200 ? json_loadb(a->body, a->len, JSON_REJECT_DUPLICATES, NULL)
				     : NULL;
	if (json_is_boolean(json_object_get(said, "active")))
		take(q, said);
	else
		fail(q, a, e);
	json_decref(said);
}

static int ask(struct inquiry *q, const char *url, const char *token)
{
	const struct config_auth *conf = &q->auth->conf->auth;
	char *basic = basicauth_header(conf->client_id, conf->client_secret.value);
	char *escaped = url_escape(token), *form = NULL;
	const char *headers[] = {"Accept: application/json",
				 "Content-Type: application/x-www-form-urlencoded", basic, NULL};
	struct err e;

	if (basic && escaped &&
	    asprintf(&form, "token=%s&token_type_hint=access_token", escaped) < 0)
		form = NULL;
	if (form && mask_add_passing(&q->sent, token) == 0 &&
	    mask_add(&q->sent, conf->client_secret.value) == 0 &&
	    mask_add_headers(&q->sent, headers + 2) == 0) {
		struct httpc_spec spec = {.method = "POST",
					  .url = url,
					  .headers = headers,
					  .body = form,
					  .len = strlen(form),
					  .timeout_ms = TIMEOUT_MS,
					  .ca_file = conf->ca_file};

		q->fetch = fetch_start(q->auth->httpc, &spec, MAX_ANSWER, on_answer, q, &e);
	}
	wipe_free(basic);
	wipe_free(escaped);
	wipe_free(form);
	return q->fetch ? 0 : ERR_NOMEM;
}

/* A new inquiry under way; NULL on lack of memory. */
static struct inquiry *begin(struct auth *a, const char *url, const char *token,
			     const unsigned char digest[DIGEST_SIZE])
{
	struct inquiry *q = calloc(1, sizeof *q);

	if (!q)
		return NULL;
	memcpy(q->digest, digest, DIGEST_SIZE);
	q->auth = q->queue.auth = a;
	TAILQ_INIT(&q->queue.waiters);
	HASH_ADD(hh, a->inquiries, digest, DIGEST_SIZE, q);
	if (!q->hh.tbl) {
		free(q);
		return NULL;
	}
	if (ask(q, url, token) < 0) {
		drop(q);
		return NULL;
	}
	return q;
}

void auth_introspect(struct auth *a, const char *token, const unsigned char digest[DIGEST_SIZE],
		     const struct auth_waiter *w)
{
	const char *url = issuer_introspection(a->issuer);
	enum auth_result result = AUTH_UNAVAILABLE;
	const char *why = NULL;
	struct inquiry *q;

	if (!url) {
		/* Where to ask is what has to be asked first. */
		if (issuer_refresh(a->issuer) == 0)
			result = auth_wait(&a->for_keys, w);
		auth_conclude(a, w, result, NULL, "the issuer cannot be asked");
		return;
	}
	HASH_FIND(hh, a->inquiries, digest, DIGEST_SIZE, q);
	if (!q && !auth_has_room(a, w))
		result = AUTH_BUSY;
	else if (!q && !may_ask(a, digest))
		why = "the issuer cannot be asked";
	else if (!q)
		q = begin(a, url, token, digest);
	if (q)
		result = auth_wait(&q->queue, w);
	auth_conclude(a, w, result, NULL, why);
}

int auth_introspect_again(struct auth *a, const char *token,
			  const unsigned char digest[DIGEST_SIZE])
{
	const char *url = issuer_introspection(a->issuer);
	struct inquiry *q;

	if (!url) {
		(void)issuer_refresh(a->issuer);
		return ERR_IO;
	}
	HASH_FIND(hh, a->inquiries, digest, DIGEST_SIZE, q);
	if (!q && !may_ask(a, digest))
		return ERR_IO;
	return q || begin(a, url, token, digest) ? 0 : ERR_NOMEM;
}

void auth_introspect_stop(struct auth *a)
{
	struct inquiry *q, *next;

	HASH_ITER (hh, a->inquiries, q, next)
		finish(q, AUTH_UNAVAILABLE, NULL, "the server is shutting down");
}
