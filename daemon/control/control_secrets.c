/* SPDX-License-Identifier: ISC */
/* control_secrets.c: the commands about the secrets of users for backends. No command shows a
 * secret. */
#include <string.h>

#include "auth/users.h"
#include "backend/backend.h"
#include "control/control_impl.h"
#include "store/store.h"

static bool is_backend(const struct control_request *r, const char *name)
{
	const struct control_deps *deps = &r->control->deps;

	for (size_t i = 0; i < deps->n_backends; i++)
		if (strcmp(backend_name(deps->backends[i]), name) == 0)
			return true;
	return false;
}

static void told(struct control_request *r, const char *what, const char *user, const char *backend)
{
	control_done(r,
		     json_pack("{s:o, s:s, s:s}", "text",
			       json_sprintf("The secret of %s for %s is %s", user, backend, what),
			       "user", user, "backend", backend));
}

void control_secret_set(struct control_request *r)
{
	struct users *users = r->control->deps.users;
	const char *user = control_string(r, "user"), *backend = control_string(r, "backend");

	if (!users)
		control_fail(r, CTL_UNAVAILABLE, "there is no store");
	else if (!is_backend(r, backend))
		control_no_backend(r, backend);
	else if (users_secret_set(users, user, backend, control_string(r, "secret")) < 0)
		control_fail_nomem(r);
	else
		told(r, "stored", user, backend);
}

void control_secret_unset(struct control_request *r)
{
	struct users *users = r->control->deps.users;
	const char *user = control_string(r, "user"), *backend = control_string(r, "backend");
	int rc = users ? users_secret_unset(users, user, backend) : ERR_NOTFOUND;

	if (rc == ERR_NOTFOUND)
		control_fail(r, CTL_NOTFOUND, "no secret of \"%s\" for \"%s\" is stored", user,
			     backend);
	else if (rc < 0)
		control_fail_nomem(r);
	else
		told(r, "gone", user, backend);
}

struct listing {
	struct users *users;
	json_t *rows;
	bool failed;
};

static void add_secrets(const char *user, void *arg)
{
	struct listing *l = arg;
	json_t *about = users_describe(l->users, user), *name;
	size_t i;

	json_array_foreach (json_object_get(about, "secrets"), i, name)
		if (json_array_append_new(
			    l->rows, json_pack("{s:s, s:O}", "user", user, "backend", name)) < 0)
			l->failed = true;
	json_decref(about);
}

static int make_row(struct control_request *r, json_t *item, json_t **row_r)
{
	(void)r;
	*row_r = json_incref(item);
	return 0;
}

void control_secrets_list(struct control_request *r)
{
	struct listing l = {.users = r->control->deps.users, .rows = json_array()};

	if (l.users)
		users_each(l.users, add_secrets, &l);
	if (l.failed) {
		json_decref(l.rows);
		l.rows = NULL;
	}
	control_rows(r, l.rows, make_row);
}
