/* SPDX-License-Identifier: ISC */
/* Users: their tokens, which outlive sessions and the daemon, secrets, logout and limits. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "auth/users.h"
#include "store/store.h"

static struct event_base *base;
static struct config_sessions limits;
static char dir[64], key[96];
static struct store *store;
static struct users *us;

static size_t counted; /* users while the latest logout closed the sessions */

/* The sessions of USER are closed: user a has three. */
static size_t closed_for(const char *user, void *arg)
{
	(void)arg;
	counted = users_count(us);
	return strcmp(user, "a") == 0 ? 3 : 0;
}

static void open_users(const char *issuer)
{
	struct config_store conf = {.kind = CONFIG_STORE_SQLITE, .path = dir, .key = key};
	struct err e;

	store = store_open(base, &conf, &e);
	assert_non_null(store);
	assert_null(store_trouble(store));
	us = users_new(&(const struct users_deps){.base = base,
						  .store = store,
						  .conf = &limits,
						  .issuer = issuer,
						  .logout = closed_for});
	assert_non_null(us);
}

static void close_users(void)
{
	users_free(&us);
	store_close(&store);
}

static int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/mcpd-users-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(key, sizeof key, "%s/key", dir);
	limits = (struct config_sessions){0};
	base = loop_open();
	capture_start();
	open_users("https://issuer");
	return 0;
}

static int tear_down(void **state)
{
	char path[96];

	(void)state;
	close_users();
	capture_stop();
	loop_close(base);
	unlink(key);
	snprintf(path, sizeof path, "%s/mcpd.db", dir);
	unlink(path);
	return rmdir(dir);
}

static void seen(const char *user, const char *access, const char *refresh, int64_t expires)
{
	struct user_token t = {.access = access,
			       .refresh = refresh,
			       .expires = expires,
			       .issuer = "https://issuer"};

	assert_int_equal(users_seen(us, user, &t), 0);
}

static void assert_token(const char *user, const char *access, const char *refresh)
{
	const struct user_token *t = users_token(us, user);

	assert_true(access ? t != NULL : t == NULL);
	if (!t)
		return;
	assert_string_equal(t->access, access);
	assert_true(refresh ? t->refresh && strcmp(t->refresh, refresh) == 0 : t->refresh == NULL);
}

static void a_newer_token_takes_the_place(void **state)
{
	int64_t now = time(NULL);

	(void)state;
	seen("a", "one", "r1", now + 100);
	assert_token("a", "one", "r1");
	seen("a", "two", NULL, now + 200); /* the refresh token is of the user, not of the token */
	assert_token("a", "two", "r1");
	seen("a", "old", NULL, now + 150);
	assert_token("a", "two", "r1");
	seen("a", "beside", NULL, now + 200); /* not each request of another client writes */
	assert_token("a", "two", "r1");
	seen("a", "two", "r2", now + 200);
	assert_token("a", "two", "r2");
	seen("a", "ever", NULL, 0);
	assert_token("a", "ever", "r2");
	seen("a", "late", NULL, now + 9000);
	assert_token("a", "ever", "r2");
	assert_int_equal(users_count(us), 1);
	assert_token("b", NULL, NULL);
}

static void tokens_outlive_the_daemon(void **state)
{
	(void)state;
	seen("a", "one", "r", time(NULL) + 100);
	seen("b", "two", NULL, 0);
	close_users();
	open_users("https://issuer");
	assert_int_equal(users_count(us), 2);
	assert_token("a", "one", "r");
	assert_token("b", "two", NULL);
	close_users();
	/* Of another issuer they are as if unknown, and stay where they are. */
	open_users("https://other");
	assert_int_equal(users_count(us), 0);
	assert_token("a", NULL, NULL);
	close_users();
	open_users("https://issuer");
	assert_int_equal(users_count(us), 2);
}

static void reconnecting_is_logged_once_for_each_session(void **state)
{
	(void)state;
	users_session(us, "a");
	seen("a", "one", NULL, 0);
	users_session(us, "a");
	assert_int_equal(capture_matches("reconnecting"), 0);
	users_session(us, "a");
	assert_int_equal(capture_matches("User a reconnecting"), 1);
	close_users();
	open_users("https://issuer");
	users_session(us, "a");
	assert_int_equal(capture_matches("User a reconnecting"), 2);
}

static void logout_forgets_the_tokens(void **state)
{
	char *secret;

	(void)state;
	counted = 99;
	seen("a", "one", "r", 0);
	seen("b", "two", NULL, 0);
	assert_int_equal(users_secret_set(us, "a", "site", "s3cret"), 0);
	assert_int_equal(users_logout(us, "a"), 3);
	assert_int_equal(counted, 1); /* the sessions log the counts without the user */
	assert_int_equal(users_count(us), 1);
	assert_int_equal(users_logout(us, "b"), 0);
	assert_int_equal(users_logout(us, "b"), ERR_NOTFOUND);
	close_users();
	open_users("https://issuer");
	assert_int_equal(users_count(us), 0);
	secret = users_secret(us, "a", "site"); /* is the operator's */
	assert_string_equal(secret, "s3cret");
	free(secret);
}

static void secrets_come_and_go(void **state)
{
	json_t *about;
	char *secret;

	(void)state;
	assert_null(users_secret(us, "a", "site"));
	assert_int_equal(users_secret_unset(us, "a", "site"), ERR_NOTFOUND);
	assert_int_equal(users_secret_set(us, "a", "site", "one"), 0);
	assert_int_equal(users_secret_set(us, "a", "other", "two"), 0);
	assert_int_equal(users_secret_set(us, "a", "site", "three"), 0);
	close_users();
	open_users(NULL);
	secret = users_secret(us, "a", "site");
	assert_string_equal(secret, "three");
	free(secret);
	about = users_describe(us, "a");
	assert_true(
		json_is(about, "{'user':'a','token':false,'refresh':false,'issuer':'','scope':'',"
			       "'calls':0,'secrets':['other','site']}") ||
		json_is(about, "{'user':'a','token':false,'refresh':false,'issuer':'','scope':'',"
			       "'calls':0,'secrets':['site','other']}"));
	json_decref(about);
	assert_int_equal(users_secret_unset(us, "a", "site"), 0);
	assert_int_equal(users_secret_unset(us, "a", "site"), ERR_NOTFOUND);
	assert_null(users_secret(us, "a", "site"));
	assert_int_equal(users_secret_unset(us, "a", "other"), 0);
	assert_null(users_describe(us, "a"));
}

static void expired_tokens_without_refresh_are_swept(void **state)
{
	int64_t now = time(NULL);

	(void)state;
	seen("gone", "one", NULL, now - 10);
	seen("gone too", "one", NULL, now - 1);
	seen("refreshed", "two", "r", now - 10);
	seen("good", "three", NULL, now + 1000);
	seen("ever", "four", NULL, 0);
	users_sweep(us);
	assert_int_equal(users_count(us), 3);
	assert_token("gone", NULL, NULL);
	assert_token("refreshed", "two", "r");
	assert_int_equal(capture_matches("Swept expired tokens of 2 users"), 1);
	users_sweep(us);
	assert_int_equal(capture_matches("Swept"), 1);
	close_users();
	open_users("https://issuer");
	assert_int_equal(users_count(us), 3);
}

static void calls_in_flight_are_limited(void **state)
{
	unsigned retry = 0;
	struct err e;

	(void)state;
	limits.max_calls_per_user = 2;
	assert_int_equal(users_admit(us, "a", 2, &retry, &e), 0);
	users_call_begun(us, "a");
	users_call_begun(us, "a");
	assert_int_equal(users_admit(us, "a", 1, &retry, &e), ERR_LIMIT);
	assert_int_equal(retry, 1);
	assert_int_equal(users_admit(us, "a", 0, &retry, &e), 0);
	assert_int_equal(users_admit(us, "b", 2, &retry, &e), 0);
	assert_int_equal(users_admit(us, NULL, 99, &retry, &e), 0);
	users_call_ended(us, "a");
	assert_int_equal(users_admit(us, "a", 1, &retry, &e), 0);
	assert_int_equal(users_admit(us, "a", 2, &retry, &e), ERR_LIMIT);
	users_call_ended(us, "a");
	users_call_ended(us, "a"); /* one too many is none of a later call */
	assert_int_equal(users_admit(us, "a", 2, &retry, &e), 0);
}

static void calls_a_minute_are_limited(void **state)
{
	unsigned retry = 0;
	struct err e;
	int n = 0;

	(void)state;
	limits.max_calls_per_minute = 60;
	/* A slow machine gets some back on the way, one each second. */
	while (n < 1000 && users_admit(us, "a", 1, &retry, &e) == 0)
		n++;
	assert_in_range(n, 60, 200);
	assert_in_range(retry, 1, 2);
	assert_int_equal(users_admit(us, "b", 60, &retry, &e), 0);
	assert_int_equal(users_admit(us, "b", 30, &retry, &e), ERR_LIMIT);
	assert_in_range(retry, 2, 31);
	/* More than there are in a minute can be had once in a while all the same. */
	assert_int_equal(users_admit(us, "c", 100, &retry, &e), 0);
	assert_int_equal(users_admit(us, "c", 100, &retry, &e), ERR_LIMIT);
	assert_in_range(retry, 30, 61);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_newer_token_takes_the_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(tokens_outlive_the_daemon, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reconnecting_is_logged_once_for_each_session,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(logout_forgets_the_tokens, set_up, tear_down),
		cmocka_unit_test_setup_teardown(secrets_come_and_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(expired_tokens_without_refresh_are_swept, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(calls_in_flight_are_limited, set_up, tear_down),
		cmocka_unit_test_setup_teardown(calls_a_minute_are_limited, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("users", tests, NULL, NULL);
}
