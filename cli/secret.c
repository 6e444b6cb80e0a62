/* SPDX-License-Identifier: ISC */
#include "cli/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <termios.h>
#include <unistd.h>

#include "cli/complain.h"
#include "cli/context.h"

#define MAX_SECRET 8192
#define MIN_TOKEN  16 /* less can be guessed */

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
#define N_SIGNALS (sizeof signals / sizeof *signals)

static volatile sig_atomic_t caught;
/* A signal that comes after the last look at caught and before the wait would not end that wait.
 * What it writes here does. */
static int wake[2];

static void on_signal(int sig)
{
	int before = errno;

	caught = sig;
	if (write(wake[1], "", 1) < 0)
		errno = before; /* it is full: enough to wake anybody */
}

/* Like read(), of one byte. WAKE_FD (-1: none) is readable once a signal came. */
static ssize_t read_byte(int fd, int wake_fd, char *byte)
{
	struct pollfd either[] = {{.fd = fd, .events = POLLIN}, {.fd = wake_fd, .events = POLLIN}};

	if (wake_fd >= 0 && poll(either, 2, -1) < 0)
		return -1;
	if (caught == 0)
		return read(fd, byte, 1);
	errno = EINTR;
	return -1;
}

/* One line of FD without its end. 0; -1: none, or it is too long, or a signal came. A byte at a
 * time: what comes after the line belongs to somebody else. */
static int read_line(int fd, int wake_fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (caught == 0 && len < size && (n = read_byte(fd, wake_fd, buf + len)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (buf[len] == '\n')
			break;
		len++;
	}
	if (caught != 0 || len == size)
		return -1;
	if (len > 0 && buf[len - 1] == '\r')
		len--;
	buf[len] = '\0';
	return memchr(buf, '\0', len) ? -1 : 0;
}

/* Without echo. The terminal is as before when this returns, or when a signal ends or stops us. */
static int ask_terminal(int fd, const char *prompt, char *buf, size_t size)
{
	struct sigaction catch = {.sa_handler = on_signal}, before[N_SIGNALS];
	struct termios old, quiet;
	int rc;

	if (tcgetattr(fd, &old) < 0 || pipe2(wake, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	quiet.c_lflag |= ICANON | ISIG;
	quiet.c_iflag |= ICRNL; /* also where readline was just now */
	sigemptyset(&catch.sa_mask);
	caught = 0;
	for (size_t i = 0; i < N_SIGNALS; i++)
		sigaction(signals[i], &catch, &before[i]);
	rc = tcsetattr(fd, TCSAFLUSH, &quiet);
	fprintf(stderr, "%s: ", prompt);
	fflush(stderr);
	if (rc == 0)
		rc = read_line(fd, wake[0], buf, size);
	tcsetattr(fd, TCSAFLUSH, &old);
	fputc('\n', stderr);
	for (size_t i = 0; i < N_SIGNALS; i++)
		sigaction(signals[i], &before[i], NULL);
	close(wake[0]);
	close(wake[1]);
	if (caught != 0)
		raise(caught);
	return rc;
}

static enum status no_secret(const char *why)
{
	return complain(STATUS_DATA, "no secret was given%s", why);
}

enum status secret_read(const struct mcpctl *m, const char *prompt, char **secret_r)
{
	char *buf = malloc(MAX_SECRET);
	bool terminal = isatty(STDIN_FILENO);
	enum status status = STATUS_OK;
	int rc;

	*secret_r = NULL;
	if (!buf)
		return complain(STATUS_INTERNAL, "out of memory");
	caught = 0;
	if (!terminal && m->keep_stdin)
		rc = -1;
	else
		rc = terminal ? ask_terminal(STDIN_FILENO, prompt, buf, MAX_SECRET)
			      : read_line(STDIN_FILENO, -1, buf, MAX_SECRET);
	if (!terminal && m->keep_stdin)
		status = complain(STATUS_USAGE,
				  "standard input holds the commands: no secret can be "
				  "read from it");
	else if (caught != 0)
		status = no_secret("");
	else if (rc < 0)
		status = no_secret(", or it is no line of text");
	else if (buf[0] == '\0')
		status = no_secret("");
	if (status == STATUS_OK)
		*secret_r = buf;
	else
		secret_free(&buf);
	return status;
}

void secret_free(char **secret)
{
	char *s = *secret;

	*secret = NULL;
	if (!s)
		return;
	explicit_bzero(s, MAX_SECRET);
	free(s);
}

enum status secret_make(char **token_r, char digest_r[DIGEST_HEX_SIZE])
{
	unsigned char random[DIGEST_SIZE], digest[DIGEST_SIZE];
	char *token = malloc(MAX_SECRET); /* secret_free() wipes as much */

	*token_r = NULL;
	if (!token)
		return complain(STATUS_INTERNAL, "out of memory");
	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
		free(token);
		return complain(STATUS_INTERNAL, "no random numbers: %s", strerror(errno));
	}
	digest_hex(random, token);
	explicit_bzero(random, sizeof random);
	if (digest_sha256(token, DIGEST_HEX_SIZE - 1, digest) < 0) {
		secret_free(&token);
		return complain(STATUS_INTERNAL, "out of memory");
	}
	digest_hex(digest, digest_r);
	*token_r = token;
	return STATUS_OK;
}

enum status secret_digest(const char *token, char digest_r[DIGEST_HEX_SIZE])
{
	size_t len = strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				   "-._~+/");
	unsigned char digest[DIGEST_SIZE];

	if (len < MIN_TOKEN || token[len + strspn(token + len, "=")] != '\0')
		return complain(
			STATUS_DATA,
			"a token has %d or more of A-Z a-z 0-9 - . _ ~ + /, and maybe = after them",
			MIN_TOKEN);
	if (digest_sha256(token, strlen(token), digest) < 0)
		return complain(STATUS_INTERNAL, "out of memory");
	digest_hex(digest, digest_r);
	return STATUS_OK;
}
