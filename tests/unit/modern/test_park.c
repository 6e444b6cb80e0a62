/* SPDX-License-Identifier: ISC */
/* The states that clients carry from round to round, and what is said to a request that comes with
 * one. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/view.h"
#include "base/share.h"
#include "modern/modern_impl.h"
#include "session_fixture.h"

#define QUESTION_S 60

static time_t now;

time_t __wrap_time(time_t *t);
time_t __wrap_time(time_t *t)
{
	if (t)
		*t = now;
	return now;
}

/* The one request that is parked, under handle 7 in round 3. */
static struct mreq parked;
struct mreq *__wrap_mreqs_find(const struct mreqs *all, uint64_t handle, unsigned round);
struct mreq *__wrap_mreqs_find(const struct mreqs *all, uint64_t handle, unsigned round)
{
	(void)all;
	return handle == 7 && round == 3 ? &parked : NULL;
}

static const struct config_limits limits = {
	.question_timeout_ms = QUESTION_S * 1000, .max_states = 2, .share = 100};
static struct reqstates *rs;
static struct view *other;
static struct method call = {.name = "tools/call"}, prompt = {.name = "prompts/get"};

static int setup(void **state)
{
	struct err e;

	fixture_open(state);
	now = 1000;
	rs = reqstates_new(fx.base, &limits, &e);
	other = view_new(fx.base, &fx.backend, 0, false, 0);
	return rs && other ? 0 : -1;
}

static int teardown(void **state)
{
	reqstates_free(&rs);
	reqstates_free(&rs);
	view_free(&other);
	return fixture_close(state);
}

/* How a request with PARAMS (as in json_of()) and STATE is judged. */
static struct retry judge(const struct view *view, const struct method *method, const char *user,
			  const char *params, json_t *state, const char *holder)
{
	struct mcheck c = {.method = method, .view = (struct view *)(uintptr_t)view};
	struct retry retry;

	c.params = json_of(params);
	json_object_set(c.params, "requestState", state);
	retry = park_judge(rs, NULL, &c, user, holder);
	json_decref(c.params);
	return retry;
}

static void expect(json_t *state, const char *holder, int kind)
{
	struct retry retry = judge(fx.view, &call, "alice", "{'name': 't'}", state, holder);

	assert_int_equal(retry.kind, kind);
	assert_true((retry.r != NULL) == (kind == RETRY_PARKED));
	if (kind == RETRY_SERVER)
		assert_true(json_is(retry.theirs, "'theirs'"));
	if (kind == RETRY_INVALID)
		assert_int_equal(retry.why.code, ERR_DENIED);
	if (kind == RETRY_FULL) {
		assert_int_equal(retry.why.code, ERR_LIMIT);
		assert_non_null(strstr(retry.why.text, "limits.maxStates"));
	}
	json_decref(retry.opened);
}

static void invalid(const struct view *view, const struct method *method, const char *user,
		    const char *params, json_t *state)
{
	struct retry retry = judge(view, method, user, params, state, "h");

	assert_int_equal(retry.kind, RETRY_INVALID);
	assert_int_equal(retry.why.code, ERR_DENIED);
	assert_non_null(strstr(retry.why.text, "requestState"));
	json_decref(retry.opened);
}

static struct reqstate_bound bound(json_t *params)
{
	return (struct reqstate_bound){
		.user = "alice", .view = fx.view, .method = "tools/call", .params = params};
}

/* The state of the request that is parked under HANDLE in ROUND. */
static json_t *state_of(uint64_t handle, unsigned round)
{
	json_t *params = json_of("{'name': 't', '_meta': {'x': 1}}"), *state;
	struct reqstate_bound to = bound(params);
	char *text = reqstate_of_parked(rs, &to, handle, round);

	assert_non_null(text);
	state = json_string(text);
	json_decref(params);
	free(text);
	return state;
}

/* A state that a server gave its client, as the client gets it. */
static json_t *sealed(void)
{
	json_t *params = json_of("{'name': 't'}");
	json_t *result = json_of("{'requestState': 'theirs'}"), *state;
	struct reqstate_bound to = bound(params);

	assert_true(reqstate_seal(rs, &to, result));
	state = json_incref(json_object_get(result, "requestState"));
	assert_null(strstr(json_string_value(state), "theirs"));
	json_decref(result);
	json_decref(params);
	return state;
}

static void a_parked_request_goes_on(void **state)
{
	json_t *right = state_of(7, 3), *old = state_of(7, 2), *gone = state_of(8, 3);

	(void)state;
	expect(right, "h", RETRY_PARKED);
	expect(right, "h", RETRY_PARKED); /* that it is used once is the matter of its round */
	expect(old, "h", RETRY_INVALID);
	expect(gone, "h", RETRY_INVALID);
	json_decref(right);
	json_decref(old);
	json_decref(gone);
}

/* A state is good for one user, view, method and parameters, whatever changes from round to round.
 */
static void a_state_is_bound(void **state)
{
	json_t *s = state_of(7, 3), *number = json_integer(7), *bad = json_string("nonsense");
	struct retry retry =
		judge(fx.view, &call, "alice",
		      "{'name': 't', '_meta': {'x': 2}, 'inputResponses': {}}", s, "h");

	(void)state;
	assert_int_equal(retry.kind, RETRY_PARKED);
	json_decref(retry.opened);
	invalid(other, &call, "alice", "{'name': 't'}", s);
	invalid(fx.view, &prompt, "alice", "{'name': 't'}", s);
	invalid(fx.view, &call, "bob", "{'name': 't'}", s);
	invalid(fx.view, &call, NULL, "{'name': 't'}", s);
	invalid(fx.view, &call, "alice", "{'name': 'u'}", s);
	invalid(fx.view, &call, "alice", "{'name': 't', 'arguments': {}}", s);
	invalid(fx.view, &call, "alice", "{'name': 't'}", number);
	invalid(fx.view, &call, "alice", "{'name': 't'}", bad);
	json_decref(s);
	json_decref(number);
	json_decref(bad);
}

static void a_state_expires(void **state)
{
	json_t *s = state_of(7, 3);

	(void)state;
	now += QUESTION_S - 1;
	expect(s, "h", RETRY_PARKED);
	now += 1;
	expect(s, "h", RETRY_INVALID);
	json_decref(s);
}

/* The state of a server is used once; and so many are remembered. */
static void a_servers_state_is_used_once(void **state)
{
	json_t *one = sealed(), *two = sealed(), *three = sealed();

	(void)state;
	expect(one, "h", RETRY_SERVER);
	expect(one, "h", RETRY_INVALID);
	expect(one, "other", RETRY_INVALID);
	assert_int_equal(share_of(reqstates_share(rs), "h"), 1);
	expect(two, "other", RETRY_SERVER);
	expect(two, "h", RETRY_INVALID);
	assert_int_equal(share_used(reqstates_share(rs)), 2);
	expect(three, "third", RETRY_FULL);
	assert_true(share_full(reqstates_share(rs)));
	json_decref(one);
	json_decref(two);
	json_decref(three);
}

static void a_result_without_state_is_left_alone(void **state)
{
	json_t *params = json_object(), *result = json_of("{'a': 1}");
	struct reqstate_bound to = bound(params);

	(void)state;
	assert_true(reqstate_seal(rs, &to, result));
	assert_true(json_is(result, "{'a': 1}"));
	json_decref(result);
	json_decref(params);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_parked_request_goes_on),
		T(a_state_is_bound),
		T(a_state_expires),
		T(a_servers_state_is_used_once),
		T(a_result_without_state_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
