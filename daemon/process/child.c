/* SPDX-License-Identifier: ISC */
/* child.c: one child: its streams, the signals that stop it, its end. See children.h. */
#include "autoconf.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/budget.h"
#include "base/heap.h"
#include "base/turns.h"
#include "lib/bufadd.h"
#include "lib/log.h"
#include "process/children_impl.h"
#include "process/pipesize.h"

#define READ_SIZE   65536
#define LARGE_READ  262144     /* of a message that has more than READ_SIZE already */
#define STDERR_MAX  (1u << 20) /* bytes in a second that are read where they go to the log */
#define LINGER_MS   300	       /* for those who outlive the child they belong to */
#define HAUNT_MS    1000       /* for the kernel to let the killed die */
#define DEF_BACKLOG (16u << 20)
#define SMALL	    4096 /* a message for which there is always memory: it may end something */

static void finish_if_over(struct child *c);
static void read_stderr_again(void *arg, unsigned kinds);

static void close_event(struct event *ev, int *fd)
{
	if (*fd < 0)
		return;
	event_del(ev);
	close(*fd);
	*fd = -1;
}

static void arm(struct child *c, enum child_phase phase, int64_t ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	c->phase = phase;
	/* No memory for a timer: do not wait at all rather than for ever. */
	if (evtimer_add(&c->timer, &tv) < 0)
		event_active(&c->timer, EV_TIMEOUT, 0);
}

/* To the whole group. Until the child is reaped its number is taken; after that only while
 * somebody is left in the group, which is looked at after each reaping. */
static void signal_group(struct child *c, int sig)
{
	if (c->group > 0 && kill(-c->group, sig) < 0 && errno != EINVAL && c->reaped)
		c->group = 0; /* ESRCH: empty; EPERM: no process that we may signal */
}

/* To those below the child that have left its group. What one of them starts meanwhile is found
 * when it comes home. */
static void signal_escaped(const struct child *c, int sig)
{
	struct proclist tree = {.n = 0};
	struct procinfo p;

	child_tree(c, &tree);
	for (size_t i = 0; i < tree.n; i++)
		if (procinfo_read(tree.v[i].pid, &p) == 0 && p.group != c->group)
			procinfo_signal(&tree.v[i], sig);
	free(tree.v);
}

/* The child is over, whatever processes are left of it. */
static void give_up(struct child *c)
{
	c->group = 0;
	close_event(&c->out_ev, &c->pipes.ours[1]);
	close_event(&c->err_ev, &c->pipes.ours[2]);
	finish_if_over(c);
}

/* The end of the ladder's phases. */
static void phase_over(struct child *c)
{
	const struct log_scope scope = {.backend = c->name};

	switch (c->phase) {
	case CHILD_RUNNING:
		break;
	case CHILD_CLOSING:
		log_debug(&scope, "child %d: SIGTERM", (int)c->pid);
		signal_escaped(c, SIGTERM);
		signal_group(c, SIGTERM);
		arm(c, CHILD_TERMINATED, c->set->limits.kill_after_ms);
		break;
	case CHILD_TERMINATED:
		log_info(&scope, "child %d ignores SIGTERM: SIGKILL", (int)c->pid);
		child_kill(c);
		break;
	case CHILD_KILLED:
		/* Asleep in the kernel, or somebody else's by now. It is reaped whenever it goes.
		 */
		log_error(&scope, "child %d cannot be killed: giving it up", (int)c->pid);
		children_forget(c);
		watch_forget(c);
		c->reaped = true;
		c->status = SIGKILL;
		give_up(c);
		break;
	case CHILD_LINGERING:
		signal_group(c, SIGKILL);
		arm(c, CHILD_HAUNTED, HAUNT_MS);
		children_scan_soon(c->set);
		break;
	case CHILD_HAUNTED:
		/* No process of the child writes any more: another one holds the pipe, and the
		 * child is over. */
		give_up(c);
		break;
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	phase_over(arg);
}

static void release(void *arg)
{
	child_discard(arg);
}

static void finish_if_over(struct child *c)
{
	if (c->finished || !c->reaped || c->group > 0 || c->pipes.ours[1] >= 0 ||
	    c->pipes.ours[2] >= 0)
		return;
	c->finished = true;
	cgroup_end(&c->cgroup);
	event_del(&c->timer);
	if (!c->events || !c->events->on_stderr)
		children_log_finish(&c->log, c->err);
	children_remove(c);
	if (c->events)
		c->events->on_exit(c, c->status, c->arg);
	defer_call(&c->release, release, c);
}

void child_look(struct child *c)
{
	if (c->reaped)
		signal_group(c, 0);
	finish_if_over(c);
}

void child_reaped(struct child *c, int status)
{
	const struct log_scope scope = {.backend = c->name};
	bool asked = c->phase == CHILD_CLOSING || c->phase == CHILD_TERMINATED;

	c->reaped = true;
	c->status = status;
	if (c->cgroup && cgroup_oom_kills(c->cgroup) > 0)
		log_warn(&scope,
			 "child %d met its limit of memory (resources.memory) and was killed",
			 (int)c->pid);
	child_resume(c); /* what it wrote before its end is wanted before that */
	read_stderr_again(c, 0);
	close_event(&c->in_ev, &c->pipes.ours[0]);
	signal_group(c, 0);
	if (c->was_stopped || c->pipes.ours[1] < 0)
		signal_group(c, SIGTERM);
	/* A wrapper that goes at once leaves its server the time that it was promised. */
	arm(c, CHILD_LINGERING, asked ? c->set->limits.kill_after_ms : LINGER_MS);
	finish_if_over(c);
}

static bool may_go_on(ssize_t n)
{
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* The same as read_some() for a message of which a part is there: straight into the buffer. Small
 * messages are copied instead, because the buffer gives its memory back each time it is empty. */
static bool read_more(int fd, struct evbuffer *into)
{
	struct evbuffer_iovec vec[2];
	ssize_t n = -1;
	size_t left;
	int parts = evbuffer_reserve_space(into, LARGE_READ, vec, 2);

	if (parts < 1)
		return false;
	n = readv(fd, (const struct iovec *)vec, parts);
	left = n > 0 ? (size_t)n : 0;
	for (int i = 0; i < parts; i++) {
		vec[i].iov_len = vec[i].iov_len < left ? vec[i].iov_len : left;
		left -= vec[i].iov_len;
	}
	(void)evbuffer_commit_space(into, vec, parts); /* cannot fail */
	return may_go_on(n);
}

/* One read of a stream that is ready. False at its end. */
static bool read_some(int fd, struct evbuffer *into)
{
	static char buf[READ_SIZE];
	ssize_t n;

	if (evbuffer_get_length(into) >= sizeof buf)
		return read_more(fd, into);
	n = read(fd, buf, sizeof buf);
	if (n > 0 && evbuffer_add(into, buf, (size_t)n) < 0)
		return false; /* a stream with a hole is worth nothing */
	return may_go_on(n);
}

/* The pipe of a child that sends large messages gets larger, once. */
static void size_pipe(struct child *c)
{
	if (c->enlarged > 0 || c->tried_to_enlarge || evbuffer_get_length(c->out) < PIPESIZE_LARGE)
		return;
	c->tried_to_enlarge = true;
	c->enlarged = pipesize_enlarge(c->pipes.ours[1]);
}

static void on_out(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;
	bool more = read_some(fd, c->out);

	(void)what;
	turns_doing("output of a child of", c->name);
	size_pipe(c);
	heap_passed(evbuffer_get_length(c->out));
	watch_ask(c);
	if (evbuffer_get_length(c->out) > 0 && c->events)
		c->events->on_stdout(c, c->out, c->arg);
	if (!c->events)
		evbuffer_drain(c->out, evbuffer_get_length(c->out));
	if (more || c->paused) /* its end is found again */
		return;
	close_event(&c->out_ev, &c->pipes.ours[1]);
	if (c->events && c->events->on_eof)
		c->events->on_eof(c, c->arg);
	finish_if_over(c);
}

static void read_stderr_again(void *arg, unsigned kinds)
{
	struct child *c = arg;

	(void)kinds;
	if (c->pipes.ours[2] >= 0 && event_add(&c->err_ev, NULL) < 0)
		close_event(&c->err_ev, &c->pipes.ours[2]);
}

/* A flood to stderr would take a processor, for a few lines in the log. */
static void put_off_stderr(struct child *c, size_t read)
{
	c->stderr_read += read;
	if (c->stderr_read < STDERR_MAX || c->reaped)
		return;
	c->stderr_read = 0;
	event_del(&c->err_ev);
	pace_tell(&c->stderr_pace, 1);
}

static void on_err(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;
	size_t before = evbuffer_get_length(c->err);
	bool more = read_some(fd, c->err);

	(void)what;
	turns_doing("stderr of a child of", c->name);
	watch_ask(c);
	if (more && (!c->events || !c->events->on_stderr))
		put_off_stderr(c, evbuffer_get_length(c->err) - before);
	if (!c->events || !c->events->on_stderr)
		children_log_feed(&c->log, c->err);
	else if (evbuffer_get_length(c->err) > 0)
		c->events->on_stderr(c, c->err, c->arg);
	if (more)
		return;
	close_event(&c->err_ev, &c->pipes.ours[2]);
	finish_if_over(c);
}

/* Writes what can be written; the rest waits for the pipe. False where the child reads no more. */
static bool flush_stdin(struct child *c)
{
	if (evbuffer_get_length(c->in) > 0 && evbuffer_write(c->in, c->pipes.ours[0]) < 0 &&
	    errno != EAGAIN && errno != EINTR) {
		evbuffer_drain(c->in, evbuffer_get_length(c->in));
		close_event(&c->in_ev, &c->pipes.ours[0]);
		return false;
	}
	if (evbuffer_get_length(c->in) > 0) {
		if (!event_pending(&c->in_ev, EV_WRITE, NULL))
			event_add(&c->in_ev, NULL);
	} else if (c->closing_stdin) {
		close_event(&c->in_ev, &c->pipes.ours[0]);
	}
	return true;
}

static void on_in(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;

	(void)fd;
	(void)what;
	if (!flush_stdin(c) && c->events && c->events->on_eof)
		c->events->on_eof(c, c->arg);
}

/* Whether the budget has LEN bytes more for what waits for C. */
static int may_hold(const struct child *c, size_t len)
{
	struct err e;

	if (len <= SMALL || budget_check(c->in_held.part.of, len, &e) == 0)
		return 0;
	budget_refused(c->in_held.part.of, "a message to a server", &e);
	return ERR_DENIED;
}

static int may_write(struct child *c, size_t len)
{
	size_t waiting = c->in_held.part.held;

	/* Whatever its size, one message may always wait alone. */
	if (waiting > 0 && waiting + len > c->max_backlog) {
		if (c->pipes.ours[0] >= 0)
			flush_stdin(c); /* maybe it is only this turn's */
		waiting = c->in_held.part.held;
	}
	if (c->pipes.ours[0] < 0 || c->closing_stdin)
		return ERR_CLOSED;
	return waiting > 0 && waiting + len > c->max_backlog ? ERR_LIMIT : may_hold(c, len);
}

/* What is said in one turn of the loop goes out in one write, at its end: many calls that came
 * together cost the child and us one system call each, not one for each of them. */
static void flush_soon(struct child *c)
{
	watch_ask(c);
	if (!event_pending(&c->in_ev, EV_WRITE, NULL))
		event_active(&c->in_ev, EV_WRITE, 0);
}

int child_write_buffer(struct child *c, struct evbuffer *data)
{
	int rc = may_write(c, evbuffer_get_length(data));

	if (rc < 0)
		return rc;
	if (bufadd_move(c->in, data) < 0)
		return ERR_NOMEM;
	flush_soon(c);
	return 0;
}

void child_close_stdin(struct child *c)
{
	c->closing_stdin = true;
	if (c->pipes.ours[0] >= 0)
		flush_stdin(c);
}

void child_stop(struct child *c)
{
	if (c->phase != CHILD_RUNNING || c->reaped)
		return;
	c->was_stopped = true;
	child_close_stdin(c);
	arm(c, CHILD_CLOSING, c->set->limits.term_after_ms);
}

void child_kill(struct child *c)
{
	if (c->finished)
		return;
	c->was_stopped = true;
	if (c->phase != CHILD_KILLED)
		signal_escaped(c, SIGKILL); /* first: the end of the child would scatter them */
	signal_group(c, SIGKILL);
	if (c->reaped)
		return;
	c->closing_stdin = true;
	close_event(&c->in_ev, &c->pipes.ours[0]);
	if (c->phase != CHILD_KILLED)
		arm(c, CHILD_KILLED, c->set->limits.kill_after_ms);
}

void child_pause(struct child *c)
{
	if (c->paused || c->pipes.ours[1] < 0)
		return;
	c->paused = true;
	event_del(&c->out_ev);
}

/* No memory for the event: reading would never go on, so the child is over. */
void child_resume(struct child *c)
{
	if (!c->paused)
		return;
	c->paused = false;
	if (c->pipes.ours[1] < 0)
		return;
	if (event_add(&c->out_ev, NULL) < 0)
		child_kill(c);
	event_active(&c->out_ev, EV_READ, 0); /* for what was read already */
}

bool child_paused(const struct child *c)
{
	return c->paused;
}

void child_abandon(struct child *c)
{
	c->events = NULL;
	child_resume(c);
	child_stop(c);
}

pid_t child_pid(const struct child *c)
{
	return c->pid;
}

char *child_masked(const struct child *c, const char *text)
{
	size_t len;

	return mask_text(&c->log.mask, text, strlen(text), &len);
}

bool child_has_room(const struct child *c, struct err *e)
{
	if (budget_check(c->out_held.part.of, 0, e) == 0)
		return true;
	budget_refused(c->out_held.part.of, "a message of a server", e);
	return false;
}

size_t child_backlog(const struct child *c)
{
	return evbuffer_get_length(c->in);
}

const char *child_last_words(const struct child *c)
{
	return c->log.last;
}

static int prepare_events(struct child *c)
{
	struct event_base *base = c->set->base;
	const int *fds = c->pipes.ours;

	if (event_assign(&c->in_ev, base, fds[0], EV_WRITE, on_in, c) < 0 ||
	    event_assign(&c->out_ev, base, fds[1], EV_READ | EV_PERSIST, on_out, c) < 0 ||
	    event_assign(&c->err_ev, base, fds[2], EV_READ | EV_PERSIST, on_err, c) < 0 ||
	    evtimer_assign(&c->timer, base, on_timer, c) < 0)
		return ERR_NOMEM;
	/* Before the fork, so that nothing can fail after it. */
	if (event_add(&c->out_ev, NULL) < 0 || event_add(&c->err_ev, NULL) < 0)
		return ERR_NOMEM;
	return 0;
}

static int prepare(struct child *c, const struct child_spec *spec)
{
	c->in = evbuffer_new();
	c->out = evbuffer_new();
	c->err = evbuffer_new();
	c->peer = spec->peer ? strdup(spec->peer) : NULL;
	c->holder = spec->holder ? strdup(spec->holder) : NULL;
	c->session = spec->session ? strdup(spec->session) : NULL;
	if (children_log_init(&c->log, c->name, spec->mask) < 0)
		return ERR_NOMEM;
	if (!c->in || !c->out || !c->err || (spec->peer && !c->peer) ||
	    (spec->holder && !c->holder) || (spec->session && !c->session) ||
	    budget_watch(&c->in_held, c->in, spec->budget) < 0 ||
	    budget_watch(&c->out_held, c->out, spec->budget) < 0)
		return ERR_NOMEM;
	return prepare_events(c);
}

struct child *child_prepare(struct children *cs, const struct child_spec *spec,
			    const struct child_events *events, void *arg, struct err *e)
{
	struct child *c = calloc(1, sizeof *c);

	if (!c) {
		err_set(e, ERR_NOMEM, "out of memory");
		return NULL;
	}
	c->set = cs;
	c->events = events;
	c->arg = arg;
	c->name = spec->name;
	c->max_backlog = spec->max_backlog > 0 ? spec->max_backlog : DEF_BACKLOG;
	pace_init(&c->stderr_pace, read_stderr_again, c);
	if (spawn_pipes_open(&c->pipes, e) < 0) {
		free(c);
		return NULL;
	}
	if (prepare(c, spec) < 0) {
		err_set(e, ERR_NOMEM, "out of memory");
		child_discard(c);
		return NULL;
	}
	return c;
}

void child_discard(struct child *c)
{
	if (event_initialized(&c->timer)) {
		event_del(&c->timer);
		event_del(&c->in_ev);
		event_del(&c->out_ev);
		event_del(&c->err_ev);
	}
	defer_cancel(&c->release);
	cgroup_end(&c->cgroup);
	pace_stop(&c->stderr_pace);
	spawn_pipes_close(&c->pipes);
	pipesize_give_back(c->enlarged);
	budget_unwatch(&c->in_held);
	budget_unwatch(&c->out_held);
	if (c->in)
		evbuffer_free(c->in);
	if (c->out)
		evbuffer_free(c->out);
	if (c->err)
		evbuffer_free(c->err);
	children_log_fini(&c->log);
	watch_forget(c);
	free(c->peer);
	free(c->holder);
	free(c->session);
	free(c);
}
