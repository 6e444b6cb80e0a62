/* SPDX-License-Identifier: ISC */
/* store_key.c: the key of tokens and secrets, in a file of its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "store/store_impl.h"

#define HEX_SIZE (2 * SEAL_KEY_SIZE)

static int digit(char c)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;
	int n = at ? (int)(at - digits) : -1;

	return n < 16 ? n : n - 6;
}

/* 32 bytes as they are, or 64 hexadecimal digits and maybe a newline. */
static int parse(const char *file, const char *text, size_t len, unsigned char *key, struct err *e)
{
	if (len == SEAL_KEY_SIZE) {
		memcpy(key, text, len);
		return 0;
	}
	if (len == HEX_SIZE + 1 && text[HEX_SIZE] == '\n')
		len--;
	for (size_t i = 0; i < HEX_SIZE && len == HEX_SIZE; i += 2) {
		int high = digit(text[i]), low = digit(text[i + 1]);

		if (high < 0 || low < 0)
			len = 0;
		else
			key[i / 2] = (unsigned char)(high << 4 | low);
	}
	if (len == HEX_SIZE)
		return 0;
	return err_set(e, ERR_DENIED, "%s is no key: expected 64 hexadecimal digits", file);
}

static int read_key(const char *file, int fd, unsigned char *key, struct err *e)
{
	char text[HEX_SIZE + 2];
	struct stat st;
	ssize_t n = read(fd, text, sizeof text);
	int rc;

	if (n < 0 || fstat(fd, &st) < 0)
		return err_errno(e, "%s", file);
	if (st.st_mode & S_IRWXO)
		log_warn(NULL,
			 "%s can be read by others, who can decrypt backups of the store: chmod "
			 "600 %s",
			 file, file);
	rc = parse(file, text, (size_t)n, key, e);
	seal_wipe(text, sizeof text);
	return rc;
}

/* Whole, and on disk before anything is sealed with it: what is sealed under a lost key is lost. */
static int write_key(const char *file, int fd, unsigned char *key, struct err *e)
{
	char text[HEX_SIZE + 2];
	bool ok;

	if (seal_make_key(key, e) < 0)
		return e->code;
	for (size_t i = 0; i < SEAL_KEY_SIZE; i++)
		snprintf(text + 2 * i, sizeof text - 2 * i, "%02x\n", key[i]);
	ok = write(fd, text, HEX_SIZE + 1) == HEX_SIZE + 1 && fsync(fd) == 0;
	seal_wipe(text, sizeof text);
	if (ok)
		return 0;
	err_errno(e, "%s", file);
	unlink(file);
	return e->code;
}

struct seal *store_key(const char *file, bool may_make, struct err *e)
{
	unsigned char key[SEAL_KEY_SIZE];
	int fd = open(file, O_RDONLY | O_CLOEXEC), rc;
	bool fresh = fd < 0 && errno == ENOENT && may_make;
	struct seal *seal = NULL;

	if (fresh)
		fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == ENOENT && !may_make)
		rc = err_set(e, ERR_DENIED, "the key %s of the database is not there", file);
	else if (fd < 0)
		rc = err_errno(e, "%s", file);
	else
		rc = fresh ? write_key(file, fd, key, e) : read_key(file, fd, key, e);
	if (fd >= 0)
		close(fd);
	if (rc == 0) {
		seal = seal_with_key(key);
		if (!seal)
			err_set(e, ERR_NOMEM, "out of memory");
	}
	seal_wipe(key, sizeof key);
	return seal;
}
