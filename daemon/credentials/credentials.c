/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "auth/users.h"
#include "base/bearer.h"
#include "credentials/credentials_impl.h"
#include "lib/wipe.h"
#include "text/httpfield.h"
#include "text/url.h"

/* ---- the token of the request ---- */

static bool is_for(const json_t *audience, const char *url)
{
	const json_t *one;
	size_t i;

	if (json_is_string(audience))
		return url_covers(json_string_value(audience), url);
	json_array_foreach (audience, i, one)
		if (json_is_string(one) && url_covers(json_string_value(one), url))
			return true;
	return false;
}

static void forward(const struct config_backend *b, const struct bearer *bearer, credential_fn fn,
		    void *arg)
{
	if (credentials_expired(bearer))
		credentials_fail(fn, arg, ERR_DENIED, "the token of the user has expired");
	else if (!is_for(bearer_audience(bearer), b->url))
		credentials_fail(fn, arg, ERR_DENIED,
				 "the token of the user was not issued for %.200s (aud), so it is "
				 "not passed "
				 "on",
				 b->url);
	else
		credentials_tell(&b->credential, bearer_token(bearer), fn, arg);
}

/* ---- what the operator stored ---- */

char *credentials_secret(const struct credentials *cs, const struct config_backend *b,
			 const char *user)
{
	if (!cs || !cs->users || !user)
		return NULL;
	return users_secret(cs->users, user, b->name);
}

static void secret(const struct credentials *cs, const struct config_backend *b, const char *user,
		   credential_fn fn, void *arg)
{
	char *text = credentials_secret(cs, b, user);

	if (!text)
		credentials_fail(
			fn, arg, ERR_DENIED,
			"the operator has stored no secret of the user for %s (mcpctl user secret "
			"set)",
			b->name);
	else
		credentials_tell(&b->credential, text, fn, arg);
	wipe_free(text);
}

/* ---- the choice ---- */

static void get_granted(struct granted *g, struct bearer *subject, credential_fn fn, void *arg,
			struct credential_wait **wait_r)
{
	if (g)
		granted_get(g, subject, fn, arg, wait_r);
	else
		credentials_fail(fn, arg, ERR_NOMEM, "out of memory");
}

bool credentials_per_token(const struct config_backend *conf)
{
	return conf->forward_token || conf->credential.from == CONFIG_CREDENTIAL_EXCHANGE;
}

static bool is_per_user(const struct config_backend *b)
{
	return credentials_per_token(b) || b->credential.from == CONFIG_CREDENTIAL_SECRET;
}

void credentials_get(struct credentials *cs, const struct config_backend *b, const char *user,
		     struct bearer *bearer, credential_fn fn, void *arg,
		     struct credential_wait **wait_r)
{
	*wait_r = NULL;
	if (!cs || (!b->forward_token && b->credential.from == CONFIG_CREDENTIAL_NONE))
		fn(NULL, NULL, arg);
	else if (is_per_user(b) && !user)
		credentials_fail(fn, arg, ERR_DENIED, "%s is for authenticated users only",
				 b->name);
	else if (b->forward_token)
		forward(b, bearer, fn, arg);
	else if (b->credential.from == CONFIG_CREDENTIAL_SECRET)
		secret(cs, b, user, fn, arg);
	else if (!is_per_user(b))
		get_granted(granted_find(cs, &b->credential, NULL, NULL), NULL, fn, arg, wait_r);
	else if (credentials_expired(bearer))
		credentials_fail(fn, arg, ERR_DENIED, "the token of the user has expired");
	else
		get_granted(granted_find(cs, &b->credential, user, bearer), bearer, fn, arg,
			    wait_r);
}

/* The newest token that the user of "learnAs" came with, as if a request had it; NULL: none. */
static struct bearer *learner(const struct credentials *cs, const struct config_backend *b)
{
	const struct user_token *t =
		cs && cs->users && b->learn_as ? users_token(cs->users, b->learn_as) : NULL;
	struct bearer_spec spec;

	if (!t)
		return NULL;
	spec = (struct bearer_spec){.token = t->access,
				    .user = b->learn_as,
				    .expires = t->expires,
				    .issuer = t->issuer,
				    .scope = t->scope,
				    .audience = t->audience,
				    .rights = t->rights};
	return bearer_new(&spec);
}

/* Whether the daemon has a token of its own in place of the user of "learnAs" (NULL: of nobody). It
 * is kept apart from those for requests, because it may outlive the token that it was given for. */
static bool is_granted_own(const struct config_backend *b)
{
	return b->credential.from == CONFIG_CREDENTIAL_EXCHANGE &&
	       (b->learn_as || b->credential.client_secret.value);
}

void credentials_get_own(struct credentials *cs, const struct config_backend *b, credential_fn fn,
			 void *arg, struct credential_wait **wait_r)
{
	struct bearer *as = learner(cs, b);

	*wait_r = NULL;
	if (cs && is_granted_own(b))
		get_granted(granted_find(cs, &b->credential, b->learn_as, NULL), as, fn, arg,
			    wait_r);
	else if (!cs || !is_per_user(b) || b->learn_as)
		credentials_get(cs, b, b->learn_as, as, fn, arg, wait_r);
	else
		fn(NULL, NULL, arg); /* some tell everybody what they offer */
	bearer_unref(&as);
}

bool credentials_refused(struct credentials *cs, const struct config_backend *b, const char *user,
			 struct bearer *bearer, const char *line)
{
	struct granted *g;

	if (!cs || !line || (credentials_per_token(b) && !bearer))
		return false;
	if (b->forward_token)
		return credentials_is_newer(bearer, line);
	if (b->credential.from != CONFIG_CREDENTIAL_EXCHANGE &&
	    b->credential.from != CONFIG_CREDENTIAL_CLIENT)
		return false;
	g = is_per_user(b) ? granted_find(cs, &b->credential, user, bearer)
			   : granted_find(cs, &b->credential, NULL, NULL);
	return g && granted_dispute(g, line);
}

bool credentials_refused_own(struct credentials *cs, const struct config_backend *b,
			     const char *line)
{
	struct granted *g;
	struct bearer *as;
	bool better;

	if (!cs || !line)
		return false;
	if (is_granted_own(b)) {
		g = granted_find(cs, &b->credential, b->learn_as, NULL);
		return g && granted_dispute(g, line);
	}
	as = learner(cs, b);
	better = credentials_refused(cs, b, b->learn_as, as, line);
	bearer_unref(&as);
	return better;
}

/* ---- the end of a user's tokens ---- */

struct forgetting {
	struct credentials *cs;
	const char *prefix;
};

static void forget_stored(const char *key, json_t *value, void *arg)
{
	const struct forgetting *f = arg;

	(void)value;
	if (strncmp(key, f->prefix, strlen(f->prefix)) == 0)
		store_delete(f->cs->store, STORE_TOKENS, key);
}

void credentials_forget(struct credentials *cs, const char *user)
{
	struct granted *g, *next;
	struct forgetting f = {.cs = cs};
	char *prefix;

	HASH_ITER (hh, cs->granted, g, next)
		if (g->user && strcmp(g->user, user) == 0)
			granted_forget(g);
	prefix = granted_prefix(user);
	f.prefix = prefix;
	if (cs->store && prefix)
		store_each(cs->store, STORE_TOKENS, forget_stored, &f);
	free(prefix);
}

/* ---- itself ---- */

static void sweep_one(const char *key, json_t *record, void *arg)
{
	granted_sweep(arg, key, record);
}

static void on_loaded(void *arg)
{
	struct credentials *cs = arg;

	store_each(cs->store, STORE_TOKENS, sweep_one, cs);
}

struct credentials *credentials_new(struct event_base *base, struct httpc *httpc,
				    struct store *store, struct users *users)
{
	struct credentials *cs = calloc(1, sizeof *cs);

	if (!cs)
		return NULL;
	cs->base = base;
	cs->httpc = httpc;
	cs->store = store;
	cs->users = users;
	cs->loaded.fn = on_loaded;
	cs->loaded.arg = cs;
	if (store) {
		on_loaded(cs);
		store_when_loaded(store, &cs->loaded);
	}
	return cs;
}

void credentials_free(struct credentials **csp)
{
	struct credentials *cs = *csp;
	struct granted *g, *next;

	*csp = NULL;
	if (!cs)
		return;
	if (cs->store)
		store_unwait(cs->store, &cs->loaded);
	HASH_ITER (hh, cs->granted, g, next)
		granted_free(g);
	free(cs);
}
