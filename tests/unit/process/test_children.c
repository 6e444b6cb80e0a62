/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/procinfo.h"
#include "lib/log.h"
#include "process/children.h"

static struct event_base *base;
static struct children *set;
static const char *const plain_env[] = {"PATH=/usr/bin:/bin", NULL};

/* What one child did. */
struct seen {
	struct child *child;
	char out[65536];
	size_t len;
	int lines, exits, eofs, status;
};

static struct seen one;
static bool fork_fails;

pid_t __real_fork(void);
pid_t __wrap_fork(void);
pid_t __wrap_fork(void)
{
	if (!fork_fails)
		return __real_fork();
	errno = EAGAIN;
	return -1;
}

/* SIGKILL that does not kill: a process that sleeps in the kernel. */
static bool kill_fails;
int __real_kill(pid_t pid, int sig);
int __wrap_kill(pid_t pid, int sig);
int __wrap_kill(pid_t pid, int sig)
{
	return kill_fails && sig == SIGKILL ? 0 : __real_kill(pid, sig);
}

static void on_stdout(struct child *c, struct evbuffer *in, void *arg)
{
	struct seen *s = arg;
	int n = evbuffer_remove(in, s->out + s->len, sizeof s->out - 1 - s->len);

	assert_ptr_equal(c, s->child);
	assert_int_equal(s->exits, 0);
	for (int i = 0; i < n; i++)
		s->lines += s->out[s->len + (size_t)i] == '\n';
	s->len += (size_t)n;
	s->out[s->len] = '\0';
}

static void on_eof(struct child *c, void *arg)
{
	struct seen *s = arg;

	assert_ptr_equal(c, s->child);
	s->eofs++;
}

static void on_exit_status(struct child *c, int status, void *arg)
{
	struct seen *s = arg;

	assert_ptr_equal(c, s->child);
	s->exits++;
	s->status = status;
}

static const struct child_events events = {
	.on_stdout = on_stdout, .on_eof = on_eof, .on_exit = on_exit_status};

static const struct children_limits limits = {
	.max = 300, .max_per_peer = 2, .term_after_ms = 50, .kill_after_ms = 100};

static int setup(void **state)
{
	(void)state;
	memset(&one, 0, sizeof one);
	base = loop_open();
	set = children_new(base, &limits, NULL);
	assert_non_null(set);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	children_free(&set);
	loop_close(base);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	return 0;
}

static int spawn_spec(struct child_spec spec, struct seen *s, struct err *e)
{
	if (!spec.name)
		spec.name = "test";
	if (!spec.env)
		spec.env = plain_env;
	return children_spawn(set, &spec, &events, s, &s->child, e);
}

static void start(const char *const *argv)
{
	struct err e = {0};

	if (spawn_spec((struct child_spec){.argv = argv}, &one, &e) < 0)
		fail_msg("%s", e.text);
}

static void start_sh(const char *script)
{
	const char *const argv[] = {"sh", "-c", script, NULL};

	start(argv);
}

/* Turns the loop until the process is nowhere any more, not even as a zombie. */
static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	pid_t *pid = arg;

	(void)fd;
	(void)what;
	if (kill(*pid, 0) < 0 && errno == ESRCH)
		*pid = 0;
}

/* C gets TEXT. The code of child_write_buffer(). */
static int say(struct child *c, const void *text, size_t len)
{
	struct evbuffer *buf = evbuffer_new();
	int rc;

	assert_non_null(buf);
	assert_int_equal(evbuffer_add(buf, text, len), 0);
	rc = child_write_buffer(c, buf);
	evbuffer_free(buf);
	return rc;
}

static void until_gone(pid_t pid)
{
	const struct timeval tick = {.tv_usec = 5000};
	struct event *ev = event_new(base, -1, EV_PERSIST, on_tick, &pid);
	time_t limit = time(NULL) + 60;

	assert_true(pid > 1);
	event_add(ev, &tick);
	while (pid != 0 && time(NULL) < limit)
		event_base_loop(base, EVLOOP_ONCE);
	event_free(ev);
	assert_int_equal(pid, 0);
}

static int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* ---- starting and talking ---- */

static void test_talks_and_ends(void **state)
{
	const char *const argv[] = {"cat", NULL};

	(void)state;
	start(argv);
	assert_int_equal(children_count(set), 1);
	assert_true(child_pid(one.child) > 1);
	assert_int_equal(getpgid(child_pid(one.child)), child_pid(one.child));
	assert_int_equal(say(one.child, "a\nb\n", 4), 0);
	loop_until_count(base, &one.lines, 2);
	assert_string_equal(one.out, "a\nb\n");
	assert_int_equal(one.exits, 0);
	child_close_stdin(one.child);
	assert_int_equal(say(one.child, "c\n", 2), ERR_CLOSED);
	loop_until_count(base, &one.exits, 1);
	assert_true(WIFEXITED(one.status) && WEXITSTATUS(one.status) == 0);
	assert_int_equal(children_count(set), 0);
	loop_settle(base);
	assert_int_equal(one.exits, 1);
}

/* Everything that it wrote comes before its end, also when it ends at once. */
static void test_output_before_exit(void **state)
{
	(void)state;
	start_sh("head -c 60000 /dev/zero | tr '\\0' x; echo; exit 7");
	loop_until_count(base, &one.exits, 1);
	assert_int_equal(one.len, 60001);
	assert_int_equal(WEXITSTATUS(one.status), 7);
}

static void test_status_text(void **state)
{
	char buf[64];

	(void)state;
	start_sh("exit 3");
	loop_until_count(base, &one.exits, 1);
	assert_string_equal(child_status_text(one.status, buf, sizeof buf), "exited with status 3");
	one.exits = 0;
	start_sh("kill -KILL $$");
	loop_until_count(base, &one.exits, 1);
	assert_string_equal(child_status_text(one.status, buf, sizeof buf),
			    "was killed by SIGKILL");
}

static void refused(struct child_spec spec, int code, const char *text)
{
	struct err e = {0};
	int fds = open_fds();

	assert_int_equal(spawn_spec(spec, &one, &e), code);
	if (!strstr(e.text, text))
		fail_msg("\"%s\" lacks \"%s\"", e.text, text);
	assert_int_equal(children_count(set), 0);
	assert_int_equal(open_fds(), fds);
	loop_settle(base);
	assert_int_equal(one.exits + one.eofs + one.lines, 0);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static bool under_valgrind(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload && strstr(preload, "vgpreload");
}

#define ARGV(...)                                                                                  \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

static void test_exec_failures(void **state)
{
	char dir[] = "/tmp/mcpd-test-XXXXXX", script[64], bad[64], flat[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(script, sizeof script, "%s/script", dir);
	snprintf(bad, sizeof bad, "%s/bad", dir);
	snprintf(flat, sizeof flat, "%s/flat", dir);
	write_file(script, "echo hello\n", 0755);
	write_file(bad, "#!/no/such/interpreter\n", 0755);
	write_file(flat, "#!/bin/sh\n", 0644);
	refused((struct child_spec){.argv = ARGV("no-such-program")}, ERR_NOTFOUND,
		"no-such-program");
	refused((struct child_spec){.argv = ARGV("/no/such/program")}, ERR_NOTFOUND,
		"/no/such/program");
	refused((struct child_spec){.argv = ARGV(dir)}, ERR_NOTFOUND, dir);
	refused((struct child_spec){.argv = ARGV(flat)}, ERR_NOTFOUND, flat);
	if (!under_valgrind()) { /* which gives up when an exec fails */
		refused((struct child_spec){.argv = ARGV(bad)}, ERR_NOTFOUND, "interpreter");
		refused((struct child_spec){.argv = ARGV(script)}, ERR_NOTFOUND, "#! line");
	}
	refused((struct child_spec){.argv = ARGV("cat"), .cwd = "/no/such/dir"}, ERR_NOTFOUND,
		"cwd /no/such/dir");
	unlink(script);
	unlink(bad);
	unlink(flat);
	rmdir(dir);
}

/* A relative program counts from the child's directory, and so does what it runs in. */
static void test_cwd(void **state)
{
	char dir[] = "/tmp/mcpd-test-XXXXXX", prog[64];
	struct err e = {0};

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(prog, sizeof prog, "%s/prog", dir);
	write_file(prog, "#!/bin/sh\npwd\n", 0755);
	if (spawn_spec((struct child_spec){.argv = ARGV("./prog"), .cwd = dir}, &one, &e) < 0)
		fail_msg("%s", e.text);
	loop_until_count(base, &one.exits, 1);
	one.out[one.len - 1] = '\0';
	assert_string_equal(one.out, dir);
	unlink(prog);
	rmdir(dir);
}

static void test_caps(void **state)
{
	struct child_spec spec = {.argv = ARGV("cat"), .name = "capped", .max_of_name = 3};
	struct seen s[4] = {{0}};
	struct err e = {0};

	(void)state;
	spec.peer = "peer-a";
	assert_int_equal(spawn_spec(spec, &s[0], &e), 0);
	assert_int_equal(spawn_spec(spec, &s[1], &e), 0);
	assert_int_equal(spawn_spec(spec, &s[2], &e), ERR_LIMIT);
	assert_non_null(strstr(e.text, "is 2"));
	assert_non_null(strstr(e.text, "limits.maxChildrenPerPeer"));
	spec.peer = "peer-b";
	assert_int_equal(spawn_spec(spec, &s[2], &e), 0);
	assert_int_equal(spawn_spec(spec, &s[3], &e), ERR_LIMIT);
	assert_non_null(strstr(e.text, "all 3"));
	assert_non_null(strstr(e.text, "maxChildren"));
	/* Who is on the way down still counts: nobody gets around a cap by opening and closing. */
	child_abandon(s[2].child);
	assert_int_equal(spawn_spec(spec, &s[3], &e), ERR_LIMIT);
	loop_until_count(base, &s[2].exits, 0);
	child_stop(s[0].child);
	child_stop(s[1].child);
	loop_until_count(base, &s[0].exits, 1);
	loop_until_count(base, &s[1].exits, 1);
}

/* Who has most of the children is refused; all others are not, whichever limit it is. */
static void test_shares(void **state)
{
	const struct children_limits few = {
		.max = 8, .share = 25, .term_after_ms = 50, .kill_after_ms = 100};
	struct child_spec spec = {.argv = ARGV("cat"), .name = "shared-out"};
	struct seen s[9] = {{0}};
	struct err e = {0};
	int n;

	(void)state;
	children_free(&set);
	set = children_new(base, &few, NULL);
	for (spec.max_of_name = 0; spec.max_of_name <= 8; spec.max_of_name += 8) {
		memset(s, 0, sizeof s);
		spec.holder = "user:alice";
		for (n = 0; n < 8 && spawn_spec(spec, &s[n], &e) == 0; n++)
			;
		assert_int_equal(n, 7);
		assert_int_equal(e.code, ERR_LIMIT);
		assert_non_null(strstr(e.text, "maxChildren"));
		assert_non_null(strstr(e.text, "limits.share"));
		spec.holder = "user:bob";
		assert_int_equal(spawn_spec(spec, &s[n++], &e), 0);
		spec.holder = NULL;
		assert_int_equal(spawn_spec(spec, &s[n], &e), ERR_LIMIT);
		while (--n >= 0) {
			child_stop(s[n].child);
			loop_until_count(base, &s[n].exits, 1);
		}
	}
}

static void test_cap_in_all(void **state)
{
	const struct children_limits few = {.max = 1, .term_after_ms = 50, .kill_after_ms = 100};
	struct seen other = {0};
	struct err e = {0};

	(void)state;
	children_free(&set);
	set = children_new(base, &few, NULL);
	start(ARGV("cat"));
	assert_int_equal(spawn_spec((struct child_spec){.argv = ARGV("cat")}, &other, &e),
			 ERR_LIMIT);
	assert_non_null(strstr(e.text, "limits.maxChildren"));
	child_stop(one.child);
	loop_until_count(base, &one.exits, 1);
	assert_int_equal(spawn_spec((struct child_spec){.argv = ARGV("true")}, &other, &e), 0);
	loop_until_count(base, &other.exits, 1);
}

static void test_lack_of_descriptors(void **state)
{
	struct rlimit old, few;
	struct err e = {0};
	int low = dup(0);

	(void)state;
	close(low);
	getrlimit(RLIMIT_NOFILE, &old);
	few = old;
	/* Room for one descriptor more, then two, ...: each place where it may run out. */
	for (int room = 0; room < 8; room++) {
		few.rlim_cur = (rlim_t)(low + room);
		setrlimit(RLIMIT_NOFILE, &few);
		e.code = spawn_spec((struct child_spec){.argv = ARGV("true")}, &one, &e);
		setrlimit(RLIMIT_NOFILE, &old);
		assert_int_equal(e.code, ERR_IO);
		assert_non_null(strstr(e.text, "Too many open files"));
		assert_int_equal(children_count(set), 0);
	}
	start(ARGV("true"));
	loop_until_count(base, &one.exits, 1);
}

static void test_fork_fails(void **state)
{
	(void)state;
	fork_fails = true;
	refused((struct child_spec){.argv = ARGV("true")}, ERR_LIMIT, "cannot fork");
	fork_fails = false;
}

/* ---- what a child inherits ---- */

static void test_clean_signals(void **state)
{
	unsigned long long blocked, ignored;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	start_sh("grep -E '^Sig(Blk|Ign)' /proc/self/status");
	loop_until_count(base, &one.exits, 1);
	/* 32 and 33 are glibc's own: nobody may set them, and posix_spawn() leaves them ignored, so
	 * they are where this test is started by a program that uses it. */
	assert_int_equal(sscanf(one.out, "SigBlk: %llx SigIgn: %llx", &blocked, &ignored), 2);
	assert_int_equal(blocked, 0);
	assert_int_equal(ignored & ~0x180000000ull, 0);
}

static void test_clean_descriptors(void **state)
{
	int extra = dup(0); /* without CLOEXEC */

	(void)state;
	/* The shell reads the directory before the loop begins. */
	start_sh("for f in /proc/$$/fd/*; do [ -e $f ] && echo ${f##*/}; done");
	loop_until_count(base, &one.exits, 1);
	close(extra);
	assert_string_equal(one.out, "0\n1\n2\n");
}

static void test_environment(void **state)
{
	(void)state;
	setenv("MCPD_TEST_SECRET", "secret", 1);
	start_sh("tr '\\0' '\\n' < /proc/$$/environ");
	loop_until_count(base, &one.exits, 1);
	unsetenv("MCPD_TEST_SECRET");
	assert_int_equal(one.lines, 2);
	assert_memory_equal(one.out, "PATH=/usr/bin:/bin\nMCPD_CHILD=", 30);
}

/* ---- the ladder ---- */

static void stop_and_wait(void)
{
	child_stop(one.child);
	child_stop(one.child);
	loop_until_count(base, &one.exits, 1);
	assert_int_equal(children_count(set), 0);
}

static void test_goes_when_stdin_closes(void **state)
{
	(void)state;
	start_sh("trap '' TERM; echo up; cat >/dev/null; exit 5");
	loop_until_count(base, &one.lines, 1);
	stop_and_wait();
	assert_int_equal(WEXITSTATUS(one.status), 5);
}

static void test_goes_on_sigterm(void **state)
{
	(void)state;
	start(ARGV("sleep", "1000"));
	stop_and_wait();
	assert_true(WIFSIGNALED(one.status) && WTERMSIG(one.status) == SIGTERM);
}

static void test_ignores_sigterm(void **state)
{
	(void)state;
	start_sh("trap '' TERM; echo up; exec sleep 1000");
	loop_until_count(base, &one.lines, 1);
	stop_and_wait();
	assert_true(WIFSIGNALED(one.status) && WTERMSIG(one.status) == SIGKILL);
}

static void test_kill_at_once(void **state)
{
	(void)state;
	start(ARGV("cat"));
	child_kill(one.child);
	loop_until_count(base, &one.exits, 1);
	assert_int_equal(WTERMSIG(one.status), SIGKILL);
}

/* It holds up nobody for ever, and is reaped when it goes after all. */
static void test_cannot_be_killed(void **state)
{
	pid_t pid;

	(void)state;
	start_sh("trap '' TERM; echo up; exec sleep 1000");
	loop_until_count(base, &one.lines, 1);
	pid = child_pid(one.child);
	kill_fails = true;
	stop_and_wait();
	kill_fails = false;
	assert_int_equal(WTERMSIG(one.status), SIGKILL);
	assert_int_equal(kill(pid, SIGKILL), 0);
	until_gone(pid);
	assert_int_equal(one.exits, 1);
}

/* A child that was never heard of goes as well: nothing depends on a handshake. */
static void test_abandoned_at_birth(void **state)
{
	pid_t pid;

	(void)state;
	start(ARGV("sleep", "1000"));
	pid = child_pid(one.child);
	child_abandon(one.child);
	assert_int_equal(children_count(set), 1);
	until_gone(pid);
	assert_int_equal(children_count(set), 0);
	assert_int_equal(one.exits + one.eofs, 0);
}

static void set_flag(void *arg)
{
	*(bool *)arg = true;
}

static void test_when_empty(void **state)
{
	struct seen s[3] = {{0}};
	bool empty = false;

	(void)state;
	children_when_empty(set, set_flag, &empty);
	assert_false(empty);
	loop_until(base, &empty);
	empty = false;
	for (int i = 0; i < 3; i++)
		assert_int_equal(spawn_spec((struct child_spec){.argv = ARGV("cat")}, &s[i], NULL),
				 0);
	children_when_empty(set, set_flag, &empty);
	loop_settle(base);
	assert_false(empty);
	children_stop_all(set);
	loop_until(base, &empty);
	assert_int_equal(s[0].exits + s[1].exits + s[2].exits, 3);
}

static void test_free_kills(void **state)
{
	pid_t pid;

	(void)state;
	start_sh("trap '' TERM; echo up; exec sleep 1000");
	loop_until_count(base, &one.lines, 1);
	pid = child_pid(one.child);
	children_free(&set);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(one.exits, 0);
}

/* ---- who outlives a child ---- */

/* peers.md, 2: the shell goes, the server that it started must go too. */
static void test_wrapper(void **state)
{
	pid_t pid;

	(void)state;
	start_sh("sleep 1000 & echo $!; wait");
	loop_until_count(base, &one.lines, 1);
	pid = (pid_t)atol(one.out);
	stop_and_wait();
	until_gone(pid);
}

static void test_wrapper_dies_first(void **state)
{
	pid_t pid;

	(void)state;
	start_sh("sleep 1000 & echo $!"); /* holds the output open */
	loop_until_count(base, &one.exits, 1);
	pid = (pid_t)atol(one.out);
	assert_true(WIFEXITED(one.status) && WEXITSTATUS(one.status) == 0);
	until_gone(pid);
}

static void test_stubborn_grandchild(void **state)
{
	pid_t pid;

	(void)state;
	start_sh("sh -c 'trap \"\" TERM; echo $$; exec sleep 1000' & wait");
	loop_until_count(base, &one.lines, 1);
	pid = (pid_t)atol(one.out);
	stop_and_wait();
	until_gone(pid);
}

/* It left the group, so only the mark in its environment tells whose it is. */
static void test_grandchild_in_own_session(void **state)
{
	pid_t pid;

	(void)state;
	start_sh("setsid sh -c 'echo $$; exec sleep 1000 >/dev/null 2>&1' & cat >/dev/null");
	loop_until_count(base, &one.lines, 1);
	pid = (pid_t)atol(one.out);
	assert_true(getpgid(pid) != child_pid(one.child));
	child_stop(one.child);
	loop_until_count(base, &one.exits, 1);
	until_gone(pid);
}

/* What a dead child has left outside of its group goes, however many other children run, and what
 * those have outside of theirs stays. */
static void test_orphans_beside_other_children(void **state)
{
	static const char script[] =
		"setsid sh -c 'echo $$; exec sleep 1000 >/dev/null 2>&1' & exec cat";
	struct seen dead = {0};
	pid_t pid, orphan;

	(void)state;
	start_sh(script);
	loop_until_count(base, &one.lines, 1);
	pid = (pid_t)atol(one.out);
	assert_int_equal(
		spawn_spec((struct child_spec){.argv = ARGV("sh", "-c", script)}, &dead, NULL), 0);
	loop_until_count(base, &dead.lines, 1);
	orphan = (pid_t)atol(dead.out);
	/* It dies by itself, so that nobody stops what is below it. */
	assert_int_equal(kill(child_pid(dead.child), SIGKILL), 0);
	loop_until_count(base, &dead.exits, 1);
	until_gone(orphan);
	assert_int_equal(kill(pid, 0), 0);
	stop_and_wait();
	until_gone(pid);
}

/* It has left group, session and environment: nothing but the parent tells whose it is. */
static void test_escapee_without_mark(void **state)
{
	static const char *const scripts[] = {
		"setsid env -i /bin/sh -c 'echo $$; exec sleep 1000 >/dev/null 2>&1' & exec cat",
		/* With descendants of its own, and a child that does not go by itself. */
		"(setsid env -i /bin/sh -c 'echo $$; sleep 1000 & exec sleep 1000 >/dev/null 2>&1' "
		"&); exec sleep 1000",
	};

	(void)state;
	for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
		struct proclist tree = {.n = 0};
		struct procinfo p;
		pid_t pid;

		memset(&one, 0, sizeof one);
		start_sh(scripts[i]);
		loop_until_count(base, &one.lines, 1);
		pid = (pid_t)atol(one.out);
		assert_true(getpgid(pid) != child_pid(one.child));
		/* It stays below the child, and is counted. */
		assert_int_equal(procinfo_read(pid, &p), 0);
		child_tree(one.child, &tree);
		assert_true(proclist_has(&tree, pid));
		free(tree.v);
		assert_true(children_processes(set) >= 2);
		stop_and_wait();
		until_gone(pid);
		assert_int_equal(children_processes(set), 0);
	}
}

static void test_grandchild_holds_output(void **state)
{
	pid_t pid;

	(void)state;
	start_sh("setsid sh -c 'echo $$; exec sleep 1000' & cat >/dev/null");
	loop_until_count(base, &one.lines, 1);
	pid = (pid_t)atol(one.out);
	child_stop(one.child);
	loop_until_count(base, &one.exits, 1);
	until_gone(pid);
}

/* Another child comes and goes, after which orphans are looked for. */
static void another_child_ends(void)
{
	struct seen other = {0};

	assert_int_equal(spawn_spec((struct child_spec){.argv = ARGV("true")}, &other, NULL), 0);
	loop_until_count(base, &other.exits, 1);
	loop_settle(base);
}

/* What a living child has put into the background is its own business. */
static void test_orphan_of_a_living_child(void **state)
{
	pid_t pid;

	(void)state;
	start_sh("setsid sh -c 'echo $$; exec sleep 1000 >/dev/null 2>&1' & exec cat");
	loop_until_count(base, &one.lines, 1);
	pid = (pid_t)atol(one.out);
	another_child_ends();
	assert_int_equal(kill(pid, 0), 0);
	stop_and_wait();
	until_gone(pid);
}

/* A child that was asked to stop has ended, and others still hold its output: they have the time
 * that it would have, and only the mark (or, without one, the group) tells whose they are. */
static void test_orphan_of_a_lingering_child(void **state)
{
	static const char *const scripts[] = {
		"setsid sh -c 'echo $$; exec sleep 1000' & exec cat",
		"env -i /bin/sh -c 'trap \"\" TERM; echo $$; exec sleep 1000' & exec cat",
	};
	static const struct children_limits patient = {
		.max = 300, .max_per_peer = 2, .term_after_ms = 60000, .kill_after_ms = 60000};

	(void)state;
	children_free(&set);
	set = children_new(base, &patient, NULL);
	for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
		struct procinfo p;
		pid_t pid;

		memset(&one, 0, sizeof one);
		start_sh(scripts[i]);
		loop_until_count(base, &one.lines, 1);
		pid = (pid_t)atol(one.out);
		child_stop(one.child);
		do
			another_child_ends();
		while (kill(child_pid(one.child), 0) == 0);
		another_child_ends();
		assert_int_equal(procinfo_read(pid, &p), 0);
		assert_true(p.state != 'Z');
		assert_int_equal(p.parent, getpid());
		assert_int_equal(one.exits, 0);
		assert_int_equal(kill(pid, SIGKILL), 0);
		loop_until_count(base, &one.exits, 1);
	}
}

/* The last net: the daemon is killed, nobody is there to stop anything. */
static void test_daemon_is_killed(void **state)
{
	int fd[2];
	pid_t daemon, pid = 0;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	daemon = fork();
	if (daemon == 0) {
		start(ARGV("sleep", "1000"));
		pid = child_pid(one.child);
		if (write(fd[1], &pid, sizeof pid) == (ssize_t)sizeof pid)
			kill(getpid(), SIGKILL);
		_exit(1);
	}
	assert_int_equal(read(fd[0], &pid, sizeof pid), sizeof pid);
	close(fd[0]);
	close(fd[1]);
	until_gone(daemon);
	until_gone(pid);
}

/* ---- half a child ---- */

static void test_closes_stdout(void **state)
{
	(void)state;
	start_sh("exec >&-; exec sleep 1000");
	loop_until_count(base, &one.eofs, 1);
	assert_int_equal(one.exits, 0);
	stop_and_wait();
}

static void test_closes_stdin(void **state)
{
	(void)state;
	start_sh("exec <&-; echo up; exec sleep 1000");
	loop_until_count(base, &one.lines, 1);
	assert_int_equal(say(one.child, "x\n", 2), 0);
	loop_until_count(base, &one.eofs, 1);
	assert_int_equal(say(one.child, "x\n", 2), ERR_CLOSED);
	stop_and_wait();
}

static void test_closes_stdin_with_a_backlog(void **state)
{
	static char big[1 << 20];

	(void)state;
	start_sh("read x; exec <&-; exec sleep 1000");
	memset(big, '\n', sizeof big);
	assert_int_equal(say(one.child, big, sizeof big), 0);
	loop_until_count(base, &one.eofs, 1);
	assert_int_equal(child_backlog(one.child), 0);
	stop_and_wait();
}

static void test_never_reads(void **state)
{
	static char big[1 << 20];
	const struct child_spec spec = {.argv = ARGV("sleep", "1000"), .max_backlog = sizeof big};

	(void)state;
	assert_int_equal(spawn_spec(spec, &one, NULL), 0);
	/* One message may wait, whatever its size. */
	assert_int_equal(say(one.child, big, sizeof big), 0);
	assert_true(child_backlog(one.child) > sizeof big / 2);
	assert_int_equal(say(one.child, big, sizeof big), ERR_LIMIT);
	stop_and_wait();
}

/* ---- stderr ---- */

static void test_stderr(void **state)
{
	(void)state;
	log_set_level(LOGL_INFO);
	capture_start();
	start_sh("printf 'first\\nwith \\033[31m escape\\n\\nlast' >&2");
	loop_until_count(base, &one.exits, 1);
	assert_int_equal(capture_matches(": first"), 1);
	assert_int_equal(capture_matches("with \\x1b[31m escape"), 1);
	assert_int_equal(capture_matches("last"), 1);
	assert_int_equal(capture_matches("stderr of child"), 3);
	capture_stop();
}

static void test_stderr_flood(void **state)
{
	(void)state;
	log_set_level(LOGL_INFO);
	capture_start();
	start_sh("i=0; while [ $i -lt 5000 ]; do echo line; i=$((i+1)); done >&2");
	loop_until_count(base, &one.exits, 1);
	assert_true(capture_matches("line") < 2000);
	assert_true(capture_matches("lines dropped") >= 1);
	capture_stop();
}

static void test_last_words(void **state)
{
	(void)state;
	start_sh("echo one >&2; echo two >&2; echo up; cat");
	loop_until_count(base, &one.lines, 1);
	stop_and_wait();
	assert_string_equal(child_last_words(one.child), "two");
}

/* peers.md, 1: however many come and go, nothing stays. */
static void test_many(void **state)
{
	static struct seen s[200];
	int fds = open_fds();

	(void)state;
	memset(s, 0, sizeof s);
	for (int i = 0; i < 200; i++)
		assert_int_equal(spawn_spec((struct child_spec){.argv = ARGV("true")}, &s[i], NULL),
				 0);
	for (int i = 0; i < 200; i++)
		loop_until_count(base, &s[i].exits, 1);
	loop_settle(base);
	assert_int_equal(children_count(set), 0);
	assert_int_equal(open_fds(), fds);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_talks_and_ends),
		T(test_output_before_exit),
		T(test_status_text),
		T(test_exec_failures),
		T(test_cwd),
		T(test_caps),
		T(test_shares),
		T(test_cap_in_all),
		T(test_lack_of_descriptors),
		T(test_fork_fails),
		T(test_clean_signals),
		T(test_clean_descriptors),
		T(test_environment),
		T(test_goes_when_stdin_closes),
		T(test_goes_on_sigterm),
		T(test_ignores_sigterm),
		T(test_kill_at_once),
		T(test_cannot_be_killed),
		T(test_abandoned_at_birth),
		T(test_when_empty),
		T(test_free_kills),
		T(test_wrapper),
		T(test_wrapper_dies_first),
		T(test_stubborn_grandchild),
		T(test_grandchild_in_own_session),
		T(test_orphans_beside_other_children),
		T(test_escapee_without_mark),
		T(test_grandchild_holds_output),
		T(test_orphan_of_a_living_child),
		T(test_orphan_of_a_lingering_child),
		T(test_daemon_is_killed),
		T(test_closes_stdout),
		T(test_closes_stdin),
		T(test_closes_stdin_with_a_backlog),
		T(test_never_reads),
		T(test_stderr),
		T(test_stderr_flood),
		T(test_last_words),
		T(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
