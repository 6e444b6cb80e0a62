/* SPDX-License-Identifier: ISC */
/* environ.h: the environment of a child: little of the daemon's own, and what the configuration
 * adds.
 *
 * The daemon's environment may hold secrets (systemd credentials, tokens of the person who started
 * it), so a child gets the variables that programs need to find their files and their language, and
 * no more: PATH, HOME, LANG, LC_*, TZ, TMPDIR, USER, LOGNAME, SHELL, XDG_*_HOME, XDG_*_DIRS. */
#ifndef MCPD_ENVIRON_H
#define MCPD_ENVIRON_H

#include <limits.h>

#include "lib/err.h"

/* A new environment: what is inherited, then EXTRA ("K=V", NULL-terminated, may be NULL), which
 * replaces what has the same name; a later entry of EXTRA replaces an earlier one. PATH is always
 * there. One malloc'd block, good for execve(); NULL with E = ERR_NOMEM. */
char **environ_for_child(char *const *extra, struct err *e);
void environ_free(char ***env);

/* The value of NAME in ENV (NULL-terminated), or NULL. */
const char *environ_get(char *const *env, const char *name);

/* Where execve() finds PROGRAM: as it stands when it has a slash (relative to CWD, which may be
 * NULL), else the first executable file of that name in PATH of ENV. 0 with PATH_R filled, or
 * ERR_NOTFOUND, whose text says what is missing. */
int environ_find(const char *program, char *const *env, const char *cwd, char path_r[PATH_MAX],
		 struct err *e);

#endif
