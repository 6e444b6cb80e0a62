/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "http/backoff.h"

#include <ctype.h>
#include <event2/util.h>
#include <stdlib.h>
#include <time.h>

#include "http/httpc.h"

#define HOST_SECONDS	30
#define PROGRAM_SECONDS 60

int64_t backoff_second_ms = 1000;

/* In seconds, MOST at most. */
static int64_t grow(struct backoff *b, int64_t most)
{
	unsigned n = b->waits++;
	int64_t seconds = n < 8 ? INT64_C(1) << n : most;

	return seconds < most ? seconds : most;
}

int64_t backoff_restart(struct backoff *b)
{
	return grow(b, PROGRAM_SECONDS) * 1000;
}

int64_t backoff_next(struct backoff *b, int64_t least_ms)
{
	int64_t ms = grow(b, HOST_SECONDS) * backoff_second_ms;
	unsigned char dice;

	if (least_ms > BACKOFF_LEAST_MS)
		least_ms = BACKOFF_LEAST_MS;
	if (ms < least_ms)
		ms = least_ms;
	evutil_secure_rng_get_bytes(&dice, sizeof dice);
	return ms + ms * dice / 1024;
}

void backoff_reset(struct backoff *b)
{
	b->waits = 0;
}

int64_t backoff_retry_after(const char *text)
{
	long long seconds;
	char *end;

	if (!text)
		return 0;
	if (isalpha((unsigned char)text[0])) {
		seconds = httpc_date(text) - time(NULL);
	} else {
		seconds = isdigit((unsigned char)text[0]) ? strtoll(text, &end, 10) : 0;
		if (seconds > 0 && *end != '\0')
			return 0;
	}
	if (seconds <= 0)
		return 0;
	return seconds > BACKOFF_LEAST_MS / 1000 ? BACKOFF_LEAST_MS : seconds * 1000;
}
