/* SPDX-License-Identifier: ISC */
/* auth_jwt.c: checks the claims of a JWT whose signature was verified. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "auth/auth_impl.h"
#include "auth/jwt.h"
#include "base/seal.h"
#include "lib/jsonrpc.h"
#include "lib/log.h"

#define MAX_USER 255

/* A NumericDate (RFC 7519 section 2), cut to what fits; false for anything else. */
static bool read_date(const json_t *value, int64_t *date_r)
{
	double d = json_number_value(value);

	if (!json_is_number(value) || !(d >= 0)) /* not a number is not */
		return false;
	*date_r = d < 9e15 ? (int64_t)d : INT64_C(9000000000000000);
	return true;
}

/* "aud" as an array of strings; a single string is one of one. A new reference in *AUDIENCE_R, NULL
 * without. */
static const char *read_audience(json_t *aud, json_t **audience_r)
{
	size_t i;
	json_t *one;

	if (!aud)
		return NULL;
	*audience_r = json_is_string(aud) ? json_pack("[O]", aud) : json_incref(aud);
	if (!json_is_array(*audience_r))
		return "The audience of the token is malformed";
	json_array_foreach (*audience_r, i, one) {
		if (!json_is_string(one))
			return "The audience of the token is malformed";
	}
	return NULL;
}

/* "scope" with spaces (RFC 8693 section 4.2), or "scp" as a string or an array, as some issuers
 * have it. */
static const char *read_scope(const json_t *said, char **scope_r)
{
	const json_t *value = json_object_get(said, "scope"), *one;
	size_t len = 1, i;

	if (!value)
		value = json_object_get(said, "scp");
	if (json_is_string(value))
		return (*scope_r = strdup(json_string_value(value))) ? NULL : "out of memory";
	json_array_foreach (value, i, one)
		len += json_string_length(one) + 1;
	if (len == 1)
		return NULL;
	*scope_r = malloc(len);
	if (!*scope_r)
		return "out of memory";
	**scope_r = '\0';
	json_array_foreach (value, i, one) {
		if (!json_is_string(one))
			continue;
		if (**scope_r)
			strcat(*scope_r, " ");
		strcat(*scope_r, json_string_value(one));
	}
	return NULL;
}

static const char *check_dates(const struct config_auth *conf, const json_t *said, int64_t now,
			       bool needs_expiry, int64_t *expires_r)
{
	const json_t *exp = json_object_get(said, "exp"), *nbf = json_object_get(said, "nbf"),
		     *iat = json_object_get(said, "iat");
	int64_t leeway = conf->leeway_ms / 1000, date;

	*expires_r = 0;
	if (exp ? !read_date(exp, expires_r) : needs_expiry)
		return "The token has no expiry";
	if (exp && *expires_r + leeway <= now)
		return "The token expired";
	if (nbf && (!read_date(nbf, &date) || date > now + leeway))
		return "The token is not valid yet";
	if (iat && (!read_date(iat, &date) || date > now + leeway))
		return "The token was issued in the future";
	return NULL;
}

/* A token that is bound to a key or a certificate ("cnf", RFC 7800: DPoP, RFC 9449; mutual TLS, RFC
 * 8705) is only good together with a proof of possession, which nothing here checks. Taken as a
 * bearer token, a stolen one would be as good as it is in the hands of its owner. Introspection
 * says the same by "token_type" (RFC 9449 section 6.2). */
static const char *check_unbound(const json_t *said)
{
	const json_t *cnf = json_object_get(said, "cnf");
	const char *type = json_string_value(json_object_get(said, "token_type"));

	if ((cnf && !json_is_null(cnf)) || (type && strcasecmp(type, "DPoP") == 0))
		return "The token needs a proof of possession (cnf), which is not supported: use a "
		       "bearer token that is not bound to a key";
	return NULL;
}

/* ---- what a token allows ---- */

/* Claims about the token itself (when and by which login it was made). They differ between tokens
 * that have the same rights. */
static const char *const about_itself[] = {
	"exp",	   "iat",    "nbf", "jti", "auth_time", "nonce",  "sid", "session_state",
	"at_hash", "c_hash", "uti", "rh",  "aio",	"active", "scp",
};

/* TEXT's words, or the strings of the array LIST, as the members of an object: an order that
 * nothing depends on and repetitions make no difference. A new reference. */
static json_t *as_set(const char *text, const json_t *list)
{
	json_t *set = json_object();
	char *copy = text ? strdup(text) : NULL, *at = copy, *word;
	const json_t *one;
	size_t i;

	while ((word = strsep(&at, " "))) {
		if (*word)
			json_object_set_new(set, word, json_true());
	}
	json_array_foreach (list, i, one)
		json_object_set_new(set, json_string_value(one), json_true());
	free(copy);
	return set;
}

/* The rights of a token as text: a digest of the issuer, the user, the client, the set of scopes,
 * the audience, and all other claims of SAID (roles, authorization_details). Tokens with equal
 * rights have equal texts. malloc'd; NULL where the token does not say what it allows (its issuer
 * may know) or on lack of memory: then no other token counts as equal. */
static char *rights_of(const struct config_auth *conf, const json_t *said,
		       const struct claims *claims)
{
	json_t *all = claims->scope ? jsonrpc_copy(said) : NULL;
	char *rights = NULL;

	if (!all)
		return NULL;
	for (size_t i = 0; i < sizeof about_itself / sizeof *about_itself; i++)
		json_object_del(all, about_itself[i]);
	if (json_object_set_new(all, "iss", json_string(conf->issuer)) == 0 &&
	    json_object_set_new(all, "scope", as_set(claims->scope, NULL)) == 0 &&
	    json_object_set_new(all, "aud", as_set(NULL, claims->audience)) == 0)
		rights = seal_digest(all);
	json_decref(all);
	return rights;
}

const char *auth_read_claims(const struct config_auth *conf, const json_t *said, int64_t now,
			     bool needs_expiry, struct claims *claims_r)
{
	const json_t *user = json_object_get(said, conf->user_claim);
	size_t len = json_string_length(user);
	const char *why;

	*claims_r = (struct claims){.user = NULL};
	why = check_dates(conf, said, now, needs_expiry, &claims_r->expires);
	if (!why)
		why = check_unbound(said);
	if (!why && (len == 0 || len > MAX_USER))
		why = "The token does not say who its user is";
	if (!why)
		why = read_audience(json_object_get(said, "aud"), &claims_r->audience);
	if (!why && !claims_r->audience)
		why = "The token was issued for another resource";
	if (!why)
		why = read_scope(said, &claims_r->scope);
	if (!why && !(claims_r->user = strdup(json_string_value(user))))
		why = "out of memory";
	if (why)
		claims_clear(claims_r);
	else
		claims_r->rights = rights_of(conf, said, claims_r);
	return why;
}

/* Keys are there and have signed J, or not. */
static enum auth_result verify(struct auth *a, const struct jwt *j, const char **why_r)
{
	const struct config_auth *conf = &a->conf->auth;
	const json_t *keys = issuer_keys(a->issuer), *iss;
	struct err e;
	int rc = keys ? jwt_verify(j, keys, conf->algorithms, &e) : ERR_NOTFOUND;

	/* The issuer may have a new one. */
	if (rc == ERR_NOTFOUND) {
		rc = issuer_refresh(a->issuer);
		*why_r = rc == ERR_LIMIT ? "The token is not signed by its issuer"
					 : "the issuer cannot be asked";
		return rc == 0 ? AUTH_WAIT : rc == ERR_LIMIT ? AUTH_BAD : AUTH_UNAVAILABLE;
	}
	if (rc < 0) {
		log_info(NULL, "A token was refused: %s", e.text);
		*why_r = "The token is not signed by its issuer";
		return AUTH_BAD;
	}
	iss = json_object_get(j->claims, "iss");
	if (json_is_string(iss) && strcmp(json_string_value(iss), conf->issuer) == 0)
		return AUTH_GOOD;
	*why_r = "The token is of another issuer";
	return AUTH_BAD;
}

enum auth_result auth_jwt(struct auth *a, const char *token,
			  const unsigned char digest[DIGEST_SIZE], const struct claims **claims_r,
			  const char **why_r)
{
	struct claims claims;
	enum auth_result result;
	struct err e;
	struct jwt j;
	int rc = jwt_parse(&j, token, &e);

	if (rc == ERR_NOMEM) {
		*why_r = "out of memory";
		return AUTH_UNAVAILABLE;
	}
	if (rc < 0) {
		log_info(NULL, "A token was refused: %s", e.text);
		*why_r = "The token is not signed by its issuer";
		return AUTH_BAD;
	}
	result = verify(a, &j, why_r);
	if (result == AUTH_GOOD &&
	    (*why_r = auth_read_claims(&a->conf->auth, j.claims, time(NULL), true, &claims)))
		result = AUTH_BAD;
	if (result == AUTH_GOOD) {
		/* Until it expires, without any leeway; then it is looked at again. */
		int64_t now = time(NULL), until = claims.expires;

		*claims_r =
			claims_cache_put(a->cache, digest, &claims, until > now ? until : now + 1);
		result = *claims_r ? AUTH_GOOD : AUTH_UNAVAILABLE;
	}
	jwt_clear(&j);
	return result;
}
