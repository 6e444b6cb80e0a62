/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "control/control_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/paths.h"

static int fill(int fd, const struct control_key *k)
{
	char text[DIGEST_HEX_SIZE];

	digest_hex(k->key, text);
	text[DIGEST_HEX_SIZE - 1] = '\n';
	return write(fd, text, sizeof text) == (ssize_t)sizeof text ? 0 : -1;
}

/* The file under a name of its own, which takes the place of what an earlier daemon left. */
static int write_file(struct control_key *k, const char *new, struct err *e)
{
	struct stat st = {0};
	int fd, rc = 0;

	if (unlink(new) < 0 && errno != ENOENT)
		return err_errno(e, "%s could not be removed", new);
	fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(e, "%s could not be made", new);
	/* The umask may have taken something away. */
	if (fchmod(fd, 0600) < 0 || fstat(fd, &st) < 0 || fill(fd, k) < 0)
		rc = err_errno(e, "%s could not be written", new);
	close(fd);
	if (rc == 0 && rename(new, k->path) < 0)
		rc = err_errno(e, "the key of the control socket could not be written to %s",
			       k->path);
	if (rc < 0) {
		unlink(new);
		return rc;
	}
	k->dev = st.st_dev;
	k->ino = st.st_ino;
	return 0;
}

/* Whether PATH is free for a key, or has one of an earlier daemon of this user: a file that happens
 * to have this name is not replaced. */
static int check_old(const char *path, struct err *e)
{
	char text[DIGEST_HEX_SIZE + 1] = "";
	unsigned char key[DIGEST_SIZE];
	struct stat st;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;
	bool is_key;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return err_errno(e, "%s", path);
	n = read(fd, text, sizeof text);
	is_key = n == DIGEST_HEX_SIZE && text[DIGEST_HEX_SIZE - 1] == '\n' && fstat(fd, &st) == 0 &&
		 S_ISREG(st.st_mode) && st.st_uid == geteuid();
	close(fd);
	text[DIGEST_HEX_SIZE - 1] = '\0';
	if (!is_key || !digest_parse(text, key))
		return err_set(e, ERR_EXISTS, "%s is there and is no key of a control socket",
			       path);
	return 0;
}

int control_key_write(struct control_key *k, const char *socket, struct err *e)
{
	char new[PATH_MAX];
	int rc;

	*k = (struct control_key){.ino = 0};
	if (paths_control_key(socket, k->path, sizeof k->path) < 0 ||
	    snprintf(new, sizeof new, "%s.new", k->path) >= (int)sizeof new)
		return err_set(e, ERR_LIMIT, "%s: the path is too long", socket);
	if (getrandom(k->key, sizeof k->key, 0) != (ssize_t)sizeof k->key)
		return err_errno(e, "no random bytes for the key of the control socket");
	rc = check_old(k->path, e);
	return rc < 0 ? rc : write_file(k, new, e);
}

bool control_key_is(const struct control_key *k, const char *hex)
{
	unsigned char key[DIGEST_SIZE];

	return k->ino != 0 && hex && digest_parse(hex, key) && digest_equal(key, k->key);
}

void control_key_remove(struct control_key *k)
{
	struct stat st;

	if (k->ino != 0 && lstat(k->path, &st) == 0 && st.st_dev == k->dev && st.st_ino == k->ino)
		unlink(k->path);
	k->ino = 0;
	explicit_bzero(k->key, sizeof k->key);
}
