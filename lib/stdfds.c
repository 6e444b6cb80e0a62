/* SPDX-License-Identifier: ISC */
#include "lib/stdfds.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/err.h"

static int noted; /* the errno of the first flush that failed and was not told of yet */

int stdfds_open(void)
{
	/* A descriptor 1 that cannot be written: the loss of the output has to be noticed. */
	static const int modes[] = {O_RDONLY, O_RDONLY, O_WRONLY};

	for (int fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		/* open() takes the lowest number that is free, which is FD. */
		if (open("/dev/null", modes[fd]) != fd)
			return ERR_IO;
	}
	return 0;
}

/* Why stdout is in error, when the write that failed was done inside of some printf(). A pipe still
 * tells that its reader is gone. */
static int old_error(void)
{
	struct pollfd pfd = {.fd = STDOUT_FILENO, .events = POLLOUT};

	return poll(&pfd, 1, 0) == 1 && pfd.revents & POLLERR ? EPIPE : EIO;
}

bool stdfds_try_flush(void)
{
	if (fflush(stdout) != 0 && noted == 0)
		noted = errno;
	return noted == 0 && !ferror(stdout);
}

int stdfds_flush(void)
{
	int why = stdfds_try_flush() ? 0 : noted;

	if (why == 0 && ferror(stdout))
		why = old_error();
	if (why != 0)
		clearerr(stdout);
	noted = 0;
	return why;
}

int stdfds_finish(int status)
{
	int why = stdfds_flush();

	if (fclose(stdout) != 0)
		why = errno;
	return why != 0 ? EX_IOERR : status;
}
