/* SPDX-License-Identifier: ISC */
/* The store: what it keeps, and what it does when it cannot. */
#include "support.h"

#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store_impl.h"

static struct event_base *base;
static char dir[64], path[96], key[96];
static struct config_store conf = {.kind = CONFIG_STORE_SQLITE, .path = dir, .key = key};
static struct store *store;

static int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/mcpd-store-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/mcpd.db", dir);
	snprintf(key, sizeof key, "%s/key", dir);
	base = loop_open();
	capture_start();
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	store_close(&store);
	capture_stop();
	loop_close(base);
	snprintf(command, sizeof command, "%s-wal", path);
	unlink(command);
	unlink(path);
	unlink(key);
	snprintf(command, sizeof command, "%s/other", dir);
	unlink(command);
	return rmdir(dir);
}

static void open_store(void)
{
	struct err e;

	store = store_open(base, &conf, &e);
	assert_non_null(store);
	store_set_retry(store, 10);
}

static void reopen(void)
{
	store_close(&store);
	open_store();
}

static void put(enum store_table table, const char *name, const char *text)
{
	json_t *value = json_of(text);

	assert_int_equal(store_put(store, table, name, value), 0);
	json_decref(value);
}

static void assert_value(enum store_table table, const char *name, const char *text)
{
	json_t *value = store_get(store, table, name, NULL), *wanted = text ? json_of(text) : NULL;

	assert_true(text ? json_equal(value, wanted) : value == NULL);
	json_decref(value);
	json_decref(wanted);
}

static void count_one(const char *name, json_t *value, void *arg)
{
	(void)name, (void)value;
	++*(size_t *)arg;
}

static size_t count(enum store_table table)
{
	size_t n = 0;

	store_each(store, table, count_one, &n);
	return n;
}

static void on_told(void *arg)
{
	++*(int *)arg;
}

/* Until all that was put is written, or cannot be. */
static void settle(void)
{
	int told = 0;
	struct store_waiter w = {.fn = on_told, .arg = &told};

	store_when_durable(store, &w);
	assert_int_equal(told, 0);
	loop_until_count(base, &told, 1);
}

/* Each turn of the loop is a retry, or waits for one. */
static void until_well(void)
{
	for (int i = 0; store_trouble(store) && i < 10000; i++)
		event_base_loop(base, EVLOOP_ONCE);
	assert_null(store_trouble(store));
}

static char *read_whole(const char *file, size_t *len_r)
{
	static char buf[1 << 20];
	int fd = open(file, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, sizeof buf);

	assert_true(n >= 0);
	if (fd >= 0)
		close(fd);
	*len_r = (size_t)n;
	return buf;
}

static void write_at(const char *file, off_t at, const char *text, size_t len)
{
	int fd = open(file, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, text, len, at), (ssize_t)len);
	close(fd);
}

static void values_are_there_again(void **state)
{
	(void)state;
	open_store();
	assert_null(store_trouble(store));
	put(STORE_SESSIONS, "a", "{\"x\":1}");
	put(STORE_SESSIONS, "a", "{\"x\":2}");
	put(STORE_SESSIONS, "b", "[]");
	put(STORE_TOKENS, "a", "{\"access\":\"s3cret-token\"}");
	put(STORE_SECRETS, "a", "{\"site\":\"s3cret-value\"}");
	put(STORE_CHILDREN, "a", "{'processes':[[12,34]]}");
	put(STORE_CHILDREN, "b", "{'processes':[[56,78]]}");
	assert_int_equal(store_delete(store, STORE_SESSIONS, "b"), 0);
	assert_int_equal(store_delete(store, STORE_SESSIONS, "never"), 0);
	assert_value(STORE_SESSIONS, "a", "{\"x\":2}");
	settle();
	reopen();
	assert_null(store_trouble(store));
	assert_value(STORE_SESSIONS, "a", "{\"x\":2}");
	assert_value(STORE_SESSIONS, "b", NULL);
	assert_value(STORE_TOKENS, "a", "{\"access\":\"s3cret-token\"}");
	assert_value(STORE_SECRETS, "a", "{\"site\":\"s3cret-value\"}");
	assert_value(STORE_SECRETS, "b", NULL);
	assert_value(STORE_CHILDREN, "a", "{'processes':[[12,34]]}");
	assert_int_equal(count(STORE_SESSIONS), 1);
	assert_int_equal(count(STORE_CHILDREN), 2);
	assert_int_equal(store_delete(store, STORE_TOKENS, "a"), 0);
	assert_int_equal(store_delete(store, STORE_CHILDREN, "a"), 0);
	reopen();
	assert_value(STORE_TOKENS, "a", NULL);
	assert_value(STORE_CHILDREN, "a", NULL);
	assert_value(STORE_CHILDREN, "b", "{'processes':[[56,78]]}");
	assert_value(STORE_SESSIONS, "a", "{\"x\":2}");
}

static void memory_keeps_nothing(void **state)
{
	struct config_store memory = {.kind = CONFIG_STORE_MEMORY};
	struct err e;

	(void)state;
	store = store_open(base, &memory, &e);
	assert_non_null(store);
	assert_false(store_persistent(store));
	put(STORE_TOKENS, "a", "{\"access\":\"x\"}");
	assert_value(STORE_TOKENS, "a", "{\"access\":\"x\"}");
	settle();
	store_delete(store, STORE_TOKENS, "a");
	assert_value(STORE_TOKENS, "a", NULL);
	put(STORE_CHILDREN, "a", "{'processes':[[12,34]]}");
	assert_value(STORE_CHILDREN, "a", "{'processes':[[12,34]]}");
	assert_int_equal(count(STORE_CHILDREN), 1);
	assert_int_equal(store_delete(store, STORE_CHILDREN, "a"), 0);
	assert_int_equal(count(STORE_CHILDREN), 0);
	assert_null(store_trouble(store));
	assert_int_equal(access(path, F_OK), -1);
}

/* Nothing of it can be found in what is on disk, while it is used and after. */
static void secrets_are_not_on_disk(void **state)
{
	char log[100];
	const char *files[] = {path, log};
	size_t len;

	(void)state;
	snprintf(log, sizeof log, "%s-wal", path);
	open_store();
	put(STORE_TOKENS, "a", "{\"access\":\"s3cret-token\"}");
	put(STORE_SECRETS, "a", "{\"site\":\"s3cret-value\"}");
	put(STORE_SESSIONS, "a", "\"plain-to-see\"");
	settle();
	for (int i = 0; i < 2; i++) {
		char *bytes = read_whole(files[i], &len);

		assert_null(memmem(bytes, len, "s3cret", 6));
		if (i == 1)
			assert_non_null(memmem(bytes, len, "plain-to-see", 12));
	}
	store_close(&store);
	assert_null(memmem(read_whole(path, &len), len, "s3cret", 6));
}

static void files_are_for_the_owner_alone(void **state)
{
	const char *files[] = {path, key};
	char log[100];
	struct stat st;

	(void)state;
	umask(0);
	open_store();
	put(STORE_SESSIONS, "a", "1");
	settle();
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(stat(files[i], &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	snprintf(log, sizeof log, "%s-wal", path);
	assert_int_equal(stat(log, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	umask(022);
}

/* A store in trouble serves from memory; its file is as it was. */
static void assert_left_alone(const char *file, const char *why)
{
	size_t len, len_after;
	char *bytes = read_whole(file, &len), *copy = malloc(len + 1);

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	open_store();
	assert_non_null(store_trouble(store));
	assert_non_null(strstr(store_trouble(store), why));
	put(STORE_SESSIONS, "new", "1");
	put(STORE_TOKENS, "new", "{\"access\":\"y\"}");
	settle();
	assert_value(STORE_SESSIONS, "new", "1");
	assert_value(STORE_TOKENS, "new", "{\"access\":\"y\"}");
	store_delete(store, STORE_TOKENS, "new");
	assert_value(STORE_TOKENS, "new", NULL);
	store_close(&store);
	bytes = read_whole(file, &len_after);
	assert_int_equal(len, len_after);
	assert_memory_equal(copy, bytes, len);
	free(copy);
	assert_true(capture_matches("The store is in trouble"));
}

static void make_filled(void)
{
	open_store();
	put(STORE_SESSIONS, "old", "1");
	put(STORE_TOKENS, "old", "{\"access\":\"x\"}");
	store_close(&store);
}

static void a_wrong_key_changes_nothing(void **state)
{
	char other[96];

	(void)state;
	make_filled();
	snprintf(other, sizeof other, "%s/other", dir);
	rename(key, other);
	write_at(key, 0, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n", 65);
	assert_left_alone(path, "another key");
	unlink(key);
	assert_left_alone(path, "is not there");
	assert_int_equal(access(key, F_OK), -1);
	write_at(key, 0, "not a key\n", 10);
	assert_left_alone(path, "is no key");
	rename(other, key);
	open_store();
	assert_null(store_trouble(store));
	assert_value(STORE_TOKENS, "old", "{\"access\":\"x\"}");
}

static void a_corrupt_database_is_left_alone(void **state)
{
	char junk[3000];

	(void)state;
	make_filled();
	memset(junk, 'x', sizeof junk);
	write_at(path, 4096, junk, sizeof junk);
	assert_left_alone(path, "corrupt");
	write_at(path, 0, junk, 100);
	assert_left_alone(path, "mcpd.db");
}

static void sql(const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void databases_of_others_are_left_alone(void **state)
{
	(void)state;
	sql("CREATE TABLE sessions (mine TEXT)");
	assert_left_alone(path, "no database of mcpd");
	unlink(path);
	make_filled();
	sql("PRAGMA user_version=99");
	assert_left_alone(path, "newer mcpd");
}

/* As the first version made it: what it lacks is added, and what it has is kept. */
static void a_database_of_an_older_mcpd_is_brought_up_to_date(void **state)
{
	(void)state;
	make_filled();
	sql("DROP TABLE children; DROP TABLE session_parts; PRAGMA user_version=1");
	open_store();
	assert_null(store_trouble(store));
	assert_value(STORE_SESSIONS, "old", "1");
	assert_value(STORE_TOKENS, "old", "{\"access\":\"x\"}");
	put(STORE_CHILDREN, "new", "[1]");
	reopen();
	assert_value(STORE_CHILDREN, "new", "[1]");
	store_close(&store);
	sql("DROP TABLE session_parts; PRAGMA user_version=2");
	open_store();
	assert_null(store_trouble(store));
	assert_value(STORE_CHILDREN, "new", "[1]");
	put(STORE_PARTS, "old test://1", "true");
	reopen();
	assert_value(STORE_PARTS, "old test://1", "true");
	assert_value(STORE_SESSIONS, "old", "1");
}

/* A value that is no JSON is not seen, and harms no other. */
static void a_broken_value_is_left_out(void **state)
{
	(void)state;
	open_store();
	put(STORE_CHILDREN, "bad", "[1]");
	put(STORE_CHILDREN, "good", "[2]");
	store_close(&store);
	sql("UPDATE children SET value = '[1' WHERE key = 'bad'");
	open_store();
	assert_null(store_trouble(store));
	assert_value(STORE_CHILDREN, "bad", NULL);
	assert_value(STORE_CHILDREN, "good", "[2]");
	assert_int_equal(count(STORE_CHILDREN), 1);
	assert_int_equal(store_delete(store, STORE_CHILDREN, "bad"), 0);
}

/* What was put before the database could be read is newer than what is in it. */
static void a_locked_database_is_read_when_it_is_free(void **state)
{
	int loads = 0;
	struct store_waiter w = {.fn = on_told, .arg = &loads};
	sqlite3 *db;

	(void)state;
	make_filled();
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	open_store();
	assert_non_null(store_trouble(store));
	assert_non_null(strstr(store_trouble(store), "locked"));
	store_when_loaded(store, &w);
	settle();
	assert_int_equal(loads, 0);
	assert_value(STORE_SESSIONS, "old", NULL);
	put(STORE_SESSIONS, "new", "2");
	put(STORE_TOKENS, "new", "{\"access\":\"y\"}");
	store_delete(store, STORE_TOKENS, "old");
	sqlite3_close(db);
	until_well();
	loop_until_count(base, &loads, 1);
	assert_value(STORE_SESSIONS, "old", "1");
	assert_value(STORE_TOKENS, "old", NULL);
	store_unwait(store, &w);
	reopen();
	assert_value(STORE_SESSIONS, "old", "1");
	assert_value(STORE_SESSIONS, "new", "2");
	assert_value(STORE_TOKENS, "new", "{\"access\":\"y\"}");
	assert_value(STORE_TOKENS, "old", NULL);
}

static void two_daemons_do_not_share_it(void **state)
{
	struct store *second;
	struct err e;

	(void)state;
	open_store();
	second = store_open(base, &conf, &e);
	assert_non_null(second);
	assert_non_null(store_trouble(second));
	store_close(&second);
	put(STORE_SESSIONS, "a", "1");
	settle();
	assert_null(store_trouble(store));
}

/* A file that must not grow is like a full disk. */
static void a_full_disk_loses_nothing(void **state)
{
	struct rlimit old, now;
	char name[16];

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	open_store();
	put(STORE_TOKENS, "before", "{\"access\":\"x\"}");
	settle();
	getrlimit(RLIMIT_FSIZE, &old);
	now = (struct rlimit){.rlim_cur = 64 << 10, .rlim_max = old.rlim_max};
	setrlimit(RLIMIT_FSIZE, &now);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof name, "s%d", i);
		put(STORE_SESSIONS, name,
		    ("'............................................................................"
		     "...."
		     "............................................................................."
		     "..'"));
	}
	settle();
	assert_non_null(store_trouble(store));
	assert_int_equal(count(STORE_SESSIONS), 1000);
	assert_value(STORE_TOKENS, "before", "{\"access\":\"x\"}");
	store_delete(store, STORE_SESSIONS, "s0");
	setrlimit(RLIMIT_FSIZE, &old);
	until_well();
	assert_true(capture_matches("The store is well again"));
	reopen();
	assert_null(store_trouble(store));
	assert_int_equal(count(STORE_SESSIONS), 999);
	assert_value(STORE_TOKENS, "before", "{\"access\":\"x\"}");
}

static void a_value_is_bound_to_its_place(void **state)
{
	struct err e;

	(void)state;
	open_store();
	put(STORE_TOKENS, "mallory", "{\"access\":\"m\"}");
	put(STORE_TOKENS, "alice", "{\"access\":\"a\"}");
	store_close(&store);
	sql("UPDATE tokens SET value = (SELECT value FROM tokens WHERE key = 'alice') "
	    "WHERE key = 'mallory'");
	open_store();
	assert_null(store_trouble(store));
	assert_null(store_get(store, STORE_TOKENS, "mallory", &e));
	assert_int_equal(e.code, ERR_DENIED);
	assert_value(STORE_TOKENS, "alice", "{\"access\":\"a\"}");
	assert_int_equal(count(STORE_TOKENS), 1);
}

static void no_folder_is_trouble(void **state)
{
	struct config_store nowhere = {.kind = CONFIG_STORE_SQLITE, .path = path, .key = key};
	struct err e;

	(void)state;
	write_at(path, 0, "", 0);
	store = store_open(base, &nowhere, &e);
	assert_non_null(store);
	assert_non_null(store_trouble(store));
	put(STORE_SESSIONS, "a", "1");
	settle();
	assert_value(STORE_SESSIONS, "a", "1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(values_are_there_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(memory_keeps_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(secrets_are_not_on_disk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(files_are_for_the_owner_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_wrong_key_changes_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_corrupt_database_is_left_alone, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(databases_of_others_are_left_alone, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_database_of_an_older_mcpd_is_brought_up_to_date,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_broken_value_is_left_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_locked_database_is_read_when_it_is_free, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(two_daemons_do_not_share_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_full_disk_loses_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_value_is_bound_to_its_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_folder_is_trouble, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
