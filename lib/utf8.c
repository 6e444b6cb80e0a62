/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "lib/utf8.h"

#include <stdlib.h>
#include <string.h>

size_t utf8_decode(const char *s, size_t len, uint32_t *c_r)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first = (unsigned char)s[0];
	size_t n = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t c;

	if (n == 0 || n > len || first > 0xf4)
		return 0;
	c = n == 1 ? first : first & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		unsigned char next = (unsigned char)s[i];

		if ((next & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (next & 0x3fu);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*c_r = c;
	return n;
}

char *utf8_clean(const char *s, size_t len, size_t *len_r)
{
	static const char replacement[] = "\xef\xbf\xbd";
	size_t bad = 0, used = 0, n;
	uint32_t c;
	char *out;

	for (size_t i = 0; i<len; i += n> 0 ? n : 1) {
		n = utf8_decode(s + i, len - i, &c);
		bad += n == 0;
	}
	out = malloc(len + bad * (sizeof replacement - 2) + 1);
	if (!out)
		return NULL;
	for (size_t i = 0; i<len; i += n> 0 ? n : 1) {
		const char *from = s + i;

		n = utf8_decode(from, len - i, &c);
		memcpy(out + used, n > 0 ? from : replacement, n > 0 ? n : sizeof replacement - 1);
		used += n > 0 ? n : sizeof replacement - 1;
	}
	out[used] = '\0';
	*len_r = used;
	return out;
}
