/* SPDX-License-Identifier: ISC */
/* backoff.h: how long to wait before something is tried again that another host ended or refused.
 *
 * A second at first, twice as long each time, half a minute at most; never less than what the other
 * side asked for (SSE "retry:", Retry-After), which is a least time. Up to a quarter is added by
 * chance, so that not all come back at once to a server that was restarted; nothing is ever taken
 * off. */
#ifndef MCPD_BACKOFF_H
#define MCPD_BACKOFF_H

#include <stdint.h>

/* The longest least time that is kept. */
#define BACKOFF_LEAST_MS (INT64_C(3600) * 1000)

/* 1000. Tests make it shorter, to see what happens after many waits. */
extern int64_t backoff_second_ms;

struct backoff {
	int64_t last_ms; /* the wait before this one, without what chance added; 0: none */
};

/* The next wait in milliseconds. LEAST_MS is what the other side asked for; 0 or less: nothing. */
int64_t backoff_next(struct backoff *b, int64_t least_ms);
/* Something worked: the next wait is a first one. */
void backoff_reset(struct backoff *b);

/* A Retry-After (RFC 9110 section 10.2.3), seconds or a date, in milliseconds from now; 0 where
 * TEXT is NULL, neither, or a date that is past. */
int64_t backoff_retry_after(const char *text);

#endif
