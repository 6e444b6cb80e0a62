/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "base/dumpable.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "lib/log.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_LEAK_SEARCH 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(leak_sanitizer)
#define HAS_LEAK_SEARCH 1
#endif
#endif
#ifndef HAS_LEAK_SEARCH
#define HAS_LEAK_SEARCH 0
#endif

void dumpable_off(void)
{
	const char *wish = getenv("MCPD_DUMPABLE");

	if (wish && strcmp(wish, "1") == 0)
		log_notice(NULL, "MCPD_DUMPABLE=1: the environment and the memory of mcpd are open "
				 "to its children");
	else if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		log_warn(NULL,
			 "The memory of mcpd could not be closed to other processes of its user");
}

void dumpable_at_end(void)
{
	if (HAS_LEAK_SEARCH)
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}
