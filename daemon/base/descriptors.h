/* SPDX-License-Identifier: ISC */
/* descriptors.h: how many descriptors there are, and who may have them. */
#ifndef MCPD_DESCRIPTORS_H
#define MCPD_DESCRIPTORS_H

/* Raises the limit to what the system allows (the hard limit), once at the start. */
void descriptors_raise(void);

/* Between fork and exec: the limit as the daemon found it. Programs that use select(), or that
 * close all descriptors there could be, count on a low one. */
void descriptors_restore(void);

/* How many connections there may be so that enough are left for children and the control socket:
 * those must not fail because clients hold everything. */
unsigned descriptors_for_connections(void);

#endif
