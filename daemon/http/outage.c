/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "http/outage.h"

#include "base/clock.h"

bool outage_may_ask(struct outage *o)
{
	int64_t now = clock_ms();

	if (!o->down)
		return true;
	if (now < o->until)
		return false;
	o->trying = true;
	o->until = now + OUTAGE_TRY_MS;
	return true;
}

bool outage_failed(struct outage *o, int64_t least_ms)
{
	int64_t now = clock_ms();

	/* Requests that were under way when the outage began say nothing new. */
	if (!o->down || o->trying)
		o->until = now + backoff_next(&o->wait, least_ms);
	o->down = true;
	o->trying = false;
	if (o->lined && now - o->line < OUTAGE_LINE_MS)
		return false;
	o->line = now;
	o->lined = o->told = true;
	return true;
}

bool outage_over(struct outage *o)
{
	bool told = o->told;

	backoff_reset(&o->wait);
	o->down = o->trying = o->told = false;
	return told;
}
