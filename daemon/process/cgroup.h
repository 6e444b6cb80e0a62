/* SPDX-License-Identifier: ISC */
/* cgroup.h: how much memory, processor time and processes a child and its descendants may use, by
 * cgroup v2 (cgroups(7); Documentation/admin-guide/cgroup-v2.rst of the kernel).
 *
 * There is one folder under which every limited child gets a cgroup of its own,
 * "child-NAME-SERIAL": the daemon's own cgroup, where the service manager delegated it, or one that
 * is configured. Processes may be in leaves only, so in the first case the daemon moves itself into
 * the leaf "daemon". At the end of a child its cgroup is killed and removed; a cgroup that is not
 * empty yet is tried again by a timer. Cgroups that an earlier daemon left are ended at the start.
 */
#ifndef MCPD_CGROUP_H
#define MCPD_CGROUP_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

struct event_base;
struct cgroup;
struct cgroups;

/* 0: no limit. */
struct cgroup_limits {
	size_t memory; /* bytes; at the limit all processes of the child are killed */
	unsigned processes;
	unsigned cpu; /* percent of one core */
};

/* Where cgroups are found; for tests, NULL for the system's own. */
struct cgroup_paths {
	const char *self;   /* /proc/self/cgroup */
	const char *mounts; /* /proc/self/mountinfo */
};

/* Whether the kernel can enforce LIMITS. 0, or ERR_UNSUPPORTED with E naming the controllers that
 * cgroup v2 does not have. */
int cgroup_supported(const struct cgroup_paths *paths, const struct cgroup_limits *limits,
		     struct err *e);

/* Takes FOLDER (NULL: the daemon's own cgroup) and enables in it what WANTED, of all servers
 * together, needs. NULL with E filled: ERR_UNSUPPORTED, ERR_DENIED or ERR_EXISTS (another daemon
 * has it), with the remedy; ERR_NOMEM. A controller that is not among REQUIRED is no error: it is
 * logged, and left out. */
struct cgroups *cgroups_new(struct event_base *base, const char *folder,
			    const struct cgroup_paths *paths, const struct cgroup_limits *wanted,
			    const struct cgroup_limits *required, struct err *e);
/* Whether CONTROLLER ("memory", "pids", "cpu") is enabled. CS may be NULL. */
bool cgroups_has(const struct cgroups *cs, const char *controller);
/* Removes what can be removed without waiting. */
void cgroups_free(struct cgroups **cs);
const char *cgroups_folder(const struct cgroups *cs);
/* How many cgroups of children that are over could not be removed yet. */
unsigned cgroups_waiting(const struct cgroups *cs);

/* A cgroup for a child of NAME. ERR_IO (the text names the file), ERR_NOMEM. */
int cgroup_make(struct cgroups *cs, const char *name, unsigned long serial,
		const struct cgroup_limits *limits, struct cgroup **cg_r, struct err *e);
/* Into this descriptor the child writes "0", between fork and exec. */
int cgroup_entry(const struct cgroup *cg);
/* Closes that descriptor, once it is not needed. */
void cgroup_entered(struct cgroup *cg);
/* How many processes were killed because of the memory limit. */
unsigned cgroup_oom_kills(const struct cgroup *cg);
/* Kills all processes in the cgroup and removes it, now or later. *CG becomes NULL. */
void cgroup_end(struct cgroup **cg);

#endif
