/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "process/peerproc.h"

#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/procinfo.h"
#include "lib/err.h"

#ifndef SO_PEERPIDFD /* Linux 6.5 */
#define SO_PEERPIDFD 77
#endif

#define MAX_DEPTH   1024 /* of parents; a chain that is longer counts as hidden */
#define MAX_RETRIES 8	 /* parents that end while they are read */

/* A descriptor of the process that connected, whatever has its number now; -1: this kernel has
 * none. */
static int peer_pidfd(int fd)
{
	socklen_t len = sizeof fd;
	int pidfd = -1;

	return getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) == 0 ? pidfd : -1;
}

static bool has_ended(int pidfd)
{
	struct pollfd pfd = {.fd = pidfd, .events = POLLIN};

	return pidfd >= 0 && poll(&pfd, 1, 0) > 0;
}

/* One way up. ERR_CLOSED: a process on the way has ended meanwhile, so that the way means nothing.
 */
static int climb(pid_t pid, pid_t root, enum peerproc *verdict_r)
{
	struct procinfo p, parent;
	int rc = procinfo_read(pid, &p);

	*verdict_r =
		rc == ERR_NOTFOUND || (rc == 0 && p.state == 'Z') ? PEERPROC_GONE : PEERPROC_HIDDEN;
	if (rc < 0 || p.state == 'Z' || p.state == 'X')
		return 0;
	*verdict_r = PEERPROC_OTHER;
	for (int depth = 0; p.id.pid != root && p.parent > 0; depth++, p = parent) {
		rc = p.parent == root ? 0 : procinfo_read(p.parent, &parent);
		if (p.parent == root)
			*verdict_r = PEERPROC_FAMILY;
		else if (rc == ERR_DENIED || depth == MAX_DEPTH)
			*verdict_r = PEERPROC_HIDDEN;
		if (*verdict_r != PEERPROC_OTHER)
			return 0;
		/* A parent is older than its child, also one that has adopted the child. */
		if (rc < 0 || parent.id.start > p.id.start)
			return ERR_CLOSED;
	}
	return 0;
}

/* Two ways up have to say the same: parents may have ended, and their numbers been given away, on
 * one. */
static enum peerproc climb_surely(pid_t pid, pid_t root)
{
	enum peerproc first, second;

	for (int i = 0; i < MAX_RETRIES; i++)
		if (climb(pid, root, &first) == 0 && climb(pid, root, &second) == 0 &&
		    first == second)
			return first;
	return PEERPROC_HIDDEN;
}

enum peerproc peerproc_look(int fd, pid_t root)
{
	struct ucred cred;
	socklen_t len = sizeof cred;
	enum peerproc verdict;
	int pidfd;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return PEERPROC_GONE;
	/* It has no number in our PID namespace, which every descendant of ours has. */
	if (cred.pid <= 0)
		return PEERPROC_OTHER;
	pidfd = peer_pidfd(fd);
	verdict = climb_surely(cred.pid, root);
	/* Only after the look: the number was its own all the while. */
	if (has_ended(pidfd))
		verdict = PEERPROC_GONE;
	if (pidfd >= 0)
		close(pidfd);
	return verdict;
}
