/* SPDX-License-Identifier: ISC */
/* userenv.h: the environment of a child that serves one user: the variables of the backend, and
 * those of the user ("userEnv"). Secrets are passed by the environment, never on a command line. */
#ifndef MCPD_USERENV_H
#define MCPD_USERENV_H

#include <stdbool.h>

#include "lib/err.h"

struct config_backend;
struct credentials;
struct mask;

/* A new environment for a child of B that serves USER (NULL: unauthenticated), or, if OWN, the
 * daemon itself, which learns as the user of "learnAs" or, without one, does without. For
 * userenv_free(). NULL with E: ERR_DENIED with the reason, or ERR_NOMEM. */
char **userenv_new(const struct credentials *cs, const struct config_backend *b, const char *user,
		   bool own, struct err *e);
/* Adds to M what of ENV, which userenv_new() made for B, must not be shown: the values that are
 * configured ("env"), and the user's secret. 0 or ERR_NOMEM. */
int userenv_mask(const struct config_backend *b, char *const *env, struct mask *m);
/* Wipes and frees it; *ENV becomes NULL. */
void userenv_free(char ***env);

#endif
