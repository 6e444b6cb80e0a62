/* SPDX-License-Identifier: ISC */
/* descriptors.h: the limit of descriptors, and how many of them connections may have. */
#ifndef MCPD_DESCRIPTORS_H
#define MCPD_DESCRIPTORS_H

/* Raises the soft limit (RLIMIT_NOFILE) to the hard limit, once at the start. */
void descriptors_raise(void);

/* Between fork and exec: sets the limit that the daemon was started with. Programs that use
 * select(), or that close every possible descriptor, need a low limit. */
void descriptors_restore(void);

/* How many connections clients may have, so that enough descriptors are left for children and the
 * control socket. */
unsigned descriptors_for_connections(void);

#endif
