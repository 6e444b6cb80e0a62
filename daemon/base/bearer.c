/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "base/bearer.h"

#include <stdlib.h>
#include <string.h>

#include "lib/wipe.h"

struct bearer {
	unsigned refs;
	bool ended;
	unsigned char digest[DIGEST_SIZE];
	char *token, *user, *scope, *issuer, *rights;
	json_t *audience;
	int64_t expires;
	TAILQ_HEAD(, bearer_hold) holds;
	const struct bearer_keeper *keeper;
	void *keeper_arg;
};

static void bearer_free(struct bearer *b)
{
	if (b->keeper)
		b->keeper->gone(b, b->keeper_arg);
	wipe_free(b->token);
	free(b->user);
	free(b->scope);
	free(b->issuer);
	free(b->rights);
	json_decref(b->audience);
	free(b);
}

/* A copy of TEXT in *AT; NULL stays NULL. */
static int copy(char **at, const char *text)
{
	*at = text ? strdup(text) : NULL;
	return text && !*at ? -1 : 0;
}

struct bearer *bearer_new(const struct bearer_spec *spec)
{
	struct bearer *b = calloc(1, sizeof *b);
	char hex[DIGEST_HEX_SIZE];

	if (!b)
		return NULL;
	b->refs = 1;
	b->expires = spec->expires;
	b->audience = json_incref(spec->audience);
	TAILQ_INIT(&b->holds);
	if (digest_sha256(spec->token, strlen(spec->token), b->digest) < 0 ||
	    copy(&b->token, spec->token) < 0 || copy(&b->user, spec->user) < 0 ||
	    copy(&b->scope, spec->scope) < 0 || copy(&b->issuer, spec->issuer) < 0 ||
	    copy(&b->rights, spec->rights ? spec->rights : digest_hex(b->digest, hex)) < 0) {
		bearer_free(b);
		return NULL;
	}
	return b;
}

struct bearer *bearer_ref(struct bearer *b)
{
	if (b)
		b->refs++;
	return b;
}

void bearer_unref(struct bearer **bp)
{
	struct bearer *b = *bp;

	*bp = NULL;
	if (b && --b->refs == 0)
		bearer_free(b);
}

void bearer_set(struct bearer **at, struct bearer *b)
{
	struct bearer *old = *at;

	*at = bearer_ref(b);
	bearer_unref(&old);
}

const char *bearer_token(const struct bearer *b)
{
	return b->token;
}

const char *bearer_user(const struct bearer *b)
{
	return b->user;
}

const char *bearer_scope(const struct bearer *b)
{
	return b->scope;
}

const json_t *bearer_audience(const struct bearer *b)
{
	return b->audience;
}

int64_t bearer_expires(const struct bearer *b)
{
	return b->expires;
}

const char *bearer_rights(const struct bearer *b)
{
	return b->rights;
}

const unsigned char *bearer_digest(const struct bearer *b)
{
	return b->digest;
}

bool bearer_ended(const struct bearer *b)
{
	return b->ended;
}

const char *bearer_end_text(enum bearer_end why)
{
	static const char *const texts[] = {
		[BEARER_EXPIRED] = "the token has expired",
		[BEARER_REVOKED] = "the token was revoked",
		[BEARER_LOGOUT] = "the user has logged out",
	};

	return texts[why];
}

/* ---- what a token opened ---- */

static void tell_keeper(struct bearer *b, bool open)
{
	if (b->keeper)
		b->keeper->opened(b, open, b->keeper_arg);
}

void bearer_release(struct bearer_hold *h)
{
	struct bearer *b = h->bearer;

	if (!b)
		return;
	h->bearer = NULL;
	TAILQ_REMOVE(&b->holds, h, link);
	if (TAILQ_EMPTY(&b->holds))
		tell_keeper(b, false);
	bearer_unref(&b);
}

void bearer_hold(struct bearer_hold *h, struct bearer *b)
{
	bool first;

	bearer_ref(b); /* H may have the only reference */
	bearer_release(h);
	if (!b)
		return;
	h->bearer = b;
	first = TAILQ_EMPTY(&b->holds);
	TAILQ_INSERT_TAIL(&b->holds, h, link);
	if (first)
		tell_keeper(b, true);
}

void bearer_end(struct bearer *b, enum bearer_end why)
{
	struct bearer_hold *h;

	if (b->ended)
		return;
	b->ended = true;
	bearer_ref(b);
	/* What one of them does may release others. */
	while ((h = TAILQ_FIRST(&b->holds))) {
		bearer_release(h);
		h->ended(why, h->arg);
	}
	bearer_unref(&b);
}

void bearer_keep(struct bearer *b, const struct bearer_keeper *keeper, void *arg)
{
	b->keeper = keeper;
	b->keeper_arg = arg;
}
