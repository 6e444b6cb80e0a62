/* SPDX-License-Identifier: ISC */
/* sandbox.h: what a child may do to files and the network, by Landlock (Linux 5.13; landlock(7)).
 *
 * Landlock only allows: nothing can be taken out of a folder that is allowed. Each child gets two
 * layers, and may do what both of them allow.
 *
 * The first layer hides folders of the daemon's own: store, key, tokens, control.key,
 * configuration. It allows everything else, so it has a rule for each file and folder beside the
 * path from / down to a hidden folder. What is created later directly in a folder on such a path
 * has no rule: the child can neither read nor write it. That is why only folders are hidden on
 * whose path nobody is expected to create anything; sandbox_new() logs the others. The layer is
 * also the child's own domain, which keeps it from tracing any process outside of it, and so from
 * /proc/PID/environ and /proc/PID/mem of the daemon and of other children. Reading, writing,
 * removing and linking are handled; creating an entry is not, nor are stat(2), listing a folder and
 * connecting to a Unix socket.
 *
 * The second layer is there for servers with sandbox_rules: it allows what they list, and what
 * every program needs. */
#ifndef MCPD_SANDBOX_H
#define MCPD_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

struct sandbox;

/* A file, or a whole folder, that children may not have. */
struct sandbox_place {
	const char *what; /* for the log: the key of the configuration */
	const char *path;
	bool folder; /* PATH is a folder, and whatever is in it belongs to the daemon */
};

struct sandbox_setting {
	const struct sandbox_place *places;
	size_t n_places;
	/* Files and folders that children need, NULL-terminated: working folders, home, what their
	 * command lines name. Folders in which one of these lies are not hidden. */
	const char *const *used;
};

/* What a server may have. Borrowed; all paths absolute and NULL-terminated. */
struct sandbox_rules {
	const char *const *read;  /* read and execute, down from there */
	const char *const *write; /* change too */
	const uint16_t *connect;  /* TCP ports */
	size_t n_connect;
	bool limit_connect; /* false: every port */
};

#define SANDBOX_ABI_HIDE    2 /* renames across folders (Linux 5.19): without, nothing is hidden */
#define SANDBOX_ABI_RULES   3 /* truncation (Linux 6.2) */
#define SANDBOX_ABI_CONNECT 4 /* TCP ports (Linux 6.7) */

/* The version of Landlock that the kernel has; 0: none, and *WHY_R, unless NULL, says why. */
int sandbox_abi(const char **why_r);

/* Chooses what is hidden, and logs what cannot be, with the remedy. Everything in SETTING is
 * copied. NULL with E on lack of memory. A kernel without Landlock is no error: it is logged, and
 * children run without. */
struct sandbox *sandbox_new(const struct sandbox_setting *setting, struct err *e);
void sandbox_free(struct sandbox **s);

/* The folders that are hidden; up to NULL. */
const char *const *sandbox_hidden(const struct sandbox *s);
/* How often the first layer was put together: it is kept as long as no folder on its paths changes.
 */
unsigned sandbox_builds(const struct sandbox *s);

/* 0, or ERR_NOTFOUND: a path of RULES is not there; the text names it. */
int sandbox_check(const struct sandbox_rules *rules, struct err *e);

/* What one child carries from fork to exec. */
struct sandbox_pass {
	int layers[2]; /* -1: none */
	bool own_last; /* layers[1] is closed by sandbox_pass_close() */
	bool no_new_privs;
};
#define SANDBOX_NO_PASS                                                                            \
	(struct sandbox_pass)                                                                      \
	{                                                                                          \
		.layers = { -1, -1 }                                                               \
	}

/* Makes the layers for a child that executes PROGRAM; RULES may be NULL. S may be NULL: then there
 * is no first layer. ERR_NOTFOUND (a path of RULES), ERR_NOMEM, ERR_IO. */
int sandbox_make(struct sandbox *s, const struct sandbox_rules *rules, const char *program,
		 struct sandbox_pass *pass_r, struct err *e);
void sandbox_pass_close(struct sandbox_pass *pass);

/* In the child, between fork and exec: system calls only. 0, or -1 with errno. */
int sandbox_enter(const struct sandbox_pass *pass);

#endif
