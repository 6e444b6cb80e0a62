/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/environ.h"
#include "failalloc.h"

static size_t length(char *const *env)
{
	size_t n = 0;

	while (env[n])
		n++;
	return n;
}

static int setup(void **state)
{
	const char *output = getenv("CMOCKA_MESSAGE_OUTPUT");
	char format[16];

	(void)state;
	snprintf(format, sizeof format, "%s", output != NULL ? output : "");
	assert_int_equal(clearenv(), 0);
	assert_int_equal(setenv("CMOCKA_MESSAGE_OUTPUT", format, 1), 0); /* cmocka asks each time */
	return 0;
}

static void inherits(void **state)
{
	static const char *const kept[] = {
		"PATH",		"HOME", "LANG",	   "LC_ALL", "LC_CTYPE",	"TZ",
		"TMPDIR",	"USER", "LOGNAME", "SHELL",  "XDG_CONFIG_HOME", "XDG_CACHE_HOME",
		"XDG_DATA_DIRS"};
	static const char *const dropped[] = {
		"API_KEY",	 "LD_PRELOAD",	  "XDG_RUNTIME_DIR",
		"SSH_AUTH_SOCK", "NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY",
		"HOMES",	 "LISTEN_FDS",	  "LC"};
	const size_t n_kept = sizeof kept / sizeof kept[0];
	char **env;

	(void)state;
	for (size_t i = 0; i < n_kept; i++)
		setenv(kept[i], kept[i], 1);
	for (size_t i = 0; i < sizeof dropped / sizeof dropped[0]; i++)
		setenv(dropped[i], "secret", 1);
	env = environ_for_child(NULL, NULL);
	assert_non_null(env);
	assert_int_equal(length(env), n_kept);
	for (size_t i = 0; i < n_kept; i++)
		assert_string_equal(environ_get(env, kept[i]), kept[i]);
	environ_free(&env);
	assert_null(env);
}

static void adds_and_replaces(void **state)
{
	char home[] = "HOME=/new", a[] = "A=1", again[] = "A=2=3", empty[] = "E=";
	char *extra[] = {home, a, again, empty, NULL};
	char **env;

	(void)state;
	setenv("HOME", "/old", 1);
	env = environ_for_child(extra, NULL);
	assert_string_equal(environ_get(env, "HOME"), "/new");
	assert_string_equal(environ_get(env, "A"), "2=3");
	assert_string_equal(environ_get(env, "E"), "");
	assert_null(environ_get(env, "HOM"));
	/* There is always a PATH. */
	assert_string_equal(environ_get(env, "PATH"), "/usr/local/bin:/usr/bin:/bin");
	assert_int_equal(length(env), 4);
	environ_free(&env);
}

static void write_file(const char *dir, const char *name, mode_t mode)
{
	char file[128];
	FILE *f;

	snprintf(file, sizeof file, "%s/%s", dir, name);
	f = fopen(file, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(chmod(file, mode), 0);
}

static void finds(void **state)
{
	char dir[] = "/tmp/test_environ.XXXXXX", path[PATH_MAX], line[128], file[128];
	char *env[] = {line, NULL};
	struct err e;

	(void)state;
	assert_non_null(mkdtemp(dir));
	write_file(dir, "run-it", 0755);
	write_file(dir, "data", 0644);
	snprintf(file, sizeof file, "%s/sub", dir);
	mkdir(file, 0755);
	snprintf(line, sizeof line, "PATH=/no/such:%s", dir);
	snprintf(file, sizeof file, "%s/run-it", dir);
	assert_int_equal(environ_find("run-it", env, NULL, path, &e), 0);
	assert_string_equal(path, file);
	assert_int_equal(environ_find(file, env, NULL, path, &e), 0);
	assert_int_equal(environ_find("./run-it", env, dir, path, &e), 0);
	assert_int_equal(environ_find("", env, dir, path, &e), ERR_NOTFOUND);
	assert_int_equal(environ_find("./run-it", env, "/", path, &e), ERR_NOTFOUND);
	assert_string_equal(e.text, "\"./run-it\": No such file or directory");
	assert_int_equal(environ_find("sub", env, NULL, path, &e), ERR_NOTFOUND);
	assert_int_equal(environ_find("none", env, NULL, path, &e), ERR_NOTFOUND);
	assert_non_null(strstr(e.text, "no program \"none\" in PATH (/no/such:/tmp/"));
	/* Also for root, who may execute nothing that has no x at all. */
	assert_int_equal(environ_find("data", env, NULL, path, &e), ERR_NOTFOUND);
	assert_non_null(strstr(e.text, "is not executable"));
	/* An empty element of PATH is the working directory (POSIX, XBD 8.3). */
	snprintf(line, sizeof line, "PATH=/no/such:");
	assert_int_equal(environ_find("run-it", env, dir, path, &e), 0);
	assert_string_equal(path, file);
	/* The root is a folder of its own there, not one below the working directory. */
	snprintf(line, sizeof line, "PATH=/");
	assert_int_equal(environ_find("run-it", env, dir, path, &e), ERR_NOTFOUND);
	snprintf(line, sizeof line, "PATH=/:.");
	assert_int_equal(environ_find("run-it", env, dir, path, &e), 0);
	assert_int_equal(environ_find("sh", env + 1, NULL, path, &e), 0); /* no PATH: the default */
	unlink(file);
	snprintf(file, sizeof file, "%s/data", dir);
	unlink(file);
	snprintf(file, sizeof file, "%s/sub", dir);
	rmdir(file);
	rmdir(dir);
}

static void no_memory(void **state)
{
	struct err e;

	(void)state;
	setenv("HOME", "/x", 1);
	for (long n = 1; n <= 2; n++) {
		failalloc_at(n, false);
		assert_null(environ_for_child(NULL, &e));
		assert_true(failalloc_off());
		assert_int_equal(e.code, ERR_NOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(inherits, setup),
		cmocka_unit_test_setup(adds_and_replaces, setup),
		cmocka_unit_test_setup(finds, setup),
		cmocka_unit_test_setup(no_memory, setup),
	};

	failalloc_install();
	return cmocka_run_group_tests_name("environ", tests, NULL, NULL);
}
