/* SPDX-License-Identifier: ISC */
/* sandbox_judge.c: whether a folder can be hidden without hiding files that children need. */
#include "autoconf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process/sandbox_impl.h"

/* What is found out about one folder. */
struct trial {
	const struct sandbox_setting *setting;
	const struct sandbox_place *place;
	int fd;	    /* of the folder, O_PATH */
	char *path; /* without symbolic links */
	char *reason;
	size_t size;
};

char *sandbox_folder(const struct sandbox_place *place)
{
	char *dir, *slash, *real;

	if (place->folder)
		return realpath(place->path, NULL);
	dir = strdup(place->path);
	if (!dir)
		return NULL;
	slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir ? 1 : 0] = '\0';
	real = realpath(slash != NULL ? dir : ".", NULL);
	free(dir);
	return real;
}

/* Whether PATH is FOLDER or lies in it. */
static bool lies_in(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/* Something that servers need and that lies in the folder; NULL without. */
static const char *find_used(const struct trial *t)
{
	for (const char *const *used = t->setting->used; used != NULL && *used; used++) {
		char *real = realpath(*used, NULL);
		bool found = lies_in(real != NULL ? real : *used, t->path);

		free(real);
		if (found)
			return *used;
	}
	return NULL;
}

/* Whether servers may be expected to create something in the folder of ST. / does not count:
 * commands and daemons work in it without creating anything. */
static bool is_used(const struct trial *t, const struct stat *st)
{
	struct stat other;

	for (const char *const *used = t->setting->used; used != NULL && *used; used++)
		if (strcmp(*used, "/") != 0 && stat(*used, &other) == 0 &&
		    other.st_dev == st->st_dev && other.st_ino == st->st_ino)
			return true;
	return false;
}

/* Whether NAME in the folder is another folder of the daemon's. */
static bool is_place(const struct trial *t, const char *name)
{
	bool found = false;

	for (size_t i = 0; !found && i < t->setting->n_places; i++) {
		char *real = sandbox_folder(&t->setting->places[i]);
		const char *slash = real ? strrchr(real, '/') : NULL;

		found = slash && strcmp(slash + 1, name) == 0 && lies_in(real, t->path);
		free(real);
	}
	return found;
}

/* A folder in the folder that is not the daemon's; "" without one. */
static void find_stranger(const struct trial *t, char *name_r, size_t size)
{
	int fd = openat(t->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	struct stat st;

	name_r[0] = '\0';
	if (!dir && fd >= 0)
		close(fd);
	while (name_r[0] == '\0' && dir && (entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
		    fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISDIR(st.st_mode) && !is_place(t, name))
			snprintf(name_r, size, "%.100s", name);
	}
	if (dir)
		closedir(dir);
}

static const char *say(struct trial *t, const char *text, const char *what)
{
	snprintf(t->reason, t->size, "%s %s", text, what);
	return t->reason;
}

static const char *judge_folder(struct trial *t, const struct stat *st)
{
	const char *used = find_used(t);
	char stranger[120] = "";

	if (strcmp(t->path, "/") == 0)
		return "it is the root";
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return "its owner is neither root nor mcpd's user";
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return "others may write to it";
	if (used)
		return say(t, "servers need", used);
	if (!t->place->folder)
		find_stranger(t, stranger, sizeof stranger);
	return stranger[0] != '\0' ? say(t, "there is another folder in it:", stranger) : NULL;
}

/* One folder on the way from the root. FD is -1 where it cannot be listed. */
static const char *judge_ancestor(struct trial *t, int fd, const struct stat *st)
{
	char link[40], path[200] = "a folder above it";
	ssize_t n;

	if (fd < 0)
		return "a folder above it cannot be listed";
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof path - 1);
	if (n > 0)
		path[n] = '\0';
	if ((st->st_mode & S_IWOTH) != 0)
		return say(t, "everybody may create files in", path);
	if (is_used(t, st) && faccessat(fd, ".", W_OK, AT_EACCESS) == 0)
		return say(t, "servers may create files in", path);
	return NULL;
}

static const char *judge_ancestors(struct trial *t, const struct stat *st)
{
	struct stat last = *st, now;
	const char *why = NULL;
	int at = t->fd;

	while (!why) {
		int fd = openat(at, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (at != t->fd)
			close(at);
		at = fd;
		if (fd >= 0 && fstat(fd, &now) < 0)
			return "a folder above it cannot be listed";
		if (fd >= 0 && now.st_dev == last.st_dev && now.st_ino == last.st_ino)
			break;
		why = judge_ancestor(t, fd, &now);
		last = now;
	}
	if (at >= 0 && at != t->fd)
		close(at);
	return why;
}

const char *sandbox_judge(const struct sandbox_setting *setting, const struct sandbox_place *place,
			  struct hidden *h_r, char *reason, size_t size)
{
	struct trial t = {
		.setting = setting, .place = place, .fd = -1, .reason = reason, .size = size};
	const char *why = "";
	struct stat st;

	t.path = sandbox_folder(place);
	if (t.path)
		t.fd = open(t.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (t.fd >= 0 && fstat(t.fd, &st) == 0) {
		why = judge_folder(&t, &st);
		if (!why)
			why = judge_ancestors(&t, &st);
	}
	if (!why) {
		*h_r = (struct hidden){
			.fd = t.fd, .dev = st.st_dev, .ino = st.st_ino, .path = t.path};
		return NULL;
	}
	if (t.fd >= 0)
		close(t.fd);
	free(t.path);
	return why;
}
