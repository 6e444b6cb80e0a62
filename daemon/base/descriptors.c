/* SPDX-License-Identifier: ISC */
#include "base/descriptors.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/resource.h>

#define RESERVE_MAX 4096

static struct rlimit found;
static bool raised;

void descriptors_raise(void)
{
	struct rlimit high;

	if (raised || getrlimit(RLIMIT_NOFILE, &found) != 0)
		return;
	high = found;
	high.rlim_cur = high.rlim_max;
	raised = setrlimit(RLIMIT_NOFILE, &high) == 0;
}

void descriptors_restore(void)
{
	if (raised)
		(void)setrlimit(RLIMIT_NOFILE, &found);
}

unsigned descriptors_for_connections(void)
{
	struct rlimit now;
	rlim_t reserve;

	if (getrlimit(RLIMIT_NOFILE, &now) != 0 || now.rlim_cur > UINT_MAX)
		return UINT_MAX - RESERVE_MAX;
	reserve = now.rlim_cur / 4;
	if (reserve > RESERVE_MAX)
		reserve = RESERVE_MAX;
	return (unsigned)(now.rlim_cur - reserve);
}
