/* SPDX-License-Identifier: ISC */
/* The two forms of an answer, on exchanges without HTTP. */
#include "support.h"

#include <string.h>

#include "config/config.h"
#include "fake_exchange.h"
#include "http/eventstream.h"
#include "http/reply.h"
#include "lib/err.h"
#include "lib/jsontext.h"

#define BOTH (REPLY_ACCEPT_JSON | REPLY_ACCEPT_SSE)

static struct event_base *base;
static struct eventstreams *all;
static struct config_limits limits;
static struct eventstream es;
static int n_waited, n_lost;
static const char *why_lost;

static void on_waited(struct eventstream *s)
{
	assert_ptr_equal(s, &es);
	n_waited++;
}

static void on_lost(struct eventstream *s, const char *why)
{
	assert_ptr_equal(s, &es);
	assert_null(s->x);
	n_lost++;
	why_lost = why;
}

static const struct eventstream_hooks hooks = {.waited = on_waited, .lost = on_lost};

static void open_with(int upgrade_ms, int keepalive_ms)
{
	base = loop_open();
	limits = (struct config_limits){.max_backlog = 1000};
	limits.upgrade_ms = upgrade_ms;
	limits.keepalive_ms = keepalive_ms;
	all = eventstreams_new(base, &limits, &hooks);
	assert_non_null(all);
	memset(&es, 0, sizeof es);
	n_waited = n_lost = 0;
	why_lost = NULL;
}

static void close_all(void)
{
	eventstream_abort(&es);
	eventstreams_free(&all);
	fake_exchanges_free();
	loop_close(base);
}

static struct exchange *attach(unsigned accept)
{
	struct exchange *x = fake_exchange();

	eventstream_attach(&es, all, x, accept);
	return x;
}

static bool send_text(const char *text)
{
	struct jsontext *msg = jsontext_of(json_of(text));
	bool there = eventstream_send(&es, msg);

	jsontext_unref(&msg);
	return there;
}

static void test_pending_ends_as_json(void **state)
{
	struct exchange *x;
	struct jsontext *msg = jsontext_of(json_of("{'a': 1}"));

	(void)state;
	open_with(0, 0);
	x = attach(BOTH);
	eventstream_reply(&es, 403, msg);
	jsontext_unref(&msg);
	assert_null(es.x);
	assert_int_equal(fake_status(x), 403);
	assert_string_equal(fake_text(x), "{\"a\":1}");
	close_all();
	assert_int_equal(n_lost, 0);
}

static void test_open_has_a_comment_first(void **state)
{
	struct exchange *x;

	(void)state;
	open_with(0, 0);
	x = attach(BOTH);
	assert_int_equal(eventstream_open(&es), 0);
	assert_int_equal(fake_comments(x), 1);
	assert_int_equal(eventstream_open(&es), 0);
	assert_int_equal(fake_comments(x), 1);
	assert_true(send_text("{'b': 2}"));
	eventstream_reply(&es, 500, NULL);
	assert_int_equal(fake_outcome(x), FAKE_ENDED);
	close_all();
}

static void test_what_cannot_be_opened(void **state)
{
	struct exchange *x;

	(void)state;
	open_with(0, 0);
	assert_int_equal(eventstream_open(&es), ERR_CLOSED);
	x = attach(REPLY_ACCEPT_JSON);
	assert_int_equal(eventstream_open(&es), ERR_UNSUPPORTED);
	eventstream_reply(&es, 200, NULL);
	x = attach(BOTH);
	fake_fail_begin(x, ERR_NOMEM);
	assert_int_equal(eventstream_open(&es), ERR_NOMEM);
	assert_ptr_equal(es.x, x);
	assert_false(es.open);
	close_all();
	assert_int_equal(n_lost, 0);
}

static void test_waited(void **state)
{
	(void)state;
	open_with(1, 0);
	attach(BOTH);
	loop_until_count(base, &n_waited, 1);
	eventstream_abort(&es);
	/* A client that takes JSON only is never asked about a stream. */
	attach(REPLY_ACCEPT_JSON);
	while (es.timer.queued)
		loop_turn(base);
	assert_int_equal(n_waited, 1);
	close_all();
}

static void test_keepalive(void **state)
{
	struct exchange *x;

	(void)state;
	open_with(0, 1);
	x = attach(BOTH);
	assert_int_equal(eventstream_open(&es), 0);
	while (fake_comments(x) < 3)
		loop_turn(base);
	eventstream_end(&es);
	assert_false(es.timer.queued);
	close_all();
}

static void test_client_left(void **state)
{
	(void)state;
	open_with(0, 0);
	fake_leave(attach(BOTH));
	assert_int_equal(n_lost, 1);
	assert_false(send_text("{}"));
	fake_leave((attach(BOTH), eventstream_open(&es), es.x));
	assert_int_equal(n_lost, 2);
	close_all();
}

static void test_backlog(void **state)
{
	struct exchange *x;

	(void)state;
	open_with(0, 0);
	x = attach(BOTH);
	assert_int_equal(eventstream_open(&es), 0);
	fake_set_backlog(x, 1000);
	assert_true(send_text("{}"));
	fake_set_backlog(x, 1001);
	assert_false(send_text("{}"));
	assert_int_equal(fake_outcome(x), FAKE_ABORTED);
	assert_int_equal(n_lost, 1);
	assert_non_null(strstr(why_lost, "limits.maxBacklog"));
	close_all();
}

static void test_write_fails(void **state)
{
	struct exchange *x;

	(void)state;
	open_with(0, 0);
	x = attach(BOTH);
	fake_fail_write(x, ERR_NOMEM);
	/* The head is out, so it was opened; the comment behind it lost the client. */
	assert_int_equal(eventstream_open(&es), 0);
	assert_null(es.x);
	assert_int_equal(n_lost, 1);
	close_all();
}

static void test_resume(void **state)
{
	struct exchange *older, *newer, *bad;

	(void)state;
	open_with(0, 0);
	older = attach(BOTH);
	assert_int_equal(eventstream_open(&es), 0);
	bad = fake_exchange();
	fake_fail_begin(bad, ERR_NOMEM);
	assert_int_equal(eventstream_resume(&es, bad), ERR_NOMEM);
	assert_ptr_equal(es.x, older);
	exchange_abort(bad);
	newer = fake_exchange();
	assert_int_equal(eventstream_resume(&es, newer), 0);
	assert_int_equal(fake_outcome(older), FAKE_ENDED);
	assert_ptr_equal(es.x, newer);
	assert_int_equal(fake_comments(newer), 1);
	assert_true(send_text("{'c': 3}"));
	fake_leave(newer);
	assert_int_equal(n_lost, 1);
	assert_int_equal(eventstream_resume(&es, fake_exchange()), 0);
	assert_true(send_text("{'d': 4}"));
	close_all();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pending_ends_as_json),
		cmocka_unit_test(test_open_has_a_comment_first),
		cmocka_unit_test(test_what_cannot_be_opened),
		cmocka_unit_test(test_waited),
		cmocka_unit_test(test_keepalive),
		cmocka_unit_test(test_client_left),
		cmocka_unit_test(test_backlog),
		cmocka_unit_test(test_write_fails),
		cmocka_unit_test(test_resume),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
