/* SPDX-License-Identifier: ISC */
#include "lib/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"

/* Looking the algorithm up takes OpenSSL longer than the digest of a token does, so it is done
 * once. */
static EVP_MD *sha256;
static EVP_MD_CTX *context;

static bool have_sha256(void)
{
	if (!sha256)
		sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!context)
		context = EVP_MD_CTX_new();
	return sha256 && context;
}

int digest_sha256(const void *data, size_t len, unsigned char digest_r[DIGEST_SIZE])
{
	unsigned size;

	if (!have_sha256() || EVP_DigestInit_ex2(context, sha256, NULL) != 1 ||
	    EVP_DigestUpdate(context, data, len) != 1 ||
	    EVP_DigestFinal_ex(context, digest_r, &size) != 1)
		return ERR_NOMEM;
	return 0;
}

bool digest_equal(const unsigned char a[DIGEST_SIZE], const unsigned char b[DIGEST_SIZE])
{
	return CRYPTO_memcmp(a, b, DIGEST_SIZE) == 0;
}

const char *digest_hex(const unsigned char digest[DIGEST_SIZE], char buf[DIGEST_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		buf[2 * i] = digits[digest[i] >> 4];
		buf[2 * i + 1] = digits[digest[i] & 15];
	}
	buf[2 * DIGEST_SIZE] = '\0';
	return buf;
}

static int value_of(char digit)
{
	static const char digits[] = "0123456789abcdef";
	const char *at =
		digit ? strchr(digits, digit >= 'A' && digit <= 'F' ? digit | 32 : digit) : NULL;

	return at ? (int)(at - digits) : -1;
}

bool digest_parse(const char *hex, unsigned char digest_r[DIGEST_SIZE])
{
	if (strlen(hex) != DIGEST_HEX_SIZE - 1)
		return false;
	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		int high = value_of(hex[2 * i]), low = value_of(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		digest_r[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

char *digest_base64(const char *text, size_t len)
{
	char *out = malloc((len + 2) / 3 * 4 + 1);

	if (out)
		EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)text, (int)len);
	return out;
}

/* OpenSSL's decoder forgives white space and odd bits, so what it made is encoded again and
 * compared: there is one right way to write a value, and two ways are one too many for whoever
 * checks it on the way. */
static int check_canonical(const char *text, size_t text_len, const char *in, size_t len)
{
	char *again = digest_base64(text, text_len);
	int rc = ERR_NOMEM;

	if (again)
		rc = strlen(again) == len && memcmp(again, in, len) == 0 ? 0 : ERR_INVALID;
	free(again);
	return rc;
}

int digest_unbase64(const char *in, size_t len, char **text_r, size_t *len_r)
{
	char *out = malloc(len / 4 * 3 + 1);
	size_t pad = 0;
	int n = -1, rc = ERR_INVALID;

	if (!out)
		return ERR_NOMEM;
	if (len % 4 == 0 && len < INT32_MAX)
		n = EVP_DecodeBlock((unsigned char *)out, (const unsigned char *)in, (int)len);
	while (pad < 2 && pad < len && in[len - 1 - pad] == '=')
		pad++;
	if (n >= (int)pad)
		rc = check_canonical(out, (size_t)n - pad, in, len);
	if (rc < 0) {
		free(out);
		return rc;
	}
	*len_r = (size_t)n - pad;
	out[*len_r] = '\0';
	*text_r = out;
	return 0;
}
