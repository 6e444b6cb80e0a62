/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "process/pipesize.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define ENLARGED     (1 << 20)
#define SOFT_LIMIT   "/proc/sys/fs/pipe-user-pages-soft"
#define DEFAULT_SOFT 16384 /* pages; the kernel's own value */

static size_t taken; /* bytes beyond what pipes have by themselves */

/* A quarter of what the kernel lets a user have. 0 there means without a limit. */
static size_t room(void)
{
	static size_t bytes;
	unsigned long pages = DEFAULT_SOFT;
	FILE *f;

	if (bytes > 0)
		return bytes;
	f = fopen(SOFT_LIMIT, "re");
	if (f && fscanf(f, "%lu", &pages) != 1)
		pages = DEFAULT_SOFT;
	if (f)
		fclose(f);
	if (pages == 0)
		pages = DEFAULT_SOFT;
	bytes = (size_t)pages * (size_t)sysconf(_SC_PAGESIZE) / 4;
	return bytes;
}

size_t pipesize_enlarge(int fd)
{
	int before = fcntl(fd, F_GETPIPE_SZ), after;
	size_t more;

	if (before <= 0 || before >= ENLARGED || taken + ENLARGED > room())
		return 0;
	after = fcntl(fd, F_SETPIPE_SZ, ENLARGED);
	if (after <= before)
		return 0;
	more = (size_t)(after - before);
	taken += more;
	return more;
}

void pipesize_give_back(size_t bytes)
{
	taken -= bytes;
}
