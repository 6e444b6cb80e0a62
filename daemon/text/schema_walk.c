/* SPDX-License-Identifier: ISC */
/* schema_walk.c: the state of a check: its place, the work that is left, and its errors. */
#include "autoconf.h"

#include "text/schema_impl.h"

int schema_fail_as(struct schema_walk *w, int code, const char *text)
{
	if (w->path.len == 0)
		return err_set(w->e, code, "%s", text);
	return err_set(w->e, code, "%s: %s", w->path.text, text);
}

int schema_fail(struct schema_walk *w, const char *text)
{
	return schema_fail_as(w, ERR_INVALID, text);
}

int schema_spend(struct schema_walk *w, uint64_t steps)
{
	if (steps <= w->work) {
		w->work -= steps;
		return 0;
	}
	w->work = 0;
	return schema_fail_as(w, ERR_LIMIT, "the whole takes too long to check; send less at once");
}
