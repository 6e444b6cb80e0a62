/* SPDX-License-Identifier: ISC */
/* The client of the control protocol against daemons of every kind, good and bad. */
#include "support.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/ctlclient.h"

#define HELLO                                                                                      \
	"{\"jsonrpc\":\"2.0\",\"method\":\"hello\",\"params\":{\"service\":\"mcpd-control\","      \
	"\"major\":1,\"minor\":7,\"version\":\"1.2.3\",\"level\":\"admin\"}}\n"
#define ROW(id, row)                                                                               \
	"{\"jsonrpc\":\"2.0\",\"method\":\"row\",\"params\":{\"id\":" id ",\"row\":" row "}}\n"
#define RESULT(id, result) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" result "}\n"
#define WATCHDOG_MS	   60000

static pid_t daemon_pid;

/* What a daemon does: SEND goes out in pieces of CHUNK bytes; then, for each line that comes in and
 * contains AWAIT, REPLY goes out; at the end of input it ends, or at once if it must HANG_UP. */
struct script {
	const char *send;
	size_t chunk; /* 0: all at once */
	const char *await, *reply;
	bool hang_up;
};

static void send_all(int fd, const char *text, size_t chunk)
{
	size_t len = strlen(text), n;

	for (; len > 0; text += n, len -= n) {
		n = chunk > 0 && chunk < len ? chunk : len;
		if (send(fd, text, n, MSG_NOSIGNAL) != (ssize_t)n)
			_exit(1);
	}
}

static void play(int fd, const struct script *s)
{
	char buf[65536];
	size_t len = 0;
	ssize_t n;

	send_all(fd, s->send, s->chunk);
	if (s->hang_up)
		_exit(0);
	while ((n = read(fd, buf + len, sizeof buf - 1 - len)) > 0) {
		len += (size_t)n;
		buf[len] = '\0';
		if (s->await && strchr(buf, '\n') && strstr(buf, s->await)) {
			send_all(fd, s->reply, s->chunk);
			len = 0;
		}
	}
	_exit(0);
}

/* A daemon of its own process. Sequential packets keep small writes apart on their way. */
static int start_daemon(const struct script *s)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, s->chunk ? SOCK_SEQPACKET : SOCK_STREAM, 0, fds), 0);
	daemon_pid = fork();
	assert_true(daemon_pid >= 0);
	if (daemon_pid == 0) {
		close(fds[0]);
		alarm(WATCHDOG_MS / 1000);
		play(fds[1], s);
	}
	close(fds[1]);
	return fds[0];
}

static void end_daemon(void)
{
	int status;

	assert_int_equal(waitpid(daemon_pid, &status, 0), daemon_pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static struct ctlclient *attach(const struct script *s, struct err *e)
{
	return ctlclient_attach(start_daemon(s), WATCHDOG_MS, e);
}

static bool gather(json_t *row, void *arg)
{
	json_array_append(arg, row);
	return true;
}

static int call(struct ctlclient *c, json_t *rows, json_t **answer_r, struct err *e)
{
	struct ctlclient_call how = {
		.method = "m",
		.timeout_ms = WATCHDOG_MS,
		.wake_fd = -1,
		.row = rows ? gather : NULL,
		.arg = rows,
	};

	return ctlclient_call(c, &how, answer_r, e);
}

static void rows_and_result_in_any_pieces(void **state)
{
	static const size_t chunks[] = {1, 2, 7, 0};

	(void)state;
	for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
		struct script s = {
			.send = HELLO,
			.chunk = chunks[i],
			.await = "\"id\":1",
			.reply = ROW("1", "{\"a\":1}") ROW("1", "{\"a\":2}")
				RESULT("1", "{\"rows\":2}"),
		};
		struct err e;
		struct ctlclient *c = attach(&s, &e);
		json_t *rows = json_array(), *answer;

		assert_non_null(c);
		assert_string_equal(ctlclient_version(c), "1.2.3");
		assert_int_equal(ctlclient_minor(c), 7);
		assert_int_equal(ctlclient_level(c), CTL_ADMIN);
		assert_int_equal(ctlclient_peer_uid(c), geteuid());
		assert_int_equal(call(c, rows, &answer, &e), 0);
		assert_true(json_is(rows, "[{'a':1},{'a':2}]"));
		assert_true(json_is(answer, "{'jsonrpc':'2.0','id':1,'result':{'rows':2}}"));
		json_decref(rows);
		json_decref(answer);
		ctlclient_close(&c);
		assert_null(c);
		end_daemon();
	}
}

static void messages_of_others_are_skipped(void **state)
{
	struct script s = {
		.send = HELLO,
		.await = "\"id\":1",
		.reply = "{\"jsonrpc\":\"2.0\",\"method\":\"news\",\"params\":{\"x\":1}}\n" ROW(
			"9", "{}") RESULT("9", "{}")
			ROW("\"1\"",
			    "{}") "{\"jsonrpc\":\"2.0\",\"method\":\"news\"}\n" RESULT("1", "{}"),
	};
	struct err e;
	struct ctlclient *c = attach(&s, &e);
	json_t *rows = json_array(), *answer;

	(void)state;
	assert_int_equal(call(c, rows, &answer, &e), 0);
	assert_int_equal(json_array_size(rows), 0);
	json_decref(rows);
	json_decref(answer);
	assert_true(ctlclient_alive(c));
	ctlclient_close(&c);
	end_daemon();
}

static void an_error_is_an_answer(void **state)
{
	struct script s = {
		.send = HELLO,
		.await = "\"id\":1",
		.reply = "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32010,\"message\":"
			 "\"no\"}}\n",
	};
	struct err e;
	struct ctlclient *c = attach(&s, &e);
	json_t *answer;

	(void)state;
	assert_int_equal(call(c, NULL, &answer, &e), 0);
	assert_non_null(json_object_get(answer, "error"));
	json_decref(answer);
	ctlclient_close(&c);
	end_daemon();
}

static void bad_hellos(void **state)
{
	static const struct {
		const char *send;
		int code;
		const char *part;
	} rows[] = {
		{"SSH-2.0-OpenSSH_9.2\r\n", ERR_PROTOCOL, "wrong socket?"},
		{"{}\n", ERR_PROTOCOL, "wrong socket?"},
		{"[]\n", ERR_PROTOCOL, "wrong socket?"},
		{"{\"method\":\"hello\",\"params\":{\"service\":\"other\",\"major\":1}}\n",
		 ERR_PROTOCOL, "wrong socket?"},
		{"{\"method\":\"hello\",\"params\":{\"service\":\"mcpd-control\",\"major\":2}}\n",
		 ERR_PROTOCOL, "mixed old and new binaries?"},
		{"{\"method\":\"hello\",\"params\":{\"service\":\"mcpd-control\"}}\n", ERR_PROTOCOL,
		 "mixed old and new binaries?"},
		{"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32013,\"message\":\"full\"}}\n",
		 ERR_LIMIT, "full"},
		{"", ERR_CLOSED, "closed the connection"},
		{"{\"method\":\"hello\"", ERR_CLOSED, "closed the connection"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct script s = {.send = rows[i].send, .hang_up = true};
		struct err e;

		assert_null(attach(&s, &e));
		assert_int_equal(e.code, rows[i].code);
		assert_non_null(strstr(e.text, rows[i].part));
		assert_null(attach(&s, NULL));
		end_daemon();
	}
}

static void bad_answers(void **state)
{
	static const struct {
		const char *reply;
		int code;
	} rows[] = {
		{"nonsense\n", ERR_PROTOCOL},
		{"{\"jsonrpc\":\"2.0\",\"id\":1}\n", ERR_PROTOCOL},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{}}\n", ERR_PROTOCOL},
		{"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":1,\"message\":\"what?\"}}\n",
		 ERR_PROTOCOL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct script s = {.send = HELLO, .await = "\"id\":1", .reply = rows[i].reply};
		struct err e;
		struct ctlclient *c = attach(&s, &e);
		json_t *answer;

		assert_int_equal(call(c, NULL, &answer, &e), rows[i].code);
		assert_null(answer);
		ctlclient_close(&c);
		end_daemon();
	}
}

static void the_daemon_dies(void **state)
{
	struct script s = {.send = HELLO ROW("1", "{}"), .hang_up = true};
	struct err e;
	struct ctlclient *c = attach(&s, &e);
	json_t *answer;

	(void)state;
	assert_non_null(c);
	end_daemon();
	assert_false(ctlclient_alive(c));
	assert_int_equal(call(c, NULL, &answer, &e), ERR_CLOSED);
	assert_null(answer);
	ctlclient_close(&c);
}

static void no_answer_in_time(void **state)
{
	struct script silent = {.send = ""}, mute = {.send = HELLO};
	struct err e;
	struct ctlclient *c;
	struct ctlclient_call how = {.method = "m", .timeout_ms = 20, .wake_fd = -1};
	json_t *answer;

	(void)state;
	assert_null(ctlclient_attach(start_daemon(&silent), 20, &e));
	assert_int_equal(e.code, ERR_TIMEOUT);
	end_daemon();
	c = attach(&mute, &e);
	assert_int_equal(ctlclient_call(c, &how, &answer, &e), ERR_TIMEOUT);
	assert_true(ctlclient_alive(c));
	assert_int_equal(ctlclient_wait_end(c, 20, -1, &e), ERR_TIMEOUT);
	ctlclient_close(&c);
	end_daemon();
}

static void woken_it_cancels_and_then_leaves(void **state)
{
	struct script polite = {.send = HELLO,
				.await = "\"method\":\"cancel\",\"params\":{\"id\":1}",
				.reply = RESULT("1", "{\"rows\":0}")},
		      deaf = {.send = HELLO};
	struct ctlclient_call how = {.method = "m", .timeout_ms = WATCHDOG_MS};
	int wake[2];
	struct err e;
	struct ctlclient *c;
	json_t *answer;

	(void)state;
	assert_int_equal(pipe(wake), 0);
	how.wake_fd = wake[0];
	assert_int_equal(write(wake[1], "x", 1), 1);
	c = attach(&polite, &e);
	assert_int_equal(ctlclient_call(c, &how, &answer, &e), 0);
	json_decref(answer);
	ctlclient_close(&c);
	end_daemon();

	assert_int_equal(write(wake[1], "xx", 2), 2);
	c = attach(&deaf, &e);
	assert_int_equal(ctlclient_call(c, &how, &answer, &e), ERR_CLOSED);
	assert_string_equal(e.text, "interrupted");
	assert_int_equal(write(wake[1], "x", 1), 1);
	assert_int_equal(ctlclient_wait_end(c, WATCHDOG_MS, wake[0], &e), ERR_CLOSED);
	ctlclient_close(&c);
	end_daemon();
	close(wake[0]);
	close(wake[1]);
}

static bool take_two(json_t *row, void *arg)
{
	(void)row;
	return ++*(int *)arg < 2;
}

static void enough_rows(void **state)
{
	struct script s = {.send = HELLO ROW("1", "1") ROW("1", "2") ROW("1", "3") ROW("1", "4"),
			   .await = "\"method\":\"cancel\"",
			   .reply = ROW("1", "5") RESULT("1", "{}")};
	int n = 0;
	struct ctlclient_call how = {.method = "m",
				     .timeout_ms = WATCHDOG_MS,
				     .wake_fd = -1,
				     .row = take_two,
				     .arg = &n};
	struct err e;
	struct ctlclient *c = attach(&s, &e);
	json_t *answer;

	(void)state;
	assert_int_equal(ctlclient_call(c, &how, &answer, &e), 0);
	assert_int_equal(n, 2);
	json_decref(answer);
	ctlclient_close(&c);
	end_daemon();
}

static void late_answers_are_not_mixed_up(void **state)
{
	/* The answer to the first call comes when the second one is sent. */
	struct script s = {.send = HELLO,
			   .await = "\"id\":2",
			   .reply = ROW("1", "1") RESULT("1", "{\"late\":true}") ROW("2", "2")
				   RESULT("2", "{\"late\":false}")};
	struct ctlclient_call how = {.method = "m", .timeout_ms = 20, .wake_fd = -1};
	struct err e;
	struct ctlclient *c = attach(&s, &e);
	json_t *rows = json_array(), *answer;

	(void)state;
	assert_int_equal(ctlclient_call(c, &how, &answer, &e), ERR_TIMEOUT);
	assert_int_equal(call(c, rows, &answer, &e), 0);
	assert_true(json_is(rows, "[2]"));
	assert_true(json_is(json_object_get(answer, "result"), "{'late':false}"));
	json_decref(rows);
	json_decref(answer);
	ctlclient_close(&c);
	end_daemon();
}

static void requests_have_a_limit(void **state)
{
	struct script s = {.send = HELLO};
	struct ctlclient_call how = {.method = "m", .timeout_ms = WATCHDOG_MS, .wake_fd = -1};
	struct err e;
	struct ctlclient *c = attach(&s, &e);
	char *text = malloc(CTL_MAX_LINE);
	json_t *answer;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', CTL_MAX_LINE - 1);
	text[CTL_MAX_LINE - 1] = '\0';
	how.params = json_pack("{s:s}", "x", text);
	assert_int_equal(ctlclient_call(c, &how, &answer, &e), ERR_LIMIT);
	json_decref(how.params);
	free(text);
	ctlclient_close(&c);
	end_daemon();
}

static void waits_for_the_end(void **state)
{
	struct script s = {.send = HELLO "more\n", .hang_up = true};
	struct err e;
	struct ctlclient *c = attach(&s, &e);

	(void)state;
	assert_int_equal(ctlclient_wait_end(c, WATCHDOG_MS, -1, &e), 0);
	ctlclient_close(&c);
	ctlclient_close(&c);
	end_daemon();
}

static size_t bytes_in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* What the daemon says until then is not kept. (Nothing to see under ASan, whose malloc() does not
 * count.) */
static void waits_for_the_end_of_one_that_talks(void **state)
{
	enum { MUCH = 4 << 20, LITTLE = 1 << 20 };
	char *talk = malloc(MUCH + sizeof HELLO);
	struct script s = {.send = talk, .hang_up = true};
	struct ctlclient *c;
	size_t before;
	struct err e;

	(void)state;
	assert_non_null(talk);
	memset(mempcpy(talk, HELLO, sizeof HELLO - 1), 'x', MUCH);
	talk[sizeof HELLO - 1 + MUCH] = '\0';
	c = attach(&s, &e);
	assert_non_null(c);
	before = bytes_in_use();
	assert_int_equal(ctlclient_wait_end(c, WATCHDOG_MS, -1, &e), 0);
	assert_true(bytes_in_use() < before + LITTLE);
	ctlclient_close(&c);
	end_daemon();
	free(talk);
}

static void paths(void **state)
{
	char dir[] = "/tmp/mcpd-unit-XXXXXX", path[200], text[200];
	struct err e;
	int fd;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/s", dir);
	assert_null(ctlclient_open(path, 100, &e));
	assert_int_equal(e.code, ERR_NOTFOUND);
	assert_null(ctlclient_open("/dev/null/s", 100, &e));
	assert_int_equal(e.code, ERR_NOTFOUND);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	assert_null(ctlclient_open(path, 100, &e));
	assert_int_equal(e.code, ERR_NOTFOUND);
	unlink(path);
	memset(text, 'a', sizeof text - 1);
	text[0] = '/';
	text[sizeof text - 1] = '\0';
	assert_null(ctlclient_open(text, 100, &e));
	assert_int_equal(e.code, ERR_INVALID);
	assert_null(ctlclient_open(text, 100, NULL));

	/* Somebody listens and takes nobody: the queue of connections is full. */
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	strcpy(sa.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(fd, 0), 0);
	assert_null(ctlclient_open(path, 20, &e)); /* in the queue, but never greeted */
	assert_int_equal(e.code, ERR_TIMEOUT);
	assert_null(ctlclient_open(path, 20, &e));
	assert_int_equal(e.code, ERR_TIMEOUT);
	close(fd);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_and_result_in_any_pieces),
		cmocka_unit_test(messages_of_others_are_skipped),
		cmocka_unit_test(an_error_is_an_answer),
		cmocka_unit_test(bad_hellos),
		cmocka_unit_test(bad_answers),
		cmocka_unit_test(the_daemon_dies),
		cmocka_unit_test(no_answer_in_time),
		cmocka_unit_test(woken_it_cancels_and_then_leaves),
		cmocka_unit_test(enough_rows),
		cmocka_unit_test(late_answers_are_not_mixed_up),
		cmocka_unit_test(requests_have_a_limit),
		cmocka_unit_test(waits_for_the_end),
		cmocka_unit_test(waits_for_the_end_of_one_that_talks),
		cmocka_unit_test(paths),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
