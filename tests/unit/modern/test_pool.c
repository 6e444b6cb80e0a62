/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/share.h"
#include "config/config.h"
#include "failalloc.h"
#include "lib/err.h"
#include "modern/pool.h"
#include "server/server.h"
#include "support.h"

/* The servers are fakes: what is tested is who gets which. */
struct server {
	size_t tasks;
	bool closed;
};

struct server *__wrap_server_new(const struct server_conf *conf);
void __wrap_server_free(struct server **s);
int __wrap_server_close(struct server *s, struct err *e);
size_t __wrap_server_tasks(struct server *s);
bool __wrap_server_has_task(struct server *s, const char *id);
int __wrap_memcmp(const void *a, const void *b, size_t n);
int __wrap_bcmp(const void *a, const void *b, size_t n);
int __wrap_strcmp(const char *a, const char *b);
int __real_memcmp(const void *a, const void *b, size_t n);
int __real_strcmp(const char *a, const char *b);

static unsigned living, comparisons;

struct server *__wrap_server_new(const struct server_conf *conf)
{
	struct server *s = calloc(1, sizeof *s);

	(void)conf;
	living += s != NULL;
	return s;
}

void __wrap_server_free(struct server **s)
{
	assert_true((*s)->closed);
	free(*s);
	*s = NULL;
	living--;
}

int __wrap_server_close(struct server *s, struct err *e)
{
	(void)e;
	assert_false(s->closed);
	s->closed = true;
	return 0;
}

size_t __wrap_server_tasks(struct server *s)
{
	return s->tasks;
}

bool __wrap_server_has_task(struct server *s, const char *id)
{
	return s->tasks > 0 && __real_strcmp(id, "task") == 0;
}

int __wrap_memcmp(const void *a, const void *b, size_t n)
{
	comparisons++;
	return __real_memcmp(a, b, n);
}

/* clang calls it for a memcmp() of which only "equal or not" is asked. */
int __wrap_bcmp(const void *a, const void *b, size_t n)
{
	return __wrap_memcmp(a, b, n);
}

int __wrap_strcmp(const char *a, const char *b)
{
	comparisons++;
	return __real_strcmp(a, b);
}

static struct event_base *base;
static struct pool *pool;

static void open_pool(unsigned max)
{
	static struct config_limits limits;

	limits = (struct config_limits){
		.max_request_servers = max, .max_session_bytes = 1024, .share = 25};
	base = loop_open();
	pool = pool_new(
		&(const struct pool_deps){.base = base, .limits = &limits, .idle_ms = 60000});
	assert_non_null(pool);
}

static void close_pool(void)
{
	pool_free(&pool);
	assert_null(pool);
	loop_close(base);
	assert_int_equal(living, 0);
}

/* A server for a client of HOLDER whose capabilities are those number N. */
static struct pooled *take(const char *holder, unsigned n, bool exclusive, struct err *e)
{
	json_t *caps = json_pack("{s:{s:i}}", "elicitation", "n", (int)n);
	struct pool_want want = {
		.view = (struct view *)&base,
		.peer = "192.0.2.1",
		.holder = holder,
		.capabilities = caps,
		.exclusive = exclusive,
	};
	struct pooled *s;

	assert_non_null(caps);
	s = pool_take(pool, &want, e);
	json_decref(caps);
	return s;
}

static struct pooled *used(const char *holder, unsigned n)
{
	struct pooled *s = take(holder, n, true, NULL);

	assert_non_null(s);
	pool_give(s);
	return s;
}

/* However many servers there are, a few comparisons find one. */
static void found_by_its_hash(void **state)
{
	struct pooled *first;
	unsigned most = 0;

	(void)state;
	open_pool(4000);
	first = used("user:a", 0);
	for (unsigned n = 1; n < 2000; n++) {
		comparisons = 0;
		used("user:a", n);
		most = comparisons > most ? comparisons : most;
	}
	assert_int_equal(pool_size(pool), 2000);
	comparisons = 0;
	assert_ptr_equal(used("user:a", 0), first);
	most = comparisons > most ? comparisons : most;
	assert_in_range(most, 1, 100);
	close_pool();
}

/* 30,000 requests, each with other capabilities: the oldest goes, the newest stay. */
static void bounded(void **state)
{
	struct pooled *last[16];

	(void)state;
	open_pool(16);
	for (unsigned n = 0; n < 30000; n++) {
		last[n % 16] = used(NULL, n);
		assert_in_range(pool_size(pool), 1, 16);
		if (n % 100 == 0)
			loop_turn(base);
	}
	for (unsigned n = 30000 - 16; n < 30000; n++)
		assert_ptr_equal(used(NULL, n), last[n % 16]);
	assert_int_equal(pool_size(pool), 16);
	close_pool();
}

/* Who keeps most of the servers busy is refused, and nobody else is. */
static void shared_out(void **state)
{
	struct pooled *busy[16];
	struct err e = {0};
	unsigned n = 0, others = 0;

	(void)state;
	open_pool(16);
	while (n < 16 && (busy[n] = take("user:alice", 0, true, &e)))
		n++;
	assert_int_equal(n, 13);
	assert_int_equal(e.code, ERR_LIMIT);
	assert_non_null(strstr(e.text, "limits.maxRequestServers"));
	assert_false(share_full(pool_share(pool)));
	while (n + others < 16 && (busy[n + others] = take("user:bob", 0, true, &e)))
		others++;
	assert_int_equal(others, 3);
	assert_null(take(NULL, 0, false, &e));
	assert_true(share_full(pool_share(pool)));
	while (n + others > 0) {
		pool_give(busy[n + others - 1]);
		n > 0 && others == 0 ? n-- : others--;
	}
	assert_non_null(take("user:bob", 0, true, &e));
	close_pool();
}

/* Who has its share loses its own oldest server, not that of others. */
static void others_keep_theirs(void **state)
{
	struct pooled *bobs;

	(void)state;
	open_pool(16);
	bobs = used("user:bob", 1);
	for (unsigned n = 0; n < 1000; n++)
		used("user:alice", n);
	assert_ptr_equal(used("user:bob", 1), bobs);
	assert_int_equal(pool_size(pool), 13);
	close_pool();
}

/* A server alone knows its tasks, so it goes last of all, and only its holder finds them. */
static void with_tasks(void **state)
{
	struct pool_want want = {.view = (struct view *)&base,
				 .peer = "",
				 .holder = "user:a",
				 .tasks = true,
				 .task = "task"};
	struct pooled *s;

	(void)state;
	open_pool(4);
	s = used("user:a", 7);
	pooled_server(s)->tasks = 1;
	for (unsigned n = 100; n < 200; n++)
		used("user:a", n);
	assert_ptr_equal(pool_take(pool, &want, NULL), s);
	pool_give(s);
	want.holder = "user:b";
	assert_ptr_not_equal(pool_take(pool, &want, NULL), s);
	pooled_server(s)->tasks = 0;
	close_pool();
}

/* One server for all requests of a holder that ask nothing; each other one has one to itself. */
static void alike(void **state)
{
	struct pooled *a, *b, *c;

	(void)state;
	open_pool(16);
	a = take("user:a", 1, false, NULL);
	b = take("user:a", 2, false, NULL);
	c = take("user:b", 1, false, NULL);
	assert_ptr_equal(a, b);
	assert_ptr_not_equal(a, c);
	pool_give(a);
	pool_give(b);
	pool_give(c);
	a = take("user:a", 1, true, NULL);
	b = take("user:a", 1, true, NULL);
	assert_ptr_not_equal(a, b);
	pool_give(a);
	assert_ptr_equal(take("user:a", 1, true, NULL), a);
	assert_ptr_not_equal(take("user:a", 2, true, NULL), b);
	assert_string_equal(pooled_holder(b), "user:a");
	close_pool();
}

/* Capabilities are kept for as long as the server is: only so many of them. */
static void long_capabilities(void **state)
{
	char text[2000] = "";
	json_t *caps;
	struct pool_want want = {.view = (struct view *)&base, .peer = "", .exclusive = true};
	struct err e = {0};

	(void)state;
	open_pool(16);
	memset(text, 'x', sizeof text - 1);
	caps = json_pack("{s:s}", "elicitation", text);
	want.capabilities = caps;
	assert_null(pool_take(pool, &want, &e));
	assert_int_equal(e.code, ERR_INVALID);
	assert_non_null(strstr(e.text, "limits.maxSessionBytes"));
	want.exclusive = false;
	assert_non_null(pool_take(pool, &want, &e));
	json_decref(caps);
	close_pool();
}

static void without_memory(void **state)
{
	(void)state;
	open_pool(16);
	for (long n = 1;; n++) {
		json_t *caps = json_object();
		struct pool_want want = {.view = (struct view *)&base,
					 .user = "a",
					 .peer = "",
					 .holder = "user:a",
					 .capabilities = caps,
					 .exclusive = true};
		struct err e = {0};
		struct pooled *s;

		failalloc_at(n, false);
		s = pool_take(pool, &want, &e);
		failalloc_off();
		json_decref(caps);
		if (s)
			break;
		assert_int_equal(e.code, ERR_NOMEM);
		assert_int_equal(pool_size(pool), 0);
		assert_int_equal(share_used(pool_share(pool)), 0);
	}
	close_pool();
}

/* What a server was told for one client without a user, no other client gets. */
static void spoilt(void **state)
{
	struct pooled *a, *b;

	(void)state;
	open_pool(16);
	a = take(NULL, 1, true, NULL);
	pooled_spoil(a);
	b = take(NULL, 1, true, NULL);
	assert_ptr_not_equal(a, b);
	pool_give(a);
	assert_int_equal(pool_size(pool), 1);
	pool_give(b);
	assert_ptr_equal(take(NULL, 1, true, NULL), b);
	/* Its tasks keep it, and nobody but them. */
	pooled_spoil(b);
	pooled_server(b)->tasks = 1;
	pool_give(b);
	assert_int_equal(pool_size(pool), 1);
	assert_ptr_not_equal(take(NULL, 1, true, NULL), b);
	pooled_server(b)->tasks = 0;
	/* Servers that all requests share hear of nothing. */
	a = take(NULL, 1, false, NULL);
	pooled_spoil(a);
	pool_give(a);
	assert_ptr_equal(take(NULL, 1, false, NULL), a);
	close_pool();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_by_its_hash),
		cmocka_unit_test(bounded),
		cmocka_unit_test(shared_out),
		cmocka_unit_test(others_keep_theirs),
		cmocka_unit_test(with_tasks),
		cmocka_unit_test(alike),
		cmocka_unit_test(spoilt),
		cmocka_unit_test(long_capabilities),
		cmocka_unit_test(without_memory),
	};

	failalloc_install();
	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
