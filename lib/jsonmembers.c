/* SPDX-License-Identifier: ISC */
#include "lib/jsonmembers.h"

#include <stdlib.h>

#include "lib/jsonscan.h"

void jsonmembers_note(struct jsonmembers *ms, const struct jsonscan_member *m)
{
	struct jsonmember *more = ms->v;

	if (ms->n == ms->room) {
		ms->room = ms->room ? 2 * ms->room : 8;
		more = ms->n < JSONMEMBERS_MAX ? realloc(more, ms->room * sizeof *more) : NULL;
		if (!more) {
			ms->room = ms->n;
			ms->failed = true;
			return;
		}
	}
	ms->v = more;
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
