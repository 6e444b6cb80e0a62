/* SPDX-License-Identifier: ISC */
/* relay.c: the least that a relay in front of a stdio server can do: the body of a request goes to
 * the child as a line, and the line that the child answers with goes into an HTTP answer, read and
 * written 64 KiB at a time. No JSON, no sessions, one request after another. What mcpd is measured
 * against where messages are large.
 *
 *   relay PROGRAM [ARGUMENT...] */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#define STEP	    ((size_t)65536)
#define CONNECTIONS 64

static struct {
	char *text;
	size_t size;
} request;

static int to_child, from_child;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static bool put(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len < STEP ? len : STEP);

		if (n <= 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

/* Reads a request from FD: where its body is and how long. False: the client has gone. */
static bool get(int fd, const char **body_r, size_t *len_r)
{
	size_t len = 0, want = 0;

	for (;;) {
		ssize_t n;
		char *end, *length;

		if (request.size < len + STEP + 1) {
			request.size = 2 * (len + STEP + 1);
			request.text = realloc(request.text, request.size);
			if (!request.text)
				die("relay");
		}
		n = read(fd, request.text + len, STEP);
		if (n <= 0)
			return false;
		len += (size_t)n;
		request.text[len] = '\0';
		end = want > 0 ? NULL : strstr(request.text, "\r\n\r\n");
		if (end) {
			length = strcasestr(request.text, "\r\nContent-Length:");
			*len_r = length ? strtoul(length + 17, NULL, 10) : 0;
			want = (size_t)(end + 4 - request.text) + *len_r;
		}
		if (want > 0 && len >= want) {
			*body_r = request.text + want - *len_r;
			return true;
		}
	}
}

/* Copies one line of the child to FD, as chunks. */
static bool copy(int fd)
{
	static char buf[STEP];
	ssize_t n;

	do {
		char size[16], line_end[] = "\r\n";
		struct iovec parts[] = {{.iov_base = size}, {.iov_base = buf}, {line_end, 2}};
		size_t len;

		n = read(from_child, buf, sizeof buf);
		if (n <= 0)
			die("relay: the child");
		parts[0].iov_len = (size_t)snprintf(size, sizeof size, "%zx\r\n", (size_t)n);
		parts[1].iov_len = (size_t)n;
		len = parts[0].iov_len + (size_t)n + 2;
		/* The socket blocks: less is written only when the client goes. */
		if (writev(fd, parts, 3) != (ssize_t)len)
			return false;
	} while (buf[n - 1] != '\n');
	return put(fd, "0\r\n\r\n", 5);
}

static bool serve(int fd)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
				   "Transfer-Encoding: chunked\r\n\r\n";
	const char *body;
	size_t len;

	return get(fd, &body, &len) && put(to_child, body, len) && put(to_child, "\n", 1) &&
	       put(fd, head, sizeof head - 1) && copy(fd);
}

static void start(char **argv)
{
	int in[2], out[2];
	pid_t pid = -1;

	if (pipe(in) == 0 && pipe(out) == 0)
		pid = fork();
	if (pid < 0)
		die("relay");
	if (pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		close(in[1]);
		close(out[0]);
		execv(argv[0], argv);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	to_child = in[1];
	from_child = out[0];
}

static int listen_here(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof sin;
	static const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
	    bind(fd, (struct sockaddr *)&sin, sizeof sin) != 0 || listen(fd, 64) != 0 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) != 0)
		die("relay: 127.0.0.1");
	printf("127.0.0.1:%d\n", ntohs(sin.sin_port));
	fflush(stdout);
	return fd;
}

int main(int argc, char **argv)
{
	struct pollfd fds[CONNECTIONS + 1];
	nfds_t n = 1;

	if (argc < 2) {
		fprintf(stderr, "usage: relay PROGRAM [ARGUMENT...]\n");
		return 64;
	}
	signal(SIGPIPE, SIG_IGN);
	start(argv + 1);
	fds[0] = (struct pollfd){.fd = listen_here(), .events = POLLIN};
	while (poll(fds, n, -1) > 0) {
		for (nfds_t i = n - 1; i > 0; i--) {
			if (!fds[i].revents || serve(fds[i].fd))
				continue;
			close(fds[i].fd);
			fds[i] = fds[--n];
		}
		if (fds[0].revents && n <= CONNECTIONS) {
			fds[n] = (struct pollfd){.fd = accept(fds[0].fd, NULL, NULL),
						 .events = POLLIN};
			n += fds[n].fd >= 0;
		}
	}
	return 1;
}
