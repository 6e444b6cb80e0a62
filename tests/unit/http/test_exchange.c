/* SPDX-License-Identifier: ISC */
#include "http_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"

/* ---- requests ---- */

static void expect_body(struct client *c, const char *body)
{
	char *answer = client_take_answer(c);

	assert_memory_equal(answer, "HTTP/1.1 200 OK\r\n", 17);
	assert_string_equal(strstr(answer, "\r\n\r\n") + 4, body);
	free(answer);
}

static void a_request_may_come_byte_by_byte(void **state)
{
	const char *text = "POST /now?a=b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
	struct client c;

	(void)state;
	client_open(&c);
	for (; *text != '\0'; text++) {
		assert_int_equal(fix.requests, 0);
		bufferevent_write(c.bev, text, 1);
		pump_idle();
	}
	expect_body(&c, "POST /now a=b 127.0.0.1 hello");
	client_close(&c);
}

static void a_connection_serves_many_requests(void **state)
{
	struct client c;

	(void)state;
	client_open(&c);
	for (int i = 0; i < 3; i++) {
		client_send(&c, "GET /now HTTP/1.1\r\n\r\n");
		expect_body(&c, "GET /now - 127.0.0.1 ");
	}
	assert_int_equal(httpd_connections(fix.httpd), 1);
	client_close(&c);
	pump_until(httpd_connections(fix.httpd) == 0);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
	struct client c;

	(void)state;
	client_open(&c);
	client_send(&c, "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n");
	expect_body(&c, "GET /a - 127.0.0.1 ");
	expect_body(&c, "GET /b - 127.0.0.1 ");
	expect_body(&c, "GET /c - 127.0.0.1 ");
	client_close(&c);
}

/* What the client sends while it waits for an answer must not be lost. */
static void requests_behind_a_pending_one_wait_for_it(void **state)
{
	struct client c;

	(void)state;
	client_open(&c);
	client_send(&c, "GET /later HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
	pump_until(fix.held_n == 1);
	client_send(&c, "GET /later HTTP/1.1\r\n\r\nGET /c HTT");
	pump_idle();
	assert_int_equal(fix.requests, 1);
	exchange_reply(fix.held[0], 200, "text/plain", "one", 3);
	expect_body(&c, "one");
	expect_body(&c, "GET /b - 127.0.0.1 ");
	pump_until(fix.held_n == 2);
	client_send(&c, "P/1.1\r\n\r\n");
	pump_idle();
	exchange_reply(fix.held[1], 200, "text/plain", "two", 3);
	expect_body(&c, "two");
	expect_body(&c, "GET /c - 127.0.0.1 ");
	assert_int_equal(fix.gone, 0);
	client_close(&c);
}

/* Nobody may fill our memory behind an answer: most of this stays with the client and the kernel.
 */
static void a_flood_behind_a_pending_request_is_held_off(void **state)
{
	enum { FLOOD = 16000 };
	char request[1100];
	struct client c;

	(void)state;
	client_open(&c);
	client_send(&c, "GET /later HTTP/1.1\r\n\r\n");
	snprintf(request, sizeof request, "GET /now HTTP/1.1\r\nX-Pad: %0*d\r\n\r\n", 1000, 0);
	for (int i = 0; i < FLOOD; i++)
		client_send(&c, request);
	pump_until(fix.held_n == 1);
	pump_idle();
	assert_true(evbuffer_get_length(bufferevent_get_output(c.bev)) > 1000 * 1000);
	exchange_reply(fix.held[0], 200, "text/plain", "one", 3);
	expect_body(&c, "one");
	for (int i = 0; i < FLOOD; i++)
		expect_body(&c, "GET /now - 127.0.0.1 ");
	client_close(&c);
}

static void a_chunked_body_is_put_together(void **state)
{
	static const char *const paths[] = {"now", "later"};
	struct client c;
	char text[200];

	(void)state;
	client_open(&c);
	for (int i = 0; i < 2; i++) {
		snprintf(text, sizeof text,
			 "POST /%s HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
			 "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
			 paths[i]);
		client_send(&c, text);
		if (i == 0) {
			expect_body(&c, "POST /now - 127.0.0.1 abcde");
		} else {
			size_t len;
			char *body;

			pump_until(fix.held_n == 1);
			body = exchange_take_body(fix.held[0], &len);
			assert_int_equal(len, 5);
			assert_string_equal(body, "abcde");
			free(body);
			exchange_reply(fix.held[0], 200, "text/plain", "one", 3);
			expect_body(&c, "one");
		}
		/* evhttp knows the request as chunked and would end the answer so. */
		pump_idle();
		assert_int_equal(client_available(&c), 0);
	}
	client_send(&c, "GET /now HTTP/1.1\r\n\r\n");
	expect_body(&c, "GET /now - 127.0.0.1 ");
	client_close(&c);
}

static void a_client_that_asks_first_is_told_to_continue(void **state)
{
	struct client c;
	char *text;

	(void)state;
	client_open(&c);
	for (int i = 0; i < 2; i++) {
		client_send(&c, i == 0 ? "POST /now HTTP/1.1\r\nExpect: 100-continue\r\n"
					 "Content-Length: 3\r\n\r\n"
				       : "POST /later HTTP/1.1\r\nExpect: 100-continue\r\n"
					 "Content-Length: 3\r\n\r\n");
		text = client_take_until(&c, "\r\n\r\n");
		assert_string_equal(text, "HTTP/1.1 100 Continue\r\n\r\n");
		free(text);
		client_send(&c, "abc");
		if (i == 0) {
			expect_body(&c, "POST /now - 127.0.0.1 abc");
		} else {
			pump_until(fix.held_n == 1);
			exchange_reply(fix.held[0], 200, "text/plain", "x", 1);
			expect_body(&c, "x");
		}
	}
	client_close(&c);
}

static void every_method_reaches_the_handler(void **state)
{
	static const struct {
		const char *method, *seen;
	} rows[] = {
		{"GET", "GET"},		{"POST", "POST"},      {"DELETE", "DELETE"},
		{"OPTIONS", "OPTIONS"}, {"PUT", "OTHER"},      {"PATCH", "OTHER"},
		{"TRACE", "OTHER"},	{"PROPFIND", "OTHER"}, {"GOT", "OTHER"},
	};
	struct client c;
	char text[100];

	(void)state;
	client_open(&c);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		snprintf(text, sizeof text, "%s / HTTP/1.1\r\n\r\n", rows[i].method);
		client_send(&c, text);
		snprintf(text, sizeof text, "%s / - 127.0.0.1 ", rows[i].seen);
		expect_body(&c, text);
	}
	client_close(&c);
}

static void head_gets_no_stray_bytes(void **state)
{
	struct client c;
	char *text;

	(void)state;
	client_open(&c);
	client_send(&c, "HEAD /now HTTP/1.1\r\n\r\n");
	text = client_take_until(&c, "\r\n\r\n");
	assert_non_null(strstr(text, "Content-Length: 22\r\n"));
	free(text);
	client_send(&c, "GET /now HTTP/1.1\r\n\r\n");
	expect_body(&c, "GET /now - 127.0.0.1 ");
	client_close(&c);
}

static void see_request(struct exchange *x)
{
	char text[200];

	snprintf(text, sizeof text, "%s|%s|%s|%u|%s", exchange_path(x),
		 exchange_header(x, "x-one") ? exchange_header(x, "x-one") : "-",
		 exchange_header(x, "X-Two") ? exchange_header(x, "X-Two") : "-",
		 exchange_header_count(x, "x-ONE"),
		 exchange_header(x, "X-None") ? "there" : "absent");
	exchange_reply(x, 200, "text/plain", text, strlen(text));
}

static void headers_and_path_are_as_sent(void **state)
{
	struct client c;

	(void)state;
	fix.handler = see_request;
	client_open(&c);
	client_send(&c, "GET /a%20b+c?q=%31 HTTP/1.1\r\nX-One: \t one \t \r\nX-ONE: two\r\n"
			"X-Two:\t\r\n\r\n");
	expect_body(&c, "/a b+c|one||2|absent");
	/* A NUL in the path can be no path of ours; nor may it cut one short. */
	client_send(&c, "GET /mcp%00x HTTP/1.1\r\n\r\n");
	expect_body(&c, "|-|-|0|absent");
	client_send(&c, "GET http://other.example/mcp HTTP/1.1\r\n\r\n");
	expect_body(&c, "/mcp|-|-|0|absent");
	client_wait_end(&c);
	assert_true(c.eof);
	client_close(&c);
}

/* A whole URL is a target, too (RFC 9112 section 3.2.2), but of http alone and for the host that
 * the Host header says: else it has no path of ours. */
static void targets_that_are_urls(void **state)
{
	static const char *const rows[][2] = {
		{"http://h:1/mcp?x", "/mcp"},
		{"HTTPS://H:1/mcp", "/mcp"},
		{"http://h:1", "/"},
		{"http://o:1/mcp", ""},
		{"http://h:11/mcp", ""},
		{"http:///mcp", ""},
		{"ftp://h:1/mcp", ""},
		{"xh:1/mcp", ""},
		{"h:1/mcp", ""},
	};

	(void)state;
	fix.handler = see_request;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char line[128], want[64];
		struct client c;

		client_open(&c);
		snprintf(line, sizeof line, "GET %s HTTP/1.1\r\nHost: h:1\r\n\r\n", rows[i][0]);
		client_send(&c, line);
		snprintf(want, sizeof want, "%s|-|-|0|absent", rows[i][1]);
		expect_body(&c, want);
		client_close(&c);
	}
}

/* ---- answers ---- */

static void set_headers(struct exchange *x)
{
	assert_int_equal(exchange_set_header(x, "X-A", "b"), 0);
	assert_int_equal(exchange_set_header(x, "X-Evil", "a\r\nX-Forged: yes"), ERR_INVALID);
	assert_int_equal(exchange_set_header(x, "X-Evil", "a\nb"), ERR_INVALID);
	assert_int_equal(exchange_set_header(x, "X: Y", "b"), ERR_INVALID);
	assert_int_equal(exchange_set_header(x, "X-C", ""), 0);
	exchange_reply(x, strcmp(exchange_path(x), "/202") == 0 ? 202 : 204, "text/plain", "no", 2);
}

static void answers_without_a_body(void **state)
{
	struct client c;
	char *text;

	(void)state;
	fix.handler = set_headers;
	client_open(&c);
	client_send(&c, "POST /202 HTTP/1.1\r\n\r\n");
	text = client_take_answer(&c);
	assert_non_null(strstr(text, "HTTP/1.1 202 Accepted\r\n"));
	assert_non_null(strstr(text, "\r\nX-A: b\r\nX-C: \r\nContent-Length: 0\r\n\r\n"));
	assert_null(strstr(text, "Evil"));
	assert_null(strstr(text, "Content-Type"));
	free(text);
	client_send(&c, "POST /204 HTTP/1.1\r\n\r\n");
	text = client_take_answer(&c);
	assert_non_null(strstr(text, "HTTP/1.1 204 No Content\r\n"));
	assert_null(strstr(text, "Content-"));
	free(text);
	pump_idle();
	assert_int_equal(client_available(&c), 0);
	client_close(&c);
}

static void reply_json(struct exchange *x)
{
	json_t *msg = json_pack("{s:s}", "text", "a\nb");

	exchange_reply_json(x, 404, msg);
	json_decref(msg);
}

static void json_goes_out_on_one_line(void **state)
{
	struct client c;
	char *text;

	(void)state;
	fix.handler = reply_json;
	client_open(&c);
	client_send(&c, "GET / HTTP/1.1\r\n\r\n");
	text = client_take_answer(&c);
	assert_non_null(strstr(text, "HTTP/1.1 404 Not Found\r\n"));
	assert_non_null(strstr(text, "\r\nContent-Type: application/json\r\n"));
	assert_string_equal(strstr(text, "\r\n\r\n") + 4, "{\"text\":\"a\\nb\"}");
	free(text);
	client_close(&c);
}

static struct client *peeking;
static bool holds;

static bool holds_now(void *arg)
{
	return arg == &holds && holds;
}

/* Answers, and looks whether anything of it has arrived yet. */
static void answer_and_peek(struct exchange *x)
{
	int fd = bufferevent_getfd(peeking->bev);
	char byte;

	exchange_reply(x, 200, "text/plain", "x", 1);
	if (holds)
		assert_int_equal(recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT), -1);
}

static void no_answer_leaves_while_it_is_held(void **state)
{
	struct client c;
	char *text;

	(void)state;
	fix.handler = answer_and_peek;
	fix.hold = holds_now;
	fix.hold_arg = &holds;
	fixture_restart(NULL);
	peeking = &c;
	client_open(&c);
	for (int i = 0; i < 4; i++) {
		holds = i % 2 == 1;
		client_send(&c, "GET / HTTP/1.1\r\n\r\n");
		text = client_take_answer(&c);
		assert_string_equal(strstr(text, "\r\n\r\n") + 4, "x");
		free(text);
	}
	client_close(&c);
}

static void connections_close_when_the_client_asks(void **state)
{
	static const char *const requests[] = {
		"GET /now HTTP/1.1\r\nConnection: close\r\n\r\n",
		"GET /now HTTP/1.1\r\nConnection: TE, close\r\n\r\n",
		"GET /now HTTP/1.0\r\n\r\n",
		"GET /later HTTP/1.1\r\nConnection: close\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		struct client c;
		char *text;

		client_open(&c);
		client_send(&c, requests[i]);
		if (strstr(requests[i], "/later")) {
			pump_until(fix.held_n == 1);
			exchange_reply(fix.held[0], 200, "text/plain", "x", 1);
		}
		text = client_take_answer(&c);
		assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
		free(text);
		client_wait_end(&c);
		assert_true(c.eof);
		client_close(&c);
	}
}

static void an_old_client_may_keep_its_connection(void **state)
{
	struct client c;
	char *text;

	(void)state;
	client_open(&c);
	for (int i = 0; i < 2; i++) {
		client_send(&c, "GET /now HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
		text = client_take_answer(&c);
		assert_memory_equal(text, "HTTP/1.0 200 OK\r\n", 17);
		assert_non_null(strstr(text, "\r\nConnection: keep-alive\r\n"));
		free(text);
	}
	client_close(&c);
}

/* More than the kernel takes at once, for a client that reads when it likes. */
static void a_big_answer_to_a_slow_reader_is_whole(void **state)
{
	struct client c;

	(void)state;
	fix.big = 32 * 1024 * 1024;
	client_open(&c);
	for (int i = 0; i < 2; i++) {
		char *text, *body;

		bufferevent_disable(c.bev, EV_READ);
		client_send(&c, "GET /big HTTP/1.1\r\n\r\n");
		pump_until(fix.requests == (unsigned)i * 2 + 1);
		pump_idle();
		bufferevent_enable(c.bev, EV_READ);
		text = client_take_answer(&c);
		body = strstr(text, "\r\n\r\n") + 4;
		assert_int_equal(strspn(body, "b"), fix.big);
		free(text);
		client_send(&c, "GET /now HTTP/1.1\r\n\r\n");
		expect_body(&c, "GET /now - 127.0.0.1 ");
	}
	client_close(&c);
}

static void a_client_may_leave_in_the_middle_of_a_big_answer(void **state)
{
	struct client c;

	(void)state;
	fix.big = 32 * 1024 * 1024;
	client_open(&c);
	bufferevent_disable(c.bev, EV_READ);
	client_send(&c, "GET /big HTTP/1.1\r\n\r\n");
	pump_until(fix.requests == 1);
	pump_idle();
	client_close(&c);
	pump_until(httpd_connections(fix.httpd) == 0);
}

static void reply_twice(struct exchange *x)
{
	exchange_reply(x, 200, "text/plain", "one", 3);
	exchange_reply(x, 200, "text/plain", "two", 3);
}

static void the_second_end_of_an_exchange_does_nothing(void **state)
{
	struct client c;

	(void)state;
	fix.handler = reply_twice;
	client_open(&c);
	client_send(&c, "GET / HTTP/1.1\r\n\r\n");
	expect_body(&c, "one");
	pump_idle();
	assert_int_equal(client_available(&c), 0);
	client_close(&c);
}

/* ---- clients that leave ---- */

static void a_client_that_leaves_while_it_waits_is_noticed(void **state)
{
	struct client c;

	(void)state;
	client_open(&c);
	client_send(&c, "GET /later HTTP/1.1\r\n\r\n");
	pump_until(fix.held_n == 1);
	client_close(&c);
	pump_until(fix.gone == 1);
	assert_ptr_equal(fix.last_gone, fix.held[0]);
	assert_int_equal(exchange_count(), 0);
	assert_int_equal(httpd_connections(fix.httpd), 0);
}

/* Also on the second request of a connection, and with more requests waiting behind. */
static void leaving_is_noticed_on_a_kept_connection(void **state)
{
	struct client c;

	(void)state;
	client_open(&c);
	client_send(&c, "GET /later HTTP/1.1\r\n\r\n");
	pump_until(fix.held_n == 1);
	exchange_reply(fix.held[0], 200, "text/plain", "x", 1);
	expect_body(&c, "x");
	client_send(&c, "GET /later HTTP/1.1\r\n\r\nGET /now HTTP/1.1\r\n\r\n");
	pump_until(fix.held_n == 2);
	assert_int_equal(fix.gone, 0);
	client_close(&c);
	pump_until(fix.gone == 1);
	assert_ptr_equal(fix.last_gone, fix.held[1]);
	assert_int_equal(fix.requests, 2);
}

/* The close callback of evhttp stays with the connection; it must not reach the ended exchange. */
static void leaving_after_the_answer_is_no_news(void **state)
{
	struct client c;

	(void)state;
	client_open(&c);
	client_send(&c, "GET /later HTTP/1.1\r\n\r\n");
	pump_until(fix.held_n == 1);
	exchange_reply(fix.held[0], 200, "text/plain", "x", 1);
	expect_body(&c, "x");
	client_close(&c);
	pump_until(httpd_connections(fix.httpd) == 0);
	assert_int_equal(fix.gone, 0);
}

static void half_a_close_counts_as_leaving(void **state)
{
	struct client c;

	(void)state;
	client_open(&c);
	client_send(&c, "GET /later HTTP/1.1\r\n\r\n");
	pump_until(fix.held_n == 1);
	shutdown(bufferevent_getfd(c.bev), SHUT_WR);
	pump_until(fix.gone == 1);
	client_wait_end(&c);
	client_close(&c);
}

static void an_owner_that_does_not_listen_ends_its_exchange_later(void **state)
{
	struct client c;

	(void)state;
	for (int i = 0; i < 3; i++) {
		client_open(&c);
		client_send(&c,
			    i < 2 ? "GET /later HTTP/1.1\r\n\r\n" : "GET /stream HTTP/1.1\r\n\r\n");
		pump_until(fix.held_n == (unsigned)i + 1);
		exchange_on_gone(fix.held[i], NULL, NULL);
		client_close(&c);
		pump_until(httpd_connections(fix.httpd) == 0);
		assert_int_equal(exchange_count(), 1);
		assert_int_equal(exchange_set_header(fix.held[i], "X-A", "b"), 0);
		assert_null(exchange_header(fix.held[i], "Host"));
		assert_string_equal(exchange_path(fix.held[i]), "");
		assert_int_equal(exchange_backlog(fix.held[i]), 0);
		if (i == 0)
			exchange_reply(fix.held[i], 200, "text/plain", "x", 1);
		else if (i == 1)
			exchange_abort(fix.held[i]);
		else
			exchange_stream_end(fix.held[i]);
		assert_int_equal(exchange_count(), 0);
	}
	assert_int_equal(fix.gone, 0);
}

static void late_listener(struct exchange *x, void *arg)
{
	unsigned *n = arg;

	(void)x;
	(*n)++;
}

static void listening_after_the_client_left_tells_in_a_later_turn(void **state)
{
	struct client c;
	unsigned n = 0;

	(void)state;
	client_open(&c);
	client_send(&c, "GET /later HTTP/1.1\r\n\r\n");
	pump_until(fix.held_n == 1);
	exchange_on_gone(fix.held[0], NULL, NULL);
	client_close(&c);
	pump_until(httpd_connections(fix.httpd) == 0);
	exchange_on_gone(fix.held[0], late_listener, &n);
	assert_int_equal(n, 0);
	pump_until(n == 1);
	assert_int_equal(exchange_count(), 0);
}

/* An owner that hears of one client may end the exchange of another, any way. */
static void end_the_other(struct exchange *x, void *arg)
{
	unsigned *how = arg;
	struct exchange *other = fix.held[1];

	assert_ptr_equal(x, fix.held[0]);
	if (*how == 0)
		exchange_reply(other, 200, "text/plain", "x", 1);
	else if (*how == 1)
		exchange_abort(other);
	else
		exchange_stream_end(other);
	/* What an owner may also do, in vain. */
	exchange_reply(x, 200, "text/plain", "x", 1);
	fix.gone++;
}

static void one_client_leaving_may_end_anothers_exchange(void **state)
{
	(void)state;
	for (unsigned how = 0; how < 3; how++) {
		struct client a, b;

		fix.held_n = fix.gone = 0;
		client_open(&a);
		client_send(&a, "GET /later HTTP/1.1\r\n\r\n");
		pump_until(fix.held_n == 1);
		client_open(&b);
		client_send(&b, how < 2 ? "GET /later HTTP/1.1\r\n\r\n"
					: "GET /stream HTTP/1.1\r\n\r\n");
		pump_until(fix.held_n == 2);
		exchange_on_gone(fix.held[0], end_the_other, &how);
		client_close(&a);
		pump_until(fix.gone == 1);
		assert_int_equal(exchange_count(), 0);
		if (how == 0)
			expect_body(&b, "x");
		if (how == 1)
			client_wait_end(&b);
		if (how == 2)
			free(client_take_until(&b, "\r\n\r\n0\r\n\r\n"));
		client_close(&b);
		pump_until(httpd_connections(fix.httpd) == 0);
	}
}

/* ---- streams ---- */

static void stream_text(struct exchange *x, const char *text)
{
	struct evbuffer *buf = evbuffer_new();

	evbuffer_add(buf, text, strlen(text));
	assert_int_equal(exchange_stream_write(x, buf), 0);
	assert_int_equal(evbuffer_get_length(buf), 0);
	assert_int_equal(exchange_stream_write(x, buf), 0); /* nothing: not the last chunk */
	evbuffer_free(buf);
}

static void a_stream_is_chunked_and_the_connection_kept(void **state)
{
	struct client c;
	char *text;

	(void)state;
	client_open(&c);
	for (unsigned i = 0; i < 2; i++) {
		client_send(&c, "GET /stream HTTP/1.1\r\n\r\n");
		pump_until(fix.held_n == i + 1);
		/* The head does not wait for the first event. */
		text = client_take_until(&c, "\r\n\r\n");
		assert_non_null(strstr(text, "HTTP/1.1 200 OK\r\n"));
		assert_non_null(strstr(text, "\r\nContent-Type: text/event-stream\r\n"));
		assert_non_null(strstr(text, "\r\nCache-Control: no-cache\r\n"));
		assert_non_null(strstr(text, "\r\nX-Accel-Buffering: no\r\n"));
		assert_non_null(strstr(text, "\r\nTransfer-Encoding: chunked\r\n"));
		assert_null(strstr(text, "Content-Length"));
		free(text);
		stream_text(fix.held[i], ": hello\n\n");
		text = client_take_until(&c, "\n\n\r\n");
		assert_string_equal(text, "9\r\n: hello\n\n\r\n");
		free(text);
		stream_text(fix.held[i], "data: 0123456789\n\n");
		stream_text(fix.held[i], "data: x\n\n");
		exchange_stream_end(fix.held[i]);
		text = client_take_until(&c, "\r\n0\r\n\r\n");
		assert_string_equal(text,
				    "12\r\ndata: 0123456789\n\n\r\n9\r\ndata: x\n\n\r\n0\r\n\r\n");
		free(text);
	}
	client_send(&c, "GET /now HTTP/1.1\r\n\r\n");
	expect_body(&c, "GET /now - 127.0.0.1 ");
	assert_int_equal(fix.gone, 0);
	client_close(&c);
}

static void a_stream_for_an_old_client_ends_with_the_connection(void **state)
{
	static const char *const requests[] = {
		"GET /stream HTTP/1.0\r\n\r\n",
		"GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct client c;
		char *text;

		client_open(&c);
		client_send(&c, requests[i]);
		pump_until(fix.held_n == i + 1);
		text = client_take_until(&c, "\r\n\r\n");
		assert_non_null(strstr(text, "HTTP/1.0 200 OK\r\n"));
		assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
		assert_null(strstr(text, "Content-Length"));
		assert_null(strstr(text, "Transfer-Encoding"));
		free(text);
		stream_text(fix.held[i], ": hello\n\n");
		free(client_take_until(&c, ": hello\n\n"));
		/* Once with everything taken, once not. */
		if (i == 1)
			stream_text(fix.held[i], "data: x\n\n");
		exchange_stream_end(fix.held[i]);
		client_wait_end(&c);
		assert_true(c.eof);
		assert_int_equal(client_available(&c), i == 1 ? 9 : 0);
		client_close(&c);
	}
}

static void stream_at_once(struct exchange *x)
{
	assert_int_equal(exchange_set_header(x, "X-A", "b"), 0);
	assert_int_equal(exchange_stream_begin(x), 0);
	assert_int_not_equal(exchange_stream_begin(x), 0);
	stream_text(x, "data: x\n\n");
	exchange_stream_end(x);
}

static void a_stream_may_begin_and_end_in_the_handler(void **state)
{
	struct client c;
	char *text;

	(void)state;
	fix.handler = stream_at_once;
	client_open(&c);
	client_send(&c, "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nConnection: close\r\n\r\n");
	text = client_take_until(&c, "0\r\n\r\n");
	assert_non_null(strstr(text, "\r\nX-A: b\r\n"));
	free(text);
	text = client_take_until(&c, "0\r\n\r\n");
	assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
	free(text);
	client_wait_end(&c);
	assert_true(c.eof);
	client_close(&c);
}

static void a_client_that_leaves_a_silent_stream_is_noticed(void **state)
{
	struct client c;

	(void)state;
	client_open(&c);
	client_send(&c, "GET /now HTTP/1.1\r\n\r\n");
	expect_body(&c, "GET /now - 127.0.0.1 ");
	client_send(&c, "GET /stream HTTP/1.1\r\n\r\n");
	free(client_take_until(&c, "\r\n\r\n"));
	/* Other requests behind the stream are no reason to look away. */
	client_send(&c, "GET /now HTTP/1.1\r\n\r\n");
	pump_idle();
	client_close(&c);
	pump_until(fix.gone == 1);
	assert_int_equal(exchange_count(), 0);
	assert_int_equal(fix.requests, 2);
}

/* Write until the kernel takes no more; the backlog says so; then the client reads it all. */
static void a_slow_reader_is_seen_by_its_backlog(void **state)
{
	static char block[64 * 1024];
	size_t sent = 0, got = 0, n;
	struct evbuffer *buf = evbuffer_new();
	struct client c;

	(void)state;
	memset(block, 'a', sizeof block);
	client_open(&c);
	client_send(&c, "GET /stream HTTP/1.0\r\n\r\n");
	free(client_take_until(&c, "\r\n\r\n"));
	bufferevent_disable(c.bev, EV_READ);
	while (exchange_backlog(fix.held[0]) < 1024 * 1024) {
		evbuffer_add(buf, block, sizeof block);
		assert_int_equal(exchange_stream_write(fix.held[0], buf), 0);
		sent += sizeof block;
		event_base_loop(fix.base, EVLOOP_NONBLOCK);
	}
	evbuffer_free(buf);
	bufferevent_enable(c.bev, EV_READ);
	exchange_stream_end(fix.held[0]);
	while (!c.eof || client_available(&c) > 0) {
		if ((n = client_available(&c)) == 0) {
			event_base_loop(fix.base, EVLOOP_ONCE);
			continue;
		}
		got += n;
		evbuffer_drain(bufferevent_get_input(c.bev), n);
	}
	assert_int_equal(got, sent);
	client_close(&c);
}

static void abort_is_seen_by_the_client_as_an_error(void **state)
{
	struct client c;

	(void)state;
	client_open(&c);
	client_send(&c, "GET /stream HTTP/1.0\r\n\r\n");
	free(client_take_until(&c, "\r\n\r\n"));
	stream_text(fix.held[0], "data: x");
	exchange_abort(fix.held[0]);
	client_wait_end(&c);
	assert_true(c.error);
	assert_int_equal(fix.gone, 0);
	assert_int_equal(httpd_connections(fix.httpd), 0);
	client_close(&c);
}

static void abort_now(struct exchange *x)
{
	exchange_abort(x);
}

static void abort_in_the_handler(void **state)
{
	struct client c;

	(void)state;
	fix.handler = abort_now;
	client_open(&c);
	client_send(&c, "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n");
	client_wait_end(&c);
	assert_int_equal(fix.requests, 1);
	client_close(&c);
}

/* The idle time of connections is no time limit for answers. A second, idle connection tells when
 * that time is over. */
static void waiting_and_silent_streams_outlive_the_idle_time(void **state)
{
	static const struct httpd_limits limits = {
		.max_body = 1000, .max_headers = 4000, .idle_seconds = 1};
	struct client pending, stream, idle;

	(void)state;
	fixture_restart(&limits);
	client_open(&pending);
	client_open(&stream);
	client_send(&pending, "GET /later HTTP/1.1\r\n\r\n");
	pump_until(fix.held_n == 1);
	client_send(&stream, "GET /stream HTTP/1.1\r\n\r\n");
	free(client_take_until(&stream, "\r\n\r\n"));
	client_open(&idle);
	client_wait_end(&idle);
	assert_int_equal(fix.gone, 0);
	stream_text(fix.held[1], ": hello\n\n");
	free(client_take_until(&stream, ": hello\n\n"));
	exchange_stream_end(fix.held[1]);
	exchange_reply(fix.held[0], 200, "text/plain", "x", 1);
	expect_body(&pending, "x");
	/* Afterwards it counts again. */
	client_wait_end(&pending);
	client_wait_end(&stream);
	client_close(&pending);
	client_close(&stream);
	client_close(&idle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		http_test(a_request_may_come_byte_by_byte),
		http_test(a_connection_serves_many_requests),
		http_test(pipelined_requests_are_answered_in_order),
		http_test(requests_behind_a_pending_one_wait_for_it),
		http_test(a_flood_behind_a_pending_request_is_held_off),
		http_test(a_chunked_body_is_put_together),
		http_test(a_client_that_asks_first_is_told_to_continue),
		http_test(every_method_reaches_the_handler),
		http_test(head_gets_no_stray_bytes),
		http_test(headers_and_path_are_as_sent),
		http_test(targets_that_are_urls),
		http_test(answers_without_a_body),
		http_test(json_goes_out_on_one_line),
		http_test(no_answer_leaves_while_it_is_held),
		http_test(connections_close_when_the_client_asks),
		http_test(an_old_client_may_keep_its_connection),
		http_test(a_big_answer_to_a_slow_reader_is_whole),
		http_test(a_client_may_leave_in_the_middle_of_a_big_answer),
		http_test(the_second_end_of_an_exchange_does_nothing),
		http_test(a_client_that_leaves_while_it_waits_is_noticed),
		http_test(leaving_is_noticed_on_a_kept_connection),
		http_test(leaving_after_the_answer_is_no_news),
		http_test(half_a_close_counts_as_leaving),
		http_test(an_owner_that_does_not_listen_ends_its_exchange_later),
		http_test(listening_after_the_client_left_tells_in_a_later_turn),
		http_test(one_client_leaving_may_end_anothers_exchange),
		http_test(a_stream_is_chunked_and_the_connection_kept),
		http_test(a_stream_for_an_old_client_ends_with_the_connection),
		http_test(a_stream_may_begin_and_end_in_the_handler),
		http_test(a_client_that_leaves_a_silent_stream_is_noticed),
		http_test(a_slow_reader_is_seen_by_its_backlog),
		http_test(abort_is_seen_by_the_client_as_an_error),
		http_test(abort_in_the_handler),
		http_test(waiting_and_silent_streams_outlive_the_idle_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
