/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "http/backoff.h"

#include <ctype.h>
#include <event2/util.h>
#include <stdlib.h>
#include <time.h>

#include "http/httpc.h"

#define MAX_SECONDS 30

int64_t backoff_second_ms = 1000;

int64_t backoff_next(struct backoff *b, int64_t least_ms)
{
	int64_t ms = b->last_ms > 0 ? 2 * b->last_ms : backoff_second_ms;
	unsigned char dice;

	if (ms > MAX_SECONDS * backoff_second_ms)
		ms = MAX_SECONDS * backoff_second_ms;
	b->last_ms = ms;
	if (least_ms > BACKOFF_LEAST_MS)
		least_ms = BACKOFF_LEAST_MS;
	if (ms < least_ms)
		ms = least_ms;
	evutil_secure_rng_get_bytes(&dice, sizeof dice);
	return ms + ms * dice / 1024;
}

void backoff_reset(struct backoff *b)
{
	b->last_ms = 0;
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
