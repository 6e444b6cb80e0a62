/* SPDX-License-Identifier: ISC */
#include "mcp/call.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bearer.h"
#include "base/budget.h"
#include "base/defer.h"
#include "base/delayq.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "lib/log.h"
#include "mcp/question.h"

#define DEFAULT_DEADLINE_MS INT64_C(3600000)

struct call {
	uint64_t id;
	const struct call_front *front;
	void *front_arg;
	const struct call_back *back; /* NULL: no back is attached */
	void *back_arg;
	const struct caller *caller;
	struct bearer *bearer;
	char *scope;		    /* for lack of which the back was refused; NULL: was not */
	json_t *params;		    /* without the arguments */
	struct jsontext *arguments; /* NULL: none */
	json_t *token;
	double progress; /* the last value that went through */
	int64_t started;
	int64_t deadline_ms;
	struct event deadline;
	struct defer release;
	bool ended;
	struct budget_part held; /* the parameters and arguments */
	size_t charged;		 /* for the arguments */
	char method[];
};

static uint64_t last_id;
static size_t live;

static void release(void *arg)
{
	struct call *c = arg;

	json_decref(c->params);
	jsontext_unref(&c->arguments);
	json_decref(c->token);
	bearer_unref(&c->bearer);
	free(c->scope);
	budget_end(&c->held);
	free(c);
}

/* Ends C with ANSWER. WITHDRAWN: the reason that the back is told; NULL where the back itself ends
 * C. */
static void finish(struct call *c, const struct answer *answer, const char *withdrawn)
{
	const struct call_back *back = c->back;

	c->ended = true; /* first, because the callbacks below may look at it */
	c->back = NULL;
	live--;
	event_del(&c->deadline);
	defer_call(&c->release, release, c);
	if (withdrawn && back)
		back->cancel(c, withdrawn, c->back_arg);
	c->front->end(c, answer, c->front_arg);
}

/* Whether the back may end C. A second end is a bug of the back, and is logged. */
static bool may_end(const struct call *c)
{
	const struct log_scope scope = {.session = c->caller->session, .user = c->caller->user};

	if (c->ended)
		log_error(&scope, "bug: call %" PRIu64 " (%s) ended twice", c->id, c->method);
	return !c->ended;
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct call *c = arg;
	struct answer answer = {.kind = ANSWER_ERROR, .code = RPC_INTERNAL_ERROR};
	char *text;

	(void)fd;
	(void)what;
	if (asprintf(&text, "%s: no answer within %.15g s (callTimeout)", c->method,
		     (double)c->deadline_ms / 1000) < 0)
		text = NULL;
	answer.message = text ? text : "no answer in time";
	finish(c, &answer, answer.message);
	free(text);
}

static int arm(struct call *c, int64_t deadline_ms)
{
	struct timeval tv;

	c->deadline_ms = deadline_ms > 0 ? deadline_ms : DEFAULT_DEADLINE_MS;
	tv.tv_sec = c->deadline_ms / 1000;
	tv.tv_usec = c->deadline_ms % 1000 * 1000;
	return evtimer_add(&c->deadline, &tv);
}

struct call *call_new(struct event_base *base, const struct call_front *front, void *front_arg,
		      const struct caller *caller, const char *method, json_t *params_take,
		      json_t *progress_token, int64_t deadline_ms)
{
	size_t size = strlen(method) + 1;
	struct call *c = calloc(1, sizeof *c + size);

	if (!c || evtimer_assign(&c->deadline, base, on_deadline, c) < 0 ||
	    arm(c, deadline_ms) < 0) {
		json_decref(params_take);
		free(c);
		return NULL;
	}
	memcpy(c->method, method, size);
	c->id = ++last_id;
	c->front = front;
	c->front_arg = front_arg;
	c->caller = caller;
	c->bearer = bearer_ref(caller->bearer);
	c->params = params_take;
	c->token = json_incref(progress_token);
	c->progress = -INFINITY;
	c->started = clock_ms();
	live++;
	return c;
}

int call_hold(struct call *c, struct err *e)
{
	budget_move(&c->held, c->caller->budget);
	return budget_take(&c->held,
			   sizeof *c + jsonrpc_cost(c->params) +
				   (c->arguments ? jsontext_cost(c->arguments) : 0),
			   "a request", e);
}

uint64_t call_id(const struct call *c)
{
	return c->id;
}

const char *call_method(const struct call *c)
{
	return c->method;
}

json_t *call_params(const struct call *c)
{
	return c->params;
}

struct jsontext *call_arguments(const struct call *c)
{
	return c->arguments;
}

/* Counts what the arguments cost by now: a tree makes them more. */
static void charge_arguments(struct call *c)
{
	budget_give(&c->held, c->charged);
	c->charged = c->arguments ? jsontext_cost(c->arguments) : 0;
	budget_add(&c->held, c->charged);
}

json_t *call_arguments_tree(struct call *c, struct err *e)
{
	json_t *tree;

	if (!c->arguments)
		c->arguments = jsontext_of(json_object());
	if (!c->arguments) {
		err_set(e, ERR_NOMEM, "out of memory");
		return NULL;
	}
	tree = jsontext_strict_tree(c->arguments, e);
	charge_arguments(c);
	return tree;
}

json_t *call_progress_token(const struct call *c)
{
	return c->token;
}

const struct caller *call_caller(const struct call *c)
{
	return c->caller;
}

struct bearer *call_bearer(const struct call *c)
{
	return c->bearer;
}

void call_set_bearer(struct call *c, struct bearer *b)
{
	bearer_set(&c->bearer, b);
}

void call_set_scope(struct call *c, const char *scope)
{
	free(c->scope);
	c->scope = strdup(scope);
}

int64_t call_age_ms(const struct call *c)
{
	return clock_ms() - c->started;
}

bool call_ended(const struct call *c)
{
	return c->ended;
}

size_t call_count(void)
{
	return live;
}

void call_set_params(struct call *c, json_t *params_take)
{
	json_decref(c->params);
	c->params = params_take;
}

void call_set_arguments(struct call *c, struct jsontext *arguments)
{
	jsontext_unref(&c->arguments);
	c->arguments = jsontext_ref(arguments);
	charge_arguments(c);
}

void call_set_deadline(struct call *c, int64_t deadline_ms)
{
	if (!c->ended)
		arm(c, deadline_ms);
}

void call_attach(struct call *c, const struct call_back *back, void *back_arg)
{
	if (c->ended)
		return; /* a call that has ended is never cancelled */
	c->back = back;
	c->back_arg = back_arg;
}

void call_detach(struct call *c)
{
	c->back = NULL;
}

/* The progress that may go on to the client, under the client's own token (a new reference); NULL
 * where there is nothing to say: not wanted, not a number, no increase, no memory. */
static json_t *next_progress(struct call *c, json_t *params)
{
	json_t *value = json_object_get(params, "progress");
	json_t *copy;

	if (!c->token || !json_is_number(value) || !(json_number_value(value) > c->progress))
		return NULL;
	copy = jsonrpc_copy(params); /* PARAMS is the back's, with the back's token */
	if (!copy || json_object_set(copy, "progressToken", c->token) < 0) {
		json_decref(copy);
		return NULL;
	}
	c->progress = json_number_value(value);
	return copy;
}

void call_notify(struct call *c, const char *method, json_t *params)
{
	if (c->ended || !c->front->notify)
		return;
	if (strcmp(method, "notifications/progress") != 0) {
		c->front->notify(c, method, params, c->front_arg);
		return;
	}
	params = next_progress(c, params);
	if (params)
		c->front->notify(c, method, params, c->front_arg);
	json_decref(params);
}

void call_ask(struct call *c, struct question *q_take)
{
	struct err e;

	question_charge(q_take, c->caller->budget);
	if (c->ended)
		question_refuse(q_take, RPC_INVALID_REQUEST,
				"the request that this belongs to has ended");
	else if (!c->front->ask)
		question_refuse(q_take, RPC_METHOD_NOT_FOUND, "there is no client to ask");
	else if (budget_check(c->caller->budget, 0, &e) < 0)
		question_refuse(q_take, RPC_INTERNAL_ERROR, e.text);
	else
		c->front->ask(c, q_take, c->front_arg);
}

void call_result(struct call *c, struct jsontext *result_take)
{
	struct answer answer = {.kind = ANSWER_RESULT, .result = result_take};

	if (!result_take) /* the caller ran out of memory */
		answer = (struct answer){
			.kind = ANSWER_ERROR,
			.code = RPC_INTERNAL_ERROR,
			.message = "out of memory",
		};
	if (may_end(c))
		finish(c, &answer, NULL);
	jsontext_unref(&result_take);
}

void call_result_tree(struct call *c, json_t *result_take)
{
	call_result(c, jsontext_of(result_take));
}

void call_error(struct call *c, int code, json_t *data_take, const char *fmt, ...)
{
	struct answer answer = {
		.kind = ANSWER_ERROR, .code = code, .data = data_take, .scope = c->scope};
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	answer.message = text ? text : "out of memory";
	if (may_end(c))
		finish(c, &answer, NULL);
	free(text);
	json_decref(data_take);
}

/* A call that has ended is left alone: a session that closes inside of end() cancels all of its
 * calls. */
void call_cancel(struct call *c, const char *reason)
{
	struct answer answer = {.kind = ANSWER_CANCELLED};

	if (!reason)
		reason = "cancelled"; /* NULL would keep finish() from telling the back */
	answer.message = reason;
	if (!c->ended)
		finish(c, &answer, reason);
}
