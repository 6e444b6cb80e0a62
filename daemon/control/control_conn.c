/* SPDX-License-Identifier: ISC */
/* control_conn.c: the connections of the control socket and the requests that are being answered.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "autoconf.h"
#include "base/delayq.h"
#include "base/turns.h"
#include "control/control_impl.h"
#include "lib/jsonrpc.h"
#include "lib/log.h"

#define MAX_REQUESTS  16 /* in flight on one connection */
#define MAX_DEPTH     128
#define HIGH_WATER    ((size_t)256 << 10) /* unread by the peer: no more rows, no more requests */
#define LOW_WATER     ((size_t)64 << 10)
#define STUCK_SECONDS 60 /* a peer that reads nothing for so long is gone */

static void conn_free(void *arg)
{
	struct control_conn *conn = arg;

	bufferevent_free(conn->bev);
	free(conn);
}

static void request_free(void *arg)
{
	struct control_request *r = arg;

	json_decref(r->id);
	json_decref(r->params);
	free(r);
}

/* R is over: nothing of it goes out any more. Its memory stays until a later turn, since this may
 * be deep inside its own handler. */
static void request_end(struct control_request *r)
{
	if (r->ended)
		return;
	r->ended = true;
	if (r->control->deps.view)
		view_unwait(r->control->deps.view, &r->waiter);
	if (r->handler->stop)
		r->handler->stop(r);
	TAILQ_REMOVE(&r->conn->requests, r, link);
	r->conn->n_requests--;
	defer_call(&r->freeing, request_free, r);
}

/* Idempotent, and from inside any callback of the connection. */
void control_conn_close(struct control_conn *conn)
{
	struct control_request *r;

	if (conn->closed)
		return;
	conn->closed = true;
	bufferevent_disable(conn->bev, EV_READ | EV_WRITE);
	bufferevent_setcb(conn->bev, NULL, NULL, NULL, NULL);
	while ((r = TAILQ_FIRST(&conn->requests)))
		request_end(r);
	TAILQ_REMOVE(&conn->control->conns, conn, link);
	conn->control->n_conns--;
	defer_cancel(&conn->closing);
	defer_call(&conn->freeing, conn_free, conn);
}

static void close_broken(void *arg)
{
	log_warn(NULL, "control: out of memory, a connection is closed");
	control_conn_close(arg);
}

/* A line that cannot even be queued ends the connection, since its peer would wait for ever; but
 * later, for this may be inside the log or anything else. */
static bool conn_send(struct control_conn *conn, json_t *msg_take)
{
	struct evbuffer *out = bufferevent_get_output(conn->bev);
	bool sent = !conn->closed && !conn->closing.queued && msg_take &&
		    jsonrpc_write(out, msg_take) == 0 && evbuffer_add(out, "\n", 1) == 0;

	json_decref(msg_take);
	if (!sent && !conn->closed)
		defer_call(&conn->closing, close_broken, conn);
	return sent;
}

void control_conn_flush(struct control_conn *conn)
{
	evbuffer_write(bufferevent_get_output(conn->bev), bufferevent_getfd(conn->bev));
}

static size_t conn_backlog(const struct control_conn *conn)
{
	return evbuffer_get_length(bufferevent_get_output(conn->bev));
}

static void conn_error(struct control_conn *conn, json_t *id, int code, enum ctl_reason reason,
		       const char *text)
{
	json_t *data = json_pack("{s:s}", "reason", ctlspec_reason_name(reason));

	conn_send(conn, jsonrpc_error(id, code, text, data));
}

const char *control_string(const struct control_request *r, const char *name)
{
	return json_string_value(json_object_get(r->params, name));
}

json_t *control_param(const struct control_request *r, const char *name)
{
	return json_object_get(r->params, name);
}

bool control_has_room(const struct control_request *r)
{
	return conn_backlog(r->conn) < HIGH_WATER;
}

bool control_row(struct control_request *r, json_t *row_take)
{
	json_t *params = json_pack("{s:O, s:o}", "id", r->id, "row", row_take);

	if (r->ended) {
		json_decref(params);
		return false;
	}
	if (!params) {
		control_fail_nomem(r);
		return false;
	}
	r->rows++;
	return conn_send(r->conn, jsonrpc_notification("row", params)) && !r->ended;
}

void control_done(struct control_request *r, json_t *result_take)
{
	if (!result_take) {
		control_fail_nomem(r);
		return;
	}
	if (r->ended) {
		json_decref(result_take);
		return;
	}
	conn_send(r->conn, jsonrpc_result(r->id, result_take));
	request_end(r);
}

void control_rows_done(struct control_request *r)
{
	control_done(r, json_pack("{s:I}", "rows", r->rows));
}

void control_fail(struct control_request *r, enum ctl_reason reason, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (r->ended)
		return;
	conn_error(r->conn, r->id, ctlspec_reason_code(reason), reason, text);
	request_end(r);
}

void control_fail_nomem(struct control_request *r)
{
	control_fail(r, CTL_INTERNAL, "out of memory");
}

static void on_settled(void *arg)
{
	struct control_request *r = arg;

	r->when_settled(r);
}

void control_when_settled(struct control_request *r, void (*fn)(struct control_request *r))
{
	struct view *view = r->control->deps.view;

	if (view_settled(view)) {
		fn(r);
		return;
	}
	r->when_settled = fn;
	r->waiter.fn = on_settled;
	r->waiter.arg = r;
	view_wait(view, &r->waiter);
}

static struct control_request *find_request(struct control_conn *conn, const json_t *id)
{
	struct control_request *r;

	TAILQ_FOREACH (r, &conn->requests, link) {
		if (jsonrpc_id_equal(r->id, id))
			return r;
	}
	return NULL;
}

static void start_request(struct control_conn *conn, const struct ctl_command *command, json_t *msg)
{
	struct control_request *r = calloc(1, sizeof *r);

	if (!r) {
		conn_error(conn, json_object_get(msg, "id"), RPC_INTERNAL_ERROR, CTL_INTERNAL,
			   "out of memory");
		return;
	}
	r->control = conn->control;
	r->conn = conn;
	r->handler = conn->control->hooks->handler(command);
	r->id = json_incref(json_object_get(msg, "id"));
	r->params = json_incref(json_object_get(msg, "params"));
	TAILQ_INSERT_TAIL(&conn->requests, r, link);
	conn->n_requests++;
	if (command->level == CTL_ADMIN)
		log_info(NULL, "control: uid %u: %s", (unsigned)conn->uid, command->words);
	turns_doing("control command", command->words);
	r->handler->start(r);
}

/* The daemon's own user shows the key of the socket: {"key": "HEX"}. Of others it is not asked. */
static void authenticate(struct control_conn *conn, json_t *msg)
{
	json_t *id = json_object_get(msg, "id");
	const char *key = json_string_value(json_object_get(json_object_get(msg, "params"), "key"));
	const char *why = NULL;
	enum ctl_reason reason = CTL_LIMIT;

	if (conn->level == CTL_NOBODY && !control_key_is(&conn->control->socket.key, key)) {
		if (ratelimit_pass(&conn->control->refusals))
			log_warn(NULL, "control: uid %u showed a wrong key", (unsigned)conn->uid);
		reason = CTL_DENIED;
		why = "this is not the key of this socket";
	} else if (conn->level == CTL_NOBODY) {
		why = conn->control->hooks->too_many(conn->control, conn->uid, CTL_ADMIN, conn);
	}
	if (why) {
		conn_error(conn, id, ctlspec_reason_code(reason), reason, why);
		return;
	}
	if (conn->level == CTL_NOBODY)
		conn->level = CTL_ADMIN;
	conn_send(conn,
		  jsonrpc_result(id, json_pack("{s:s}", "level", ctlspec_level_name(conn->level))));
}

static const char *denial(const struct control_conn *conn)
{
	return conn->level == CTL_NOBODY ? "the daemon's own user has to show the key beside the "
					   "socket first (authenticate)"
					 : "only the daemon's own user and root may do this";
}

/* A request is denied unless the table says otherwise. */
static void handle_request(struct control_conn *conn, json_t *msg)
{
	const struct ctl_command *c =
		ctlspec_find(json_string_value(json_object_get(msg, "method")));
	json_t *id = json_object_get(msg, "id");
	struct err e;

	if (strcmp(json_string_value(json_object_get(msg, "method")), CTL_AUTHENTICATE) == 0)
		authenticate(conn, msg);
	else if (!c)
		conn_error(conn, id, RPC_METHOD_NOT_FOUND, CTL_INVALID, "no such command");
	else if (c->level == CTL_NOBODY || conn->level < c->level)
		conn_error(conn, id, ctlspec_reason_code(CTL_DENIED), CTL_DENIED, denial(conn));
	else if (ctlspec_check(c, json_object_get(msg, "params"), &e) < 0)
		conn_error(conn, id, RPC_INVALID_PARAMS, CTL_INVALID, e.text);
	else if (find_request(conn, id))
		conn_error(conn, id, RPC_INVALID_REQUEST, CTL_INVALID,
			   "a request with this id is in flight");
	else if (conn->n_requests >= MAX_REQUESTS)
		conn_error(conn, id, ctlspec_reason_code(CTL_LIMIT), CTL_LIMIT,
			   "too many requests in flight on this connection");
	else
		start_request(conn, c, msg);
}

/* "cancel" is the only one that means something. */
static void handle_notification(struct control_conn *conn, const json_t *msg)
{
	const json_t *params = json_object_get(msg, "params");
	struct control_request *r;

	if (strcmp(json_string_value(json_object_get(msg, "method")), "cancel") != 0)
		return;
	r = find_request(conn, json_object_get(params, "id"));
	if (r && r->handler->cancel)
		r->handler->cancel(r);
	else if (r)
		control_fail(r, CTL_CANCELLED, "cancelled");
}

static void handle_line(struct control_conn *conn, const char *line, size_t len)
{
	enum jsonrpc_kind kind;
	struct err e;
	json_t *msg = jsonrpc_parse(line, len, MAX_DEPTH, &e);

	if (!msg)
		conn_error(conn, NULL, e.code == ERR_NOMEM ? RPC_INTERNAL_ERROR : RPC_PARSE_ERROR,
			   e.code == ERR_NOMEM ? CTL_INTERNAL : CTL_INVALID, e.text);
	else if (jsonrpc_classify(msg, &kind, &e) < 0)
		conn_error(conn, NULL, RPC_INVALID_REQUEST, CTL_INVALID, e.text);
	else if (kind == JSONRPC_REQUEST)
		handle_request(conn, msg);
	else if (kind == JSONRPC_NOTIFICATION)
		handle_notification(conn, msg);
	json_decref(msg);
}

/* Handles every whole line that is there, as long as the peer also reads. */
static void handle_input(struct control_conn *conn)
{
	struct evbuffer *in = bufferevent_get_input(conn->bev);
	char *line;
	size_t len;

	while (!conn->closed && conn_backlog(conn) < HIGH_WATER) {
		switch (lines_next(&conn->lines, in, &line, &len)) {
		case LINES_GOT:
			conn->active = clock_ms();
			if (len > 0)
				handle_line(conn, line, len);
			free(line);
			break;
		case LINES_TOO_LONG:
			conn_error(conn, NULL, RPC_INVALID_REQUEST, CTL_LIMIT,
				   "the line is too long");
			break;
		case LINES_NOMEM:
			control_conn_close(conn);
			return;
		case LINES_MORE:
			bufferevent_enable(conn->bev, EV_READ);
			return;
		}
	}
	if (!conn->closed)
		bufferevent_disable(conn->bev, EV_READ);
}

static void on_readable(struct bufferevent *bev, void *arg)
{
	(void)bev;
	handle_input(arg);
}

/* Closes CONN, whose peer writes no more, once the last answer is sent. A peer that does not read
 * ends by STUCK_SECONDS, and one that is gone by the error of a write. */
static void close_if_sent(struct control_conn *conn)
{
	if (TAILQ_EMPTY(&conn->requests) && conn_backlog(conn) == 0)
		control_conn_close(conn);
}

/* The peer of CONN has stopped writing: a script with socat, or one that is gone. Its listings go
 * on; what may last for ever (a call of a tool, a log that is followed) ends now. */
static void stop_reading(struct control_conn *conn)
{
	struct control_request *r, *next;

	conn->ending = true;
	for (r = TAILQ_FIRST(&conn->requests); r; r = next) {
		next = TAILQ_NEXT(r, link);
		if (!r->handler->pump)
			request_end(r);
	}
	control_conn_flush(conn);
	close_if_sent(conn);
}

/* The peer has read most of what was there: rows that waited for this come first. */
static void on_written(struct bufferevent *bev, void *arg)
{
	struct control_conn *conn = arg;
	struct control_request *r, *next;

	(void)bev;
	for (r = TAILQ_FIRST(&conn->requests); r && !conn->closed; r = next) {
		next = TAILQ_NEXT(r, link);
		if (!r->ended && r->handler->pump)
			r->handler->pump(r);
	}
	if (!conn->ending)
		handle_input(conn);
	else if (!conn->closed)
		close_if_sent(conn);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct control_conn *conn = arg;

	(void)bev;
	if (what & BEV_EVENT_TIMEOUT)
		log_notice(NULL, "control: a connection of uid %u is closed: it does not read",
			   (unsigned)conn->uid);
	/* A peer that only stopped writing (a script with socat) still gets its answers. */
	if (what & BEV_EVENT_EOF)
		stop_reading(conn);
	else
		control_conn_close(conn);
}

static void send_hello(struct control_conn *conn)
{
	json_t *hello = json_pack("{s:s, s:i, s:i, s:s, s:s, s:o*}", "service", CTL_SERVICE,
				  "major", CTL_MAJOR, "minor", CTL_MINOR, "version",
				  PACKAGE_VERSION, "level", ctlspec_level_name(conn->level), "key",
				  conn->level == CTL_NOBODY ? json_true() : NULL);

	conn_send(conn, hello ? jsonrpc_notification("hello", hello) : NULL);
}

int control_conn_new(struct control *c, int fd, uid_t uid, enum ctl_level level)
{
	const struct timeval stuck = {.tv_sec = STUCK_SECONDS};
	struct control_conn *conn = calloc(1, sizeof *conn);

	if (!conn)
		return ERR_NOMEM;
	conn->bev = bufferevent_socket_new(c->deps.base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!conn->bev) {
		free(conn);
		return ERR_NOMEM;
	}
	conn->control = c;
	conn->uid = uid;
	conn->level = level;
	conn->active = clock_ms();
	lines_init(&conn->lines, CTL_MAX_LINE);
	TAILQ_INIT(&conn->requests);
	TAILQ_INSERT_TAIL(&c->conns, conn, link);
	c->n_conns++;
	bufferevent_setcb(conn->bev, on_readable, on_written, on_event, conn);
	bufferevent_setwatermark(conn->bev, EV_WRITE, LOW_WATER, 0);
	bufferevent_set_timeouts(conn->bev, NULL, &stuck);
	bufferevent_enable(conn->bev, EV_READ | EV_WRITE);
	send_hello(conn);
	return 0;
}
