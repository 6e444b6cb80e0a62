/* SPDX-License-Identifier: ISC */
/* server_followup.c: requests that take more than one call to their backend, because their client
 * speaks a revision without a feature that the backend uses:
 *
 * - An error that demands the visit of a URL (2025-11-25) is a question in 2026-07-28. The client
 *   is asked, and the call, which had no effect, is repeated.
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

/* How many times the client of one request may be sent to visit URLs. */
#define MAX_ROUNDS 8
/* How many URLs one error may list. */
#define MAX_URLS 16

struct url {
	TAILQ_ENTRY(url) entry;
	struct question *q;
	struct request *r;
};

struct followup {
	TAILQ_HEAD(, url) urls; /* that the client has not answered */
	unsigned rounds;
	bool asking; /* the questions are being handed over: no decision yet */
	bool declined;
	bool task;     /* the tool is called as a task */
	char *task_id; /* the backend's id of the task; NULL: not known (yet) */
	int64_t due;   /* when the result of the task is overdue */
};

static struct followup *need_followup(struct request *r)
{
	if (!r->followup && (r->followup = calloc(1, sizeof *r->followup)))
		TAILQ_INIT(&r->followup->urls);
	return r->followup;
}

/* ---- URLs to visit ---- */

/* The call of R that would follow is cancelled while the client is asked: withdraws the questions.
 */
static void on_cancel(struct call *c, const char *reason, void *arg)
{
	struct request *r = arg;
	struct url *u;

	(void)c, (void)reason;
	while ((u = TAILQ_FIRST(&r->followup->urls))) {
		struct question *q = u->q;

		TAILQ_REMOVE(&r->followup->urls, u, entry);
		free(u);
		question_withdraw(q);
	}
}

static const struct call_back waiting = {.cancel = on_cancel};

/* All questions of R are answered: repeats the call, or ends it where the user did not visit a URL.
 */
static void decide(struct request *r)
{
	static const char text[] = "The user did not visit the URL that is needed for this.";
	struct call *c = r->call;

	call_detach(c);
	if (!r->followup->declined)
		link_call(r->via, c);
	else if (strcmp(call_method(c), "tools/call") == 0)
		call_result_tree(c, json_pack("{s:[{s:s, s:s}], s:b}", "content", "type", "text",
					      "text", text, "isError", 1));
	else
		call_error(c, RPC_INTERNAL_ERROR, NULL, "%s", text);
}

static void on_answer(struct question *q, struct jsontext *result, json_t *error, void *arg)
{
	struct url *u = arg;
	struct request *r = u->r;
	const json_t *tree = result ? jsontext_tree(result, NULL) : NULL;
	const char *action = json_string_value(json_object_get(tree, "action"));

	(void)q, (void)error;
	TAILQ_REMOVE(&r->followup->urls, u, entry);
	free(u);
	if (!action || strcmp(action, "accept") != 0)
		r->followup->declined = true;
	if (!r->followup->asking && TAILQ_EMPTY(&r->followup->urls))
		decide(r);
}

/* Adds the question for ELICITATION, one of data.elicitations. False: no memory, or ELICITATION
 * names no URL. */
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
	TAILQ_INSERT_TAIL(&r->followup->urls, u, entry);
	return true;
}

static void drop_urls(struct request *r)
{
	on_cancel(NULL, NULL, r);
}

/* Asks the client to visit all URLs of R. Each question may be answered before this returns. An
 * answer frees its own question alone; a cancellation frees all, and the loop ends. */
static void ask_all(struct request *r)
{
	struct url *all[MAX_URLS], *u;
	size_t n = 0;

	TAILQ_FOREACH (u, &r->followup->urls, entry) {
		all[n++] = u;
	}
	r->followup->asking = true;
	for (size_t i = 0; i < n && !call_ended(r->call); i++)
		server_ask(r->server, r->origin, all[i]->q);
	r->followup->asking = false;
	if (TAILQ_EMPTY(&r->followup->urls))
		decide(r);
}

/* Prepares a second call, for which the client has to visit the URLs that the data of ANSWER lists.
 * False: there is no second call, and R ends with ANSWER. */
static bool ask_urls(struct request *r, const struct answer *answer)
{
	const json_t *list = json_object_get(answer->data, "elicitations"), *one;
	struct call *c = r->call;
	size_t i;

	if (!need_followup(r) || r->followup->rounds++ >= MAX_ROUNDS ||
	    json_array_size(list) == 0 || json_array_size(list) > MAX_URLS)
		return false;
	json_array_foreach (list, i, one) {
		if (!add_url(r, one)) {
			drop_urls(r);
			return false;
		}
	}
	if (!server_can_ask(r, TAILQ_FIRST(&r->followup->urls)->q) ||
	    !server_next_call(r, call_method(c), json_incref(call_params(c)), call_arguments(c),
			      r->server->conf.limits->call_timeout_ms)) {
		drop_urls(r);
		return false;
	}
	return true;
}

/* ---- tools that run as a task alone ---- */

bool followup_needs_task(const struct request *r)
{
	const char *support = json_string_value(
		json_object_get(json_object_get(r->tool, "execution"), "taskSupport"));

	return support && strcmp(support, "required") == 0 &&
	       server_backend_rev(r) == MCP_REV_2025_11_25 &&
	       r->server->conf.caller->rev != MCP_REV_2025_11_25 && link_offer(r->via) &&
	       offer_runs_tasks(link_offer(r->via));
}

json_t *followup_task_params(struct request *r, json_t *params)
{
	json_t *with_task = need_followup(r) ? jsonrpc_with(params, "task", json_object()) : NULL;

	if (with_task)
		r->followup->task = true;
	return with_task;
}

static int64_t time_left(const struct request *r)
{
	int64_t left = r->server->conf.limits->call_timeout_ms - call_age_ms(r->call);

	return left > 0 ? left : 1;
}

/* Starts the call that waits for the task of RESULT. False: RESULT names no task, so that it is the
 * tool's own result, or there was no memory (R is starved). */
static bool wait_for_task(struct request *r, const json_t *result)
{
	const json_t *id = json_object_get(json_object_get(result, "task"), "taskId");
	int64_t left = time_left(r);
	struct call *next;
	json_t *params;

	if (!json_is_string(id))
		return false;
	r->followup->task_id = strdup(json_string_value(id));
	params = r->followup->task_id ? json_pack("{s:s}", "taskId", r->followup->task_id) : NULL;
	next = params ? server_next_call(r, "tasks/result", params, NULL, left) : NULL;
	if (!next) {
		r->starved = true; /* RESULT describes a task, which is no result for the client */
		return false;
	}
	r->followup->due = clock_ms() + left;
	link_call(r->via, next);
	return true;
}

/* ---- for the rest of the server ---- */

/* Whether ANSWER demands the visit of a URL from a client that has no such error. */
static bool is_url_error(const struct request *r, const struct answer *answer)
{
	return answer->kind == ANSWER_ERROR && answer->code == RPC_URL_ELICITATION &&
	       server_backend_rev(r) == MCP_REV_2025_11_25 &&
	       !mcp_rev_is_legacy(r->server->conf.caller->rev) &&
	       !(r->followup && r->followup->task_id);
}

bool followup_begin(struct request *r, const struct answer *answer)
{
	if (is_url_error(r, answer)) {
		if (!ask_urls(r, answer))
			return false;
		call_attach(r->call, &waiting, r);
		ask_all(r);
		return true;
	}
	return answer->kind == ANSWER_RESULT && r->followup && r->followup->task &&
	       !r->followup->task_id && wait_for_task(r, jsontext_tree(answer->result, NULL));
}

/* Where the request ended without the result of a task, no request waits for that task any more,
 * and the backend is told to cancel it. */
void followup_end(struct request *r, const struct answer *answer)
{
	struct followup *f = r->followup;

	if (!f)
		return;
	r->followup = NULL;
	if (f->task_id && (answer->kind == ANSWER_CANCELLED ||
			   (answer->kind == ANSWER_ERROR && clock_ms() >= f->due)))
		server_push(r->server, r->via, "tasks/cancel",
			    json_pack("{s:s}", "taskId", f->task_id));
	free(f->task_id);
	free(f);
}
