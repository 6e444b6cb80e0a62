/* SPDX-License-Identifier: ISC */
/* peerproc.h: whether the process at the other end of a Unix socket belongs to the family of one of
 * ours.
 *
 * The kernel tells which process has connected (SO_PEERCRED of unix(7)); its parents are read from
 * /proc, by process id and start time. For the control socket, and for Unix sockets that MCP is
 * served on. */
#ifndef MCPD_PEERPROC_H
#define MCPD_PEERPROC_H

#include <sys/types.h>

enum peerproc {
	PEERPROC_OTHER,	 /* no descendant: also a process of a PID namespace that is not ours or
			    below ours */
	PEERPROC_FAMILY, /* a descendant of the process that was named */
	PEERPROC_GONE,	 /* it has ended since it connected, so that nobody can tell whose it was */
	PEERPROC_HIDDEN, /* /proc does not show it, or one of its parents (hidepid of proc(5)) */
};

/* Looks at the peer of the connected socket FD: does it descend from ROOT? ROOT itself does not. */
enum peerproc peerproc_look(int fd, pid_t root);

#endif
