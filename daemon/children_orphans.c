#include "autoconf.h"

#include "children_orphans.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENV_MAX (256 * 1024) /* more of an environment is not looked at */

/* Reads a file of /proc whole, terminated; NULL if it is gone or there is no memory. */
static char *slurp(const char *path, size_t max, size_t *len_r)
{
	size_t len = 0, size = 4096;
	char *buf = malloc(size), *bigger;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	while (fd >= 0 && buf != NULL && (n = read(fd, buf + len, size - len - 1)) > 0) {
		len += (size_t)n;
		if (size - len > 1)
			continue;
		if (size >= max || (bigger = realloc(buf, size * 2)) == NULL)
			break;
		buf = bigger;
		size *= 2;
	}
	if (fd >= 0)
		close(fd);
	if (fd < 0 || buf == NULL || n < 0) {
		free(buf);
		return NULL;
	}
	buf[len] = '\0';
	*len_r = len;
	return buf;
}

/* The serial behind MARK in the environment of PID; 0 without one. */
static unsigned long serial_of(pid_t pid, const char *mark)
{
	unsigned long serial = 0;
	size_t len, mark_len = strlen(mark);
	char path[64], *env;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	env = slurp(path, ENV_MAX, &len);
	if (env == NULL)
		return 0;
	for (char *var = env; var < env + len; var += strlen(var) + 1)
		if (strncmp(var, mark, mark_len) == 0 && isdigit((unsigned char)var[mark_len]))
			serial = strtoul(var + mark_len, NULL, 10);
	free(env);
	return serial;
}

static unsigned judge_pid(pid_t pid, const char *mark, const struct orphans_judge *judge)
{
	unsigned long serial;

	if (pid <= 0 || judge->is_child(pid, judge->arg))
		return 0;
	serial = serial_of(pid, mark);
	if (serial == 0 || judge->is_running(serial, judge->arg))
		return 0;
	return kill(pid, SIGKILL) == 0;
}

/* The parent of PID by /proc/PID/stat; its second field may hold anything. */
static pid_t parent_of(const char *pid)
{
	char path[64], *text, *p;
	pid_t parent = -1;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	text = slurp(path, 4096, &len);
	if (text == NULL)
		return -1;
	p = strrchr(text, ')');
	if (p != NULL && strlen(p) > 4)
		parent = (pid_t)strtol(p + 4, NULL, 10);
	free(text);
	return parent;
}

/* Where the kernel does not list children (CONFIG_PROC_CHILDREN). */
static unsigned scan_all(const char *mark, const struct orphans_judge *judge)
{
	DIR *dir = opendir("/proc");
	pid_t self = getpid();
	struct dirent *entry;
	unsigned killed = 0;

	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL)
		if (isdigit((unsigned char)entry->d_name[0]) && parent_of(entry->d_name) == self)
			killed += judge_pid((pid_t)atol(entry->d_name), mark, judge);
	closedir(dir);
	return killed;
}

unsigned orphans_kill(const char *mark, const struct orphans_judge *judge)
{
	unsigned killed = 0;
	char path[64], *list, *next;
	size_t len;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	list = slurp(path, 1 << 20, &len);
	if (list == NULL)
		return scan_all(mark, judge);
	for (char *p = list;; p = next) {
		long pid = strtol(p, &next, 10);

		if (next == p)
			break;
		killed += judge_pid((pid_t)pid, mark, judge);
	}
	free(list);
	return killed;
}
