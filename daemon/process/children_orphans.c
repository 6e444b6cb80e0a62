/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "process/children_orphans.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/procinfo.h"

#define MAX_BELOW 4096	       /* descendants of one orphan that are ended in one go */
#define ENV_MAX	  (256 * 1024) /* more of an environment is not looked at */

/* The serial behind MARK in the environment of PID; 0 without one. */
static unsigned long serial_of(pid_t pid, const char *mark)
{
	unsigned long serial = 0;
	size_t len, mark_len = strlen(mark);
	char path[64], *env;

	snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
	env = procinfo_slurp(path, ENV_MAX, &len);
	if (!env)
		return 0;
	for (char *var = env; var < env + len; var += strlen(var) + 1)
		if (strncmp(var, mark, mark_len) == 0 && isdigit((unsigned char)var[mark_len]))
			serial = strtoul(var + mark_len, NULL, 10);
	free(env);
	return serial;
}

/* Ends the orphan P and all that is below it. Returns how many. An orphan is ours to reap, so its
 * number cannot mean anybody else; of its descendants procinfo_signal() makes sure. */
static unsigned end_tree(const struct procinfo *p)
{
	struct proclist below = {.n = 0};
	unsigned killed;

	procinfo_tree(p->id.pid, &below, MAX_BELOW);
	killed = kill(p->id.pid, SIGKILL) == 0;
	for (size_t i = 0; i < below.n; i++)
		killed += procinfo_signal(&below.v[i], SIGKILL);
	free(below.v);
	return killed;
}

static unsigned judge_pid(pid_t pid, const char *mark, const struct orphans_judge *judge)
{
	unsigned long serial;
	struct procinfo p;

	if (pid <= 0 || judge->is_child(pid, judge->arg) || procinfo_read(pid, &p) < 0 ||
	    p.state == 'Z')
		return 0;
	serial = serial_of(pid, mark);
	if (serial != 0 ? judge->is_running(serial, judge->arg)
			: judge->is_group(p.group, judge->arg))
		return 0;
	return end_tree(&p);
}

/* Where the kernel does not list children (CONFIG_PROC_CHILDREN). */
static unsigned scan_all(const char *mark, const struct orphans_judge *judge)
{
	struct proclist list = {.n = 0};
	unsigned killed = 0;

	procinfo_children(getpid(), &list);
	for (size_t i = 0; i < list.n; i++)
		killed += judge_pid(list.v[i].pid, mark, judge);
	free(list.v);
	return killed;
}

unsigned orphans_kill(const char *mark, const struct orphans_judge *judge)
{
	unsigned killed = 0;
	char path[64], *list, *next;
	size_t len;

	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	list = procinfo_slurp(path, 1 << 20, &len);
	if (!list)
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
