/* SPDX-License-Identifier: ISC */
/* A secret from the terminal, and signals that come in the worst moment: between the last look at
 * what came and the wait for more. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/context.h"
#include "cli/secret.h"

static int worst_signal, signals_seen;
static int failing_polls, poll_errno;
static int terminal = -1; /* the other side of standard input */

ssize_t __real_read(int fd, void *buf, size_t size);
ssize_t __wrap_read(int fd, void *buf, size_t size);
int __real_poll(struct pollfd *fds, nfds_t n, int ms);
int __wrap_poll(struct pollfd *fds, nfds_t n, int ms);

static void strike(void)
{
	int sig = worst_signal;

	worst_signal = 0;
	if (sig != 0)
		raise(sig);
}

ssize_t __wrap_read(int fd, void *buf, size_t size)
{
	strike();
	return __real_read(fd, buf, size);
}

int __wrap_poll(struct pollfd *fds, nfds_t n, int ms)
{
	strike();
	if (failing_polls > 0) {
		failing_polls--;
		errno = poll_errno;
		return -1;
	}
	return __real_poll(fds, n, ms);
}

static void see_signal(int sig)
{
	(void)sig;
	signals_seen++;
}

/* Standard input becomes a terminal. */
static int set_up(void **state)
{
	int fd;

	(void)state;
	alarm(60); /* the watchdog */
	terminal = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(terminal >= 0);
	assert_int_equal(grantpt(terminal), 0);
	assert_int_equal(unlockpt(terminal), 0);
	fd = open(ptsname(terminal), O_RDWR | O_NOCTTY);
	assert_true(fd >= 0);
	assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	close(fd);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(terminal);
	return 0;
}

static bool echoes(void)
{
	struct termios t;

	assert_int_equal(tcgetattr(STDIN_FILENO, &t), 0);
	return (t.c_lflag & ECHO) != 0;
}

static void a_signal_in_the_worst_moment_ends_it(void **state)
{
	static const int all[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
	struct sigaction see = {.sa_handler = see_signal}, before;
	const struct mcpctl m = {.shell = false};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		char *secret;

		sigaction(all[i], &see, &before);
		signals_seen = 0;
		worst_signal = all[i];
		assert_int_equal(secret_read(&m, "Secret", &secret), STATUS_DATA);
		assert_null(secret);
		assert_int_equal(signals_seen, 1); /* it goes on to whom it was for */
		assert_true(echoes());
		sigaction(all[i], &before, NULL);
	}
}

static void write_later(int sig)
{
	(void)sig;
	if (write(terminal, "ab cd\r", 6) != 6)
		abort();
}

/* What is typed before the prompt is dropped, so it comes once somebody waits for it. */
static void a_line_is_read(void **state)
{
	struct sigaction type = {.sa_handler = write_later}, before;
	const struct mcpctl m = {.shell = false};
	char *secret;

	(void)state;
	sigaction(SIGUSR1, &type, &before);
	worst_signal = SIGUSR1;
	assert_int_equal(secret_read(&m, "Secret", &secret), STATUS_OK);
	assert_string_equal(secret, "ab cd");
	secret_free(&secret);
	assert_true(echoes());
	sigaction(SIGUSR1, &before, NULL);
}

/* A wait that a signal of other programs' interest ended (SIGCONT, SIGWINCH) goes on. */
static void other_signals_do_not_end_it(void **state)
{
	failing_polls = 3;
	poll_errno = EINTR;
	a_line_is_read(state);
	assert_int_equal(failing_polls, 0);
}

static void a_wait_that_fails_gives_no_secret(void **state)
{
	const struct mcpctl m = {.shell = false};
	char *secret;

	(void)state;
	failing_polls = 1;
	poll_errno = ENOMEM;
	assert_int_equal(secret_read(&m, "Secret", &secret), STATUS_DATA);
	assert_null(secret);
	assert_true(echoes());
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signal_in_the_worst_moment_ends_it),
		cmocka_unit_test(a_line_is_read),
		cmocka_unit_test(other_signals_do_not_end_it),
		cmocka_unit_test(a_wait_that_fails_gives_no_secret),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
