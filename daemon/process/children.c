/* SPDX-License-Identifier: ISC */
/* children.c: the set of all children: starting, reaping, counting, stopping. One child: child.c.
 */
#include "autoconf.h"

#include "process/children.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/log.h"
#include "process/children_impl.h"
#include "process/children_orphans.h"

#define TERM_AFTER_MS 2000
#define KILL_AFTER_MS 3000
#define FREE_WAIT_MS  500

static bool is_child(pid_t pid, void *arg)
{
	return children_find(arg, pid);
}

static bool is_group(pid_t group, void *arg)
{
	const struct children *cs = arg;
	const struct child *c;

	TAILQ_FOREACH (c, &cs->all, entry)
		if (c->group == group)
			return c->phase != CHILD_HAUNTED;
	return false;
}

static bool is_running(unsigned long serial, void *arg)
{
	const struct children *cs = arg;
	const struct child *c;

	TAILQ_FOREACH (c, &cs->all, entry)
		if (c->serial == serial)
			return c->phase != CHILD_HAUNTED;
	return false;
}

static void scan(void *arg)
{
	struct children *cs = arg;
	const struct orphans_judge judge = {is_child, is_group, is_running, cs};
	unsigned n = orphans_kill(cs->mark, &judge);

	if (n > 0)
		log_info(NULL, "killed %u processes that outlived the child they came from", n);
}

/* Reaps all processes that have ended. Returns how many; -1 when there is no child process left.
 */
static int reap(struct children *cs)
{
	struct child *c;
	int status, n = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0 || (pid < 0 && errno == EINTR)) {
		if (pid < 0)
			continue;
		n++;
		c = children_find(cs, pid);
		if (!c)
			continue; /* a grandchild that came home */
		children_forget(c);
		child_reaped(c, status);
	}
	return pid < 0 && n == 0 ? -1 : n;
}

static void on_sigchld(evutil_socket_t sig, short what, void *arg)
{
	struct children *cs = arg;
	struct child *c, *next;

	(void)sig;
	(void)what;
	if (reap(cs) <= 0)
		return;
	/* Who was reaped may have been the last of the group of a child that is waited for. A
	 * callback may stop others but takes nobody out of the list except itself. */
	for (c = TAILQ_FIRST(&cs->all); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		child_look(c);
	}
	children_scan_soon(cs);
}

struct children *children_new(struct event_base *base, const struct children_limits *limits,
			      struct err *e)
{
	struct children *cs = calloc(1, sizeof *cs);
	uint64_t id[2];

	if (!cs) {
		err_set(e, ERR_NOMEM, "out of memory");
		return NULL;
	}
	cs->base = base;
	cs->scan_fn = scan;
	cs->limits = *limits;
	cs->places = places_new(limits);
	if (!cs->places) {
		err_set(e, ERR_NOMEM, "out of memory");
		free(cs);
		return NULL;
	}
	if (cs->limits.term_after_ms <= 0)
		cs->limits.term_after_ms = TERM_AFTER_MS;
	if (cs->limits.kill_after_ms <= 0)
		cs->limits.kill_after_ms = KILL_AFTER_MS;
	TAILQ_INIT(&cs->all);
	if (getrandom(id, sizeof id, 0) != (ssize_t)sizeof id)
		id[0] = (uint64_t)getpid(), id[1] = (uint64_t)time(NULL);
	snprintf(cs->mark, sizeof cs->mark, CHILD_MARK "%015" PRIx64 "%015" PRIx64 "-", id[0] >> 4,
		 id[1] >> 4);
	signal(SIGPIPE, SIG_IGN); /* a child that is gone is an EPIPE */
	/* Not there before Linux 3.4: then orphans are init's, and only groups are stopped. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (watch_init(cs) < 0 ||
	    evsignal_assign(&cs->sigchld, base, SIGCHLD, on_sigchld, cs) < 0 ||
	    evsignal_add(&cs->sigchld, NULL) < 0) {
		err_set(e, ERR_NOMEM, "cannot watch for SIGCHLD");
		places_free(&cs->places);
		free(cs);
		return NULL;
	}
	return cs;
}

static void pause_ms(long ms)
{
	const struct timespec ts = {.tv_nsec = ms * 1000000};

	nanosleep(&ts, NULL);
}

void children_free(struct children **csp)
{
	struct children *cs = *csp;
	struct child *c;

	*csp = NULL;
	if (!cs)
		return;
	event_del(&cs->sigchld);
	watch_fini(cs);
	cs->empty_fn = NULL;
	TAILQ_FOREACH (c, &cs->all, entry)
		c->events = NULL;
	/* The only place that waits, and only for the dead. */
	for (int i = 0; i < FREE_WAIT_MS; i++) {
		children_kill_all(cs);
		if (reap(cs) < 0 && cs->n == 0)
			break;
		scan(cs);
		pause_ms(1);
		while ((c = TAILQ_FIRST(&cs->all)) && c->reaped) {
			children_remove(c);
			child_discard(c);
		}
	}
	while ((c = TAILQ_FIRST(&cs->all))) {
		log_error(NULL, "child %d cannot be killed", (int)c->pid);
		children_remove(c);
		child_discard(c);
	}
	defer_cancel(&cs->scan);
	defer_cancel(&cs->empty);
	places_free(&cs->places);
	free(cs);
}

/* Starts a child whose places are taken. */
static int start(struct children *cs, const struct child_spec *spec,
		 const struct child_events *events, void *arg, struct child **child_r,
		 struct err *e)
{
	char mark[sizeof cs->mark + 24];
	struct child *c = child_prepare(cs, spec, events, arg, e);
	int rc;

	if (!c)
		return e->code;
	c->serial = ++cs->last_serial;
	snprintf(mark, sizeof mark, "%s%lu", cs->mark, c->serial);
	rc = spec->cgroups
		     ? cgroup_make(spec->cgroups, c->name, c->serial, spec->limits, &c->cgroup, e)
		     : 0;
	if (rc == 0)
		rc = spawn_process(spec, mark, c->cgroup != NULL ? cgroup_entry(c->cgroup) : -1,
				   &c->pipes, &c->pid, e);
	if (c->cgroup)
		cgroup_entered(c->cgroup);
	if (rc < 0) {
		child_discard(c);
		return rc;
	}
	c->group = c->pid;
	c->log.pid = (int)c->pid;
	LIST_INSERT_HEAD(&cs->by_pid[(unsigned)c->pid % CHILDREN_BUCKETS], c, bucket);
	TAILQ_INSERT_TAIL(&cs->all, c, entry);
	cs->n++;
	watch_ask(c);
	*child_r = c;
	return 0;
}

int children_spawn(struct children *cs, const struct child_spec *spec,
		   const struct child_events *events, void *arg, struct child **child_r,
		   struct err *e)
{
	struct err own;
	int rc;

	if (!e)
		e = &own;
	rc = places_take(cs->places, spec, e);
	if (rc < 0)
		return rc;
	rc = start(cs, spec, events, arg, child_r, e);
	if (rc < 0)
		places_give(cs->places, spec->name, spec->peer, spec->holder);
	return rc;
}

size_t children_processes(const struct children *cs)
{
	const struct child *c;
	size_t n = 0;

	TAILQ_FOREACH (c, &cs->all, entry) {
		struct proclist tree = {.n = 0};

		child_tree(c, &tree);
		n += !c->reaped + tree.n;
		free(tree.v);
	}
	return n;
}

void children_stop_all(struct children *cs)
{
	struct child *c;

	TAILQ_FOREACH (c, &cs->all, entry)
		child_stop(c);
}

void children_kill_all(struct children *cs)
{
	struct child *c;

	TAILQ_FOREACH (c, &cs->all, entry)
		child_kill(c);
}

const char *child_status_text(int status, char *buf, size_t size)
{
	const char *name;

	if (WIFEXITED(status)) {
		snprintf(buf, size, "exited with status %d", WEXITSTATUS(status));
	} else if (WIFSIGNALED(status)) {
		name = sigabbrev_np(WTERMSIG(status));
		if (name)
			snprintf(buf, size, "was killed by SIG%s", name);
		else
			snprintf(buf, size, "was killed by signal %d", WTERMSIG(status));
	} else {
		snprintf(buf, size, "ended with wait status %#x", (unsigned)status);
	}
	return buf;
}
