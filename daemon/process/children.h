/* SPDX-License-Identifier: ISC */
/* children.h: the only file pair that forks, signals and waits.
 *
 * A child is in the list from the fork until the child was reaped and its output is at EOF, in
 * either order. Each child has its own process group, and is a subreaper: its descendants stay
 * below it and are signalled with it. The daemon is a subreaper too, so it kills and reaps the
 * processes that a child leaves at its end. Nothing here blocks, and no shell is used. */
#ifndef MCPD_CHILDREN_H
#define MCPD_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"

struct budget;
struct event_base;
struct evbuffer;
struct mask;
struct proclist;
struct children;
struct cgroup_limits;
struct cgroups;
struct child;
struct sandbox;
struct sandbox_rules;

struct children_limits {
	unsigned max;	       /* in all; 0: none (likewise below) */
	unsigned max_per_peer; /* for one child_spec.peer */
	unsigned share;	       /* percent that one child_spec.holder has of each; 0: no shares */
	int64_t term_after_ms; /* after stdin was closed: SIGTERM (default 2000) */
	int64_t kill_after_ms; /* after SIGTERM: SIGKILL (default 3000) */
};

struct child_spec {
	const char *name;     /* the backend's, for the log; lives as long as the daemon */
	unsigned max_of_name; /* how many children may have this name; 0: any number */
	const char *peer;     /* the client's address, for max_per_peer; NULL: nobody's; copied */
	const char *holder;   /* the holder of its places (share.h); NULL: none; copied */
	const char *session; /* the id of the session that it serves alone, for the log; NULL: none;
				copied */
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in the child's PATH */
	const char *const *env;	 /* NULL-terminated "K=V": the whole environment of the child, but
				    for MCPD_CHILD, the mark by which its descendants are known */
	const char *cwd;	 /* NULL: the daemon's */
	const struct mask
		*mask; /* values that its stderr must not bring into the log; copied; NULL: none */
	size_t max_backlog;	 /* bytes of memory for what waits to be written to stdin before
				    child_write_buffer() refuses */
	struct budget *budget;	 /* where that is counted, and output that waits; NULL: in the whole
				    daemon's; borrowed */
	struct sandbox *sandbox; /* what is hidden from the child; NULL: nothing */
	const struct sandbox_rules *rules;  /* what else the child is limited to; NULL: nothing */
	struct cgroups *cgroups;	    /* NULL: the child gets no cgroup */
	const struct cgroup_limits *limits; /* of the child's cgroup */
	unsigned files;			    /* RLIMIT_NOFILE; 0: as the daemon found it */
};

/* All run from the loop, never from inside a call of the owner's. */
struct child_events {
	/* There is output in IN. The owner drains what it can use; the rest stays in IN. */
	void (*on_stdout)(struct child *c, struct evbuffer *in, void *arg);
	/* The child closed its stdout, or its stdin with something unread, though it may live on.
	 * Maybe more than once. May be NULL. */
	void (*on_eof)(struct child *c, void *arg);
	/* May be NULL: then stderr goes to the log, a line each, masked, escaped, rate limited. */
	void (*on_stderr)(struct child *c, struct evbuffer *in, void *arg);
	/* Reaped and at EOF; once, last. STATUS as from waitpid(). The child is dead after it
	 * returns. */
	void (*on_exit)(struct child *c, int status, void *arg);
};

/* Installs SIGCHLD on BASE, ignores SIGPIPE and makes the daemon a subreaper. */
struct children *children_new(struct event_base *base, const struct children_limits *limits,
			      struct err *e);
/* Kills (SIGKILL to each group) and reaps all children that are left, and waits half a second at
 * most for the kernel to end them. */
void children_free(struct children **cs);

/* Starts a child. ERR_NOTFOUND (program missing, not executable, or cwd missing: the text says
 * which), ERR_LIMIT (a cap, which the text names; EAGAIN), ERR_INVALID (arguments too long),
 * ERR_IO, ERR_NOMEM. On failure no callback ever comes. */
int children_spawn(struct children *cs, const struct child_spec *spec,
		   const struct child_events *events, void *arg, struct child **child_r,
		   struct err *e);

/* Queues DATA, which is drained, for the child's stdin. ERR_CLOSED (stdin closed or child over),
 * ERR_LIMIT (backlog full: the child does not read) or ERR_DENIED (too large for what the budget
 * has left). Nothing is queued or drained on failure. */
int child_write_buffer(struct child *c, struct evbuffer *data);

/* Closes stdin once what is queued has gone out. */
void child_close_stdin(struct child *c);
/* Starts the ladder: close stdin, then SIGTERM, then SIGKILL, each to the whole group. Idempotent.
 */
void child_stop(struct child *c);
/* At once: SIGKILL to the group. */
void child_kill(struct child *c);
/* The owner goes away: no more events; the ladder starts and goes on without it. */
void child_abandon(struct child *c);

pid_t child_pid(const struct child *c);
/* Adds the descendants of C, whatever session and group they are in, at most some thousands. Reads
 * /proc. */
void child_tree(const struct child *c, struct proclist *l);
/* Adds C itself, then its descendants, those near C first: no more are looked for once there are
 * MAX in the list. Nothing once it was reaped. Reads /proc. */
void child_processes(const struct child *c, struct proclist *l, size_t max);
/* TEXT without the values of child_spec.mask. malloc'd; NULL on lack of memory. */
char *child_masked(const struct child *c, const char *text);
/* Stops reading stdout until child_resume(), child_abandon() or the end of C. Idempotent; may be
 * called inside on_stdout. */
void child_pause(struct child *c);
void child_resume(struct child *c);
bool child_paused(const struct child *c);
/* Whether there is memory for output of C that waits; false with E naming the limit: the output is
 * refused. */
bool child_has_room(const struct child *c, struct err *e);
size_t child_backlog(const struct child *c);
/* The last line of stderr that went to the log, masked; "" without one. For operators only, never
 * for clients. */
const char *child_last_words(const struct child *c);

/* How a status reads: "exited with status 1", "was killed by SIGKILL". Returns BUF. */
const char *child_status_text(int status, char *buf, size_t size);

/* How many are alive or not yet reaped. */
unsigned children_count(const struct children *cs);
/* How many processes children and their descendants are, whatever session and group they are in.
 * Reads /proc. */
size_t children_processes(const struct children *cs);
/* Calls FN(ARG) once when no child is left (at once, from the loop, if none is now). One waiter: a
 * second takes the place of the first. */
void children_when_empty(struct children *cs, void (*fn)(void *arg), void *arg);
/* Starts the ladder on every child. */
void children_stop_all(struct children *cs);
void children_kill_all(struct children *cs);

#endif
