/* SPDX-License-Identifier: ISC */
#include "cli/configcheck.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define NOT_FOUND 127 /* as the shell has it */

/* In the child: becomes mcpd, with its complaints in FD. */
static void become_mcpd(const char *file, int fd)
{
	const char *program = getenv("MCPD");
	char *argv[] = {(char[]){"mcpd"}, (char[]){"-n"}, (char[]){"-c"}, strdup(file), NULL};
	int null = open("/dev/null", O_RDWR);

	/* What is set to be ignored here would be ignored there. */
	signal(SIGPIPE, SIG_DFL);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(fd, 2) < 0 || !argv[3])
		_exit(NOT_FOUND);
	if (program && *program) {
		execv(program, argv);
	} else {
		execv(SBINDIR "/mcpd", argv);
		execvp("mcpd", argv);
	}
	_exit(NOT_FOUND);
}

/* Everything that comes out of FD. */
static char *read_all(int fd)
{
	char *text = NULL, buf[4096];
	size_t size;
	FILE *f = open_memstream(&text, &size);
	ssize_t n;

	while ((n = read(fd, buf, sizeof buf)) > 0 || (n < 0 && errno == EINTR)) {
		if (f && n > 0)
			fwrite(buf, 1, (size_t)n, f);
	}
	if (f)
		fclose(f);
	return text;
}

/* Its first line, without the name of the program. */
static void tidy(char *text)
{
	const char *start = strncmp(text, "mcpd: ", 6) == 0 ? text + 6 : text;
	size_t len = strcspn(start, "\n");

	memmove(text, start, len);
	text[len] = '\0';
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int configcheck_run(const char *file, bool *good_r, char **complaint_r, struct err *e)
{
	int fds[2], status;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(e, "pipe");
	pid = fork();
	if (pid == 0)
		become_mcpd(file, fds[1]);
	close(fds[1]);
	*complaint_r = pid > 0 ? read_all(fds[0]) : NULL;
	close(fds[0]);
	if (pid < 0)
		return err_errno(e, "fork");
	status = wait_for(pid);
	if (*complaint_r)
		tidy(*complaint_r);
	*good_r = status == 0;
	if (status == 0 || status == EX_CONFIG)
		return 0;
	if (status == NOT_FOUND)
		return err_set(e, ERR_NOTFOUND, "no mcpd was found: set MCPD to its path");
	return err_set(e, ERR_IO, "mcpd could not check %s: %s", file,
		       *complaint_r ? *complaint_r : "it crashed");
}
