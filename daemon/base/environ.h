/* SPDX-License-Identifier: ISC */
/* environ.h: the environment of a child: some variables of the daemon, and those that the
 * configuration adds.
 *
 * The daemon's environment may hold secrets (systemd credentials, tokens of the person who started
 * the daemon). So a child inherits only the variables by which programs find their files and their
 * language: PATH, HOME, LANG, LC_*, TZ, TMPDIR, USER, LOGNAME, SHELL, XDG_*_HOME, XDG_*_DIRS. */
#ifndef MCPD_ENVIRON_H
#define MCPD_ENVIRON_H

#include <limits.h>

#include "lib/err.h"

/* Makes an environment for execve(): the inherited variables, then EXTRA ("K=V", NULL-terminated,
 * may be NULL). An entry of EXTRA replaces an inherited variable, or an earlier entry, of its name.
 * PATH is always set. One malloc'd block for environ_free(); NULL with E = ERR_NOMEM. */
char **environ_for_child(char *const *extra, struct err *e);
void environ_free(char ***env);

/* The value of NAME in ENV (NULL-terminated), or NULL. */
const char *environ_get(char *const *env, const char *name);

/* Finds the file of PROGRAM. A PROGRAM with a slash is a path, relative to CWD (NULL: the daemon's
 * folder); without one, the first executable file of that name in PATH of ENV is taken. 0 with
 * PATH_R filled, or ERR_NOTFOUND, whose text names the missing file. */
int environ_find(const char *program, char *const *env, const char *cwd, char path_r[PATH_MAX],
		 struct err *e);

#endif
