/* SPDX-License-Identifier: ISC */
#include "base/seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wipe.h"

#define KEY_LEN	  SEAL_KEY_SIZE
#define NONCE_LEN 12
#define TAG_LEN	  16
/* Nothing we seal comes near; OpenSSL counts in int. */
#define MAX_LEN (16u << 20)

struct seal {
	unsigned char key[KEY_LEN];
};

struct seal *seal_new(struct err *e)
{
	unsigned char key[KEY_LEN];
	struct seal *s = NULL;

	if (seal_make_key(key, e) == 0) {
		s = seal_with_key(key);
		if (!s)
			err_set(e, ERR_NOMEM, "out of memory");
	}
	OPENSSL_cleanse(key, sizeof key);
	return s;
}

struct seal *seal_with_key(const unsigned char key[SEAL_KEY_SIZE])
{
	struct seal *s = calloc(1, sizeof *s);

	if (s)
		memcpy(s->key, key, KEY_LEN);
	return s;
}

int seal_make_key(unsigned char key_r[SEAL_KEY_SIZE], struct err *e)
{
	if (RAND_priv_bytes(key_r, KEY_LEN) != 1)
		return err_set(e, ERR_IO, "no random key could be made");
	return 0;
}

void seal_wipe(void *secret, size_t len)
{
	OPENSSL_cleanse(secret, len);
}

void seal_free(struct seal **sp)
{
	if (*sp)
		OPENSSL_cleanse((*sp)->key, KEY_LEN);
	free(*sp);
	*sp = NULL;
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* RFC 4648 section 5, without padding. */
static char *encode(const unsigned char *in, size_t len)
{
	char *out = malloc(len / 3 * 4 + 5), *at = out;
	unsigned bits = 0, have = 0;

	if (!out)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | in[i];
		for (have += 8; have >= 6; have -= 6)
			*at++ = alphabet[bits >> (have - 6) & 63];
	}
	if (have)
		*at++ = alphabet[bits << (6 - have) & 63];
	*at = '\0';
	return out;
}

/* False when TEXT is not the one way to write what it says. */
static bool decode(const char *text, unsigned char *out, size_t *len_r)
{
	unsigned bits = 0, have = 0;
	size_t n = 0;

	for (; *text; text++) {
		const char *at = strchr(alphabet, *text);

		if (!at)
			return false;
		bits = bits << 6 | (unsigned)(at - alphabet);
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (unsigned char)(bits >> have);
		}
	}
	*len_r = n;
	return have < 6 && (bits & ((1u << have) - 1)) == 0;
}

/* One pass of AES-256-GCM; IN and OUT have LEN bytes. TAG is made, or checked. 0, ERR_NOMEM, or
 * ERR_DENIED: TAG is not that of IN. */
static int crypt(const struct seal *s, bool sealing, const unsigned char *nonce,
		 const char *context, const unsigned char *in, unsigned char *out, size_t len,
		 unsigned char *tag)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, enc = sealing ? 1 : 0;
	bool ok;

	if (!ctx)
		return ERR_NOMEM;
	ok = EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, s->key, nonce, enc) == 1 &&
	     EVP_CipherUpdate(ctx, NULL, &n, (const unsigned char *)context,
			      (int)strlen(context)) == 1 &&
	     EVP_CipherUpdate(ctx, out, &n, in, (int)len) == 1;
	if (ok && !sealing)
		ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LEN, tag) == 1;
	ok = ok && EVP_CipherFinal_ex(ctx, out + n, &n) == 1;
	if (ok && sealing)
		ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN, tag) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok ? 0 : ERR_DENIED;
}

/* nonce, ciphertext, tag */
static char *close_text(const struct seal *s, const char *text, size_t len, const char *context)
{
	unsigned char *buf = malloc(NONCE_LEN + len + TAG_LEN);
	char *out = NULL;

	if (buf && RAND_bytes(buf, NONCE_LEN) == 1 &&
	    crypt(s, true, buf, context, (const unsigned char *)text, buf + NONCE_LEN, len,
		  buf + NONCE_LEN + len) == 0)
		out = encode(buf, NONCE_LEN + len + TAG_LEN);
	free(buf);
	return out;
}

char *seal_close(const struct seal *s, const json_t *payload, int64_t expires, const char *context)
{
	json_t *whole = json_pack("{s:I, s:O}", "e", (json_int_t)expires, "p", payload);
	char *text = whole ? json_dumps(whole, JSON_COMPACT | JSON_ENCODE_ANY) : NULL, *out = NULL;

	if (text && strlen(text) < MAX_LEN)
		out = close_text(s, text, strlen(text), context);
	json_decref(whole);
	wipe_free(text);
	return out;
}

static json_t *open_text(const struct seal *s, const char *text, const char *context, struct err *e)
{
	size_t room = strlen(text) + 1, len;
	unsigned char *buf = NULL, *plain = NULL;
	json_t *whole = NULL;
	int rc = ERR_DENIED;

	if (room > MAX_LEN)
		return NULL;
	buf = malloc(room);
	plain = malloc(room);
	if (!buf || !plain)
		rc = ERR_NOMEM;
	else if (decode(text, buf, &len) && len >= NONCE_LEN + TAG_LEN)
		rc = crypt(s, false, buf, context, buf + NONCE_LEN, plain,
			   len - NONCE_LEN - TAG_LEN, buf + len - TAG_LEN);
	if (rc == 0)
		whole = json_loadb((char *)plain, len - NONCE_LEN - TAG_LEN, 0, NULL);
	/* Sealed plaintext is always JSON, so the parser can fail for lack of memory alone. */
	if (rc == ERR_NOMEM || (rc == 0 && !whole))
		err_set(e, ERR_NOMEM, "out of memory");
	free(buf);
	if (plain)
		OPENSSL_cleanse(plain, room);
	free(plain);
	return whole;
}

json_t *seal_open(const struct seal *s, const char *text, const char *context, int64_t now,
		  struct err *e)
{
	json_t *whole, *payload = NULL;

	err_set(e, ERR_DENIED, "Invalid or expired requestState");
	whole = open_text(s, text, context, e);
	if (whole && json_integer_value(json_object_get(whole, "e")) > now)
		payload = json_incref(json_object_get(whole, "p"));
	seal_drop(whole);
	return payload;
}

/* Overwrites the texts in VALUE that go with its last reference. */
static void wipe_texts(json_t *value)
{
	json_t *member;
	const char *key;
	size_t i;

	if (value->refcount != 1)
		return;
	/* jansson has no function that changes a text in its place. */
	if (json_is_string(value))
		OPENSSL_cleanse((void *)(uintptr_t)json_string_value(value),
				json_string_length(value));
	json_object_foreach (value, key, member)
		wipe_texts(member);
	json_array_foreach (value, i, member)
		wipe_texts(member);
}

void seal_drop(json_t *opened)
{
	if (opened)
		wipe_texts(opened);
	json_decref(opened);
}

char *seal_digest(const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	char *out = NULL;

	if (text && EVP_Digest(text, strlen(text), md, &n, EVP_sha256(), NULL) == 1)
		out = malloc(2 * n + 1);
	for (unsigned i = 0; out && i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", md[i]);
	wipe_free(text);
	return out;
}
