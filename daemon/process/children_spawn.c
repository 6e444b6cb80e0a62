/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "process/children_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/descriptors.h"
#include "base/environ.h"
#include "process/children.h"
#include "process/sandbox.h"

#define REPORT_WAIT_MS 250

enum stage { STAGE_FDS, STAGE_CONFINE, STAGE_CWD, STAGE_EXEC };

struct report {
	enum stage stage;
	int error;
};

/* What the child needs, made before the fork: after it, nothing may allocate. */
struct plan {
	const char *file;
	const char *const *argv;
	const char **env;
	const char *cwd;
	const int *fds;
	int report_fd;
	struct sandbox_pass pass;
	int cgroup;
	unsigned files;
	pid_t parent;
};

int spawn_pipes_open(struct spawn_pipes *p, struct err *e)
{
	memset(p, 0xff, sizeof *p); /* -1 everywhere */
	for (int i = 0; i < 3; i++) {
		int fd[2];

		if (pipe2(fd, O_CLOEXEC) < 0) {
			err_errno(e, "cannot make a pipe");
			spawn_pipes_close(p);
			return ERR_IO;
		}
		p->ours[i] = i == 0 ? fd[1] : fd[0];
		p->theirs[i] = i == 0 ? fd[0] : fd[1];
		/* Each end of a pipe has its own flags: the child's stays blocking. */
		fcntl(p->ours[i], F_SETFL, O_NONBLOCK);
	}
	return 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void spawn_pipes_close(struct spawn_pipes *p)
{
	for (int i = 0; i < 3; i++) {
		close_fd(&p->ours[i]);
		close_fd(&p->theirs[i]);
	}
}

/* POSIX wants this type for historical reasons; execve() does not write through it. */
static char *const *strings(const char *const *list)
{
	return (char *const *)(uintptr_t)list;
}

/* Only async-signal-safe calls from here on, in the child. */

static void __attribute__((noreturn)) fail_child(const struct plan *plan, enum stage stage)
{
	static const char *const what[] = {"cannot set up descriptors", "cannot be confined",
					   "cannot enter cwd", "cannot execute"};
	struct report r = {.stage = stage, .error = errno};

	/* Should the daemon have given up waiting, stderr has it; first, since the other may kill.
	 */
	(void)!write(STDERR_FILENO, what[stage], strlen(what[stage]));
	(void)!write(STDERR_FILENO, "\n", 1);
	(void)!write(plan->report_fd, &r, sizeof r);
	_exit(127);
}

static void default_signals(void)
{
	struct sigaction sa = {.sa_handler = SIG_DFL};

	/* Ignored signals would stay ignored across the exec, and SIGPIPE is in the daemon. */
	for (int sig = 1; sig < NSIG; sig++)
		sigaction(sig, &sa, NULL);
}

static void set_fds(struct plan *plan)
{
	int fds[3];

	/* First out of the way of 0..3: one of ours may have such a number. */
	for (int i = 0; i < 3; i++)
		if ((fds[i] = fcntl(plan->fds[i], F_DUPFD_CLOEXEC, 10)) < 0)
			fail_child(plan, STAGE_FDS);
	if ((plan->report_fd = fcntl(plan->report_fd, F_DUPFD_CLOEXEC, 10)) < 0)
		_exit(127);
	for (int i = 0; i < 3; i++)
		if (dup2(fds[i], i) < 0)
			fail_child(plan, STAGE_FDS);
	if (dup3(plan->report_fd, 3, O_CLOEXEC) < 0)
		fail_child(plan, STAGE_FDS);
	plan->report_fd = 3;
}

/* A descriptor that set_fds() must not write over. */
static void keep_fd(int *fd)
{
	if (*fd >= 0 && *fd <= 3)
		*fd = fcntl(*fd, F_DUPFD_CLOEXEC, 10);
}

/* Never more than the hard limit: raising that takes a privilege. */
static int limit_files(rlim_t files)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -1;
	if (files < limit.rlim_max)
		limit.rlim_max = files;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit);
}

/* What the child may not do. */
static void confine(const struct plan *plan)
{
	descriptors_restore();
	/* "0" is the process that writes. */
	if (plan->cgroup >= 0 && write(plan->cgroup, "0", 1) != 1)
		fail_child(plan, STAGE_CONFINE);
	if (plan->files > 0 && limit_files(plan->files) < 0)
		fail_child(plan, STAGE_CONFINE);
	if (sandbox_enter(&plan->pass) < 0)
		fail_child(plan, STAGE_CONFINE);
}

static void __attribute__((noreturn)) run_child(struct plan *plan)
{
	sigset_t none;

	setpgid(0, 0);
	default_signals();
	/* The last net, should the daemon be killed; it might have been before this. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != plan->parent)
		_exit(127);
	/* What the child starts and leaves to itself stays below the child, whatever its session,
	 * group and environment: see prctl(2). The exec keeps this, and no descendant inherits it.
	 */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (int i = 0; i < 2; i++)
		keep_fd(&plan->pass.layers[i]);
	keep_fd(&plan->cgroup);
	set_fds(plan);
	confine(plan);
	closefrom(4);
	if (plan->cwd && chdir(plan->cwd) < 0)
		fail_child(plan, STAGE_CWD);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(plan->file, strings(plan->argv), strings(plan->env));
	fail_child(plan, STAGE_EXEC);
}

/* In the daemon again. */

/* Signals stay blocked until the child has let go of the daemon's handlers. */
static pid_t fork_blocked(struct plan *plan)
{
	sigset_t all, old;
	pid_t pid;
	int saved;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid == 0)
		run_child(plan);
	saved = errno;
	if (pid > 0)
		setpgid(pid, pid); /* parent and child both call it: either may be first */
	sigprocmask(SIG_SETMASK, &old, NULL);
	errno = saved;
	return pid;
}

static int report_error(const struct child_spec *spec, const char *file, const struct report *r,
			struct err *e)
{
	errno = r->error;
	switch (r->stage) {
	case STAGE_FDS:
		return err_errno(e, "%s: cannot set up descriptors", file);
	case STAGE_CONFINE:
		return err_errno(e, "%s: cannot be confined", file);
	case STAGE_CWD:
		return err_set(e, ERR_NOTFOUND, "cwd %s: %s", spec->cwd, strerror(r->error));
	case STAGE_EXEC:
		break;
	}
	switch (r->error) {
	case ENOENT:
		return err_set(e, ERR_NOTFOUND, "%s: %s", file,
			       "no such program, or its interpreter is missing");
	case ENOEXEC:
		return err_set(e, ERR_NOTFOUND, "%s: neither a binary nor a script with a #! line",
			       file);
	case EACCES:
	case ENOTDIR:
	case ELOOP:
	case ENAMETOOLONG:
		return err_set(e, ERR_NOTFOUND, "%s: %s", file, strerror(r->error));
	case E2BIG:
		return err_set(e, ERR_INVALID, "%s: %s", file, strerror(r->error));
	}
	return err_errno(e, "%s", file);
}

/* Whether the exec failed, and how. */
static bool read_report(int fd, struct report *r)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	int n;

	do
		n = poll(&pfd, 1, REPORT_WAIT_MS);
	while (n < 0 && errno == EINTR);
	return n > 0 && read(fd, r, sizeof *r) == (ssize_t)sizeof *r;
}

static const char **extend_env(const char *const *env, const char *marker)
{
	const char **all;
	size_t n = 0;

	while (env[n])
		n++;
	all = calloc(n + 2, sizeof *all);
	if (!all)
		return NULL;
	memcpy(all, env, n * sizeof *all);
	all[n] = marker;
	return all;
}

static int start(const struct child_spec *spec, struct plan *plan, struct spawn_pipes *p,
		 pid_t *pid_r, struct err *e)
{
	struct report r;
	int fd[2];
	bool failed;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) < 0)
		return err_errno(e, "cannot make a pipe");
	plan->report_fd = fd[1];
	pid = fork_blocked(plan);
	close(fd[1]);
	if (pid < 0) {
		int rc = errno == EAGAIN ? ERR_LIMIT : errno == ENOMEM ? ERR_NOMEM : ERR_IO;

		err_set(e, rc, "cannot fork: %s", strerror(errno));
		close(fd[0]);
		return rc;
	}
	for (int i = 0; i < 3; i++)
		close_fd(&p->theirs[i]);
	failed = read_report(fd[0], &r);
	close(fd[0]);
	if (failed) {
		/* All that it has left to do is _exit(), so this is no waiting. */
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return report_error(spec, plan->file, &r, e);
	}
	*pid_r = pid;
	return 0;
}

/* A name that is relative to the daemon's directory means nothing in the child's. */
static int make_absolute(char file[PATH_MAX], struct err *e)
{
	char dir[PATH_MAX];
	size_t len = strlen(file);

	if (file[0] == '/')
		return 0;
	if (!getcwd(dir, sizeof dir))
		return err_errno(e, "cannot tell the current directory");
	if (strlen(dir) + 1 + len >= PATH_MAX)
		return err_set(e, ERR_NOTFOUND, "%.100s...: name too long", file);
	memmove(file + strlen(dir) + 1, file, len + 1);
	memcpy(file, dir, strlen(dir));
	file[strlen(dir)] = '/';
	return 0;
}

int spawn_process(const struct child_spec *spec, const char *marker, int cgroup,
		  struct spawn_pipes *p, pid_t *pid_r, struct err *e)
{
	char file[PATH_MAX];
	struct plan plan = {
		.file = file,
		.argv = spec->argv,
		.cwd = spec->cwd,
		.fds = p->theirs,
		.cgroup = cgroup,
		.files = spec->files,
		.parent = getpid(),
	};
	int rc = environ_find(spec->argv[0], strings(spec->env), spec->cwd, file, e);

	if (rc == 0)
		rc = make_absolute(file, e);
	if (rc < 0)
		return rc;
	plan.env = extend_env(spec->env, marker);
	if (!plan.env)
		return err_set(e, ERR_NOMEM, "out of memory");
	rc = sandbox_make(spec->sandbox, spec->rules, file, &plan.pass, e);
	if (rc == 0)
		rc = start(spec, &plan, p, pid_r, e);
	sandbox_pass_close(&plan.pass);
	free(plan.env);
	return rc;
}
