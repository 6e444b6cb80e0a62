/* SPDX-License-Identifier: ISC */
#include "base/stopping.h"

#include <stddef.h>

bool stopping_begin(struct stopping *s)
{
	bool first = !s->begun;

	s->begun = true;
	return first;
}

bool stopping_has_begun(const struct stopping *s)
{
	return s && s->begun;
}
