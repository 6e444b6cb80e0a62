/* SPDX-License-Identifier: ISC */
/* options.h: the daemon's command line. */
#ifndef MCPD_OPTIONS_H
#define MCPD_OPTIONS_H

#include <stdbool.h>

struct options {
	const char *file;    /* -c: the configuration file */
	const char *control; /* -s: the control socket, in place of the configured one; NULL: that
				one */
	bool check;	     /* -n: check the configuration, print the effective one, and end */
	bool detach;	     /* -d: into the background once everything is up */
	int verbose;	     /* -v: how many times */
};

/* Parses ARGV. Returns -1 to go on, else the exit status (after --help, --version or an error,
 * which was printed). */
int options_parse(struct options *o, int argc, char **argv);

#endif
