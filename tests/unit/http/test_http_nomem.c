/* SPDX-License-Identifier: ISC */
#include "http_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/keyvalq_struct.h>

#include "failalloc.h"

/* Lack of memory anywhere ends at most the request (or connection) that met it. The client is a
 * plain socket here: all allocations are the server's. */

static struct exchange *pending;

void *__real_malloc(size_t size); /* the linker's name for malloc() itself */

static void forget(struct exchange *x, void *arg)
{
	(void)arg;
	if (x == pending)
		pending = NULL;
}

static void serve(struct exchange *x)
{
	const char *path = exchange_path(x);

	(void)exchange_set_header(x, "Mcp-Session-Id", "abc");
	if (strcmp(path, "/st ream") == 0) {
		struct evbuffer *event = evbuffer_new();

		exchange_on_gone(x, forget, NULL);
		if (!event || exchange_stream_begin(x) != 0 ||
		    evbuffer_add(event, "data: x\n\n", 9) != 0) {
			exchange_abort(x);
		} else if (exchange_stream_write(x, event) != 0) {
			/* The stream is whole without it. */
			exchange_stream_end(x);
		} else {
			pending = x;
		}
		if (event)
			evbuffer_free(event);
	} else if (strcmp(path, "/later") == 0) {
		exchange_on_gone(x, forget, NULL);
		pending = x;
	} else {
		json_t *msg = json_pack("{s:s}", "a", "b");

		exchange_reply_json(x, 200, msg);
		json_decref(msg);
	}
}

/* evhttp 2.1.12 dereferences NULL when it lacks memory for two things: the heads of a request's
 * header lists (evhttp_request_new() frees a half-made request) and the peer's address (a half-made
 * connection has no loop). These few bytes it gets; everything else may fail. */
static void *libevent_malloc(size_t size)
{
	if (size == sizeof(struct evkeyvalq) || size == sizeof("127.0.0.1"))
		return __real_malloc(size);
	return malloc(size);
}

static void *libevent_realloc(void *p, size_t size)
{
	return realloc(p, size);
}

static void no_log(int severity, const char *text)
{
	(void)severity;
	(void)text;
}

static void turn(void)
{
	/* Once: without memory to read into, a socket stays readable. */
	for (int i = 0; i < 20; i++)
		event_base_loop(fix.base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

static int connect_plain(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	unsigned port;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_int_equal(sscanf(fix.address, "127.0.0.1:%u", &port), 1);
	to.sin_port = htons((uint16_t)port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
		assert_int_equal(errno, EINPROGRESS);
	return fd;
}

/* Everything that the HTTP side does, once. What the client got: OUT of SIZE bytes. */
static void scenario(char *out, size_t size)
{
	static const char *const requests[] = {
		"POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
		"GET /later HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /st%20ream HTTP/1.1\r\nHost: a\r\n\r\n",
		("POST /now HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
		 "3\r\nabc\r\n0\r\n\r\n"),
	};
	int fd = connect_plain();
	size_t len = 0;
	ssize_t n;

	turn();
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		(void)send(fd, requests[i], strlen(requests[i]), MSG_NOSIGNAL);
		turn();
		if (pending && i == 1)
			exchange_reply(pending, 200, "text/plain", "later", 5);
		else if (pending)
			exchange_stream_end(pending);
		pending = NULL;
		turn();
	}
	while (len < size - 1 && (n = recv(fd, out + len, size - 1 - len, 0)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	close(fd);
	turn();
}

static void any_allocation_may_fail(void **state)
{
	char out[4000];
	bool failed = true;
	long n = 0;

	(void)state;
	fix.handler = serve;
	while (failed) {
		n++;
		failalloc_at(n, false);
		scenario(out, sizeof out);
		failed = failalloc_off();
		assert_null(pending);
		assert_int_equal(exchange_count(), 0);
		assert_int_equal(httpd_connections(fix.httpd), 0);
		/* The next client is served as if nothing had been. */
		scenario(out, sizeof out);
		assert_non_null(strstr(out, "later"));
		assert_non_null(strstr(out, "9\r\ndata: x\n\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"));
		assert_non_null(strstr(out, "{\"a\":\"b\"}"));
	}
	assert_true(n > 50);
}

static int open_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Lack of memory is an error of listening, and leaves no descriptor: never a success without a
 * listener. */
static void listening_fails_when_any_allocation_does(void **state)
{
	int before = open_descriptors();
	bool failed = true;
	unsigned refused = 0;
	long n = 0;

	(void)state;
	while (failed) {
		struct err e = {0};
		char *bound = NULL;
		int rc;

		n++;
		failalloc_at(n, false);
		rc = httpd_listen(fix.httpd, "127.0.0.1:0", &bound, &e);
		failed = failalloc_off();
		if (rc != 0) {
			assert_true(failed);
			assert_int_equal(rc, ERR_NOMEM);
			assert_int_equal(e.code, ERR_NOMEM);
			assert_null(bound);
			assert_int_equal(open_descriptors(), before);
			refused++;
			continue;
		}
		assert_int_equal(open_descriptors(), ++before);
		free(bound);
	}
	assert_true(refused >= 3);
}

static void with_no_memory_at_all_nothing_breaks(void **state)
{
	char out[4000];

	(void)state;
	fix.handler = serve;
	for (long n = 1; n < 200; n++) {
		failalloc_at(n, true);
		scenario(out, sizeof out);
		failalloc_off();
		turn(); /* now it can see that the client left */
		assert_null(pending);
		assert_int_equal(exchange_count(), 0);
		assert_int_equal(httpd_connections(fix.httpd), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		http_test(any_allocation_may_fail),
		http_test(listening_fails_when_any_allocation_does),
		http_test(with_no_memory_at_all_nothing_breaks),
	};

	failalloc_install();
	event_set_log_callback(no_log);
	event_set_mem_functions(libevent_malloc, libevent_realloc, free);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
