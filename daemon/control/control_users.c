/* SPDX-License-Identifier: ISC */
/* control_users.c: the commands about users and dormant sessions. */
#include <stdlib.h>
#include <string.h>

#include "auth/users.h"
#include "control/control_impl.h"
#include "legacy/records.h"
#include "legacy/sessions.h"
#include "lib/log.h"

/* Names or ids that a callback puts together. */
struct names {
	json_t *array;
	bool failed;
};

static void add_name(const char *name, void *arg)
{
	struct names *n = arg;

	if (json_array_append_new(n->array, json_string(name)) < 0)
		n->failed = true;
}

/* Takes what was put together; NULL for lack of memory. */
static json_t *taken(struct names *n)
{
	if (n->failed) {
		json_decref(n->array);
		n->array = NULL;
	}
	return n->array;
}

/* Nothing where it went, or came back, meanwhile. */
static int make_dormant(struct control_request *r, json_t *item, json_t **row_r)
{
	struct sessions *ss = r->control->deps.sessions;
	const char *id = json_string_value(item);

	if (!sessions_find(ss, id))
		*row_r = records_describe(sessions_dormant(ss), id);
	return 0;
}

void control_dormant_list(struct control_request *r)
{
	struct names n = {.array = json_array()};
	struct records *records = sessions_dormant(r->control->deps.sessions);

	if (records)
		records_each(records, add_name, &n);
	control_rows(r, taken(&n), make_dormant);
}

/* How many open sessions a user has. */
struct counting {
	const char *user;
	json_int_t n;
};

static void count_session(struct session *s, void *arg)
{
	struct counting *c = arg;
	const char *user = session_user(s);

	c->n += user && strcmp(user, c->user) == 0;
}

static json_t *describe(struct control_request *r, const char *user)
{
	const struct control_deps *deps = &r->control->deps;
	struct counting c = {.user = user};
	json_t *row = deps->users ? users_describe(deps->users, user) : NULL;

	sessions_each(deps->sessions, count_session, &c);
	if (!row && c.n > 0)
		row = json_pack("{s:s, s:b, s:b, s:s, s:s, s:i, s:[]}", "user", user, "token", 0,
				"refresh", 0, "issuer", "", "scope", "", "calls", 0, "secrets");
	json_object_set_new(row, "sessions", json_integer(c.n));
	return row;
}

static int make_user(struct control_request *r, json_t *item, json_t **row_r)
{
	*row_r = describe(r, json_string_value(item));
	return 0;
}

/* The users of sessions may have nothing else. */
static void add_user(struct session *s, void *arg)
{
	if (session_user(s))
		json_object_set_new(arg, session_user(s), json_true());
}

static void add_known(const char *user, void *arg)
{
	json_object_set_new(arg, user, json_true());
}

void control_users_list(struct control_request *r)
{
	const struct control_deps *deps = &r->control->deps;
	struct names n = {.array = json_array()};
	json_t *all = json_object(), *value;
	const char *user;

	if (deps->users)
		users_each(deps->users, add_known, all);
	sessions_each(deps->sessions, add_user, all);
	json_object_foreach (all, user, value)
		add_name(user, &n);
	json_decref(all);
	control_rows(r, taken(&n), make_user);
}

void control_user_show(struct control_request *r)
{
	const char *user = control_string(r, "user");
	json_t *row = describe(r, user);

	if (row)
		control_done(r, row);
	else
		control_fail(r, CTL_NOTFOUND, "no user \"%s\"", user);
}

void control_user_logout(struct control_request *r)
{
	const char *user = control_string(r, "user");
	int closed =
		r->control->deps.users ? users_logout(r->control->deps.users, user) : ERR_NOTFOUND;

	if (closed < 0)
		control_fail(r, CTL_NOTFOUND, "no user \"%s\" is logged in", user);
	else
		control_done(r, json_pack("{s:o, s:s, s:i}", "text",
					  json_sprintf("User %s is logged out, %d session%s closed",
						       user, closed, closed == 1 ? "" : "s"),
					  "user", user, "sessions", closed));
}
