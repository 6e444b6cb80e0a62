/* Any bytes before the gate: whether they come at once or in pieces, the same requests reach the
 * handler, with the same bodies, and the same answers come back; each request ends once. The first
 * byte is how many bytes come at a time. */
#include "http_fixture.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fuzz.h"
#include "log.h"

#define MAX_SEEN 8192
#define QUIET_MS 100

/* What was seen of one connection: requests as the handler saw them, and the statuses. */
struct seen {
	char requests[MAX_SEEN], statuses[MAX_SEEN];
	size_t n_requests, n_statuses;
};

static struct seen *now;

static void note(char text[MAX_SEEN], size_t *n, const void *what, size_t len)
{
	if (len > MAX_SEEN - *n)
		len = MAX_SEEN - *n;
	memcpy(text + *n, what, len);
	*n += len;
}

static void serve(struct exchange *x)
{
	size_t len;
	const char *body = exchange_body(x, &len);
	enum exchange_method method = exchange_method(x);

	MUST(body && len <= 1000);
	note(now->requests, &now->n_requests, &method, sizeof method);
	note(now->requests, &now->n_requests, exchange_path(x), strlen(exchange_path(x)));
	note(now->requests, &now->n_requests, body, len);
	exchange_reply(x, 200, NULL, NULL, 0);
}

static int connect_plain(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
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

static void turn(void)
{
	for (int i = 0; i < 4; i++)
		event_base_loop(fix.base, EVLOOP_NONBLOCK);
}

/* What was sent has arrived, and was looked at. */
static void deliver(int fd)
{
	for (int left = 1, i = 0; left > 0 && i < 1000; i++) {
		turn();
		if (ioctl(fd, SIOCOUTQ, &left) < 0)
			return;
		if (left > 0)
			sched_yield();
	}
	turn();
}

/* Takes everything that comes, and then the statuses in it. */
static void receive(int fd)
{
	static char all[1 << 20];
	size_t len = 0;
	ssize_t n;

	do {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		turn();
		n = poll(&p, 1, QUIET_MS) > 0 ? recv(fd, all + len, sizeof all - len, 0) : -1;
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	for (char *at = all; (at = memmem(at, (size_t)(all + len - at), "HTTP/1.", 7)); at++)
		if (all + len - at >= 12)
			note(now->statuses, &now->n_statuses, at + 8, 4);
}

static void run(struct seen *s, const uint8_t *data, size_t size, size_t step)
{
	int fd = connect_plain();

	now = s;
	s->n_requests = s->n_statuses = 0;
	for (size_t at = 0; at < size; at += step) {
		size_t n = size - at < step ? size - at : step;

		(void)send(fd, data + at, n, MSG_NOSIGNAL);
		deliver(fd);
	}
	/* Whatever is ready is served: pieces of the input are read 4 KiB at a time. */
	for (size_t i = 0; i <= size / 1000; i++)
		turn();
	receive(fd);
	close(fd);
	for (int i = 0; i < 1000 && httpd_connections(fix.httpd) > 0; i++)
		turn();
	turn();
	MUST(httpd_connections(fix.httpd) == 0 && exchange_count() == 0);
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
	static struct seen whole, split;

	if (size < 2 || size > 20000)
		return 0;
	run(&whole, data + 1, size - 1, size);
	run(&split, data + 1, size - 1, (size_t)data[0] + 1);
	MUST(memcmp(whole.requests, split.requests, whole.n_requests) == 0);
	MUST(memcmp(whole.statuses, split.statuses, whole.n_statuses) == 0);
	return 0;
}
