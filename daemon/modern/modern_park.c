/* modern_park.c: requests that wait for their client's answers ("Multi Round-Trip Requests"). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/view.h"
#include "base/once.h"
#include "base/seal.h"
#include "base/share.h"
#include "config/config.h"
#include "http/exchange.h"
#include "lib/jsonrpc.h"
#include "mcp/question.h"
#include "modern/modern_impl.h"
#include "modern/pool.h"
#include "server/server.h"

/* The parameters of a request without what changes from round to round. */
static json_t *identity(json_t *params)
{
	json_t *copy = json_copy(params);

	json_object_del(copy, "_meta");
	json_object_del(copy, "inputResponses");
	json_object_del(copy, "requestState");
	return copy;
}

/* What a requestState is bound to: malloc'd, NULL on lack of memory. */
static char *context_of(const char *user, const struct view *view, const char *method, json_t *all)
{
	json_t *params = identity(all), *context;
	char *digest = params ? seal_digest(params) : NULL, *text = NULL;

	/* The principal first, as JSON, so that no user name can look like another's context. */
	context = json_pack("[s?, I, s, s, s]", user, (json_int_t)view_size(view),
			    view_size(view) ? backend_name(view_backend(view, 0)) : "",
			    method, digest ? digest : "");
	if (digest && context)
		text = json_dumps(context, JSON_COMPACT);
	json_decref(context);
	json_decref(params);
	free(digest);
	return text;
}

/* PAYLOAD, sealed for whoever sends the request of R again. malloc'd; NULL on lack of memory. */
static char *seal_for(const struct mreq *r, const json_t *payload)
{
	int64_t expires = time(NULL) + r->m->conf->limits.question_timeout_ms / 1000;
	char *context = context_of(pooled_user(r->pooled), pooled_view(r->pooled), r->method->name,
				   r->params);
	char *text = payload && context ? seal_close(r->m->seal, payload, expires, context) : NULL;

	free(context);
	return text;
}

static void mask_free(struct mask *a)
{
	TAILQ_REMOVE(&a->req->asks, a, link);
	free(a);
}

static void on_withdrawn(struct question *q, void *arg)
{
	(void)q;
	mask_free(arg);
}

void park_ask(struct mreq *r, struct question *q_take)
{
	struct mask *a = r->state == MREQ_OVER ? NULL : calloc(1, sizeof *a);

	if (!a) {
		question_refuse(q_take, RPC_INTERNAL_ERROR, "out of memory");
		return;
	}
	a->req = r;
	a->q = q_take;
	snprintf(a->key, sizeof a->key, "q%u", ++r->last_key);
	TAILQ_INSERT_TAIL(&r->asks, a, link);
	question_take(q_take, on_withdrawn, a);
	delayq_add(r->m->gather, &r->gather);
}

void park_drop_asks(struct mreq *r)
{
	struct mask *a;

	while ((a = TAILQ_FIRST(&r->asks))) {
		struct question *q = a->q;

		mask_free(a);
		question_refuse(q, RPC_INTERNAL_ERROR, "the request is over");
	}
}

void park_remove(struct mreq *r)
{
	if (r->state != MREQ_PARKED)
		return;
	HASH_DEL(r->m->parked, r);
	share_give(r->m->parking, pooled_holder(r->pooled));
	r->m->n_parked--;
}

static json_t *input_requests(const struct mreq *r)
{
	json_t *requests = json_object();
	const struct mask *a;

	TAILQ_FOREACH(a, &r->asks, link)
	{
		json_t *params = question_params(a->q), *copy = json_copy(params);

		/* This revision has no ids of elicitations; the answer comes with the retry. */
		json_object_del(copy, "elicitationId");
		json_object_set_new(requests, a->key,
				    json_pack("{s:s, s:o}", "method", question_method(a->q),
					      "params", copy ? copy : json_object()));
	}
	return requests;
}

static char *request_state(const struct mreq *r)
{
	json_t *payload = json_pack("{s:I, s:I}", "h", (json_int_t)r->handle, "n",
				    (json_int_t)r->round);
	char *text = seal_for(r, payload);

	json_decref(payload);
	return text;
}

/* The response that asks; NULL on lack of memory. */
static json_t *asking(const struct mreq *r)
{
	char *state = request_state(r);
	json_t *result = state ? json_pack("{s:s, s:o, s:s}", "resultType", "input_required",
					   "inputRequests", input_requests(r), "requestState", state)
			       : NULL;

	free(state);
	if (!result)
		return NULL;
	modern_stamp(result, "input_required");
	return jsonrpc_result(r->id, result);
}

/* There is no place for R to wait: it ends, and its client hears why. */
static void no_place(struct mreq *r, const struct err *e)
{
	bool full = e->code != ERR_LIMIT || share_full(r->m->parking);
	json_t *msg = jsonrpc_error(r->id, RPC_INTERNAL_ERROR, e->text, NULL);

	exchange_set_header(r->x, "Retry-After", full ? "1" : "10");
	mreq_send_last(r, full ? 503 : 429, msg);
	if (r->state != MREQ_OVER)
		server_cancel(pooled_server(r->pooled), r, "there is no place to wait for the client");
}

/* The response that asks, with R in the table of what is parked; NULL on lack of memory. */
static json_t *begin_parking(struct mreq *r)
{
	json_t *msg;

	HASH_ADD(hh, r->m->parked, handle, sizeof r->handle, r);
	if (!r->hh.tbl)
		return NULL;
	msg = asking(r);
	if (!msg)
		HASH_DEL(r->m->parked, r);
	return msg;
}

/* The exchange ends with the questions; the request waits for the retry. Its place is taken. */
static void park_taken(struct mreq *r)
{
	const char *holder = pooled_holder(r->pooled);
	struct modern *m = r->m;
	json_t *msg;

	r->round++;
	msg = begin_parking(r);
	if (!msg) {
		share_give(m->parking, holder);
		/* The tool hears that nobody can be asked, and goes on. */
		park_drop_asks(r);
		return;
	}
	mreq_send_last(r, 200, msg);
	if (r->state == MREQ_OVER) {
		/* The client did not read, so the call was cancelled instead. */
		HASH_DEL(m->parked, r);
		share_give(m->parking, holder);
		return;
	}
	mreq_stop_timer(r);
	r->state = MREQ_PARKED;
	m->n_parked++;
	delayq_add(m->expiry, &r->timer);
}

static void park(struct mreq *r)
{
	struct err e;

	if (share_take(r->m->parking, pooled_holder(r->pooled), &e) < 0)
		no_place(r, &e);
	else
		park_taken(r);
}

void park_on_gather(struct delayq_node *node, void *arg)
{
	struct mreq *r = (struct mreq *)(void *)((char *)node - offsetof(struct mreq, gather));

	(void)arg;
	if (r->x && !TAILQ_EMPTY(&r->asks))
		park(r);
}

/* The client never came back. What the backend does for it ends. */
void park_on_expiry(struct delayq_node *node, void *arg)
{
	struct mreq *r = (struct mreq *)(void *)((char *)node - offsetof(struct mreq, timer));

	(void)arg;
	if (r->final || !server_cancel(pooled_server(r->pooled), r, "the client did not answer"))
		mreq_over(r);
}

/* The parked request that PAYLOAD stands for. */
static struct mreq *find(const struct modern *m, const json_t *payload)
{
	uint64_t handle = (uint64_t)json_integer_value(json_object_get(payload, "h"));
	struct mreq *r = NULL;

	if (payload)
		HASH_FIND(hh, m->parked, &handle, sizeof handle, r);
	/* Each state is good once: its round is over when the next one begins. */
	if (r && json_integer_value(json_object_get(payload, "n")) != (json_int_t)r->round)
		r = NULL;
	return r;
}

/* A question that RESPONSES answers; what is missing or no answer at all stays open. */
static struct mask *answered(const struct mreq *r, const json_t *responses)
{
	struct mask *a;

	TAILQ_FOREACH(a, &r->asks, link)
	{
		if (json_is_object(json_object_get(responses, a->key)))
			return a;
	}
	return NULL;
}

/* One answer may end the whole request, so the list is looked at afresh after each. */
static void give_answers(struct mreq *r, const json_t *responses)
{
	struct mask *a;

	while ((a = answered(r, responses))) {
		json_t *answer = json_incref(json_object_get(responses, a->key));
		struct question *q = a->q;

		mask_free(a);
		question_answer(q, answer, NULL);
	}
}

static void resume(struct mreq *r, struct exchange *x, const struct mcheck *c)
{
	park_remove(r);
	pooled_seen(r->pooled, exchange_bearer(x));
	mreq_attach(r, x, c->id, c->env.log_level);
	if (r->final) {
		json_t *msg = r->final;

		r->final = NULL;
		json_object_set(msg, "id", r->id);
		mreq_send_last(r, 200, msg);
		mreq_over(r);
		return;
	}
	give_answers(r, json_object_get(c->params, "inputResponses"));
	if (r->x && !TAILQ_EMPTY(&r->asks))
		park(r);
}

/* The request goes on at the server that keeps its state with the client: THEIRS, of which PAYLOAD says so. */
static void go_on(struct modern *m, struct exchange *x, const struct mcheck *c, const json_t *payload,
		  json_t *theirs)
{
	uint64_t n = (uint64_t)json_integer_value(json_object_get(payload, "i"));
	struct err e;

	switch (once_use(m->used, n, exchange_holder(x), &e)) {
	case 0:
		modern_dispatch(m, x, c, theirs);
		return;
	case ERR_EXISTS:
		modern_refuse(x, 200, c->id, RPC_INVALID_PARAMS, NULL,
			      "Invalid params: Invalid or expired requestState");
		return;
	}
	modern_refuse_limit(x, once_share(m->used), c->id, &e);
}

void park_resume(struct modern *m, struct exchange *x, const struct mcheck *c, const char *user)
{
	const char *state = json_string_value(json_object_get(c->params, "requestState"));
	struct err e = {.code = ERR_DENIED, .text = "requestState must be a string"};
	char *context = context_of(user, c->view, c->method->name, c->params);
	json_t *payload = state && context ? seal_open(m->seal, state, context, time(NULL), &e) : NULL;
	json_t *theirs = json_object_get(payload, "s");
	struct mreq *r = find(m, payload);

	free(context);
	if (r)
		resume(r, x, c);
	else if (json_is_string(theirs))
		go_on(m, x, c, payload, theirs);
	else
		modern_refuse(x, 200, c->id, RPC_INVALID_PARAMS, NULL, "Invalid params: %s",
			      e.code == ERR_DENIED && e.text[0] ? e.text
								: "Invalid or expired requestState");
	json_decref(payload);
}

/* A server of this era keeps its state with the client, in words of its own. */
bool park_seal(const struct mreq *r, json_t *result)
{
	json_t *state = json_object_get(result, "requestState"), *payload;
	char *text;
	int rc;

	if (!state)
		return true;
	payload = json_pack("{s:O, s:I}", "s", state, "i", (json_int_t)++r->m->last_handle);
	text = seal_for(r, payload);
	rc = text ? json_object_set_new(result, "requestState", json_string(text)) : -1;
	json_decref(payload);
	free(text);
	return rc == 0;
}
