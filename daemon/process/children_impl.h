/* SPDX-License-Identifier: ISC */
/* children_impl.h: the set of children and one child, for children.c and child.c alone. */
#ifndef MCPD_CHILDREN_IMPL_H
#define MCPD_CHILDREN_IMPL_H

#include <event2/event_struct.h>
#include <sys/queue.h>

#include "base/budget.h"
#include "base/defer.h"
#include "base/pace.h"
#include "base/procinfo.h"
#include "process/cgroup.h"
#include "process/children.h"
#include "process/children_log.h"
#include "process/children_places.h"
#include "process/children_spawn.h"
#include "process/children_watch.h"

#define CHILDREN_BUCKETS 256
#define CHILD_MARK	 "MCPD_CHILD="

TAILQ_HEAD(child_list, child);

struct children {
	struct event_base *base;
	struct children_limits limits;
	struct places *places;
	struct event sigchld;
	struct child_list all;
	LIST_HEAD(, child)
	by_pid[CHILDREN_BUCKETS]; /* those not reaped; takes no memory to add to */
	unsigned n;
	char mark[sizeof CHILD_MARK + 32]; /* CHILD_MARK and what is random about this daemon */
	unsigned long last_serial;
	struct watch watch;
	struct defer scan;
	void (*scan_fn)(void *arg); /* of children.c; ARG is the set */
	struct defer empty;
	void (*empty_fn)(void *arg);
	void *empty_arg;
};

/* Each phase but the first has a timer that leads to the next. */
enum child_phase {
	CHILD_RUNNING,
	CHILD_CLOSING,	  /* stdin is closed or about to be; SIGTERM comes next */
	CHILD_TERMINATED, /* SIGTERM was sent; SIGKILL comes next */
	CHILD_KILLED,	  /* SIGKILL was sent; the kernel has to end the child */
	CHILD_LINGERING,  /* it was reaped; others hold its group or its output; SIGKILL comes next
			   */
	CHILD_HAUNTED,	  /* they were killed too; giving up comes next */
};

struct child {
	TAILQ_ENTRY(child) entry;
	LIST_ENTRY(child) bucket;
	TAILQ_ENTRY(child) look; /* while look_due */
	struct children *set;
	const struct child_events *events; /* NULL: abandoned */
	void *arg;
	const char *name;
	char *peer, *holder, *session;
	size_t max_backlog;
	unsigned long serial;
	pid_t pid;
	pid_t group; /* the same; 0 when nobody is left in it */
	int status;  /* once reaped */
	bool reaped, finished, closing_stdin, was_stopped;
	bool paused;		 /* stdout */
	bool look_due;		 /* at its processes; children_watch.c */
	struct proclist noted;	 /* what the keeper was told last; the child itself is the first */
	struct pace stderr_pace; /* of reading stderr, where that goes to the log */
	size_t stderr_read;	 /* bytes since it was put off last */
	enum child_phase phase;
	size_t enlarged; /* bytes that the pipe of its output has more than others (pipesize.h) */
	bool tried_to_enlarge;
	struct spawn_pipes pipes;
	struct event in_ev, out_ev, err_ev, timer;
	struct evbuffer *in, *out, *err;
	struct budget_buffer in_held, out_held;
	struct children_log log;
	struct cgroup *cgroup; /* NULL: none of its own */
	struct defer release;
};

/* children_set.c: removes C, which has ended and has no owner, from the set. */
void children_remove(struct child *c);
/* children_set.c: C's number is not to be looked up any more. */
void children_forget(struct child *c);
/* children_set.c: the child that is not reaped yet and has this PID; NULL: none. */
struct child *children_find(const struct children *cs, pid_t pid);
/* children_set.c: in a later turn what children that are over have left behind is looked for and
 * killed. */
void children_scan_soon(struct children *cs);

/* child.c: a child that is not running yet: buffers, pipes and events. NULL with E filled. */
struct child *child_prepare(struct children *cs, const struct child_spec *spec,
			    const struct child_events *events, void *arg, struct err *e);
/* Undoes child_prepare(), or frees a child that is over. */
void child_discard(struct child *c);
/* C was reaped, with STATUS. */
void child_reaped(struct child *c, int status);
/* Another process was reaped: checks whether the group of C is empty now. */
void child_look(struct child *c);

#endif
