/* SPDX-License-Identifier: ISC */
/* child_tree.c: the processes below a child. */
#include "autoconf.h"

#include "process/children_impl.h"

#define MAX_TREE 4096 /* descendants of one child that are looked at */

void child_tree(const struct child *c, struct proclist *l)
{
	if (!c->reaped)
		procinfo_tree(c->pid, l, MAX_TREE);
}

void child_processes(const struct child *c, struct proclist *l, size_t max)
{
	struct procinfo p;

	if (!c->reaped && procinfo_read(c->pid, &p) == 0 && proclist_add(l, &p.id))
		procinfo_tree(c->pid, l, max);
}
