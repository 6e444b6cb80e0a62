/* SPDX-License-Identifier: ISC */
#include "cli/history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/parse.h"

/* Makes all directories on the way to the file at PATH. */
static void make_directories(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700); /* what fails here fails again when the file is opened */
		*slash = '/';
	}
}

int history_open(char *path, size_t size)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int n = 0, fd;

	if (state && *state == '/') /* XDG Base Directory: a relative path is invalid */
		n = snprintf(path, size, "%s/mcpd/history", state);
	else if (home && *home == '/')
		n = snprintf(path, size, "%s/.local/state/mcpd/history", home);
	else
		return ERR_NOTFOUND;
	if (n < 0 || (size_t)n >= size)
		return ERR_LIMIT;
	make_directories(path);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0)
		return ERR_IO;
	n = fchmod(fd, 0600);
	close(fd);
	return n < 0 ? ERR_IO : 0;
}

bool history_is_secret(char *const *words, size_t n)
{
	bool secret = true;
	struct walk w;
	struct err e;
	int rc = walk_init(&w, &e);

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = walk_word(&w, words[i], &e);
	/* What was mistyped after the command's name is still that command. */
	if (w.command)
		secret = w.command->flags & CTL_SENSITIVE;
	walk_fini(&w);
	return secret;
}
