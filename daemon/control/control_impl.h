/* SPDX-License-Identifier: ISC */
/* control_impl.h: the inside of the control socket: connections (control.c), commands
 * (control_*.c). */
#ifndef MCPD_CONTROL_IMPL_H
#define MCPD_CONTROL_IMPL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "backend/view.h"
#include "base/defer.h"
#include "base/ratelimit.h"
#include "control/control.h"
#include "control/control_socket.h"
#include "lib/ctlspec.h"
#include "lib/lines.h"

struct bufferevent;
struct control_conn;
struct control_request;
struct event;
struct evconnlistener;

/* How one command is answered. Exactly one of control_done() and control_fail() ends a request, in
 * any of these functions or later. */
struct control_handler {
	const char *words; /* of ctlspec */
	void (*start)(struct control_request *r);
	/* There is room for more rows. NULL: the command sends none. */
	void (*pump)(struct control_request *r);
	/* The operator has cancelled R: end it. NULL: R fails as cancelled. */
	void (*cancel)(struct control_request *r);
	/* R is over, or the operator is gone: release R->state. May be NULL. */
	void (*stop)(struct control_request *r);
};

/* A command that is being answered. */
struct control_request {
	TAILQ_ENTRY(control_request) link;
	struct control *control;
	struct control_conn *conn;
	const struct control_handler *handler;
	json_t *id, *params; /* params: checked against ctlspec; NULL if there are none */
	json_int_t rows;     /* sent */
	void *state;	     /* the handler's */
	struct view_waiter waiter;
	void (*when_settled)(struct control_request *r);
	struct defer freeing;
	bool ended;
};

struct control_conn {
	TAILQ_ENTRY(control_conn) link;
	struct control *control;
	struct bufferevent *bev;
	struct lines lines;
	uid_t uid;
	enum ctl_level level; /* CTL_NOBODY: the daemon's own user, who has not shown the key yet */
	int64_t active;	      /* when the last line came: clock_ms() */
	TAILQ_HEAD(, control_request) requests;
	size_t n_requests;
	size_t n_follows; /* of them: those that follow the log */
	bool ending;	  /* the peer writes no more: closed once all that it asked for is sent */
	bool closed;
	struct defer closing, freeing;
};

/* The functions of the parts above that connections call. */
struct control_hooks {
	/* The handler of a command; NULL if there is none. */
	const struct control_handler *(*handler)(const struct ctl_command *c);
	/* Whether one more connection of this user, NEW, may give commands; an operator's idle one
	 * makes room. NULL, or why not. */
	const char *(*too_many)(struct control *c, uid_t uid, enum ctl_level level,
				const struct control_conn *new);
};

struct control {
	struct control_deps deps;
	const struct control_hooks *hooks;
	struct control_socket socket;
	struct evconnlistener *listener;
	struct event *resume;	   /* accepts again after a lack of descriptors */
	struct ratelimit refusals; /* that are logged */
	TAILQ_HEAD(, control_conn) conns;
	size_t n_conns;
	int64_t started;
	struct defer shutdown_soon;
};

/* Greets the peer on FD. CTL_NOBODY: it has to show the key first. 0, or ERR_NOMEM: then FD is
 * still the caller's. */
int control_conn_new(struct control *c, int fd, uid_t uid, enum ctl_level level);
/* Writes what can be written without waiting. */
void control_conn_flush(struct control_conn *conn);
/* Ends CONN and its requests. Idempotent; also inside of the callbacks of a request. */
void control_conn_close(struct control_conn *conn);

/* The handlers, in control_commands.c; up to one without words. */
extern const struct control_handler control_handlers[];
/* The one for C; NULL if there is none. */
const struct control_handler *control_handler_find(const struct ctl_command *c);
/* In files of their own. */
void control_tools_list(struct control_request *r);
void control_tool_call(struct control_request *r);
void control_tool_cancel(struct control_request *r);
void control_tool_stop(struct control_request *r);
void control_dormant_list(struct control_request *r);
void control_users_list(struct control_request *r);
void control_user_show(struct control_request *r);
void control_user_logout(struct control_request *r);
void control_token_add(struct control_request *r);
void control_token_revoke(struct control_request *r);
void control_tokens_list(struct control_request *r);
void control_secret_set(struct control_request *r);
void control_secret_unset(struct control_request *r);
void control_secrets_list(struct control_request *r);
void control_log_follow(struct control_request *r);
void control_log_cancel(struct control_request *r);
void control_log_stop(struct control_request *r);

/* A parameter of R. */
const char *control_string(const struct control_request *r, const char *name); /* NULL: not there */
json_t *control_param(const struct control_request *r, const char *name);      /* borrowed */

/* Whether the peer keeps up: while it does not, rows should wait for pump(). */
bool control_has_room(const struct control_request *r);
/* Sends one row. A NULL (lack of memory) ends R; false then: R is over. */
bool control_row(struct control_request *r, json_t *row_take);
/* Ends R with a result; NULL ends it for lack of memory. */
void control_done(struct control_request *r, json_t *result_take);
/* Ends R with {"rows": N}. */
void control_rows_done(struct control_request *r);
void control_fail(struct control_request *r, enum ctl_reason reason, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void control_fail_nomem(struct control_request *r);
/* Ends R because no backend has the name NAME; the error suggests the nearest name. */
void control_no_backend(struct control_request *r, const char *name);

/* Rows made one after the other as there is room: MAKE turns an item into a row (a new reference);
 * 0 with NULL leaves it out, ERR_NOMEM ends R. ITEMS is an array, NULL for lack of memory. The
 * handler's pump and stop must be these two. */
typedef int (*control_make_row)(struct control_request *r, json_t *item, json_t **row_r);
void control_rows(struct control_request *r, json_t *items_take, control_make_row make);
void control_rows_pump(struct control_request *r);
void control_rows_stop(struct control_request *r);

/* Calls FN once it is known what the backends offer: now or later, unless R is over by then. */
void control_when_settled(struct control_request *r, void (*fn)(struct control_request *r));

#endif
