/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failalloc.h"
#include "lib/lines.h"

#define MAX 5

/* What comes in, and what is reported: each line in brackets, "!" for one that is too long, "." at
 * the end for what is left in the buffer. NUL is written as 0. */
static const struct {
	const char *in;
	size_t len;
	const char *want;
} cases[] = {
	{"", 0, ""},
	{"\n", 1, "[]"},
	{"\r\n", 2, "[]"},
	{"a\nb\r\n\nc\n", 8, "[a][b][][c]"},
	{"abc", 3, "."},
	{"abc\nde", 6, "[abc]."},
	{"12345\n", 6, "[12345]"},
	{"12345\r\n", 7, "[12345]"},
	{"123456\n", 7, "!"},
	{"123456\r\n", 8, "!"},
	{"1234567890\nok\n", 14, "![ok]"},
	{"1234567890123456789012345678901234567890\r\nok\n", 45, "![ok]"},
	{"123456\n123456\nok\n", 17, "!![ok]"},
	{"1234567", 7, "!"},
	{"a\rb\n", 4, "[a\rb]"},
	{"a\r\r\n", 4, "[a\r]"},
	{"a\0b\n\0\n", 6, "[a0b][0]"},
};

static size_t report(char *out, size_t used, size_t size, const char *line, size_t len)
{
	used += (size_t)snprintf(out + used, size - used, "[");
	for (size_t i = 0; i < len; i++)
		used += (size_t)snprintf(out + used, size - used, "%c", line[i] ? line[i] : '0');
	return used + (size_t)snprintf(out + used, size - used, "]");
}

/* Feeds IN in pieces of STEP bytes and writes down what comes out. */
static void run(const char *in, size_t len, size_t step, char *out, size_t size)
{
	struct evbuffer *buf = evbuffer_new();
	enum lines_result r;
	struct lines l;
	size_t used = 0, n;
	char *line;

	out[0] = '\0';
	lines_init(&l, MAX);
	for (size_t at = 0; at <= len; at += step) {
		evbuffer_add(buf, in + at, len - at < step ? len - at : step);
		while ((r = lines_next(&l, buf, &line, &n)) != LINES_MORE) {
			if (r == LINES_GOT) {
				assert_int_equal(line[n], '\0');
				used = report(out, used, size, line, n);
				free(line);
			} else {
				assert_int_equal(r, LINES_TOO_LONG);
				used += (size_t)snprintf(out + used, size - used, "!");
			}
		}
		/* What is too long is not collected. */
		assert_true(evbuffer_get_length(buf) <= MAX + 1);
	}
	if (evbuffer_get_length(buf) > 0)
		snprintf(out + used, size - used, ".");
	evbuffer_free(buf);
}

static void test_cases(void **state)
{
	char out[256];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (size_t step = 1; step <= cases[i].len + 1; step++) {
			run(cases[i].in, cases[i].len, step, out, sizeof out);
			if (strcmp(out, cases[i].want) != 0)
				fail_msg("case %zu in steps of %zu: expected %s, found %s", i, step,
					 cases[i].want, out);
		}
	}
}

/* A line that lies in many pieces of memory is whole. */
static void test_chains(void **state)
{
	struct evbuffer *buf = evbuffer_new(), *piece = evbuffer_new();
	struct lines l;
	char *line;
	size_t n;

	(void)state;
	lines_init(&l, 100000);
	for (int i = 0; i < 10000; i++) {
		evbuffer_add_printf(piece, "%04d", i);
		evbuffer_add_buffer(buf, piece);
		if (i % 1000 == 0)
			assert_int_equal(lines_next(&l, buf, &line, &n), LINES_MORE);
	}
	evbuffer_add(buf, "\n", 1);
	assert_int_equal(lines_next(&l, buf, &line, &n), LINES_GOT);
	assert_int_equal(n, 40000);
	assert_memory_equal(line, "000000010002", 12);
	assert_memory_equal(line + n - 8, "99989999", 8);
	free(line);
	evbuffer_free(piece);
	evbuffer_free(buf);
}

/* 100 MB without a newline: what is kept stays below the limit and one piece. */
static void test_endless(void **state)
{
	static char piece[65536];
	struct evbuffer *buf = evbuffer_new();
	struct lines l;
	char *line;
	size_t n;
	int reports = 0;

	(void)state;
	memset(piece, 'x', sizeof piece);
	lines_init(&l, 1 << 20);
	for (int i = 0; i < 1600; i++) {
		enum lines_result r;

		evbuffer_add(buf, piece, sizeof piece);
		while ((r = lines_next(&l, buf, &line, &n)) != LINES_MORE) {
			assert_int_equal(r, LINES_TOO_LONG);
			reports++;
		}
		assert_true(evbuffer_get_length(buf) <= (1 << 20) + sizeof piece);
	}
	evbuffer_add(buf, "\nok\n", 4);
	assert_int_equal(reports, 1);
	assert_int_equal(lines_next(&l, buf, &line, &n), LINES_GOT);
	assert_string_equal(line, "ok");
	free(line);
	evbuffer_free(buf);
}

static void test_no_limit(void **state)
{
	struct evbuffer *buf = evbuffer_new();
	struct lines l;
	char *line;
	size_t n;

	(void)state;
	lines_init(&l, SIZE_MAX);
	evbuffer_add(buf, "x\n", 2);
	assert_int_equal(lines_next(&l, buf, &line, &n), LINES_GOT);
	free(line);
	evbuffer_free(buf);
}

/* A line for which there is no memory comes later. */
static void test_nomem(void **state)
{
	struct evbuffer *buf = evbuffer_new();
	enum lines_result r;
	struct lines l;
	char *line = NULL;
	size_t n;

	(void)state;
	lines_init(&l, MAX);
	evbuffer_add(buf, "one\ntwo\n", 8);
	for (int i = 0; i < 2; i++) {
		failalloc_at(1, true);
		r = lines_next(&l, buf, &line, &n);
		assert_true(failalloc_off());
		assert_int_equal(r, LINES_NOMEM);
	}
	assert_int_equal(lines_next(&l, buf, &line, &n), LINES_GOT);
	assert_string_equal(line, "one");
	free(line);
	assert_int_equal(lines_next(&l, buf, &line, &n), LINES_GOT);
	assert_string_equal(line, "two");
	free(line);
	evbuffer_free(buf);
}

/* Of a line that was too long the beginning is known, however the line came. */
static void test_begin(void **state)
{
	static const struct {
		size_t len, step;
		const char *end;
	} rows[] = {{6, 100, "\n"},
		    {6, 100, "\r\n"},
		    {6, 1, "\r\n"},
		    {300, 400, "\n"},
		    {300, 200, "\n"}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct evbuffer *buf = evbuffer_new();
		enum lines_result r = LINES_MORE;
		char text[400], *line;
		size_t n, len = rows[i].len;
		struct lines l;

		memset(text, 'x', sizeof text);
		memcpy(text, "{\"id\"", 6);
		strcpy(text + len, rows[i].end);
		len += strlen(rows[i].end);
		lines_init(&l, MAX);
		assert_int_equal(l.begin_len, 0);
		for (size_t at = 0; at < len && r == LINES_MORE; at += rows[i].step) {
			evbuffer_add(buf, text + at,
				     len - at < rows[i].step ? len - at : rows[i].step);
			r = lines_next(&l, buf, &line, &n);
		}
		assert_int_equal(r, LINES_TOO_LONG);
		assert_true(l.begin_len >= 6 && l.begin_len <= sizeof l.begin);
		assert_true(rows[i].len == 6 || l.begin_len == sizeof l.begin);
		assert_memory_equal(l.begin, text, l.begin_len);
		evbuffer_free(buf);
	}
}

/* The owner of the buffer throws it away in the middle of a line. */
static void test_drained(void **state)
{
	struct evbuffer *buf = evbuffer_new();
	struct lines l;
	char *line;
	size_t n;

	(void)state;
	lines_init(&l, MAX);
	evbuffer_add(buf, "abc", 3);
	assert_int_equal(lines_next(&l, buf, &line, &n), LINES_MORE);
	evbuffer_drain(buf, 3);
	evbuffer_add(buf, "\n", 1);
	assert_int_equal(lines_next(&l, buf, &line, &n), LINES_GOT);
	assert_int_equal(n, 0);
	free(line);
	evbuffer_free(buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),	cmocka_unit_test(test_chains),
		cmocka_unit_test(test_endless), cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_nomem),	cmocka_unit_test(test_drained),
		cmocka_unit_test(test_begin),
	};

	failalloc_install();
	return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
