/* SPDX-License-Identifier: ISC */
/* Records of sessions: what becomes a session again, for whom, and for how long. */
#include "session_fixture.h"

#include <event2/event.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "failalloc.h"
#include "legacy/records.h"
#include "lib/jsonrpc.h"
#include "mcp/call.h"
#include "store/store.h"
#include "store/store_impl.h"

static char dir[64], path[96], key[96];
static struct config_store conf = {.kind = CONFIG_STORE_SQLITE, .path = dir, .key = key};
static struct store *store;

static void open_store(void)
{
	struct err e;

	store = store_open(fx.base, &conf, &e);
	assert_non_null(store);
	store_set_retry(store, 10);
}

static int set_up(void **state)
{
	snprintf(dir, sizeof dir, "/tmp/mcpd-records-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/mcpd.db", dir);
	snprintf(key, sizeof key, "%s/key", dir);
	fixture_open(state);
	fx.conf.persist = true;
	open_store();
	return 0;
}

static int tear_down(void **state)
{
	/* The store goes after the sessions and before the loop, which is the fixture's. */
	sessions_close_all(fx.ss, CLOSE_SHUTDOWN);
	loop_settle(fx.base);
	sessions_free(&fx.ss);
	store_close(&store);
	fixture_sessions(NULL, NULL);
	fixture_close(state);
	unlink(path);
	unlink(key);
	return rmdir(dir);
}

/* The daemon begins: with the sessions of before, if there are any. */
static void keep(const char *issuer)
{
	fixture_sessions(store, issuer);
}

/* The daemon ends, and begins again with what is on disk. */
static void begin_again(const char *issuer)
{
	loop_settle(fx.base);
	sessions_close_all(fx.ss, CLOSE_SHUTDOWN);
	loop_settle(fx.base);
	sessions_free(&fx.ss);
	store_close(&store);
	open_store();
	assert_null(store_trouble(store));
	keep(issuer);
}

static int restore(const char *id, const char *user, struct session **s_r, struct err *e)
{
	static const struct server_front none;
	struct session_conf like = {
		.view = fx.view,
		.path = "/mcp",
		.user = user,
		.peer = "127.0.0.1",
		.front = &none,
	};

	return sessions_restore(fx.ss, id, &like, false, s_r, e);
}

static char *open_and_end(const char *user)
{
	struct session *s = open_session(user, MCP_REV_2025_06_18);
	char *id = strdup(session_id(s));

	session_announce(s);
	begin_again("i");
	return id;
}

/* The client (un)subscribes, and the backend agrees. */
static void subscribe(struct session *s, const char *method, const char *uri)
{
	char params[64];

	snprintf(params, sizeof params, "{'uri':'%s'}", uri);
	post(s, BOTH, method, params);
	call_result_tree(fake_take(0), json_object());
}

static void assert_gone(const char *id, const char *user)
{
	struct session *s;
	struct err e;

	assert_int_equal(restore(id, user, &s, &e), ERR_NOTFOUND);
}

static void a_session_is_what_it_was(void **state)
{
	struct session *s = NULL;
	struct err e;
	char *id;

	(void)state;
	keep("i");
	id = open_and_end("alice");
	assert_int_equal(records_dormant(sessions_dormant(fx.ss)), 1);
	assert_int_equal(count_sessions(), 0);
	assert_int_equal(restore(id, "alice", &s, &e), 0);
	assert_string_equal(session_id(s), id);
	assert_string_equal(session_user(s), "alice");
	assert_int_equal(session_rev(s), MCP_REV_2025_06_18);
	assert_string_equal(session_caller(s)->capabilities, fx.capabilities);
	assert_string_equal(session_caller(s)->client_info,
			    "{\"name\":\"test\",\"version\":\"1\"}");
	assert_int_equal(session_caller(s)->log_level, -1);
	assert_int_equal(records_dormant(sessions_dormant(fx.ss)), 0);
	assert_gone(id, "alice"); /* open by now */
	session_close(s, CLOSE_IDLE, NULL);
	begin_again("i");
	assert_gone(id, "alice");
	free(id);
}

static void it_is_the_same_user_of_the_same_issuer(void **state)
{
	struct session *s = NULL;
	struct err e;
	char *id, *nobodys;

	(void)state;
	keep("i");
	id = open_and_end("alice");
	assert_gone(id, "bob");
	assert_gone(id, NULL);
	nobodys = open_and_end(NULL);
	assert_gone(nobodys, "alice");
	begin_again("another");
	assert_gone(id, "alice");
	begin_again("i");
	assert_int_equal(restore(id, "alice", &s, &e), 0);
	assert_int_equal(restore(nobodys, NULL, &s, &e), 0);
	begin_again("i");
	free(id);
	free(nobodys);
}

/* Changes what the record of ID says. */
static void forge(const char *id, const char *member, const char *value)
{
	json_t *record = store_get(store, STORE_SESSIONS, id, NULL);

	assert_non_null(record);
	json_object_set_new(record, member, json_of(value));
	assert_int_equal(store_put(store, STORE_SESSIONS, id, record), 0);
	json_decref(record);
}

static void put_seen(const char *id, int64_t ago)
{
	char text[32];

	snprintf(text, sizeof text, "%lld", (long long)(time(NULL) - ago));
	forge(id, "seen", text);
	begin_again("i");
}

static void idle_time_counts_on(void **state)
{
	struct session *s = NULL;
	struct err e;
	char *id;

	(void)state;
	fx.conf.idle_timeout_ms = 1000000;
	keep("i");
	id = open_and_end(NULL);
	put_seen(id, 1000);
	assert_int_equal(restore(id, NULL, &s, &e), 0);
	begin_again("i");
	put_seen(id, 1000 + 125 + 5); /* it may be an eighth older than its record knows */
	assert_gone(id, NULL);
	assert_int_equal(records_dormant(sessions_dormant(fx.ss)), 0);
	begin_again("i");
	assert_int_equal(records_dormant(sessions_dormant(fx.ss)), 0);
	free(id);
	fx.conf.idle_timeout_ms = 0;
	id = open_and_end(NULL);
	put_seen(id, 100000000);
	assert_int_equal(restore(id, NULL, &s, &e), 0);
	begin_again("i");
	put_seen(id, -5000); /* the clock was set back */
	assert_int_equal(restore(id, NULL, &s, &e), 0);
	assert_in_range(session_age_ms(s), 0, 10000);
	begin_again("i");
	free(id);
}

/* What stands in the database may be of anybody's making. */
static void records_that_are_none_are_dropped(void **state)
{
	static const char *const forged[][2] = {
		{"revision", "'2026-07-28'"},
		{"revision", "'nonsense'"},
		{"revision", "7"},
		{"path", "null"},
		{"capabilities", "{}"},
		{"logLevel", "'x'"},
		{"subscriptions", "{}"},
		{"subscriptions", "[1]"},
		{"seen", "'x'"},
		{"opened", "null"},
		{"peer", "3"},
		{"client", "3"},
		{"logLevel", "99"},
		{"capabilities", "'x'"},
	};
	struct session *s = NULL;
	struct err e;
	json_t *row;

	(void)state;
	keep("i");
	for (size_t i = 0; i < sizeof forged / sizeof forged[0]; i++) {
		char *id = open_and_end(NULL);

		forge(id, forged[i][0], forged[i][1]);
		begin_again("i");
		row = records_describe(sessions_dormant(fx.ss), id);
		json_decref(row);
		if (restore(id, NULL, &s, &e) == 0)
			session_close(s, CLOSE_CLIENT, NULL);
		loop_settle(fx.base);
		free(id);
	}
	row = json_of("{}");
	store_put(store, STORE_SESSIONS, "short", row);
	json_decref(row);
	begin_again("i");
	assert_int_equal(records_dormant(sessions_dormant(fx.ss)), 0);
}

static void there_are_no_more_than_may_be_open(void **state)
{
	char *ids[4];

	(void)state;
	keep("i");
	for (int i = 0; i < 4; i++) {
		ids[i] = open_and_end(NULL);
		put_seen(ids[i], 100 - i);
	}
	fx.conf.max = 2;
	begin_again("i");
	assert_int_equal(records_dormant(sessions_dormant(fx.ss)), 2);
	assert_gone(ids[0], NULL);
	assert_gone(ids[1], NULL);
	for (int i = 0; i < 4; i++)
		free(ids[i]);
}

/* A session that is open has a record, too, and is not dormant for that. */
static void a_database_that_comes_late_brings_its_sessions(void **state)
{
	struct session *s = NULL;
	struct err e;
	sqlite3 *db;
	char *id;

	(void)state;
	keep("i");
	id = open_and_end(NULL);
	sessions_free(&fx.ss);
	store_close(&store);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	open_store();
	keep("i");
	assert_gone(id, NULL);
	s = open_session(NULL, MCP_REV_2025_06_18);
	session_announce(s);
	sqlite3_close(db);
	for (int i = 0; store_trouble(store) && i < 10000; i++)
		event_base_loop(fx.base, EVLOOP_ONCE);
	loop_settle(fx.base);
	assert_int_equal(records_dormant(sessions_dormant(fx.ss)), 1);
	assert_int_equal(restore(id, NULL, &s, &e), 0);
	begin_again("i");
	assert_int_equal(records_dormant(sessions_dormant(fx.ss)), 2);
	free(id);
}

/* Whatever allocation fails: the session stays where it was, for the next try. */
static void without_memory_it_stays_dormant(void **state)
{
	struct session *s = NULL;
	struct err e;
	char *id;
	int rc = ERR_NOMEM, tries = 0;

	(void)state;
	keep("i");
	s = open_session("alice", MCP_REV_2025_06_18);
	session_announce(s);
	id = strdup(session_id(s));
	subscribe(s, "resources/subscribe", "r:1");
	begin_again("i");
	for (long n = 1; rc != 0 && n < 10000; n++, tries++) {
		failalloc_at(n, false);
		rc = restore(id, "alice", &s, &e);
		failalloc_off();
		loop_settle(fx.base);
		assert_true(rc == 0 || rc == ERR_NOMEM);
		assert_int_equal(count_sessions(), rc == 0);
	}
	assert_int_equal(rc, 0);
	assert_true(tries > 5);
	assert_int_equal(json_object_size(server_subscriptions(session_server(s))), 1);
	while (fake_held() > 0)
		call_result_tree(fake_take(0), json_object());
	begin_again("i");
	assert_int_equal(records_dormant(sessions_dormant(fx.ss)), 1);
	free(id);
}

static void count_row(const char *name, json_t *value, void *arg)
{
	(void)name, (void)value;
	++*(int *)arg;
}

static int parts(void)
{
	int n = 0;

	store_each(store, STORE_PARTS, count_row, &n);
	return n;
}

static bool has_part(const char *id, const char *uri)
{
	char name[128];
	json_t *value;

	snprintf(name, sizeof name, "%s %s", id, uri);
	value = store_get(store, STORE_PARTS, name, NULL);
	json_decref(value);
	return value;
}

static char *text_of_record(const char *id)
{
	json_t *record = store_get(store, STORE_SESSIONS, id, NULL);
	char *text = json_dumps(record, JSON_COMPACT);

	assert_non_null(text);
	json_decref(record);
	return text;
}

static struct session *restored(const char *id)
{
	struct session *s = NULL;
	struct err e;

	assert_int_equal(restore(id, NULL, &s, &e), 0);
	while (fake_held() > 0) /* it subscribes again */
		call_result_tree(fake_take(0), json_object());
	return s;
}

static void a_change_writes_a_part_and_not_the_record(void **state)
{
	struct session *s;
	char *id, *before, *after;

	(void)state;
	keep("i");
	s = open_session(NULL, MCP_REV_2025_06_18);
	session_announce(s);
	id = strdup(session_id(s));
	before = text_of_record(id);
	assert_int_equal(parts(), 0); /* a session that asks for nothing has none */
	subscribe(s, "resources/subscribe", "r:1");
	subscribe(s, "resources/subscribe", "r:2");
	subscribe(s, "resources/subscribe", "r:2");
	subscribe(s, "resources/unsubscribe", "r:1");
	post(s, JSON_ONLY, "logging/setLevel", "{'level':'warning'}");
	assert_true(has_part(id, "r:2"));
	assert_false(has_part(id, "r:1"));
	assert_int_equal(parts(), 2);
	after = text_of_record(id);
	assert_string_equal(after, before);
	for (int i = 0; i < 2; i++) {
		begin_again("i");
		assert_int_equal(parts(), 2);
		s = restored(id);
		assert_int_equal(session_caller(s)->log_level, mcp_log_level_parse("warning"));
		assert_int_equal(json_object_size(server_subscriptions(session_server(s))), 1);
		assert_non_null(json_object_get(server_subscriptions(session_server(s)), "r:2"));
	}
	session_close(s, CLOSE_CLIENT, NULL);
	loop_settle(fx.base);
	assert_int_equal(parts(), 0);
	begin_again("i");
	assert_int_equal(parts(), 0);
	free(before);
	free(after);
	free(id);
}

/* As earlier versions wrote it. */
static void subscriptions_inside_a_record_become_parts(void **state)
{
	struct session *s;
	char *id, *text;

	(void)state;
	keep("i");
	id = open_and_end(NULL);
	forge(id, "subscriptions", "['r:1','r:2']");
	for (int i = 0; i < 2; i++) {
		begin_again("i");
		assert_int_equal(parts(), 2);
		assert_true(has_part(id, "r:1") && has_part(id, "r:2"));
		text = text_of_record(id);
		assert_null(strstr(text, "r:1"));
		free(text);
	}
	s = restored(id);
	assert_int_equal(json_object_size(server_subscriptions(session_server(s))), 2);
	session_subscribed(s, "r:2", false);
	begin_again("i");
	s = restored(id);
	assert_int_equal(json_object_size(server_subscriptions(session_server(s))), 1);
	session_close(s, CLOSE_CLIENT, NULL);
	loop_settle(fx.base);
	free(id);
}

static void a_dormant_session_takes_its_parts_along(void **state)
{
	struct session *s;
	char *id;

	(void)state;
	keep("i");
	for (int i = 0; i < 2; i++) {
		s = open_session(NULL, MCP_REV_2025_06_18);
		session_announce(s);
		id = strdup(session_id(s));
		subscribe(s, "resources/subscribe", "r:1");
		post(s, JSON_ONLY, "logging/setLevel", "{'level':'warning'}");
		begin_again("i");
		assert_int_equal(parts(), 2);
		if (i == 0) {
			sessions_close_dormant(fx.ss, id);
		} else {
			fx.conf.idle_timeout_ms = 1000000;
			put_seen(id, 100000000);
		}
		assert_int_equal(parts(), 0);
		begin_again("i");
		assert_int_equal(parts(), 0);
		free(id);
	}
}

/* What stands in the database may be of anybody's making. */
static void parts_of_nothing_are_dropped(void **state)
{
	static const char *const behind[] = {"-r:1", "", " "};
	char name[64];
	char *id;

	(void)state;
	keep("i");
	id = open_and_end(NULL);
	for (size_t i = 0; i < sizeof behind / sizeof behind[0]; i++) {
		snprintf(name, sizeof name, "%s%s", id, behind[i]);
		store_put(store, STORE_PARTS, name, json_true());
	}
	store_put(store, STORE_PARTS, "short", json_true());
	store_put(store, STORE_PARTS, "0123456789abcdef0123456789abcdef r:1", json_true());
	begin_again("i");
	assert_int_equal(parts(), 1); /* an empty URI is one */
	assert_true(has_part(id, ""));
	session_close(restored(id), CLOSE_CLIENT, NULL);
	loop_settle(fx.base);
	assert_int_equal(parts(), 0);
	free(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_session_is_what_it_was, set_up, tear_down),
		cmocka_unit_test_setup_teardown(it_is_the_same_user_of_the_same_issuer, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(idle_time_counts_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(records_that_are_none_are_dropped, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(there_are_no_more_than_may_be_open, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_database_that_comes_late_brings_its_sessions,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_memory_it_stays_dormant, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_change_writes_a_part_and_not_the_record, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(subscriptions_inside_a_record_become_parts, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_dormant_session_takes_its_parts_along, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(parts_of_nothing_are_dropped, set_up, tear_down),
	};

	failalloc_install();
	return cmocka_run_group_tests_name("records", tests, NULL, NULL);
}
