/* SPDX-License-Identifier: ISC */
/* stalls.c: a library for LD_PRELOAD that has system calls of a program, and of all that it starts,
 * take longer: now and then one waits up to 20 ms, before the kernel is asked, or after. What is
 * right only because something else was fast breaks under it.
 *
 * MCPD_STALLS_SEED decides which calls: the n-th call of the m-th child of a program is the same
 * one in each run. MCPD_STALLS_SHARE is how many of 10,000 calls wait. Programs do not find these
 * variables, nor LD_PRELOAD, in their environment; what they start is given them whatever
 * environment it is given. A child that may not read the library (Landlock) runs without it. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LONGEST_US  20000
#define MAX_ENVIRON 4096 /* variables; with more of them a child runs without the library */

extern char **environ;

static struct {
	uint64_t seed;
	unsigned long share; /* 0: nothing waits */
	_Atomic uint64_t calls, children;
	char preload[PATH_MAX + 16], shared[64]; /* variables for children */
} stalls;

/* splitmix64: a number of which each bit depends on all bits of N. */
static uint64_t mix(uint64_t n)
{
	n += 0x9e3779b97f4a7c15u;
	n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9u;
	n = (n ^ (n >> 27)) * 0x94d049bb133111ebu;
	return n ^ (n >> 31);
}

static void stall(void)
{
	uint64_t n;
	struct timespec wait = {0};
	int saved = errno;

	if (stalls.share == 0)
		return;
	n = mix(stalls.seed + atomic_fetch_add(&stalls.calls, 1));
	if (n % 10000 >= stalls.share)
		return;
	wait.tv_nsec = (long)((n >> 32) % (LONGEST_US + 1)) * 1000;
	nanosleep(&wait, NULL);
	errno = saved;
}

__attribute__((constructor)) static void begin(void)
{
	const char *seed = getenv("MCPD_STALLS_SEED"), *share = getenv("MCPD_STALLS_SHARE");
	const char *preload = getenv("LD_PRELOAD");
	uint64_t name = 0;

	if (!seed || !preload)
		return;
	for (const char *p = program_invocation_short_name; *p; p++)
		name = mix(name ^ (unsigned char)*p);
	stalls.seed = mix(strtoull(seed, NULL, 10) ^ name);
	snprintf(stalls.preload, sizeof stalls.preload, "LD_PRELOAD=%s", preload);
	snprintf(stalls.shared, sizeof stalls.shared, "MCPD_STALLS_SHARE=%s",
		 share ? share : "200");
	stalls.share = strtoul(stalls.shared + sizeof "MCPD_STALLS_SHARE=" - 1, NULL, 10);
	unsetenv("MCPD_STALLS_SEED");
	unsetenv("MCPD_STALLS_SHARE");
	unsetenv("LD_PRELOAD");
}

/* Finds the function of that name that the program would have called without this library: before
 * the program begins, because dlsym() takes a lock, which another thread may hold when one forks.
 */
#define FIND(name)                                                                                 \
	static __typeof__(&name) real_##name;                                                      \
	__attribute__((constructor(101))) static void find_##name(void)                            \
	{                                                                                          \
		real_##name = (__typeof__(&name))dlsym(RTLD_NEXT, #name);                          \
	}
/* A function that may wait before the kernel is asked, and one that may wait afterwards, when what
 * is reported may have changed meanwhile. */
#define BEFORE(type, name, params, args)                                                           \
	type name params;                                                                          \
	FIND(name)                                                                                 \
	type name params                                                                           \
	{                                                                                          \
		if (!real_##name)                                                                  \
			find_##name();                                                             \
		stall();                                                                           \
		return real_##name args;                                                           \
	}
#define AFTER(type, name, params, args)                                                            \
	type name params;                                                                          \
	FIND(name)                                                                                 \
	type name params                                                                           \
	{                                                                                          \
		type result;                                                                       \
                                                                                                   \
		if (!real_##name)                                                                  \
			find_##name();                                                             \
		result = real_##name args;                                                         \
		stall();                                                                           \
		return result;                                                                     \
	}

BEFORE(ssize_t, read, (int fd, void *buf, size_t n), (fd, buf, n))
BEFORE(ssize_t, write, (int fd, const void *buf, size_t n), (fd, buf, n))
BEFORE(ssize_t, readv, (int fd, const struct iovec *v, int n), (fd, v, n))
BEFORE(ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n))
BEFORE(ssize_t, pwrite64, (int fd, const void *buf, size_t n, off64_t at), (fd, buf, n, at))
BEFORE(ssize_t, sendfile, (int to, int from, off_t *at, size_t n), (to, from, at, n))
BEFORE(ssize_t, send, (int fd, const void *buf, size_t n, int flags), (fd, buf, n, flags))
BEFORE(ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags), (fd, m, flags))
BEFORE(ssize_t, recv, (int fd, void *buf, size_t n, int flags), (fd, buf, n, flags))
BEFORE(ssize_t, recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags))
BEFORE(int, fdatasync, (int fd), (fd))
BEFORE(int, shutdown, (int fd, int how), (fd, how))
BEFORE(int, kill, (pid_t pid, int sig), (pid, sig))
AFTER(int, poll, (struct pollfd * fds, nfds_t n, int ms), (fds, n, ms))
AFTER(int, epoll_wait, (int fd, struct epoll_event *ev, int n, int ms), (fd, ev, n, ms))
AFTER(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options))
AFTER(pid_t, wait4, (pid_t pid, int *status, int options, struct rusage *usage),
      (pid, status, options, usage))

/* Programs that were built with _FORTIFY_SOURCE call these. */
BEFORE(ssize_t, __read_chk, (int fd, void *buf, size_t n, size_t room), (fd, buf, n, room))
BEFORE(ssize_t, __recv_chk, (int fd, void *buf, size_t n, size_t room, int flags),
       (fd, buf, n, room, flags))
AFTER(int, __poll_chk, (struct pollfd * fds, nfds_t n, int ms, size_t room), (fds, n, ms, room))

/* The headers of glibc have a union in place of these addresses. */
FIND(connect)
FIND(accept)
FIND(accept4)

int connect(int fd, const struct sockaddr *to, socklen_t len)
{
	stall();
	return real_connect(fd, to, len);
}

int accept(int fd, struct sockaddr *restrict from, socklen_t *restrict len)
{
	stall();
	return real_accept(fd, from, len);
}

int accept4(int fd, struct sockaddr *restrict from, socklen_t *restrict len, int flags)
{
	stall();
	return real_accept4(fd, from, len, flags);
}

/* The mode of open(), where there is one. */
static unsigned mode_of(int flags, va_list ap)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, unsigned) : 0;
}

#define OPEN(name)                                                                                 \
	FIND(name)                                                                                 \
	int name(const char *path, int flags, ...)                                                 \
	{                                                                                          \
		va_list ap;                                                                        \
		unsigned mode;                                                                     \
                                                                                                   \
		va_start(ap, flags);                                                               \
		mode = mode_of(flags, ap);                                                         \
		va_end(ap);                                                                        \
		if (!real_##name)                                                                  \
			find_##name();                                                             \
		stall();                                                                           \
		return real_##name(path, flags, mode);                                             \
	}
#define OPEN_AT(name)                                                                              \
	FIND(name)                                                                                 \
	int name(int dir, const char *path, int flags, ...)                                        \
	{                                                                                          \
		va_list ap;                                                                        \
		unsigned mode;                                                                     \
                                                                                                   \
		va_start(ap, flags);                                                               \
		mode = mode_of(flags, ap);                                                         \
		va_end(ap);                                                                        \
		if (!real_##name)                                                                  \
			find_##name();                                                             \
		stall();                                                                           \
		return real_##name(dir, path, flags, mode);                                        \
	}
OPEN(open)
OPEN(open64)
OPEN_AT(openat)
OPEN_AT(openat64)

/* ---- children ---- */

FIND(fork)
FIND(execve)
FIND(execvpe)
FIND(posix_spawn)
FIND(posix_spawnp)

pid_t fork(void)
{
	uint64_t number = atomic_fetch_add(&stalls.children, 1) + 1;
	pid_t pid;

	stall();
	pid = real_fork();
	if (pid == 0)
		stalls.seed = mix(stalls.seed ^ number);
	stall();
	return pid;
}

static bool is_ours(const char *variable)
{
	static const char *const names[] = {
		"LD_PRELOAD=", "MCPD_STALLS_SEED=", "MCPD_STALLS_SHARE="};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strncmp(variable, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* Whether a program could read the library after execve(). */
static bool may_read(void)
{
	int fd = real_open(stalls.preload + sizeof "LD_PRELOAD=" - 1, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

struct environment {
	char seed[64];
	char *all[MAX_ENVIRON + 4];
};

/* GIVEN with the variables of this library, in OUT; or GIVEN itself. May run in a child of vfork().
 */
static char *const *with_ours(char *const *given, struct environment *out)
{
	static char *none[] = {NULL};
	size_t n = 0;
	uint64_t number = atomic_fetch_add(&stalls.children, 1) + 1;

	given = given ? given : none;
	if (stalls.share == 0 || !may_read())
		return given;
	for (char *const *v = given; *v; v++) {
		if (n == MAX_ENVIRON)
			return given;
		if (!is_ours(*v))
			out->all[n++] = *v;
	}
	snprintf(out->seed, sizeof out->seed, "MCPD_STALLS_SEED=%llu",
		 (unsigned long long)mix(stalls.seed ^ number));
	out->all[n++] = out->seed;
	out->all[n++] = stalls.shared;
	out->all[n++] = stalls.preload;
	out->all[n] = NULL;
	return out->all;
}

int execve(const char *path, char *const argv[], char *const envp[])
{
	struct environment env;

	stall();
	return real_execve(path, argv, with_ours(envp, &env));
}

int execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

int execvpe(const char *file, char *const argv[], char *const envp[])
{
	struct environment env;

	stall();
	return real_execvpe(file, argv, with_ours(envp, &env));
}

int execvp(const char *file, char *const argv[])
{
	return execvpe(file, argv, environ);
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	struct environment env;

	stall();
	return real_posix_spawn(pid, path, actions, attributes, argv, with_ours(envp, &env));
}

int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
		 const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	struct environment env;

	stall();
	return real_posix_spawnp(pid, file, actions, attributes, argv, with_ours(envp, &env));
}
