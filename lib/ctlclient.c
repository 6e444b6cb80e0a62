/* SPDX-License-Identifier: ISC */
#include "lib/ctlclient.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "lib/jsonrpc.h"
#include "lib/lines.h"
#include "lib/paths.h"

/* Longest line from the daemon: the result of a tool may be long. */
#define MAX_ANSWER ((size_t)64 << 20)
#define KEY_SIZE   128 /* of the key of a socket, with room to see that it is too long */

struct ctlclient {
	int fd;
	struct evbuffer *in, *out;
	struct lines lines;
	json_int_t last_id;
	int minor;
	enum ctl_level level;
	bool wants_key; /* the daemon does not know this user before it has seen the key */
	char version[64];
};

/* What a wait may end with, besides being over. */
struct limits {
	int64_t deadline; /* milliseconds, monotonic; -1: none */
	int wake_fd;
	bool woken; /* out: wake_fd was readable */
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct limits limits_new(int timeout_ms, int wake_fd)
{
	return (struct limits){
		.deadline = timeout_ms < 0 ? -1 : now_ms() + timeout_ms,
		.wake_fd = wake_fd,
	};
}

static int remaining_ms(const struct limits *l)
{
	int64_t left = l->deadline - now_ms();

	if (l->deadline < 0)
		return -1;
	return left > 0 ? (int)left : 0;
}

static void drain(int fd)
{
	char byte;

	if (read(fd, &byte, 1) < 0)
		return; /* another reader took the byte; the signal was seen all the same */
}

static int closed(struct err *e)
{
	return err_set(e, ERR_CLOSED, "the daemon closed the connection");
}

/* Reads and writes what can be without waiting. */
static int transfer(struct ctlclient *c, short events, struct err *e)
{
	int n;

	if (events & POLLOUT && evbuffer_write(c->out, c->fd) < 0 && errno != EAGAIN)
		return errno == EPIPE || errno == ECONNRESET ? closed(e) : err_errno(e, "write");
	if (!(events & (POLLIN | POLLHUP | POLLERR)))
		return 0;
	n = evbuffer_read(c->in, c->fd, -1);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return closed(e);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return err_errno(e, "read");
	return 0;
}

/* Waits until something could be read or written, or L says stop. */
static int wait_io(struct ctlclient *c, struct limits *l, struct err *e)
{
	struct pollfd fds[2] = {
		{.fd = c->fd, .events = POLLIN},
		{.fd = l->wake_fd, .events = POLLIN}, /* poll() skips a negative one */
	};
	int n;

	if (evbuffer_get_length(c->out) > 0)
		fds[0].events |= POLLOUT;
	n = poll(fds, 2, remaining_ms(l));
	if (n < 0)
		return errno == EINTR ? 0 : err_errno(e, "poll");
	if (n == 0)
		return err_set(e, ERR_TIMEOUT, "no answer in time");
	if (fds[1].revents) {
		drain(l->wake_fd);
		l->woken = true;
	}
	return transfer(c, fds[0].revents, e);
}

/* The next message of the daemon. Returns 0 with *msg_r NULL where L was woken before one came. */
static int next_message(struct ctlclient *c, struct limits *l, json_t **msg_r, struct err *e)
{
	char *line;
	size_t len;
	int rc;

	*msg_r = NULL;
	for (;;) {
		switch (lines_next(&c->lines, c->in, &line, &len)) {
		case LINES_GOT:
			*msg_r = jsonrpc_parse(line, len, 0, e);
			free(line);
			if (*msg_r)
				return 0;
			return e->code == ERR_NOMEM ? ERR_NOMEM : (e->code = ERR_PROTOCOL);
		case LINES_TOO_LONG:
			return err_set(e, ERR_PROTOCOL, "the daemon sent an endless line");
		case LINES_NOMEM:
			return err_set(e, ERR_NOMEM, "out of memory");
		case LINES_MORE:
			break;
		}
		rc = wait_io(c, l, e);
		if (rc || l->woken)
			return rc;
	}
}

/* Queues MSG. */
static int send_message(struct ctlclient *c, json_t *msg_take, struct err *e)
{
	size_t before = evbuffer_get_length(c->out);
	int rc = msg_take ? jsonrpc_write(c->out, msg_take) : ERR_NOMEM;

	json_decref(msg_take);
	if (rc < 0 || evbuffer_add(c->out, "\n", 1) < 0)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (evbuffer_get_length(c->out) - before > CTL_MAX_LINE)
		return err_set(e, ERR_LIMIT, "the request is longer than %zu bytes", CTL_MAX_LINE);
	return 0;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static int refused(const json_t *error, struct err *e)
{
	const char *reason = text_of(json_object_get(error, "data"), "reason");
	bool denied = strcmp(reason, ctlspec_reason_name(CTL_DENIED)) == 0;

	return err_set(e, denied ? ERR_DENIED : ERR_LIMIT, "the daemon refuses: %s",
		       text_of(error, "message"));
}

/* Checks the hello and keeps what it says. */
static int take_hello(struct ctlclient *c, json_t *msg, struct err *e)
{
	const json_t *params = json_object_get(msg, "params");
	const json_t *refusal = json_object_get(msg, "error");
	json_int_t major = json_integer_value(json_object_get(params, "major"));

	if (refusal)
		return refused(refusal, e);
	if (strcmp(text_of(msg, "method"), "hello") != 0 ||
	    strcmp(text_of(params, "service"), CTL_SERVICE) != 0)
		return err_set(e, ERR_PROTOCOL, "no %s answers there: wrong socket?", CTL_SERVICE);
	if (major != CTL_MAJOR)
		return err_set(e, ERR_PROTOCOL,
			       "the daemon speaks version %d of the control protocol, not %d: "
			       "mixed old and new binaries?",
			       (int)major, CTL_MAJOR);
	c->minor = (int)json_integer_value(json_object_get(params, "minor"));
	c->level = ctlspec_level_parse(text_of(params, "level"));
	c->wants_key = json_is_true(json_object_get(params, "key"));
	strncpy(c->version, text_of(params, "version"), sizeof c->version - 1);
	return 0;
}

static int read_hello(struct ctlclient *c, struct limits *l, struct err *e)
{
	json_t *msg;
	int rc = next_message(c, l, &msg, e);

	if (rc == ERR_PROTOCOL)
		return err_set(e, rc, "no %s answers there: wrong socket?", CTL_SERVICE);
	if (rc == 0)
		rc = take_hello(c, msg, e);
	json_decref(msg);
	return rc;
}

struct ctlclient *ctlclient_attach(int fd_take, int timeout_ms, struct err *e)
{
	struct ctlclient *c = calloc(1, sizeof *c);
	struct limits l = limits_new(timeout_ms, -1);
	int flags = fcntl(fd_take, F_GETFL);
	struct err own;

	if (!e)
		e = &own;
	if (!c) {
		close(fd_take);
		err_set(e, ERR_NOMEM, "out of memory");
		return NULL;
	}
	c->fd = fd_take;
	c->in = evbuffer_new();
	c->out = evbuffer_new();
	lines_init(&c->lines, MAX_ANSWER);
	if (!c->in || !c->out)
		err_set(e, ERR_NOMEM, "out of memory");
	else if (flags < 0 || fcntl(c->fd, F_SETFL, flags | O_NONBLOCK) < 0)
		err_errno(e, "fcntl");
	else if (read_hello(c, &l, e) == 0)
		return c;
	ctlclient_close(&c);
	return NULL;
}

/* Connects FD. A daemon whose queue of connections is full is waited for. */
static int connect_to(int fd, const char *path, int timeout_ms, struct err *e)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct timeval tv = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};

	memcpy(sa.sun_path, path, strlen(path) + 1);
	if (timeout_ms > 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
	if (connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0)
		return 0;
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
	case ECONNREFUSED:
		err_errno(e, "no daemon listens on %s", path);
		return e->code = ERR_NOTFOUND;
	case EACCES:
	case EPERM:
		err_errno(e, "%s may not be opened", path);
		return e->code = ERR_DENIED;
	case EAGAIN:
		return err_set(e, ERR_TIMEOUT, "the daemon on %s takes no connection", path);
	}
	return err_errno(e, "%s", path);
}

/* Reads the key at PATH, which a daemon of this user has written for this user alone. */
static int read_key(const char *path, char key[KEY_SIZE], struct err *e)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0) {
		err_errno(e, "the key of the control socket could not be read: %s", path);
		if (fd >= 0)
			close(fd);
		return e->code = ERR_DENIED;
	}
	/* The key in a file of another user must not be sent to an unknown listener. */
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 077) {
		close(fd);
		return err_set(e, ERR_DENIED, "%s is not the key of a daemon of this user", path);
	}
	n = read(fd, key, KEY_SIZE - 1);
	close(fd);
	key[n > 0 ? n : 0] = '\0';
	key[strcspn(key, "\n")] = '\0';
	return 0;
}

/* Shows the key that lies beside the socket at PATH, where the daemon wants to see one. */
static int authenticate(struct ctlclient *c, const char *path, int timeout_ms, struct err *e)
{
	char file[PATH_MAX], key[KEY_SIZE];
	struct ctlclient_call call = {
		.method = CTL_AUTHENTICATE, .timeout_ms = timeout_ms, .wake_fd = -1};
	json_t *answer = NULL;
	const json_t *error;
	int rc;

	if (!c->wants_key || ctlclient_peer_uid(c) != geteuid())
		return 0;
	if (paths_control_key(path, file, sizeof file) < 0)
		return err_set(e, ERR_INVALID, "%s: the path is too long", path);
	rc = read_key(file, key, e);
	if (rc < 0)
		return rc;
	call.params = json_pack("{s:s}", "key", key);
	explicit_bzero(key, sizeof key);
	rc = call.params ? ctlclient_call(c, &call, &answer, e)
			 : err_set(e, ERR_DENIED, "%s is not the key of a control socket", file);
	error = json_object_get(answer, "error");
	if (rc == 0 && error)
		rc = refused(error, e);
	else if (rc == 0)
		c->level = ctlspec_level_parse(text_of(json_object_get(answer, "result"), "level"));
	json_decref(call.params);
	json_decref(answer);
	return rc;
}

struct ctlclient *ctlclient_open(const char *path, int timeout_ms, struct err *e)
{
	struct ctlclient *c;
	struct err own;
	int fd;

	if (!e)
		e = &own;
	if (strlen(path) >= sizeof((struct sockaddr_un *)0)->sun_path) {
		err_set(e, ERR_INVALID, "%s: too long for the path of a socket", path);
		return NULL;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		err_errno(e, "socket");
		return NULL;
	}
	if (connect_to(fd, path, timeout_ms, e) < 0) {
		close(fd);
		return NULL;
	}
	c = ctlclient_attach(fd, timeout_ms, e);
	if (c && authenticate(c, path, timeout_ms, e) < 0)
		ctlclient_close(&c);
	return c;
}

void ctlclient_close(struct ctlclient **cp)
{
	struct ctlclient *c = *cp;

	*cp = NULL;
	if (!c)
		return;
	close(c->fd);
	if (c->in)
		evbuffer_free(c->in);
	if (c->out)
		evbuffer_free(c->out);
	free(c);
}

const char *ctlclient_version(const struct ctlclient *c)
{
	return c->version;
}

int ctlclient_minor(const struct ctlclient *c)
{
	return c->minor;
}

enum ctl_level ctlclient_level(const struct ctlclient *c)
{
	return c->level;
}

uid_t ctlclient_peer_uid(const struct ctlclient *c)
{
	struct ucred cred;
	socklen_t len = sizeof cred;

	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return (uid_t)-1;
	return cred.uid;
}

bool ctlclient_alive(struct ctlclient *c)
{
	struct pollfd pfd = {.fd = c->fd, .events = POLLIN};
	struct err e;

	/* What is there may be a late answer, with the end behind it. */
	while (poll(&pfd, 1, 0) > 0) {
		if (transfer(c, pfd.revents, &e) < 0)
			return false;
	}
	return true;
}

/* Asks the daemon to give up the request with this id. */
static int send_cancel(struct ctlclient *c, json_int_t id, struct err *e)
{
	return send_message(c, jsonrpc_notification("cancel", json_pack("{s:I}", "id", id)), e);
}

/* A call on its way. */
struct pending {
	const struct ctlclient_call *call;
	json_int_t id;
	bool cancelled;
};

static int cancel(struct ctlclient *c, struct pending *p, struct err *e)
{
	if (p->cancelled)
		return 0;
	p->cancelled = true;
	return send_cancel(c, p->id, e);
}

/* Looks at one message. 1: it is the answer; 0: it is not. */
static int take_message(struct ctlclient *c, struct pending *p, json_t *msg, struct err *e)
{
	json_t *params = json_object_get(msg, "params");
	const json_t *about = json_object_get(params ? params : msg, "id");
	const json_t *error = json_object_get(msg, "error");

	if (error && !json_is_integer(about))
		return err_set(e, ERR_PROTOCOL, "the daemon did not understand: %s",
			       text_of(error, "message"));
	if (!json_is_integer(about) || json_integer_value(about) != p->id)
		return 0; /* of a request that was given up */
	if (!params)
		return 1;
	if (strcmp(text_of(msg, "method"), "row") != 0 || !p->call->row || p->cancelled)
		return 0;
	return p->call->row(json_object_get(params, "row"), p->call->arg) ? 0 : cancel(c, p, e);
}

/* Reads up to the answer. */
static int wait_answer(struct ctlclient *c, struct pending *p, json_t **answer_r, struct err *e)
{
	struct limits l = limits_new(p->call->timeout_ms, p->call->wake_fd);
	json_t *msg;
	int rc;

	do {
		rc = next_message(c, &l, &msg, e);
		if (rc == 0 && msg) {
			rc = take_message(c, p, msg, e);
			if (rc != 1)
				json_decref(msg);
		} else if (rc == 0) {
			/* The call is to end: cancel it at first. */
			l.woken = false;
			rc = p->cancelled ? err_set(e, ERR_CLOSED, "interrupted") : cancel(c, p, e);
		}
	} while (rc == 0);
	if (rc == 1)
		*answer_r = msg;
	return rc == 1 ? 0 : rc;
}

int ctlclient_call(struct ctlclient *c, const struct ctlclient_call *call, json_t **answer_r,
		   struct err *e)
{
	struct pending p = {.call = call, .id = ++c->last_id};
	json_t *json_id = json_integer(p.id);
	enum jsonrpc_kind kind;
	struct err own;
	int rc;

	*answer_r = NULL;
	if (!e)
		e = &own;
	rc = send_message(c, jsonrpc_request(json_id, call->method, json_incref(call->params)), e);
	json_decref(json_id);
	if (rc == 0)
		rc = wait_answer(c, &p, answer_r, e);
	if (rc == ERR_TIMEOUT && cancel(c, &p, NULL) == 0)
		transfer(c, POLLOUT, NULL);
	if (rc == 0 && jsonrpc_classify(*answer_r, &kind, e) < 0) {
		json_decref(*answer_r);
		*answer_r = NULL;
		return e->code = ERR_PROTOCOL;
	}
	return rc;
}

int ctlclient_wait_end(struct ctlclient *c, int timeout_ms, int wake_fd, struct err *e)
{
	struct limits l = limits_new(timeout_ms, wake_fd);
	struct err own;
	int rc;

	if (!e)
		e = &own;
	do {
		rc = wait_io(c, &l, e);
		evbuffer_drain(c->in, evbuffer_get_length(c->in));
	} while (rc == 0 && !l.woken);
	if (rc == 0)
		return err_set(e, ERR_CLOSED, "interrupted");
	return rc == ERR_CLOSED ? 0 : rc;
}
