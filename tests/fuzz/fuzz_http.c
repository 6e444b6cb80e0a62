/* SPDX-License-Identifier: ISC */
/* Any bytes on a connection to the real HTTP side: every exchange is ended, the connection goes,
 * and nothing of a request gets into the head of an answer. The first byte is how many bytes come
 * at a time. */
#include "http_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "lib/log.h"

#define MAX_PENDING 64

static struct exchange *pending[MAX_PENDING];
static size_t n_pending;

static void forget(struct exchange *x, void *arg)
{
	(void)arg;
	for (size_t i = 0; i < n_pending; i++)
		if (pending[i] == x)
			pending[i] = NULL;
}

static void hold(struct exchange *x)
{
	MUST(n_pending < MAX_PENDING);
	pending[n_pending++] = x;
	exchange_on_gone(x, forget, NULL);
}

static void stream(struct exchange *x)
{
	struct evbuffer *event = evbuffer_new();

	evbuffer_add(event, "data: x\n\n", 9);
	if (exchange_stream_begin(x) != 0)
		exchange_abort(x);
	else if (exchange_stream_write(x, event) != 0)
		exchange_stream_end(x);
	else
		hold(x);
	evbuffer_free(event);
}

/* Puts what the client sent into the answer, where it must not do harm. */
static void serve(struct exchange *x)
{
	const char *path = exchange_path(x), *query = exchange_query(x);
	const char *accept = exchange_header(x, "Accept");
	size_t len;
	char *body = exchange_take_body(x, &len);

	MUST(path && exchange_peer(x) && body && len <= 1000);
	free(body);
	MUST(exchange_header_count(x, "Accept") > 0 || !accept);
	(void)exchange_set_header(x, "X-Path", path);
	if (query)
		(void)exchange_set_header(x, "X-Query", query);
	if ((accept = exchange_header(x, "Accept")))
		(void)exchange_set_header(x, "X-Accept", accept);
	if (strcmp(path, "/later") == 0)
		hold(x);
	else if (strcmp(path, "/stream") == 0)
		stream(x);
	else
		exchange_reply(x, 200, "text/plain", "ok\n", 3);
}

static void turn(void)
{
	for (int i = 0; i < 4; i++)
		event_base_loop(fix.base, EVLOOP_NONBLOCK);
}

static int connect_plain(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	/* Closing resets: ports do not linger. */
	const struct linger reset = {1, 0};
	unsigned port;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	MUST(fd >= 0 && sscanf(fix.address, "127.0.0.1:%u", &port) == 1);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	to.sin_port = htons((uint16_t)port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)connect(fd, (struct sockaddr *)&to, sizeof to);
	return fd;
}

/* Takes what came, and looks at the beginning of it. */
static void receive(int fd, bool *first)
{
	char buf[16384];
	ssize_t n = recv(fd, buf, sizeof buf - 1, 0);

	if (n <= 0)
		return;
	buf[n] = '\0';
	if (*first)
		MUST(strncmp(buf, "HTTP/", 5) == 0); /* evhttp echoes a nonsense version */
	*first = false;
	MUST(!memmem(buf, (size_t)n, "\nInjected:", 10));
}

static void finish_pending(void)
{
	for (size_t i = 0; i < n_pending; i++) {
		struct exchange *x = pending[i];

		pending[i] = NULL;
		if (!x)
			continue;
		if (strcmp(exchange_path(x), "/later") == 0)
			exchange_reply(x, 200, NULL, NULL, 0);
		else
			exchange_stream_end(x);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	log_set_level(LOGL_ERROR);
	fixture_setup(NULL);
	alarm(0);
	fix.handler = serve;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t step = size > 0 ? (size_t)data[0] + 1 : 1;
	bool first = true;
	int fd = connect_plain();

	n_pending = 0;
	for (size_t at = 1; at < size; at += step) {
		size_t n = size - at < step ? size - at : step;

		/* What does not fit any more was not read, because the connection is over. */
		(void)send(fd, data + at, n, MSG_NOSIGNAL);
		turn();
	}
	turn();
	receive(fd, &first);
	finish_pending();
	turn();
	receive(fd, &first);
	finish_pending(); /* pipelined behind them */
	close(fd);
	for (int i = 0; i < 1000 && httpd_connections(fix.httpd) > 0; i++) {
		turn();
		finish_pending();
	}
	turn();
	MUST(httpd_connections(fix.httpd) == 0 && exchange_count() == 0);
	return 0;
}
