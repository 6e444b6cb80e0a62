/* SPDX-License-Identifier: ISC */
/* sandbox_impl.h: Landlock's system calls and the sandbox from inside, for the sandbox*.c files
 * alone. The constants are ours: the headers of Debian 12 end at ABI 2. */
#ifndef MCPD_SANDBOX_IMPL_H
#define MCPD_SANDBOX_IMPL_H

#include <sys/stat.h>
#include <sys/types.h>

#include "process/sandbox.h"

/* LANDLOCK_ACCESS_FS_... (uapi/linux/landlock.h) */
enum {
	FS_EXECUTE = 1u << 0,
	FS_WRITE_FILE = 1u << 1,
	FS_READ_FILE = 1u << 2,
	FS_READ_DIR = 1u << 3,
	FS_REMOVE_DIR = 1u << 4,
	FS_REMOVE_FILE = 1u << 5,
	FS_MAKE_CHAR = 1u << 6,
	FS_MAKE_DIR = 1u << 7,
	FS_MAKE_REG = 1u << 8,
	FS_MAKE_SOCK = 1u << 9,
	FS_MAKE_FIFO = 1u << 10,
	FS_MAKE_BLOCK = 1u << 11,
	FS_MAKE_SYM = 1u << 12,
	FS_REFER = 1u << 13,	 /* ABI 2 */
	FS_TRUNCATE = 1u << 14,	 /* ABI 3 */
	FS_IOCTL_DEV = 1u << 15, /* ABI 5 */
};
#define FS_ALL		((FS_IOCTL_DEV << 1) - 1u)
#define FS_OF_FILES	(FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)
#define NET_CONNECT_TCP (1u << 1)		/* ABI 4 */
#define SCOPE_ALL	((1u << 0) | (1u << 1)) /* ABI 6: abstract Unix sockets, signals */

/* A new ruleset that handles these; -1 with errno. NET and SCOPED must be of the kernel's ABI. */
int landlock_ruleset(uint64_t fs, uint64_t net, uint64_t scoped);
/* Allows ALLOWED, as far as it fits a file of the type MODE, at FD (O_PATH) and down from there. 0,
 * also for what can have no rule (a pipe), or -1 with errno. */
int landlock_allow(int ruleset, int fd, mode_t mode, uint64_t allowed);
int landlock_allow_port(int ruleset, uint16_t port);

/* A folder in which children can have nothing. */
struct hidden {
	int fd; /* open as long as the sandbox is there, so that it is found wherever it is moved */
	dev_t dev;
	ino_t ino;
	char *path; /* at the start */
};

#define MAX_ANCESTORS 64

/* A folder on the way from / to a hidden one. */
struct ancestor {
	int fd; /* open for reading */
	struct stat st;
};

struct sandbox {
	struct hidden *hidden;
	size_t n_hidden;
	const char **paths; /* of HIDDEN; up to NULL */
	int layer;	    /* the first one; -1: not made yet */
	bool settled;	    /* LAYER is good as long as no ancestor changes */
	struct ancestor ancestors[MAX_ANCESTORS];
	size_t n_ancestors;
	int mounts; /* polled for changes; -1: not known */
	unsigned builds;
};

/* Whether the daemon has CAP_SYS_ADMIN. Without it, Landlock needs PR_SET_NO_NEW_PRIVS, which
 * disables setuid programs. */
bool sandbox_may_admin(void);

/* sandbox_hide.c: brings S->layer up to date. 0 or ERR_IO. */
int sandbox_first_layer(struct sandbox *s, struct err *e);
void sandbox_forget_ancestors(struct sandbox *s);
/* sandbox_rules.c: a layer for RULES and for executing PROGRAM, in *FD_R. ERR_NOTFOUND or ERR_IO.
 */
int sandbox_second_layer(const struct sandbox_rules *rules, const char *program, int *fd_r,
			 struct err *e);

/* sandbox_judge.c: why the folder of PLACE cannot be hidden. NULL: it can, and *H_R is filled in.
 * REASON is the buffer for the text. "" : there is no such folder. */
const char *sandbox_judge(const struct sandbox_setting *setting, const struct sandbox_place *place,
			  struct hidden *h_r, char *reason, size_t size);
/* The folder of PLACE, without symbolic links, malloc'd; NULL where there is none. */
char *sandbox_folder(const struct sandbox_place *place);

#endif
