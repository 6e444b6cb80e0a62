/* SPDX-License-Identifier: ISC */
/* server_again.c: requests that take more than one call to their backend, because their client
 * speaks a revision without a feature that the backend uses:
 *
 * - An error that demands the visit of a URL (2025-11-25) is a question in 2026-07-28. The client
 * is asked, and the call, which had no effect, is repeated.
 * - A tool that runs only as a task (2025-11-25) is started as one. tasks/result blocks until the
 *   result is there, so mcpd does not poll (Tasks, "Result Retrieval"). */
#include <stdlib.h>
#include <string.h>

#include "base/delayq.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "mcp/question.h"
#include "server/server_impl.h"
#include "server/server_request.h"

/* How often one request may be sent to visit a URL. */
#define MAX_ROUNDS 8
/* How many URLs at a time. */
#define MAX_URLS 16

struct url {
	TAILQ_ENTRY(url) entry;
	struct question *q;
	struct request *r;
};

struct again {
	TAILQ_HEAD(, url) urls; /* that the client has not answered */
	unsigned rounds;
	bool asking; /* the questions are being handed over: no decision yet */
	bool declined;
	bool task;     /* the tool is called as a task */
	char *task_id; /* NULL: not known (yet) */
	int64_t due;   /* of its result */
};

static struct again *need_again(struct request *r)
{
	if (!r->again && (r->again = calloc(1, sizeof *r->again)))
		TAILQ_INIT(&r->again->urls);
	return r->again;
}

/* ---- URLs to visit ---- */

/* The next call of R waits for the client. */
static void on_cancel(struct call *c, const char *reason, void *arg)
{
	struct request *r = arg;
	struct url *u;

	(void)c, (void)reason;
	while ((u = TAILQ_FIRST(&r->again->urls))) {
		struct question *q = u->q;

		TAILQ_REMOVE(&r->again->urls, u, entry);
		free(u);
		question_withdraw(q);
	}
}

static const struct call_back waiting = {.cancel = on_cancel};

/* All answers are there. */
static void decide(struct request *r)
{
	static const char text[] = "The user did not visit the URL that is needed for this.";
	struct call *c = r->call;

	call_detach(c);
	if (!r->again->declined)
		link_call(r->via, c);
	else if (strcmp(call_method(c), "tools/call") == 0)
		call_result_tree(c, json_pack("{s:[{s:s, s:s}], s:b}", "content", "type", "text",
					      "text", text, "isError", 1));
	else
		call_error(c, RPC_INTERNAL_ERROR, NULL, "%s", text);
}

static void on_answer(struct question *q, json_t *result, json_t *error, void *arg)
{
	struct url *u = arg;
	struct request *r = u->r;
	const char *action = json_string_value(json_object_get(result, "action"));

	(void)q, (void)error;
	TAILQ_REMOVE(&r->again->urls, u, entry);
	free(u);
	if (!action || strcmp(action, "accept") != 0)
		r->again->declined = true;
	if (!r->again->asking && TAILQ_EMPTY(&r->again->urls))
		decide(r);
}

/* A question for one of data.elicitations. False: no memory, or it names no URL. */
static bool add_url(struct request *r, const json_t *elicitation)
{
	struct url *u = calloc(1, sizeof *u);
	json_t *message = json_object_get(elicitation, "message");
	json_t *url = json_object_get(elicitation, "url");
	json_t *params = json_is_string(message) && json_is_string(url)
				 ? json_pack("{s:s, s:O, s:O}", "mode", "url", "message", message,
					     "url", url)
				 : NULL;

	if (u && params)
		u->q = question_new("elicitation/create", json_incref(params), on_answer, u);
	json_decref(params);
	if (!u || !u->q) {
		free(u);
		return false;
	}
	u->r = r;
	TAILQ_INSERT_TAIL(&r->again->urls, u, entry);
	return true;
}

static void drop_urls(struct request *r)
{
	on_cancel(NULL, NULL, r);
}

/* Each may be answered before this returns. */
static void ask_all(struct request *r)
{
	struct url *all[MAX_URLS], *u;
	size_t n = 0;

	TAILQ_FOREACH (u, &r->again->urls, entry) {
		all[n++] = u;
	}
	r->again->asking = true;
	/* Only the client's answer ends one of them, and each answer ends one. */
	for (size_t i = 0; i < n && !call_ended(r->call); i++)
		server_ask(r->server, r->where, all[i]->q);
	r->again->asking = false;
	if (TAILQ_EMPTY(&r->again->urls))
		decide(r);
}

/* The call has to be made again after the client visited what DATA lists. False: it cannot. */
static bool ask_urls(struct request *r, const struct answer *answer)
{
	const json_t *list = json_object_get(answer->data, "elicitations"), *one;
	struct call *c = r->call;
	size_t i;

	if (!need_again(r) || r->again->rounds++ >= MAX_ROUNDS || json_array_size(list) == 0 ||
	    json_array_size(list) > MAX_URLS)
		return false;
	json_array_foreach (list, i, one) {
		if (!add_url(r, one)) {
			drop_urls(r);
			return false;
		}
	}
	if (!server_can_ask(r, TAILQ_FIRST(&r->again->urls)->q) ||
	    !server_next_call(r, call_method(c), json_incref(call_params(c)),
			      r->server->conf.limits->call_timeout_ms)) {
		drop_urls(r);
		return false;
	}
	return true;
}

/* ---- tools that run as a task alone ---- */

bool again_needs_task(const struct request *r)
{
	const char *support = json_string_value(
		json_object_get(json_object_get(r->tool, "execution"), "taskSupport"));

	return support && strcmp(support, "required") == 0 &&
	       server_backend_rev(r) == MCP_REV_2025_11_25 &&
	       r->server->conf.caller->rev != MCP_REV_2025_11_25 && link_offer(r->via) &&
	       offer_runs_tasks(link_offer(r->via));
}

json_t *again_as_task(struct request *r, json_t *params)
{
	json_t *copy = need_again(r) ? jsonrpc_copy(params) : NULL;

	if (!copy || json_object_set_new(copy, "task", json_object()) < 0) {
		json_decref(copy);
		return NULL;
	}
	r->again->task = true;
	return copy;
}

static int64_t time_left(const struct request *r)
{
	int64_t left = r->server->conf.limits->call_timeout_ms - call_age_ms(r->call);

	return left > 0 ? left : 1;
}

/* RESULT says which task it is. False: it does not, so it is the result itself. */
static bool wait_for_task(struct request *r, const json_t *result)
{
	const json_t *id = json_object_get(json_object_get(result, "task"), "taskId");
	int64_t left = time_left(r);
	struct call *next;
	json_t *params;

	if (!json_is_string(id))
		return false;
	r->again->task_id = strdup(json_string_value(id));
	params = r->again->task_id ? json_pack("{s:s}", "taskId", r->again->task_id) : NULL;
	next = params ? server_next_call(r, "tasks/result", params, left) : NULL;
	if (!next) {
		r->starved = true; /* what there is of a result is none that the client can use */
		return false;
	}
	r->again->due = clock_ms() + left;
	link_call(r->via, next);
	return true;
}

/* ---- what the server sees of it ---- */

static bool is_url_error(const struct request *r, const struct answer *answer)
{
	return answer->kind == ANSWER_ERROR && answer->code == RPC_URL_ELICITATION &&
	       server_backend_rev(r) == MCP_REV_2025_11_25 &&
	       !mcp_rev_is_legacy(r->server->conf.caller->rev) && !(r->again && r->again->task_id);
}

bool again_goes_on(struct request *r, const struct answer *answer)
{
	if (is_url_error(r, answer)) {
		if (!ask_urls(r, answer))
			return false;
		call_attach(r->call, &waiting, r);
		ask_all(r);
		return true;
	}
	return answer->kind == ANSWER_RESULT && r->again && r->again->task && !r->again->task_id &&
	       wait_for_task(r, jsontext_tree(answer->result, NULL));
}

void again_over(struct request *r, const struct answer *answer)
{
	struct again *a = r->again;

	if (!a)
		return;
	r->again = NULL;
	/* No request waits for the task any more, so the backend is told to cancel it. */
	if (a->task_id && (answer->kind == ANSWER_CANCELLED ||
			   (answer->kind == ANSWER_ERROR && clock_ms() >= a->due)))
		server_push(r->server, r->via, "tasks/cancel",
			    json_pack("{s:s}", "taskId", a->task_id));
	free(a->task_id);
	free(a);
}
