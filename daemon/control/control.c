/* SPDX-License-Identifier: ISC */
#include "control/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/listener.h>

#include "base/delayq.h"
#include "config/config.h"
#include "control/control_impl.h"
#include "lib/jsonrpc.h"
#include "lib/log.h"
#include "process/peerproc.h"

#define MAX_CONNS	  128
#define MAX_CONNS_PER_UID 32
#define MAX_UNPROVEN	  32 /* connections of the daemon's own user that have not shown the key */

/* Says why there will be no hello. What does not fit into an empty socket buffer is lost. */
static void refuse(int fd, enum ctl_reason reason, const char *text)
{
	json_t *data = json_pack("{s:s}", "reason", ctlspec_reason_name(reason));
	json_t *msg = jsonrpc_error(NULL, ctlspec_reason_code(reason), text, data);
	size_t len;
	char *line = msg ? jsonrpc_dump(msg, &len) : NULL;

	if (line) {
		line[len] = '\n';
		if (send(fd, line, len + 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			log_debug(NULL, "control: a refused connection was gone already");
	}
	free(line);
	json_decref(msg);
	close(fd);
}

/* Whether CONN takes a place for commands. */
static bool takes_place(const struct control_conn *conn)
{
	return conn->level > CTL_NOBODY &&
	       (conn->n_follows == 0 || conn->n_follows < conn->n_requests);
}

static const char *too_many(struct control *c, uid_t uid, enum ctl_level level,
			    const struct control_conn *new)
{
	struct control_conn *conn, *idle = NULL, *oldest = NULL;
	size_t same = 0, all = 0;

	TAILQ_FOREACH (conn, &c->conns, link) {
		if (conn == new || !takes_place(conn))
			continue;
		all++;
		same += conn->uid == uid;
		if (conn->uid == uid && (!oldest || conn->active < oldest->active))
			oldest = conn;
		if (conn->uid == uid && conn->n_requests == 0 &&
		    (!idle || conn->active < idle->active))
			idle = conn;
	}
	/* Operators must get in when others fill the places, and when their own connections do:
	 * those that are forgotten, else the one whose command has run longest. */
	if (level == CTL_ADMIN && same >= MAX_CONNS_PER_UID) {
		if (!idle)
			log_notice(
				NULL,
				"control: the command of uid %u that has run longest is given up: "
				"%d others of this user leave no place for one more",
				(unsigned)uid, MAX_CONNS_PER_UID - 1);
		control_conn_close(idle ? idle : oldest);
		return NULL;
	}
	if (same >= MAX_CONNS_PER_UID)
		return "too many connections of this user";
	if (all >= MAX_CONNS && level < CTL_ADMIN)
		return "too many connections";
	return NULL;
}

/* The connection that has waited longest for its key goes where there are too many of the kind. */
static void make_room_for_unproven(struct control *c)
{
	struct control_conn *conn, *oldest = NULL;
	size_t n = 0;

	TAILQ_FOREACH (conn, &c->conns, link) {
		if (conn->level != CTL_NOBODY)
			continue;
		if (!oldest)
			oldest = conn;
		n++;
	}
	if (n >= MAX_UNPROVEN)
		control_conn_close(oldest);
}

/* No process that the daemon has started is an operator, whatever its key and user. NULL, or why
 * the peer is refused. */
static const char *refuse_family(struct control *c, int fd, uid_t uid)
{
	static const char *const texts[] = {
		[PEERPROC_OTHER] = NULL,
		[PEERPROC_FAMILY] =
			"a process that mcpd has started may not use the control socket",
		[PEERPROC_GONE] = "the process that connected has ended",
		[PEERPROC_HIDDEN] = "the parents of this process cannot be read in /proc",
	};
	enum peerproc verdict =
		c->deps.family > 0 ? peerproc_look(fd, c->deps.family) : PEERPROC_OTHER;

	/* What is hidden by the mount options of /proc is other users' processes, of which no child
	 * can be one. */
	if (verdict == PEERPROC_HIDDEN && uid != geteuid())
		verdict = PEERPROC_OTHER;
	if (verdict == PEERPROC_FAMILY && ratelimit_pass(&c->refusals))
		log_warn(NULL,
			 "control: a process that mcpd has started (uid %u) tried to connect and "
			 "was refused",
			 (unsigned)uid);
	return texts[verdict];
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa,
		      int socklen, void *arg)
{
	struct control *c = arg;
	struct ucred cred;
	socklen_t len = sizeof cred;
	enum ctl_level level = CTL_READ;
	enum ctl_reason reason = CTL_DENIED;
	const char *why;

	(void)listener, (void)sa, (void)socklen;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0) {
		close(fd);
		return;
	}
	if (cred.uid == geteuid())
		level = CTL_NOBODY;
	else if (cred.uid == 0)
		level = CTL_ADMIN;
	why = refuse_family(c, fd, cred.uid);
	if (!why && level == CTL_NOBODY) {
		make_room_for_unproven(c);
	} else if (!why) {
		reason = CTL_LIMIT;
		why = too_many(c, cred.uid, level, NULL);
	}
	if (!why && control_conn_new(c, fd, cred.uid, level) < 0) {
		reason = CTL_LIMIT;
		why = "out of memory";
	}
	if (why)
		refuse(fd, reason, why);
}

/* Out of descriptors: trying again at once would only burn time. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	struct control *c = arg;
	struct timeval second = {.tv_sec = 1};

	log_warn(NULL, "control: no connection can be accepted for a second: %s", strerror(errno));
	if (evtimer_add(c->resume, &second) == 0)
		evconnlistener_disable(listener);
}

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct control *c = arg;

	(void)fd, (void)what;
	evconnlistener_enable(c->listener);
}

/* Each command of the table needs a handler, and each handler a command. */
static int check_handlers(struct err *e)
{
	size_t handlers = 0, commands = 0;

	for (const struct control_handler *h = control_handlers; h->words; h++)
		handlers++;
	for (const struct ctl_command *cmd = ctlspec_commands; cmd->words; cmd++) {
		if (cmd->flags & CTL_LOCAL)
			continue;
		commands++;
		if (!control_handler_find(cmd))
			return err_set(e, ERR_INTERNAL, "no handler for \"%s\"", cmd->words);
	}
	if (handlers != commands)
		return err_set(e, ERR_INTERNAL, "more handlers than commands");
	return 0;
}

static int start_listening(struct control *c, struct err *e)
{
	const struct config *conf = c->deps.config;
	int rc = control_socket_open(&c->socket, conf->control, conf->control_mode,
				     conf->control_group, e);

	if (rc < 0)
		return rc;
	c->resume = evtimer_new(c->deps.base, on_resume, c);
	/* The descriptor stays ours: control_socket_close() closes it. */
	c->listener = evconnlistener_new(c->deps.base, on_accept, c, LEV_OPT_CLOSE_ON_EXEC, 0,
					 c->socket.fd);
	if (!c->resume || !c->listener)
		return err_set(e, ERR_NOMEM, "out of memory");
	evconnlistener_set_error_cb(c->listener, on_accept_error);
	return 0;
}

static const struct control_hooks hooks = {control_handler_find, too_many};

struct control *control_new(const struct control_deps *deps, struct err *e)
{
	struct control *c = calloc(1, sizeof *c);

	if (!c) {
		err_set(e, ERR_NOMEM, "out of memory");
		return NULL;
	}
	c->deps = *deps;
	c->hooks = &hooks;
	c->socket.fd = -1;
	c->started = clock_ms();
	ratelimit_init(&c->refusals, 1, 5);
	TAILQ_INIT(&c->conns);
	if (check_handlers(e) < 0 || start_listening(c, e) < 0)
		control_free(&c);
	return c;
}

void control_free(struct control **cp)
{
	struct control *c = *cp;
	struct control_conn *conn;

	*cp = NULL;
	if (!c)
		return;
	defer_cancel(&c->shutdown_soon);
	while ((conn = TAILQ_FIRST(&c->conns))) {
		control_conn_flush(conn);
		control_conn_close(conn);
	}
	if (c->listener)
		evconnlistener_free(c->listener);
	if (c->resume)
		event_free(c->resume);
	control_socket_close(&c->socket);
	free(c);
}
