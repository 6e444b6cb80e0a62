/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "credentials/userenv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/environ.h"
#include "base/mask.h"
#include "config/config_backend.h"
#include "credentials/credentials.h"
#include "credentials/grant.h"
#include "lib/wipe.h"

/* The value of one entry of "userEnv" as "NAME=VALUE". */
static char *make(const struct credentials *cs, const struct config_backend *b, const char *entry,
		  const char *user, struct err *e)
{
	const char *what = strchr(entry, '=') + 1;
	bool is_secret = strcmp(what, "secret") == 0;
	char *secret = is_secret ? credentials_secret(cs, b, user) : NULL, *line = NULL;

	if (is_secret && !secret) {
		err_set(e, ERR_DENIED,
			"the operator has stored no secret of the user for %s (mcpctl user secret "
			"set)",
			b->name);
		return NULL;
	}
	if (asprintf(&line, "%.*s%s", (int)(what - entry), entry, is_secret ? secret : user) < 0) {
		line = NULL;
		err_set(e, ERR_NOMEM, "out of memory");
	}
	wipe_free(secret);
	return line;
}

static size_t count(char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

char **userenv_new(const struct credentials *cs, const struct config_backend *b, const char *user,
		   bool own, struct err *e)
{
	size_t had = count(b->env), more = count(b->user_env);
	char **extra, **env = NULL;
	size_t n = 0;

	if (own)
		user = b->learn_as;
	if (more == 0 || (own && !user))
		return environ_for_child(b->env, e);
	if (!user) {
		err_set(e, ERR_DENIED, "%s is for authenticated users only", b->name);
		return NULL;
	}
	extra = calloc(had + more + 1, sizeof *extra);
	if (!extra) {
		err_set(e, ERR_NOMEM, "out of memory");
		return NULL;
	}
	for (size_t i = 0; i < had; i++)
		extra[i] = b->env[i];
	while (n < more && (extra[had + n] = make(cs, b, b->user_env[n], user, e)))
		n++;
	if (n == more)
		env = environ_for_child(extra, e);
	for (size_t i = 0; i < n; i++)
		wipe_free(extra[had + i]);
	free(extra);
	return env;
}

/* Adds the value that the variable of ENTRY ("NAME=...") has in ENV. */
static int add_value(char *const *env, const char *entry, struct mask *m)
{
	size_t n = strcspn(entry, "=");

	for (; env != NULL && *env; env++)
		if (strncmp(*env, entry, n) == 0 && (*env)[n] == '=')
			return mask_add(m, *env + n + 1);
	return 0;
}

int userenv_mask(const struct config_backend *b, char *const *env, struct mask *m)
{
	int rc = mask_add_env(m, b->env);

	for (size_t i = 0; rc == 0 && b->user_env && b->user_env[i]; i++)
		if (strcmp(strchr(b->user_env[i], '='), "=secret") == 0)
			rc = add_value(env, b->user_env[i], m);
	return rc;
}

void userenv_free(char ***env)
{
	for (char **line = *env; line != NULL && *line; line++)
		explicit_bzero(*line, strlen(*line));
	environ_free(env);
}
