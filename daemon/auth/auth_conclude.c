/* SPDX-License-Identifier: ISC */
/* auth_conclude.c: ends the check of a request: hands the request over, or refuses it. */
#include "autoconf.h"

#include "auth/auth_impl.h"
#include "base/share.h"
#include "http/exchange.h"
#include "http/reply.h"
#include "lib/jsonrpc.h"

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
	if (id.token || auth_token_of(w->x, &id.token) == AUTH_FOUND_ONE)
		hand_over(a, w, &id);
	else /* the client has left meanwhile */
		exchange_reply(w->x, 503, NULL, NULL, 0);
}
