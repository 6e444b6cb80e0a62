#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/queue.h>

#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "framing.h"

/* Checks a request of version 1.MINOR with the headers "NAME: VALUE", up to NULL. */
static struct framing check(int minor, int body_read, ...)
{
	struct evkeyvalq headers = TAILQ_HEAD_INITIALIZER(headers);
	struct framing f;
	const char *name;
	va_list ap;

	va_start(ap, body_read);
	while ((name = va_arg(ap, const char *)) != NULL) {
		const char *value = va_arg(ap, const char *);

		assert_int_equal(evhttp_add_header(&headers, name, value), 0);
	}
	va_end(ap);
	f = framing_check(&headers, minor, body_read);
	evhttp_clear_headers(&headers);
	return f;
}

static void good_requests_pass(void **state)
{
	(void)state;
	assert_int_equal(check(1, true, "Content-Length", "5", NULL).status, 0);
	assert_int_equal(check(1, true, "transfer-encoding", "Chunked", NULL).status, 0);
	assert_int_equal(check(1, true, "Host", "a", "X-Content-Length", "x", NULL).status, 0);
	assert_int_equal(check(0, true, "Content-Length", "0", NULL).status, 0);
}

static void what_has_two_readings_is_refused(void **state)
{
	(void)state;
	assert_int_equal(check(1, true, "Content-Length", "+5", NULL).status, 400);
	assert_int_equal(check(1, true, "Content-Length", "5 ", NULL).status, 400);
	assert_int_equal(check(1, true, "Content-Length", "0x5", NULL).status, 400);
	assert_int_equal(check(1, true, "Content-Length", "", NULL).status, 400);
	assert_int_equal(check(1, true, "Content-Length", "5, 5", NULL).status, 400);
	assert_int_equal(check(1, true, "Content-Length", "5", "content-length", "5", NULL).status,
			 400);
	assert_int_equal(
		check(1, true, "Content-Length", "5", "Transfer-Encoding", "chunked", NULL).status,
		400);
	assert_int_equal(check(0, true, "Transfer-Encoding", "chunked", NULL).status, 400);
	assert_int_equal(check(1, true, "Content-Length ", "5", NULL).status, 400);
	assert_int_equal(check(1, true, "Content-Length\t", "5", NULL).status, 400);
	assert_int_equal(check(1, true, "", "5", NULL).status, 400);
	assert_int_equal(check(1, true, "Transfer-Encoding", "gzip, chunked", NULL).status, 501);
	assert_int_equal(check(1, true, "Transfer-Encoding", "identity", NULL).status, 501);
	assert_int_equal(
		check(1, true, "Transfer-Encoding", "chunked", "Transfer-Encoding", "chunked", NULL)
			.status,
		501);
}

static void a_refusal_closes_and_says_why(void **state)
{
	struct framing f = check(1, true, "Content-Length", "-1", NULL);

	(void)state;
	assert_true(f.close);
	assert_string_equal(f.why, "Invalid Content-Length");
}

static void connections_end_as_asked(void **state)
{
	(void)state;
	assert_false(check(1, true, "Host", "a", NULL).close);
	assert_false(check(1, true, "Connection", "keep-alive", NULL).close);
	assert_true(check(1, true, "Connection", "Close", NULL).close);
	assert_true(check(1, true, "Connection", "TE ,close", NULL).close);
	assert_false(check(1, true, "Connection", "closed", NULL).close);
	assert_true(check(0, true, "Host", "a", NULL).close);
	assert_false(check(0, true, "Connection", "Keep-Alive", NULL).close);
}

/* The bytes of a body that nobody reads would be taken for the next request. */
static void an_unread_body_ends_the_connection(void **state)
{
	(void)state;
	assert_true(check(1, false, "Content-Length", "5", NULL).close);
	assert_true(check(1, false, "Transfer-Encoding", "chunked", NULL).close);
	assert_false(check(1, false, "Host", "a", NULL).close);
	assert_false(check(1, true, "Content-Length", "5", NULL).close);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_requests_pass),
		cmocka_unit_test(what_has_two_readings_is_refused),
		cmocka_unit_test(a_refusal_closes_and_says_why),
		cmocka_unit_test(connections_end_as_asked),
		cmocka_unit_test(an_unread_body_ends_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
