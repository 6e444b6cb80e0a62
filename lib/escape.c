/* The escaping half of log.h. */
#include "log.h"

#include <stdint.h>
#include <string.h>

/* Length of the UTF-8 sequence that S begins with, its character in *C_R; 0 when it is not one.
 * (RFC 3629, section 4: the shortest form, no surrogates, nothing above U+10FFFF.) */
static size_t decode(const unsigned char *s, size_t len, uint32_t *c_r)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	uint32_t c;

	if (n == 0 || n > len || s[0] > 0xf4)
		return 0;
	c = n == 1 ? s[0] : s[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3fu);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*c_r = c;
	return n;
}

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
	const unsigned char *s = (const unsigned char *)in;
	size_t used = 0;

	if (size == 0)
		return 0;
	while (len > 0) {
		uint32_t c = 0;
		size_t n = decode(s, len, &c);

		if (n > 0 && is_printable(c)) {
			if (size - used <= n)
				break;
			memcpy(out + used, s, n);
			used += n;
		} else {
			n = 1;
			if (size - used <= 4)
				break;
			memcpy(out + used, "\\x", 2);
			out[used + 2] = hex[*s >> 4];
			out[used + 3] = hex[*s & 15];
			used += 4;
		}
		s += n;
		len -= n;
	}
	out[used] = '\0';
	return used;
}
