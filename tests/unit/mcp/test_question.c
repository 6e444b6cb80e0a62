/* SPDX-License-Identifier: ISC */
#include "support.h"

#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "mcp/question.h"

static struct event_base *base;
static struct question *current; /* the one that callbacks act on */
static int answered, withdrawn;
static json_t *last_result, *last_error;
static void (*inside)(void); /* what the callback does besides counting */

static int setup(void **state)
{
	(void)state;
	base = loop_open();
	answered = withdrawn = 0;
	last_result = last_error = NULL;
	inside = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(last_result);
	json_decref(last_error);
	loop_close(base);
	return 0;
}

static void act(void)
{
	void (*fn)(void) = inside;

	inside = NULL;
	if (fn)
		fn();
}

static void on_answer(struct question *q, struct jsontext *result, json_t *error, void *arg)
{
	assert_ptr_equal(q, current);
	assert_ptr_equal(arg, &answered);
	assert_true((result == NULL) != (error == NULL));
	answered++;
	last_result = result ? json_incref(jsontext_tree(result, NULL)) : NULL;
	last_error = json_incref(error);
	act();
}

static void on_withdrawn(struct question *q, void *arg)
{
	assert_ptr_equal(q, current);
	assert_ptr_equal(arg, &withdrawn);
	withdrawn++;
	act();
}

static void make(void)
{
	char method[] = "sampling/createMessage";

	current = question_new(method, json_of("{'maxTokens':5}"), on_answer, &answered);
	assert_non_null(current);
	method[0] = 'X'; /* it was copied */
}

static void make_taken(void)
{
	make();
	question_take(current, on_withdrawn, &withdrawn);
}

static void carries_method_and_params(void **state)
{
	(void)state;
	make();
	assert_string_equal(question_method(current), "sampling/createMessage");
	assert_true(json_is(question_params(current), "{'maxTokens':5}"));
	question_withdraw(current);
	current = question_new("ping", NULL, on_answer, &answered);
	assert_non_null(current);
	assert_null(question_params(current));
	question_withdraw(current);
}

static void answer_reaches_the_asker(void **state)
{
	(void)state;
	make_taken();
	question_answer(current, jsontext_of(json_of("{'role':'user'}")), NULL);
	assert_int_equal(answered, 1);
	assert_int_equal(withdrawn, 0);
	assert_true(json_is(last_result, "{'role':'user'}"));
}

static void error_reaches_the_asker(void **state)
{
	(void)state;
	make_taken();
	question_answer(current, NULL, json_of("{'code':-1,'message':'User rejected'}"));
	assert_true(json_is(last_error, "{'code':-1,'message':'User rejected'}"));
}

static void refusal_is_an_error(void **state)
{
	(void)state;
	make();
	question_refuse(current, RPC_METHOD_NOT_FOUND, "no sampling here");
	assert_true(json_is(last_error, "{'code':-32601,'message':'no sampling here'}"));
}

static void of_both_the_error_counts(void **state)
{
	(void)state;
	make();
	question_answer(current, jsontext_of(json_of("{}")), json_of("{'code':1,'message':'x'}"));
	assert_int_equal(answered, 1);
	assert_null(last_result);
	assert_non_null(last_error);
}

/* A front that ran out of memory while it built the answer hands over nothing at all. */
static void of_neither_it_is_an_error(void **state)
{
	(void)state;
	make();
	question_answer(current, NULL, NULL);
	assert_int_equal(answered, 1);
	assert_int_equal(json_integer_value(json_object_get(last_error, "code")),
			 RPC_INTERNAL_ERROR);
}

static void text_that_is_no_utf8_is_still_an_error(void **state)
{
	(void)state;
	make();
	question_refuse(current, RPC_INTERNAL_ERROR, "\xff\xfe");
	assert_int_equal(answered, 1);
	assert_non_null(last_error);
}

static void withdrawal_reaches_the_front(void **state)
{
	(void)state;
	make_taken();
	question_withdraw(current);
	assert_int_equal(withdrawn, 1);
	assert_int_equal(answered, 0);
}

static void withdrawal_before_anybody_took_it(void **state)
{
	(void)state;
	make();
	question_withdraw(current);
	assert_int_equal(withdrawn, 0);
	assert_int_equal(answered, 0);
}

static void do_answer(void)
{
	question_answer(current, jsontext_of(json_object()), NULL);
}

static void do_refuse(void)
{
	question_refuse(current, -1, "no");
}

static void do_withdraw(void)
{
	question_withdraw(current);
}

static void (*const ends[])(void) = {do_answer, do_refuse, do_withdraw};
#define N_ENDS (sizeof ends / sizeof ends[0])

/* Every end after every end: the first counts, the memory is still there. */
static void second_end_does_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ENDS; i++) {
		for (size_t j = 0; j < N_ENDS; j++) {
			answered = withdrawn = 0;
			make_taken();
			ends[i]();
			ends[j]();
			assert_int_equal(answered, ends[i] != do_withdraw);
			assert_int_equal(withdrawn, ends[i] == do_withdraw);
			json_decref(last_result);
			json_decref(last_error);
			last_result = last_error = NULL;
			loop_turn(base);
		}
	}
}

/* The same with the second end from inside the callback of the first. */
static void second_end_from_inside_does_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ENDS; i++) {
		for (size_t j = 0; j < N_ENDS; j++) {
			answered = withdrawn = 0;
			make_taken();
			inside = ends[j];
			ends[i]();
			assert_null(inside);
			assert_int_equal(answered + withdrawn, 1);
			json_decref(last_result);
			json_decref(last_error);
			last_result = last_error = NULL;
			loop_turn(base);
		}
	}
}

static void still_readable_in_the_turn_of_its_end(void **state)
{
	(void)state;
	make();
	question_answer(current, jsontext_of(json_object()), NULL);
	assert_string_equal(question_method(current), "sampling/createMessage");
	assert_true(json_is(question_params(current), "{'maxTokens':5}"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(carries_method_and_params, setup, teardown),
		cmocka_unit_test_setup_teardown(answer_reaches_the_asker, setup, teardown),
		cmocka_unit_test_setup_teardown(error_reaches_the_asker, setup, teardown),
		cmocka_unit_test_setup_teardown(refusal_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(of_both_the_error_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(of_neither_it_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(text_that_is_no_utf8_is_still_an_error, setup,
						teardown),
		cmocka_unit_test_setup_teardown(withdrawal_reaches_the_front, setup, teardown),
		cmocka_unit_test_setup_teardown(withdrawal_before_anybody_took_it, setup, teardown),
		cmocka_unit_test_setup_teardown(second_end_does_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(second_end_from_inside_does_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(still_readable_in_the_turn_of_its_end, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
