/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/descriptors.h"

static void set_soft(rlim_t soft)
{
	struct rlimit r;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &r), 0);
	r.rlim_cur = soft;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &r), 0);
}

/* Runs first: raising happens once in a process. */
static void the_daemon_gets_all_and_its_children_what_was(void **state)
{
	struct rlimit r;
	int status;
	pid_t pid;

	(void)state;
	set_soft(100);
	descriptors_raise();
	descriptors_raise();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &r), 0);
	assert_true(r.rlim_cur == r.rlim_max);
	pid = fork();
	if (pid == 0) {
		descriptors_restore();
		_exit(getrlimit(RLIMIT_NOFILE, &r) == 0 ? (int)r.rlim_cur : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 100);
}

static void connections_leave_some_for_others(void **state)
{
	struct rlimit r;

	(void)state;
	set_soft(400);
	assert_int_equal(descriptors_for_connections(), 300);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &r), 0);
	if (r.rlim_max >= 20000) {
		set_soft(20000);
		assert_int_equal(descriptors_for_connections(), 20000 - 4096);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_daemon_gets_all_and_its_children_what_was),
		cmocka_unit_test(connections_leave_some_for_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
