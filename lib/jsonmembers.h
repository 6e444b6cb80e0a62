/* SPDX-License-Identifier: ISC */
/* jsonmembers.h: the members of one object, as a scan told of them (jsonscan.h): where they are in
 * the text that was scanned. */
#ifndef MCPD_JSONMEMBERS_H
#define MCPD_JSONMEMBERS_H

#include <stdbool.h>
#include <stddef.h>

#define JSONMEMBERS_MAX 1000 /* the protocol has no object with more than a few dozen */

struct jsonscan_member;

struct jsonmember {
	size_t key_at, key_len; /* the key without its quotes, with its escapes */
	size_t at, len;		/* the value */
};

/* Zeroed, there are none. */
struct jsonmembers {
	struct jsonmember *v;
	size_t n, room;
	bool failed; /* there are more than JSONMEMBERS_MAX, or there was no memory for them */
};

void jsonmembers_note(struct jsonmembers *ms, const struct jsonscan_member *m);
/* TO, zeroed, becomes those of FROM that are between AT and AT + LEN, with places from AT on. */
void jsonmembers_within(struct jsonmembers *to, const struct jsonmembers *from, size_t at,
			size_t len);
void jsonmembers_clear(struct jsonmembers *ms);

#endif
