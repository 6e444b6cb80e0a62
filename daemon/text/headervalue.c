/* SPDX-License-Identifier: ISC */
#include "text/headervalue.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/digest.h"

static const char prefix[] = "=?base64?", suffix[] = "?=";
#define PREFIX_LEN (sizeof prefix - 1)
#define SUFFIX_LEN (sizeof suffix - 1)

static bool is_encoded(const char *value)
{
	size_t len = strlen(value);

	return len >= PREFIX_LEN + SUFFIX_LEN && memcmp(value, prefix, PREFIX_LEN) == 0 &&
	       memcmp(value + len - SUFFIX_LEN, suffix, SUFFIX_LEN) == 0;
}

static bool is_text(const char *text, size_t len)
{
	json_t *value = memchr(text, '\0', len) ? NULL : json_stringn(text, len);

	json_decref(value);
	return value; /* jansson takes valid UTF-8 alone */
}

static char *decode_base64(const char *in, size_t len, struct err *e)
{
	char *out = NULL;
	size_t n = 0;
	int rc = digest_unbase64(in, len, &out, &n);

	if (rc == 0 && is_text(out, n))
		return out;
	free(out);
	if (rc == ERR_NOMEM)
		err_set(e, rc, "out of memory");
	else
		err_set(e, ERR_INVALID, "not canonical base64 of UTF-8 text");
	return NULL;
}

char *headervalue_decode(const char *value, struct err *e)
{
	char *copy;

	if (is_encoded(value))
		return decode_base64(value + PREFIX_LEN, strlen(value) - PREFIX_LEN - SUFFIX_LEN,
				     e);
	copy = strdup(value);
	if (!copy)
		err_set(e, ERR_NOMEM, "out of memory");
	return copy;
}

static bool is_plain(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || text[0] == ' ' || text[len - 1] == ' ' || is_encoded(text))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	}
	return true;
}

char *headervalue_encode(const char *text)
{
	char *code, *out = NULL;

	if (is_plain(text))
		return strdup(text);
	code = digest_base64(text, strlen(text));
	if (code && asprintf(&out, "%s%s%s", prefix, code, suffix) < 0)
		out = NULL;
	free(code);
	return out;
}

/* strtod() also takes white space, hexadecimal, "inf" and "nan", which are no numbers of JSON. */
static bool parse_number(const char *text, double *d_r)
{
	char *end;

	if (!*text || text[strspn(text, "0123456789+-.eE")])
		return false;
	*d_r = strtod(text, &end);
	return *end == '\0' && isfinite(*d_r);
}

static bool integer_equal(const char *text, json_int_t value)
{
	char *end;
	long long n;
	double d;

	if (!parse_number(text, &d))
		return false;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (*end == '\0' && errno == 0)
		return n == value;
	return fabs(d) <= 9007199254740991.0 && d == (double)value;
}

bool headervalue_equal(const char *text, const json_t *body)
{
	if (json_is_string(body))
		return strlen(text) == json_string_length(body) &&
		       memcmp(text, json_string_value(body), json_string_length(body)) == 0;
	if (json_is_boolean(body))
		return strcmp(text, json_is_true(body) ? "true" : "false") == 0;
	if (json_is_integer(body))
		return integer_equal(text, json_integer_value(body));
	if (json_is_real(body)) {
		double d;

		return parse_number(text, &d) && !islessgreater(d, json_real_value(body));
	}
	return false;
}
