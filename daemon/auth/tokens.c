/* SPDX-License-Identifier: ISC */
#include "auth/tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/hash.h"
#include "lib/log.h"
#include "lib/utf8.h"

#define MAX_FILE   (16 << 20)
#define MAX_USER   255
#define ID_SIZE	   12 /* digits of a digest that are shown */
#define MIN_PREFIX 4

struct token {
	UT_hash_handle hh;
	unsigned char digest[DIGEST_SIZE];
	struct claims claims;
};

struct tokens {
	char *file, *temp;
	struct token *all;
	struct stat seen; /* of the file that was read; all zero: there was none */
	bool complained;
	void (*changed)(void *arg);
	void *arg;
};

static void forget_all(struct tokens *t)
{
	struct token *one, *next;

	HASH_ITER (hh, t->all, one, next) {
		HASH_DEL(t->all, one);
		claims_clear(&one->claims);
		free(one);
	}
}

void tokens_free(struct tokens **tp)
{
	struct tokens *t = *tp;

	*tp = NULL;
	if (!t)
		return;
	forget_all(t);
	free(t->file);
	free(t->temp);
	free(t);
}

struct tokens *tokens_new(const char *file, void (*changed)(void *arg), void *arg)
{
	struct tokens *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->changed = changed;
	t->arg = arg;
	t->file = strdup(file);
	if (!t->file || asprintf(&t->temp, "%s.new", file) < 0) {
		t->temp = NULL;
		tokens_free(&t);
	}
	return t;
}

static bool is_utf8(const char *text)
{
	size_t len = strlen(text);
	uint32_t c;

	while (len > 0) {
		size_t n = utf8_decode(text, len, &c);

		if (n == 0)
			return false;
		text += n;
		len -= n;
	}
	return true;
}

/* Whether NAME can be the name of a user: 1 to 255 bytes of UTF-8, no spaces, no control bytes, no
 * "#" at the beginning. */
static bool user_ok(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > MAX_USER || name[0] == '#' || !is_utf8(name))
		return false;
	for (const char *p = name; *p; p++) {
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return false;
	}
	return true;
}

/* 0; ERR_INVALID: DIGEST is malformed or already there, or USER is malformed; ERR_NOMEM. */
static int add_token(struct tokens *t, const char *digest, const char *user, const char *scope)
{
	struct token *one = calloc(1, sizeof *one), *other;

	if (!one)
		return ERR_NOMEM;
	if (!user_ok(user) || !digest_parse(digest, one->digest)) {
		free(one);
		return ERR_INVALID;
	}
	HASH_FIND(hh, t->all, one->digest, DIGEST_SIZE, other);
	if (other) {
		free(one);
		return ERR_INVALID;
	}
	one->claims.user = strdup(user);
	one->claims.scope = scope ? strdup(scope) : NULL;
	if (one->claims.user && (!scope || one->claims.scope))
		HASH_ADD(hh, t->all, digest, DIGEST_SIZE, one);
	if (one->hh.tbl)
		return 0;
	claims_clear(&one->claims);
	free(one);
	return ERR_NOMEM;
}

/* "DIGEST USER [SCOPE ...]" at LINE, which is taken apart; a comment, or nothing. */
static int add_line(struct tokens *t, char *line)
{
	char *rest, *digest, *user;

	line += strspn(line, " \t");
	if (*line == '#' || *line == '\0')
		return 0;
	rest = line;
	digest = strsep(&rest, " \t");
	user = rest ? rest + strspn(rest, " \t") : NULL;
	rest = user;
	user = rest ? strsep(&rest, " \t") : NULL;
	if (!user)
		return ERR_INVALID;
	if (rest)
		rest += strspn(rest, " \t");
	return add_token(t, digest, user, rest && *rest ? rest : NULL);
}

/* The content of the file, malloc'd; NULL with errno. */
static char *read_whole(int fd, const struct stat *st)
{
	size_t size = (size_t)st->st_size, len = 0;
	char *text = st->st_size <= MAX_FILE ? malloc(size + 1) : NULL;

	if (st->st_size > MAX_FILE)
		errno = EFBIG;
	while (text && len < size) {
		ssize_t n = read(fd, text + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			free(text);
			return NULL;
		}
		if (n == 0)
			break;
		len += (size_t)n;
	}
	if (text)
		text[len] = '\0';
	return text;
}

/* Who can write to it can make tokens. */
static bool is_trusted(const struct tokens *t, const struct stat *st)
{
	if (S_ISREG(st->st_mode) && !(st->st_mode & (S_IWGRP | S_IWOTH)))
		return true;
	log_error(NULL, "%s: not used: %s", t->file,
		  S_ISREG(st->st_mode) ? "others than its owner can write to it (chmod 600)"
				       : "it is no file");
	return false;
}

static int take_lines(struct tokens *t, char *text)
{
	unsigned number = 0;
	char *line;

	while ((line = strsep(&text, "\n"))) {
		int rc;

		number++;
		line[strcspn(line, "\r")] = '\0';
		rc = add_line(t, line);
		if (rc == ERR_NOMEM)
			return rc;
		if (rc < 0)
			log_warn(NULL, "%s: line %u is no new \"DIGEST USER [SCOPE ...]\"", t->file,
				 number);
	}
	return 0;
}

/* Reads FD, which is as ST says. A line that cannot be read gives no access. */
static void read_again(struct tokens *t, int fd, const struct stat *st)
{
	char *text;
	int rc = 0;

	forget_all(t);
	t->seen = *st;
	if (!is_trusted(t, st))
		return;
	text = read_whole(fd, st);
	if (text)
		rc = take_lines(t, text);
	if (!text || rc < 0) {
		log_error(NULL, "%s: %s", t->file, text ? "out of memory" : strerror(errno));
		forget_all(t);
		memset(&t->seen, 0, sizeof t->seen);
	} else {
		log_info(NULL, "%s: %u tokens", t->file, HASH_COUNT(t->all));
	}
	free(text);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void none(struct tokens *t)
{
	forget_all(t);
	memset(&t->seen, 0, sizeof t->seen);
	if (!t->complained)
		log_warn(NULL, "%s: %s: nobody has a token", t->file, strerror(errno));
	t->complained = true;
}

/* Brings T up to date. One stat(2) where nothing has changed. */
void tokens_refresh(struct tokens *t)
{
	struct stat st;
	int fd;

	if (stat(t->file, &st) == 0 && is_same(&st, &t->seen))
		return;
	fd = open(t->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0) {
		none(t);
	} else {
		t->complained = false;
		read_again(t, fd, &st);
	}
	if (fd >= 0)
		close(fd);
	t->changed(t->arg);
}

const struct claims *tokens_find(struct tokens *t, const unsigned char digest[DIGEST_SIZE])
{
	struct token *one;

	tokens_refresh(t);
	HASH_FIND(hh, t->all, digest, DIGEST_SIZE, one);
	return one ? &one->claims : NULL;
}

json_t *tokens_describe(struct tokens *t)
{
	json_t *rows = json_array();
	struct token *one, *next;
	char hex[DIGEST_HEX_SIZE];
	int rc = rows ? 0 : -1;

	tokens_refresh(t);
	HASH_ITER (hh, t->all, one, next) {
		if (rc == 0)
			rc = json_array_append_new(
				rows,
				json_pack("{s:s#, s:s, s:s}", "id", digest_hex(one->digest, hex),
					  ID_SIZE, "user", one->claims.user, "scope",
					  one->claims.scope ? one->claims.scope : ""));
	}
	if (rc == 0)
		return rows;
	json_decref(rows);
	return NULL;
}

/* ---- changes ---- */

/* The file as it is, or "" where there is none: malloc'd; NULL with E. */
static char *content(struct tokens *t, struct err *e)
{
	int fd = open(t->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	char *text;

	if (fd < 0 && errno == ENOENT) {
		text = strdup("");
	} else {
		text = fd >= 0 && fstat(fd, &st) == 0 ? read_whole(fd, &st) : NULL;
	}
	if (!text)
		err_errno(e, "%s", t->file);
	if (fd >= 0)
		close(fd);
	return text;
}

static int write_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return fsync(fd);
}

/* The new file takes the place of the old one in one step, or not at all. */
static int replace(struct tokens *t, const char *text, struct err *e)
{
	int fd, rc = 0;

	unlink(t->temp);
	fd = open(t->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(e, "%s", t->temp);
	if (write_all(fd, text) < 0)
		rc = err_errno(e, "%s", t->temp);
	close(fd);
	if (rc == 0 && rename(t->temp, t->file) < 0)
		rc = err_errno(e, "%s", t->file);
	if (rc < 0)
		unlink(t->temp);
	return rc;
}

int tokens_add(struct tokens *t, const char *user, const char *digest_hex_, const char *scope,
	       struct err *e)
{
	unsigned char digest[DIGEST_SIZE];
	char *text, *longer;
	int rc;

	if (!user_ok(user))
		return err_set(e, ERR_INVALID,
			       "a user has 1 to %d bytes, no spaces, and no \"#\" "
			       "at the beginning",
			       MAX_USER);
	if (!digest_parse(digest_hex_, digest))
		return err_set(e, ERR_INVALID, "a digest has 64 hexadecimal digits");
	if (scope && (strpbrk(scope, "\r\n\t\"\\") || !is_utf8(scope)))
		return err_set(e, ERR_INVALID, "scopes are words with spaces between them");
	if (tokens_find(t, digest))
		return err_set(e, ERR_EXISTS, "there is a token with this digest");
	text = content(t, e);
	if (!text)
		return e->code;
	rc = asprintf(&longer, "%s%s%s %s%s%s\n", text,
		      *text && text[strlen(text) - 1] != '\n' ? "\n" : "", digest_hex_, user,
		      scope && *scope ? " " : "", scope ? scope : "");
	free(text);
	if (rc < 0)
		return err_set(e, ERR_NOMEM, "out of memory");
	rc = replace(t, longer, e);
	free(longer);
	return rc;
}

/* How many tokens have a digest that begins with ID; HEX_R is that of the last one. */
static unsigned count_matches(struct tokens *t, const char *id, char hex_r[DIGEST_HEX_SIZE])
{
	struct token *one, *next;
	char hex[DIGEST_HEX_SIZE];
	unsigned n = 0;

	HASH_ITER (hh, t->all, one, next) {
		if (strncmp(digest_hex(one->digest, hex), id, strlen(id)) == 0) {
			memcpy(hex_r, hex, DIGEST_HEX_SIZE);
			n++;
		}
	}
	return n;
}

/* Takes the lines out of TEXT that begin with HEX. */
static void cut_lines(char *text, const char *hex)
{
	char *to = text;

	while (*text) {
		size_t len = strcspn(text, "\n");
		size_t blank = strspn(text, " \t");

		len += text[len] == '\n';
		if (strncasecmp(text + blank, hex, strlen(hex)) != 0) {
			memmove(to, text, len);
			to += len;
		}
		text += len;
	}
	*to = '\0';
}

int tokens_revoke(struct tokens *t, const char *id, struct err *e)
{
	char hex[DIGEST_HEX_SIZE], *text;
	unsigned n;
	int rc;

	tokens_refresh(t);
	n = strlen(id) >= MIN_PREFIX ? count_matches(t, id, hex) : 0;
	if (n == 0)
		return err_set(e, ERR_NOTFOUND, "no token \"%s\"", id);
	if (n > 1)
		return err_set(e, ERR_EXISTS, "\"%s\" stands for %u tokens", id, n);
	text = content(t, e);
	if (!text)
		return e->code;
	cut_lines(text, hex);
	rc = replace(t, text, e);
	free(text);
	if (rc == 0)
		tokens_refresh(t); /* what the token opened ends now, not with the next request */
	return rc;
}
