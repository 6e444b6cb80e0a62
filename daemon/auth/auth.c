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

/* ---- waiting ---- */

/* W, which is in no queue any more, gives its place back. Its memory is not touched. */
static void leave_place(const struct auth_waiter *w)
{
	share_give(w->queue->auth->waiting, w->holder);
	free(w->holder);
}

/* The client left: nothing is owed to it. */
static void on_gone(struct exchange *x, void *arg)
{
	struct auth_waiter *w = arg;

	(void)x;
	TAILQ_REMOVE(&w->queue->waiters, w, link);
	leave_place(w);
	free(w);
}

/* Whose place W needs. */
static const char *holder_of(const struct auth_waiter *w)
{
	return w->ask ? w->ask->holder : exchange_holder(w->x);
}

bool auth_has_room(struct auth *a, const struct auth_waiter *w)
{
	return share_check(a->waiting, holder_of(w), NULL) == 0;
}

/* Takes a place for W. 0 or ERR_NOMEM. */
static int take_place(struct auth *a, struct auth_waiter *w, const char *holder)
{
	w->holder = holder ? strdup(holder) : NULL;
	if ((!holder || w->holder) && share_take(a->waiting, w->holder, NULL) == 0)
		return 0;
	free(w->holder);
	return ERR_NOMEM;
}

enum auth_result auth_wait(struct auth_queue *q, const struct auth_waiter *like)
{
	struct auth *a = q->auth;
	struct auth_waiter *w;

	if (a->stopping)
		return AUTH_UNAVAILABLE;
	if (!auth_has_room(a, like))
		return AUTH_BUSY;
	w = calloc(1, sizeof *w);
	if (!w)
		return AUTH_UNAVAILABLE;
	*w = *like;
	w->queue = q;
	w->token = NULL;
	if (take_place(a, w, holder_of(like)) < 0) {
		free(w);
		return AUTH_UNAVAILABLE;
	}
	TAILQ_INSERT_TAIL(&q->waiters, w, link);
	if (w->ask)
		w->ask->waiter = w;
	else
		exchange_on_gone(w->x, on_gone, w);
	return AUTH_WAIT;
}

bool auth_next(struct auth_queue *q, struct auth_waiter *w_r)
{
	struct auth_waiter *w = TAILQ_FIRST(&q->waiters);

	if (!w)
		return false;
	TAILQ_REMOVE(&q->waiters, w, link);
	if (w->ask)
		w->ask->waiter = NULL;
	else
		exchange_on_gone(w->x, NULL, NULL);
	leave_place(w);
	*w_r = *w;
	w_r->holder = NULL;
	free(w);
	return true;
}

/* ---- the end of a check ---- */

/* The result of looking for a token in the headers of a request. */
enum found {
	FOUND_ONE,
	FOUND_NONE,
	FOUND_MALFORMED,
	FOUND_TWO,
	FOUND_BOUND, /* sent with a scheme that proves possession of a key */
};

/* RFC 6750 section 2.1: b64token. */
static bool is_token(const char *text)
{
	size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				  "-._~+/");

	return len > 0 && text[len + strspn(text + len, "=")] == '\0';
}

static bool has_query_token(const char *query)
{
	while (query) {
		if (strncmp(query, "access_token=", 13) == 0)
			return true;
		query = strchr(query, '&');
		query = query ? query + 1 : NULL;
	}
	return false;
}

/* Whether VALUE of an Authorization header begins with SCHEME (RFC 9110 section 11.1: in any case). */
static bool has_scheme(const char *value, const char *scheme)
{
	size_t n = strlen(scheme);

	return value && strncasecmp(value, scheme, n) == 0 && strchr(" \t", value[n]) != NULL;
}

/* FOUND_ONE with the token of H in *TOKEN_R, or what is wrong with the request. */
static enum found find_in_head(const struct auth_head *h, const char **token_r)
{
	const char *value = h->n > 0 ? h->authorization : NULL;

	/* In a query it would be in everybody's log. */
	if (h->n > 1 || has_query_token(h->query))
		return FOUND_TWO;
	if (has_scheme(value, "DPoP"))
		return FOUND_BOUND;
	if (!has_scheme(value, "Bearer"))
		return FOUND_NONE;
	*token_r = value + 6 + strspn(value + 6, " \t");
	return **token_r != '\0' ? FOUND_ONE : FOUND_MALFORMED;
}

/* W's request was sent by ID. */
static void hand_over(struct auth *a, const struct auth_waiter *w, struct auth_identity *id)
{
	const struct bearer_spec spec = {.token = id->token,
					 .user = id->user,
					 .expires = id->expires,
					 .issuer = id->issuer,
					 .scope = id->scope,
					 .audience = id->audience,
					 .rights = id->rights};
	struct bearer *b = auth_bearer(a, &spec);

	if (!b) {
		auth_conclude(a, w, AUTH_UNAVAILABLE, NULL, "out of memory");
		return;
	}
	id->bearer = b;
	w->fn(w->x, id, w->arg);
	bearer_unref(&b);
}

static enum found find_token(struct exchange *x, const char **token_r)
{
	const struct auth_head h = {.authorization = exchange_header(x, "Authorization"),
				    .query = exchange_query(x),
				    .n = exchange_header_count(x, "Authorization")};

	return find_in_head(&h, token_r);
}

/* W is of a head alone: what will become of its request is known. */
static void conclude_ask(struct auth *a, const struct auth_waiter *w, enum auth_result result,
			 const struct claims *claims, const char *why)
{
	struct auth_ask *ask = w->ask;

	if (result == AUTH_GOOD && !auth_audience_ok(&a->conf->auth, claims, w->name)) {
		result = AUTH_BAD;
		why = "The token was issued for another resource";
	}
	if (ask->inside) {
		ask->answer = result == AUTH_GOOD   ? AUTH_EARLY_PASS
			      : result == AUTH_WAIT ? AUTH_EARLY_WAIT
						    : AUTH_EARLY_REFUSED;
	} else if (result != AUTH_WAIT) {
		auth_early_fn fn = ask->fn;
		void *arg = ask->arg;

		auth_precheck_cancel(ask);
		fn((int)result, why, arg);
	}
}

void auth_conclude(struct auth *a, const struct auth_waiter *w, enum auth_result result,
		   const struct claims *claims, const char *why)
{
	const struct config_auth *conf = &a->conf->auth;
	struct auth_identity id;
	struct err e = {.text = "try again later"};

	if (w->ask) {
		conclude_ask(a, w, result, claims, why);
		return;
	}
	switch (result) {
	case AUTH_WAIT:
		return;
	case AUTH_BUSY:
		share_check(a->waiting, exchange_holder(w->x), &e);
		if (!share_full(a->waiting))
			exchange_set_header(w->x, "Retry-After", "5");
		reply_error(w->x, share_full(a->waiting) ? 503 : 429, NULL, RPC_TRANSPORT, "%s",
			    e.text);
		return;
	case AUTH_UNAVAILABLE:
		reply_error(w->x, 503, NULL, RPC_TRANSPORT, "The token cannot be checked now: %s",
			    why ? why : "try again later");
		return;
	case AUTH_BAD:
		auth_refuse(a, w->x, w->name, 401, "invalid_token", why, NULL);
		return;
	case AUTH_GOOD:
		break;
	}
	if (!auth_audience_ok(conf, claims, w->name)) {
		auth_refuse(a, w->x, w->name, 401, "invalid_token",
			    "The token was issued for another resource", NULL);
		return;
	}
	id = (struct auth_identity){.user = claims->user,
				    .expires = claims->expires,
				    .scope = claims->scope,
				    .audience = claims->audience,
				    .rights = claims->rights,
				    .issuer =
					    conf->mode == CONFIG_AUTH_TOKENS ? NULL : conf->issuer};
	id.token = w->token;
	if (id.token || find_token(w->x, &id.token) == FOUND_ONE)
		hand_over(a, w, &id);
	else /* it left meanwhile; the end is for nobody */
		exchange_reply(w->x, 503, NULL, NULL, 0);
}

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
	} else if (!is_token(token)) {
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

	switch (find_token(x, &w.token)) {
	case FOUND_ONE:
		if (verdict != AUTH_GOOD)
			auth_conclude(a, &w, (enum auth_result)verdict, NULL, why);
		else if (strlen(w.token) <= JWT_MAX)
			check_token(a, &w, w.token);
		else
			auth_conclude(a, &w, AUTH_BAD, NULL, "The token is too long");
		return;
	case FOUND_NONE:
		auth_refuse(a, x, name, 401, NULL, NULL, NULL);
		return;
	case FOUND_MALFORMED:
		auth_conclude(a, &w, AUTH_BAD, NULL, "The token is malformed");
		return;
	case FOUND_TWO:
		auth_refuse(a, x, name, 400, "invalid_request",
			    "One token, in one Authorization header", NULL);
		return;
	case FOUND_BOUND:
		auth_conclude(a, &w, AUTH_BAD, NULL,
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
	if (find_in_head(h, &token) != FOUND_ONE || strlen(token) > JWT_MAX)
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
		conclude_ask(a, &w, AUTH_UNAVAILABLE, NULL, NULL);
	answer = w.ask->answer;
	w.ask->inside = false;
	*ask_r = answer == AUTH_EARLY_WAIT ? w.ask : NULL;
	if (answer != AUTH_EARLY_WAIT)
		auth_precheck_cancel(w.ask);
	return answer;
}

void auth_precheck_cancel(struct auth_ask *ask)
{
	if (ask->waiter)
		on_gone(NULL, ask->waiter);
	explicit_bzero(ask->token, strlen(ask->token));
	free(ask->holder);
	free(ask);
}

/* The issuer has answered, or could not be asked. Whoever waited for its keys is looked at again.
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
		else if (find_token(w.x, &token) == FOUND_ONE)
			check_token(a, &w, token);
		else
			exchange_reply(w.x, 503, NULL, NULL, 0);
	}
}

/* ---- itself ---- */

static int start(struct auth *a)
{
	const struct config_auth *conf = &a->conf->auth;

	auth_open_init(a);
	a->cache = claims_cache_new(conf->remember);
	if (conf->mode == CONFIG_AUTH_TOKENS)
		a->tokens = tokens_new(conf->tokens_file);
	else
		a->issuer = issuer_new(a->base, a->httpc, conf, on_issuer, a);
	if (!a->cache || (!a->tokens && !a->issuer))
		return ERR_NOMEM;
	if (a->tokens)
		tokens_on_change(a->tokens, auth_open_look_soon, a);
	/* So that the first client need not wait. An issuer that is down is no reason not to start.
	 */
	if (a->issuer && (conf->mode == CONFIG_AUTH_JWT || !issuer_introspection(a->issuer)))
		(void)issuer_refresh(a->issuer);
	return 0;
}

struct auth *auth_new(struct event_base *base, struct httpc *h, const struct config *conf,
		      struct err *e)
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
	a->stopping = true;
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
