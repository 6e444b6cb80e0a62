/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "base/environ.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_PATH "PATH=/usr/local/bin:/usr/bin:/bin"

static const char *const inherited[] = {
	"PATH", "HOME",	   "LANG",  "LC_*",	  "TZ",		"TMPDIR",
	"USER", "LOGNAME", "SHELL", "XDG_*_HOME", "XDG_*_DIRS",
};

static size_t name_length(const char *entry)
{
	return strcspn(entry, "=");
}

static bool same_name(const char *a, const char *b)
{
	size_t n = name_length(a);

	return n == name_length(b) && strncmp(a, b, n) == 0;
}

static bool is_inherited(const char *entry)
{
	char name[64];
	size_t n = name_length(entry);

	if (n >= sizeof name || entry[n] == '\0')
		return false;
	memcpy(name, entry, n);
	name[n] = '\0';
	for (size_t i = 0; i < sizeof inherited / sizeof inherited[0]; i++)
		if (fnmatch(inherited[i], name, 0) == 0)
			return true;
	return false;
}

static size_t count(char *const *env)
{
	size_t n = 0;

	while (env && env[n])
		n++;
	return n;
}

/* Puts ENTRY in the place of the one with the same name, else at the end. */
static size_t put(char **list, size_t n, char *entry)
{
	size_t i = 0;

	while (i < n && !same_name(list[i], entry))
		i++;
	list[i] = entry;
	return i < n ? n : n + 1;
}

/* Moves the strings into the block of LIST itself, so that the whole is one allocation. */
static char **pack(char **list, size_t n)
{
	size_t size = (n + 1) * sizeof *list;
	char **block, *text;

	for (size_t i = 0; i < n; i++)
		size += strlen(list[i]) + 1;
	block = malloc(size);
	if (!block)
		return NULL;
	text = (char *)(block + n + 1);
	for (size_t i = 0; i < n; i++) {
		block[i] = text;
		text = stpcpy(text, list[i]) + 1;
	}
	block[n] = NULL;
	return block;
}

char **environ_for_child(char *const *extra, struct err *e)
{
	static char default_path[] = DEFAULT_PATH;
	char **list = malloc((count(environ) + count(extra) + 2) * sizeof *list);
	char **packed = NULL;
	size_t n = 0;

	if (list) {
		n = put(list, n, default_path);
		for (char **v = environ; v != NULL && *v; v++)
			if (is_inherited(*v))
				n = put(list, n, *v);
		for (char *const *v = extra; v != NULL && *v; v++)
			n = put(list, n, *v);
		packed = pack(list, n);
		free(list);
	}
	if (!packed)
		err_set(e, ERR_NOMEM, "out of memory");
	return packed;
}

void environ_free(char ***env)
{
	free(*env);
	*env = NULL;
}

const char *environ_get(char *const *env, const char *name)
{
	size_t n = strlen(name);

	for (char *const *v = env; v != NULL && *v; v++)
		if (strncmp(*v, name, n) == 0 && (*v)[n] == '=')
			return *v + n + 1;
	return NULL;
}

/* Whether DIR (LEN bytes; empty: the current one, POSIX on PATH) has the program. 0 or an errno. */
static int try_dir(const char *cwd, const char *dir, size_t len, const char *program, char *path_r)
{
	struct stat st;
	const char *base = len > 0 && dir[0] == '/' ? NULL : cwd;
	int n = snprintf(path_r, PATH_MAX, "%s%s%.*s%s%s", base != NULL ? base : "",
			 base != NULL ? "/" : "", (int)len, dir, len > 0 ? "/" : "", program);

	if (n < 0 || n >= PATH_MAX)
		return ENAMETOOLONG;
	if (stat(path_r, &st) < 0)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	return access(path_r, X_OK) < 0 ? errno : 0;
}

static int find_in_path(const char *program, const char *path, const char *cwd, char *path_r,
			struct err *e)
{
	bool seen = false; /* a file of this name that cannot be run */

	for (const char *dir = path;; dir++) {
		size_t len = strcspn(dir, ":");
		int why = try_dir(cwd, dir, len, program, path_r);

		if (why == 0)
			return 0;
		seen = seen || why == EACCES;
		dir += len;
		if (*dir == '\0')
			break;
	}
	if (seen)
		return err_set(e, ERR_NOTFOUND, "\"%s\" is in PATH (%s) but is not executable",
			       program, path);
	return err_set(e, ERR_NOTFOUND, "no program \"%s\" in PATH (%s)", program, path);
}

int environ_find(const char *program, char *const *env, const char *cwd, char path_r[PATH_MAX],
		 struct err *e)
{
	const char *path = environ_get(env, "PATH");
	int why;

	if (program[0] == '\0')
		return err_set(e, ERR_NOTFOUND, "the name of the program is empty");
	if (!strchr(program, '/'))
		return find_in_path(program, path != NULL ? path : strchr(DEFAULT_PATH, '=') + 1,
				    cwd, path_r, e);
	why = program[0] == '/' ? try_dir(NULL, "", 0, program, path_r)
				: try_dir(cwd, "", 0, program, path_r);
	if (why != 0)
		return err_set(e, ERR_NOTFOUND, "\"%s\": %s", program, strerror(why));
	return 0;
}
