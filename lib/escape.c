/* SPDX-License-Identifier: ISC */
/* escape.c: the escaping of log.h. */
#include "lib/log.h"

#include <stdint.h>
#include <string.h>

#include "lib/utf8.h"

/* What a terminal or a viewer takes for more than text: C0, DEL and C1 controls, the line and
 * paragraph separators, and the marks that change the direction of what follows. */
static bool is_printable(uint32_t c)
{
	return c >= 0x20 && c != '\\' && !(c >= 0x7f && c < 0xa0) && c != 0x200e && c != 0x200f &&
	       !(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069);
}

size_t log_escape(char *out, size_t size, const char *in, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	size_t used = 0;

	if (size == 0)
		return 0;
	while (len > 0) {
		uint32_t c = 0;
		size_t n = utf8_decode(in, len, &c);

		if (n > 0 && is_printable(c)) {
			if (size - used <= n)
				break;
			memcpy(out + used, in, n);
			used += n;
		} else {
			n = 1;
			if (size - used <= 4)
				break;
			memcpy(out + used, "\\x", 2);
			out[used + 2] = hex[(unsigned char)*in >> 4];
			out[used + 3] = hex[*in & 15];
			used += 4;
		}
		in += n;
		len -= n;
	}
	out[used] = '\0';
	return used;
}
