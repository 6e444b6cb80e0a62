/* SPDX-License-Identifier: ISC */
/* The control socket: a real one, with real sessions on a fake backend, and peers of every kind. */
#include "said.h"
#include "session_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "control/control.h"
#include "failalloc.h"
#include "lib/ctlspec.h"
#include "lib/jsonrpc.h"
#include "lib/log.h"

#define MAX_TURNS 200000

static char dir[64], path[100], config_file[] = "/etc/x.json";
static struct config conf;
static struct control *control;
static int shutdowns;

static json_t *on_status(void *arg)
{
	assert_ptr_equal(arg, &conf);
	return json_pack("{s:[s], s:i, s:i, s:i, s:{}, s:{}}", "listen", "http://x", "children", 3,
			 "processes", 4, "pid", 7, "store", "modern");
}

static void on_shutdown(void *arg)
{
	assert_ptr_equal(arg, &conf);
	shutdowns++;
}

static struct control *make_control(struct err *e)
{
	struct control_deps deps = {
		.base = fx.base,
		.config = &conf,
		.sessions = fx.ss,
		.backends = &fx.backend,
		.n_backends = 1,
		.view = fx.view,
		.status = on_status,
		.shutdown = on_shutdown,
		.arg = &conf,
	};

	return control_new(&deps, e);
}

static int open_all(void **state)
{
	struct err e;

	fixture_open(state);
	strcpy(dir, "/tmp/mcpd-unit-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/made/control.sock", dir);
	conf = (struct config){.control = path, .control_mode = 0600, .file = config_file};
	shutdowns = 0;
	control = make_control(&e);
	assert_non_null(control);
	return 0;
}

static int close_all(void **state)
{
	char made[80];

	control_free(&control);
	control_free(&control);
	log_set_level(LOGL_NOTICE);
	assert_int_equal(access(path, F_OK), -1);
	snprintf(made, sizeof made, "%s/made", dir);
	rmdir(made);
	assert_int_equal(rmdir(dir), 0);
	return fixture_close(state);
}

/* A peer. Nothing in it waits: what it needs comes by turning the loop. */
struct peer {
	int fd;
	char *buf;
	size_t len;
};

static int connect_to(const char *where)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	strcpy(sa.sun_path, where);
	if (connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0)
		return fd;
	close(fd);
	return -1;
}

static struct peer peer_open(void)
{
	struct peer p = {.fd = connect_to(path)};

	assert_true(p.fd >= 0);
	return p;
}

static void peer_close(struct peer *p)
{
	close(p->fd);
	free(p->buf);
	*p = (struct peer){.fd = -1};
	loop_settle(fx.base);
}

static void say_bytes(struct peer *p, const char *text, size_t len, size_t chunk)
{
	for (int turns = 0; len > 0; turns++) {
		ssize_t n = send(p->fd, text, len < chunk ? len : chunk, MSG_NOSIGNAL);

		assert_true(turns < MAX_TURNS && (n > 0 || errno == EAGAIN));
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
		loop_turn(fx.base);
	}
}

/* Single quotes stand for double quotes, and a newline follows. */
static void say(struct peer *p, const char *text)
{
	size_t len = strlen(text);
	char *line = malloc(len + 2);

	assert_non_null(line);
	for (size_t i = 0; i < len; i++)
		line[i] = text[i] == '\'' ? '"' : text[i];
	memcpy(line + len, "\n", 2);
	say_bytes(p, line, len + 1, len + 1);
	free(line);
}

/* Whether more came; false at the end of input. */
static bool read_more(struct peer *p)
{
	char *more = realloc(p->buf, p->len + 65536);
	ssize_t n;

	assert_non_null(more);
	p->buf = more;
	n = read(p->fd, p->buf + p->len, 65536);
	assert_true(n >= 0 || errno == EAGAIN);
	if (n > 0)
		p->len += (size_t)n;
	return n != 0;
}

/* The next message; NULL at the end of the connection. */
static json_t *hear(struct peer *p)
{
	for (int turns = 0; turns < MAX_TURNS; turns++) {
		char *newline = p->len > 0 ? memchr(p->buf, '\n', p->len) : NULL;
		size_t line = newline ? (size_t)(newline - p->buf) : 0;
		json_t *msg;

		if (newline) {
			msg = json_loadb(p->buf, line, 0, NULL);
			assert_non_null(msg);
			p->len -= line + 1;
			memmove(p->buf, newline + 1, p->len);
			return msg;
		}
		loop_turn(fx.base);
		if (!read_more(p))
			return NULL;
	}
	fail_msg("nothing was heard");
	return NULL;
}

static void expect_end(struct peer *p)
{
	json_t *msg = hear(p);

	assert_null(msg);
}

static void expect(struct peer *p, const char *text)
{
	json_t *msg = hear(p);

	assert_true(json_is(msg, text));
	json_decref(msg);
}

/* An error with this id (0: none), code and reason. */
static void expect_error(struct peer *p, int id, int code, const char *reason)
{
	json_t *msg = hear(p), *error = json_object_get(msg, "error");

	assert_int_equal(json_integer_value(json_object_get(msg, "id")), id);
	assert_int_equal(json_integer_value(json_object_get(error, "code")), code);
	assert_true(json_string_length(json_object_get(error, "message")) > 0);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(error, "data"), "reason")),
		reason);
	json_decref(msg);
}

/* The result of the request with this id; what comes before are rows, of which *rows_r (may be
 * NULL) is told. */
static json_t *expect_result(struct peer *p, int id, json_t **rows_r)
{
	json_t *rows = json_array(), *msg, *result;

	while (json_object_get(msg = hear(p), "method")) {
		json_t *params = json_object_get(msg, "params");

		assert_string_equal(json_string_value(json_object_get(msg, "method")), "row");
		assert_int_equal(json_integer_value(json_object_get(params, "id")), id);
		json_array_append(rows, json_object_get(params, "row"));
		json_decref(msg);
	}
	assert_int_equal(json_integer_value(json_object_get(msg, "id")), id);
	result = json_incref(json_object_get(msg, "result"));
	assert_non_null(result);
	json_decref(msg);
	if (rows_r)
		*rows_r = rows;
	else
		json_decref(rows);
	return result;
}

/* A peer that was greeted, and has shown nothing yet. */
static struct peer unproven(void)
{
	struct peer p = peer_open();
	json_t *hello = hear(&p);

	assert_string_equal(json_string_value(json_object_get(hello, "method")), "hello");
	json_decref(hello);
	return p;
}

/* The request that shows the key, with the id 99 and quotes as say() wants them. */
static const char *key_request(void)
{
	static char text[256];
	char file[120], key[80] = "";
	FILE *f;

	snprintf(file, sizeof file, "%s/made/control.key", dir);
	f = fopen(file, "r");
	assert_non_null(f);
	assert_non_null(fgets(key, sizeof key, f));
	fclose(f);
	key[strcspn(key, "\n")] = '\0';
	assert_int_equal(strlen(key), 64);
	snprintf(text, sizeof text,
		 "{'jsonrpc':'2.0','id':99,'method':'authenticate','params':{'key':'%s'}}", key);
	return text;
}

/* A peer that was greeted and has shown the key. */
static struct peer greeted(void)
{
	struct peer p = unproven();

	say(&p, key_request());
	expect(&p, "{'jsonrpc':'2.0','id':99,'result':{'level':'admin'}}");
	return p;
}

static void greets(void **state)
{
	struct peer p = peer_open();

	(void)state;
	expect(&p,
	       "{'jsonrpc':'2.0','method':'hello','params':{'service':'mcpd-control',"
	       "'major':1,'minor':2,'version':'" PACKAGE_VERSION "','level':'none','key':true}}");
	peer_close(&p);
}

/* The daemon's own user is one of many processes: without the key it may do nothing, not even look.
 */
#define NO_KEY "'0000000000000000000000000000000000000000000000000000000000000000'"

static void own_user_shows_the_key(void **state)
{
	static const char *const wrong[] = {
		"{'jsonrpc':'2.0','id':1,'method':'authenticate'}",
		"{'jsonrpc':'2.0','id':1,'method':'authenticate','params':{'key':''}}",
		"{'jsonrpc':'2.0','id':1,'method':'authenticate','params':{'key':7}}",
		"{'jsonrpc':'2.0','id':1,'method':'authenticate','params':{'key':" NO_KEY "}}",
		"{'jsonrpc':'2.0','id':1,'method':'counts'}",
		"{'jsonrpc':'2.0','id':1,'method':'log.follow'}",
		"{'jsonrpc':'2.0','id':1,'method':'shutdown'}",
	};
	struct peer p = unproven();

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		say(&p, wrong[i]);
		expect_error(&p, 1, -32010, "denied");
	}
	assert_int_equal(shutdowns, 0);
	say(&p, key_request());
	expect(&p, "{'jsonrpc':'2.0','id':99,'result':{'level':'admin'}}");
	say(&p, key_request()); /* once more changes nothing */
	expect(&p, "{'jsonrpc':'2.0','id':99,'result':{'level':'admin'}}");
	say(&p, "{'jsonrpc':'2.0','id':5,'method':'counts'}");
	json_decref(expect_result(&p, 5, NULL));
	peer_close(&p);
}

static void key_is_new_and_private(void **state)
{
	char file[120], other[120], first[256];
	struct stat st;
	struct err e;
	int fd;

	(void)state;
	snprintf(file, sizeof file, "%s/made/control.key", dir);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	strcpy(first, key_request());
	control_free(&control);
	assert_int_equal(access(file, F_OK), -1);
	/* What a daemon left that was killed is replaced. */
	control = make_control(&e);
	assert_non_null(control);
	assert_string_not_equal(key_request(), first);
	assert_int_equal(stat(file, &st), 0);
	snprintf(other, sizeof other, "%s/made/other", dir);
	fd = open(other, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "mine", 4), 4);
	close(fd);
	assert_int_equal(rename(other, file), 0);
	/* A file that is not this daemon's stays, at the end and at the start. */
	control_free(&control);
	assert_int_equal(access(file, F_OK), 0);
	control = make_control(&e);
	assert_null(control);
	assert_int_equal(e.code, ERR_EXISTS);
	assert_non_null(strstr(e.text, "control.key is there"));
	assert_int_equal(unlink(file), 0);
	control = make_control(&e);
	assert_non_null(control);
}

/* Those who have not shown the key go in the order in which they came; nobody else loses a place to
 * them. */
static void unproven_are_bounded(void **state)
{
	struct peer known = greeted(), p[33];

	(void)state;
	for (int i = 0; i < 33; i++)
		p[i] = unproven();
	expect_end(&p[0]);
	say(&p[1], key_request());
	expect(&p[1], "{'jsonrpc':'2.0','id':99,'result':{'level':'admin'}}");
	say(&known, "{'jsonrpc':'2.0','id':5,'method':'counts'}");
	json_decref(expect_result(&known, 5, NULL));
	for (int i = 0; i < 33; i++)
		peer_close(&p[i]);
	peer_close(&known);
}

static void counts_line_is_the_log_line(void **state)
{
	struct peer p = greeted();
	struct session *s = open_session("joe", MCP_REV_2025_11_25);

	(void)state;
	say(&p, "{'jsonrpc':'2.0','id':'x','method':'counts'}");
	expect(&p, "{'jsonrpc':'2.0','id':'x','result':{'text':'Active sessions: 1, Active users: "
		   "0','activeSessions':1,'activeUsers':0}}");
	session_close(s, CLOSE_CLIENT, NULL);
	say(&p, "{'jsonrpc':'2.0','id':'y','method':'counts'}");
	expect(&p, "{'jsonrpc':'2.0','id':'y','result':{'text':'Active sessions: 0, Active users: "
		   "0','activeSessions':0,'activeUsers':0}}");
	assert_int_equal(capture_matches("Active sessions: 0, Active users: 0"), 1);
	peer_close(&p);
}

static void bad_requests(void **state)
{
	static const struct {
		const char *line;
		int id, code;
		const char *reason;
	} rows[] = {
		{"nonsense", 0, -32700, "invalid"},
		{"{'jsonrpc':'2.0','id':1,'id':2,'method':'counts'}", 0, -32700, "invalid"},
		{"[]", 0, -32600, "invalid"},
		{"{'id':1,'method':'counts'}", 0, -32600, "invalid"},
		{"{'jsonrpc':'2.0','id':null,'method':'counts'}", 0, -32600, "invalid"},
		{"{'jsonrpc':'2.0','id':1,'method':'nothing'}", 1, -32601, "invalid"},
		{"{'jsonrpc':'2.0','id':1,'method':'help'}", 1, -32601, "invalid"},
		{"{'jsonrpc':'2.0','id':1,'method':'sessions list'}", 1, -32601, "invalid"},
		{"{'jsonrpc':'2.0','id':1,'method':'session.show'}", 1, -32602, "invalid"},
		{"{'jsonrpc':'2.0','id':1,'method':'session.show','params':['a']}", 1, -32602,
		 "invalid"},
		{"{'jsonrpc':'2.0','id':1,'method':'counts','params':{'x':1}}", 1, -32602,
		 "invalid"},
		{"{'jsonrpc':'2.0','id':1,'method':'session.show','params':{'id':'nope'}}", 1,
		 -32011, "notfound"},
		{"{'jsonrpc':'2.0','id':1,'method':'backend.restart','params':{'name':'x'}}", 1,
		 -32011, "notfound"},
		{"{'jsonrpc':'2.0','id':1,'method':'tool.call','params':{'name':'x'}}", 1, -32011,
		 "notfound"},
	};
	struct peer p = greeted();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		say(&p, rows[i].line);
		expect_error(&p, rows[i].id, rows[i].code, rows[i].reason);
	}
	/* What is no request gets no answer, and the connection lives. */
	say(&p, "{'jsonrpc':'2.0','method':'counts'}");
	say(&p, "{'jsonrpc':'2.0','id':1,'result':{}}");
	say(&p, "");
	say(&p, "{'jsonrpc':'2.0','id':5,'method':'counts'}");
	json_decref(expect_result(&p, 5, NULL));
	peer_close(&p);
}

static void lines_in_any_pieces(void **state)
{
	static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"counts\"}\r\n"
				   "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"counts\"}\n"
				   "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"counts\"}\n";
	static const size_t chunks[] = {1, 5, sizeof text};

	(void)state;
	for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
		struct peer p = greeted();

		say_bytes(&p, text, sizeof text - 1, chunks[i]);
		for (int id = 1; id <= 3; id++)
			json_decref(expect_result(&p, id, NULL));
		peer_close(&p);
	}
}

static void a_line_too_long_is_thrown_away(void **state)
{
	struct peer p = greeted();
	size_t len = CTL_MAX_LINE + 100;
	char *text = malloc(len);

	(void)state;
	assert_non_null(text);
	memset(text, ' ', len);
	text[len - 1] = '\n';
	say_bytes(&p, text, len, 100000);
	expect_error(&p, 0, -32600, "limit");
	say(&p, "{'jsonrpc':'2.0','id':1,'method':'counts'}");
	json_decref(expect_result(&p, 1, NULL));
	free(text);
	peer_close(&p);
}

/* The last line needs no answer before the end: a script that stops writing still gets what it
 * asked for. */
static void half_closed_peers_get_their_answers(void **state)
{
	struct peer p = greeted();

	(void)state;
	assert_true(send(p.fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"counts\"}\n", 44, 0) >
		    0);
	shutdown(p.fd, SHUT_WR);
	json_decref(expect_result(&p, 1, NULL));
	expect_end(&p);
	peer_close(&p);
}

/* However much a peer has asked for before it stops writing, each request has its answer, the rows
 * of long lists too; and one that does not read holds no other one up. */
static void half_closed_peers_get_all_answers(void **state)
{
	enum { REQUESTS = 500, SESSIONS = 300 };
	struct peer p = greeted(), idle = greeted();
	static char lines[REQUESTS * 64];
	size_t len = 0, quarter = 0;
	json_t *rows;

	(void)state;
	for (int i = 0; i < SESSIONS; i++)
		open_session(NULL, MCP_REV_2025_11_25);
	for (int id = 1; id <= REQUESTS; id++) {
		len += (size_t)sprintf(lines + len,
				       "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\"}\n", id,
				       id % 100 == 0 ? "sessions.list" : "counts");
		quarter = id == REQUESTS / 4 ? len : quarter;
	}
	say_bytes(&idle, lines, quarter, quarter);
	shutdown(idle.fd, SHUT_WR);
	say_bytes(&p, lines, len, len);
	shutdown(p.fd, SHUT_WR);
	loop_settle(fx.base);
	for (int id = 1; id <= REQUESTS; id++) {
		json_decref(expect_result(&p, id, &rows));
		assert_int_equal(json_array_size(rows), id % 100 == 0 ? SESSIONS : 0);
		json_decref(rows);
	}
	expect_end(&p);
	peer_close(&p);
	peer_close(&idle);
	loop_settle(fx.base);
	sessions_close_all(fx.ss, CLOSE_OPERATOR);
}

static void sessions_are_listed_and_shown(void **state)
{
	struct peer p = greeted();
	struct session *a = busy_session("joe"), *b = open_session(NULL, MCP_REV_2025_03_26);
	char line[200];
	json_t *rows, *result;

	(void)state;
	say(&p, "{'jsonrpc':'2.0','id':1,'method':'sessions.list'}");
	result = expect_result(&p, 1, &rows);
	assert_true(json_is(result, "{'rows':2}"));
	assert_int_equal(json_array_size(rows), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 0), "id")),
			    session_id(a));
	for (const struct ctl_column *c = ctlspec_find("sessions.list")->columns; c->key; c++)
		assert_non_null(json_object_get(json_array_get(rows, 1), c->key));
	json_decref(rows);
	json_decref(result);
	snprintf(line, sizeof line,
		 "{'jsonrpc':'2.0','id':2,'method':'session.show','params':{'id':'%.31s'}}",
		 session_id(a));
	say(&p, line);
	result = expect_result(&p, 2, NULL);
	for (const struct ctl_column *c = ctlspec_find("session.show")->columns; c->key; c++)
		assert_non_null(json_object_get(result, c->key));
	json_decref(result);
	session_close(a, CLOSE_CLIENT, NULL);
	session_close(b, CLOSE_CLIENT, NULL);
	peer_close(&p);
}

static int broken_step(void *ctx, struct err *e)
{
	(void)ctx;
	return err_set(e, ERR_IO, "out of \xff luck");
}

static void sessions_are_closed(void **state)
{
	struct peer p = greeted();
	struct session_step steps[SESSION_STEPS];
	struct session *s[4];
	char line[300];
	json_t *rows;

	(void)state;
	for (int i = 0; i < 4; i++)
		s[i] = open_session(i == 3 ? "joe" : NULL, MCP_REV_2025_11_25);
	/* One wrong id closes nobody. */
	snprintf(line, sizeof line,
		 "{'jsonrpc':'2.0','id':1,'method':'session.close','params':{'ids':['%s','zz']}}",
		 session_id(s[0]));
	say(&p, line);
	expect_error(&p, 1, -32011, "notfound");
	assert_int_equal(count_sessions(), 4);
	/* Named twice is closed once; a step that fails is told. */
	memcpy(steps, session_steps, sizeof steps);
	steps[2].step.fn = broken_step;
	sessions_env(fx.ss)->steps = steps;
	snprintf(
		line, sizeof line,
		"{'jsonrpc':'2.0','id':2,'method':'session.close','params':{'ids':['%s','%.30s']}}",
		session_id(s[0]), session_id(s[0]));
	say(&p, line);
	json_decref(expect_result(&p, 2, &rows));
	assert_int_equal(json_array_size(rows), 1);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(rows, 0), "failed")), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 0), "errors")),
			    "server: out of \\xff luck");
	json_decref(rows);
	sessions_env(fx.ss)->steps = session_steps;
	say(&p, "{'jsonrpc':'2.0','id':3,'method':'session.close','params':{'user':'joe'}}");
	json_decref(expect_result(&p, 3, &rows));
	assert_int_equal(json_array_size(rows), 1);
	json_decref(rows);
	assert_int_equal(count_sessions(), 2);
	say(&p, "{'jsonrpc':'2.0','id':4,'method':'session.close','params':{'all':true}}");
	json_decref(expect_result(&p, 4, &rows));
	assert_int_equal(json_array_size(rows), 2);
	json_decref(rows);
	assert_int_equal(count_sessions(), 0);
	assert_int_equal(capture_matches("(user: joe)"), 1);
	peer_close(&p);
}

static void ambiguous_ids_are_told(void **state)
{
	struct peer p = greeted();
	char first[17] = "", line[200];

	(void)state;
	/* Of seventeen ids two begin alike. */
	for (int i = 0; i < 17; i++) {
		const char *id = session_id(open_session(NULL, MCP_REV_2025_11_25));

		if (strchr(first, id[0])) {
			snprintf(line, sizeof line,
				 "{'jsonrpc':'2.0','id':1,'method':'session.show','params':{'id':'%"
				 "c'}}",
				 id[0]);
			break;
		}
		first[i] = id[0];
	}
	say(&p, line);
	expect_error(&p, 1, -32012, "ambiguous");
	sessions_close_all(fx.ss, CLOSE_OPERATOR);
	peer_close(&p);
}

static void status_and_backends(void **state)
{
	struct peer p = greeted();
	json_t *result, *rows;

	(void)state;
	say(&p, "{'jsonrpc':'2.0','id':1,'method':'status'}");
	result = expect_result(&p, 1, NULL);
	for (const struct ctl_column *c = ctlspec_find("status")->columns; c->key; c++)
		assert_non_null(json_object_get(result, c->key));
	assert_true(json_is(json_object_get(result, "listen"), "['http://x']"));
	assert_int_equal(json_integer_value(json_object_get(result, "pid")), 7);
	assert_true(json_is(json_object_get(result, "backends"), "{'ready':1}"));
	assert_true(json_integer_value(json_object_get(result, "memory")) > 0);
	json_decref(result);
	say(&p, "{'jsonrpc':'2.0','id':2,'method':'backends.list'}");
	json_decref(expect_result(&p, 2, &rows));
	assert_int_equal(json_array_size(rows), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 0), "state")),
			    "ready");
	json_decref(rows);
	say(&p, "{'jsonrpc':'2.0','id':3,'method':'backend.restart','params':{'name':'fake'}}");
	expect(&p, "{'jsonrpc':'2.0','id':3,'result':{'text':'Backend fake is "
		   "restarted','backend':'fake'}}");
	say(&p, "{'jsonrpc':'2.0','id':4,'method':'log.level','params':{'level':'warn'}}");
	expect(&p, "{'jsonrpc':'2.0','id':4,'result':{'text':'Log level is "
		   "warning','logLevel':'warning'}}");
	assert_int_equal(log_get_level(), LOGL_WARN);
	peer_close(&p);
}

static void tools_are_listed_once_they_are_known(void **state)
{
	struct peer p = greeted(), q = greeted();
	json_t *rows;

	(void)state;
	fake_slow_start = true;
	backend_restart(fx.backend);
	say(&p, "{'jsonrpc':'2.0','id':1,'method':'tools.list'}");
	say(&q, "{'jsonrpc':'2.0','id':1,'method':'tools.list'}");
	say(&p, "{'jsonrpc':'2.0','id':2,'method':'counts'}");
	json_decref(expect_result(&p, 2, NULL)); /* the one before still waits */
	peer_close(&q);
	fake_learn(fx.backend);
	json_decref(expect_result(&p, 1, &rows));
	assert_true(json_is(rows, "[{'name':'echo','backend':'fake','description':'',"
				  "'inputSchema':{'type':'object'}}]"));
	json_decref(rows);
	peer_close(&p);
}

static void a_tool_is_called(void **state)
{
	struct peer p = greeted();

	(void)state;
	say(&p, "{'jsonrpc':'2.0','id':1,'method':'tool.call','params':{'name':'echo',"
		"'arguments':{'a':1}}}");
	loop_settle(fx.base);
	assert_int_equal(fake_held(), 1);
	assert_string_equal(call_method(fake_call(0)), "tools/call");
	assert_true(said_params_are(fake_call(0), "{'name':'echo','arguments':{'a':1}}"));
	assert_null(call_caller(fake_call(0))->session);
	assert_null(call_caller(fake_call(0))->user);
	call_ask(fake_call(0), counted_question("elicitation/create"));
	assert_int_equal(questions_ended, 1);
	call_result_tree(fake_take(0), json_of("{'content':[],'isError':true}"));
	expect(&p, "{'jsonrpc':'2.0','id':1,'result':{'content':[],'isError':true}}");
	say(&p, "{'jsonrpc':'2.0','id':2,'method':'tool.call','params':{'name':'echo'}}");
	loop_settle(fx.base);
	assert_true(said_params_are(fake_call(0), "{'name':'echo','arguments':{}}"));
	call_error(fake_take(0), RPC_INTERNAL_ERROR, NULL, "it died");
	expect_error(&p, 2, -32014, "unavailable");
	say(&p, "{'jsonrpc':'2.0','id':3,'method':'tool.call','params':{'name':'echo'}}");
	loop_settle(fx.base);
	call_error(fake_take(0), RPC_INVALID_PARAMS, NULL, "wrong");
	expect_error(&p, 3, -32602, "invalid");
	loop_settle(fx.base);
	assert_int_equal(fake_links(fx.backend), 0);
	peer_close(&p);
}

static void a_tool_call_is_cancelled(void **state)
{
	struct peer p = greeted();

	(void)state;
	say(&p, "{'jsonrpc':'2.0','id':1,'method':'tool.call','params':{'name':'echo'}}");
	say(&p, "{'jsonrpc':'2.0','id':1,'method':'counts'}");
	expect_error(&p, 1, -32600, "invalid"); /* that id is in flight */
	assert_int_equal(fake_held(), 1);
	say(&p, "{'jsonrpc':'2.0','method':'cancel','params':{'id':'1'}}"); /* another id */
	say(&p, "{'jsonrpc':'2.0','method':'cancel'}");
	assert_int_equal(fake_held(), 1);
	say(&p, "{'jsonrpc':'2.0','method':'cancel','params':{'id':1}}");
	expect_error(&p, 1, -32015, "cancelled");
	assert_int_equal(fake_held(), 0);
	/* One that waits for the backend can be cancelled as well. */
	fake_slow_start = true;
	backend_restart(fx.backend);
	say(&p, "{'jsonrpc':'2.0','id':2,'method':'tool.call','params':{'name':'echo'}}");
	say(&p, "{'jsonrpc':'2.0','method':'cancel','params':{'id':2}}");
	expect_error(&p, 2, -32015, "cancelled");
	fake_learn(fx.backend);
	loop_settle(fx.base);
	assert_int_equal(fake_held(), 0);
	assert_int_equal(fake_links(fx.backend), 0);
	peer_close(&p);
}

static void an_operator_who_leaves_cancels(void **state)
{
	struct peer p = greeted();

	(void)state;
	say(&p, "{'jsonrpc':'2.0','id':1,'method':'tool.call','params':{'name':'echo'}}");
	say(&p, "{'jsonrpc':'2.0','id':2,'method':'log.follow'}");
	loop_settle(fx.base);
	assert_int_equal(fake_held(), 1);
	peer_close(&p);
	assert_int_equal(fake_held(), 0);
	assert_int_equal(fake_links(fx.backend), 0);
}

static void too_many_requests(void **state)
{
	struct peer p = greeted();
	char line[120];

	(void)state;
	for (int id = 1; id <= 17; id++) {
		snprintf(line, sizeof line, "{'jsonrpc':'2.0','id':%d,'method':'log.follow'}", id);
		say(&p, line);
	}
	expect_error(&p, 17, -32013, "limit");
	peer_close(&p);
}

static void the_log_is_followed(void **state)
{
	struct peer p = greeted(), q = greeted();
	struct session *s;
	json_t *msg;

	(void)state;
	say(&p, "{'jsonrpc':'2.0','id':1,'method':'log.follow'}");
	say(&q, "{'jsonrpc':'2.0','id':2,'method':'log.follow','params':{'all':true}}");
	log_warn(&(struct log_scope){.user = "a\xff\nb"}, "watch %s", "out");
	s = open_session("joe", MCP_REV_2025_11_25);
	msg = hear(&p);
	json_object_del(json_object_get(json_object_get(msg, "params"), "row"), "time_ms");
	assert_string_equal(
		json_string_value(json_object_get(
			json_object_get(json_object_get(msg, "params"), "row"), "session")),
		session_id(s));
	json_decref(msg);
	msg = hear(&q);
	json_object_del(json_object_get(json_object_get(msg, "params"), "row"), "time_ms");
	assert_true(json_is(json_object_get(json_object_get(msg, "params"), "row"),
			    "{'level':'warning','lifecycle':false,'text':'watch out',"
			    "'user':'a\\\\xff\\\\x0ab'}"));
	json_decref(msg);
	say(&p, "{'jsonrpc':'2.0','method':'cancel','params':{'id':1}}");
	expect(&p, "{'jsonrpc':'2.0','id':1,'result':{'rows':1}}");
	session_close(s, CLOSE_CLIENT, NULL);
	peer_close(&p);
	peer_close(&q);
}

/* Somebody who does not read costs 256 KiB and then his place. */
static void a_slow_follower_is_dropped(void **state)
{
	struct peer p = greeted();
	json_t *msg;
	int rows = 0;

	(void)state;
	say(&p, "{'jsonrpc':'2.0','id':1,'method':'log.follow','params':{'all':true}}");
	for (int i = 0; i < 2500; i++)
		log_notice(NULL, "line %d %0200d", i, 0);
	while (json_object_get(msg = hear(&p), "method")) {
		rows++;
		json_decref(msg);
	}
	assert_string_equal(
		json_string_value(json_object_get(
			json_object_get(json_object_get(msg, "error"), "data"), "reason")),
		"limit");
	assert_in_range(rows, 100, 2499);
	json_decref(msg);
	say(&p, "{'jsonrpc':'2.0','id':2,'method':'counts'}");
	json_decref(expect_result(&p, 2, NULL));
	peer_close(&p);
}

/* Rows wait for a slow reader, and requests too; sessions that end meanwhile are left out. */
static void a_slow_reader_gets_everything(void **state)
{
	enum { SESSIONS = 990 };
	struct session *s[SESSIONS];
	struct peer p = greeted();
	char line[100];
	size_t total = 0;

	(void)state;
	for (int i = 0; i < SESSIONS; i++)
		s[i] = open_session(NULL, MCP_REV_2025_11_25);
	for (int id = 1; id <= 40; id++) {
		snprintf(line, sizeof line, "{'jsonrpc':'2.0','id':%d,'method':'sessions.list'}",
			 id);
		say(&p, line);
	}
	loop_settle(fx.base);
	for (int i = 0; i < SESSIONS; i += 2)
		session_close(s[i], CLOSE_CLIENT, NULL);
	for (int id = 1; id <= 40; id++) {
		json_t *rows, *result = expect_result(&p, id, &rows);

		total += json_array_size(rows);
		assert_int_equal(json_integer_value(json_object_get(result, "rows")),
				 json_array_size(rows));
		assert_in_range(json_array_size(rows), SESSIONS / 2, SESSIONS);
		json_decref(rows);
		json_decref(result);
	}
	assert_true(total < 40 * SESSIONS); /* the later ones had not begun */
	sessions_close_all(fx.ss, CLOSE_OPERATOR);
	peer_close(&p);
}

static void shutdown_comes_after_the_answer(void **state)
{
	struct peer p = greeted();
	json_t *result;

	(void)state;
	say(&p, "{'jsonrpc':'2.0','id':1,'method':'shutdown'}");
	result = expect_result(&p, 1, NULL);
	assert_int_equal(json_integer_value(json_object_get(result, "sessions")), 0);
	json_decref(result);
	loop_settle(fx.base);
	assert_int_equal(shutdowns, 1);
	/* The end of the control is the end of the connection; what was queued arrives. */
	say(&p, "{'jsonrpc':'2.0','id':2,'method':'tool.call','params':{'name':'echo'}}");
	loop_settle(fx.base);
	control_free(&control);
	assert_int_equal(fake_held(), 0);
	loop_settle(fx.base);
	while ((result = hear(&p)))
		json_decref(result);
	peer_close(&p);
}

static void a_second_daemon_is_refused(void **state)
{
	struct control *second;
	struct peer p;
	struct err e;

	(void)state;
	second = make_control(&e);
	assert_null(second);
	assert_int_equal(e.code, ERR_EXISTS);
	assert_non_null(strstr(e.text, "another daemon listens on"));
	p = greeted(); /* the first one is as it was */
	peer_close(&p);
}

static void a_stale_socket_is_replaced(void **state)
{
	char moved[120];
	struct stat st;
	struct peer p;
	struct err e;

	(void)state;
	/* As after a crash: the file is there and nobody listens. */
	snprintf(moved, sizeof moved, "%s/moved", dir);
	assert_int_equal(rename(path, moved), 0);
	control_free(&control);
	assert_int_equal(stat(moved, &st), 0); /* not at its place: not ours to remove */
	assert_int_equal(rename(moved, path), 0);
	assert_int_equal(connect_to(path), -1);
	control = make_control(&e);
	assert_non_null(control);
	p = greeted();
	peer_close(&p);
}

static void another_socket_is_not_removed(void **state)
{
	struct control *first = control;
	struct err e;

	(void)state;
	unlink(path);
	control = make_control(&e);
	assert_non_null(control);
	control_free(&first);
	assert_int_equal(access(path, F_OK), 0);
	control_free(&control);
	assert_int_equal(access(path, F_OK), -1);
	control = make_control(&e);
	assert_non_null(control);
}

static void sockets_that_cannot_be_made(void **state)
{
	char other[200], file[120];
	struct err e;
	FILE *f;

	(void)state;
	conf.control = other;
	memset(other, 'a', sizeof other - 1);
	other[0] = '/';
	other[sizeof other - 1] = '\0';
	assert_null(make_control(&e));
	assert_int_equal(e.code, ERR_LIMIT);
	snprintf(other, sizeof other, "%s/no/such/control.sock", dir);
	assert_null(make_control(&e));
	assert_int_equal(e.code, ERR_IO);
	snprintf(file, sizeof file, "%s/file", dir);
	f = fopen(file, "w");
	assert_non_null(f);
	fclose(f);
	strcpy(other, file);
	assert_null(make_control(&e));
	assert_int_equal(e.code, ERR_EXISTS);
	assert_non_null(strstr(e.text, "is no socket"));
	snprintf(other, sizeof other, "%s/file/control.sock", dir);
	assert_null(make_control(&e));
	assert_int_equal(e.code, ERR_IO);
	unlink(file);
	snprintf(other, sizeof other, "%s/control.sock", dir);
	conf.control_group = (char[]){"no such group"};
	assert_null(make_control(&e));
	assert_int_equal(e.code, ERR_NOTFOUND);
	conf.control_group = NULL;
	conf.control = path;
}

/* What everybody can write to cannot be trusted, nor what somebody else made in such a place. */
static void directories_are_not_trusted_blindly(void **state)
{
	char open_dir[100], inner[120], other[140];
	struct err e;

	(void)state;
	snprintf(open_dir, sizeof open_dir, "%s/open", dir);
	snprintf(inner, sizeof inner, "%s/inner", open_dir);
	snprintf(other, sizeof other, "%s/control.sock", inner);
	assert_int_equal(mkdir(open_dir, 0777), 0);
	assert_int_equal(chmod(open_dir, 0777), 0);
	conf.control = other;
	assert_int_equal(mkdir(inner, 0755), 0);
	assert_int_equal(chmod(inner, 0775), 0);
	assert_null(make_control(&e));
	assert_int_equal(e.code, ERR_DENIED);
	rmdir(inner);
	assert_int_equal(symlink(dir, inner), 0);
	assert_null(make_control(&e));
	assert_int_equal(e.code, ERR_DENIED);
	unlink(inner);
	snprintf(other, sizeof other, "%s/control.sock", open_dir);
	assert_null(make_control(&e));
	assert_int_equal(e.code, ERR_DENIED);
	rmdir(open_dir);
	conf.control = path;
}

static void mode_and_group(void **state)
{
	struct err e;
	struct stat st;
	mode_t old = umask(0);
	char gid[20];

	(void)state;
	control_free(&control);
	conf.control_mode = 0660;
	snprintf(gid, sizeof gid, "%u", (unsigned)getegid());
	conf.control_group = gid;
	control = make_control(&e);
	assert_non_null(control);
	assert_int_equal(umask(old), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(st.st_gid, getegid());
	*strrchr(path, '/') = '\0';
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	path[strlen(path)] = '/';
}

static void connections_are_counted(void **state)
{
	struct peer p[32], more;

	(void)state;
	for (int i = 0; i < 32; i++) {
		p[i] = greeted();
		say(&p[i],
		    "{'jsonrpc':'2.0','id':1,'method':'tool.call','params':{'name':'echo'}}");
		loop_settle(fx.base);
	}
	/* The one whose command has run longest makes room, where all are busy. */
	more = greeted();
	expect_end(&p[0]);
	peer_close(&more);
	peer_close(&p[0]);
	p[0] = greeted();
	/* One that does nothing makes room. */
	more = greeted();
	expect_end(&p[0]);
	peer_close(&more);
	for (int i = 0; i < 32; i++)
		peer_close(&p[i]);
	while (fake_held() > 0)
		call_result_tree(fake_take(0), json_object());
}

/* A connection that shows the key last, though it came first, gets a place where all are busy: that
 * of the longest command, not its own and no other. */
static void a_late_key_gets_a_place(void **state)
{
	struct peer late = unproven(), p[32];

	(void)state;
	for (int i = 0; i < 32; i++) {
		p[i] = greeted();
		say(&p[i],
		    "{'jsonrpc':'2.0','id':1,'method':'tool.call','params':{'name':'echo'}}");
		loop_settle(fx.base);
	}
	assert_int_equal(fake_held(), 32);
	say(&late, key_request());
	expect(&late, "{'jsonrpc':'2.0','id':99,'result':{'level':'admin'}}");
	assert_int_equal(capture_matches("has run longest is given up"), 1);
	expect_end(&p[0]);
	assert_int_equal(fake_held(), 31);
	/* The key a second time takes nobody's place. */
	say(&late, key_request());
	expect(&late, "{'jsonrpc':'2.0','id':99,'result':{'level':'admin'}}");
	say(&late, "{'jsonrpc':'2.0','id':5,'method':'counts'}");
	json_decref(expect_result(&late, 5, NULL));
	assert_int_equal(fake_held(), 31);
	while (fake_held() > 0)
		call_result_tree(fake_take(0), json_object());
	for (int i = 1; i < 32; i++)
		json_decref(expect_result(&p[i], 1, NULL));
	for (int i = 0; i < 32; i++)
		peer_close(&p[i]);
	peer_close(&late);
}

/* Followers take no places of those who give commands, and have a limit of their own. */
static void followers_take_no_places(void **state)
{
	struct peer p[32], more;

	(void)state;
	for (int i = 0; i < 32; i++) {
		p[i] = greeted();
		say(&p[i], "{'jsonrpc':'2.0','id':1,'method':'log.follow','params':{'all':true}}");
		loop_settle(fx.base);
	}
	more = greeted();
	say(&more, "{'jsonrpc':'2.0','id':1,'method':'log.follow'}");
	expect_error(&more, 1, -32013, "limit");
	say(&more, "{'jsonrpc':'2.0','id':2,'method':'shutdown'}");
	json_decref(expect_result(&more, 2, NULL));
	assert_int_equal(shutdowns, 1);
	/* A place that was left is free. */
	peer_close(&p[3]);
	say(&more, "{'jsonrpc':'2.0','id':3,'method':'log.follow'}");
	say(&more, "{'jsonrpc':'2.0','method':'cancel','params':{'id':3}}");
	json_decref(expect_result(&more, 3, NULL));
	peer_close(&more);
	p[3] = greeted();
	for (int i = 0; i < 32; i++)
		peer_close(&p[i]);
}

/* Without descriptors it stops accepting for a second instead of trying again and again. */
static void lack_of_descriptors_passes(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	const char *preload = getenv("LD_PRELOAD");
	struct rlimit old, none;
	struct peer p = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)};
	json_t *hello;

	(void)state;
	if (preload && strstr(preload, "vgpreload")) {
		print_message("# valgrind has descriptors of its own\n");
		close(p.fd);
		skip();
	}
	strcpy(sa.sun_path, path);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = (struct rlimit){.rlim_cur = (rlim_t)p.fd + 1, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(connect(p.fd, (struct sockaddr *)&sa, sizeof sa), 0);
	for (int i = 0; i < 20; i++)
		loop_turn(fx.base);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(capture_matches("no connection can be accepted for a second"), 1);
	while (!p.buf || p.len == 0) {
		assert_true(event_base_loop(fx.base, EVLOOP_ONCE) >= 0); /* the timer is in it */
		assert_true(read_more(&p));
	}
	hello = hear(&p);
	assert_string_equal(json_string_value(json_object_get(hello, "method")), "hello");
	json_decref(hello);
	peer_close(&p);
}

/* As another user, in a process of its own. Returns what it heard: one line after the hello. */
static void ask_as_nobody(int out, const char *line)
{
	char buf[4096];
	ssize_t n, len = 0;
	int fd;

	alarm(60);
	if (setgid(65534) < 0 || setuid(65534) < 0)
		_exit(2);
	fd = connect_to(path);
	if (fd < 0 || fcntl(fd, F_SETFL, 0) < 0 || send(fd, line, strlen(line), 0) < 0)
		_exit(3);
	while (len < (ssize_t)sizeof buf - 1 && (n = read(fd, buf + len, 1)) > 0) {
		len += n;
		buf[len] = '\0';
		if (strstr(buf, "\"id\":1"))
			break;
	}
	_exit(write(out, buf, (size_t)len) == len ? 0 : 4);
}

static void others_may_only_read(void **state)
{
	static const struct {
		const char *line;
		const char *part;
	} rows[] = {
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"session.close\",\"params\":{\"all\":"
		 "true}}\n",
		 "\"level\":\"read\""},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"shutdown\"}\n", "\"level\":\"read\""},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"counts\"}\n", "\"id\":1"},
	};

	(void)state;
	if (geteuid() != 0) {
		print_message("only root can become somebody else\n");
		skip();
	}
	open_session("joe", MCP_REV_2025_11_25);
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(chmod(path, 0666), 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char buf[4096] = "";
		int fds[2], status = 0;
		pid_t pid;

		assert_int_equal(pipe(fds), 0);
		pid = fork();
		if (pid == 0)
			ask_as_nobody(fds[1], rows[i].line);
		close(fds[1]);
		while (waitpid(pid, &status, WNOHANG) == 0)
			loop_turn(fx.base);
		/* Its status may be that of a memory checker; what it wrote tells all. */
		assert_true(WIFEXITED(status));
		assert_true(read(fds[0], buf, sizeof buf - 1) > 0);
		close(fds[0]);
		assert_non_null(strstr(buf, rows[i].part));
	}
	assert_int_equal(shutdowns, 0);
	assert_int_equal(count_sessions(), 1);
	sessions_close_all(fx.ss, CLOSE_OPERATOR);
}

/* Whatever allocation fails: no crash, nothing lost, and the next peer is served. */
static void lack_of_memory_ends_one_request(void **state)
{
	static const char *const requests[] = {
		"{'jsonrpc':'2.0','id':1,'method':'sessions.list'}",
		"{'jsonrpc':'2.0','id':1,'method':'status'}",
		"{'jsonrpc':'2.0','id':1,'method':'backends.list'}",
		"{'jsonrpc':'2.0','id':1,'method':'tools.list'}",
		"{'jsonrpc':'2.0','id':1,'method':'tool.call','params':{'name':'echo'}}",
		"{'jsonrpc':'2.0','id':1,'method':'log.follow'}",
		"{'jsonrpc':'2.0','id':1,'method':'session.show','params':{'id':'x'}}",
	};
	struct session *s = open_session("joe", MCP_REV_2025_11_25);

	(void)state;
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		bool failed = true;

		for (long n = 1; failed && n < 300; n++) {
			struct peer p = greeted();
			char line[200];

			snprintf(line, sizeof line, "%s\n", requests[i]);
			for (char *q = line; *q; q++)
				*q = *q == '\'' ? '"' : *q;
			assert_true(send(p.fd, line, strlen(line), 0) > 0);
			failalloc_at(n, false);
			loop_settle(fx.base);
			failed = failalloc_off();
			while (fake_held() > 0)
				call_result_tree(fake_take(0), json_object());
			peer_close(&p);
			assert_int_equal(fake_links(fx.backend), 0);
		}
		assert_false(failed);
	}
	session_close(s, CLOSE_CLIENT, NULL);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_all, close_all)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(greets),
		TEST(own_user_shows_the_key),
		TEST(key_is_new_and_private),
		TEST(unproven_are_bounded),
		TEST(counts_line_is_the_log_line),
		TEST(bad_requests),
		TEST(lines_in_any_pieces),
		TEST(a_line_too_long_is_thrown_away),
		TEST(half_closed_peers_get_their_answers),
		TEST(half_closed_peers_get_all_answers),
		TEST(sessions_are_listed_and_shown),
		TEST(sessions_are_closed),
		TEST(ambiguous_ids_are_told),
		TEST(status_and_backends),
		TEST(tools_are_listed_once_they_are_known),
		TEST(a_tool_is_called),
		TEST(a_tool_call_is_cancelled),
		TEST(an_operator_who_leaves_cancels),
		TEST(too_many_requests),
		TEST(the_log_is_followed),
		TEST(a_slow_follower_is_dropped),
		TEST(a_slow_reader_gets_everything),
		TEST(shutdown_comes_after_the_answer),
		TEST(a_second_daemon_is_refused),
		TEST(a_stale_socket_is_replaced),
		TEST(another_socket_is_not_removed),
		TEST(sockets_that_cannot_be_made),
		TEST(directories_are_not_trusted_blindly),
		TEST(mode_and_group),
		TEST(connections_are_counted),
		TEST(a_late_key_gets_a_place),
		TEST(followers_take_no_places),
		TEST(lack_of_descriptors_passes),
		TEST(others_may_only_read),
		TEST(lack_of_memory_ends_one_request),
	};

	failalloc_install();
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
