/* SPDX-License-Identifier: ISC */
#include "auth/jwt.h"

#include <jose/b64.h>
#include <jose/cfg.h>
#include <jose/jws.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_KEYS  64   /* of an issuer */
#define MAX_TRIES 8    /* keys that a token without key id is tried with */
#define RSA_N_MIN 342  /* base64url digits of 2048 bits */
#define RSA_N_MAX 2731 /* of 16384: more would only cost time */

static const struct algorithm {
	const char *name, *type, *curve;
} algorithms_known[] = {
	{"RS256", "RSA", NULL},	  {"RS384", "RSA", NULL},   {"RS512", "RSA", NULL},
	{"PS256", "RSA", NULL},	  {"PS384", "RSA", NULL},   {"PS512", "RSA", NULL},
	{"ES256", "EC", "P-256"}, {"ES384", "EC", "P-384"}, {"ES512", "EC", "P-521"},
};

static const char *string_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static bool is_string(const json_t *object, const char *name, const char *value)
{
	const char *text = string_of(object, name);

	return text && strcmp(text, value) == 0;
}

/* Whether TEXT has nothing but digits of base64url, without padding (RFC 7515 section 2). */
static bool is_base64url(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		      c == '-' || c == '_'))
			return false;
	}
	return len > 0 && len % 4 != 1;
}

/* The JSON object in LEN digits at TEXT: 0, ERR_PARSE, ERR_NOMEM. A name that is there twice means
 * two things to two readers (RFC 8725 section 2.4 and RFC 7519 section 4). */
static int object_of(const char *text, size_t len, json_t **object_r)
{
	size_t size = len / 4 * 3 + 3, n;
	char *raw = malloc(size);
	json_error_t why = {.line = 0};
	json_t *value;

	if (!raw)
		return ERR_NOMEM;
	n = jose_b64_dec_buf(text, len, raw, size);
	if (n == SIZE_MAX || n > size) {
		free(raw);
		return ERR_PARSE;
	}
	value = json_loadb(raw, n, JSON_REJECT_DUPLICATES, &why);
	free(raw);
	/* Where jansson has no memory it says nothing, or (in strings) something wrong. */
	if (!value)
		return json_error_code(&why) == json_error_unknown ||
				       json_error_code(&why) == json_error_out_of_memory
			       ? ERR_NOMEM
			       : ERR_PARSE;
	*object_r = value;
	return json_is_object(value) ? 0 : ERR_PARSE;
}

static int parse_parts(struct jwt *j, const char *token, size_t head, size_t body, size_t sign)
{
	const char *second = token + head + 1, *third = second + body + 1;
	int rc = object_of(token, head, &j->header);

	if (rc == 0)
		rc = object_of(second, body, &j->claims);
	if (rc < 0)
		return rc;
	j->jws = json_pack("{s:s#, s:s#, s:s#}", "protected", token, (int)head, "payload", second,
			   (int)body, "signature", third, (int)sign);
	return j->jws ? 0 : ERR_NOMEM;
}

int jwt_parse(struct jwt *j, const char *token, struct err *e)
{
	size_t len = strlen(token), head, body, sign;
	int rc;

	*j = (struct jwt){.header = NULL};
	if (len > JWT_MAX)
		return err_set(e, ERR_PARSE, "it is longer than %zu bytes", JWT_MAX);
	head = strcspn(token, ".");
	body = token[head] ? strcspn(token + head + 1, ".") : 0;
	sign = head + body + 2 < len ? strcspn(token + head + body + 2, ".") : 0;
	if (head + body + sign + 2 != len || !is_base64url(token, head) ||
	    !is_base64url(token + head + 1, body) || !is_base64url(token + head + body + 2, sign))
		return err_set(e, ERR_PARSE, "it is no signed JWT");
	rc = parse_parts(j, token, head, body, sign);
	if (rc == 0)
		return 0;
	jwt_clear(j);
	return err_set(e, rc, rc == ERR_NOMEM ? "out of memory" : "it is no signed JWT");
}

void jwt_clear(struct jwt *j)
{
	json_decref(j->header);
	json_decref(j->claims);
	json_decref(j->jws);
	*j = (struct jwt){.header = NULL};
}

/* The algorithm of J, if it is one of ALLOWED. */
static const struct algorithm *algorithm_of(const struct jwt *j, char *const *allowed)
{
	const char *name = string_of(j->header, "alg");

	while (name && *allowed && strcmp(*allowed, name) != 0)
		allowed++;
	if (!name || !*allowed)
		return NULL;
	for (size_t i = 0; i < sizeof algorithms_known / sizeof *algorithms_known; i++) {
		if (strcmp(algorithms_known[i].name, name) == 0)
			return &algorithms_known[i];
	}
	return NULL;
}

/* RFC 9068 section 4 and RFC 8725 section 3.11: a token that was made for something else is none.
 */
static bool is_access_token(const json_t *header)
{
	static const char *const types[] = {"JWT", "at+jwt", "application/at+jwt"};
	const json_t *type = json_object_get(header, "typ");

	for (size_t i = 0; json_is_string(type) && i < sizeof types / sizeof *types; i++) {
		if (strcasecmp(json_string_value(type), types[i]) == 0)
			return true;
	}
	return !type;
}

static int check_header(const struct jwt *j, char *const *allowed,
			const struct algorithm **algorithm_r, struct err *e)
{
	const json_t *kid = json_object_get(j->header, "kid");

	*algorithm_r = algorithm_of(j, allowed);
	if (!*algorithm_r)
		return err_set(e, ERR_DENIED, "its algorithm is not allowed");
	/* We know no extensions, so none can be critical (RFC 7515 section 4.1.11). */
	if (json_object_get(j->header, "crit") || json_object_get(j->header, "b64"))
		return err_set(e, ERR_DENIED, "it has critical extensions");
	if (!is_access_token(j->header))
		return err_set(e, ERR_DENIED, "it is a token of another type");
	if (kid && !json_is_string(kid))
		return err_set(e, ERR_DENIED, "its key id is no string");
	return 0;
}

static bool fits(const json_t *key, const struct algorithm *a, const char *kid)
{
	const char *alg = string_of(key, "alg");

	return is_string(key, "kty", a->type) && (!a->curve || is_string(key, "crv", a->curve)) &&
	       (!alg || strcmp(alg, a->name) == 0) && (!kid || is_string(key, "kid", kid));
}

/* Otherwise jose writes to standard error by itself. */
static void say_nothing(void *misc, const char *file, int line, uint64_t err, const char *fmt,
			va_list ap)
{
	(void)misc, (void)file, (void)line, (void)err, (void)fmt, (void)ap;
}

static bool is_signed_by(const struct jwt *j, const json_t *key)
{
	jose_cfg_t *cfg = jose_cfg();
	bool good;

	if (cfg)
		jose_cfg_set_err_func(cfg, say_nothing, NULL);
	good = cfg && jose_jws_ver(cfg, j->jws, NULL, key, false);
	jose_cfg_decref(cfg);
	return good;
}

int jwt_verify(const struct jwt *j, const json_t *keys, char *const *algorithms, struct err *e)
{
	const char *kid = string_of(j->header, "kid");
	const struct algorithm *a;
	unsigned tries = 0;
	json_t *key;
	size_t i;
	int rc = check_header(j, algorithms, &a, e);

	if (rc < 0)
		return rc;
	json_array_foreach (keys, i, key) {
		if (!fits(key, a, kid) || tries++ == MAX_TRIES)
			continue;
		if (is_signed_by(j, key))
			return 0;
	}
	return tries > 0 ? err_set(e, ERR_DENIED, "its signature is wrong")
			 : err_set(e, ERR_NOTFOUND, "no key of the issuer can have signed it");
}

/* Whether KEY may check signatures (RFC 7517 sections 4.2 and 4.3). */
static bool is_for_signatures(const json_t *key)
{
	const json_t *use = json_object_get(key, "use"), *ops = json_object_get(key, "key_ops"),
		     *op;
	size_t i;

	if (use && !is_string(key, "use", "sig"))
		return false;
	json_array_foreach (ops, i, op) {
		if (json_is_string(op) && strcmp(json_string_value(op), "verify") == 0)
			return true;
	}
	return !ops;
}

static bool is_good(const json_t *key)
{
	size_t n = json_string_length(json_object_get(key, "n"));

	if (!is_for_signatures(key))
		return false;
	if (is_string(key, "kty", "RSA"))
		return n >= RSA_N_MIN && n <= RSA_N_MAX && string_of(key, "e");
	return is_string(key, "kty", "EC") && string_of(key, "crv") && string_of(key, "x") &&
	       string_of(key, "y");
}

/* What we need of KEY, so that nothing else in it can matter. */
static json_t *stripped(const json_t *key)
{
	static const char *const names[] = {"kty", "kid", "alg", "crv", "x", "y", "n", "e"};
	json_t *copy = json_object();
	int rc = copy ? 0 : -1;

	for (size_t i = 0; rc == 0 && i < sizeof names / sizeof *names; i++) {
		json_t *value = json_object_get(key, names[i]);

		if (json_is_string(value))
			rc = json_object_set(copy, names[i], value);
	}
	if (rc == 0)
		return copy;
	json_decref(copy);
	return NULL;
}

json_t *jwt_keys(const json_t *set)
{
	const json_t *all = json_object_get(set, "keys"), *key;
	json_t *good = json_is_array(all) ? json_array() : NULL;
	size_t i;

	if (!good)
		return NULL;
	json_array_foreach (all, i, key) {
		if (json_array_size(good) == MAX_KEYS)
			break;
		if (is_good(key) && json_array_append_new(good, stripped(key)) < 0) {
			json_decref(good);
			return NULL;
		}
	}
	return good;
}
