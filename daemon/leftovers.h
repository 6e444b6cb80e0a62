/* SPDX-License-Identifier: ISC */
/* leftovers.h: processes that a daemon leaves when it is killed, and that the next one ends.
 *
 * The kernel ends a child together with its daemon (PR_SET_PDEATHSIG of prctl(2)), but not what the
 * child has started: that outlives both. So the processes of each running child are kept in the
 * store. Each one is named beyond doubt: by the boot id of the machine, the PID namespace, the
 * process id and the start time.
 *
 * Limits: a process is in the store a tenth of a second after its child was
 * started or last read or wrote something (later with more than some hundred busy children), and
 * half a minute after it was started by a child that is silent. A process that was started later,
 * by one that had ended by then, is not found. The records cost no fsync: after a power cut there
 * is no process that they could name. */
#ifndef MCPD_LEFTOVERS_H
#define MCPD_LEFTOVERS_H

struct children;
struct leftovers;
struct store;

/* Ends what the store says an earlier daemon has left, with everything below it (SIGKILL, as for
 * what a child leaves at its end), and logs a line for each process; from now on keeps the
 * processes of the children CS. Once more when a store that could not be read at first is. Where
 * STORE keeps nothing, neither does this. Both are borrowed. Before the first child. NULL on lack
 * of memory. */
struct leftovers *leftovers_new(struct store *store, struct children *cs);
/* Before STORE and CS go. What is kept of children that still run stays in the store. */
void leftovers_free(struct leftovers **l);

#endif
