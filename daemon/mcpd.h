/* SPDX-License-Identifier: ISC */
/* mcpd.h: the daemon as a whole: options, start, life and shutdown. See mcpd(8). */
#ifndef MCPD_MCPD_H
#define MCPD_MCPD_H

/* main() of the daemon. Returns the exit status: 0 after an orderly shutdown or a good -n, 1 when
 * it could not start, 64 for a bad command line, 78 for a bad configuration (sysexits). */
int mcpd_main(int argc, char **argv);

#endif
