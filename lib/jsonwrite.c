/* SPDX-License-Identifier: ISC */
/* jsonwrite.c: the writer of jsonrpc.h. jansson's own writer notes every container in a hash table
 * to find cycles, and copies its result once more; messages are trees, and each of them is written
 * once. */
#include "lib/jsonrpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#define DEPTH_MAX 4096 /* twice what jansson parses; a deeper value can only be a mistake */

/* Starts in SMALL, where most messages fit, and moves to the heap when it grows. */
struct text {
	char *buf;
	size_t len, size;
	char small[4096];
};

static void text_init(struct text *t)
{
	t->buf = t->small;
	t->len = 0;
	t->size = sizeof t->small;
}

static void text_free(struct text *t)
{
	if (t->buf != t->small)
		free(t->buf);
}

/* Makes room for N more bytes. */
static bool grow(struct text *t, size_t n)
{
	size_t size = t->size * 2;
	char *buf;

	if (n > SIZE_MAX / 4 || t->size > SIZE_MAX / 4)
		return false;
	if (size < t->len + n)
		size = t->len + n;
	buf = realloc(t->buf == t->small ? NULL : t->buf, size);
	if (!buf)
		return false;
	if (t->buf == t->small)
		memcpy(buf, t->small, t->len);
	t->buf = buf;
	t->size = size;
	return true;
}

static bool put(struct text *t, const char *s, size_t n)
{
	if (n > t->size - t->len && !grow(t, n))
		return false;
	memcpy(t->buf + t->len, s, n);
	t->len += n;
	return true;
}

/* Writes how C stands in a string, where it cannot stand for itself (RFC 8259, section 7). */
static bool put_escape(struct text *t, unsigned char c)
{
	static const char shorts[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
	const char *p = c ? strchr(shorts, c) : NULL;
	char buf[8] = {'\\'};

	if (p) {
		buf[1] = letters[p - shorts];
		return put(t, buf, 2);
	}
	snprintf(buf, sizeof buf, "\\u%04x", c);
	return put(t, buf, 6);
}

static bool put_string(struct text *t, const char *s, size_t len)
{
	const char *end = s + len, *from = s;

	if (!put(t, "\"", 1))
		return false;
	for (; s < end; s++) {
		unsigned char c = (unsigned char)*s;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		if (!put(t, from, (size_t)(s - from)) || !put_escape(t, c))
			return false;
		from = s + 1;
	}
	return put(t, from, (size_t)(end - from)) && put(t, "\"", 1);
}

static bool put_integer(struct text *t, json_int_t value)
{
	char buf[24];
	char *p = buf + sizeof buf;
	unsigned long long u = (unsigned long long)value;

	if (value < 0)
		u = 0 - u;
	do
		*--p = (char)('0' + u % 10);
	while (u /= 10);
	if (value < 0)
		*--p = '-';
	return put(t, p, (size_t)(buf + sizeof buf - p));
}

/* The shortest of 15 to 17 digits that reads back as VALUE, so that 0.1 stays 0.1. */
static bool put_real(struct text *t, double value)
{
	char buf[40], out[48];
	size_t n = 0;
	bool real = false;

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(buf, sizeof buf, "%.*g", digits, value);
		if (strtod(buf, NULL) == value)
			break;
	}
	for (const char *p = buf; *p; p++) {
		if (strchr("+-0123456789", *p)) {
			out[n++] = *p;
		} else if (*p == 'e' || !real) {
			out[n++] = *p == 'e' ? 'e' : '.'; /* the locale's decimal point */
			real = true;
		}
	}
	if (!real) { /* it came as a real and stays one */
		out[n++] = '.';
		out[n++] = '0';
	}
	return put(t, out, n);
}

static bool put_value(struct text *t, const json_t *value, unsigned depth);

static bool put_array(struct text *t, const json_t *array, unsigned depth)
{
	size_t n = json_array_size(array);

	if (!put(t, "[", 1))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((i > 0 && !put(t, ",", 1)) || !put_value(t, json_array_get(array, i), depth))
			return false;
	return put(t, "]", 1);
}

static bool put_object(struct text *t, const json_t *value, unsigned depth)
{
	json_t *object = json_incref((json_t *)(uintptr_t)value); /* iterating takes a non-const */
	const char *separator = "{";
	bool ok = json_object_size(object) > 0 || put(t, "{", 1);

	for (void *i = json_object_iter(object); ok && i; i = json_object_iter_next(object, i)) {
		const char *key = json_object_iter_key(i);

		ok = put(t, separator, 1) && put_string(t, key, strlen(key)) && put(t, ":", 1) &&
		     put_value(t, json_object_iter_value(i), depth);
		separator = ",";
	}
	json_decref(object);
	return ok && put(t, "}", 1);
}

static bool put_value(struct text *t, const json_t *value, unsigned depth)
{
	if (!value || depth > DEPTH_MAX)
		return false;
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return put_object(t, value, depth + 1);
	case JSON_ARRAY:
		return put_array(t, value, depth + 1);
	case JSON_STRING:
		return put_string(t, json_string_value(value), json_string_length(value));
	case JSON_INTEGER:
		return put_integer(t, json_integer_value(value));
	case JSON_REAL:
		return put_real(t, json_real_value(value));
	case JSON_TRUE:
		return put(t, "true", 4);
	case JSON_FALSE:
		return put(t, "false", 5);
	case JSON_NULL:
		return put(t, "null", 4);
	}
	return false;
}

static void free_text(const void *data, size_t len, void *buf)
{
	(void)data;
	(void)len;
	free(buf);
}

int jsonrpc_write(struct evbuffer *out, const json_t *msg)
{
	struct text t;
	int rc = -1;

	text_init(&t);
	if (put_value(&t, msg, 0)) {
		if (t.buf == t.small)
			rc = evbuffer_add(out, t.buf, t.len);
		else if ((rc = evbuffer_add_reference(out, t.buf, t.len, free_text, t.buf)) == 0)
			return 0;
	}
	text_free(&t);
	return rc < 0 ? ERR_NOMEM : 0;
}

char *jsonrpc_dump(const json_t *msg, size_t *len_r)
{
	struct text t;
	char *s = NULL;

	text_init(&t);
	if (put_value(&t, msg, 0) && put(&t, "", 1)) {
		s = realloc(t.buf == t.small ? NULL : t.buf, t.len);
		if (s && t.buf == t.small)
			memcpy(s, t.small, t.len);
		else if (!s)
			text_free(&t);
	} else {
		text_free(&t);
	}
	if (s && len_r)
		*len_r = t.len - 1;
	return s;
}
