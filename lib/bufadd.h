/* SPDX-License-Identifier: ISC */
/* bufadd.h: appends to an evbuffer at the cost of what is appended. libevent keeps the bytes of a
 * buffer in blocks of at least a kilobyte. */
#ifndef MCPD_BUFADD_H
#define MCPD_BUFADD_H

#include <stddef.h>

struct evbuffer;

/* Appends LEN bytes of DATA, also behind a part that is there by reference: evbuffer_add() asks
 * there for a block as large as that part. 0 or ERR_NOMEM, and then nothing was appended. */
int bufadd(struct evbuffer *to, const void *data, size_t len);
/* Moves all of FROM to the end of TO: a small message is copied into the last block of TO, because
 * a block of its own would hold a kilobyte. 0 or ERR_NOMEM, and then both are as they were. */
int bufadd_move(struct evbuffer *to, struct evbuffer *from);

#endif
