/* SPDX-License-Identifier: ISC */
#include "lib/bufadd.h"

#include <event2/buffer.h>
#include <string.h>

#include "lib/err.h"

#define SMALL 2048 /* bytes that are copied sooner than a block is kept for them */

int bufadd(struct evbuffer *to, const void *data, size_t len)
{
	struct evbuffer_iovec vec;

	if (len == 0)
		return 0;
	if (evbuffer_reserve_space(to, (ev_ssize_t)len, &vec, 1) != 1)
		return ERR_NOMEM;
	memcpy(vec.iov_base, data, len);
	vec.iov_len = len;
	return evbuffer_commit_space(to, &vec, 1) < 0 ? ERR_NOMEM : 0;
}

int bufadd_move(struct evbuffer *to, struct evbuffer *from)
{
	size_t len = evbuffer_get_length(from);
	unsigned char *bytes = NULL;

	if (len > 0 && len < SMALL && evbuffer_get_length(to) > 0)
		bytes = evbuffer_pullup(from, -1);
	if (bytes && evbuffer_add(to, bytes, len) == 0) {
		evbuffer_drain(from, len);
		return 0;
	}
	return evbuffer_add_buffer(to, from) < 0 ? ERR_NOMEM : 0;
}
