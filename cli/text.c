/* SPDX-License-Identifier: ISC */
#include "cli/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>
#include <wctype.h>

#define LONGEST_ESCAPE 10 /* \u{10ffff} */

bool text_is_tricky(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x061c || c == 0x200e || c == 0x200f ||
	       (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* The character at S and its length; what is no character is one byte. */
static size_t read_character(const char *s, wchar_t *wc_r, bool *good_r)
{
	mbstate_t state = {0};
	size_t n = mbrtowc(wc_r, s, strlen(s), &state);

	if (n == 0 || n == (size_t)-1 || n == (size_t)-2) {
		*wc_r = (unsigned char)*s;
		*good_r = false;
		return 1;
	}
	*good_r = iswprint((wint_t)*wc_r) && !text_is_tricky((uint32_t)*wc_r);
	return n;
}

char *text_escape(const char *s, const char *keep)
{
	char *copy = malloc(strlen(s) * LONGEST_ESCAPE + 1), *out = copy;
	size_t n;
	wchar_t wc;
	bool good;

	for (; copy && *s; s += n) {
		n = read_character(s, &wc, &good);
		if (good || (n == 1 && strchr(keep, *s))) {
			memcpy(out, s, n);
			out += n;
		} else {
			out += snprintf(out, LONGEST_ESCAPE + 1, n == 1 ? "\\x%02x" : "\\u{%x}",
					(unsigned)wc);
		}
	}
	if (copy)
		*out = '\0';
	return copy;
}

/* Columns of one character. */
static size_t columns_of(wchar_t wc)
{
	int width = wcwidth(wc);

	return width > 0 ? (size_t)width : 0;
}

size_t text_width(const char *s)
{
	size_t width = 0;
	wchar_t wc;
	bool good;

	while (*s) {
		s += read_character(s, &wc, &good);
		width += columns_of(wc);
	}
	return width;
}

void text_cut(char *s, size_t width, bool mark)
{
	static const char ellipsis[] = "\xe2\x80\xa6";
	size_t used = 0, n;
	char *cut = s;
	wchar_t wc;
	bool good;

	if (text_width(s) <= width || width == 0)
		return;
	while (*cut) {
		n = read_character(cut, &wc, &good);
		if (used + columns_of(wc) > width - mark)
			break;
		used += columns_of(wc);
		cut += n;
	}
	/* A cell is as long as its text, so the three bytes fit only where as many are cut off. */
	if (!mark)
		*cut = '\0';
	else if (strlen(cut) >= sizeof ellipsis - 1)
		memcpy(cut, ellipsis, sizeof ellipsis);
	else
		strcpy(cut, "+");
}

const char *text_duration(char *buf, size_t size, int64_t ms)
{
	long long s = ms / 1000;

	if (ms < 0)
		snprintf(buf, size, "-");
	else if (s < 60)
		snprintf(buf, size, "%llds", s);
	else if (s < 3600)
		snprintf(buf, size, "%lldm%02llds", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, size, "%lldh%02lldm", s / 3600, s / 60 % 60);
	else
		snprintf(buf, size, "%lldd%02lldh", s / 86400, s / 3600 % 24);
	return buf;
}

const char *text_bytes(char *buf, size_t size, int64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	double value = (double)bytes / 1024;
	size_t unit = 0;

	for (; value >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
		value /= 1024;
	if (bytes < 1024)
		snprintf(buf, size, "%lld B", (long long)bytes);
	else
		snprintf(buf, size, "%.1f %s", value, units[unit]);
	return buf;
}

const char *text_time(char *buf, size_t size, int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	if (!localtime_r(&t, &tm) || strftime(buf, size, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(buf, size, "%lld", (long long)ms);
	return buf;
}
