/* SPDX-License-Identifier: ISC */
#include "control/control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 128

/* Writes the directory part of PATH. */
static void directory_of(const char *path, char *buf, size_t size)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	if (!slash)
		snprintf(buf, size, ".");
	else
		snprintf(buf, size, "%.*s", len > 0 ? (int)len : 1, path);
}

/* Whether everybody may make files in DIR (/tmp): what one finds there may be anybody's. */
static bool is_public(const char *dir)
{
	struct stat st;

	return stat(dir, &st) == 0 && st.st_mode & S_IWOTH;
}

/* A directory in a public place must be ours, or another user could put a socket into it. */
static int check_directory(const char *dir, bool in_public, struct err *e)
{
	struct stat st;

	if (lstat(dir, &st) < 0)
		return err_errno(e, "%s", dir);
	if (in_public && (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 022))
		return err_set(e, ERR_DENIED,
			       "%s must be a directory of this user that nobody else can write to",
			       dir);
	if (S_ISDIR(st.st_mode) && st.st_mode & S_IWOTH && !(st.st_mode & S_ISVTX))
		return err_set(e, ERR_DENIED, "%s can be written to by everybody", dir);
	return 0;
}

/* Makes DIR where it is missing and its parent is there. */
static int make_directory(const char *dir, struct err *e)
{
	char parent[sizeof((struct control_socket *)0)->path];
	mode_t old = umask(022);
	bool in_public;
	int rc;

	directory_of(dir, parent, sizeof parent);
	in_public = strcmp(dir, "/") != 0 && strcmp(dir, ".") != 0 && is_public(parent);
	rc = mkdir(dir, in_public ? 0700 : 0755);
	umask(old);
	/* On a read-only file system it may still be there. */
	if (rc < 0 && errno != EEXIST && access(dir, F_OK) < 0)
		return err_errno(e, "%s could not be made", dir);
	return check_directory(dir, in_public, e);
}

/* Whether a daemon listens on SA. Never waits: a full queue of connections is an answer too. */
static bool is_alive(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool alive;

	if (fd < 0)
		return true; /* not known: then nothing is replaced */
	alive = connect(fd, (const struct sockaddr *)sa, sizeof *sa) == 0 ||
		(errno != ECONNREFUSED && errno != ENOENT);
	close(fd);
	return alive;
}

/* Clears the way for a new socket. */
static int remove_stale(const struct sockaddr_un *sa, struct err *e)
{
	struct stat st;

	if (lstat(sa->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : err_errno(e, "%s", sa->sun_path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_EXISTS, "%s is there and is no socket", sa->sun_path);
	if (is_alive(sa))
		return err_set(e, ERR_EXISTS, "another daemon listens on %s", sa->sun_path);
	if (unlink(sa->sun_path) < 0 && errno != ENOENT)
		return err_errno(e, "the stale socket %s could not be removed", sa->sun_path);
	return 0;
}

/* The id of GROUP; (gid_t)-1 for NULL. */
static int find_group(const char *group, gid_t *gid_r, struct err *e)
{
	const struct group *gr = group ? getgrnam(group) : NULL;
	char *end = NULL;
	unsigned long number = group ? strtoul(group, &end, 10) : 0;

	*gid_r = (gid_t)-1;
	if (gr)
		*gid_r = gr->gr_gid;
	else if (group && (end == group || *end != '\0'))
		return err_set(e, ERR_NOTFOUND, "there is no group \"%s\"", group);
	else if (group)
		*gid_r = (gid_t)number;
	return 0;
}

/* Binds under a tight umask, so that there is no moment in which others could connect. */
static int bind_and_listen(struct control_socket *s, const struct sockaddr_un *sa, mode_t mode,
			   gid_t gid, struct err *e)
{
	mode_t old = umask(0177);
	int rc = bind(s->fd, (const struct sockaddr *)sa, sizeof *sa);
	struct stat st;

	umask(old);
	if (rc < 0)
		return err_errno(e, "%s", s->path);
	if (lstat(s->path, &st) < 0)
		return err_errno(e, "%s", s->path);
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	if (gid != (gid_t)-1 && chown(s->path, (uid_t)-1, gid) < 0)
		return err_errno(e, "the group of %s could not be set", s->path);
	if (chmod(s->path, mode) < 0)
		return err_errno(e, "the mode of %s could not be set", s->path);
	if (listen(s->fd, BACKLOG) < 0)
		return err_errno(e, "listen on %s", s->path);
	return 0;
}

/* Two daemons that start at the same time would each take the other's socket for a stale one: the
 * lock lets one of them through. */
static int lock_directory(const char *dir, struct err *e)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(e, "%s", dir);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			err_set(e, ERR_EXISTS, "another daemon is starting in %s", dir);
		else
			err_errno(e, "%s could not be locked", dir);
		close(fd);
		return e ? e->code : ERR_IO;
	}
	return fd;
}

int control_socket_open(struct control_socket *s, const char *path, mode_t mode, const char *group,
			struct err *e)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	char dir[sizeof s->path];
	gid_t gid;
	int lock, rc;

	*s = (struct control_socket){.fd = -1};
	if (strlen(path) >= sizeof sa.sun_path)
		return err_set(e, ERR_LIMIT,
			       "%s: the path of a socket may have %zu bytes, this one has %zu",
			       path, sizeof sa.sun_path - 1, strlen(path));
	strcpy(sa.sun_path, path);
	strcpy(s->path, path);
	directory_of(path, dir, sizeof dir);
	rc = find_group(group, &gid, e);
	if (rc == 0)
		rc = make_directory(dir, e);
	if (rc < 0)
		return rc;
	lock = lock_directory(dir, e);
	if (lock < 0)
		return lock;
	rc = remove_stale(&sa, e);
	if (rc == 0)
		rc = control_key_write(&s->key, path, e);
	if (rc == 0) {
		s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		rc = s->fd < 0 ? err_errno(e, "socket") : bind_and_listen(s, &sa, mode, gid, e);
	}
	close(lock);
	if (rc < 0)
		control_socket_close(s);
	return rc;
}

void control_socket_close(struct control_socket *s)
{
	struct stat st;

	if (s->ino != 0 && lstat(s->path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    st.st_dev == s->dev && st.st_ino == s->ino)
		unlink(s->path);
	control_key_remove(&s->key);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->ino = 0;
}
