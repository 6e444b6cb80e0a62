/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "http/httphead.h"
#include "text/httpfield.h"

static char *text_of(struct evbuffer *buf)
{
	size_t len = evbuffer_get_length(buf);
	char *text = malloc(len + 1);

	assert_non_null(text);
	assert_int_equal(evbuffer_remove(buf, text, len), len);
	text[len] = '\0';
	return text;
}

static void make(struct httphead *h, bool http11, bool keep_alive)
{
	httphead_begin(h, http11, 404, keep_alive);
	httphead_field(h, "Content-Type", "text/plain");
	httphead_add(h, "X-A: b\r\n", 8);
	httphead_end(h, 4);
	httphead_add(h, "body", 4);
}

static void a_head_is_written_in_order(void **state)
{
	struct evbuffer *buf = evbuffer_new();
	struct httphead h;
	char day[4], month[4], *text;
	int end = 0, d, y, hh, mm, ss;

	(void)state;
	make(&h, true, true);
	assert_int_equal(httphead_queue(&h, 0, buf), 0);
	text = text_of(buf);
	/* RFC 9110 section 5.6.7: Sun, 06 Nov 1994 08:49:37 GMT */
	assert_int_equal(
		sscanf(text, "HTTP/1.1 404 Not Found\r\nDate: %3s, %2d %3s %4d %2d:%2d:%2d GMT%n",
		       day, &d, month, &y, &hh, &mm, &ss, &end),
		7);
	assert_string_equal(text + end, "\r\nContent-Type: text/plain\r\nX-A: b\r\n"
					"Content-Length: 4\r\n\r\nbody");
	free(text);
	evbuffer_free(buf);
}

static void the_connection_field_depends_on_the_version(void **state)
{
	static const struct {
		bool http11, keep_alive;
		const char *field;
	} rows[] = {
		{true, true, NULL},
		{true, false, "Connection: close\r\n"},
		{false, true, "Connection: keep-alive\r\n"},
		{false, false, "Connection: close\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct evbuffer *buf = evbuffer_new();
		struct httphead h;
		char *text;

		make(&h, rows[i].http11, rows[i].keep_alive);
		assert_int_equal(httphead_queue(&h, 0, buf), 0);
		text = text_of(buf);
		assert_memory_equal(text, rows[i].http11 ? "HTTP/1.1" : "HTTP/1.0", 8);
		if (rows[i].field)
			assert_non_null(strstr(text, rows[i].field));
		else
			assert_null(strstr(text, "Connection"));
		free(text);
		evbuffer_free(buf);
	}
}

/* Wherever a short write cut, the rest is queued: no byte lost, none twice. */
static void the_rest_is_queued_from_any_byte_on(void **state)
{
	struct evbuffer *buf = evbuffer_new();
	struct httphead h;
	char *whole;

	(void)state;
	make(&h, true, false);
	assert_int_equal(httphead_queue(&h, 0, buf), 0);
	whole = text_of(buf);
	assert_int_equal(strlen(whole), h.len);
	for (size_t skip = 0; skip <= h.len; skip++) {
		char *rest;

		assert_int_equal(httphead_queue(&h, skip, buf), 0);
		rest = text_of(buf);
		assert_string_equal(rest, whole + skip);
		free(rest);
	}
	free(whole);
	evbuffer_free(buf);
}

static void sending_does_not_overtake_what_is_queued(void **state)
{
	struct evbuffer *buf = evbuffer_new();
	struct httphead h;
	char got[600], *text;
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	make(&h, true, true);
	assert_int_equal(httphead_send(&h, fd[0], buf), 0);
	assert_int_equal(evbuffer_get_length(buf), 0);
	assert_int_equal(read(fd[1], got, sizeof got), h.len);
	evbuffer_add(buf, "first ", 6);
	assert_int_equal(httphead_send(&h, fd[0], buf), 0);
	assert_int_equal(read(fd[1], got, sizeof got), -1);
	text = text_of(buf);
	assert_memory_equal(text, "first HTTP/1.1 404", 18);
	free(text);
	/* A dead connection is no error here, and no signal. */
	close(fd[1]);
	assert_int_equal(httphead_send(&h, fd[0], buf), 0);
	assert_int_equal(evbuffer_get_length(buf), h.len);
	close(fd[0]);
	evbuffer_free(buf);
}

static void names_and_values_cannot_forge_lines(void **state)
{
	(void)state;
	assert_true(httpfield_name_ok("Mcp-Session-Id"));
	assert_false(httpfield_name_ok(""));
	assert_false(httpfield_name_ok("a b"));
	assert_false(httpfield_name_ok("a:"));
	assert_false(httpfield_name_ok("a\r\nb"));
	assert_false(httpfield_name_ok("\xc3\xa9"));
	assert_true(httpfield_value_ok(""));
	assert_true(httpfield_value_ok("a b\tc"));
	assert_false(httpfield_value_ok("a\r"));
	assert_false(httpfield_value_ok("a\nb: c"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_is_written_in_order),
		cmocka_unit_test(the_connection_field_depends_on_the_version),
		cmocka_unit_test(the_rest_is_queued_from_any_byte_on),
		cmocka_unit_test(sending_does_not_overtake_what_is_queued),
		cmocka_unit_test(names_and_values_cannot_forge_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
