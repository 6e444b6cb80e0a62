/* SPDX-License-Identifier: ISC */
/* children_spawn.h: from a specification to a running process. For children.c alone. */
#ifndef MCPD_CHILDREN_SPAWN_H
#define MCPD_CHILDREN_SPAWN_H

#include <sys/types.h>

#include "lib/err.h"

struct child_spec;

/* The daemon's ends of the child's three streams, non-blocking; the child's ends until the fork. */
struct spawn_pipes {
	int ours[3];
	int theirs[3];
};

/* Makes the three pipes. 0 or ERR_IO (EMFILE and the like). */
int spawn_pipes_open(struct spawn_pipes *p, struct err *e);
/* Closes what is still open of both sides. */
void spawn_pipes_close(struct spawn_pipes *p);

/* Forks and executes SPEC in its own process group, with MARKER ("K=V") added to its environment,
 * and in the cgroup whose cgroup.procs is open as CGROUP (-1: none). On success *PID_R is the child
 * and its ends of the pipes are closed here.
 *
 * An error between fork and exec is reported through a pipe that exec closes. The daemon waits for
 * the report, so that the caller gets the reason, but at most a quarter of a second (a file system
 * that hangs). After that the child counts as started; a later error is written to its stderr, and
 * its status is 127.
 *
 * ERR_NOTFOUND (program, its interpreter or cwd), ERR_LIMIT (EAGAIN), ERR_INVALID (arguments too
 * long), ERR_NOMEM, ERR_IO. A process that failed this way was reaped. */
int spawn_process(const struct child_spec *spec, const char *marker, int cgroup,
		  struct spawn_pipes *p, pid_t *pid_r, struct err *e);

#endif
