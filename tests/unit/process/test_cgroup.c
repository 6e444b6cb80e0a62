/* SPDX-License-Identifier: ISC */
/* cgroup.c against a folder that behaves like cgroupfs: files appear with a folder, and a folder
 * with processes in it cannot be removed. */
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "process/cgroup.h"

static struct event_base *base;
static char top[64], self[96], mounts[96];
static const struct cgroup_paths paths = {self, mounts};
static const struct cgroup_limits all = {.memory = 1 << 20, .processes = 7, .cpu = 150};
static const struct cgroup_limits none;
static struct err e;

static const char *const files[] = {"cgroup.procs",    "cgroup.kill",	   "memory.max",
				    "memory.swap.max", "memory.oom.group", "memory.events",
				    "pids.max",	       "cpu.max"};

static void put(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static const char *get(const char *name)
{
	static char text[256];
	char path[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "%s/%s", top, name);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	n = read(fd, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	close(fd);
	return text;
}

static void put_top(const char *name, const char *text)
{
	int dir = open(top, O_RDONLY | O_DIRECTORY);

	put(dir, name, text);
	close(dir);
}

static bool exists(const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", top, name);
	return access(path, F_OK) == 0;
}

int __real_mkdirat(int dir, const char *name, mode_t mode);
int __wrap_mkdirat(int dir, const char *name, mode_t mode);
int __wrap_mkdirat(int dir, const char *name, mode_t mode)
{
	int rc = __real_mkdirat(dir, name, mode), fd;

	if (rc < 0)
		return rc;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		put(fd, files[i], "");
	close(fd);
	return 0;
}

static int rmdirs;
static bool busy; /* the killed have not died yet */

int __real_unlinkat(int dir, const char *name, int flags);
int __wrap_unlinkat(int dir, const char *name, int flags);
int __wrap_unlinkat(int dir, const char *name, int flags)
{
	int fd;

	if (!(flags & AT_REMOVEDIR))
		return __real_unlinkat(dir, name, flags);
	rmdirs++;
	if (busy) {
		errno = EBUSY;
		return -1;
	}
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		__real_unlinkat(fd, files[i], 0);
	close(fd);
	return __real_unlinkat(dir, name, flags);
}

static int setup(void **state)
{
	(void)state;
	snprintf(top, sizeof top, "/tmp/mcpd-test-cgroup-XXXXXX");
	assert_non_null(mkdtemp(top));
	snprintf(self, sizeof self, "%s/self", top);
	snprintf(mounts, sizeof mounts, "%s/mounts", top);
	put_top("self", "1:memory:/x\n0::/\n");
	put_top("cgroup.controllers", "cpuset cpu io memory pids\n");
	put_top("cgroup.subtree_control", "");
	put_top("cgroup.procs", "");
	{
		char line[256];

		snprintf(line, sizeof line, "30 23 0:26 / %s rw,relatime shared:9 - cgroup2 c rw\n",
			 top);
		put_top("mounts", line);
	}
	base = loop_open();
	busy = false;
	rmdirs = 0;
	capture_start();
	return 0;
}

static int teardown(void **state)
{
	DIR *dir = opendir(top);
	struct dirent *entry;

	(void)state;
	capture_stop();
	loop_close(base);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (__real_unlinkat(dirfd(dir), entry->d_name, 0) < 0)
			__wrap_unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
	}
	closedir(dir);
	return rmdir(top);
}

static struct cgroups *start(const char *folder)
{
	struct cgroups *cs = cgroups_new(base, folder, &paths, &all, &all, &e);

	if (!cs)
		fail_msg("%s", e.text);
	return cs;
}

static void limits(void **state)
{
	struct cgroups *cs = start(top);
	struct cgroup *cg;

	(void)state;
	assert_true(cgroups_has(cs, "memory") && cgroups_has(cs, "pids") && cgroups_has(cs, "cpu"));
	assert_int_equal(cgroup_make(cs, "files", 12, &all, &cg, &e), 0);
	assert_string_equal(get("child-files-12/memory.max"), "1048576");
	assert_string_equal(get("child-files-12/memory.swap.max"), "0");
	assert_string_equal(get("child-files-12/memory.oom.group"), "1");
	assert_string_equal(get("child-files-12/pids.max"), "7");
	assert_string_equal(get("child-files-12/cpu.max"), "150000 100000");
	assert_int_equal(write(cgroup_entry(cg), "0", 1), 1);
	cgroup_entered(cg);
	assert_string_equal(get("child-files-12/cgroup.procs"), "0");
	assert_int_equal(cgroup_oom_kills(cg), 0);
	cgroup_end(&cg);
	assert_null(cg);
	assert_false(exists("child-files-12"));
	cgroups_free(&cs);
}

static void without_limits(void **state)
{
	const struct cgroup_limits few = {.processes = 3};
	struct cgroups *cs = start(top);
	struct cgroup *cg;

	(void)state;
	assert_int_equal(cgroup_make(cs, "x", 1, &few, &cg, &e), 0);
	assert_string_equal(get("child-x-1/memory.max"), "");
	assert_string_equal(get("child-x-1/memory.oom.group"), "");
	assert_string_equal(get("child-x-1/pids.max"), "3");
	cgroup_end(&cg);
	cgroups_free(&cs);
}

static void oom(void **state)
{
	struct cgroups *cs = start(top);
	struct cgroup *cg;

	(void)state;
	assert_int_equal(cgroup_make(cs, "x", 1, &all, &cg, &e), 0);
	put_top("child-x-1/memory.events", "low 0\nhigh 0\nmax 9\noom 1\noom_kill 3\n");
	assert_int_equal(cgroup_oom_kills(cg), 3);
	cgroup_end(&cg);
	cgroups_free(&cs);
}

static void busy_is_tried_again(void **state)
{
	struct cgroups *cs = start(top);
	struct cgroup *cg;
	int before;

	(void)state;
	assert_int_equal(cgroup_make(cs, "x", 1, &all, &cg, &e), 0);
	busy = true;
	cgroup_end(&cg);
	assert_string_equal(get("child-x-1/cgroup.kill"), "1");
	assert_int_equal(cgroups_waiting(cs), 1);
	before = rmdirs;
	loop_until_count(base, &rmdirs, before + 2);
	assert_true(exists("child-x-1"));
	busy = false;
	loop_until_count(base, &rmdirs, rmdirs + 1);
	assert_int_equal(cgroups_waiting(cs), 0);
	assert_false(exists("child-x-1"));
	cgroups_free(&cs);
}

static void earlier_life(void **state)
{
	struct cgroups *cs;

	(void)state;
	{
		int dir = open(top, O_RDONLY | O_DIRECTORY);

		assert_int_equal(__wrap_mkdirat(dir, "child-old-3", 0755), 0);
		close(dir);
	}
	cs = start(top);
	assert_false(exists("child-old-3"));
	cgroups_free(&cs);
}

static void own_cgroup(void **state)
{
	struct cgroups *cs;
	char pid[16];

	(void)state;
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	cs = start(NULL);
	assert_string_equal(cgroups_folder(cs), top);
	assert_string_equal(get("daemon/cgroup.procs"), pid);
	cgroups_free(&cs);
	/* Started once more from inside that leaf: not a leaf of the leaf. */
	put_top("self", "0::/daemon\n");
	cs = start(NULL);
	assert_string_equal(cgroups_folder(cs), top);
	assert_false(exists("daemon/daemon"));
	cgroups_free(&cs);
}

static void missing_controller(void **state)
{
	struct cgroups *cs;

	(void)state;
	put_top("cgroup.controllers", "pids hugetlb\n");
	assert_int_equal(cgroup_supported(&paths, &all, &e), ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "\"memory\""));
	assert_non_null(strstr(e.text, "Delegate=memory"));
	assert_int_equal(cgroup_supported(&paths, &none, &e), 0);
	assert_null(cgroups_new(base, top, &paths, &all, &all, &e));
	cs = cgroups_new(base, top, &paths, &all, &none, &e);
	assert_non_null(cs);
	assert_true(cgroups_has(cs, "pids"));
	assert_false(cgroups_has(cs, "memory"));
	assert_int_equal(capture_matches("not enforced"), 2);
	cgroups_free(&cs);
}

static void no_folder(void **state)
{
	(void)state;
	assert_null(cgroups_new(base, "/no/such", &paths, &all, &all, &e));
	assert_non_null(strstr(e.text, "/no/such"));
	put_top("self", "1:memory:/x\n");
	assert_null(cgroups_new(base, NULL, &paths, &all, &all, &e));
	assert_non_null(strstr(e.text, "\"cgroup\""));
	put_top("mounts", "");
	assert_int_equal(cgroup_supported(&paths, &all, &e), ERR_UNSUPPORTED);
}

static void two_daemons(void **state)
{
	struct cgroups *cs = start(top);

	(void)state;
	assert_null(cgroups_new(base, top, &paths, &all, &all, &e));
	assert_non_null(strstr(e.text, "another mcpd"));
	cgroups_free(&cs);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(limits),
		CASE(without_limits),
		CASE(oom),
		CASE(busy_is_tried_again),
		CASE(earlier_life),
		CASE(own_cgroup),
		CASE(missing_controller),
		CASE(no_folder),
		CASE(two_daemons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
