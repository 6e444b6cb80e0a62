/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "detach.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int notify_fd = -1;

/* Ends the parent with the status that the daemon reports. The parent has a copy of the daemon's
 * memory, so it must not run exit handlers. */
static void wait_in_parent(int fd)
{
	unsigned char status = 1;

	if (read(fd, &status, 1) != 1)
		status = 1;
	_exit(status);
}

int detach_begin(struct err *e)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(e, "pipe");
	pid = fork();
	if (pid < 0) {
		close(fds[0]);
		close(fds[1]);
		return err_errno(e, "fork");
	}
	if (pid > 0) {
		close(fds[1]);
		wait_in_parent(fds[0]);
	}
	close(fds[0]);
	notify_fd = fds[1];
	if (setsid() < 0)
		return err_errno(e, "setsid");
	return 0;
}

void detach_done(int status)
{
	unsigned char byte = (unsigned char)status;
	int null;

	if (notify_fd < 0)
		return;
	if (status == 0) {
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		for (int fd = 0; null >= 0 && fd <= 2; fd++)
			dup2(null, fd);
		if (null > 2)
			close(null);
	}
	/* The parent may have ended already. */
	if (write(notify_fd, &byte, 1) != 1)
		(void)0;
	close(notify_fd);
	notify_fd = -1;
}
