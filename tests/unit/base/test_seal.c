/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/seal.h"
#include "failalloc.h"

static struct seal *s;

/* OpenSSL, as far as it may fail; its memory is not of our allocator. */
static bool no_random, no_context;
int __real_RAND_bytes(unsigned char *buf, int n);
int __wrap_RAND_bytes(unsigned char *buf, int n);
int __real_RAND_priv_bytes(unsigned char *buf, int n);
int __wrap_RAND_priv_bytes(unsigned char *buf, int n);
EVP_CIPHER_CTX *__real_EVP_CIPHER_CTX_new(void);
EVP_CIPHER_CTX *__wrap_EVP_CIPHER_CTX_new(void);

int __wrap_RAND_bytes(unsigned char *buf, int n)
{
	return no_random ? 0 : __real_RAND_bytes(buf, n);
}

int __wrap_RAND_priv_bytes(unsigned char *buf, int n)
{
	return no_random ? 0 : __real_RAND_priv_bytes(buf, n);
}

EVP_CIPHER_CTX *__wrap_EVP_CIPHER_CTX_new(void)
{
	return no_context ? NULL : __real_EVP_CIPHER_CTX_new();
}

static int setup(void **state)
{
	(void)state;
	s = seal_new(NULL);
	return s ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	seal_free(&s);
	seal_free(&s);
	return 0;
}

/* A sealed {"h":7}, good until 100 in the context "me". */
static char *sealed(void)
{
	json_t *payload = json_of("{'h': 7}");
	char *text = seal_close(s, payload, 100, "me");

	assert_non_null(text);
	json_decref(payload);
	return text;
}

/* Blocks with a plain text in them that were freed while they are watched: not always, because
 * other blocks may begin with bytes that nobody wrote. */
static bool watched;
static unsigned plain_frees;

void __real_free(void *p);
void __wrap_free(void *p);

void __wrap_free(void *p)
{
	const char *text = p;

	/* A text, or JSON: other blocks may end with bytes that nobody wrote. */
	if (watched && p && (*text == '{' || *text == 't') &&
	    memmem(text, strnlen(text, malloc_usable_size(p)), "tell nobody", 11))
		plain_frees++;
	__real_free(p);
}

static void plain_text_is_wiped_before_it_is_freed(void **state)
{
	json_t *payload = json_of("{'token': 'tell nobody', 'in': [{'a': 'tell nobody'}]}"), *got;
	json_t *kept = json_incref(json_object_get(payload, "token"));
	struct err e;
	char *text;

	(void)state;
	plain_frees = 0; /* json_of() has a copy */
	watched = true;
	text = seal_close(s, payload, 100, "me");
	assert_non_null(text);
	got = seal_open(s, text, "me", 99, &e);
	assert_true(json_equal(got, payload));
	free(seal_digest(payload));
	assert_int_equal(plain_frees, 0);
	json_set_alloc_funcs(malloc, __wrap_free);
	seal_drop(got);
	seal_drop(payload);
	seal_drop(NULL);
	assert_int_equal(plain_frees, 0);
	assert_string_equal(json_string_value(kept), "tell nobody"); /* of another owner */
	json_decref(kept);
	assert_int_equal(plain_frees, 1); /* that this test sees what is not wiped */
	json_set_alloc_funcs(malloc, free);
	free(text);
	watched = false;
}

static void refused(const char *text, const char *context, int64_t now)
{
	struct err e = {0};

	assert_null(seal_open(s, text, context, now, &e));
	assert_int_equal(e.code, ERR_DENIED);
}

static void opens(void **state)
{
	char *text = sealed(), *other = sealed();
	struct err e;
	json_t *got = seal_open(s, text, "me", 99, &e);

	(void)state;
	assert_true(json_is(got, "{'h': 7}"));
	assert_string_not_equal(text, other); /* a nonce of its own each time */
	assert_null(strstr(text, "h"
				 "\"")); /* nothing to read */
	json_decref(got);
	free(text);
	free(other);
}

static void expires(void **state)
{
	char *text = sealed();

	(void)state;
	refused(text, "me", 100);
	refused(text, "me", INT64_MAX);
	free(text);
}

static void knows_its_context(void **state)
{
	char *text = sealed();

	(void)state;
	refused(text, "you", 0);
	refused(text, "", 0);
	refused(text, "me ", 0);
	free(text);
}

static void notices_every_change(void **state)
{
	char *text = sealed();
	size_t len = strlen(text);
	char *longer = malloc(len + 8);

	(void)state;
	assert_non_null(longer);
	for (size_t i = 0; i < len; i++) {
		char was = text[i];

		text[i] = was == 'A' ? 'B' : 'A';
		refused(text, "me", 0);
		text[i] = '=';
		refused(text, "me", 0);
		text[i] = was;
	}
	for (size_t i = 0; i < len; i++) {
		memcpy(longer, text, i);
		longer[i] = '\0';
		refused(longer, "me", 0);
	}
	snprintf(longer, len + 8, "%sA", text);
	refused(longer, "me", 0);
	snprintf(longer, len + 8, "%s-tamper", text);
	refused(longer, "me", 0);
	free(longer);
	free(text);
}

static void foreign(void **state)
{
	struct seal *other = seal_new(NULL);
	json_t *payload = json_of("{}");
	char *text = seal_close(other, payload, 100, "me");

	(void)state;
	refused(text, "me", 0);
	refused("", "me", 0);
	refused("nonsense", "me", 0);
	free(text);
	json_decref(payload);
	seal_free(&other);
}

static void digests(void **state)
{
	json_t *a = json_of("{'x': 1, 'y': {'b': 2, 'a': [1, 2]}}"),
	       *b = json_of("{'y': {'a': [1, 2], 'b': 2}, 'x': 1}"),
	       *c = json_of("{'y': {'a': [2, 1], 'b': 2}, 'x': 1}");
	char *da = seal_digest(a), *db = seal_digest(b), *dc = seal_digest(c);

	(void)state;
	assert_int_equal(strlen(da), 64);
	assert_string_equal(da, db);
	assert_string_not_equal(da, dc);
	free(da);
	free(db);
	free(dc);
	json_decref(a);
	json_decref(b);
	json_decref(c);
}

/* A generator of random numbers that fails is an error, never a key or a nonce of nothing. */
static void without_random_numbers(void **state)
{
	unsigned char key[SEAL_KEY_SIZE];
	json_t *payload = json_of("{'h': 7}");
	struct err e = {0};

	(void)state;
	no_random = true;
	assert_null(seal_new(&e));
	assert_int_equal(e.code, ERR_IO);
	e.code = 0;
	assert_int_equal(seal_make_key(key, &e), ERR_IO);
	assert_int_equal(e.code, ERR_IO);
	assert_null(seal_close(s, payload, 100, "me"));
	no_random = false;
	json_decref(payload);
}

/* Lack of memory is told as that, and not as a fault of what is opened. */
static void without_memory(void **state)
{
	char *text = sealed();
	struct err e = {0};
	bool failed = true;
	json_t *got, *payload = json_of("{'h': [7, 'x']}");
	struct seal *made;
	char *again;

	(void)state;
	failalloc_install();
	no_context = true;
	assert_null(seal_open(s, text, "me", 0, &e));
	assert_int_equal(e.code, ERR_NOMEM);
	assert_null(seal_close(s, payload, 100, "me"));
	no_context = false;
	for (long n = 1; failed; n++) {
		failalloc_at(n, false);
		got = seal_open(s, text, "me", 0, &e);
		failed = failalloc_off();
		assert_true(failed == !got);
		if (failed)
			assert_int_equal(e.code, ERR_NOMEM);
		json_decref(got);
	}
	failed = true;
	for (long n = 1; failed; n++) {
		failalloc_at(n, false);
		again = seal_close(s, payload, 100, "me");
		failed = failalloc_off();
		assert_true(failed || again);
		free(again);
	}
	failalloc_at(1, false);
	made = seal_new(&e);
	assert_true(failalloc_off());
	assert_null(made);
	assert_int_equal(e.code, ERR_NOMEM);
	failalloc_at(1, true);
	assert_null(seal_digest(payload));
	assert_true(failalloc_off());
	json_decref(payload);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens),
		cmocka_unit_test(plain_text_is_wiped_before_it_is_freed),
		cmocka_unit_test(expires),
		cmocka_unit_test(knows_its_context),
		cmocka_unit_test(notices_every_change),
		cmocka_unit_test(foreign),
		cmocka_unit_test(digests),
		cmocka_unit_test(without_random_numbers),
		cmocka_unit_test(without_memory),
	};

	return cmocka_run_group_tests_name("seal", tests, setup, teardown);
}
