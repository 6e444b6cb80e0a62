/* SPDX-License-Identifier: ISC */
/* backoff.h: how long to wait before something that failed is tried again.
 *
 * A second at first, then twice as long each time. For another host: half a minute at most, and
 * never less than what that host asked for (SSE "retry:", Retry-After), which is a least time; up
 * to a quarter is added by chance, so that not all come back at once to a host that was restarted.
 * For a program that is started here: a minute at most, and nothing by chance. */
#ifndef MCPD_BACKOFF_H
#define MCPD_BACKOFF_H

#include <stdint.h>

/* The longest least time that is kept. */
#define BACKOFF_LEAST_MS (INT64_C(3600) * 1000)

/* 1000. Tests make it shorter, to see what happens after many waits. */
extern int64_t backoff_second_ms;

struct backoff {
	unsigned waits; /* since the last success, backoff_reset() */
};

/* The next wait for another host, in milliseconds. LEAST_MS is what the other side asked for; 0 or
 * less: nothing. */
int64_t backoff_next(struct backoff *b, int64_t least_ms);
/* The next wait for a program that is started here, in milliseconds. */
int64_t backoff_restart(struct backoff *b);
/* A try succeeded: the next wait is a first one again. */
void backoff_reset(struct backoff *b);

/* A Retry-After (RFC 9110 section 10.2.3), seconds or a date, in milliseconds from now; 0 where
 * TEXT is NULL, neither, or a date that is past. */
int64_t backoff_retry_after(const char *text);

#endif
