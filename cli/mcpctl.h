/* SPDX-License-Identifier: ISC */
/* mcpctl.h: the control tool as a whole. See mcpctl(1). */
#ifndef MCPCTL_MCPCTL_H
#define MCPCTL_MCPCTL_H

/* main() of mcpctl. Returns the exit status, an enum status. */
int mcpctl_main(int argc, char **argv);

#endif
