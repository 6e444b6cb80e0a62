/* SPDX-License-Identifier: ISC */
/* mcpclient_rounds.c: results of a modern server that ask for input. Each becomes a question of the
 * call, and with all the answers the call is sent again. (2026-07-28, "Multi
 * Round-Trip Requests".) */
#include "autoconf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "client/mcpclient_dialect.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "mcp/capability.h"
#include "mcp/question.h"

#define MAX_ROUNDS   8
#define MAX_REQUESTS 64 /* of one round */

struct rounds;

/* One entry of inputRequests. */
struct ask {
	TAILQ_ENTRY(ask) entry;
	struct rounds *r;
	struct question *q;
	char key[];
};

/* What happened so far on behalf of one call. Outlives the call while questions are being put. */
struct rounds {
	struct pending *p; /* NULL: the call is over */
	json_t *requests;  /* of this round; or NULL */
	json_t *responses; /* so far */
	json_t *state;	   /* or NULL */
	TAILQ_HEAD(, ask) asks;
	struct delayq_node pace;
	unsigned n;    /* rounds */
	bool putting;  /* questions are being put; the end waits for that */
	bool answered; /* there is something to say in a retry */
	struct defer release;
};

/* ---- what may be asked ---- */

/* Whether the caller of P can be asked REQUEST; false after having ended P. */
static bool may_ask(struct pending *p, const json_t *request)
{
	const char *method = json_string_value(json_object_get(request, "method"));
	const struct caller *caller = call_caller(p->call);
	const struct need *need =
		method ? need_of(method, json_object_get(request, "params")) : NULL;

	if (!need) {
		mcpclient_error(p, RPC_INTERNAL_ERROR, NULL,
				"backend %s: the server asks for what is no input (%.60s)",
				p->m->name, method != NULL ? method : "no method");
		return false;
	}
	if (need_met(need, capabilities_parse(caller->rev, caller->capabilities)))
		return true;
	if (mcp_rev_is_legacy(caller->rev))
		mcpclient_error(
			p, RPC_INTERNAL_ERROR, NULL,
			"backend %s: the server needs %s, and the client did not declare this "
			"capability or its revision does not have it",
			p->m->name, method);
	else
		mcpclient_error(p, RPC_MISSING_CAPABILITY, need_data(need), CAPABILITY_MISSING);
	return false;
}

/* Only these may ask, and what they ask for must be there. False after having ended P. */
bool mcpclient_check_input(struct pending *p, json_t *result)
{
	static const char *const methods[] = {"tools/call", "prompts/get", "resources/read"};
	json_t *requests = json_object_get(result, "inputRequests"), *one;
	const json_t *state = json_object_get(result, "requestState");
	const char *wrong = "input is required for a method that must not ask";
	const char *key;

	for (size_t i = 0; p->call != NULL && i < sizeof methods / sizeof methods[0]; i++)
		if (strcmp(call_method(p->call), methods[i]) == 0)
			wrong = NULL;
	if (!wrong && ((!requests && !state) || (requests && !json_is_object(requests)) ||
		       (state && !json_is_string(state))))
		wrong = "input is required, but it is not said which";
	if (!wrong && json_object_size(requests) > MAX_REQUESTS)
		wrong = "the server asks for too much at once";
	if (wrong) {
		mcpclient_error(p, RPC_INTERNAL_ERROR, NULL, "backend %s: %s", p->m->name, wrong);
		return false;
	}
	json_object_foreach (requests, key, one)
		if (!may_ask(p, one))
			return false;
	return true;
}

/* ---- the rounds ---- */

static void free_later(void *arg)
{
	struct rounds *r = arg;

	json_decref(r->requests);
	json_decref(r->responses);
	json_decref(r->state);
	free(r);
}

static void withdraw_all(struct rounds *r)
{
	struct ask *a;

	while ((a = TAILQ_FIRST(&r->asks))) {
		struct question *q = a->q;

		TAILQ_REMOVE(&r->asks, a, entry);
		free(a);
		question_withdraw(q);
	}
}

void mcpclient_rounds_end(struct pending *p)
{
	struct rounds *r = p->rounds;

	if (!r)
		return;
	p->rounds = NULL;
	r->p = NULL;
	delayq_remove(p->m->pace, &r->pace);
	withdraw_all(r);
	defer_call(&r->release, free_later, r);
}

static struct rounds *rounds_of(struct pending *p)
{
	if (!p->rounds && (p->rounds = calloc(1, sizeof *p->rounds))) {
		p->rounds->p = p;
		TAILQ_INIT(&p->rounds->asks);
	}
	return p->rounds;
}

int mcpclient_rounds_params(const struct pending *p, json_t *params)
{
	const struct rounds *r = p->rounds;
	int rc = 0;

	if (!r || !r->answered)
		return 0;
	if (r->requests)
		rc |= json_object_set(params, "inputResponses", r->responses);
	if (r->state)
		rc |= json_object_set(params, "requestState", r->state);
	return rc == 0 ? 0 : ERR_NOMEM;
}

static void go_on(struct rounds *r)
{
	r->answered = true;
	mcpclient_retry(r->p);
}

void mcpclient_on_pace(struct delayq_node *node, void *arg)
{
	(void)arg;
	go_on(container_of(node, struct rounds, pace));
}

/* The client said no, or could not. */
static void rejected(struct rounds *r, const struct question *q, const json_t *error)
{
	const char *text = json_string_value(json_object_get(error, "message"));
	struct pending *p = r->p;
	char *said;

	if (!text)
		text = "no reason given";
	if (strcmp(call_method(p->call), "tools/call") != 0) {
		mcpclient_error(p, RPC_INTERNAL_ERROR, NULL, "%s was not answered: %s",
				question_method(q), text);
		return;
	}
	if (asprintf(&said, "%s was not answered: %s", question_method(q), text) < 0)
		said = NULL;
	mcpclient_done_tree(p, json_pack("{s:[{s:s,s:s}],s:b}", "content", "type", "text", "text",
					 said != NULL ? said : "out of memory", "isError", 1));
	free(said);
}

static void on_answer(struct question *q, struct jsontext *result, json_t *error, void *arg)
{
	struct ask *a = arg;
	struct rounds *r = a->r;
	struct call *c = r->p->call;
	struct err e = {.code = ERR_NOMEM, .text = "out of memory"};
	json_t *tree = result ? jsontext_tree(result, &e) : NULL;
	int rc = tree ? json_object_set(r->responses, a->key, tree) : -1;

	TAILQ_REMOVE(&r->asks, a, entry);
	free(a);
	/* What is asked of the server from now on, the request that brought the answer asks. */
	call_set_bearer(c, call_caller(c)->bearer);
	if (!result)
		rejected(r, q, error);
	else if (rc < 0)
		mcpclient_fail(r->p, e.text);
	else if (TAILQ_EMPTY(&r->asks) && !r->putting)
		go_on(r);
}

static struct ask *ask_new(struct rounds *r, const char *key, const json_t *request)
{
	size_t size = strlen(key) + 1;
	struct ask *a = calloc(1, sizeof *a + size);

	if (!a)
		return NULL;
	a->r = r;
	memcpy(a->key, key, size);
	a->q = question_new(json_string_value(json_object_get(request, "method")),
			    json_incref(json_object_get(request, "params")), on_answer, a);
	if (!a->q) {
		free(a);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&r->asks, a, entry);
	return a;
}

/* Any question may be answered at once, and an answer may be the end of the call. */
static void put_questions(struct rounds *r)
{
	const char *key;
	json_t *request;

	r->putting = true;
	json_object_foreach (r->requests, key, request) {
		struct ask *a = ask_new(r, key, request);

		if (!a)
			mcpclient_fail(r->p, "out of memory");
		else
			call_ask(r->p->call, a->q);
		if (!r->p)
			return; /* R is freed in a later turn */
	}
	r->putting = false;
	if (TAILQ_EMPTY(&r->asks))
		go_on(r);
}

void mcpclient_input_required(struct pending *p, json_t *result)
{
	struct rounds *r;

	if (!mcpclient_check_input(p, result))
		return;
	r = rounds_of(p);
	if (!r) {
		mcpclient_fail(p, "out of memory");
		return;
	}
	if (++r->n > MAX_ROUNDS) {
		mcpclient_fail(p, "the server asks again and again for input");
		return;
	}
	json_decref(r->requests);
	json_decref(r->responses);
	json_decref(r->state);
	r->requests = json_incref(json_object_get(result, "inputRequests"));
	r->state = json_incref(json_object_get(result, "requestState"));
	r->responses = json_object();
	mcpclient_set_aside(p);
	if (!r->responses)
		mcpclient_fail(p, "out of memory");
	else if (json_object_size(r->requests) > 0)
		put_questions(r);
	else
		delayq_add(p->m->pace, &r->pace);
}
