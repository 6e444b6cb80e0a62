/* children_orphans.h: descendants of children that left their group, found through /proc. */
#ifndef MCPD_CHILDREN_ORPHANS_H
#define MCPD_CHILDREN_ORPHANS_H

#include <stdbool.h>
#include <sys/types.h>

/* Whom to leave alone. */
struct orphans_judge {
	/* PID is a child of ours that is known. */
	bool (*is_child)(pid_t pid, void *arg);
	/* The child whose mark ends in SERIAL still runs, and so may what it left to itself. */
	bool (*is_running)(unsigned long serial, void *arg);
	void *arg;
};

/* Kills every process whose parent we became and whose environment holds MARK and the serial of a
 * child that is over. They are ours to reap, so their pids cannot mean anybody else. Returns how
 * many. */
unsigned orphans_kill(const char *mark, const struct orphans_judge *judge);

#endif
