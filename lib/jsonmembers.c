/* SPDX-License-Identifier: ISC */
#include "lib/jsonmembers.h"

#include <stdlib.h>

#include "lib/jsonscan.h"

/* Makes room for one more; false: there is none. */
static bool grow(struct jsonmembers *ms)
{
	size_t room = ms->room ? 2 * ms->room : 8;
	struct jsonmember *more;

	if (ms->n == JSONMEMBERS_MAX)
		return false;
	if (ms->n < ms->room)
		return true;
	more = realloc(ms->v, room * sizeof *more);
	if (!more)
		return false;
	ms->v = more;
	ms->room = room;
	return true;
}

void jsonmembers_note(struct jsonmembers *ms, const struct jsonscan_member *m)
{
	ms->failed = ms->failed || !grow(ms);
	if (!ms->failed)
		ms->v[ms->n++] = (struct jsonmember){m->key_at, m->key_len, m->at, m->len};
}

void jsonmembers_within(struct jsonmembers *to, const struct jsonmembers *from, size_t at,
			size_t len)
{
	to->failed = from->failed;
	for (size_t i = 0; i < from->n; i++) {
		const struct jsonmember *m = &from->v[i];
		const struct jsonscan_member here = {.key_at = m->key_at - at,
						     .key_len = m->key_len,
						     .at = m->at - at,
						     .len = m->len};

		if (m->key_at > at && m->at + m->len < at + len)
			jsonmembers_note(to, &here);
	}
}

void jsonmembers_clear(struct jsonmembers *ms)
{
	free(ms->v);
	*ms = (struct jsonmembers){0};
}
