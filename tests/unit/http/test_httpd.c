/* SPDX-License-Identifier: ISC */
#include "http_fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "http/gate.h"
#include "lib/err.h"
#include "lib/log.h"

/* ---- listening ---- */

static void the_bound_address_has_the_real_port(void **state)
{
	struct err e;
	char *bound = NULL, port[8], local[40];
	struct client c;

	(void)state;
	assert_int_equal(sscanf(fix.address, "127.0.0.1:%7[0-9]", port), 1);
	assert_string_not_equal(port, "0");
	/* Several addresses; a name. */
	assert_int_equal(httpd_listen(fix.httpd, "localhost:0", &bound, &e), 0);
	assert_non_null(strchr(bound, ':'));
	/* Whichever family is the first: a name that has 127.0.0.1 is served there too. */
	snprintf(local, sizeof local, "127.0.0.1%s", strrchr(bound, ':'));
	client_connect(&c, local);
	client_send(&c, "GET /now HTTP/1.1\r\n\r\n");
	free(client_take_answer(&c));
	client_close(&c);
	free(bound);
	bound = NULL;
	if (httpd_listen(fix.httpd, "[::1]:0", &bound, &e) == 0) {
		char *text;

		assert_memory_equal(bound, "[::1]:", 6);
		client_connect(&c, bound);
		client_send(&c, "GET /now HTTP/1.1\r\n\r\n");
		text = client_take_answer(&c);
		assert_non_null(strstr(text, "GET /now - ::1 "));
		free(text);
		client_close(&c);
	}
	free(bound);
}

static void addresses_that_cannot_be_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"127.0.0.1",
		"127.0.0.1:",
		":80",
		"::1:80",
		"[::1]",
		"[::1]80",
		"[]:80",
		"127.0.0.1:http",
		"127.0.0.1:70000x",
		"300.1.1.1:80",
		"no-such-host.invalid:80",
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		memset(&e, 0, sizeof e);
		assert_int_equal(httpd_listen(fix.httpd, bad[i], NULL, &e), ERR_INVALID);
		assert_memory_equal(e.text, bad[i], strlen(bad[i]));
	}
}

static void an_address_in_use_is_named(void **state)
{
	struct err e;
	char want[100];

	(void)state;
	snprintf(want, sizeof want, "%s: Address already in use", fix.address);
	assert_int_equal(httpd_listen(fix.httpd, fix.address, NULL, &e), ERR_IO);
	assert_string_equal(e.text, want);
}

static void a_listening_socket_may_be_handed_over(void **state)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct client c;
	struct err e;
	char *bound, *text;

	(void)state;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof sin), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(httpd_listen_fd(fix.httpd, fd, &bound, &e), 0);
	client_connect(&c, bound);
	client_send(&c, "GET /now HTTP/1.1\r\n\r\n");
	text = client_take_answer(&c);
	assert_non_null(strstr(text, "GET /now - 127.0.0.1 "));
	free(text);
	client_close(&c);
	free(bound);
}

static void only_tcp_sockets_may_be_handed_over(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(httpd_listen_fd(fix.httpd, open("/dev/null", O_RDONLY), NULL, &e), ERR_IO);
	assert_int_equal(httpd_listen_fd(fix.httpd, socket(AF_UNIX, SOCK_STREAM, 0), NULL, &e),
			 ERR_IO);
	assert_non_null(strstr(e.text, ": Address family not supported"));
}

/* The server's end of C, found among our descriptors. */
static int server_end(const struct client *c)
{
	struct sockaddr_in mine, peer;
	socklen_t len = sizeof mine;

	assert_int_equal(getsockname(bufferevent_getfd(c->bev), (struct sockaddr *)&mine, &len), 0);
	for (int fd = 3; fd < 100; fd++) {
		len = sizeof peer;
		if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0 &&
		    peer.sin_family == AF_INET && peer.sin_port == mine.sin_port)
			return fd;
	}
	fail();
	return -1;
}

static void connections_have_the_socket_options(void **state)
{
	struct client c;
	int value = 0;
	socklen_t len = sizeof value;
	int fd;

	(void)state;
	client_open(&c);
	pump_until(httpd_connections(fix.httpd) == 1);
	fd = server_end(&c);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &len), 0);
	assert_int_not_equal(value, 0);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, &len), 0);
	assert_int_not_equal(value, 0);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &value, &len), 0);
	assert_int_equal(value, 60);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	client_close(&c);
}

/* ---- limits and garbage ---- */

static void expect_status(struct client *c, const char *status)
{
	char *text = client_take_until(c, "\r\n");

	assert_memory_equal(text + strlen("HTTP/1.1 "), status, strlen(status));
	free(text);
}

static void a_body_over_the_limit_is_refused(void **state)
{
	/* It is 1000. What is over it is read and forgotten: each time the client gets its answer
	 * although it is still sending. */
	static const int sizes[] = {1000, 1001, 2000, 2001, 3000, 5000, 20 * 1000 * 1000};

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct client c;
		char *body = malloc((size_t)sizes[i] + 1), head[100];

		memset(body, 'x', (size_t)sizes[i]);
		body[sizes[i]] = '\0';
		snprintf(head, sizeof head, "POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n",
			 sizes[i]);
		client_open(&c);
		client_send(&c, head);
		client_send(&c, body);
		expect_status(&c, sizes[i] <= 1000 ? "200" : "413");
		if (sizes[i] == 1001)
			free(client_take_until(&c,
					       "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32000,"
					       "\"message\":\"Request body too large "
					       "(limits.maxBody)\"}}"));
		client_close(&c);
		free(body);
	}
	assert_int_equal(fix.requests, 1);
}

static void a_chunked_body_over_the_limit_is_refused(void **state)
{
	struct client c;
	char chunk[600];

	(void)state;
	client_open(&c);
	snprintf(chunk, sizeof chunk, "%x\r\n%0*d\r\n", 500, 500, 0);
	client_send(&c, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 3; i++)
		client_send(&c, chunk);
	client_send(&c, "0\r\n\r\n");
	expect_status(&c, "413");
	free(client_take_until(&c, "(limits.maxBody)\"}}"));
	client_wait_end(&c);
	client_close(&c);
	client_open(&c);
	client_send(&c, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\n");
	expect_status(&c, "413");
	client_wait_end(&c);
	client_close(&c);
	assert_int_equal(fix.requests, 0);
}

static void headers_over_the_limit_are_refused(void **state)
{
	char pad[100];

	(void)state;
	snprintf(pad, sizeof pad, "X-Pad: %0*d\r\n", 80, 0);
	for (int i = 0; i < 3; i++) {
		struct client c;

		client_open(&c);
		client_send(&c, "GET / HTTP/1.1\r\n");
		if (i == 0) { /* many lines */
			for (int n = 0; n < 100; n++)
				client_send(&c, pad);
		} else if (i == 1) { /* one line without end */
			for (int n = 0; n < 100; n++)
				bufferevent_write(c.bev, pad, 80);
		} else { /* under it */
			for (int n = 0; n < 20; n++)
				client_send(&c, pad);
			client_send(&c, "\r\n");
		}
		expect_status(&c, i < 2 ? "431" : "200");
		client_close(&c);
	}
	assert_int_equal(fix.requests, 1);
}

static void garbage_is_refused(void **state)
{
	static const char *const garbage[] = {
		"\r\n\r\n\r\n",
		"GET\r\n\r\n",
		"GET / HTTP/2.0\r\n\r\n",
		"GET / FTP/1.1\r\n\r\n",
		"\x16\x03\x01\x02\x01\x01\xfc\x03\x03\r\n\r\n",
		"GET / HTTP/1.1\r\nno colon\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
		struct client c;

		client_open(&c);
		client_send(&c, garbage[i]);
		free(client_take_until(&c, "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32000,"));
		client_wait_end(&c);
		assert_true(c.eof);
		client_close(&c);
	}
	assert_int_equal(fix.requests, 0);
	pump_until(httpd_connections(fix.httpd) == 0);
}

static void ambiguous_requests_are_refused_and_end_the_connection(void **state)
{
	static const struct {
		const char *request, *status;
	} rows[] = {
		{"POST / HTTP/1.1\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "0\r\n\r\n",
		 "400"},
		{"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400"},
		{"POST / HTTP/1.1\r\nContent-Length : 2\r\n\r\nab", "400"},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", "501"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct client c;

		client_open(&c);
		client_send(&c, rows[i].request);
		client_send(&c, "GET /smuggled HTTP/1.1\r\n\r\n");
		expect_status(&c, rows[i].status);
		client_wait_end(&c);
		client_close(&c);
	}
	assert_int_equal(fix.requests, 0);
}

/* evhttp reads no body for methods that it does not know. */
static void an_unread_body_is_not_taken_for_a_request(void **state)
{
	struct client c;

	(void)state;
	client_open(&c);
	client_send(&c,
		    "FROB / HTTP/1.1\r\nContent-Length: 25\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n");
	expect_status(&c, "200");
	client_wait_end(&c);
	assert_int_equal(fix.requests, 1);
	client_close(&c);
}

/* A head or a body that trickles keeps no connection: each byte would put the idle time off. */
static void slow_requests_have_an_end(void **state)
{
	static const struct httpd_limits limits = {
		.max_body = 1000, .max_headers = 4000, .idle_seconds = 600, .request_ms = 50};
	static const char *const sent[] = {
		"GET / HTTP/1.1\r\nX: ", "POST / HTTP/1.1\r\nContent-Length: 900\r\n\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n300\r\n"};

	(void)state;
	fixture_restart(&limits);
	for (size_t i = 0; i < sizeof sent / sizeof sent[0]; i++) {
		struct client c;

		client_open(&c);
		client_send(&c, sent[i]);
		/* Fewer bytes than the head or the body needs, however fast they are sent. */
		for (unsigned n = 0; client_available(&c) == 0; n++) {
			if (n < 500)
				client_send(&c, "x");
			event_base_loop(fix.base, EVLOOP_ONCE);
			pump_idle();
		}
		expect_status(&c, "408");
		free(client_take_until(&c, "limits.requestTimeout"));
		client_close(&c);
	}
	assert_int_equal(fix.requests, 0);
	pump_until(httpd_connections(fix.httpd) == 0);
}

static bool listed(void *arg, const char *origin)
{
	(void)arg;
	return strcmp(origin, "https://page.example") == 0;
}

/* A page must be able to read why its request was refused; also in the middle of a body. */
static void refusals_have_the_headers_of_cors(void **state)
{
	static const struct gate_hooks hooks = {.origin_ok = listed};
	static const struct {
		const char *request;
		bool readable;
	} rows[] = {
		{"GET /\r\nOrigin: https://page.example\r\n\r\n", true},
		{"GET / HTTP/1.1\r\nOrigin: https://page.example\r\nA: b\n\r\n", true},
		{"POST / HTTP/1.1\r\norigin:https://page.example\r\n"
		 "Transfer-Encoding: chunked\r\n\r\n5;a\r\n",
		 true},
		{"GET / HTTP/1.1\r\nOrigin: https://other.example\r\nExpect: x\r\n\r\n", false},
		{"GET / HTTP/1.1\r\nOrigin: https://page.example\r\n"
		 "Origin: https://page.example\r\nExpect: x\r\n\r\n",
		 false},
		{"GET / HTTP/1.1\r\nExpect: x\r\n\r\n", false},
	};

	(void)state;
	fix.hooks = &hooks;
	fixture_restart(NULL);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct client c;
		char *head;

		client_open(&c);
		client_send(&c, rows[i].request);
		head = client_take_until(&c, "\r\n\r\n");
		assert_int_equal(
			strstr(head, "\r\nAccess-Control-Allow-Origin: https://page.example\r\n") !=
				NULL,
			rows[i].readable);
		assert_int_equal(strstr(head, "\r\nVary: Origin\r\n") != NULL, rows[i].readable);
		assert_non_null(strstr(head, "\r\nConnection: close\r\n"));
		free(head);
		client_close(&c);
	}
}

static struct gate *asking;
static unsigned asked, forgotten;

static enum gate_answer ask_later(void *arg, const struct framing_head *head, struct gate *g,
				  void **ticket_r)
{
	(void)arg;
	assert_true(head->body == FRAMING_CHUNKED || head->length > GATE_AHEAD);
	asked++;
	asking = g;
	*ticket_r = &asked;
	return GATE_WAIT;
}

static void forget_asking(void *arg, void *ticket)
{
	(void)arg;
	assert_ptr_equal(ticket, &asked);
	forgotten++;
}

static void tell_verdict(struct exchange *x)
{
	const char *why;
	char text[80];
	size_t len;
	int code = exchange_verdict(x, &why);

	free(exchange_take_body(x, &len));
	snprintf(text, sizeof text, "%d %s %zu", code, why != NULL ? why : "-", len);
	exchange_reply(x, 200, "text/plain", text, strlen(text));
}

/* Until it is known who sent a body, the head and 4 KiB of it are all that is taken, and the client
 * that waits for 100 gets it only then. */
static void a_body_waits_for_authority(void **state)
{
	static const struct httpd_limits limits = {
		.max_body = 8 * 1000 * 1000, .max_headers = 4000, .idle_seconds = 600};
	static const struct gate_hooks hooks = {.ask = ask_later, .forget = forget_asking};
	const size_t size = 8 * 1000 * 1000;
	char *body = malloc(size + 1);

	(void)state;
	memset(body, 'x', size);
	body[size] = '\0';
	fix.hooks = &hooks;
	fixture_restart(&limits);
	fix.handler = tell_verdict;
	asked = forgotten = 0;
	for (int code = 0; code < 3; code++) { /* 2: the client leaves */
		struct client c;

		asking = NULL;
		client_open(&c);
		client_send(&c, "POST / HTTP/1.1\r\nContent-Length: 8000000\r\n"
				"Expect: 100-continue\r\n\r\n");
		pump_until(asking != NULL);
		if (code == 2) {
			client_close(&c);
			pump_until(forgotten == 1);
			break;
		}
		pump_idle();
		assert_int_equal(client_available(&c), 0);
		client_send(&c, body);
		pump_idle();
		/* What is not with the client any more is with the kernel. */
		assert_true(evbuffer_get_length(bufferevent_get_output(c.bev)) > 1000 * 1000);
		assert_int_equal(fix.requests, code);
		gate_decide(asking, code, code ? "static text" : NULL);
		free(client_take_until(&c,
				       code ? "\r\n\r\n1 static text 0" : "\r\n\r\n0 - 8000000"));
		client_close(&c);
	}
	assert_int_equal(asked, 3);
	assert_int_equal(forgotten, 1);
	free(body);
}

/* What comes with the head, and is small, needs no question. */
static void a_small_body_needs_no_question(void **state)
{
	static const struct gate_hooks hooks = {.ask = ask_later, .forget = forget_asking};
	struct client c;

	(void)state;
	fix.hooks = &hooks;
	fixture_restart(NULL);
	asked = 0;
	client_open(&c);
	client_send(&c, "POST /now HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello");
	expect_status(&c, "200");
	assert_int_equal(asked, 0);
	client_close(&c);
}

static void idle_connections_are_closed(void **state)
{
	static const struct httpd_limits limits = {
		.max_body = 1000, .max_headers = 4000, .idle_seconds = 1};
	static const char *const sent[] = {"", "GET / HTT", "GET / HTTP/1.1\r\nHost: x\r\n",
					   "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab"};
	struct client c[4];

	(void)state;
	fixture_restart(&limits);
	for (int i = 0; i < 4; i++) {
		client_open(&c[i]);
		client_send(&c[i], sent[i]);
	}
	for (int i = 0; i < 4; i++)
		client_wait_end(&c[i]);
	for (int i = 0; i < 4; i++)
		client_close(&c[i]);
	assert_int_equal(httpd_connections(fix.httpd), 0);
}

/* ---- when there is too much ---- */

static unsigned accept_lines;

static void count_accept_lines(const struct log_line *line, void *arg)
{
	(void)arg;
	accept_lines += strstr(line->text, "Cannot accept connections") != NULL;
}

static void running_out_of_descriptors_is_a_pause(void **state)
{
	struct rlimit before, low;
	struct client a, b;
	const char *preload = getenv("LD_PRELOAD");
	int highest;

	(void)state;
	/* valgrind takes the descriptor from the kernel and closes it, which the client sees. */
	if (preload && strstr(preload, "vgpreload")) {
		print_message("# valgrind has descriptors of its own\n");
		skip();
	}
	highest = dup(0);
	accept_lines = 0;
	assert_int_equal(log_subscribe(count_accept_lines, NULL), 0);
	client_open(&a);
	client_open(&b);
	client_send(&a, "GET /now HTTP/1.1\r\n\r\n");
	client_send(&b, "GET /now HTTP/1.1\r\n\r\n");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	low = before;
	low.rlim_cur = (rlim_t)bufferevent_getfd(b.bev) + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	close(highest); /* room for one */
	pump_until(accept_lines == 1);
	assert_int_equal(httpd_connections(fix.httpd), 1);
	/* The listener is readable and nobody spins on it: with nothing to do the loop stays put.
	 */
	expect_status(&a, "200");
	pump_idle();
	assert_int_equal(accept_lines, 1);
	client_close(&a);
	expect_status(&b, "200");
	assert_int_equal(accept_lines, 1);
	client_close(&b);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	log_unsubscribe(count_accept_lines, NULL);
}

/* Where there is no room, the longest silent connection goes; one with an exchange never does. */
static void silent_connections_make_room(void **state)
{
	static const struct httpd_limits all = {
		.max_body = 1000, .max_headers = 4000, .idle_seconds = 600, .max_connections = 3};
	static const struct httpd_limits each = {
		.max_body = 1000, .max_headers = 4000, .idle_seconds = 600, .max_per_address = 2};
	const struct httpd_limits *const limits[] = {&all, &each};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct client busy, silent, late;

		fixture_restart(limits[i]);
		fix.held_n = 0;
		client_open(&busy);
		client_send(&busy, "GET /later HTTP/1.1\r\n\r\n");
		pump_until(fix.held_n == 1);
		client_open(&silent);
		client_send(&silent, "GET /now HTTP/1.1\r\n\r\n");
		free(client_take_answer(&silent));
		do { /* until it has been silent for long enough */
			client_open(&late);
			client_send(&late, "GET /now HTTP/1.1\r\n\r\n");
			pump_until(client_available(&late) > 0 || late.eof || late.error);
			if (late.eof || late.error)
				client_close(&late);
		} while (!late.bev);
		expect_status(&late, "200");
		client_wait_end(&silent);
		exchange_reply(fix.held[0], 200, "text/plain", "x", 1);
		free(client_take_answer(&busy));
		client_close(&busy);
		client_close(&silent);
		client_close(&late);
		pump_until(httpd_connections(fix.httpd) == 0);
	}
}

static void connections_over_the_limit_wait(void **state)
{
	static const struct httpd_limits limits = {
		.max_body = 1000, .max_headers = 4000, .idle_seconds = 600, .max_connections = 2};
	struct client c[4];

	(void)state;
	fixture_restart(&limits);
	for (int i = 0; i < 4; i++) {
		client_open(&c[i]);
		client_send(&c[i], "GET /later HTTP/1.1\r\n\r\n");
	}
	pump_until(fix.requests == 2);
	pump_idle();
	assert_int_equal(fix.requests, 2);
	assert_int_equal(httpd_connections(fix.httpd), 2);
	client_close(&c[1]);
	pump_until(fix.gone == 1);
	pump_until(fix.requests == 3);
	pump_idle();
	assert_int_equal(fix.requests, 3);
	client_close(&c[0]);
	pump_until(fix.requests == 4);
	client_close(&c[2]);
	client_close(&c[3]);
	pump_until(httpd_connections(fix.httpd) == 0);
}

/* ---- the end ---- */

static void stopping_lets_what_is_open_end(void **state)
{
	struct client open, late;
	char *text;

	(void)state;
	client_open(&open);
	client_send(&open, "GET /later HTTP/1.1\r\n\r\n");
	pump_until(fix.held_n == 1);
	httpd_stop(fix.httpd);
	httpd_stop(fix.httpd);
	client_open(&late);
	client_wait_end(&late);
	assert_true(late.error);
	exchange_reply(fix.held[0], 200, "text/plain", "x", 1);
	text = client_take_answer(&open);
	assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
	free(text);
	client_wait_end(&open);
	client_close(&open);
	client_close(&late);
}

/* What was said last, with no turn of the loop in between, still reaches the client. */
static void last_words_are_sent(void **state)
{
	struct client c;

	(void)state;
	client_open(&c);
	client_send(&c, "GET /stream HTTP/1.1\r\n\r\n");
	free(client_take_until(&c, "\r\n\r\n"));
	exchange_stream_end(fix.held[0]);
	httpd_free(&fix.httpd);
	assert_null(fix.httpd);
	free(client_take_until(&c, "0\r\n\r\n"));
	client_wait_end(&c);
	assert_true(c.eof);
	client_close(&c);
}

static unsigned bug_lines;

static void count_bug_lines(const struct log_line *line, void *arg)
{
	(void)arg;
	bug_lines += strstr(line->text, "exchanges were still open") != NULL;
}

static void exchanges_left_over_are_a_logged_bug(void **state)
{
	struct client a, b;

	(void)state;
	bug_lines = 0;
	assert_int_equal(log_subscribe(count_bug_lines, NULL), 0);
	client_open(&a);
	client_send(&a, "GET /stream HTTP/1.1\r\n\r\n");
	pump_until(fix.held_n == 1);
	client_open(&b);
	client_send(&b, "GET /later HTTP/1.1\r\n\r\n");
	pump_until(fix.held_n == 2);
	httpd_free(&fix.httpd);
	assert_int_equal(bug_lines, 1);
	assert_int_equal(fix.gone, 2);
	assert_int_equal(exchange_count(), 0);
	client_close(&a);
	client_close(&b);
	log_unsubscribe(count_bug_lines, NULL);
}

static void a_connection_that_was_just_accepted_is_freed(void **state)
{
	struct client c[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		client_open(&c[i]);
	while (httpd_connections(fix.httpd) == 0)
		event_base_loop(fix.base, EVLOOP_ONCE);
	httpd_free(&fix.httpd);
	for (int i = 0; i < 3; i++)
		client_wait_end(&c[i]);
	for (int i = 0; i < 3; i++)
		client_close(&c[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		http_test(the_bound_address_has_the_real_port),
		http_test(addresses_that_cannot_be_are_refused),
		http_test(an_address_in_use_is_named),
		http_test(a_listening_socket_may_be_handed_over),
		http_test(only_tcp_sockets_may_be_handed_over),
		http_test(connections_have_the_socket_options),
		http_test(a_body_over_the_limit_is_refused),
		http_test(a_chunked_body_over_the_limit_is_refused),
		http_test(headers_over_the_limit_are_refused),
		http_test(garbage_is_refused),
		http_test(ambiguous_requests_are_refused_and_end_the_connection),
		http_test(an_unread_body_is_not_taken_for_a_request),
		http_test(slow_requests_have_an_end),
		http_test(refusals_have_the_headers_of_cors),
		http_test(a_body_waits_for_authority),
		http_test(a_small_body_needs_no_question),
		http_test(idle_connections_are_closed),
		http_test(running_out_of_descriptors_is_a_pause),
		http_test(connections_over_the_limit_wait),
		http_test(silent_connections_make_room),
		http_test(stopping_lets_what_is_open_end),
		http_test(last_words_are_sent),
		http_test(exchanges_left_over_are_a_logged_bug),
		http_test(a_connection_that_was_just_accepted_is_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
