/* SPDX-License-Identifier: ISC */
/* sandbox_landlock.c: the system calls of Landlock. */
#include "autoconf.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process/sandbox_impl.h"

#ifndef __NR_landlock_create_ruleset /* the same on all architectures but alpha */
#define __NR_landlock_create_ruleset 444
#define __NR_landlock_add_rule	     445
#define __NR_landlock_restrict_self  446
#endif
#ifndef CAP_PERFMON
#define CAP_PERFMON 38 /* Linux 5.8 */
#endif
#define CREATE_VERSION	  1u
#define RULE_PATH_BENEATH 1
#define RULE_NET_PORT	  2

struct ruleset_attr {
	uint64_t handled_fs, handled_net, scoped;
};
struct path_attr {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));
struct port_attr {
	uint64_t allowed, port;
};

int sandbox_abi(const char **why_r)
{
	static int abi = -1, error;

	if (abi < 0) {
		long n = syscall(__NR_landlock_create_ruleset, NULL, (size_t)0, CREATE_VERSION);

		error = n < 0 ? errno : 0;
		abi = n < 0 ? 0 : (int)n;
	}
	if (why_r != NULL)
		*why_r = error == EOPNOTSUPP ? "it is not among the kernel's parameters lsm="
			 : error == ENOSYS   ? "the kernel is older than 5.13 or built without it"
					     : strerror(error);
	return abi;
}

/* The rights of FS that the kernel knows. */
static uint64_t known(uint64_t fs)
{
	int abi = sandbox_abi(NULL);

	if (abi < 2)
		fs &= ~(uint64_t)FS_REFER;
	if (abi < 3)
		fs &= ~(uint64_t)FS_TRUNCATE;
	if (abi < 5)
		fs &= ~(uint64_t)FS_IOCTL_DEV;
	return fs;
}

int landlock_ruleset(uint64_t fs, uint64_t net, uint64_t scoped)
{
	const struct ruleset_attr attr = {known(fs), net, scoped};

	return (int)syscall(__NR_landlock_create_ruleset, &attr, sizeof attr, 0);
}

int landlock_allow(int ruleset, int fd, mode_t mode, uint64_t allowed)
{
	struct path_attr attr = {.allowed = known(allowed), .fd = fd};
	long rc;

	if (!S_ISDIR(mode))
		attr.allowed &= FS_OF_FILES;
	if (attr.allowed == 0)
		return 0;
	rc = syscall(__NR_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &attr, 0);
	return rc < 0 && errno != EBADFD ? -1 : 0;
}

int landlock_allow_port(int ruleset, uint16_t port)
{
	const struct port_attr attr = {.allowed = NET_CONNECT_TCP, .port = port};

	return (int)syscall(__NR_landlock_add_rule, ruleset, RULE_NET_PORT, &attr, 0);
}

/* Without CAP_SYS_ADMIN Landlock is only for those who have given up setuid programs. */
bool sandbox_may_admin(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	return syscall(SYS_capget, &head, data) == 0 &&
	       (data[0].effective & (1u << CAP_SYS_ADMIN)) != 0;
}

/* Whoever may measure everything (CAP_PERFMON, part of CAP_SYS_ADMIN) reads the environment and the
 * maps of every process, whatever its domain is (Linux 6.14 and later). */
static int give_up_measuring(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	static const unsigned caps[] = {CAP_SYS_ADMIN, CAP_PERFMON};

	if (syscall(SYS_capget, &head, data) < 0)
		return -1;
	for (size_t i = 0; i < 2; i++) {
		struct __user_cap_data_struct *d = &data[caps[i] / 32];
		unsigned bit = ~(1u << caps[i] % 32);

		d->effective &= bit;
		d->permitted &= bit;
		d->inheritable &= bit;
		/* Root gets at exec what is in this set. EINVAL: unknown to the kernel. */
		if (prctl(PR_CAPBSET_DROP, caps[i], 0, 0, 0) < 0 && errno != EINVAL &&
		    errno != EPERM)
			return -1;
	}
	return (int)syscall(SYS_capset, &head, data);
}

int sandbox_enter(const struct sandbox_pass *pass)
{
	if (pass->layers[0] < 0 && pass->layers[1] < 0)
		return 0;
	if (pass->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		if (pass->layers[i] >= 0 &&
		    syscall(__NR_landlock_restrict_self, pass->layers[i], 0) < 0)
			return -1;
	return give_up_measuring();
}
