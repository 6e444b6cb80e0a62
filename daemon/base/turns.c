/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "base/turns.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/ratelimit.h"
#include "base/stopping.h"
#include "lib/log.h"

#define N_STEPS 6
#define STEP_S	10

/* One piece of work. */
struct piece {
	const char *what; /* NULL: none */
	char which[48];
};

static struct {
	struct piece now, longest;
	int64_t began_us; /* the first piece of the turn; 0: none yet */
	int64_t since_us; /* the piece that is being done */
	int64_t longest_us;
} turn;

static struct turns_longest ever, steps[N_STEPS];
static int64_t step_of[N_STEPS]; /* which step of time each of them is about */
static struct ratelimit warnings;
static const struct stopping *stopping; /* of the loop that runs; NULL: none */

static int64_t us_of(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void piece_over(int64_t now)
{
	if (!turn.now.what || now - turn.since_us < turn.longest_us)
		return;
	turn.longest_us = now - turn.since_us;
	turn.longest = turn.now;
}

void turns_doing(const char *what, const char *which)
{
	int64_t now = us_of(CLOCK_MONOTONIC);

	piece_over(now);
	if (turn.began_us == 0)
		turn.began_us = now;
	turn.since_us = now;
	turn.now.what = what;
	turn.now.which[0] = '\0';
	if (which)
		strncat(turn.now.which, which, sizeof turn.now.which - 1);
}

/* Not escaped here. */
static void name(char *text, size_t size)
{
	const struct piece *p = &turn.longest;

	snprintf(text, size, "%s%s%s", p->what ? p->what : "", p->which[0] != '\0' ? " " : "",
		 p->which);
}

static void warn(const struct turns_longest *t)
{
	if (warnings.burst == 0)
		ratelimit_init(&warnings, 1, 5);
	if (!stopping_has_begun(stopping) && ratelimit_pass(&warnings))
		log_warn(NULL,
			 "A turn of the loop took %lld ms of processor time (%lld ms by the "
			 "clock): %s",
			 (long long)(t->cpu_us / 1000), (long long)(t->wall_us / 1000),
			 t->what[0] != '\0' ? t->what : "unknown work");
}

static struct turns_longest *step_at(int64_t now)
{
	int64_t step = now / 1000000 / STEP_S;
	size_t i = (size_t)(step % N_STEPS);

	if (step_of[i] != step)
		steps[i] = (struct turns_longest){0};
	step_of[i] = step;
	return &steps[i];
}

/* What the turn was, which took CPU_US and ends at NOW. */
static struct turns_longest describe(int64_t cpu_us, int64_t now)
{
	struct turns_longest t = {.cpu_us = cpu_us, .wall_us = cpu_us};

	piece_over(now);
	if (turn.began_us > 0 && now - turn.began_us > cpu_us)
		t.wall_us = now - turn.began_us;
	name(t.what, sizeof t.what);
	return t;
}

void turns_ended(int64_t cpu_us)
{
	int64_t now = us_of(CLOCK_MONOTONIC);
	struct turns_longest *step = step_at(now), t;

	if (cpu_us > step->cpu_us || cpu_us > TURNS_LIMIT_US) {
		t = describe(cpu_us, now);
		if (cpu_us > step->cpu_us)
			*step = t;
		if (cpu_us > ever.cpu_us)
			ever = t;
		if (cpu_us > TURNS_LIMIT_US)
			warn(&t);
	}
	memset(&turn, 0, sizeof turn);
}

void turns_report(struct turns_longest *minute_r, struct turns_longest *ever_r)
{
	int64_t step = us_of(CLOCK_MONOTONIC) / 1000000 / STEP_S;

	*minute_r = (struct turns_longest){0};
	*ever_r = ever;
	for (size_t i = 0; i < N_STEPS; i++) {
		if (step - step_of[i] < N_STEPS && steps[i].cpu_us > minute_r->cpu_us)
			*minute_r = steps[i];
	}
}

/* One pass of EVLOOP_ONCE polls once, and then runs what came and what that activates: a turn. */
int turns_run(struct event_base *base, const struct stopping *s)
{
	int64_t before = us_of(CLOCK_THREAD_CPUTIME_ID), after;
	int rc = 0;

	stopping = s;
	while (rc == 0 && !event_base_got_exit(base) && !event_base_got_break(base)) {
		rc = event_base_loop(base, EVLOOP_ONCE);
		after = us_of(CLOCK_THREAD_CPUTIME_ID);
		turns_ended(after - before);
		before = after;
	}
	stopping = NULL;
	return rc < 0 ? -1 : 0;
}
