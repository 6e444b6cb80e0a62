/* SPDX-License-Identifier: ISC */
/* children_orphans.h: finds in /proc, and kills, processes that children have left.
 *
 * Each child is the reaper of what it leaves to itself, so a process becomes ours only when its
 * child has ended (or has refused that role). A process of ours that is no known child is therefore
 * an orphan, whatever its environment. */
#ifndef MCPD_CHILDREN_ORPHANS_H
#define MCPD_CHILDREN_ORPHANS_H

#include <stdbool.h>
#include <sys/types.h>

/* Processes that are not killed. */
struct orphans_judge {
	/* PID is a child of ours that is known. */
	bool (*is_child)(pid_t pid, void *arg);
	/* GROUP is the process group of a child that is not over. */
	bool (*is_group)(pid_t group, void *arg);
	/* The child whose mark ends in SERIAL still runs, and so may what it left to itself. */
	bool (*is_running)(unsigned long serial, void *arg);
	void *arg;
};

/* Kills every process whose parent we became, with its descendants, unless it belongs to a child
 * that is not over: by MARK and the serial in its environment, or, without them, by its process
 * group. Returns how many. */
unsigned orphans_kill(const char *mark, const struct orphans_judge *judge);

#endif
