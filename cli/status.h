/* SPDX-License-Identifier: ISC */
/* status.h: the exit statuses of mcpctl, which scripts rely on: sysexits where one fits. */
#ifndef MCPCTL_STATUS_H
#define MCPCTL_STATUS_H

#include <jansson.h>

enum status {
	STATUS_OK = 0,
	STATUS_REFUSED = 1,   /* the daemon said no, or a tool failed */
	STATUS_USAGE = 64,    /* a command line that cannot be understood */
	STATUS_DATA = 65,     /* bad input: JSON, a configuration file */
	STATUS_NODAEMON = 69, /* nobody listens, or the daemon went away */
	STATUS_INTERNAL = 70, /* out of memory, a bug */
	STATUS_IO = 74,	      /* standard output could not be written */
	STATUS_TIMEOUT = 75,
	STATUS_PROTOCOL = 76, /* what answers is no mcpd, or one of another age */
	STATUS_NOPERM = 77,   /* the socket may not be opened, or the command not be given */
};

struct status_row {
	enum status status;
	const char *meaning;
};
/* All of them, for help; up to a NULL meaning. */
extern const struct status_row status_table[];

/* For an enum err_code of ctlclient. */
enum status status_of_code(int code);
/* For the "error" of a daemon's answer. */
enum status status_of_refusal(const json_t *error);

#endif
