/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "process/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"

#define PREFIX	   "child-"
#define LEAF	   "daemon"
#define RETRY_MS   50
#define CPU_PERIOD 100000 /* microseconds */

static const char *const controllers[] = {"memory", "pids", "cpu"};
#define N_CONTROLLERS (sizeof controllers / sizeof *controllers)

struct cgroup {
	LIST_ENTRY(cgroup) link; /* in WAITING */
	struct cgroups *set;
	int entry;
	char name[256];
};

struct cgroups {
	struct event timer;
	int fd; /* of the folder; locked */
	char *folder;
	bool enabled[N_CONTROLLERS];
	unsigned waiting;
	LIST_HEAD(, cgroup) over;
};

static bool is_needed(const struct cgroup_limits *l, size_t i)
{
	const bool needed[N_CONTROLLERS] = {l->memory > 0, l->processes > 0, l->cpu > 0};

	return needed[i];
}

/* Files. */

/* Reads the small file NAME; "" where that fails. */
static void read_at(int dir, const char *name, char *buf, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, buf, size - 1) : 0;

	buf[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
}

static int write_at(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);
	int rc, saved;

	if (fd < 0)
		return -1;
	rc = write(fd, text, len) == (ssize_t)len ? 0 : -1;
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

/* Whether WORD is one of the words of TEXT. */
static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = text; *at; at += strcspn(at, " \n"), at += strspn(at, " \n"))
		if (strncmp(at, word, len) == 0 && strchr(" \n", at[len]))
			return true;
	return false;
}

/* Where cgroup v2 is mounted; false where it is not. */
static bool find_mount(const struct cgroup_paths *paths, char *buf, size_t size)
{
	FILE *f = fopen(paths ? paths->mounts : "/proc/self/mountinfo", "re");
	char line[4096], point[PATH_MAX];
	bool found = false;

	while (f && !found && fgets(line, sizeof line, f)) {
		const char *dash = strstr(line, " - ");

		/* proc(5): ID, parent, device, root, mount point, options, ..., "-", type */
		found = dash && strncmp(dash + 3, "cgroup2 ", 8) == 0 &&
			sscanf(line, "%*s %*s %*s %*s %4095s", point) == 1;
	}
	if (f)
		fclose(f);
	if (found)
		snprintf(buf, size, "%s", point);
	return found;
}

/* The daemon's own cgroup as a folder; false where there is none. */
static bool find_own(const struct cgroup_paths *paths, char *buf, size_t size)
{
	FILE *f = fopen(paths ? paths->self : "/proc/self/cgroup", "re");
	char line[PATH_MAX / 2], mount[PATH_MAX / 2 - 8];
	bool found = false;

	while (f && !found && fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = '\0';
		found = strncmp(line, "0::/", 4) == 0;
	}
	if (f)
		fclose(f);
	if (!found || !find_mount(paths, mount, sizeof mount))
		return false;
	snprintf(buf, size, "%s%s", mount, line[4] ? line + 3 : "");
	return true;
}

/* The start. */

/* Whether controller I is in HAVE. */
static int look_for(const char *have, size_t i, const char *where, struct err *e)
{
	if (has_word(have, controllers[i]))
		return 0;
	return err_set(
		e, ERR_UNSUPPORTED,
		"%s has no controller \"%s\" of cgroup v2 (remedy: Delegate=%s in the unit, or "
		"systemd.unified_cgroup_hierarchy=1 for the kernel)",
		where, controllers[i], controllers[i]);
}

int cgroup_supported(const struct cgroup_paths *paths, const struct cgroup_limits *limits,
		     struct err *e)
{
	char mount[PATH_MAX], have[512];
	int fd, rc = 0;

	if (!limits->memory && !limits->processes && !limits->cpu)
		return 0;
	if (!find_mount(paths, mount, sizeof mount))
		return err_set(e, ERR_UNSUPPORTED, "cgroup v2 is not mounted");
	fd = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	read_at(fd, "cgroup.controllers", have, sizeof have);
	for (size_t i = 0; rc == 0 && i < N_CONTROLLERS; i++)
		if (is_needed(limits, i))
			rc = look_for(have, i, mount, e);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* Ends NAME in the folder as far as that goes now; 0 once it is gone. */
static int end_now(const struct cgroups *cs, const char *name)
{
	int dir = openat(cs->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0)
		return errno == ENOENT ? 0 : -1;
	write_at(dir, "cgroup.kill", "1"); /* Linux 5.14; before, the ladder has to do */
	close(dir);
	return unlinkat(cs->fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -1 : 0;
}

static void retry_later(struct cgroups *cs)
{
	const struct timeval tv = {.tv_usec = RETRY_MS * 1000};

	evtimer_add(&cs->timer, &tv); /* without memory: at the next end of a child */
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct cgroups *cs = arg;
	struct cgroup *cg, *next;

	(void)fd;
	(void)what;
	for (cg = LIST_FIRST(&cs->over); cg; cg = next) {
		next = LIST_NEXT(cg, link);
		if (end_now(cs, cg->name) < 0)
			continue;
		LIST_REMOVE(cg, link);
		cs->waiting--;
		free(cg);
	}
	if (cs->waiting > 0)
		retry_later(cs);
}

/* Has CG removed by and by. */
static void wait_for(struct cgroups *cs, struct cgroup *cg_take)
{
	LIST_INSERT_HEAD(&cs->over, cg_take, link);
	cs->waiting++;
	retry_later(cs);
}

static struct cgroup *cgroup_named(struct cgroups *cs, const char *name)
{
	struct cgroup *cg = calloc(1, sizeof *cg);

	if (!cg)
		return NULL;
	cg->set = cs;
	cg->entry = -1;
	snprintf(cg->name, sizeof cg->name, "%s", name);
	return cg;
}

/* Children of an earlier life, which nobody else can be in while the folder is locked. */
static void clean_up(struct cgroups *cs)
{
	int fd = openat(cs->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	unsigned n = 0;

	if (!dir && fd >= 0)
		close(fd);
	while (dir && (entry = readdir(dir))) {
		struct cgroup *cg;

		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0)
			continue;
		n++;
		if (end_now(cs, entry->d_name) < 0 && (cg = cgroup_named(cs, entry->d_name)))
			wait_for(cs, cg);
	}
	if (dir)
		closedir(dir);
	if (n > 0)
		log_info(NULL, "Ended %u cgroups of children of an earlier life", n);
}

static int enable(const struct cgroups *cs, size_t i, struct err *e)
{
	char have[512], text[32];
	int rc;

	read_at(cs->fd, "cgroup.controllers", have, sizeof have);
	rc = look_for(have, i, cs->folder, e);
	snprintf(text, sizeof text, "+%s", controllers[i]);
	if (rc < 0 || write_at(cs->fd, "cgroup.subtree_control", text) == 0)
		return rc;
	return err_set(
		e, ERR_DENIED, "%s/cgroup.subtree_control: %s%s", cs->folder, strerror(errno),
		errno == EBUSY ? " (remedy: there are processes in this cgroup: name an empty one "
				 "as \"cgroup\")"
			       : " (remedy: Delegate= in the unit, or name a folder of mcpd's user "
				 "as \"cgroup\")");
}

static int enable_all(struct cgroups *cs, const struct cgroup_limits *wanted,
		      const struct cgroup_limits *required, struct err *e)
{
	for (size_t i = 0; i < N_CONTROLLERS; i++) {
		int rc = is_needed(wanted, i) ? enable(cs, i, e) : 0;

		cs->enabled[i] = is_needed(wanted, i) && rc == 0;
		if (rc < 0 && is_needed(required, i))
			return rc;
		if (rc < 0)
			log_warn(NULL, "resources: not enforced: %s", e->text);
	}
	return 0;
}

bool cgroups_has(const struct cgroups *cs, const char *controller)
{
	for (size_t i = 0; cs && i < N_CONTROLLERS; i++)
		if (strcmp(controllers[i], controller) == 0)
			return cs->enabled[i];
	return false;
}

/* Moves the daemon out of the folder, where it is in there itself. */
static int move_daemon(const struct cgroups *cs, struct err *e)
{
	char pid[16];
	int leaf, rc;

	snprintf(pid, sizeof pid, "%d", (int)getpid());
	if (mkdirat(cs->fd, LEAF, 0755) < 0 && errno != EEXIST)
		return err_set(e, ERR_DENIED,
			       "%s/" LEAF ": %s (Delegate= in the unit, or name a folder of the "
			       "daemon's user as \"cgroup\")",
			       cs->folder, strerror(errno));
	leaf = openat(cs->fd, LEAF, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = leaf >= 0 ? write_at(leaf, "cgroup.procs", pid) : -1;
	if (rc < 0)
		rc = err_set(e, ERR_DENIED, "%s/" LEAF "/cgroup.procs: %s", cs->folder,
			     strerror(errno));
	if (leaf >= 0)
		close(leaf);
	return rc;
}

/* The daemon's own cgroup; where the daemon is in the leaf already, what is above. */
static int find_folder(const char *folder, const struct cgroup_paths *paths, char *buf, size_t size,
		       bool *own_r, struct err *e)
{
	char own[PATH_MAX] = "";
	bool known = find_own(paths, own, sizeof own);
	size_t len = strlen(own);

	if (len > strlen("/" LEAF) && strcmp(own + len - strlen("/" LEAF), "/" LEAF) == 0)
		own[len - strlen("/" LEAF)] = '\0';
	if (!folder && !known)
		return err_set(
			e, ERR_UNSUPPORTED,
			"the daemon is in no cgroup of version 2: name a folder as \"cgroup\"");
	*own_r = known && (!folder || strcmp(folder, own) == 0);
	snprintf(buf, size, "%s", folder ? folder : own);
	return 0;
}

static int open_folder(struct cgroups *cs, struct err *e)
{
	cs->fd = open(cs->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cs->fd < 0)
		return err_set(e, ERR_UNSUPPORTED, "%s: %s", cs->folder, strerror(errno));
	if (flock(cs->fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(e, ERR_EXISTS,
			       "%s: another mcpd uses this cgroup: name another one as \"cgroup\"",
			       cs->folder);
	return 0;
}

struct cgroups *cgroups_new(struct event_base *base, const char *folder,
			    const struct cgroup_paths *paths, const struct cgroup_limits *wanted,
			    const struct cgroup_limits *required, struct err *e)
{
	struct cgroups *cs = calloc(1, sizeof *cs);
	char path[PATH_MAX];
	bool own = false;
	int rc = find_folder(folder, paths, path, sizeof path, &own, e);

	if (!cs || rc < 0 || !(cs->folder = strdup(path))) {
		if (rc == 0)
			err_set(e, ERR_NOMEM, "out of memory");
		free(cs);
		return NULL;
	}
	cs->fd = -1;
	LIST_INIT(&cs->over);
	evtimer_assign(&cs->timer, base, on_retry, cs);
	rc = open_folder(cs, e);
	if (rc == 0 && own)
		rc = move_daemon(cs, e);
	if (rc == 0)
		clean_up(cs);
	if (rc == 0)
		rc = enable_all(cs, wanted, required, e);
	if (rc < 0)
		cgroups_free(&cs);
	return cs;
}

void cgroups_free(struct cgroups **csp)
{
	struct cgroups *cs = *csp;
	struct cgroup *cg;

	*csp = NULL;
	if (!cs)
		return;
	event_del(&cs->timer);
	while ((cg = LIST_FIRST(&cs->over))) {
		end_now(cs, cg->name);
		LIST_REMOVE(cg, link);
		free(cg);
	}
	if (cs->fd >= 0)
		close(cs->fd);
	free(cs->folder);
	free(cs);
}

const char *cgroups_folder(const struct cgroups *cs)
{
	return cs->folder;
}

unsigned cgroups_waiting(const struct cgroups *cs)
{
	return cs->waiting;
}

/* One child. */

static int set_limit(int dir, const char *file, bool wanted, const char *text, struct err *e)
{
	if (!wanted || write_at(dir, file, text) == 0)
		return 0;
	return err_errno(e, "cgroup: %s", file);
}

static int set_limits(const struct cgroups *cs, int dir, const struct cgroup_limits *l,
		      struct err *e)
{
	bool memory_on = cs->enabled[0] && l->memory > 0;
	char memory[32], pids[16], cpu[40];
	int rc;

	snprintf(memory, sizeof memory, "%zu", l->memory);
	snprintf(pids, sizeof pids, "%u", l->processes);
	snprintf(cpu, sizeof cpu, "%llu %d", (unsigned long long)l->cpu * (CPU_PERIOD / 100),
		 CPU_PERIOD);
	rc = set_limit(dir, "memory.max", memory_on, memory, e);
	if (rc == 0)
		rc = set_limit(dir, "pids.max", cs->enabled[1] && l->processes > 0, pids, e);
	if (rc == 0)
		rc = set_limit(dir, "cpu.max", cs->enabled[2] && l->cpu > 0, cpu, e);
	/* Where the kernel has no swap there is no such file. */
	if (rc == 0 && memory_on) {
		write_at(dir, "memory.swap.max", "0");
		rc = set_limit(dir, "memory.oom.group", true, "1", e);
	}
	return rc;
}

int cgroup_make(struct cgroups *cs, const char *name, unsigned long serial,
		const struct cgroup_limits *limits, struct cgroup **cg_r, struct err *e)
{
	char full[64];
	struct cgroup *cg;
	int dir, rc;

	snprintf(full, sizeof full, PREFIX "%.32s-%lu", name, serial);
	cg = cgroup_named(cs, full);
	if (!cg)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (mkdirat(cs->fd, full, 0755) < 0) {
		rc = err_errno(e, "cgroup %s/%s", cs->folder, full);
		free(cg);
		return rc;
	}
	dir = openat(cs->fd, full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = dir >= 0 ? set_limits(cs, dir, limits, e) : err_errno(e, "cgroup %s", full);
	if (rc == 0 && (cg->entry = openat(dir, "cgroup.procs", O_WRONLY | O_CLOEXEC)) < 0)
		rc = err_errno(e, "cgroup %s/cgroup.procs", full);
	if (dir >= 0)
		close(dir);
	if (rc < 0)
		cgroup_end(&cg);
	else
		*cg_r = cg;
	return rc;
}

int cgroup_entry(const struct cgroup *cg)
{
	return cg->entry;
}

void cgroup_entered(struct cgroup *cg)
{
	if (cg->entry >= 0)
		close(cg->entry);
	cg->entry = -1;
}

unsigned cgroup_oom_kills(const struct cgroup *cg)
{
	char path[300], text[512];
	const char *at;

	snprintf(path, sizeof path, "%s/memory.events", cg->name);
	read_at(cg->set->fd, path, text, sizeof text);
	at = strstr(text, "oom_kill ");
	return at ? (unsigned)strtoul(at + strlen("oom_kill "), NULL, 10) : 0;
}

void cgroup_end(struct cgroup **cgp)
{
	struct cgroup *cg = *cgp;

	*cgp = NULL;
	if (!cg)
		return;
	cgroup_entered(cg);
	if (end_now(cg->set, cg->name) == 0)
		free(cg);
	else
		wait_for(cg->set, cg);
}
