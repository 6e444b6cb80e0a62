/* SPDX-License-Identifier: ISC */
/* Tokens that nobody should believe: each is refused, and the good one next to it is not. */
#include "support.h"

#include <jose/b64.h>
#include <jose/jwk.h>
#include <jose/jws.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth_impl.h"
#include "auth/jwt.h"
#include "failalloc.h"

#define NOW INT64_C(1800000000)

static json_t *rsa, *ec, *other, *keys;
static char rs256[] = "RS256", ps256[] = "PS256", es256[] = "ES256";
static char *algorithms[] = {rs256, ps256, es256, NULL};
static char resource[] = "https://mcp.example.com/mcp", claim[] = "sub", extra[] = "urn:extra";
static char *audiences[] = {extra, NULL}, *nothing[] = {NULL};
static struct config_auth conf = {.mode = CONFIG_AUTH_JWT,
				  .resource = resource,
				  .audiences = audiences,
				  .user_claim = claim,
				  .scopes = nothing,
				  .leeway_ms = 60000};

static json_t *generate(const char *text)
{
	json_t *key = json_of(text);

	assert_true(jose_jwk_gen(NULL, key));
	/* What jose says about its use is in the way of using it for what it is not for. */
	json_object_del(key, "key_ops");
	return key;
}

static int setup(void **state)
{
	json_t *set;

	(void)state;
	rsa = generate("{'alg':'RS256','kid':'r','bits':2048}");
	ec = generate("{'alg':'ES256','kid':'e'}");
	other = generate("{'alg':'ES256','kid':'e'}");
	json_object_del(rsa, "alg");
	set = json_pack("{s:[O, O]}", "keys", rsa, ec);
	keys = jwt_keys(set);
	json_decref(set);
	assert_int_equal(json_array_size(keys), 2);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(rsa);
	json_decref(ec);
	json_decref(other);
	json_decref(keys);
	return 0;
}

static char *coded(const char *text)
{
	json_t *b64 = jose_b64_enc(text, strlen(text));
	char *out = strdup(json_string_value(b64));

	json_decref(b64);
	return out;
}

/* A token of exactly this header and these claims, signed with KEY. */
static char *sign(const char *header, const char *claims, const json_t *key)
{
	char *head = coded(header), *body = coded(claims), *token;
	json_t *jws = json_pack("{s:s}", "payload", body);
	json_t *sig = json_pack("{s:s}", "protected", head);

	assert_true(jose_jws_sig(NULL, jws, sig, key));
	assert_true(asprintf(&token, "%s.%s.%s",
			     json_string_value(json_object_get(jws, "protected")), body,
			     json_string_value(json_object_get(jws, "signature"))) > 0);
	json_decref(jws);
	json_decref(sig);
	free(head);
	free(body);
	return token;
}

/* What jwt.c makes of TOKEN. */
static int judge(const char *token)
{
	struct jwt j;
	struct err e = {0};
	int rc = jwt_parse(&j, token, &e);

	if (rc == 0)
		rc = jwt_verify(&j, keys, algorithms, &e);
	jwt_clear(&j);
	return rc;
}

static void refused(const char *token, const char *what)
{
	if (judge(token) == 0)
		fail_msg("%s was accepted", what);
}

static const char good_head[] = "{\"alg\":\"ES256\",\"kid\":\"e\",\"typ\":\"at+jwt\"}";
static const char good_body[] = "{\"sub\":\"alice\"}";

static void good(void **state)
{
	static const char *const heads[] = {
		"{\"alg\":\"ES256\",\"kid\":\"e\"}",
		"{\"alg\":\"ES256\"}",
		"{\"alg\":\"ES256\",\"typ\":\"JWT\"}",
		"{\"alg\":\"ES256\",\"typ\":\"application/at+jwt\"}",
		/* Where else its key may be does not matter. */
		"{\"alg\":\"ES256\",\"kid\":\"e\",\"jku\":\"https://evil.example/\"}",
	};
	char *token;

	(void)state;
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
		token = sign(heads[i], good_body, ec);
		assert_int_equal(judge(token), 0);
		free(token);
	}
	token = sign("{\"alg\":\"RS256\",\"kid\":\"r\"}", good_body, rsa);
	assert_int_equal(judge(token), 0);
	free(token);
	token = sign("{\"alg\":\"PS256\",\"kid\":\"r\"}", good_body, rsa);
	assert_int_equal(judge(token), 0);
	free(token);
}

/* Signed well by the right key, and wrong all the same. */
static void bad_headers(void **state)
{
	static const char *const heads[] = {
		"{\"alg\":\"ES256\",\"crit\":[\"exp\"],\"exp\":1}",
		"{\"alg\":\"ES256\",\"crit\":[]}",
		"{\"alg\":\"ES256\",\"b64\":false}",
		"{\"alg\":\"ES256\",\"typ\":\"logout+jwt\"}",
		"{\"alg\":\"ES256\",\"typ\":\"dpop+jwt\"}",
		"{\"alg\":\"ES256\",\"typ\":7}",
		"{\"alg\":\"ES256\",\"kid\":7}",
		"{\"alg\":\"ES256\",\"kid\":\"../../etc/passwd\"}",
		"{\"alg\":\"ES256\",\"kid\":\"/dev/null\"}",
		"{\"alg\":\"ES256\",\"kid\":\"' OR 1=1 --\"}",
		"{\"alg\":\"ES256\",\"kid\":\"r\"}",
		"{\"alg\":\"ES256\",\"kid\":\"\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
		char *token = sign(heads[i], good_body, ec);

		refused(token, heads[i]);
		free(token);
	}
}

/* Headers that lie about who signed. */
static void confused(void **state)
{
	static const char *const heads[] = {
		"{\"alg\":\"none\"}",
		"{\"alg\":\"None\"}",
		"{\"alg\":\"NONE\"}",
		"{\"alg\":\"\"}",
		"{\"alg\":null}",
		"{}",
		"{\"alg\":[\"ES256\"]}",
		"{\"alg\":\"HS256\",\"kid\":\"r\"}",
		"{\"alg\":\"HS384\"}",
		"{\"alg\":\"HS512\"}",
		"{\"alg\":\"RS256\",\"kid\":\"e\"}",
		"{\"alg\":\"ES384\",\"kid\":\"e\"}",
		"{\"alg\":\"RS512\",\"kid\":\"r\"}",
		"{\"alg\":\"es256\",\"kid\":\"e\"}",
		"{\"alg\":\"EdDSA\"}",
		"[]",
		"7",
		"\"x\"",
		"",
		"{\"alg\":\"ES256\",\"alg\":\"none\"}",
		"{\"alg\":\"ES256\"",
		"\xff\xfe",
	};
	char *token = sign(good_head, good_body, ec), *sig = strrchr(token, '.');

	(void)state;
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
		char *head = coded(heads[i]), *body = coded(good_body), *lie;

		assert_true(asprintf(&lie, "%s.%s%s", head, body, sig) > 0);
		refused(lie, heads[i]);
		free(lie);
		assert_true(asprintf(&lie, "%s.%s.", head, body) > 0);
		refused(lie, heads[i]);
		free(lie);
		free(head);
		free(body);
	}
	free(token);
}

/* HMAC with the public key as the secret: the oldest trick. */
static void hmac_with_public_key(void **state)
{
	json_t *secret = json_pack("{s:s, s:O, s:s}", "kty", "oct", "k", json_object_get(rsa, "n"),
				   "kid", "r");
	char *token = sign("{\"alg\":\"HS256\",\"kid\":\"r\"}", good_body, secret);

	(void)state;
	refused(token, "HMAC");
	free(token);
	json_decref(secret);
}

static void forged(void **state)
{
	json_t *pub = json_deep_copy(other);
	char *head, *token;

	(void)state;
	token = sign(good_head, good_body, other);
	refused(token, "a token of another key");
	free(token);
	assert_true(jose_jwk_pub(NULL, pub));
	head = json_dumps(pub, JSON_COMPACT);
	json_decref(pub);
	assert_true(asprintf(&token, "{\"alg\":\"ES256\",\"jwk\":%s}", head) > 0);
	free(head);
	head = token;
	token = sign(head, good_body, other);
	refused(token, "a token that brings its key");
	free(token);
	free(head);
	token = sign("{\"alg\":\"ES256\",\"jku\":\"https://evil.example/\",\"x5u\":\"https://e/\"}",
		     good_body, other);
	refused(token, "a token that says where its key is");
	free(token);
}

/* Every truncation, and every byte changed. */
static void mangled(void **state)
{
	char *token = sign(good_head, good_body, ec), *copy;
	size_t len = strlen(token), sig = (size_t)(strrchr(token, '.') - token) + 1;

	(void)state;
	for (size_t n = 0; n < len; n++) {
		copy = strndup(token, n);
		refused(copy, "a part of a token");
		free(copy);
	}
	/* The last digit has bits that mean nothing. */
	for (size_t i = 0; i + 1 < len; i++) {
		copy = strdup(token);
		copy[i] = copy[i] == 'A' ? 'B' : 'A';
		if (i + 1 != sig)
			refused(copy, "a changed token");
		free(copy);
	}
	free(token);
}

static void malformed(void **state)
{
	static const char *const texts[] = {
		"",	      ".",	     "..",	    "...",	  "a",
		"a.b",	      "a.b.c",	     "a.b.c.d",	    "a.b.c.d.e",  "e30.e30.",
		"e30.e30.AA", "e30=.e30.AA", "e30. e30.AA", "e30.e30.A+", "e30..e30",
		".e30.AA",
	};
	size_t size = JWT_MAX + 100;
	char *huge = malloc(size), *token;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		refused(texts[i], texts[i]);
	memset(huge, 'A', size - 1);
	huge[size - 1] = '\0';
	refused(huge, "a huge token");
	huge[100] = huge[200] = '.';
	refused(huge, "a huge token of three parts");
	free(huge);
	token = sign(good_head, "{\"sub\":\"alice\",\"sub\":\"root\"}", ec);
	refused(token, "a token that says it twice");
	free(token);
	token = sign(good_head, "[\"sub\"]", ec);
	refused(token, "a token that is no object");
	free(token);
	token = sign(good_head, "{\"sub\":\"a\\u0000b\"}", ec);
	refused(token, "a token with a NUL");
	free(token);
}

static void unknown_key(void **state)
{
	char *token = sign("{\"alg\":\"ES256\",\"kid\":\"new\"}", good_body, ec);

	(void)state;
	assert_int_equal(judge(token), ERR_NOTFOUND);
	free(token);
}

static void bad_keys(void **state)
{
	/* 1024 bits: too few. */
	json_t *weak = json_pack(
		       "{s:s, s:s, s:s+}", "kty", "RSA", "e", "AQAB", "n",
		       "0123456789012345678901234567890123456789012345678901234567890123456",
		       "01234567890123456789012345678901234567890123456789012345678901234567"
		       "890123456789012345678901234567890"),
	       *set, *got;

	(void)state;
	assert_null(jwt_keys(json_null()));
	set = json_pack("{s:[O, {s:s, s:s}, {s:s}, i, {s:s, s:s, s:s, s:s, s:s}]}", "keys", weak,
			"kty", "oct", "k", "AAAA", "kty", "RSA", 7, "kty", "EC", "crv", "P-256",
			"x", "AA", "y", "AA", "use", "enc");
	got = jwt_keys(set);
	assert_int_equal(json_array_size(got), 0);
	json_decref(got);
	json_decref(set);
	json_decref(weak);
	assert_null(json_object_get(json_array_get(keys, 1), "d"));
}

static void claims(void **state)
{
	static const struct {
		const char *text, *name;
		bool good;
	} cases[] = {
		{"{'sub':'a','exp':1800000100,'aud':'https://mcp.example.com/mcp'}", "", true},
		{"{'sub':'a','exp':1800000100,'aud':['x','https://mcp.example.com/mcp']}", "",
		 true},
		{"{'sub':'a','exp':1800000100,'aud':'https://mcp.example.com/mcp/'}", "", true},
		{"{'sub':'a','exp':1800000100,'aud':'urn:extra'}", "", true},
		{"{'sub':'a','exp':1800000100,'aud':'https://mcp.example.com/mcp/n'}", "n", true},
		{"{'sub':'a','exp':1799999950,'aud':'urn:extra'}", "", true}, /* leeway */
		{"{'sub':'a','exp':1e300,'aud':'urn:extra'}", "", true},
		{"{'sub':'a','exp':1800000100,'aud':'https://mcp.example.com/mcp/n'}", "m", false},
		{"{'sub':'a','exp':1800000100,'aud':'https://mcp.example.com/mcp/n'}", "", false},
		{"{'sub':'a','exp':1800000100,'aud':'https://mcp.example.com'}", "", false},
		{"{'sub':'a','exp':1800000100,'aud':'https://mcp.example.com/mcpx'}", "", false},
		{"{'sub':'a','exp':1800000100,'aud':'https://other.example.com/mcp'}", "", false},
		{"{'sub':'a','exp':1800000100,'aud':[]}", "", false},
		{"{'sub':'a','exp':1800000100,'aud':{}}", "", false},
		{"{'sub':'a','exp':1800000100,'aud':[7]}", "", false},
		{"{'sub':'a','exp':1800000100,'aud':7}", "", false},
		{"{'sub':'a','exp':1800000100}", "", false},
		{"{'sub':'a','aud':'urn:extra'}", "", false},
		{"{'sub':'a','exp':1799999940,'aud':'urn:extra'}", "", false},
		{"{'sub':'a','exp':0,'aud':'urn:extra'}", "", false},
		{"{'sub':'a','exp':-1,'aud':'urn:extra'}", "", false},
		{"{'sub':'a','exp':'1800000100','aud':'urn:extra'}", "", false},
		{"{'sub':'a','exp':null,'aud':'urn:extra'}", "", false},
		{"{'sub':'a','exp':1800000100,'nbf':1800000061,'aud':'urn:extra'}", "", false},
		{"{'sub':'a','exp':1800000100,'nbf':'x','aud':'urn:extra'}", "", false},
		{"{'sub':'a','exp':1800000100,'iat':1800000061,'aud':'urn:extra'}", "", false},
		{"{'sub':'a','exp':1800000100,'iat':[],'aud':'urn:extra'}", "", false},
		{"{'sub':'','exp':1800000100,'aud':'urn:extra'}", "", false},
		{"{'sub':7,'exp':1800000100,'aud':'urn:extra'}", "", false},
		{"{'exp':1800000100,'aud':'urn:extra'}", "", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		json_t *said = json_of(cases[i].text);
		struct claims c;
		bool ok = !auth_read_claims(&conf, said, NOW, true, &c) &&
			  auth_audience_ok(&conf, &c, cases[i].name);

		if (ok != cases[i].good)
			fail_msg("%s: %s", cases[i].text, ok ? "accepted" : "refused");
		claims_clear(&c);
		json_decref(said);
	}
}

/* Whatever there is no memory for: a forgery is never believed. An honest token may be refused:
 * neither jansson nor jose always tells lack of memory from bad input. */
static void no_memory(void **state)
{
	char *honest[] = {sign(good_head, good_body, ec),
			  sign("{\"alg\":\"RS256\",\"kid\":\"r\"}", good_body, rsa)};
	char *forged = sign(good_head, good_body, other);
	bool failed = true;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		for (long n = 1; n == 1 || failed; n++) {
			int rc;

			failalloc_at(n, false);
			rc = judge(honest[i]);
			failed = failalloc_off();
			assert_true(rc == 0 || failed);
			failalloc_at(n, false);
			rc = judge(forged);
			(void)failalloc_off();
			assert_int_not_equal(rc, 0);
		}
		free(honest[i]);
	}
	free(forged);
}

static void no_memory_for_keys(void **state)
{
	json_t *set = json_pack("{s:[O, O]}", "keys", rsa, ec);
	bool failed = true;

	(void)state;
	for (long n = 1; failed; n++) {
		json_t *got;

		failalloc_at(n, false);
		got = jwt_keys(set);
		failed = failalloc_off();
		/* Half of the keys would be taken for a loss of the others. */
		assert_true(got ? json_array_size(got) == 2 && json_equal(got, keys) : failed);
		json_decref(got);
	}
	json_decref(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),	     cmocka_unit_test(bad_headers),
		cmocka_unit_test(confused),  cmocka_unit_test(hmac_with_public_key),
		cmocka_unit_test(forged),    cmocka_unit_test(mangled),
		cmocka_unit_test(malformed), cmocka_unit_test(unknown_key),
		cmocka_unit_test(bad_keys),  cmocka_unit_test(claims),
		cmocka_unit_test(no_memory), cmocka_unit_test(no_memory_for_keys),
	};

	failalloc_install();
	return cmocka_run_group_tests_name("jwt", tests, setup, teardown);
}
