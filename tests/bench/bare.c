/* SPDX-License-Identifier: ISC */
/* bare.c: the least that evhttp can do: every request gets the same body. What mcpd's `ping` is
 * measured against. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

static void answer(struct evhttp_request *req, void *body)
{
	struct evbuffer *buf = evbuffer_new();

	evbuffer_add(buf, body, strlen(body));
	evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Type",
			  "application/json");
	evhttp_send_reply(req, HTTP_OK, "OK", buf);
	evbuffer_free(buf);
}

/* Without it small answers would wait for acknowledgements; accepted sockets inherit it. */
static int no_delay(int fd)
{
	static const int on = 1;

	return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int main(int argc, char **argv)
{
	struct event_base *base = event_base_new();
	struct evhttp *http = base ? evhttp_new(base) : NULL;
	struct evhttp_bound_socket *bound;
	struct sockaddr_in sin;
	socklen_t len = sizeof sin;
	int fd;

	if (argc != 2 || !http) {
		fprintf(stderr, "usage: bare BODY\n");
		return 64;
	}
	signal(SIGPIPE, SIG_IGN);
	evhttp_set_gencb(http, answer, argv[1]);
	bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);
	if (!bound) {
		perror("bare: 127.0.0.1");
		return 1;
	}
	fd = evhttp_bound_socket_get_fd(bound);
	if (no_delay(fd) != 0 || getsockname(fd, (struct sockaddr *)&sin, &len) != 0) {
		perror("bare");
		return 1;
	}
	printf("127.0.0.1:%d\n", ntohs(sin.sin_port));
	fflush(stdout);
	return event_base_dispatch(base) == 0 ? 0 : 1;
}
