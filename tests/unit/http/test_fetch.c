/* SPDX-License-Identifier: ISC */
/* fetch over a fake HTTP client: the time that redirects have together, the limit of the answer,
 * what is kept of the request, and the end, which comes once. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/fetch.h"

int64_t __wrap_clock_ms(void);

static struct event_base *base;
static int64_t now;

/* The request that runs at the fake client. */
static struct {
	const struct httpc_events *events; /* NULL: none runs */
	void *arg;
	struct httpc_spec spec; /* as it was given */
	int started, cancelled;
	const char *to; /* where the answer redirects; NULL: nowhere */
	int refused;	/* the redirect is: ERR_... */
} fake;

/* The end of the fetch. */
static struct {
	int times;
	int code; /* of the error, 0: an answer came */
	int status;
	char body[64], text[512], type[32];
} ended;

int64_t __wrap_clock_ms(void)
{
	return now;
}

int httpc_start(struct httpc *h, const struct httpc_spec *spec, const struct httpc_events *events,
		void *arg, struct httpc_request **r_r, struct err *e)
{
	(void)h;
	(void)e;
	fake.events = events;
	fake.arg = arg;
	fake.spec = *spec;
	fake.started++;
	*r_r = (struct httpc_request *)&fake;
	return 0;
}

void httpc_cancel(struct httpc_request **r)
{
	if (*r)
		fake.cancelled++;
	fake.events = NULL;
	*r = NULL;
}

int httpc_redirect(struct httpc_request *r, unsigned *n, char **to_r, struct err *e)
{
	(void)r;
	*to_r = NULL;
	if (fake.refused)
		return err_set(e, fake.refused, "redirects too often");
	if (fake.to) {
		*to_r = strdup(fake.to);
		(*n)++;
	}
	return 0;
}

const char *httpc_header(struct httpc_request *r, const char *name)
{
	(void)r;
	return strcmp(name, "Content-Type") == 0 ? "text/plain" : NULL;
}

static void on_end(struct fetch *f, const struct fetch_answer *a, const struct err *e, void *arg)
{
	(void)f;
	assert_ptr_equal(arg, &ended);
	assert_true((a == NULL) != (e == NULL));
	ended.times++;
	ended.code = e ? e->code : 0;
	snprintf(ended.text, sizeof ended.text, "%s", e ? e->text : "");
	if (!a)
		return;
	ended.status = a->status;
	assert_int_equal(strlen(a->body), a->len);
	snprintf(ended.body, sizeof ended.body, "%s", a->body);
	snprintf(ended.type, sizeof ended.type, "%s", a->type);
}

static struct fetch *begin(int64_t timeout_ms, size_t max)
{
	char url[] = "http://h/1", method[] = "POST", header[] = "A: b", body[] = "said";
	const char *headers[] = {header, NULL};
	const struct httpc_spec spec = {.url = url,
					.method = method,
					.headers = headers,
					.body = body,
					.len = 4,
					.timeout_ms = timeout_ms};
	struct fetch *f = fetch_start(NULL, &spec, max, on_end, &ended, NULL);

	assert_non_null(f);
	memset(url, 'x', sizeof url - 1);
	memset(method, 'x', sizeof method - 1);
	memset(header, 'x', sizeof header - 1);
	memset(body, 'x', sizeof body - 1);
	return f;
}

/* The answer comes: a head, and BODY unless that is NULL. The end does if it still can. */
static void answer(int status, const char *body)
{
	struct httpc_request *r = (struct httpc_request *)&fake;

	fake.events->on_head(r, status, fake.arg);
	if (body)
		fake.events->on_data(r, body, strlen(body), fake.arg);
	if (fake.events)
		fake.events->on_done(r, NULL, fake.arg);
}

static int set_up(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof fake);
	memset(&ended, 0, sizeof ended);
	now = 5000;
	base = loop_open();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	loop_close(base);
	return 0;
}

static void the_answer_is_collected(void **state)
{
	struct httpc_request *r = (struct httpc_request *)&fake;

	(void)state;
	begin(0, 8);
	fake.events->on_data(r, "abcd", 4, fake.arg);
	answer(201, "efgh");
	assert_int_equal(ended.times, 1);
	assert_int_equal(ended.status, 201);
	assert_string_equal(ended.body, "abcdefgh");
	assert_string_equal(ended.type, "text/plain");
}

static void an_answer_without_a_body_is_empty(void **state)
{
	(void)state;
	begin(0, 8);
	answer(204, NULL);
	assert_int_equal(ended.code, 0);
	assert_string_equal(ended.body, "");
}

static void one_byte_too_many_ends_it(void **state)
{
	(void)state;
	begin(0, 8);
	answer(200, "abcdefghi");
	assert_int_equal(ended.times, 1);
	assert_int_equal(ended.code, ERR_LIMIT);
	assert_string_equal(ended.text, "the answer is longer than 8 bytes");
	assert_int_equal(fake.cancelled, 1);
}

/* The request is the same at the end of a redirect, though whoever asked has forgotten its parts.
 * The body of the answer that redirected is no part of the last one. */
static void a_redirect_is_followed_with_all_that_was_given(void **state)
{
	(void)state;
	begin(0, 8);
	fake.to = "http://h/2";
	answer(307, "moved");
	fake.to = NULL;
	assert_int_equal(fake.started, 2);
	assert_string_equal(fake.spec.url, "http://h/2");
	assert_string_equal(fake.spec.method, "POST");
	assert_string_equal(fake.spec.headers[0], "A: b");
	assert_null(fake.spec.headers[1]);
	assert_string_equal(fake.spec.body, "said");
	assert_int_equal(ended.times, 0);
	answer(200, "all of 8");
	assert_string_equal(ended.body, "all of 8");
}

static void a_redirect_that_is_refused_is_the_end(void **state)
{
	(void)state;
	begin(0, 8);
	fake.refused = ERR_PROTOCOL;
	answer(302, NULL);
	assert_int_equal(ended.times, 1);
	assert_int_equal(ended.code, ERR_PROTOCOL);
	assert_string_equal(ended.text, "the server redirects too often");
}

/* The time limit is one of all requests together. */
static void redirects_share_the_time(void **state)
{
	(void)state;
	begin(1000, 8);
	assert_int_equal(fake.spec.timeout_ms, 1000);
	fake.to = "http://h/2";
	now += 999;
	answer(307, NULL);
	assert_int_equal(fake.spec.timeout_ms, 1);
	assert_int_equal(ended.times, 0);
	now += 1;
	answer(307, NULL);
	assert_int_equal(fake.started, 2);
	assert_int_equal(ended.times, 1);
	assert_int_equal(ended.code, ERR_TIMEOUT);
	assert_string_equal(ended.text, "it took too long");
}

static void without_a_limit_there_is_none(void **state)
{
	(void)state;
	begin(0, 8);
	fake.to = "http://h/2";
	now += INT64_C(1) << 40;
	answer(307, NULL);
	assert_int_equal(fake.spec.timeout_ms, 0);
	fake.to = NULL;
	answer(200, NULL);
	assert_int_equal(ended.code, 0);
}

static void an_error_is_the_end(void **state)
{
	struct err e;

	(void)state;
	begin(0, 8);
	err_set(&e, ERR_IO, "refused");
	fake.events->on_done((struct httpc_request *)&fake, &e, fake.arg);
	assert_int_equal(ended.times, 1);
	assert_int_equal(ended.code, ERR_IO);
}

static void cancelled_it_says_nothing(void **state)
{
	struct fetch *f;

	(void)state;
	f = begin(0, 8);
	fetch_cancel(&f);
	assert_null(f);
	fetch_cancel(&f);
	loop_settle(base);
	assert_int_equal(fake.cancelled, 1);
	assert_int_equal(ended.times, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		T(the_answer_is_collected),
		T(an_answer_without_a_body_is_empty),
		T(one_byte_too_many_ends_it),
		T(a_redirect_is_followed_with_all_that_was_given),
		T(a_redirect_that_is_refused_is_the_end),
		T(redirects_share_the_time),
		T(without_a_limit_there_is_none),
		T(an_error_is_the_end),
		T(cancelled_it_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
