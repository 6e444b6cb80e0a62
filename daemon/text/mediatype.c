/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "text/mediatype.h"

#include <string.h>
#include <strings.h>

/* Whether C ends the type and subtype of a media type. */
static bool is_end(char c)
{
	return c == ';' || c == ' ' || c == '\t';
}

/* Bytes of type and subtype at the beginning of the LEN bytes of VALUE. */
static size_t name_length(const char *value, size_t len)
{
	size_t n = 0;

	while (n < len && !is_end(value[n]))
		n++;
	return n;
}

bool mediatype_range_is(const char *value, size_t len, const char *type)
{
	size_t n = strlen(type);

	return len >= n && strncasecmp(value, type, n) == 0 && (len == n || is_end(value[n]));
}

bool mediatype_is(const char *value, const char *type)
{
	return value && mediatype_range_is(value, strlen(value), type);
}

bool mediatype_is_json(const char *value)
{
	size_t n = name_length(value, strlen(value));

	return mediatype_is(value, MEDIATYPE_JSON) || mediatype_is(value, "text/json") ||
	       mediatype_is(value, MEDIATYPE_JSONRPC) ||
	       (n > 5 && strncasecmp(value + n - 5, "+json", 5) == 0);
}
