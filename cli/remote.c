/* SPDX-License-Identifier: ISC */
#include "cli/remote.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/paths.h"

#define CONNECT_TIMEOUT_MS 5000

struct remote {
	char *given;	     /* the path that was asked for; NULL: look for it */
	char path[PATH_MAX]; /* the one in use */
	struct ctlclient *client;
	int timeout_ms;
	int wake_fd;
	bool lost; /* there was a connection before */
};

struct remote *remote_new(const char *path)
{
	struct remote *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->wake_fd = -1;
	if (!path)
		path = getenv("MCPD_SOCKET");
	if (path && *path && remote_set_path(r, path) < 0)
		remote_free(&r);
	return r;
}

void remote_free(struct remote **rp)
{
	struct remote *r = *rp;

	*rp = NULL;
	if (!r)
		return;
	ctlclient_close(&r->client);
	free(r->given);
	free(r);
}

void remote_set_timeout(struct remote *r, int timeout_ms)
{
	r->timeout_ms = timeout_ms;
}

void remote_set_wake_fd(struct remote *r, int fd)
{
	r->wake_fd = fd;
}

int remote_set_path(struct remote *r, const char *path)
{
	char *copy = strdup(path);

	if (!copy)
		return ERR_NOMEM;
	ctlclient_close(&r->client);
	free(r->given);
	r->given = copy;
	return 0;
}

const char *remote_path(const struct remote *r)
{
	return r->path;
}

static int open_at(struct remote *r, const char *path, struct err *e)
{
	int limit = r->timeout_ms > 0 && r->timeout_ms < CONNECT_TIMEOUT_MS ? r->timeout_ms
									    : CONNECT_TIMEOUT_MS;

	if (strlen(path) >= sizeof r->path)
		return err_set(e, ERR_INVALID, "the path of the socket is too long");
	if (path != r->path)
		strcpy(r->path, path);
	r->client = ctlclient_open(path, limit, e);
	return r->client ? 0 : e->code;
}

/* In /tmp anybody may have been first. */
static int check_owner(struct remote *r, struct err *e)
{
	uid_t uid = ctlclient_peer_uid(r->client);

	if (strncmp(r->path, "/tmp/", 5) != 0 || uid == geteuid() || uid == 0)
		return 0;
	ctlclient_close(&r->client);
	return err_set(e, ERR_DENIED, "%s belongs to user %u: not trusted unless named with -s",
		       r->path, (unsigned)uid);
}

/* The user's own daemon, or else the system's. */
static int open_default(struct remote *r, struct err *e)
{
	static const char system_path[] = RUNSTATEDIR "/mcpd/control.sock";
	char own[PATH_MAX];
	struct err second;
	int rc = paths_control_default(own, sizeof own);

	if (rc < 0)
		return err_set(e, ERR_INVALID, "the path of the socket is too long");
	rc = open_at(r, own, e);
	if (rc == 0)
		return check_owner(r, e);
	if (rc != ERR_NOTFOUND || strcmp(own, system_path) == 0)
		return rc;
	rc = open_at(r, system_path, &second);
	if (rc == ERR_NOTFOUND)
		return err_set(e, rc, "no daemon listens on %s or %s", own, system_path);
	if (rc < 0)
		*e = second;
	return rc;
}

int remote_connect(struct remote *r, bool *again_r, struct err *e)
{
	int rc;

	if (again_r)
		*again_r = false;
	if (r->client && ctlclient_alive(r->client))
		return 0;
	ctlclient_close(&r->client);
	rc = r->given ? open_at(r, r->given, e) : open_default(r, e);
	if (rc == 0 && again_r)
		*again_r = r->lost;
	if (rc == 0)
		r->lost = true;
	return rc;
}

const char *remote_version(const struct remote *r)
{
	return r->client ? ctlclient_version(r->client) : NULL;
}

enum ctl_level remote_level(const struct remote *r)
{
	return r->client ? ctlclient_level(r->client) : CTL_NOBODY;
}

int remote_minor(const struct remote *r)
{
	return r->client ? ctlclient_minor(r->client) : 0;
}

int remote_call(struct remote *r, const struct ctl_command *c, json_t *params,
		bool (*row)(json_t *row, void *arg), void *arg, json_t **answer_r, struct err *e)
{
	char method[64];
	struct ctlclient_call call = {
		.method = ctlspec_method(c, method, sizeof method),
		.params = params,
		.timeout_ms = c->flags & CTL_SLOW ? CTLCLIENT_FOREVER : REMOTE_TIMEOUT_MS,
		.wake_fd = r->wake_fd,
		.row = row,
		.arg = arg,
	};
	int rc;

	if (r->timeout_ms > 0)
		call.timeout_ms = r->timeout_ms;
	rc = ctlclient_call(r->client, &call, answer_r, e);
	if (rc < 0 && rc != ERR_TIMEOUT)
		ctlclient_close(&r->client);
	return rc;
}

int remote_wait_end(struct remote *r, struct err *e)
{
	int rc = ctlclient_wait_end(
		r->client, r->timeout_ms > 0 ? r->timeout_ms : CTLCLIENT_FOREVER, r->wake_fd, e);

	ctlclient_close(&r->client);
	return rc;
}
