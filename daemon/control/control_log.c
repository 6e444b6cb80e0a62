/* SPDX-License-Identifier: ISC */
/* control_log.c: `log follow`: the lines of the log as they happen. */
#include <string.h>

#include "control/control_impl.h"
#include "lib/log.h"

#define MAX_FOLLOWERS	      48 /* of 64 that the log takes; the others are for operators */
#define MAX_FOLLOWERS_PER_UID 32

/* Adds KEY where there is a VALUE, which may be anybody's bytes. */
static void put(json_t *row, const char *key, const char *value)
{
	char escaped[512];

	if (!value)
		return;
	log_escape(escaped, sizeof escaped, value, strlen(value));
	json_object_set_new(row, key, json_string(escaped));
}

static json_t *make_row(const struct log_line *line)
{
	json_t *row = json_pack("{s:I, s:s, s:b, s:s}", "time_ms", (json_int_t)(line->time * 1000),
				"level", log_level_name(line->level), "lifecycle", line->lifecycle,
				"text", line->text);

	put(row, "session", line->scope->session);
	put(row, "user", line->scope->user);
	put(row, "backend", line->scope->backend);
	put(row, "reason", line->scope->reason);
	return row;
}

/* Runs inside whatever logged the line, so it only queues: nothing here may call back into others.
 */
static void on_line(const struct log_line *line, void *arg)
{
	struct control_request *r = arg;

	if (!line->lifecycle && !control_param(r, "all"))
		return;
	if (control_has_room(r))
		control_row(r, make_row(line));
	else
		control_fail(r, CTL_LIMIT, "dropped: you read the log too slowly");
}

/* Those who follow have places of their own: one user cannot take all of them, and others leave
 * some to operators. */
static bool has_place(const struct control_request *r)
{
	const struct control_conn *conn;
	size_t all = 0, same = 0;

	TAILQ_FOREACH (conn, &r->control->conns, link) {
		all += conn->n_follows;
		same += conn->uid == r->conn->uid ? conn->n_follows : 0;
	}
	return same < MAX_FOLLOWERS_PER_UID && (all < MAX_FOLLOWERS || r->conn->level == CTL_ADMIN);
}

void control_log_follow(struct control_request *r)
{
	if (!has_place(r) || log_subscribe(on_line, r) < 0) {
		control_fail(r, CTL_LIMIT, "too many follow the log already");
		return;
	}
	r->conn->n_follows++;
	r->state = r->conn;
}

/* This is how following ends when nothing goes wrong. */
void control_log_cancel(struct control_request *r)
{
	control_rows_done(r);
}

void control_log_stop(struct control_request *r)
{
	log_unsubscribe(on_line, r);
	if (r->state)
		r->conn->n_follows--;
	r->state = NULL;
}
