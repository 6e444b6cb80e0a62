/* SPDX-License-Identifier: ISC */
/* Going into the background, in a child of the test, whose child is the daemon-to-be. */
#include "support.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "detach.h"

/* What the daemon-to-be finds. */
struct found {
	pid_t pid, session;
	int before, during, after; /* open descriptors: at first, before and after detach_done() */
	bool quiet;		   /* 0, 1 and 2 are /dev/null */
};

static int descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static bool is_null(int fd)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat("/dev/null", &b) == 0 && a.st_rdev == b.st_rdev &&
	       a.st_ino == b.st_ino;
}

/* Goes into the background and ends with detach_done(STATUS), or without it where STATUS is -1.
 * What the shell gets; *FOUND, as far as there is something. */
static int detach(int status, struct found *found)
{
	int to[2], shown = -1;
	struct err e;
	pid_t shell;

	assert_int_equal(pipe(to), 0);
	shell = fork();
	if (shell == 0) {
		struct found f = {.before = descriptors()};

		if (detach_begin(&e) < 0)
			_exit(99);
		f.during = descriptors();
		if (status < 0)
			_exit(0);
		f.pid = getpid();
		f.session = getsid(0);
		detach_done(status);
		f.after = descriptors();
		f.quiet = is_null(0) && is_null(1) && is_null(2);
		detach_done(status); /* a second time does nothing */
		_exit(write(to[1], &f, sizeof f) == (ssize_t)sizeof f ? 0 : 1);
	}
	close(to[1]);
	assert_int_equal(waitpid(shell, &shown, 0), shell);
	*found = (struct found){0};
	if (read(to[0], found, sizeof *found) < 0)
		fail();
	close(to[0]);
	while (waitpid(-1, NULL, 0) > 0) /* the daemon came to us */
		;
	assert_true(WIFEXITED(shown));
	return WEXITSTATUS(shown);
}

static void up(void **state)
{
	struct found f;

	(void)state;
	assert_int_equal(detach(0, &f), 0);
	assert_true(f.pid > 1);
	assert_int_equal(f.session, f.pid);
	assert_true(f.quiet);
	assert_int_equal(f.during, f.before + 1); /* the way to tell the parent, and nothing else */
	assert_int_equal(f.after, f.before);
}

/* The shell gets the status, and stderr stays, for what there is to say. */
static void not_up(void **state)
{
	struct found f;

	(void)state;
	assert_int_equal(detach(78, &f), 78);
	assert_false(f.quiet);
	assert_int_equal(f.after, f.before);
}

/* A daemon that dies before it is up has not come up. */
static void dies(void **state)
{
	struct found f;

	(void)state;
	assert_int_equal(detach(-1, &f), 1);
	assert_int_equal(f.pid, 0);
}

static void nothing_without_detaching(void **state)
{
	int before = descriptors();

	(void)state;
	detach_done(0);
	assert_int_equal(descriptors(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(up),
		cmocka_unit_test(not_up),
		cmocka_unit_test(dies),
		cmocka_unit_test(nothing_without_detaching),
	};

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	alarm(60); /* a parent that waits for ever */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
