/* SPDX-License-Identifier: ISC */
#include "text/uritemplate.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ELEMENTS 1024
#define MAX_URI	     8192

/* An element is a byte that stands for itself, or one of these. */
enum { ANY_IN_SEGMENT = 256, ANY_AT_ALL };

struct uritemplate {
	size_t n;
	uint16_t elements[];
};

/* The element for the expression at TEXT ("{" ... "}"). */
static uint16_t expression(const char *text)
{
	/* "{.x}" is the one operator whose expansion cannot hold a slash (RFC 6570 section 3.2.5)
	 */
	return strchr("+#/;?&", text[1]) ? ANY_AT_ALL : ANY_IN_SEGMENT;
}

struct uritemplate *uritemplate_new(const char *text)
{
	struct uritemplate *t = calloc(1, sizeof *t + strlen(text) * sizeof t->elements[0]);

	if (!t)
		return NULL;
	while (*text != '\0') {
		const char *close = *text == '{' ? strchr(text, '}') : NULL;

		t->elements[t->n++] = close ? expression(text) : (unsigned char)*text;
		text = close ? close + 1 : text + 1;
	}
	return t;
}

void uritemplate_free(struct uritemplate **t)
{
	free(*t);
	*t = NULL;
}

static bool stays(uint16_t element, unsigned char byte)
{
	return element == ANY_AT_ALL || (element == ANY_IN_SEGMENT && byte != '/');
}

/* One byte further: AT[j] says whether what was read so far can end before element j. False when
 * no way is left. */
static bool step(const struct uritemplate *t, bool *at, unsigned char byte)
{
	bool alive = false;

	for (size_t j = t->n; j > 0; j--) /* backwards: at[j - 1] is still the old one */
		at[j] = (j < t->n && at[j] && stays(t->elements[j], byte)) ||
			(at[j - 1] && t->elements[j - 1] == byte);
	at[0] = at[0] && t->n > 0 && stays(t->elements[0], byte);
	for (size_t j = 0; j <= t->n; j++) {
		alive = alive || at[j];
		if (j < t->n && at[j] && t->elements[j] > UINT8_MAX)
			at[j + 1] = true; /* an expression may be empty */
	}
	return alive;
}

bool uritemplate_match(const struct uritemplate *t, const char *uri)
{
	bool at[MAX_ELEMENTS + 1] = {true};

	if (t->n > MAX_ELEMENTS || strnlen(uri, MAX_URI + 1) > MAX_URI)
		return false;
	for (size_t j = 0; j < t->n && t->elements[j] > UINT8_MAX; j++)
		at[j + 1] = true;
	for (; *uri != '\0'; uri++)
		if (!step(t, at, (unsigned char)*uri))
			return false;
	return at[t->n];
}
