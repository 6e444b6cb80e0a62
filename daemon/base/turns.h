/* SPDX-License-Identifier: ISC */
/* turns.h: measures how long each turn of the loop takes, because nothing else is served meanwhile.
 *
 * The measure is processor time of the thread, which other programs do not change. The measurement
 * costs one system call for each turn. Parts that do a piece of work name it with
 * turns_doing(); of the pieces in one turn the longest (by the clock) is reported as the cause. */
#ifndef MCPD_TURNS_H
#define MCPD_TURNS_H

#include <stdint.h>

#define TURNS_LIMIT_US 100000 /* of processor time: more is a warning in the log */

struct event_base;
struct stopping;

struct turns_longest {
	int64_t cpu_us, wall_us; /* both 0: there was no turn */
	char what[80];		 /* its longest piece; "" where nobody named one */
};

/* Runs the loop until it is told to end, in the place of event_base_dispatch(). Once S says that
 * the daemon is going down, long turns are measured but not logged: no client waits, and the last
 * lines of the log are those of the shutdown. S may be NULL. 0, or -1 where the loop fails. */
int turns_run(struct event_base *base, const struct stopping *s);

/* Names the work that begins now: WHAT (a constant), for WHICH (copied; may be NULL). The work
 * lasts until the next call, or the end of the turn. */
void turns_doing(const char *what, const char *which);

/* Fills in the longest turn of the last minute (in steps of ten seconds) and of all. */
void turns_report(struct turns_longest *minute_r, struct turns_longest *ever_r);

/* What turns_run() does after each turn, which took CPU_US; for tests. */
void turns_ended(int64_t cpu_us);

#endif
