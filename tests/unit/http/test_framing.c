/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "http/framing.h"

struct row {
	const char *head;
	size_t len; /* 0: the text's */
	int status;
};

static struct framing_fault read_text(struct framing_head *h, const char *text, size_t len)
{
	struct framing_scan scan = {0};
	size_t end = 0;

	switch (framing_find(&scan, text, len, &end)) {
	case FRAMING_MORE:
		return (struct framing_fault){-1, "more"};
	case FRAMING_BAD:
		return (struct framing_fault){400, "bad line"};
	case FRAMING_HEAD:
		break;
	}
	return framing_read(h, text, end);
}

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = rows[i].len ? rows[i].len : strlen(rows[i].head);
		struct framing_head h;
		struct framing_fault bad = read_text(&h, rows[i].head, len);

		if (bad.status != rows[i].status)
			fail_msg("%d instead of %d (%s): %s", bad.status, rows[i].status,
				 bad.why ? bad.why : "-", rows[i].head);
		assert_int_equal(bad.status != 0, bad.why != NULL);
	}
}
#define check(rows) check_rows(rows, sizeof rows / sizeof *rows)
#define NUL(text)   text, sizeof text - 1

static void good_requests_pass(void **state)
{
	static const struct row rows[] = {
		{"GET / HTTP/1.1\r\n\r\n", 0, 0},
		{"GET /mcp?a=b%20c HTTP/1.0\r\nHost: a\r\n\r\n", 0, 0},
		{"GET / HTTP/1.9\r\n\r\n", 0, 0},
		{"OPTIONS * HTTP/1.1\r\n\r\n", 0, 0},
		{"GET http://a/b HTTP/1.1\r\n\r\n", 0, 0},
		{"FROB / HTTP/1.1\r\n\r\n", 0, 0},
		{"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", 0, 0},
		{"POST / HTTP/1.1\r\nContent-Length:5 \t\r\n\r\n", 0, 0},
		{"POST / HTTP/1.1\r\nX-Content-Length: x\r\nEmpty:\r\n\r\n", 0, 0},
		{"POST / HTTP/1.1\r\ntransfer-encoding: Chunked\r\n\r\n", 0, 0},
		{"POST / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n", 0, 0},
		{"POST / HTTP/1.0\r\nExpect: anything\r\n\r\n", 0, 0},
		{"GET / HTTP/1.1\r\nX: \xff\x80\x01\r\n\r\n", 0, 0},
	};

	(void)state;
	check(rows);
}

static void what_has_two_readings_is_refused(void **state)
{
	static const struct row rows[] = {
		{"POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\n", 0, 400},
		{"POST / HTTP/1.1\r\nContent-Length: 0x5\r\n\r\n", 0, 400},
		{"POST / HTTP/1.1\r\nContent-Length: \r\n\r\n", 0, 400},
		{"POST / HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\n", 0, 400},
		{"POST / HTTP/1.1\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\n", 0, 400},
		{"POST / HTTP/1.1\r\nContent-Length:\t5\r\n\r\n", 0, 400},
		{"POST / HTTP/1.1\r\nContent-Length: 9999999999999999999\r\n\r\n", 0, 413},
		{"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 0,
		 400},
		{"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 400},
		{"POST / HTTP/1.1\r\nTransfer-Encoding:\tchunked\r\n\r\n", 0, 400},
		{"POST / HTTP/1.1\r\nContent-Length : 5\r\n\r\n", 0, 400},
		{"POST / HTTP/1.1\r\nContent-Length\t: 5\r\n\r\n", 0, 400},
		{"POST / HTTP/1.1\r\n: 5\r\n\r\n", 0, 400},
		{"POST / HTTP/1.1\r\nno colon\r\n\r\n", 0, 400},
		{"POST / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 0, 400},
		{"POST / HTTP/1.1\r\n A: b\r\n\r\n", 0, 400},
		{"POST / HTTP/1.1\nA: b\n\n", 0, 400},
		{"POST / HTTP/1.1\r\nA: b\n\r\n", 0, 400},
		{"POST / HTTP/1.1\r\nA: b\rc\r\n\r\n", 0, 400},
		{"POST / HTTP/1.1\r\nA: b\r\r\n\r\n", 0, 400},
		{NUL("POST / HTTP/1.1\r\nA: b\0c\r\n\r\n"), 400},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 0, 501},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: identity\r\n\r\n", 0, 501},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
		 "chunked\r\n\r\n",
		 0, 501},
		{"POST / HTTP/1.1\r\nExpect: 200-ok\r\n\r\n", 0, 417},
		{"POST / HTTP/1.1\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n\r\n", 0, 417},
	};

	(void)state;
	check(rows);
}

static void bad_request_lines_are_refused(void **state)
{
	static const struct row rows[] = {
		{"GET /mcp\r\n\r\n", 0, 400},
		{"GET\r\n\r\n", 0, 400},
		{"GET  / HTTP/1.1\r\n\r\n", 0, 400},
		{"GET /  HTTP/1.1\r\n\r\n", 0, 400},
		{"GET / HTTP/1.1 \r\n\r\n", 0, 400},
		{"GET /a b HTTP/1.1\r\n\r\n", 0, 400},
		{"GET /\x01 HTTP/1.1\r\n\r\n", 0, 400},
		{"GET / FTP/1.1\r\n\r\n", 0, 400},
		{"GET / HTTP/1.11\r\n\r\n", 0, 400},
		{"GET / http/1.1\r\n\r\n", 0, 400},
		{"GET / HTTP/+1.1\r\n\r\n", 0, 400},
		{"G@T / HTTP/1.1\r\n\r\n", 0, 400},
		{"GET :// HTTP/1.1\r\n\r\n", 0, 400},
		{"GET //a:b:c/ HTTP/1.1\r\n\r\n", 0, 400},
		{"GET / HTTP/0.9\r\n\r\n", 0, 505},
		{"PRI * HTTP/2.0\r\n\r\n", 0, 505},
		{"CONNECT a:80 HTTP/1.1\r\n\r\n", 0, 501},
		{"A / HTTP/1.1\r\n\r\n", 0, 501},
		{"GET / HTTP/1.1\r\nA: b\r\n", 0, -1},
	};

	(void)state;
	check(rows);
}

static void a_head_says_what_matters(void **state)
{
	static const char text[] =
		"POST /a HTTP/1.1\r\nOrigin:  http://a \r\nAuthorization: b c\r\n"
		"authorization: d\r\nContent-Length: 00012\r\n"
		"Connection: foo, Close\r\n\r\nbody";
	struct framing_head h;

	(void)state;
	assert_int_equal(read_text(&h, text, sizeof text - 1).status, 0);
	assert_memory_equal(h.method.at, "POST", h.method.len);
	assert_int_equal(h.method.len, 4);
	assert_memory_equal(h.target.at, "/a", h.target.len);
	assert_int_equal(h.origin.len, 8);
	assert_memory_equal(h.origin.at, "http://a", 8);
	assert_int_equal(h.n_authorization, 2);
	assert_memory_equal(h.authorization.at, "b c", h.authorization.len);
	assert_int_equal(h.body, FRAMING_LENGTH);
	assert_int_equal(h.length, 12);
	assert_true(h.close && h.body_read);
	assert_int_equal(framing_field(text, sizeof text - 1, "Origin").len, 8);
	assert_null(framing_field(text, sizeof text - 1, "Authorization").at);
	assert_true(framing_about_body("expect: x", 9) && !framing_about_body("expects: x", 10));
}

static void connections_end_as_asked(void **state)
{
	static const struct {
		const char *head;
		bool close, body_read;
	} rows[] = {
		{"GET / HTTP/1.1\r\n\r\n", false, true},
		{"GET / HTTP/1.1\r\nConnection: x, close\r\n\r\n", true, true},
		{"GET / HTTP/1.1\r\nConnection: closed\r\n\r\n", false, true},
		{"GET / HTTP/1.0\r\n\r\n", true, true},
		{"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", false, true},
		{"HEAD / HTTP/1.1\r\n\r\n", false, false},
		{"POSTS / HTTP/1.1\r\n\r\n", false, false},
	};
	struct framing_head h;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(read_text(&h, rows[i].head, strlen(rows[i].head)).status, 0);
		assert_int_equal(h.close, rows[i].close);
		assert_int_equal(h.body_read, rows[i].body_read);
	}
}

/* The status for the body in TEXT, in pieces of STEP bytes; *USED_R bytes of which belong to it. */
static int chunks(const char *text, size_t step, size_t *used_r, bool *done_r)
{
	struct framing_chunks c = {.max = 20};
	size_t len = strlen(text), used;

	*used_r = 0;
	for (size_t at = 0; at < len && c.state != CHUNK_DONE; at += step) {
		struct framing_fault bad =
			framing_chunks(&c, text + at, len - at < step ? len - at : step, &used);

		if (bad.status)
			return bad.status;
		*used_r += used;
	}
	*done_r = c.state == CHUNK_DONE;
	return 0;
}

static void chunked_bodies_are_followed(void **state)
{
	static const struct {
		const char *text;
		int status;
		bool done;
		size_t rest; /* bytes that are not of the body */
	} rows[] = {
		{"0\r\n\r\n", 0, true, 0},
		{"5\r\nhello\r\n00\r\n\r\nGET", 0, true, 3},
		{"5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n", 0, true, 0},
		{"14\r\n01234567890123456789\r\n0\r\n\r\n", 0, true, 0},
		{"5\r\nhell", 0, false, 0},
		{"15\r\n", 413, false, 0},
		{"14\r\n01234567890123456789\r\n1\r\n", 413, false, 0},
		{"ffffffffffffffff\r\n", 413, false, 0},
		{"0000000000000000\r\n", 400, false, 0},
		{"28;a=1\r\n", 400, false, 0},
		{"5 \r\nhello\r\n", 400, false, 0},
		{" 5\r\nhello\r\n", 400, false, 0},
		{"0x5\r\nhello\r\n", 400, false, 0},
		{"-5\r\nhello\r\n", 400, false, 0},
		{"\r\n0\r\n\r\n", 400, false, 0},
		{"5\nhello\r\n", 400, false, 0},
		{"5\r\nhello0\r\n\r\n", 400, false, 0},
		{"5\r\nhello\n0\r\n\r\n", 400, false, 0},
		{"0\r\nAuthorization: x\r\n\r\n", 400, false, 0},
		{"0\r\n\n", 400, false, 0},
		{"zz\r\n", 400, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		for (size_t step = 1; step <= strlen(rows[i].text); step++) {
			bool done = false;
			size_t used;

			assert_int_equal(chunks(rows[i].text, step, &used, &done), rows[i].status);
			assert_int_equal(done, rows[i].done);
			if (done)
				assert_int_equal(used, strlen(rows[i].text) - rows[i].rest);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_requests_pass),
		cmocka_unit_test(what_has_two_readings_is_refused),
		cmocka_unit_test(bad_request_lines_are_refused),
		cmocka_unit_test(a_head_says_what_matters),
		cmocka_unit_test(connections_end_as_asked),
		cmocka_unit_test(chunked_bodies_are_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
