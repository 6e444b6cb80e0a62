/* SPDX-License-Identifier: ISC */
/* Texts that leave the daemon: escaped for the log, and as server-sent events. */
#include <event2/buffer.h>
#include <string.h>

#include "fuzz.h"
#include "lib/log.h"
#include "lib/sse.h"
#include "lib/utf8.h"

/* The escaped form is UTF-8 of one line, whatever its room; a shorter one is a beginning. */
static void check_escape(const char *text, size_t len, size_t room)
{
	char *whole = malloc(4 * len + 1), *cut = malloc(room);
	size_t n = log_escape(whole, 4 * len + 1, text, len);
	size_t part = log_escape(cut, room, text, len);
	uint32_t c;

	MUST(strlen(whole) == n && strlen(cut) == part);
	MUST(part <= n && memcmp(whole, cut, part) == 0);
	MUST(part == n || part + 4 >= room);
	for (size_t i = 0, step; i < part; i += step) {
		step = utf8_decode(cut + i, part - i, &c);
		MUST(step > 0 && c >= 0x20 && !(c >= 0x7f && c < 0xa0));
	}
	free(whole);
	free(cut);
}

static void check_clean(const char *text, size_t len)
{
	size_t n, again_len;
	char *clean = utf8_clean(text, len, &n), *again;
	uint32_t c;

	MUST(clean && clean[n] == '\0');
	for (size_t i = 0, step; i < n; i += step) {
		step = utf8_decode(clean + i, n - i, &c);
		MUST(step > 0);
	}
	again = utf8_clean(clean, n, &again_len);
	MUST(again && again_len == n && memcmp(again, clean, n) == 0);
	free(clean);
	free(again);
}

/* TEXT as a reader of the stream has it: every kind of line end is LF. Malloc'd. */
static char *normalised(const char *text, size_t len, size_t *len_r)
{
	char *out = malloc(len + 1);

	*len_r = 0;
	for (size_t i = 0; i < len; i++) {
		out[(*len_r)++] = text[i] == '\r' ? '\n' : text[i];
		if (text[i] == '\r' && i + 1 < len && text[i + 1] == '\n')
			i++;
	}
	return out;
}

/* Reads one event as section 9.2.6 says; every line must be one of data. */
static void check_event(const char *text, size_t len)
{
	struct evbuffer *out = evbuffer_new();
	char *line, *got = malloc(len + 1);
	size_t used = 0, n, want_len;
	char *want = normalised(text, len, &want_len);

	MUST(sse_event(out, NULL, NULL, -1, text, len) == 0);
	while ((line = evbuffer_readln(out, &n, EVBUFFER_EOL_LF)) && n > 0) {
		MUST(n >= 6 && memcmp(line, "data: ", 6) == 0);
		MUST(used + n - 6 + 1 <= len + 1);
		memcpy(got + used, line + 6, n - 6);
		used += n - 6;
		got[used++] = '\n';
		free(line);
	}
	MUST(line); /* the empty line at the end */
	free(line);
	MUST(used == want_len + 1 && memcmp(got, want, want_len) == 0);
	MUST(evbuffer_get_length(out) == 0);
	free(want);
	free(got);
	evbuffer_free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	check_escape((const char *)data + 1, size - 1, (size_t)data[0] + 1);
	check_clean((const char *)data + 1, size - 1);
	check_event((const char *)data + 1, size - 1);
	return 0;
}
