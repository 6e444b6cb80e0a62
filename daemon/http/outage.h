/* SPDX-License-Identifier: ISC */
/* outage.h: another host whose requests fail: when it is asked again, and which lines the log gets.
 *
 * After a failure nothing is asked for the time that backoff.h says. Then one request tries; the
 * others are refused until its outcome is known, or OUTAGE_TRY_MS have passed. The log has a line
 * when an outage begins, at most one in OUTAGE_LINE_MS after it, and one when the outage is over.
 */
#ifndef MCPD_OUTAGE_H
#define MCPD_OUTAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "http/backoff.h"

#define OUTAGE_TRY_MS  INT64_C(30000)
#define OUTAGE_LINE_MS INT64_C(300000)

/* Zero it before use. Times are those of clock_ms(). */
struct outage {
	struct backoff wait;
	int64_t until; /* while DOWN: nothing is asked before */
	int64_t line;  /* of the last line about a failure */
	bool down;     /* the last request failed */
	bool trying; /* while DOWN: a request is under way whose end tells whether that is still so
		      */
	bool lined;  /* there was a line at all */
	bool told;   /* of this outage */
};

/* Whether a request may be made now. After true the caller makes one, and reports its end by
 * outage_failed() or outage_over(). */
bool outage_may_ask(struct outage *o);
/* A request failed; LEAST_MS as for backoff_next(). Whether the log gets a line about it. */
bool outage_failed(struct outage *o, int64_t least_ms);
/* A request worked. Whether the log gets a line about the end of the outage. */
bool outage_over(struct outage *o);

#endif
