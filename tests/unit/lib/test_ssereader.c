/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/ssereader.h"

static char seen[4096];

/* Writes what came as "[event|id|data]". */
static void on_event(const struct sse_received *ev, void *arg)
{
	size_t len = strlen(seen);

	(void)arg;
	assert_int_equal(strlen(ev->data), ev->len);
	snprintf(seen + len, sizeof seen - len, "[%s|%s|%s]", ev->event,
		 ev->id != NULL ? ev->id : "-", ev->data);
}

/* Feeds TEXT in pieces of every size from one byte to all of it. */
static void expect(const char *text, size_t len, const char *wanted)
{
	for (size_t piece = 1; piece <= len; piece++) {
		struct ssereader *r = ssereader_new(100, on_event, NULL);

		assert_non_null(r);
		seen[0] = '\0';
		for (size_t at = 0; at < len; at += piece)
			assert_int_equal(
				ssereader_feed(r, text + at, len - at < piece ? len - at : piece),
				0);
		assert_string_equal(seen, wanted);
		ssereader_free(&r);
		assert_null(r);
	}
}
#define EXPECT(text, wanted) expect(text, sizeof text - 1, wanted)

static void events(void **state)
{
	(void)state;
	EXPECT("data: a\n\n", "[message|-|a]");
	EXPECT("data:a\n\ndata: b\n\n", "[message|-|a][message|-|b]");
	EXPECT("data:  a\n\n", "[message|-| a]");
	EXPECT("data: a\ndata: b\ndata:\n\n", "[message|-|a\nb\n]");
	EXPECT("event: ping\ndata: x\n\ndata: y\n\n", "[ping|-|x][message|-|y]");
	EXPECT("data: never finished\n", "");
}

static void line_ends(void **state)
{
	(void)state;
	EXPECT("data: a\r\n\r\n", "[message|-|a]");
	EXPECT("data: a\r\rdata: b\r\r", "[message|-|a][message|-|b]");
	EXPECT("data: a\r\ndata: b\n\r\n", "[message|-|a\nb]");
}

static void ids(void **state)
{
	(void)state;
	EXPECT("id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n",
	       "[message|1|a][message|1|b][message||c]");
	EXPECT("id: 7-1\nretry: 10\ndata: \n\n", "[message|7-1|]"); /* a priming event */
	EXPECT("id: 5\n\ndata: x\n\n", "[message|5|][message|5|x]");
	EXPECT("id: a\0b\ndata: x\n\n", "[message|-|x]");
}

static void comments_and_the_unknown(void **state)
{
	(void)state;
	EXPECT(": hello\n\n:\n\ndata: a\n\n", "[message|-|a]");
	EXPECT("foo: bar\ndatax: y\ndata\n\n", "[message|-|]");
	EXPECT("\xef\xbb\xbf"
	       "data: a\n\n",
	       "[message|-|a]");
	EXPECT("\n\n\n", "");
}

static void retry(void **state)
{
	struct ssereader *r = ssereader_new(100, on_event, NULL);
	const char text[] = "retry: 250\nretry: 1x\nretry: -1\nretry: 99999999999\n";

	(void)state;
	assert_int_equal(ssereader_retry(r), -1);
	assert_int_equal(ssereader_feed(r, text, sizeof text - 1), 0);
	assert_int_equal(ssereader_retry(r), 250);
	ssereader_free(&r);
}

/* An event that is too large is lost as a whole, in whatever way it is, and the next one is not. */
static void too_large(void **state)
{
	char text[1000];
	const char *begin;

	(void)state;
	for (int lines = 0; lines < 2; lines++) {
		struct ssereader *r = ssereader_new(100, on_event, NULL);
		int rc = 0;
		size_t n = (size_t)sprintf(text, "data: ");

		for (int i = 0; i < 40; i++)
			n += (size_t)sprintf(text + n, "xxxxxxxxx%s", lines ? "\ndata: " : "");
		n += (size_t)sprintf(text + n, "\n\ndata: small\n\n");
		seen[0] = '\0';
		for (size_t i = 0; i < n; i++) {
			int one = ssereader_feed(r, text + i, 1);

			rc = one != 0 ? one : rc;
		}
		assert_int_equal(rc, ERR_LIMIT);
		assert_string_equal(seen, "[message|-|small]");
		begin = ssereader_lost(r, &n);
		assert_true(n > 20 && n <= 128);
		/* A line that is too long was not taken apart. */
		assert_memory_equal(begin, lines ? "xxxxxxxxx\nxxxxx" : "data: xxxxxxxxxx", 15);
		ssereader_free(&r);
	}
}

/* Of a piece that is larger than all that may be kept the beginning is known, too. */
static void lost_at_once(void **state)
{
	struct ssereader *r = ssereader_new(10, on_event, NULL);
	char text[400] = "data: {\"method\":";
	size_t n;

	(void)state;
	(void)ssereader_lost(r, &n);
	assert_int_equal(n, 0);
	memset(text + strlen(text), 'x', sizeof text - strlen(text));
	assert_int_equal(ssereader_feed(r, text, sizeof text), ERR_LIMIT);
	assert_memory_equal(ssereader_lost(r, &n), text, 128);
	assert_int_equal(n, 128);
	ssereader_free(&r);
	r = ssereader_new(10, on_event, NULL);
	assert_int_equal(ssereader_feed(r, "data: 12345678901\n\n", 19), ERR_LIMIT);
	assert_memory_equal(ssereader_lost(r, &n), "12345678901", 11);
	assert_int_equal(n, 11);
	ssereader_free(&r);
}

static void on_event_free(const struct sse_received *ev, void *arg)
{
	struct ssereader **r = arg;

	assert_string_equal(ev->data, "a");
	ssereader_free(r);
}

static void may_be_freed_from_inside(void **state)
{
	struct ssereader *r;
	const char text[] = "data: a\n\ndata: b\n\n";

	(void)state;
	r = ssereader_new(100, on_event_free, &r);
	assert_int_equal(ssereader_feed(r, text, sizeof text - 1), 0);
	assert_null(r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(events),	cmocka_unit_test(line_ends),
		cmocka_unit_test(ids),		cmocka_unit_test(comments_and_the_unknown),
		cmocka_unit_test(retry),	cmocka_unit_test(too_large),
		cmocka_unit_test(lost_at_once), cmocka_unit_test(may_be_freed_from_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
