/* SPDX-License-Identifier: ISC */
/* Who connects to a Unix socket: real processes, of this family and of none. */
#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/procinfo.h"
#include "lib/err.h"
#include "process/peerproc.h"

static int listener;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static socklen_t address_len;

/* An abstract address, which the kernel chooses. */
static int setup(void **state)
{
	(void)state;
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	address_len = sizeof address;
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &address_len), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(listener);
	address = (struct sockaddr_un){.sun_family = AF_UNIX};
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	return 0;
}

static int connect_here(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, address_len) < 0)
		_exit(9);
	return fd;
}

/* In a process of its own: connects DEPTH generations below, all of which wait for the end. */
static void connect_below(int depth)
{
	char byte;
	int fd;

	for (pid_t pid; depth > 0; depth--) {
		pid = fork();
		if (pid != 0) {
			waitpid(pid, NULL, 0);
			_exit(0);
		}
	}
	fd = connect_here();
	while (read(fd, &byte, 1) > 0)
		continue;
	_exit(0);
}

static pid_t start_below(int depth)
{
	pid_t pid = fork();

	if (pid == 0)
		connect_below(depth);
	assert_true(pid > 0);
	return pid;
}

static void itself_is_no_descendant(void **state)
{
	int fd = connect_here(), peer = accept(listener, NULL, NULL);

	(void)state;
	assert_int_equal(peerproc_look(peer, getpid()), PEERPROC_OTHER);
	close(fd);
	close(peer);
}

static void descendants_of_any_depth(void **state)
{
	(void)state;
	for (int depth = 0; depth < 3; depth++) {
		pid_t pid = start_below(depth);
		int peer = accept(listener, NULL, NULL);

		assert_int_equal(peerproc_look(peer, getpid()), PEERPROC_FAMILY);
		/* To the process in between, only what is below it is family. */
		assert_int_equal(peerproc_look(peer, pid),
				 depth > 0 ? PEERPROC_FAMILY : PEERPROC_OTHER);
		close(peer);
		waitpid(pid, NULL, 0);
	}
}

/* The number of a process that has ended may be anybody's. */
static void one_that_has_ended(void **state)
{
	pid_t pid = fork();
	int peer;

	(void)state;
	if (pid == 0) {
		connect_here();
		_exit(0);
	}
	peer = accept(listener, NULL, NULL);
	/* Whether it is reaped makes no difference. */
	assert_int_equal(waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
	assert_int_equal(peerproc_look(peer, getpid()), PEERPROC_GONE);
	waitpid(pid, NULL, 0);
	assert_int_equal(peerproc_look(peer, getpid()), PEERPROC_GONE);
	close(peer);
}

/* A daemon's way: its parent ends, and it has another session. It comes to us, and stays family. */
static void one_that_was_left_behind(void **state)
{
	pid_t pid = fork();
	int peer;

	(void)state;
	if (pid == 0) {
		setsid();
		if (fork() > 0)
			_exit(0);
		connect_below(0);
	}
	waitpid(pid, NULL, 0);
	peer = accept(listener, NULL, NULL);
	assert_int_equal(peerproc_look(peer, getpid()), PEERPROC_FAMILY);
	close(peer);
}

static void trees_are_walked(void **state)
{
	pid_t pid = start_below(2);
	int peer = accept(listener, NULL, NULL);
	struct proclist tree = {.n = 0}, few = {.n = 0};
	struct procinfo p;

	(void)state;
	procinfo_tree(pid, &tree, 100);
	assert_int_equal(tree.n, 2);
	procinfo_tree(getpid(), &few, 1);
	assert_int_equal(few.n, 1);
	assert_int_equal(procinfo_read(tree.v[0].pid, &p), 0);
	assert_int_equal(p.parent, pid);
	assert_int_equal(p.group, getpgrp());
	/* A process that is not the one that was meant gets no signal. */
	tree.v[1].start++;
	assert_false(procinfo_signal(&tree.v[1], SIGKILL));
	tree.v[1].start--;
	assert_true(procinfo_signal(&tree.v[1], SIGKILL));
	waitpid(pid, NULL, 0);
	assert_false(procinfo_signal(&tree.v[1], SIGKILL));
	assert_int_equal(procinfo_read(tree.v[1].pid, &p), ERR_NOTFOUND);
	close(peer);
	free(tree.v);
	free(few.v);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(itself_is_no_descendant, setup, teardown),
		cmocka_unit_test_setup_teardown(descendants_of_any_depth, setup, teardown),
		cmocka_unit_test_setup_teardown(one_that_has_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(one_that_was_left_behind, setup, teardown),
		cmocka_unit_test_setup_teardown(trees_are_walked, setup, teardown),
	};

	return cmocka_run_group_tests_name("peerproc", tests, NULL, NULL);
}
