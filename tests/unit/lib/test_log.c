/* SPDX-License-Identifier: ISC */
#include "support.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/log.h"
#include "lib/logout.h"

static const struct log_scope scope = {"s1", "joe", "git", "idle"};

/* stderr while a test has it; failures must be told on the real one. */
static int real_stderr = -1;

static void stderr_to(int fd)
{
	fflush(stderr);
	if (real_stderr < 0)
		real_stderr = dup(STDERR_FILENO);
	dup2(fd, STDERR_FILENO);
}

static void stderr_back(void)
{
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	real_stderr = -1;
}

static char output[1 << 20];

/* Reads what is in FD into output[]. */
static void collect(int fd)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, output + len, sizeof output - 1 - len)) > 0)
		len += (size_t)n;
	output[len] = '\0';
}

/* What FN logs, with stderr as a file. */
static const char *logged(enum log_target target, void (*fn)(void))
{
	FILE *f = tmpfile();

	assert_non_null(f);
	stderr_to(fileno(f));
	log_open(target, "mcpd");
	fn();
	log_close();
	stderr_back();
	lseek(fileno(f), 0, SEEK_SET);
	collect(fileno(f));
	fclose(f);
	return output;
}

static void every_level(void)
{
	log_error(NULL, "e %d", 1);
	log_warn(NULL, "w");
	log_notice(NULL, "n");
	log_info(NULL, "i");
	log_debug(NULL, "d");
	log_lifecycle(NULL, "Session created: %s", "abc");
}

static void test_plain(void **state)
{
	(void)state;
	assert_string_equal(logged(LOG_TARGET_STDERR, every_level),
			    "error: e 1\nwarning: w\nn\nSession created: abc\n");
}

static void test_levels(void **state)
{
	static const char *const lines[] = {"error: e 1\n", "warning: w\n", "n\n", "i\n", "d\n"};

	(void)state;
	for (int level = LOGL_ERROR; level <= LOGL_DEBUG; level++) {
		char want[128] = "";

		for (int i = 0; i <= level; i++)
			strcat(want, lines[i]);
		if (level >= LOGL_NOTICE)
			strcat(want, "Session created: abc\n");
		log_set_level((enum log_level)level);
		assert_int_equal(log_get_level(), level);
		assert_string_equal(logged(LOG_TARGET_STDERR, every_level), want);
	}
	log_set_level(LOGL_NOTICE);
}

static void test_level_names(void **state)
{
	enum log_level level;

	(void)state;
	for (int i = LOGL_ERROR; i <= LOGL_DEBUG; i++) {
		assert_int_equal(log_level_parse(log_level_name((enum log_level)i), &level), 0);
		assert_int_equal(level, i);
	}
	assert_int_equal(log_level_parse("warn", &level), 0);
	assert_int_equal(level, LOGL_WARN);
	assert_int_equal(log_level_parse("DEBUG", &level), 0);
	assert_int_equal(level, LOGL_DEBUG);
	assert_int_equal(log_level_parse("", &level), ERR_INVALID);
	assert_int_equal(log_level_parse("loud", &level), ERR_INVALID);
}

static void scopes(void)
{
	const struct log_scope odd = {"", "joe doe", "a=\"b\"", "x\ny"};

	log_notice(&scope, "one");
	log_lifecycle(&scope, "Session closed: s1 (user: joe)");
	log_warn(&(struct log_scope){.backend = "git"}, "two");
	log_notice(&odd, "three");
}

static void test_scope(void **state)
{
	(void)state;
	assert_string_equal(logged(LOG_TARGET_STDERR, scopes),
			    "one session=s1 user=joe backend=git reason=idle\n"
			    "Session closed: s1 (user: joe)\n"
			    "warning: two backend=git\n"
			    "three session=\"\" user=\"joe doe\" backend=\"a=\\x22b\\x22\""
			    " reason=x\\x0ay\n");
}

static void forger(void)
{
	log_notice(NULL, "hello %s", "joe\nSession closed: x\r\x1b[2J\\\x7f\xff\xc3\xa9");
}

static void test_forged(void **state)
{
	(void)state;
	assert_string_equal(
		logged(LOG_TARGET_STDERR, forger),
		"hello joe\\x0aSession closed: x\\x0d\\x1b[2J\\x5c\\x7f\\xff\xc3\xa9\n");
}

/* Compares one line of JSON, but for its time, which must be a plausible one. */
static void expect_json(const char *line, const char *want)
{
	json_error_t e;
	json_t *got = json_loads(line, JSON_DISABLE_EOF_CHECK, &e), *stamp;
	int year, month, day, hour, minute, second, ms;
	char end;

	if (!got)
		fail_msg("%s: %s", line, e.text);
	stamp = json_object_get(got, "time");
	assert_true(json_is_string(stamp));
	assert_int_equal(sscanf(json_string_value(stamp), "%4d-%2d-%2dT%2d:%2d:%2d.%3d%c", &year,
				&month, &day, &hour, &minute, &second, &ms, &end),
			 8);
	assert_int_equal(end, 'Z');
	assert_in_range(year, 2020, 2200);
	json_object_del(got, "time");
	assert_true(json_is(got, want));
	json_decref(got);
}

static void test_json(void **state)
{
	const char *line;

	(void)state;
	line = logged(LOG_TARGET_JSON, scopes);
	expect_json(line, "{'level':'notice','session':'s1','user':'joe','backend':'git',"
			  "'reason':'idle','message':'one'}");
	line = strchr(line, '\n') + 1;
	expect_json(line,
		    "{'level':'notice','lifecycle':true,'session':'s1','user':'joe',"
		    "'backend':'git','reason':'idle','message':'Session closed: s1 (user: joe)'}");
	line = strchr(line, '\n') + 1;
	expect_json(line, "{'level':'warning','backend':'git','message':'two'}");
	line = strchr(line, '\n') + 1;
	expect_json(line, "{'level':'notice','session':'','user':'joe doe',"
			  "'backend':'a=\\\"b\\\"','reason':'x\\\\x0ay','message':'three'}");
	line = strchr(line, '\n') + 1;
	assert_string_equal(line, "");
	expect_json(logged(LOG_TARGET_JSON, forger),
		    "{'level':'notice','message':'hello joe\\\\x0aSession closed: "
		    "x\\\\x0d\\\\x1b[2J\\\\x5c\\\\x7f\\\\xff\\u00e9'}");
}

static void long_lines(void)
{
	static const char *const fillers[] = {"x", "\"", "\\", "\xc3\xa9", "\xf0\x9f\x98\x80"};
	static char text[20000];

	for (size_t i = 0; i < sizeof fillers / sizeof fillers[0]; i++) {
		struct log_scope big = {text, text, text, text};

		text[0] = 'a';
		text[1] = '\0';
		for (size_t n = 1; n + 5 < sizeof text; n += strlen(fillers[i]))
			strcpy(text + n, fillers[i]);
		log_notice(&big, "%s", text);
	}
}

/* A line is cut, never broken: a pipe takes it whole, JSON stays JSON, characters stay whole. */
static void test_long(void **state)
{
	static const enum log_target targets[] = {LOG_TARGET_STDERR, LOG_TARGET_JSON};

	(void)state;
	for (int i = 0; i < 2; i++) {
		const char *line = logged(targets[i], long_lines);
		int n = 0;

		for (; *line; n++) {
			size_t len = strcspn(line, "\n");
			json_t *text = json_stringn(line, len); /* NULL if not UTF-8 */

			assert_in_range(len, 1000, PIPE_BUF - 1);
			assert_non_null(text);
			json_decref(text);
			if (targets[i] == LOG_TARGET_JSON) {
				json_t *value = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);

				assert_non_null(value);
				json_decref(value);
			}
			line += len + 1;
		}
		assert_int_equal(n, 5);
	}
}

/* $JOURNAL_STREAM names stderr: each line begins with its priority. */
static void test_journal(void **state)
{
	FILE *f = tmpfile();
	struct stat st;
	char stream[64];

	(void)state;
	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_set_level(LOGL_DEBUG);
	stderr_to(fileno(f));
	log_open(LOG_TARGET_STDERR, "mcpd");
	every_level();
	log_notice(&scope, "scoped");
	log_close();
	stderr_back();
	log_set_level(LOGL_NOTICE);
	lseek(fileno(f), 0, SEEK_SET);
	collect(fileno(f));
	fclose(f);
	assert_string_equal(output, "<3>e 1\n<4>w\n<5>n\n<6>i\n<7>d\n<5>Session created: abc\n"
				    "<5>scoped session=s1 user=joe backend=git reason=idle\n");
	/* It names something else, or nothing that can be read: no priorities. */
	setenv("JOURNAL_STREAM", "0:1", 1);
	assert_non_null(strstr(logged(LOG_TARGET_STDERR, every_level), "error: e 1\n"));
	setenv("JOURNAL_STREAM", "garbage", 1);
	assert_non_null(strstr(logged(LOG_TARGET_STDERR, every_level), "error: e 1\n"));
	unsetenv("JOURNAL_STREAM");
}

/* On a terminal each line begins with the time. */
static void test_terminal(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	int year, month, day, hour, minute, second, ms, n = 0;

	(void)state;
	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0) {
		print_message("# no pseudo-terminals here\n");
		return;
	}
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_true(slave >= 0);
	stderr_to(slave);
	log_open(LOG_TARGET_STDERR, "mcpd");
	log_warn(NULL, "w");
	log_close();
	stderr_back();
	output[read(master, output, 200)] = '\0';
	assert_int_equal(sscanf(output, "%4d-%2d-%2d %2d:%2d:%2d.%3d %n", &year, &month, &day,
				&hour, &minute, &second, &ms, &n),
			 7);
	assert_int_equal(n, 24);
	assert_string_equal(output + n, "warning: w\r\n");
	close(slave);
	close(master);
}

/* A disk that is full takes nothing; when it has room again, the loss is told. */
static void test_full_disk(void **state)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	FILE *f = tmpfile();

	(void)state;
	assert_true(full >= 0);
	assert_non_null(f);
	stderr_to(full);
	log_open(LOG_TARGET_STDERR, "mcpd");
	log_notice(NULL, "lost");
	log_warn(NULL, "lost too");
	dup2(fileno(f), STDERR_FILENO);
	log_notice(NULL, "kept");
	log_notice(NULL, "kept too");
	log_close();
	stderr_back();
	lseek(fileno(f), 0, SEEK_SET);
	collect(fileno(f));
	assert_string_equal(output,
			    "warning: 2 log lines lost: No space left on device\nkept\nkept too\n");
	fclose(f);
	close(full);
}

/* How often C is in the output. */
static int count(char c)
{
	int n = 0;

	for (const char *p = output; *p; p++)
		n += *p == c;
	return n;
}

/* Nobody reads the pipe just now: lines wait, nothing waits for them, and they arrive in order. (If
 * log_notice() waited, the alarm would end this program.) */
static void test_slow_reader(void **state)
{
	unsigned long before = log_lost();
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	stderr_to(fds[1]);
	log_open(LOG_TARGET_STDERR, "mcpd");
	alarm(60);
	for (int i = 0; i < 10000; i++)
		log_notice(NULL, "line %d, a line that is long enough to fill a pipe", i);
	alarm(0);
	for (int i = 0; i < 10000; i++) {
		char line[100], wanted[100];
		size_t len = 0;

		while (len < sizeof line && read(fds[0], line + len, 1) == 1 && line[len] != '\n')
			len++;
		line[len] = '\0';
		snprintf(wanted, sizeof wanted,
			 "line %d, a line that is long enough to fill a pipe", i);
		if (strcmp(line, wanted) != 0)
			stderr_back();
		assert_string_equal(line, wanted);
		if (i % 500 == 499)
			log_notice(NULL,
				   "one more"); /* each new line takes those that wait along */
	}
	log_close();
	stderr_back();
	close(fds[1]);
	collect(fds[0]);
	assert_int_equal(count('\n'), 20);
	assert_int_equal(log_lost(), before);
	close(fds[0]);
}

/* The loop writes what waits, as soon as there is room, without a further line. */
static void test_loop_writes(void **state)
{
	const size_t expected =
		5000 * strlen("line 0000, a line that is long enough to fill a pipe\n");
	struct event_base *base = event_base_new();
	size_t total = 0;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	stderr_to(fds[1]);
	log_open(LOG_TARGET_STDERR, "mcpd");
	log_attach(base);
	for (int i = 0; i < 5000; i++)
		log_notice(NULL, "line %04d, a line that is long enough to fill a pipe", i);
	alarm(60);
	for (ssize_t n = 0; total<expected; total += n> 0 ? (size_t)n : 0) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		n = read(fds[0], output, sizeof output);
	}
	alarm(0);
	log_detach();
	event_base_free(base);
	log_close();
	stderr_back();
	close(fds[1]);
	assert_int_equal(total, expected);
	assert_int_equal(read(fds[0], output, 1), 0);
	close(fds[0]);
}

/* Nobody reads the pipe for too long: what is lost is told in its place, with its number and why.
 */
static void test_stuck_reader(void **state)
{
	unsigned long told = 0, before = log_lost(), written = 0;
	static char text[1000];
	int fds[2];
	char *p;

	(void)state;
	memset(text, 'x', sizeof text - 1);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	stderr_to(fds[1]);
	log_open(LOG_TARGET_STDERR, "mcpd");
	alarm(60);
	for (int i = 0; i < 10000; i++)
		log_notice(NULL, "%s", text);
	told = log_lost() - before;
	for (int i = 0; i < 100000; i++) {
		collect(fds[0]);
		written += (unsigned long)count('\n');
		p = strstr(output, "warning: ");
		if (p)
			break;
		log_notice(NULL, "last");
	}
	alarm(0);
	if (p) {
		unsigned long said = 0;
		char first[16] = "";

		sscanf(p, "warning: %lu log lines lost: the reader of the log is too slow\n%8s",
		       &said, first);
		stderr_back();
		assert_int_equal(said,
				 log_lost() - before); /* also those that came while it was told */
		assert_string_equal(first, "last");
	} else {
		stderr_back();
		fail_msg("nothing was told of %lu lines", told);
	}
	assert_in_range(told, 10000 - 5000, 10000 - 4000);
	assert_true(written > 10000 - told);
	stderr_to(fds[1]);
	log_close();
	stderr_back();
	close(fds[1]);
	close(fds[0]);
}

/* A datagram for each line, also to a system's log that was started anew. */
static void test_syslog(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	char dir[] = "/tmp/mcpd-unit-XXXXXX", got[4096], wanted[64];
	unsigned long before = log_lost();
	int fd[2];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(sa.sun_path, sizeof sa.sun_path, "%s/log", dir);
	logout_syslog_path = sa.sun_path;
	snprintf(wanted, sizeof wanted, " mcpd[%d]: warning line user=joe", (int)getpid());
	log_open(LOG_TARGET_SYSLOG, "mcpd");
	log_notice(NULL, "nobody listens yet");
	for (int i = 0; i < 2; i++) {
		fd[i] = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		assert_int_equal(bind(fd[i], (struct sockaddr *)&sa, sizeof sa), 0);
		log_warn(&(struct log_scope){.user = "joe"}, "warning line");
		memset(got, 0, sizeof got);
		if (i == 0) /* first what was lost */
			assert_true(recv(fd[i], got, sizeof got - 1, 0) > 0);
		if (i == 0)
			assert_non_null(strstr(got, "1 log lines lost: "));
		memset(got, 0, sizeof got);
		assert_true(recv(fd[i], got, sizeof got - 1, 0) > 0);
		assert_ptr_equal(strstr(got, "<28>"), got); /* daemon, warning */
		assert_non_null(strstr(got, wanted));
		assert_null(strchr(got, '\n'));
		if (i == 0)
			close(fd[i]);
		unlink(sa.sun_path);
	}
	/* One that does not read: lines wait, and come when it does. */
	alarm(60);
	for (int i = 0; i < 2000; i++)
		log_notice(NULL, "line %d", i);
	for (int i = 0; i < 2000; i++) {
		memset(got, 0, sizeof got);
		while (recv(fd[1], got, sizeof got - 1, 0) < 0)
			log_notice(NULL, "one more");
		snprintf(wanted, sizeof wanted, "]: line %d", i);
		assert_non_null(strstr(got, wanted));
	}
	alarm(0);
	for (int i = 0; i < 1000; i++) {
		while (recv(fd[1], got, sizeof got - 1, 0) >= 0)
			continue;
		log_notice(NULL, "takes along those that wait");
	}
	assert_int_equal(log_lost(), before + 1);
	close(fd[1]);
	log_close();
	logout_syslog_path = "/dev/log";
	rmdir(dir);
}

static void test_closed_pipe(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	signal(SIGPIPE, SIG_IGN);
	stderr_to(fds[1]);
	log_open(LOG_TARGET_STDERR, "mcpd");
	log_notice(NULL, "nobody is there");
	close(STDERR_FILENO);
	log_notice(NULL, "not even a descriptor");
	stderr_to(fds[1]);
	log_close();
	stderr_back();
	close(fds[1]);
	signal(SIGPIPE, SIG_DFL);
	/* The two are accounted for, so that the next test starts afresh. */
	logged(LOG_TARGET_STDERR, forger);
	assert_ptr_equal(strstr(output, "warning: 2 log lines lost: "), output);
}

static void with_errno(void)
{
	errno = ENOENT;
	log_notice(&scope, "open: %s", strerror(errno));
}

static void test_errno(void **state)
{
	(void)state;
	logged(LOG_TARGET_STDERR, with_errno);
	errno = ENOENT;
	log_debug(NULL, "not shown");
	assert_int_equal(errno, ENOENT);
	stderr_to(open("/dev/full", O_WRONLY));
	errno = EACCES;
	log_notice(NULL, "x");
	stderr_back();
	logged(LOG_TARGET_STDERR, with_errno);
	assert_ptr_equal(strstr(output, "warning: 1 log lines lost: "), output);
}

/* ---- subscribers ---- */

static char seen[4096];
static const struct log_line *last;
static int calls;

static void on_line(const struct log_line *line, void *arg)
{
	size_t len = strlen(seen);

	last = line;
	calls++;
	snprintf(seen + len, sizeof seen - len, "%s%s:%s%s/%s;", (const char *)arg,
		 log_level_name(line->level), line->lifecycle ? "!" : "", line->text,
		 line->scope->session ? line->scope->session : "-");
	assert_true(line->time > 1.5e9);
	errno = EBADF;
}

static void two_lines(void)
{
	errno = ENOENT;
	log_warn(&scope, "a\nb");
	assert_int_equal(errno, ENOENT);
	log_debug(NULL, "below the level");
	log_lifecycle(NULL, "Session created: x");
}

static void test_subscribe(void **state)
{
	char one[] = "1", two[] = "2";

	(void)state;
	seen[0] = '\0';
	assert_int_equal(log_subscribe(on_line, one), 0);
	assert_int_equal(log_subscribe(on_line, two), 0);
	logged(LOG_TARGET_STDERR, two_lines);
	assert_string_equal(seen, "1warning:a\\x0ab/s1;2warning:a\\x0ab/s1;"
				  "1notice:!Session created: x/-;2notice:!Session created: x/-;");
	log_unsubscribe(on_line, one);
	log_unsubscribe(on_line, one);
	seen[0] = '\0';
	logged(LOG_TARGET_STDERR, forger);
	assert_ptr_equal(strstr(seen, "2notice:hello joe"), seen);
	log_unsubscribe(on_line, two);
	calls = 0;
	logged(LOG_TARGET_STDERR, every_level);
	assert_int_equal(calls, 0);
}

static void test_subscriber_limit(void **state)
{
	static char args[64];

	(void)state;
	for (int i = 0; i < 64; i++)
		assert_int_equal(log_subscribe(on_line, &args[i]), 0);
	assert_int_equal(log_subscribe(on_line, args), ERR_LIMIT);
	log_unsubscribe(on_line, &args[7]);
	assert_int_equal(log_subscribe(on_line, &args[7]), 0);
	calls = 0;
	logged(LOG_TARGET_STDERR, forger);
	assert_int_equal(calls, 64);
	for (int i = 0; i < 64; i++)
		log_unsubscribe(on_line, &args[i]);
}

/* Logs, goes, brings another: all from inside. */
static void on_busy_line(const struct log_line *line, void *arg)
{
	(void)line;
	calls++;
	log_notice(NULL, "from inside");
	log_unsubscribe(on_busy_line, arg);
	assert_int_equal(log_subscribe(on_line, arg), 0);
}

static void one_line(void)
{
	log_notice(NULL, "line");
}

static void test_subscriber_inside(void **state)
{
	char first[] = "a", second[] = "b";

	(void)state;
	calls = 0;
	seen[0] = '\0';
	assert_int_equal(log_subscribe(on_busy_line, first), 0);
	assert_int_equal(log_subscribe(on_busy_line, second), 0);
	assert_string_equal(logged(LOG_TARGET_STDERR, one_line),
			    "line\nfrom inside\nfrom inside\n");
	assert_int_equal(calls, 2);
	assert_string_equal(seen, "");
	assert_string_equal(logged(LOG_TARGET_STDERR, one_line), "line\n");
	assert_string_equal(seen, "anotice:line/-;bnotice:line/-;");
	log_unsubscribe(on_line, first);
	log_unsubscribe(on_line, second);
	calls = 0;
	logged(LOG_TARGET_STDERR, one_line);
	assert_int_equal(calls, 0);
}

/* What libevent has to say becomes a line of ours, which no subscriber sees: a subscriber may use
 * libevent, and libevent must not be called from inside its own log. */
static void upset_libevent(void)
{
	struct event_base *base = event_base_new();

	event_base_loopexit(base, NULL);
	event_base_loop(base, 0);
	event_base_free(base);
	event_base_free(NULL);
}

static void test_libevent(void **state)
{
	char arg[] = "";

	(void)state;
	calls = 0;
	assert_int_equal(log_subscribe(on_line, arg), 0);
	logged(LOG_TARGET_STDERR, upset_libevent);
	log_unsubscribe(on_line, arg);
	assert_string_equal(output, "warning: libevent: event_base_free_: no base to free\n");
	assert_int_equal(calls, 0);
}

/* ---- escaping ---- */

static const struct {
	const char *in, *want;
} escapes[] = {
	{"", ""},
	{"plain text", "plain text"},
	{"\x01\x1f\x7f\t", "\\x01\\x1f\\x7f\\x09"},
	{"a\\b", "a\\x5cb"},
	{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
	{"\x80\xbf", "\\x80\\xbf"},
	{"\xc3", "\\xc3"},
	{"\xc3x", "\\xc3x"},
	{"\xe2\x82", "\\xe2\\x82"},
	{"\xc0\x80\xc1\xbf", "\\xc0\\x80\\xc1\\xbf"},	       /* overlong */
	{"\xe0\x80\x80", "\\xe0\\x80\\x80"},		       /* overlong */
	{"\xed\xa0\x80", "\\xed\\xa0\\x80"},		       /* surrogate */
	{"\xf4\x90\x80\x80\xf5", "\\xf4\\x90\\x80\\x80\\xf5"}, /* above U+10FFFF */
	{"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
	{"\xc2\x9b"
	 "2J",
	 "\\xc2\\x9b"
	 "2J"}, /* CSI as a C1 control */
	{"\xc2\xa0", "\xc2\xa0"},
	{"\xe2\x80\xa8\xe2\x80\xae", "\\xe2\\x80\\xa8\\xe2\\x80\\xae"}, /* line separator, RLO */
	{"\xe2\x81\xa6", "\\xe2\\x81\\xa6"},				/* LRI */
};

static void test_escape(void **state)
{
	char out[256];

	(void)state;
	for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++) {
		size_t len = log_escape(out, sizeof out, escapes[i].in, strlen(escapes[i].in));

		assert_string_equal(out, escapes[i].want);
		assert_int_equal(len, strlen(out));
	}
	assert_int_equal(log_escape(out, sizeof out, "a\0b", 3), 6);
	assert_string_equal(out, "a\\x00b");
}

/* Into every size of buffer: terminated, and no half of a character or an escape at the end. */
static void test_escape_cut(void **state)
{
	static const char in[] = "a\n\xc3\xa9\\\xf0\x9f\x98\x80z\xff";
	static const size_t ends[] = {0, 1, 5, 7, 11, 15, 16, 20};
	char whole[64];

	(void)state;
	assert_int_equal(log_escape(whole, sizeof whole, in, sizeof in - 1), 20);
	for (size_t size = 1; size <= 24; size++) {
		char *out = malloc(size); /* a sanitizer sees every byte too many */
		size_t len, want = 0;

		for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
			if (ends[i] < size)
				want = ends[i];
		len = log_escape(out, size, in, sizeof in - 1);
		assert_int_equal(len, want);
		assert_int_equal(out[len], '\0');
		assert_memory_equal(out, whole, len);
		free(out);
	}
	assert_int_equal(log_escape(NULL, 0, in, sizeof in - 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_level_names),
		cmocka_unit_test(test_scope),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_loop_writes),
		cmocka_unit_test(test_stuck_reader),
		cmocka_unit_test(test_syslog),
		cmocka_unit_test(test_closed_pipe),
		cmocka_unit_test(test_errno),
		cmocka_unit_test(test_subscribe),
		cmocka_unit_test(test_subscriber_limit),
		cmocka_unit_test(test_subscriber_inside),
		cmocka_unit_test(test_libevent),
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_escape_cut),
	};

	unsetenv("JOURNAL_STREAM");
	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
