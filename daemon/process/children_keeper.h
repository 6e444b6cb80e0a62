/* SPDX-License-Identifier: ISC */
/* children_keeper.h: the callbacks by which children_watch.c reports the processes of children and
 * of their descendants. */
#ifndef MCPD_CHILDREN_KEEPER_H
#define MCPD_CHILDREN_KEEPER_H

struct children;
struct procid;
struct proclist;

/* The processes of one child. All is borrowed. */
struct kept_child {
	const char *name, *session; /* as in child_spec */
	const struct proclist
		*tree; /* the child itself, then its descendants: at most some hundreds */
};

/* The keeper stores the processes, so that the next daemon can end those that this daemon leaves
 * when it is killed. */
struct children_keeper {
	/* Called a moment after the start of a child, and whenever it has a process that it did not
	 * have the last time. From a timer, for several children in one turn of the loop. What
	 * fails (a negative result) is tried again at the next look. */
	int (*keep)(const struct kept_child *kept, void *arg);
	/* The child CHILD is over, and so is what was below it. */
	void (*drop)(const struct procid *child, void *arg);
};

/* Before the first child. KEEPER lives as long as CS, or until NULL is set. */
void children_set_keeper(struct children *cs, const struct children_keeper *keeper, void *arg);

#endif
