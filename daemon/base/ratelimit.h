/* SPDX-License-Identifier: ISC */
/* ratelimit.h: how often an event that others cause may be logged. A token bucket without a timer.
 */
#ifndef MCPD_RATELIMIT_H
#define MCPD_RATELIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct ratelimit {
	unsigned per_second, burst;
	int64_t tokens;	       /* thousandths */
	int64_t last;	       /* clock_ms() of the last look */
	unsigned long dropped; /* since the last ratelimit_dropped() */
};

void ratelimit_init(struct ratelimit *r, unsigned per_second, unsigned burst);
/* Whether one more event may pass now. An event that may not is counted as dropped. */
bool ratelimit_pass(struct ratelimit *r);
/* How many events were dropped since the last call. */
unsigned long ratelimit_dropped(struct ratelimit *r);

#endif
