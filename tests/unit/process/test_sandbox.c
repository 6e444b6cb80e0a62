/* SPDX-License-Identifier: ISC */
/* sandbox.c: what is hidden, how often the rules are put together, and what is judged. What
 * children really cannot do: tests/integration/test_sandbox.py. */
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/log.h"
#include "process/sandbox.h"

static struct err e;

/* A folder in which folders can be hidden; skips the test where there is none. */
static char *apart(void)
{
	static char dir[64];
	const char *const bases[] = {getenv("XDG_RUNTIME_DIR"), "/run", "/var/lib"};
	struct stat st;

	for (size_t i = 0; sandbox_abi(NULL) >= SANDBOX_ABI_HIDE && i < 3; i++) {
		if (!bases[i] || access(bases[i], W_OK) < 0 || stat(bases[i], &st) < 0 ||
		    (st.st_mode & S_IWOTH) != 0)
			continue;
		snprintf(dir, sizeof dir, "%.30s/mcpd-test-XXXXXX", bases[i]);
		if (mkdtemp(dir))
			return dir;
	}
	print_message("# no Landlock, or no folder that only we may write to\n");
	skip();
	return NULL;
}

static char *in(const char *dir, const char *name)
{
	static char path[32][200];
	static unsigned n;
	char *p = path[n++ % 32];

	snprintf(p, sizeof path[0], "%s/%s", dir, name);
	return p;
}

static void make(const char *dir, const char *name, mode_t mode)
{
	assert_int_equal(mkdir(in(dir, name), mode), 0);
	assert_int_equal(chmod(in(dir, name), mode), 0);
}

static struct sandbox *hide(const char *path, const char *const *used)
{
	const struct sandbox_place place = {"store.path", path, true};
	const struct sandbox_setting setting = {&place, 1, used};
	struct sandbox *s = sandbox_new(&setting, &e);

	assert_non_null(s);
	return s;
}

static bool is_hidden(const char *path, const char *const *used)
{
	struct sandbox *s = hide(path, used);
	bool hidden = sandbox_hidden(s)[0];

	sandbox_free(&s);
	return hidden;
}

static void judged(void **state)
{
	char *dir = apart();
	const char *const used[] = {in(dir, "a/x"), NULL}, *const above[] = {dir, NULL};

	(void)state;
	capture_start();
	make(dir, "a", 0700);
	make(dir, "open", 0770);
	assert_true(is_hidden(in(dir, "a"), NULL));
	assert_false(is_hidden(in(dir, "open"), NULL));
	assert_int_equal(capture_matches("others may write to it"), 1);
	assert_false(is_hidden(in(dir, "a"), used));
	assert_int_equal(capture_matches("servers need"), 1);
	assert_false(is_hidden(in(dir, "a"), above));
	assert_int_equal(capture_matches("servers may create files in"), 1);
	assert_false(is_hidden("/tmp", NULL));
	assert_false(is_hidden("/", NULL));
	assert_false(is_hidden(in(dir, "missing"), NULL));
	capture_stop();
	rmdir(in(dir, "a"));
	rmdir(in(dir, "open"));
	rmdir(dir);
}

static void pass(struct sandbox *s)
{
	struct sandbox_pass p;

	assert_int_equal(sandbox_make(s, NULL, "/bin/sh", &p, &e), 0);
	assert_true(p.layers[0] >= 0);
	assert_int_equal(p.layers[1], -1);
	sandbox_pass_close(&p);
}

static int lowest_free(void)
{
	int fd = dup(STDIN_FILENO);

	assert_true(fd >= 0);
	close(fd);
	return fd;
}

static int count_open(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Wherever descriptors run out, the error says so, and none is lost. */
static void without_descriptors(void **state)
{
	char *dir = apart();
	const int least = lowest_free(), open = count_open();
	struct rlimit before, few;
	struct sandbox_pass p;
	struct sandbox *s;
	int rc = -1, failed = -1;

	(void)state;
	make(dir, "a", 0700);
	s = hide(in(dir, "a"), NULL);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	for (few.rlim_cur = (rlim_t)least; rc < 0; few.rlim_cur++, failed++) {
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		rc = sandbox_make(s, NULL, "/bin/sh", &p, &e);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
		if (rc < 0)
			assert_non_null(strstr(e.text, strerror(EMFILE)));
	}
	assert_in_range(failed, 3, 50);
	sandbox_pass_close(&p);
	sandbox_free(&s);
	assert_int_equal(count_open(), open);
	rmdir(in(dir, "a"));
	rmdir(dir);
}

static bool no_memory;

DIR *__real_fdopendir(int fd);
DIR *__wrap_fdopendir(int fd);

DIR *__wrap_fdopendir(int fd)
{
	if (!no_memory)
		return __real_fdopendir(fd);
	errno = ENOMEM;
	return NULL;
}

static void without_memory_to_read_a_folder(void **state)
{
	char *dir = apart();
	const int open = count_open();
	struct sandbox_pass p;
	struct sandbox *s;

	(void)state;
	make(dir, "a", 0700);
	s = hide(in(dir, "a"), NULL);
	no_memory = true;
	assert_int_equal(sandbox_make(s, NULL, "/bin/sh", &p, &e), ERR_IO);
	no_memory = false;
	assert_non_null(strstr(e.text, strerror(ENOMEM)));
	sandbox_free(&s);
	assert_int_equal(count_open(), open);
	rmdir(in(dir, "a"));
	rmdir(dir);
}

/* Not in /run: others create files there at any time. */
static void kept(void **state)
{
	const struct timeval old[2] = {{1000000000, 0}, {1000000000, 0}};
	char *dir = apart();
	struct sandbox *s;
	unsigned first;

	(void)state;
	make(dir, "a", 0700);
	assert_int_equal(utimes(dir, old), 0);
	s = hide(in(dir, "a"), NULL);
	first = sandbox_builds(s);
	assert_int_equal(first, 1);
	make(dir, "b", 0700);
	pass(s);
	assert_int_equal(sandbox_builds(s), 2);
	rmdir(in(dir, "a"));
	rmdir(in(dir, "b"));
	sandbox_free(&s);
	rmdir(dir);
	/* Nothing hidden: one rule, for ever. */
	s = hide("/tmp", NULL);
	for (int i = 0; i < 100; i++)
		pass(s);
	assert_int_equal(sandbox_builds(s), 1);
	sandbox_free(&s);
}

static void rules(void **state)
{
	static const char *const good[] = {"/usr", NULL}, *const bad[] = {"/usr", "/no/such", NULL};
	const struct sandbox_rules fine = {.read = good, .write = NULL};
	const struct sandbox_rules wrong = {.read = good, .write = bad};
	struct sandbox_pass p;

	(void)state;
	assert_int_equal(sandbox_check(&fine, &e), 0);
	assert_int_equal(sandbox_check(&wrong, &e), ERR_NOTFOUND);
	assert_non_null(strstr(e.text, "sandbox.write: /no/such"));
	if (sandbox_abi(NULL) == 0) {
		print_message("# the kernel has no Landlock\n");
		skip();
	}
	assert_int_equal(sandbox_make(NULL, &fine, "/bin/sh", &p, &e), 0);
	assert_true(p.layers[1] >= 0);
	sandbox_pass_close(&p);
	assert_int_equal(sandbox_make(NULL, &wrong, "/bin/sh", &p, &e), ERR_NOTFOUND);
	assert_int_equal(p.layers[1], -1);
	sandbox_pass_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(judged), cmocka_unit_test(kept),
					   cmocka_unit_test(rules),
					   cmocka_unit_test(without_descriptors),
					   cmocka_unit_test(without_memory_to_read_a_folder)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
