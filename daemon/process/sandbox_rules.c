/* SPDX-License-Identifier: ISC */
/* sandbox_rules.c: the second layer, which allows what a server lists and what every program needs.
 */
#include "autoconf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "process/sandbox_impl.h"

#define FS_READ	  (FS_EXECUTE | FS_READ_FILE | FS_READ_DIR)
#define FS_CHANGE (FS_ALL & ~(unsigned)(FS_MAKE_CHAR | FS_MAKE_BLOCK))
#define FS_DEVICE (FS_READ_FILE | FS_WRITE_FILE | FS_IOCTL_DEV)

static int allow_path(int ruleset, const char *path, uint64_t rights, bool may_lack, struct err *e)
{
	int fd = open(path, O_PATH | O_CLOEXEC), rc = 0;
	struct stat st;

	if (fd < 0)
		return may_lack
			       ? 0
			       : err_set(e, ERR_NOTFOUND, "sandbox: %s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0 || landlock_allow(ruleset, fd, st.st_mode, rights) < 0)
		rc = err_errno(e, "sandbox: %s", path);
	close(fd);
	return rc;
}

/* What no program does without: mcpd.conf(5), "Sandbox", has the same list. */
static const struct {
	const char *path;
	uint64_t rights;
} always[] = {
	{"/usr", FS_READ},
	{"/bin", FS_READ},
	{"/sbin", FS_READ},
	{"/lib", FS_READ},
	{"/lib32", FS_READ},
	{"/lib64", FS_READ},
	{"/nix/store", FS_READ},
	{"/gnu/store", FS_READ},
	{"/proc", FS_READ},
	{"/sys/devices/system/cpu", FS_READ},
	{"/sys/fs/cgroup", FS_READ},
	{"/dev/null", FS_DEVICE},
	{"/dev/zero", FS_DEVICE},
	{"/dev/full", FS_DEVICE},
	{"/dev/random", FS_DEVICE},
	{"/dev/urandom", FS_DEVICE},
	{"/etc/alternatives", FS_READ},
	{"/etc/ca-certificates", FS_READ},
	{"/etc/gai.conf", FS_READ},
	{"/etc/group", FS_READ},
	{"/etc/host.conf", FS_READ},
	{"/etc/hosts", FS_READ},
	{"/etc/ld.so.cache", FS_READ},
	{"/etc/ld.so.conf", FS_READ},
	{"/etc/ld.so.conf.d", FS_READ},
	{"/etc/ld.so.preload", FS_READ},
	{"/etc/locale.alias", FS_READ},
	{"/etc/localtime", FS_READ},
	{"/etc/mime.types", FS_READ},
	{"/etc/nsswitch.conf", FS_READ},
	{"/etc/passwd", FS_READ},
	{"/etc/pki/ca-trust/extracted", FS_READ},
	{"/etc/pki/tls/certs", FS_READ},
	{"/etc/protocols", FS_READ},
	{"/etc/resolv.conf", FS_READ},
	{"/etc/services", FS_READ},
	{"/etc/ssl/cert.pem", FS_READ},
	{"/etc/ssl/certs", FS_READ},
	{"/etc/ssl/openssl.cnf", FS_READ},
	{"/run/systemd/resolve", FS_READ}, /* where resolv.conf is replaced */
};

static int allow_rules(int ruleset, const struct sandbox_rules *rules, const char *program,
		       struct err *e)
{
	int rc = allow_path(ruleset, program, FS_READ, true, e);

	for (size_t i = 0; rc == 0 && i < sizeof always / sizeof always[0]; i++)
		rc = allow_path(ruleset, always[i].path, always[i].rights, true, e);
	for (const char *const *p = rules->read; rc == 0 && p && *p; p++)
		rc = allow_path(ruleset, *p, FS_READ, false, e);
	for (const char *const *p = rules->write; rc == 0 && p && *p; p++)
		rc = allow_path(ruleset, *p, FS_CHANGE, false, e);
	for (size_t i = 0; rc == 0 && i < rules->n_connect; i++)
		if (sandbox_abi(NULL) >= SANDBOX_ABI_CONNECT &&
		    landlock_allow_port(ruleset, rules->connect[i]) < 0)
			rc = err_errno(e, "sandbox: connect: port %u", rules->connect[i]);
	return rc;
}

int sandbox_second_layer(const struct sandbox_rules *rules, const char *program, int *fd_r,
			 struct err *e)
{
	int abi = sandbox_abi(NULL), rc;
	bool limit = rules->limit_connect && abi >= SANDBOX_ABI_CONNECT;
	int ruleset =
		landlock_ruleset(FS_ALL, limit ? NET_CONNECT_TCP : 0, abi >= 6 ? SCOPE_ALL : 0);

	if (ruleset < 0)
		return err_errno(e, "sandbox");
	if (limit || rules->n_connect == 0) {
		rc = allow_rules(ruleset, rules, program, e);
	} else {
		struct sandbox_rules open = *rules;

		open.n_connect = 0;
		rc = allow_rules(ruleset, &open, program, e);
	}
	if (rc < 0)
		close(ruleset);
	else
		*fd_r = ruleset;
	return rc;
}

int sandbox_check(const struct sandbox_rules *rules, struct err *e)
{
	const char *const *const lists[] = {rules->read, rules->write};

	for (size_t i = 0; i < 2; i++)
		for (const char *const *p = lists[i]; p != NULL && *p; p++)
			if (access(*p, F_OK) < 0)
				return err_set(e, ERR_NOTFOUND, "sandbox.%s: %s: %s",
					       i == 0 ? "read" : "write", *p, strerror(errno));
	return 0;
}
