/* SPDX-License-Identifier: ISC */
/* The gate before the real evhttp: what is answered, and what reaches the handler, is the same
 * whether the bytes come whole or one at a time. Each connection is finished by the client once the
 * answers that the row names are here; more of them would be seen then. */
#include "http_fixture.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/gate.h"

#define POST	"POST /a HTTP/1.1\r\n"
#define GET	"GET /a HTTP/1.1\r\n"
#define NEXT	"GET /next HTTP/1.1\r\n\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define TEN(x)	x x x x x x x x x x

struct row {
	const char *name, *bytes;
	size_t len;	      /* 0: of the text */
	const char *statuses; /* of the final answers, in order */
	const char *seen;     /* by the handler: path and body of each request */
};
#define NUL(text) text, sizeof text - 1

static const struct row heads[] = {
	{"plain", GET "\r\n", 0, "200 ", "/a:;"},
	{"no end", GET "A: b\r\n", 0, "", ""},
	{"nothing", "", 0, "", ""},
	{"empty line before", "\r\n" NEXT, 0, "200 ", "/next:;"},
	{"two empty lines before", "\r\n\r\n" NEXT, 0, "400 ", ""},
	{"empty line between", GET "\r\n\r\n" NEXT, 0, "200 200 ", "/a:;/next:;"},
	{"CR before", "\rGET / HTTP/1.1\r\n\r\n", 0, "400 ", ""},
	{"LF before", "\n" NEXT, 0, "400 ", ""},
	{"space before", " " NEXT, 0, "400 ", ""},
	{"TLS", NUL("\x16\x03\x01\x02\x00\x01"), "400 ", ""},
	{"NUL before", NUL("\0GET / HTTP/1.1\r\n\r\n"), "400 ", ""},
	{"bare LF", "GET /a HTTP/1.1\nA: b\n\n", 0, "400 ", ""},
	{"bare LF in a field", GET "A: b\nC: d\r\n\r\n", 0, "400 ", ""},
	{"bare LF at the end", GET "A: b\r\n\n", 0, "400 ", ""},
	{"bare LF before another head", GET "\n" NEXT, 0, "400 ", ""},
	{"bare CR", GET "A: b\rC: d\r\n\r\n", 0, "400 ", ""},
	{"CR CR LF", GET "A: b\r\r\n\r\n", 0, "400 ", ""},
	{"NUL in a value", NUL(GET "A: b\0c\r\n\r\n"), "400 ", ""},
	{"NUL in a target", NUL("GET /a\0b HTTP/1.1\r\n\r\n"), "400 ", ""},
	{"folded", GET "A: b\r\n c\r\n\r\n", 0, "400 ", ""},
	{"folded by a tab", GET "A: b\r\n\tc\r\n\r\n", 0, "400 ", ""},
	{"folded first", GET " A: b\r\n\r\n", 0, "400 ", ""},
	{"space before the colon", GET "A : b\r\n\r\n", 0, "400 ", ""},
	{"no colon", GET "A\r\n\r\n", 0, "400 ", ""},
	{"no name", GET ": b\r\n\r\n", 0, "400 ", ""},
	{"two spaces", "GET  /a HTTP/1.1\r\n\r\n", 0, "400 ", ""},
	{"space in the target", "GET /a b HTTP/1.1\r\n\r\n", 0, "400 ", ""},
	{"space at the end of the line", "GET /a HTTP/1.1 \r\n\r\n", 0, "400 ", ""},
	{"HTTP/0.9", "GET /a\r\n\r\n", 0, "400 ", ""},
	{"HTTP/0.9 by name", "GET /a HTTP/0.9\r\n\r\n", 0, "505 ", ""},
	{"HTTP/1.0", "GET /a HTTP/1.0\r\n\r\n" NEXT, 0, "200 ", "/a:;"},
	{"HTTP/1.0 that is kept", "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" NEXT, 0,
	 "200 200 ", "/a:;/next:;"},
	{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0, "505 ", ""},
	{"lower case", "GET /a http/1.1\r\n\r\n", 0, "400 ", ""},
	{"CONNECT", "CONNECT a:80 HTTP/1.1\r\n\r\n", 0, "501 ", ""},
	{"absolute form", "GET http://a/b HTTP/1.1\r\n\r\n", 0, "200 ", "/b:;"},
	{"asterisk", "OPTIONS * HTTP/1.1\r\n\r\n", 0, "200 ", ":;"},
	{"Upgrade", GET "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" NEXT, 0, "200 200 ",
	 "/a:;/next:;"},
	{"Upgrade to h2c", GET "Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n\r\n", 0,
	 "200 ", "/a:;"},
	{"Connection: close", GET "Connection: close\r\n\r\n" NEXT, 0, "200 ", "/a:;"},
	{"huge head", GET "A: " TEN(TEN(TEN("bbbbb"))) "\r\n\r\n", 0, "431 ", ""},
	{"huge head without an end", GET "A: " TEN(TEN(TEN("bbbbb"))), 0, "431 ", ""},
	/* In one read with the limit, which is 4000. */
	{"bare LF behind the limit", GET "A: " TEN(TEN(TEN("bbbb"))) TEN("bbb") "\nC: d\r\n\r\n", 0,
	 "431 ", ""},
	{"huge target", "GET /" TEN(TEN(TEN("bbbbb"))) " HTTP/1.1\r\n\r\n", 0, "431 ", ""},
};

static const struct row bodies[] = {
	{"length", POST "Content-Length: 3\r\n\r\nabc" NEXT, 0, "200 200 ", "/a:abc;/next:;"},
	{"length that is not there yet", POST "Content-Length: 3\r\n\r\nab", 0, "", ""},
	{"length of 0", POST "Content-Length: 0\r\n\r\n" NEXT, 0, "200 200 ", "/a:;/next:;"},
	{"length and chunks",
	 POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, "400 ", ""},
	{"chunks and length",
	 POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 0, "400 ", ""},
	{"two lengths", POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 0, "400 ", ""},
	{"a list of lengths", POST "Content-Length: 3, 3\r\n\r\nabc", 0, "400 ", ""},
	{"a sign", POST "Content-Length: +3\r\n\r\nabc", 0, "400 ", ""},
	{"a tab before the length", POST "Content-Length:\t3\r\n\r\nabc", 0, "400 ", ""},
	{"a length over maxBody", POST "Content-Length: 1001\r\n\r\nabc", 0, "413 ", ""},
	{"a length that overflows", POST "Content-Length: 99999999999999999999999\r\n\r\n", 0,
	 "413 ", ""},
	{"two codings", POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 0, "501 ", ""},
	{"chunked twice", POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
	 0, "501 ", ""},
	{"chunks of HTTP/1.0", "POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0,
	 "400 ", ""},
	{"chunks", CHUNKED "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n" NEXT, 0, "200 200 ",
	 "/a:abcde;/next:;"},
	{"chunks with zeros before", CHUNKED "0003\r\nabc\r\n000\r\n\r\n", 0, "200 ", "/a:abc;"},
	{"extension", CHUNKED "3;a=b\r\nabc\r\n0\r\n\r\n", 0, "400 ", ""},
	{"extension of the last chunk", CHUNKED "3\r\nabc\r\n0;a\r\n\r\n", 0, "400 ", ""},
	{"trailer", CHUNKED "3\r\nabc\r\n0\r\nA: b\r\n\r\n", 0, "400 ", ""},
	{"chunk that ends with LF", CHUNKED "3\nabc\r\n0\r\n\r\n", 0, "400 ", ""},
	{"chunk that is longer", CHUNKED "3\r\nabcd\r\n0\r\n\r\n", 0, "400 ", ""},
	{"chunk without a size", CHUNKED "\r\nabc\r\n0\r\n\r\n", 0, "400 ", ""},
	{"chunk of a negative size", CHUNKED "-3\r\nabc\r\n0\r\n\r\n", 0, "400 ", ""},
	{"chunk over maxBody", CHUNKED "3E9\r\n", 0, "413 ", ""},
	{"Expect", POST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc" NEXT, 0, "200 200 ",
	 "/a:abc;/next:;"},
	{"Expect without a body", POST "Expect: 100-continue\r\n\r\n" NEXT, 0, "200 200 ",
	 "/a:;/next:;"},
	{"Expect with chunks",
	 POST "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", 0,
	 "200 ", "/a:a;"},
	{"another expectation", POST "Expect: 200-ok\r\nContent-Length: 3\r\n\r\nabc", 0, "417 ",
	 ""},
	{"body of GET", "GET /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc" NEXT, 0, "200 200 ",
	 "/a:abc;/next:;"},
	{"body that evhttp does not read", "FROB /a HTTP/1.1\r\nContent-Length: 24\r\n\r\n" NEXT, 0,
	 "200 ", "/a:;"},
	{"pipeline", TEN(NEXT), 0, TEN("200 "), TEN("/next:;")},
	{"pipeline that breaks", NEXT NEXT "nonsense\r\n\r\n" NEXT, 0, "200 200 400 ",
	 "/next:;/next:;"},
	{"pipeline behind a body",
	 POST "Content-Length: 3\r\n\r\nabc" CHUNKED "1\r\na\r\n0\r\n\r\n" GET
	      "Content-Length: x\r\n\r\n",
	 0, "200 200 400 ", "/a:abc;/a:a;"},
};

static char seen[2000];

static void note_request(struct exchange *x)
{
	size_t at = strlen(seen), len;
	char *body = exchange_take_body(x, &len);

	snprintf(seen + at, sizeof seen - at, "%s:%.*s;", exchange_path(x), (int)len, body);
	free(body);
	exchange_reply(x, 200, "text/plain", "ok", 2);
}

/* The statuses of the final answers in what C has received. Whether an interim 100 goes out depends
 * on what has come of the body (RFC 9110 section 10.1.1). */
static void read_statuses(const struct client *c, char *out, size_t size)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t len = evbuffer_get_length(in), n = 0;
	const char *text = len > 0 ? (const char *)evbuffer_pullup(in, -1) : "";
	const char *end = text + len;

	*out = '\0';
	while ((text = memmem(text, (size_t)(end - text), "HTTP/1.", 7))) {
		if (end - text >= 13 && text[8] == ' ' && text[12] == ' ' && text[9] >= '2')
			n += (size_t)snprintf(out + n, size - n, "%.4s", text + 9);
		text++;
	}
}

/* Each piece is read by the server before the next is sent, unless the machine is busy. */
static void send_pieces(struct client *c, const struct row *r, size_t len, size_t piece)
{
	const int yes = 1;
	int fd;

	pump_until(httpd_connections(fix.httpd) == 1);
	fd = bufferevent_getfd(c->bev);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes), 0);
	for (size_t at = 0; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;

		if (send(fd, r->bytes + at, n, MSG_NOSIGNAL) < 0 && errno != EAGAIN)
			return; /* the connection is over */
		event_base_loop(fix.base, EVLOOP_NONBLOCK);
		event_base_loop(fix.base, EVLOOP_NONBLOCK);
	}
}

static void check(const struct row *r, bool whole)
{
	size_t len = r->len > 0 ? r->len : strlen(r->bytes);
	char statuses[100];
	struct client c;

	*seen = '\0';
	client_open(&c);
	send_pieces(&c, r, len, whole ? len : 1);
	while (read_statuses(&c, statuses, sizeof statuses),
	       strlen(statuses) < strlen(r->statuses) && !c.eof && !c.error)
		event_base_loop(fix.base, EVLOOP_ONCE);
	shutdown(bufferevent_getfd(c.bev), SHUT_WR);
	client_wait_end(&c);
	read_statuses(&c, statuses, sizeof statuses);
	if (strcmp(statuses, r->statuses) != 0 || strcmp(seen, r->seen) != 0)
		fail_msg("%s, %s: \"%s\" instead of \"%s\"; the handler saw \"%s\" instead of "
			 "\"%s\"",
			 r->name, whole ? "whole" : "byte by byte", statuses, r->statuses, seen,
			 r->seen);
	client_close(&c);
	pump_until(httpd_connections(fix.httpd) == 0);
}

static void check_rows(const struct row *rows, size_t n)
{
	fix.handler = note_request;
	for (size_t i = 0; i < n; i++) {
		check(&rows[i], true);
		check(&rows[i], false);
	}
}

static void heads_have_one_verdict_however_they_are_split(void **state)
{
	(void)state;
	check_rows(heads, sizeof heads / sizeof *heads);
}

static void bodies_have_one_verdict_however_they_are_split(void **state)
{
	(void)state;
	check_rows(bodies, sizeof bodies / sizeof *bodies);
}

static bool every_origin(void *arg, const char *origin)
{
	(void)arg;
	(void)origin;
	return true;
}

/* The origin may stand behind the byte that is refused, and be here already or not. */
static void the_headers_of_a_refusal_do_not_depend_on_what_comes_behind(void **state)
{
	static const struct gate_hooks hooks = {.origin_ok = every_origin};
	struct client c;
	char *head;

	(void)state;
	fix.hooks = &hooks;
	fixture_restart(NULL);
	client_open(&c);
	client_send(&c, GET "A: b\nOrigin: https://a\r\n\r\n");
	head = client_take_until(&c, "\r\n\r\n");
	assert_null(strstr(head, "Access-Control-Allow-Origin"));
	free(head);
	client_close(&c);
	client_open(&c);
	client_send(&c, GET "Origin: https://a\r\nA: b\nC: d\r\n\r\n");
	head = client_take_until(&c, "\r\n\r\n");
	assert_non_null(strstr(head, "Access-Control-Allow-Origin: https://a"));
	free(head);
	client_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		http_test(heads_have_one_verdict_however_they_are_split),
		http_test(bodies_have_one_verdict_however_they_are_split),
		http_test(the_headers_of_a_refusal_do_not_depend_on_what_comes_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
