/* SPDX-License-Identifier: ISC */
/* dumpable.h: closes the memory and files in /proc of this process to other processes. */
#ifndef MCPD_DUMPABLE_H
#define MCPD_DUMPABLE_H

/* Closes /proc/PID/environ, mem, fd and the like of this process to processes of the same user,
 * children among them, and forbids ptrace(2) and core files: PR_SET_DUMPABLE of prctl(2). An exec
 * undoes it, so children are not concerned. Root sees everything all the same. $MCPD_DUMPABLE=1
 * leaves the process open, for debuggers. */
void dumpable_off(void);

/* Before the end of the program: in a build with sanitizers, the search for leaks needs ptrace(2).
 */
void dumpable_at_end(void);

#endif
