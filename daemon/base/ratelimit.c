/* SPDX-License-Identifier: ISC */
#include "base/ratelimit.h"

#include "base/clock.h"

void ratelimit_init(struct ratelimit *r, unsigned per_second, unsigned burst)
{
	*r = (struct ratelimit){
		.per_second = per_second,
		.burst = burst,
		.tokens = (int64_t)burst * 1000,
		.last = clock_ms(),
	};
}

bool ratelimit_pass(struct ratelimit *r)
{
	int64_t now = clock_ms();

	r->tokens += (now - r->last) * r->per_second;
	if (r->tokens > (int64_t)r->burst * 1000)
		r->tokens = (int64_t)r->burst * 1000;
	r->last = now;
	if (r->tokens < 1000) {
		r->dropped++;
		return false;
	}
	r->tokens -= 1000;
	return true;
}

unsigned long ratelimit_dropped(struct ratelimit *r)
{
	unsigned long n = r->dropped;

	r->dropped = 0;
	return n;
}
