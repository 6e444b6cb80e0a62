/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "base/heap.h"

#include <event2/event.h>
#include <stdbool.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "lib/err.h"

#define LARGE	  ((size_t)128 << 10) /* where glibc begins to map blocks one by one */
#define TO_MAP	  (32 << 20)	      /* the most that glibc takes for M_MMAP_THRESHOLD */
#define TO_KEEP	  (64 << 20)
#define TRIM_SECS 1
#define MANY	  256 /* sessions or connections, of some kilobytes each */

static struct event *trim;
static bool passing;   /* a large message since the timer was set */
static unsigned ended; /* since the heap was to be trimmed */

static void set_timer(void)
{
	static const struct timeval tv = {.tv_sec = TRIM_SECS};

	/* Without memory for the timer the heap keeps what it has until the next message. */
	(void)evtimer_add(trim, &tv);
	passing = false;
}

static void give_back(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

static void on_trim(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	if (passing)
		set_timer();
	else
		give_back();
}

/* glibc keeps small free pieces apart (M_MXFAST) and merges all of them whenever something large is
 * asked for: the buffer of each request over a kilobyte, as those with a token are. Merged at once,
 * they cost less. */
static void tune(void)
{
#ifdef __GLIBC__
	mallopt(M_MXFAST, 0);
	mallopt(M_MMAP_THRESHOLD, TO_MAP);
	mallopt(M_TRIM_THRESHOLD, TO_KEEP);
#endif
}

int heap_setup(struct event_base *base)
{
	tune();
	trim = evtimer_new(base, on_trim, NULL);
	return trim ? 0 : ERR_NOMEM;
}

void heap_fini(void)
{
	if (trim)
		event_free(trim);
	trim = NULL;
}

static void trim_later(void)
{
	if (evtimer_pending(trim, NULL))
		passing = true;
	else
		set_timer();
}

void heap_passed(size_t bytes)
{
	if (trim && bytes >= LARGE)
		trim_later();
}

void heap_ended(void)
{
	if (!trim || ++ended < MANY)
		return;
	ended = 0;
	trim_later();
}
