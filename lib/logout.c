/* SPDX-License-Identifier: ISC */
#include "lib/logout.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/event_struct.h>

const char *logout_syslog_path = "/dev/log";

/* A process has one log. */
static struct {
	bool syslog;
	int fd; /* standard error, or a socket to /dev/log; -1: there is none just now */
	struct evbuffer
		*waiting; /* whole lines, but for the first one, whose beginning may be out */
	struct event_base *base;
	struct event writable;
	void (*on_room)(void);
	bool full; /* lines are being lost */
	bool busy; /* inside of libevent for this file, which may log */
	unsigned long lost;
	int why;
} out = {.fd = STDERR_FILENO};

static bool is_gone(int error)
{
	return error == ECONNREFUSED || error == ECONNRESET || error == ENOTCONN ||
	       error == EPIPE || error == EDESTADDRREQ || error == EBADF;
}

/* A new socket to the system's log, if a daemon listens there. */
static void connect_syslog(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strncpy(address.sun_path, logout_syslog_path, sizeof address.sun_path - 1);
	if (out.fd >= 0)
		close(out.fd);
	out.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (out.fd >= 0 && connect(out.fd, (const struct sockaddr *)&address, sizeof address) < 0) {
		close(out.fd);
		out.fd = -1;
	}
}

static ssize_t send_datagram(const char *line, size_t len)
{
	ssize_t n = out.fd >= 0 ? send(out.fd, line, len - 1, MSG_NOSIGNAL | MSG_DONTWAIT) : -1;

	return n < 0 && (errno == ENOBUFS || errno == EINTR) ? (errno = EAGAIN, -1) : n;
}

/* Sends one line without its newline. How much of LINE is out: all, 0 (it would wait), or -1 with
 * errno. */
static ssize_t write_syslog(const char *line, size_t len)
{
	ssize_t n;

	errno = ENOTCONN;
	n = send_datagram(line, len);
	if (n < 0 && (out.fd < 0 || is_gone(errno))) {
		connect_syslog(); /* the system's log may have been restarted */
		errno = ENOTCONN;
		n = send_datagram(line, len);
	}
	if (n >= 0)
		return (ssize_t)len;
	return errno == EAGAIN ? 0 : -1;
}

/* The same for standard error, whose flags belong to others, too, so that it may block: asked
 * first, it takes PIPE_BUF bytes at once. */
static ssize_t write_stderr(const char *buf, size_t len)
{
	struct pollfd pfd = {.fd = STDERR_FILENO, .events = POLLOUT};
	ssize_t n;

	if (poll(&pfd, 1, 0) != 1)
		return 0;
	errno = EBADF;
	if (pfd.revents & POLLNVAL)
		return -1;
	do
		n = write(STDERR_FILENO, buf, len);
	while (n < 0 && errno == EINTR);
	return n < 0 && errno == EAGAIN ? 0 : n;
}

static ssize_t write_out(const char *buf, size_t len)
{
	return out.syslog ? write_syslog(buf, len) : write_stderr(buf, len);
}

static void count_lost(unsigned long n, int why)
{
	out.lost += n;
	out.why = why;
}

static unsigned long count_lines(const char *buf, size_t len)
{
	unsigned long n = 0;

	for (const char *p = buf; (p = memchr(p, '\n', len - (size_t)(p - buf))) != NULL; p++)
		n++;
	return n;
}

/* Writes as much as goes without waiting. */
static void write_waiting(void)
{
	char buf[PIPE_BUF];
	ssize_t len, n = 1;

	while (n != 0 && (len = evbuffer_copyout(out.waiting, buf, sizeof buf)) > 0) {
		const char *end = out.syslog ? memchr(buf, '\n', (size_t)len)
					     : memrchr(buf, '\n', (size_t)len);
		size_t chunk = end ? (size_t)(end - buf) + 1 : (size_t)len;

		n = write_out(buf, chunk);
		if (n < 0)
			count_lost(count_lines(buf, chunk), errno);
		evbuffer_drain(out.waiting, n < 0 ? chunk : (size_t)n);
	}
}

static bool is_waiting(void)
{
	return out.waiting && evbuffer_get_length(out.waiting) > 0;
}

static void watch(void);

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	out.busy = true;
	write_waiting();
	out.busy = false;
	if (out.on_room)
		out.on_room();
	watch();
}

/* Has the loop call when there is room. */
static void watch(void)
{
	if (!out.base || out.busy || out.fd < 0 || !is_waiting() ||
	    event_pending(&out.writable, EV_WRITE, NULL))
		return;
	out.busy = true;
	if (event_assign(&out.writable, out.base, out.fd, EV_WRITE, on_writable, NULL) == 0)
		event_add(&out.writable, NULL);
	out.busy = false;
}

static bool wait_in_memory(const char *buf, size_t len)
{
	/* Once lines are lost, they are until half of the room is free: a few long gaps instead of
	 * many short ones. */
	size_t limit = out.full ? LOGOUT_MAX_WAITING / 2 : LOGOUT_MAX_WAITING;

	if (!out.waiting)
		out.waiting = evbuffer_new();
	out.full = !out.waiting || evbuffer_get_length(out.waiting) + len > limit ||
		   evbuffer_add(out.waiting, buf, len) < 0;
	if (out.full)
		count_lost(1, 0);
	else
		watch();
	return !out.full;
}

bool logout_line(const char *line, size_t len)
{
	ssize_t n = 0;

	if (is_waiting() && !out.busy)
		write_waiting();
	if (!is_waiting())
		n = write_out(line, len);
	if (n < 0) {
		count_lost(1, errno);
		return false;
	}
	return (size_t)n == len || wait_in_memory(line + n, len - (size_t)n);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void logout_flush(int ms)
{
	int64_t end = now_ms() + ms, left = ms;

	while (is_waiting() && left >= 0) {
		struct pollfd pfd = {.fd = out.fd, .events = POLLOUT};

		if (poll(&pfd, 1, (int)left) > 0)
			write_waiting();
		left = end - now_ms();
	}
}

void logout_open(bool syslog)
{
	out.syslog = syslog;
	out.fd = STDERR_FILENO;
	if (!syslog)
		return;
	out.fd = -1;
	connect_syslog();
}

void logout_attach(struct event_base *base, void (*on_room)(void))
{
	if (out.base)
		event_del(&out.writable);
	out.base = base;
	out.on_room = on_room;
	if (base)
		event_assign(&out.writable, base, -1, EV_WRITE, on_writable, NULL);
	watch();
}

void logout_close(void)
{
	char buf[PIPE_BUF];
	ssize_t n;

	while (is_waiting() && (n = evbuffer_remove(out.waiting, buf, sizeof buf)) > 0)
		count_lost(count_lines(buf, (size_t)n), 0);
	if (out.waiting)
		evbuffer_free(out.waiting);
	out.waiting = NULL;
	if (out.syslog && out.fd >= 0)
		close(out.fd);
	out.syslog = false;
	out.fd = STDERR_FILENO;
}

unsigned long logout_lost(void)
{
	return out.lost;
}

int logout_lost_why(void)
{
	return out.why;
}
