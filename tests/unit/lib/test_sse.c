/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <event2/buffer.h>
#include <string.h>

#include "failalloc.h"
#include "lib/err.h"
#include "lib/sse.h"

static const struct {
	const char *event, *id;
	long retry;
	const char *data, *want;
} cases[] = {
	{NULL, NULL, -1, "{}", "data: {}\n\n"},
	{"message", NULL, -1, "{}", "event: message\ndata: {}\n\n"},
	{"message", "7-1", 3000, "{}", "event: message\nid: 7-1\nretry: 3000\ndata: {}\n\n"},
	{NULL, "1", 0, "", "id: 1\nretry: 0\ndata: \n\n"},
	{NULL, NULL, -1, "a\nb", "data: a\ndata: b\n\n"},
	{NULL, NULL, -1, "a\r\nb\rc\n\nd", "data: a\ndata: b\ndata: c\ndata: \ndata: d\n\n"},
	{NULL, NULL, -1, "a\n", "data: a\ndata: \n\n"},
	{NULL, NULL, -1, "a\r", "data: a\ndata: \n\n"},
	{NULL, NULL, -1, "\n", "data: \ndata: \n\n"},
	{NULL, NULL, -1, "a\nid: 9\n\nevent: x",
	 "data: a\ndata: id: 9\ndata: \ndata: event: x\n\n"},
	/* A line break in a field must not begin another one. */
	{"x\ndata: forged", "1\r\ndata: forged", -1, "y", "event: x\nid: 1\ndata: y\n\n"},
};

static void expect(struct evbuffer *out, const char *want)
{
	size_t len = evbuffer_get_length(out);
	const char *got = (const char *)evbuffer_pullup(out, -1);

	if (len != strlen(want) || memcmp(got, want, len) != 0)
		fail_msg("expected \"%s\", found \"%.*s\"", want, (int)len, got);
	evbuffer_drain(out, len);
}

static void test_events(void **state)
{
	struct evbuffer *out = evbuffer_new();

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(sse_event(out, cases[i].event, cases[i].id, cases[i].retry,
					   cases[i].data, strlen(cases[i].data)),
				 0);
		expect(out, cases[i].want);
	}
	evbuffer_free(out);
}

static void test_no_data(void **state)
{
	struct evbuffer *out = evbuffer_new();

	(void)state;
	assert_int_equal(sse_event(out, NULL, NULL, -1, NULL, 0), 0);
	expect(out, "data: \n\n");
	evbuffer_free(out);
}

/* NUL bytes go through; nothing behind LEN is looked at. */
static void test_binary(void **state)
{
	struct evbuffer *out = evbuffer_new();
	char got[16];

	(void)state;
	assert_int_equal(sse_event(out, NULL, NULL, -1, "a\0b\nc", 4), 0);
	assert_int_equal(evbuffer_remove(out, got, sizeof got), 16);
	assert_memory_equal(got, "data: a\0b\ndata: ", 16);
	expect(out, "\n\n");
	evbuffer_free(out);
}

static void test_comment(void **state)
{
	struct evbuffer *out = evbuffer_new();

	(void)state;
	assert_int_equal(sse_comment(out, "keep-alive"), 0);
	assert_int_equal(sse_comment(out, ""), 0);
	assert_int_equal(sse_comment(out, "a\ndata: forged"), 0);
	expect(out, ": keep-alive\n\n: \n\n: a\n\n");
	evbuffer_free(out);
}

/* All of an event or nothing of it. */
static void test_nomem(void **state)
{
	static char big[100000];
	struct evbuffer *out = evbuffer_new(), *empty = evbuffer_new();
	int event, comment;

	(void)state;
	memset(big, 'x', sizeof big);
	evbuffer_add(out, "before", 6);
	failalloc_at(1, true);
	event = sse_event(out, "message", "1", -1, big, sizeof big);
	comment = sse_comment(empty, "x");
	assert_true(failalloc_off());
	assert_int_equal(event, ERR_NOMEM);
	assert_int_equal(comment, ERR_NOMEM);
	assert_int_equal(evbuffer_get_length(empty), 0);
	expect(out, "before");
	evbuffer_free(out);
	evbuffer_free(empty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events), cmocka_unit_test(test_no_data),
		cmocka_unit_test(test_binary), cmocka_unit_test(test_comment),
		cmocka_unit_test(test_nomem),
	};

	failalloc_install();
	return cmocka_run_group_tests_name("sse", tests, NULL, NULL);
}
