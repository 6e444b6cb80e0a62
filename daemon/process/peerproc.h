/* SPDX-License-Identifier: ISC */
/* peerproc.h: whether the process at the other end of a Unix socket descends from a given process.
 *
 * The kernel tells which process has connected (SO_PEERCRED of unix(7)); its parents are read from
 * /proc, by process id and start time. For the control socket, and for Unix sockets that MCP is
 * served on. */
#ifndef MCPD_PEERPROC_H
#define MCPD_PEERPROC_H

#include <sys/types.h>

enum peerproc {
	PEERPROC_OTHER,	 /* no descendant, or a process outside of the PID namespace of the
			    daemon */
	PEERPROC_FAMILY, /* a descendant of the process that was named */
	PEERPROC_GONE,	 /* the peer has ended since it connected, so its parents are not known */
	PEERPROC_HIDDEN, /* /proc does not show the peer, or one of its parents (hidepid of proc(5))
			  */
};

/* Looks at the peer of the connected socket FD: does it descend from ROOT? ROOT itself does not. */
enum peerproc peerproc_look(int fd, pid_t root);

#endif
