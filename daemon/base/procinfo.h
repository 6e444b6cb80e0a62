/* SPDX-License-Identifier: ISC */
/* procinfo.h: what /proc tells about processes: see proc_pid_stat(5) and proc_tid_children(5).
 *
 * A process id alone means little, since it is given to another process after the end of the first
 * one. Together with the start time it names one process of this boot. Files of /proc never wait.
 */
#ifndef MCPD_PROCINFO_H
#define MCPD_PROCINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct procid {
	pid_t pid;
	unsigned long long start; /* clock ticks after the boot */
};

struct procinfo {
	struct procid id;
	pid_t parent, group;
	char state;    /* 'R', 'S', 'Z', ... */
	char name[16]; /* the name of the command, without its arguments; any bytes: the process may
			  set it */
};

/* A list of processes that grows. Zero it before use; free() its member `v` after it. */
struct proclist {
	struct procid *v;
	size_t n, size;
};

/* Reads what is known of PID. 0; ERR_NOTFOUND: there is no such process; ERR_DENIED: there is one,
 * and it is hidden (hidepid of proc(5)); ERR_IO. */
int procinfo_read(pid_t pid, struct procinfo *p_r);

/* Reads the file at PATH whole, up to about MAX bytes. The result is terminated and the caller's to
 * free; NULL if the file is gone or there is no memory. */
char *procinfo_slurp(const char *path, size_t max, size_t *len_r);

/* Adds ID unless it is in the list. Whether it was added: false for lack of memory, too. */
bool proclist_add(struct proclist *l, const struct procid *id);
bool proclist_has(const struct proclist *l, pid_t pid);

/* Adds the children of PID, those of all of its threads. Returns how many were new. */
size_t procinfo_children(pid_t pid, struct proclist *l);

/* Adds every descendant of PID, at most up to MAX in the list. */
void procinfo_tree(pid_t pid, struct proclist *l, size_t max);

/* Sends SIG to the process ID, and never to a later process with the same number. Returns whether
 * SIG was sent. */
bool procinfo_signal(const struct procid *id, int sig);

#endif
