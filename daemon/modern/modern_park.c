/* SPDX-License-Identifier: ISC */
/* modern_park.c: requests that wait for their client's answers ("Multi Round-Trip Requests"). */
#include <stdlib.h>

#include "base/share.h"
#include "http/exchange.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "mcp/question.h"
#include "modern/modern_impl.h"
#include "modern/pool.h"
#include "server/server.h"

/* The question of A as 2026-07-28 has it; NULL on lack of memory. An elicitation has no id in this
 * revision, because its answer comes with the retry. */
static json_t *input_request(const struct mreq_ask *a)
{
	json_t *params = question_params(a->q),
	       *copy = params ? jsonrpc_copy(params) : json_object();

	json_object_del(copy, "elicitationId");
	return json_pack("{s:s, s:o}", "method", question_method(a->q), "params", copy);
}

static json_t *input_requests(const struct mreq *r)
{
	json_t *requests = json_object();
	const struct mreq_ask *a;
	int rc = 0;

	TAILQ_FOREACH (a, &r->asks, link)
		rc |= json_object_set_new(requests, a->key, input_request(a));
	if (rc == 0)
		return requests;
	json_decref(requests);
	return NULL;
}

/* The response that asks; NULL on lack of memory. */
static struct jsontext *asking(const struct reqstates *rs, const struct mreq *r)
{
	const struct reqstate_bound to = modern_bound(r);
	char *state = reqstate_of_parked(rs, &to, r->handle, r->round);
	json_t *result =
		state ? json_pack("{s:s, s:o, s:s}", "resultType", "input_required",
				  "inputRequests", input_requests(r), "requestState", state)
		      : NULL;

	free(state);
	if (modern_stamp(result, "input_required") < 0) {
		json_decref(result);
		return NULL;
	}
	return jsontext_of(jsonrpc_result(r->id, result));
}

/* There is no place for R to wait: R ends with an error that names the limit. */
static void no_place(struct mreq *r, const struct err *e)
{
	bool full = e->code != ERR_LIMIT || share_full(mreqs_parking(r->all));
	struct jsontext *msg = jsontext_of(jsonrpc_error(r->id, RPC_INTERNAL_ERROR, e->text, NULL));

	exchange_set_header(r->out.x, "Retry-After", full ? "1" : "10");
	mreq_send_last(r, full ? 503 : 429, msg);
	if (r->state != MREQ_OVER)
		server_cancel(pooled_server(r->pooled), r,
			      "there is no place to wait for the client");
}

/* Ends the exchange with the questions; R, which has a place, waits for the retry. Where there is
 * no memory for that, the questions are refused, so that the backend can go on without the client.
 * Where the client left while the questions were sent, R is over: its call was cancelled. */
static void park_placed(struct reqstates *rs, struct mreq *r)
{
	struct jsontext *msg = mreq_enlist(r) ? asking(rs, r) : NULL;

	if (!msg) {
		mreq_displace(r);
		mreq_drop_asks(r);
		return;
	}
	mreq_send_last(r, 200, msg);
	if (r->state != MREQ_OVER)
		mreq_park(r);
}

void park_ask(struct reqstates *rs, struct mreq *r)
{
	struct err e;

	if (!r->out.x || TAILQ_EMPTY(&r->asks))
		return;
	if (mreq_place(r, &e) < 0)
		no_place(r, &e);
	else
		park_placed(rs, r);
}

/* A question of R that RESPONSES answers; NULL: none. What is no object is no answer. */
static struct mreq_ask *answered(const struct mreq *r, const json_t *responses)
{
	struct mreq_ask *a;

	TAILQ_FOREACH (a, &r->asks, link) {
		if (json_is_object(json_object_get(responses, a->key)))
			return a;
	}
	return NULL;
}

/* Gives the questions of R their answers. The list is searched from its start each time, because an
 * answer may end the request and with it the other questions. */
static void give_answers(struct mreq *r, const json_t *responses)
{
	struct mreq_ask *a;

	while ((a = answered(r, responses))) {
		json_t *answer = json_incref(json_object_get(responses, a->key));

		question_answer(mreq_ask_take(a), jsontext_of(answer), NULL);
	}
}

/* MSG, a response, with ID in place of its id; NULL on lack of memory. */
static struct jsontext *with_id(struct jsontext *msg, json_t *id)
{
	struct jsontext *value = jsontext_of(json_incref(id)), *own;
	const struct jsonedit edit = {.key = "id", .value = value};

	own = value ? jsontext_edit(msg, &edit, 1) : NULL;
	jsontext_unref(&value);
	return own;
}

void park_resume(struct reqstates *rs, struct mreq *r, struct exchange *x, const struct mcheck *c)
{
	struct jsontext *final = mreq_take_final(r);

	pooled_seen(r->pooled, exchange_bearer(x));
	mreq_attach(r, x, c);
	if (final) {
		mreq_send_last(r, 200, with_id(final, r->id));
		jsontext_unref(&final);
		mreq_over(r);
		return;
	}
	give_answers(r, json_object_get(c->params, "inputResponses"));
	park_ask(rs, r);
}

struct retry park_judge(struct reqstates *rs, const struct mreqs *all, const struct mcheck *c,
			const char *user, const char *holder)
{
	const struct reqstate_bound to = {
		.user = user,
		.view = c->view,
		.method = c->method->name,
		.params = c->params,
		.arguments = c->arguments,
	};
	const char *state = json_string_value(json_object_get(c->params, "requestState"));
	struct retry retry = {.kind = RETRY_INVALID};
	uint64_t handle;
	unsigned round;

	retry.opened = reqstate_open(rs, &to, state, &retry.why);
	if (!retry.opened)
		return retry;
	reqstate_parked(retry.opened, &handle, &round);
	retry.r = mreqs_find(all, handle, round);
	retry.theirs = reqstate_theirs(retry.opened);
	err_set(&retry.why, ERR_DENIED, "Invalid or expired requestState");
	if (retry.r) {
		retry.kind = RETRY_PARKED;
	} else if (retry.theirs) {
		int rc = reqstate_use(rs, retry.opened, holder, &retry.why);

		if (rc != ERR_EXISTS)
			retry.kind = rc == 0 ? RETRY_SERVER : RETRY_FULL;
	}
	return retry;
}
