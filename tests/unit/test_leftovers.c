/* SPDX-License-Identifier: ISC */
/* Processes that a daemon left: what is kept of them, and which of them are ended. */
#include "support.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/procinfo.h"
#include "failalloc.h"
#include "leftovers.h"
#include "lib/log.h"
#include "process/children.h"
#include "store/store_impl.h"

#define GENERATIONS 3

static struct event_base *base;
static struct children *set;
static struct store *store;
static struct leftovers *left;
static char dir[64], path[96], key[96];
static struct config_store sqlite = {.kind = CONFIG_STORE_SQLITE, .path = dir, .key = key};
static const struct config_store memory = {.kind = CONFIG_STORE_MEMORY};
static char boot[200];

/* A process of nobody's, with a child of its own that has one, too. */
static struct procid family[GENERATIONS];

static void find_boot(void)
{
	size_t len;
	char *id = procinfo_slurp("/proc/sys/kernel/random/boot_id", 200, &len), ns[64];
	ssize_t n = readlink("/proc/self/ns/pid", ns, sizeof ns);

	assert_true(id != NULL && n > 0);
	snprintf(boot, sizeof boot, "%.36s %.*s", id, (int)n, ns);
	free(id);
}

static int set_up(void **state)
{
	const struct children_limits limits = {
		.max = 10, .term_after_ms = 50, .kill_after_ms = 100};
	struct err e;

	(void)state;
	snprintf(dir, sizeof dir, "/tmp/mcpd-left-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/mcpd.db", dir);
	snprintf(key, sizeof key, "%s/key", dir);
	find_boot();
	base = loop_open();
	set = children_new(base, &limits, &e);
	store = store_open(base, &sqlite, &e);
	assert_true(set != NULL && store != NULL);
	log_set_level(LOGL_INFO);
	capture_start();
	return 0;
}

static int tear_down(void **state)
{
	char log[120];

	(void)state;
	if (left)
		leftovers_free(&left);
	store_close(&store);
	children_free(&set);
	capture_stop();
	loop_close(base);
	for (int i = 0; i < GENERATIONS; i++)
		procinfo_signal(&family[i], SIGKILL);
	memset(family, 0, sizeof family);
	snprintf(log, sizeof log, "%s-wal", path);
	unlink(log);
	unlink(path);
	unlink(key);
	return rmdir(dir);
}

/* C gets TEXT. The code of child_write_buffer(). */
static int say(struct child *c, const void *text, size_t len)
{
	struct evbuffer *buf = evbuffer_new();
	int rc;

	assert_non_null(buf);
	assert_int_equal(evbuffer_add(buf, text, len), 0);
	rc = child_write_buffer(c, buf);
	evbuffer_free(buf);
	return rc;
}

static bool is_alive(const struct procid *id)
{
	struct procinfo p;

	return procinfo_read(id->pid, &p) == 0 && p.id.start == id->start && p.state != 'Z' &&
	       p.state != 'X';
}

/* In a process of its own: writes its number and goes on with the next generation in another
 * session. */
static void found_family(int out)
{
	for (int i = 0; i < GENERATIONS; i++) {
		pid_t pid = i > 0 ? fork() : 0;

		if (pid != 0)
			break;
		setsid();
		pid = getpid();
		if (write(out, &pid, sizeof pid) != (ssize_t)sizeof pid)
			_exit(1);
	}
	close(out);
	/* Should the test not get to its end, nobody waits for ever for the end of its output. */
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	alarm(300);
	for (;;)
		pause();
}

/* The family is not below this process, as what an earlier daemon left is not below the next one.
 */
static void start_family(void)
{
	struct procinfo p;
	int fd[2], status;
	pid_t between;

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	assert_int_equal(pipe(fd), 0);
	between = fork();
	if (between == 0) {
		close(fd[0]);
		if (fork() == 0)
			found_family(fd[1]);
		_exit(0);
	}
	close(fd[1]);
	assert_int_equal(waitpid(between, &status, 0), between);
	for (int i = 0; i < GENERATIONS; i++) {
		pid_t pid;

		assert_int_equal(read(fd[0], &pid, sizeof pid), (ssize_t)sizeof pid);
		assert_int_equal(procinfo_read(pid, &p), 0);
		family[i] = p.id;
	}
	close(fd[0]);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
}

static json_t *pair(pid_t pid, unsigned long long start)
{
	return json_pack("[i, I]", (int)pid, (json_int_t)start);
}

/* The record of a child: of the daemon DAEMON, with the one process ID. */
static json_t *record(const char *of_boot, const struct procid *daemon, const struct procid *id)
{
	return json_pack("{s:s, s:o, s:s, s:s, s:[o]}", "boot", of_boot, "daemon",
			 pair(daemon->pid, daemon->start), "server", "fake", "session", "s-1",
			 "processes", pair(id->pid, id->start));
}

static void put(json_t *value_take)
{
	assert_non_null(value_take);
	assert_int_equal(store_put(store, STORE_CHILDREN, "1.1", value_take), 0);
	json_decref(value_take);
}

static void count_one(const char *name, json_t *value, void *arg)
{
	(void)name, (void)value;
	++*(int *)arg;
}

static int records(void)
{
	int n = 0;

	store_each(store, STORE_CHILDREN, count_one, &n);
	return n;
}

static void begin(void)
{
	left = leftovers_new(store, set);
	assert_non_null(left);
}

/* A daemon that is gone: its number is taken by somebody who started at another time. */
static struct procid dead_daemon(void)
{
	return (struct procid){.pid = getpid(), .start = 1};
}

/* SIGKILL was sent; the kernel takes its time. */
static void until_dead(const struct procid *id)
{
	time_t limit = time(NULL) + 60;

	while (is_alive(id) && time(NULL) < limit)
		sched_yield();
	assert_false(is_alive(id));
}

static void until_gone(void)
{
	for (int i = 0; i < GENERATIONS; i++)
		until_dead(&family[i]);
}

static void leftovers_are_ended_with_all_that_is_below(void **state)
{
	struct procid daemon = dead_daemon();

	(void)state;
	start_family();
	put(record(boot, &daemon, &family[0]));
	begin();
	until_gone();
	assert_int_equal(capture_matches("left over from mcpd process"), GENERATIONS);
	assert_int_equal(records(), 0);
}

/* The parents have ended, as the child has when its daemon is killed. */
static void leftovers_whose_parents_are_gone_are_ended(void **state)
{
	struct procid daemon = dead_daemon();
	json_t *value;

	(void)state;
	start_family();
	value = record(boot, &daemon, &family[0]);
	for (int i = 1; i < GENERATIONS; i++)
		json_array_append_new(json_object_get(value, "processes"),
				      pair(family[i].pid, family[i].start));
	for (int i = 0; i < GENERATIONS - 1; i++)
		assert_true(procinfo_signal(&family[i], SIGKILL));
	for (int i = 0; i < GENERATIONS - 1; i++)
		until_dead(&family[i]);
	put(value);
	begin();
	until_gone();
	assert_int_equal(capture_matches("left over from mcpd process"), 1);
	assert_int_equal(records(), 0);
}

static void assert_untouched(json_t *value_take)
{
	put(value_take);
	begin();
	for (int i = 0; i < GENERATIONS; i++) {
		struct procinfo p;

		assert_int_equal(procinfo_read(family[i].pid, &p), 0);
		assert_true(is_alive(&family[i]) && p.state != 'T');
	}
	assert_int_equal(capture_matches("left over"), 0);
	assert_int_equal(records(), 0);
	leftovers_free(&left);
}

static void whatever_is_in_doubt_is_not_touched(void **state)
{
	struct procid daemon = dead_daemon(), other, living;
	struct procinfo self;
	char another[sizeof boot];

	(void)state;
	start_family();
	other = family[0];
	other.start++;
	assert_untouched(record(boot, &daemon, &other)); /* the number was given away */
	snprintf(another, sizeof another, "%s", boot);
	another[0] = another[0] == '0' ? '1' : '0';
	assert_untouched(record(another, &daemon, &family[0])); /* another boot */
	snprintf(another, sizeof another, "%.36s pid:[1]", boot);
	assert_untouched(record(another, &daemon, &family[0])); /* another PID namespace */
	living = family[1];
	assert_untouched(record(boot, &living, &family[0])); /* the daemon of that child runs */
	assert_int_equal(procinfo_read(getpid(), &self), 0);
	assert_untouched(record(boot, &daemon, &self.id)); /* this very process */
}

static void broken_records_are_removed(void **state)
{
	static const char *const broken[] = {
		"1",
		"[]",
		"{}",
		"{'boot':'%s'}",
		"{'boot':1,'daemon':[1,1],'server':'x','processes':[[2,1]]}",
		"{'boot':'%s','daemon':[1,1],'server':'x','processes':[]}",
		"{'boot':'%s','daemon':[1,1],'server':'x','processes':[[-1,1]]}",
		"{'boot':'%s','daemon':[1,1],'server':'x','processes':[[0,1]]}",
		"{'boot':'%s','daemon':[1,1],'server':'x','processes':[[1,1]]}",
		"{'boot':'%s','daemon':[1,1],'server':'x','processes':[[4294967298,1]]}",
		"{'boot':'%s','daemon':[1,1],'server':'x','processes':[[2]]}",
		"{'boot':'%s','daemon':[1,1],'server':'x','processes':[['2','1']]}",
		"{'boot':'%s','daemon':'1','server':'x','processes':[[2,1]]}",
		"{'boot':'%s','daemon':[1,1],'processes':[[2,1]]}",
	};
	const size_t n = sizeof broken / sizeof *broken;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const char *mark = strstr(broken[i], "%s");
		char text[512];

		snprintf(text, sizeof text, "%.*s%s%s", mark ? (int)(mark - broken[i]) : 512,
			 broken[i], mark ? boot : "", mark ? mark + 2 : "");
		put(json_of(text));
		begin();
		assert_int_equal(records(), 0);
		assert_int_equal(capture_matches("cannot be read"), i + 1);
		assert_int_equal(capture_matches("left over"), 0);
		leftovers_free(&left);
	}
}

/* Without memory the record stays, or all is ended; never is anybody else. */
static void lack_of_memory_ends_nobody_else(void **state)
{
	struct procid daemon = dead_daemon();
	bool failed = true;

	(void)state;
	capture_stop(); /* it allocates, too */
	start_family();
	put(record(boot, &daemon, &family[0]));
	for (long n = 1; failed; n++) {
		failalloc_at(n, true);
		left = leftovers_new(store, set);
		failed = failalloc_off();
		if (left)
			leftovers_free(&left);
		/* The record goes only with the process. */
		if (records() == 0)
			until_dead(&family[0]);
		assert_true(n < 1000);
	}
	assert_int_equal(records(), 0);
	until_dead(&family[0]);
}

/* ---- keeping ---- */

static int exits;

static void on_stdout(struct child *c, struct evbuffer *in, void *arg)
{
	(void)c, (void)in, (void)arg;
}

static void on_exit_status(struct child *c, int status, void *arg)
{
	(void)c, (void)status, (void)arg;
	exits++;
}

static struct child *spawn(const char *script)
{
	static const struct child_events events = {.on_stdout = on_stdout,
						   .on_exit = on_exit_status};
	const char *const argv[] = {"sh", "-c", script, NULL};
	const char *const env[] = {"PATH=/usr/bin:/bin", NULL};
	const struct child_spec spec = {.name = "kept", .session = "s-7", .argv = argv, .env = env};
	struct child *c = NULL;

	exits = 0;
	assert_int_equal(children_spawn(set, &spec, &events, NULL, &c, NULL), 0);
	return c;
}

static void get_one(const char *name, json_t *value, void *arg)
{
	(void)name;
	*(json_t **)arg = json_incref(value);
}

/* The record once it has at least N processes; a new reference. */
static json_t *until_kept(struct child *c, size_t n)
{
	time_t limit = time(NULL) + 60;
	json_t *value = NULL;

	while (time(NULL) < limit) {
		store_each(store, STORE_CHILDREN, get_one, &value);
		if (json_array_size(json_object_get(value, "processes")) >= n)
			return value;
		json_decref(value);
		value = NULL;
		say(c, "x", 1); /* it may have started somebody since the last look */
		event_base_loop(base, EVLOOP_ONCE);
	}
	fail_msg("not kept");
	return NULL;
}

static void children_are_kept_until_they_end(void **state)
{
	struct child *c;
	json_t *value;
	struct procinfo p;

	(void)state;
	begin();
	c = spawn("setsid env -i sleep 1000 >/dev/null 2>&1 & exec cat >/dev/null");
	value = until_kept(c, 2);
	assert_string_equal(json_string_value(json_object_get(value, "boot")), boot);
	assert_string_equal(json_string_value(json_object_get(value, "server")), "kept");
	assert_string_equal(json_string_value(json_object_get(value, "session")), "s-7");
	assert_int_equal(procinfo_read(child_pid(c), &p), 0);
	assert_int_equal(json_integer_value(json_array_get(
				 json_array_get(json_object_get(value, "processes"), 0), 0)),
			 child_pid(c));
	assert_int_equal(json_integer_value(json_array_get(
				 json_array_get(json_object_get(value, "processes"), 0), 1)),
			 (json_int_t)p.id.start);
	json_decref(value);
	child_stop(c);
	loop_until_count(base, &exits, 1);
	assert_int_equal(records(), 0);
}

/* What is kept is on disk: what another store reads there, when this one was not closed. */
static void what_is_kept_is_on_disk(void **state)
{
	json_t *value;
	struct err e;

	(void)state;
	begin();
	value = until_kept(spawn("exec cat >/dev/null"), 1);
	json_decref(value);
	loop_settle(base);
	assert_false(store_unwritten(store));
	leftovers_free(&left);
	store_close(&store);
	store = store_open(base, &sqlite, &e);
	assert_int_equal(records(), 1);
}

/* Its own children are not what an earlier daemon has left. */
static void own_children_are_spared_when_the_store_is_loaded_late(void **state)
{
	struct child *c;
	json_t *value;

	(void)state;
	begin();
	c = spawn("exec cat >/dev/null");
	value = until_kept(c, 1);
	leftovers_free(&left);
	begin();
	assert_int_equal(records(), 1);
	assert_int_equal(kill(child_pid(c), 0), 0);
	assert_int_equal(exits, 0);
	json_decref(value);
}

static void a_failure_to_keep_is_made_up_for(void **state)
{
	bool failed = true;

	(void)state;
	begin();
	for (long n = 1; failed && n < 1000; n++) {
		struct child *c = spawn("exec cat >/dev/null");
		time_t limit = time(NULL) + 60;

		/* Whatever the tick allocates. */
		failalloc_at(n, true);
		event_base_loop(base, EVLOOP_ONCE);
		failed = failalloc_off();
		while (records() == 0 && time(NULL) < limit) {
			say(c, "x", 1);
			event_base_loop(base, EVLOOP_ONCE);
		}
		assert_int_equal(records(), 1);
		child_kill(c);
		loop_until_count(base, &exits, 1);
		assert_int_equal(records(), 0);
	}
	assert_false(failed);
}

static void a_store_in_memory_keeps_nothing(void **state)
{
	struct child *c;
	struct err e;

	(void)state;
	store_close(&store);
	store = store_open(base, &memory, &e);
	begin();
	c = spawn("exec cat");
	assert_int_equal(say(c, "x\n", 2), 0);
	child_stop(c);
	while (exits == 0) {
		assert_int_equal(records(), 0);
		event_base_loop(base, EVLOOP_ONCE);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(leftovers_are_ended_with_all_that_is_below),
		T(leftovers_whose_parents_are_gone_are_ended),
		T(whatever_is_in_doubt_is_not_touched),
		T(broken_records_are_removed),
		T(lack_of_memory_ends_nobody_else),
		T(children_are_kept_until_they_end),
		T(what_is_kept_is_on_disk),
		T(own_children_are_spared_when_the_store_is_loaded_late),
		T(a_failure_to_keep_is_made_up_for),
		T(a_store_in_memory_keeps_nothing),
	};

	failalloc_install();
	return cmocka_run_group_tests_name("leftovers", tests, NULL, NULL);
}
