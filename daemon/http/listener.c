/* SPDX-License-Identifier: ISC */
#include "http/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/util.h>

#define BACKLOG 1024

/* What FD is bound to. Nothing but TCP: evhttp aborts when the peer of a Unix socket has bound a
 * name of its own. */
static int bound_name(int fd, char **name_r)
{
	struct sockaddr_storage ss = {0};
	socklen_t len = sizeof ss;
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (getsockname(fd, (struct sockaddr *)&ss, &len) != 0)
		return -1;
	if ((ss.ss_family != AF_INET && ss.ss_family != AF_INET6) ||
	    getnameinfo((struct sockaddr *)&ss, len, host, sizeof host, port, sizeof port,
			NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	if (asprintf(name_r, strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host, port) < 0) {
		errno = ENOMEM;
		return -1;
	}
	return 0;
}

/* A peer that vanished under a silent stream is found after about two minutes. */
static void inherit_options(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{IPPROTO_TCP, TCP_NODELAY, 1},	 {SOL_SOCKET, SO_KEEPALIVE, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, 60}, {IPPROTO_TCP, TCP_KEEPINTVL, 15},
		{IPPROTO_TCP, TCP_KEEPCNT, 4},
	};

	/* Nothing depends on them: no error stops us. */
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
		setsockopt(fd, options[i].level, options[i].name, &options[i].value,
			   sizeof(options[i].value));
}

int listener_adopt(int fd, char **name_r, struct err *e)
{
	if (evutil_make_socket_nonblocking(fd) != 0 || evutil_make_socket_closeonexec(fd) != 0 ||
	    bound_name(fd, name_r) != 0) {
		int rc = err_errno(e, "descriptor %d", fd);

		close(fd);
		return rc;
	}
	inherit_options(fd);
	return 0;
}

/* Splits "HOST:PORT" or "[HOST]:PORT". */
static int split(const char *address, char host[NI_MAXHOST], const char **port_r)
{
	const char *start = address;
	const char *end, *colon;

	if (*address == '[') {
		start++;
		end = strchr(start, ']');
		colon = end && end[1] == ':' ? end + 1 : NULL;
	} else {
		end = colon = strchr(address, ':');
		if (colon && strchr(colon + 1, ':'))
			return -1;
	}
	if (!colon || end == start || end - start >= NI_MAXHOST || colon[1] == '\0')
		return -1;
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = '\0';
	*port_r = colon + 1;
	return 0;
}

/* The port of SS, wherever its family keeps it. */
static in_port_t *port_of(struct sockaddr *sa)
{
	return sa->sa_family == AF_INET6 ? &((struct sockaddr_in6 *)(void *)sa)->sin6_port
					 : &((struct sockaddr_in *)(void *)sa)->sin_port;
}

/* A listening socket, or -1 with errno. *PORT 0: any, and then it is the one that was got. */
static int open_one(const struct addrinfo *ai, in_port_t *port)
{
	static const int on = 1;
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t len = ai->ai_addrlen;

	if (fd < 0)
		return -1;
	if (*port != 0)
		*port_of(ai->ai_addr) = *port;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
	    bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0 ||
	    getsockname(fd, ai->ai_addr, &len) != 0) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	*port = *port_of(ai->ai_addr);
	return fd;
}

/* Whether AI's address came before it in LIST: resolvers name 127.0.0.1 twice where ::1 is called
 * localhost too. */
static bool is_repeated(const struct addrinfo *list, const struct addrinfo *ai)
{
	char host[NI_MAXHOST], other[NI_MAXHOST];

	if (getnameinfo(ai->ai_addr, ai->ai_addrlen, host, sizeof host, NULL, 0, NI_NUMERICHOST) !=
	    0)
		return false;
	for (; list != ai; list = list->ai_next)
		if (getnameinfo(list->ai_addr, list->ai_addrlen, other, sizeof other, NULL, 0,
				NI_NUMERICHOST) == 0 &&
		    strcmp(host, other) == 0)
			return true;
	return false;
}

/* Opens all of LIST. How many, or -1 with errno. */
static int open_all(const struct addrinfo *list, int fds[LISTENER_MAX])
{
	in_port_t port = 0;
	int n = 0, error = 0;

	for (const struct addrinfo *ai = list; ai != NULL && n < LISTENER_MAX; ai = ai->ai_next) {
		int fd = is_repeated(list, ai) ? -2 : open_one(ai, &port);

		if (fd >= 0)
			fds[n++] = fd;
		else if (fd == -1)
			error = errno;
		/* A name may have an address of a family that this host does not have. */
		if (fd == -1 && error != EAFNOSUPPORT && error != EADDRNOTAVAIL) {
			while (n > 0)
				close(fds[--n]);
			break;
		}
	}
	errno = error;
	return n > 0 ? n : -1;
}

int listener_open(const char *address, int fds[LISTENER_MAX], struct err *e)
{
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
	};
	struct addrinfo *found;
	char host[NI_MAXHOST];
	const char *service;
	int rc;

	if (split(address, host, &service) != 0)
		return err_set(e, ERR_INVALID, "%s: expected ADDRESS:PORT", address);
	rc = getaddrinfo(host, service, &hints, &found);
	if (rc != 0)
		return err_set(e, ERR_INVALID, "%s: %s", address, gai_strerror(rc));
	rc = open_all(found, fds);
	if (rc < 0)
		rc = err_errno(e, "%s", address);
	freeaddrinfo(found);
	return rc;
}
