/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "base/procinfo.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/err.h"

#define LIST_MAX (1u << 20) /* bytes of a list of children */

char *procinfo_slurp(const char *path, size_t max, size_t *len_r)
{
	size_t len = 0, size = 4096;
	char *buf = malloc(size), *bigger;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	while (fd >= 0 && buf && (n = read(fd, buf + len, size - len - 1)) > 0) {
		len += (size_t)n;
		if (size - len > 1)
			continue;
		if (size >= max || !(bigger = realloc(buf, size * 2)))
			break;
		buf = bigger;
		size *= 2;
	}
	if (fd >= 0)
		close(fd);
	if (fd < 0 || !buf || n < 0) {
		free(buf);
		return NULL;
	}
	buf[len] = '\0';
	*len_r = len;
	return buf;
}

/* The second field of the file is a name in parentheses, which may hold anything. */
static int parse_stat(const char *text, pid_t pid, struct procinfo *p_r)
{
	const char *name = strchr(text, '('), *p = strrchr(text, ')');
	int parent, group;

	*p_r = (struct procinfo){.id = {.pid = pid}};
	/* Fields 3 to 5, and the start time in field 22. */
	if (!p || sscanf(p + 1,
			 " %c %d %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			 "%*s %*s %llu",
			 &p_r->state, &parent, &group, &p_r->id.start) != 4)
		return ERR_IO;
	p_r->parent = parent;
	p_r->group = group;
	if (name && name < p)
		snprintf(p_r->name, sizeof p_r->name, "%.*s", (int)(p - name - 1), name + 1);
	return 0;
}

int procinfo_read(pid_t pid, struct procinfo *p_r)
{
	char path[64], text[1024];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		if (errno != ENOENT && errno != EACCES && errno != EPERM)
			return ERR_IO;
		return kill(pid, 0) < 0 && errno == ESRCH ? ERR_NOTFOUND : ERR_DENIED;
	}
	n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n <= 0)
		return ERR_NOTFOUND; /* ESRCH: it ended just now */
	text[n] = '\0';
	return parse_stat(text, pid, p_r);
}

bool proclist_has(const struct proclist *l, pid_t pid)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].pid == pid)
			return true;
	return false;
}

bool proclist_add(struct proclist *l, const struct procid *id)
{
	size_t size = l->size > 0 ? 2 * l->size : 16;
	struct procid *v;

	if (proclist_has(l, id->pid))
		return false;
	if (l->n == l->size) {
		v = realloc(l->v, size * sizeof *v);
		if (!v)
			return false;
		l->v = v;
		l->size = size;
	}
	l->v[l->n++] = *id;
	return true;
}

static size_t add_child(pid_t pid, pid_t parent, struct proclist *l)
{
	struct procinfo p;

	return procinfo_read(pid, &p) == 0 && p.parent == parent && proclist_add(l, &p.id);
}

/* The children of one thread. -1 where the kernel does not list them (CONFIG_PROC_CHILDREN). */
static int thread_children(pid_t pid, const char *thread, struct proclist *l, size_t *n)
{
	char path[96], *list, *next;
	size_t len;

	snprintf(path, sizeof path, "/proc/%d/task/%.20s/children", (int)pid, thread);
	list = procinfo_slurp(path, LIST_MAX, &len);
	if (!list)
		return access(path, F_OK) < 0 && errno == ENOENT ? -1 : 0;
	for (char *p = list;; p = next) {
		long child = strtol(p, &next, 10);

		if (next == p)
			break;
		*n += add_child((pid_t)child, pid, l);
	}
	free(list);
	return 0;
}

static size_t scan_all(pid_t pid, struct proclist *l)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	size_t n = 0;

	while (dir && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			n += add_child((pid_t)atol(entry->d_name), pid, l);
	if (dir)
		closedir(dir);
	return n;
}

/* Whether this kernel has the lists of children. */
static bool has_lists(void)
{
	static int known = -1;

	if (known < 0)
		known = access("/proc/thread-self/children", R_OK) == 0;
	return known > 0;
}

size_t procinfo_children(pid_t pid, struct proclist *l)
{
	char path[64];
	struct dirent *entry;
	size_t n = 0;
	DIR *dir;

	if (!has_lists())
		return scan_all(pid, l);
	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			thread_children(pid, entry->d_name, l, &n);
	if (dir)
		closedir(dir);
	return n;
}

void procinfo_tree(pid_t pid, struct proclist *l, size_t max)
{
	size_t i = l->n;

	procinfo_children(pid, l);
	for (; i < l->n && l->n < max; i++)
		procinfo_children(l->v[i].pid, l);
}

bool procinfo_signal(const struct procid *id, int sig)
{
	int fd = (int)syscall(SYS_pidfd_open, id->pid, 0);
	bool no_pidfd = fd < 0 && errno != ESRCH;
	struct procinfo p;
	bool sent = false;

	/* The descriptor keeps the process that has the number now; the start time tells whether
	 * that is the one that is meant. A kernel without pidfd_open(2) leaves a window between the
	 * look and the signal. */
	if ((fd >= 0 || no_pidfd) && procinfo_read(id->pid, &p) == 0 && p.id.start == id->start)
		sent = no_pidfd ? kill(id->pid, sig) == 0
				: syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0) == 0;
	if (fd >= 0)
		close(fd);
	return sent;
}
