/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "auth/auth_impl.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "auth/jwt.h"
#include "base/share.h"
#include "http/exchange.h"
#include "http/reply.h"
#include "lib/jsonrpc.h"
#include "lib/log.h"

static void on_issuer(bool lost, void *arg);

/* ---- the check ---- */

static void check_token(struct auth *a, const struct auth_waiter *w, const char *token)
{
	enum auth_result result = AUTH_UNAVAILABLE;
	const struct claims *claims = NULL;
	unsigned char digest[DIGEST_SIZE];
	const char *why = NULL;

	if (digest_sha256(token, strlen(token), digest) < 0) {
		auth_conclude(a, w, AUTH_UNAVAILABLE, NULL, "out of memory");
		return;
	}
	if (a->tokens)
		claims = tokens_find(a->tokens, digest);
	else
		claims = claims_cache_find(a->cache, digest, time(NULL));
	if (claims) {
		result = AUTH_GOOD;
	} else if (!auth_token_ok(token)) {
		result = AUTH_BAD;
		why = "The token is malformed";
	} else if (a->tokens) {
		result = AUTH_BAD;
		why = "The token is not known";
	} else if (a->conf->auth.mode == CONFIG_AUTH_INTROSPECT) {
		auth_introspect(a, token, digest, w);
		return;
	} else {
		result = auth_jwt(a, token, digest, &claims, &why);
	}
	if (result == AUTH_WAIT)
		result = auth_wait(&a->for_keys, w);
	auth_conclude(a, w, result, claims, why);
}

void auth_check(struct auth *a, struct exchange *x, const char *name, auth_fn fn, void *arg)
{
	struct auth_waiter w = {.x = x, .name = name, .fn = fn, .arg = arg};
	const char *why;
	int verdict = exchange_verdict(x, &why);

	switch (auth_token_of(x, &w.token)) {
	case AUTH_FOUND_ONE:
		if (verdict != AUTH_GOOD)
			auth_conclude(a, &w, (enum auth_result)verdict, NULL, why);
		else if (strlen(w.token) <= JWT_MAX)
			check_token(a, &w, w.token);
		else
			auth_conclude(a, &w, AUTH_BAD, NULL, "The token is too long");
		return;
	case AUTH_FOUND_NONE:
		auth_refuse(a, x, name, 401, NULL, NULL, NULL);
		return;
	case AUTH_FOUND_MALFORMED:
		auth_conclude(a, &w, AUTH_BAD, NULL, "The token is malformed");
		return;
	case AUTH_FOUND_TWO:
		auth_refuse(a, x, name, 400, "invalid_request",
			    "One token, in one Authorization header", NULL);
		return;
	case AUTH_FOUND_BOUND:
		auth_conclude(
			a, &w, AUTH_BAD, NULL,
			"Proof of possession (DPoP) is not supported: use a token that is not "
			"bound to a key, and send it as Bearer");
		return;
	}
}

enum auth_early auth_precheck(struct auth *a, const struct auth_head *h, const char *name,
			      auth_early_fn fn, void *arg, struct auth_ask **ask_r)
{
	struct auth_waiter w = {.name = name};
	enum auth_early answer;
	const char *token;

	/* auth_check() says what is wrong, which the head alone tells. */
	if (auth_token_in_head(h, &token) != AUTH_FOUND_ONE || strlen(token) > JWT_MAX)
		return AUTH_EARLY_REFUSED;
	w.ask = calloc(1, sizeof *w.ask + strlen(token) + 1);
	if (!w.ask)
		return AUTH_EARLY_REFUSED;
	*w.ask = (struct auth_ask){.fn = fn,
				   .arg = arg,
				   .holder = h->holder ? strdup(h->holder) : NULL,
				   .inside = true,
				   .answer = AUTH_EARLY_WAIT};
	strcpy(w.ask->token, token);
	if (!h->holder || w.ask->holder)
		check_token(a, &w, w.ask->token);
	else
		auth_conclude(a, &w, AUTH_UNAVAILABLE, NULL, NULL);
	answer = w.ask->answer;
	w.ask->inside = false;
	*ask_r = answer == AUTH_EARLY_WAIT ? w.ask : NULL;
	if (answer != AUTH_EARLY_WAIT)
		auth_precheck_cancel(w.ask);
	return answer;
}

/* The issuer has answered, or could not be asked. The requests that waited for keys are judged
 * again.
 */
static void on_issuer(bool lost, void *arg)
{
	struct auth *a = arg;
	struct auth_queue ready = {.auth = a};
	struct auth_waiter w;
	const char *token;

	if (lost)
		claims_cache_clear(a->cache); /* what such a key has signed may be a forgery */
	auth_open_verify(a, lost);
	/* Some may have to wait again. */
	TAILQ_INIT(&ready.waiters);
	TAILQ_CONCAT(&ready.waiters, &a->for_keys.waiters, link);
	for (struct auth_waiter *one = TAILQ_FIRST(&ready.waiters); one;
	     one = TAILQ_NEXT(one, link))
		one->queue = &ready;
	while (auth_next(&ready, &w)) {
		if (w.ask)
			check_token(a, &w, w.ask->token);
		else if (auth_token_of(w.x, &token) == AUTH_FOUND_ONE)
			check_token(a, &w, token);
		else
			exchange_reply(w.x, 503, NULL, NULL, 0);
	}
}

/* ---- itself ---- */

static int start(struct auth *a)
{
	const struct config_auth *conf = &a->conf->auth;

	a->ask_again = auth_introspect_again;
	auth_open_init(a);
	a->cache = claims_cache_new(conf->remember);
	if (conf->mode == CONFIG_AUTH_TOKENS)
		a->tokens = tokens_new(conf->tokens_file, auth_open_look_soon, a);
	else
		a->issuer = issuer_new(a->base, a->httpc, conf, on_issuer, a);
	if (!a->cache || (!a->tokens && !a->issuer))
		return ERR_NOMEM;
	/* So that the first client need not wait. An issuer that is down is no reason not to start.
	 */
	if (a->issuer && (conf->mode == CONFIG_AUTH_JWT || !issuer_introspection(a->issuer)))
		(void)issuer_refresh(a->issuer);
	return 0;
}

struct auth *auth_new(struct event_base *base, struct httpc *h, const struct config *conf,
		      const struct stopping *stopping, struct err *e)
{
	struct auth *a;

	if (conf->auth.mode == CONFIG_AUTH_NONE) {
		e->code = 0;
		return NULL;
	}
	a = calloc(1, sizeof *a);
	if (a) {
		a->base = base;
		a->httpc = h;
		a->conf = conf;
		a->stopping = stopping;
		a->waiting = share_new("requests that wait for authentication", "auth.maxWaiting",
				       conf->auth.max_waiting, conf->limits.share);
		a->for_keys.auth = a;
		TAILQ_INIT(&a->for_keys.waiters);
		if (!a->waiting || start(a) < 0)
			auth_free(&a);
	}
	if (!a)
		err_set(e, ERR_NOMEM, "out of memory");
	return a;
}

void auth_stop(struct auth *a)
{
	struct auth_waiter w;

	if (!a)
		return;
	while (auth_next(&a->for_keys, &w))
		auth_conclude(a, &w, AUTH_UNAVAILABLE, NULL, "the server is shutting down");
	auth_introspect_stop(a);
}

void auth_free(struct auth **ap)
{
	struct auth *a = *ap;

	*ap = NULL;
	if (!a)
		return;
	auth_stop(a);
	auth_open_fini(a);
	issuer_free(&a->issuer);
	tokens_free(&a->tokens);
	claims_cache_free(&a->cache);
	share_free(&a->waiting);
	free(a);
}

struct tokens *auth_tokens(struct auth *a)
{
	return a ? a->tokens : NULL;
}
