/* SPDX-License-Identifier: ISC */
/* sandbox_hide.c: the first layer, which allows everything but the hidden folders. */
#include "autoconf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "process/sandbox_impl.h"

/* A folder that changed less than this ago may change once more without a new time stamp. */
#define SETTLED_S 2
/* Who can remove a file or link another one to its name can put a file of his own in its place. */
#define FS_HIDE                                                                                    \
	(FS_READ_FILE | FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_SYM | FS_REFER |  \
	 FS_TRUNCATE)

void sandbox_forget_ancestors(struct sandbox *s)
{
	while (s->n_ancestors > 0)
		close(s->ancestors[--s->n_ancestors].fd);
}

static bool is_ancestor(const struct sandbox *s, const struct stat *st)
{
	for (size_t i = 0; i < s->n_ancestors; i++)
		if (s->ancestors[i].st.st_dev == st->st_dev &&
		    s->ancestors[i].st.st_ino == st->st_ino)
			return true;
	return false;
}

static bool is_hidden(const struct sandbox *s, const struct stat *st)
{
	for (size_t i = 0; i < s->n_hidden; i++)
		if (s->hidden[i].dev == st->st_dev && s->hidden[i].ino == st->st_ino)
			return true;
	return false;
}

/* Adds what stands above H, up to / or to what is known already. 0, or -1 with errno. */
static int climb(struct sandbox *s, const struct hidden *h)
{
	struct stat last = {.st_dev = h->dev, .st_ino = h->ino}, st;
	size_t before = s->n_ancestors;
	int at = h->fd, fd;

	for (;;) {
		fd = openat(at, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &st) < 0 || s->n_ancestors == MAX_ANCESTORS) {
			if (fd >= 0)
				close(fd);
			return -1;
		}
		if (is_ancestor(s, &st) || is_hidden(s, &st) ||
		    (st.st_dev == last.st_dev && st.st_ino == last.st_ino))
			break;
		s->ancestors[s->n_ancestors++] = (struct ancestor){.fd = fd, .st = st};
		last = st;
		at = fd;
	}
	close(fd);
	/* Inside another hidden folder: nothing on the way from there is to be opened. */
	while (is_hidden(s, &st) && s->n_ancestors > before)
		close(s->ancestors[--s->n_ancestors].fd);
	return 0;
}

/* Opens one entry of an ancestor to children, unless it is hidden or an ancestor too. What is gone
 * is left out. */
static int allow_entry(struct sandbox *s, int ruleset, int dir, const char *name)
{
	int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), rc = 0;
	struct stat st;

	if (fd < 0)
		return errno == ENOENT || errno == EACCES ? 0 : -1;
	if (fstat(fd, &st) < 0)
		rc = -1;
	else if (!S_ISLNK(st.st_mode) && !is_hidden(s, &st) && !is_ancestor(s, &st))
		rc = landlock_allow(ruleset, fd, st.st_mode, FS_HIDE);
	close(fd);
	return rc;
}

static int allow_entries(struct sandbox *s, int ruleset, int folder)
{
	/* Not a duplicate of FOLDER: those share the place at which they read. */
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while (rc == 0 && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			rc = allow_entry(s, ruleset, dirfd(dir), entry->d_name);
	closedir(dir);
	return rc;
}

static int allow_all(int ruleset)
{
	int fd = open("/", O_PATH | O_CLOEXEC);
	int rc = fd >= 0 ? landlock_allow(ruleset, fd, S_IFDIR, FS_HIDE) : -1;

	if (fd >= 0)
		close(fd);
	return rc;
}

static int fill_first(struct sandbox *s, int ruleset)
{
	int rc = 0;

	if (s->n_hidden == 0)
		return allow_all(ruleset);
	for (size_t i = 0; rc == 0 && i < s->n_hidden; i++)
		rc = climb(s, &s->hidden[i]);
	for (size_t i = 0; rc == 0 && i < s->n_ancestors; i++)
		rc = allow_entries(s, ruleset, s->ancestors[i].fd);
	return rc;
}

/* Whether the mounts are others than at the last call. */
static bool mounts_changed(const struct sandbox *s)
{
	struct pollfd pfd = {.fd = s->mounts, .events = POLLPRI};

	return s->mounts >= 0 && poll(&pfd, 1, 0) > 0;
}

/* Whether the first layer is as it would be made now. */
static bool is_current(const struct sandbox *s)
{
	struct stat st;

	if (s->layer < 0 || mounts_changed(s) || !s->settled)
		return false;
	for (size_t i = 0; i < s->n_ancestors; i++) {
		const struct stat *was = &s->ancestors[i].st;

		if (fstat(s->ancestors[i].fd, &st) < 0 ||
		    memcmp(&st.st_mtim, &was->st_mtim, sizeof st.st_mtim) != 0)
			return false;
	}
	return true;
}

static bool is_settled(const struct sandbox *s)
{
	time_t now = time(NULL);

	for (size_t i = 0; i < s->n_ancestors; i++)
		if (now - s->ancestors[i].st.st_mtim.tv_sec < SETTLED_S)
			return false;
	return true;
}

int sandbox_first_layer(struct sandbox *s, struct err *e)
{
	int ruleset;

	if (is_current(s))
		return 0;
	sandbox_forget_ancestors(s);
	mounts_changed(s); /* what came before this is seen below */
	ruleset = landlock_ruleset(FS_HIDE, 0, 0);
	if (ruleset < 0 || fill_first(s, ruleset) < 0) {
		err_errno(e, "the daemon's files cannot be hidden from it (landlock)");
		if (ruleset >= 0)
			close(ruleset);
		return ERR_IO;
	}
	if (s->layer >= 0)
		close(s->layer);
	s->layer = ruleset;
	s->settled = is_settled(s);
	s->builds++;
	return 0;
}
