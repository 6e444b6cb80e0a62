/* SPDX-License-Identifier: ISC */
#include "mcp/question.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "base/defer.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "mcp/translate.h"

struct question {
	json_t *params;
	json_t *related; /* the asker's value of related_key in _meta; NULL: none */
	const char *related_key;
	question_answer_fn fn;
	void *arg;
	question_withdrawn_fn withdrawn;
	void *withdrawn_arg;
	struct defer release;
	enum mcp_rev from, to; /* of the asker, of the client */
	bool ended;
	struct budget_part held; /* the parameters, as they came */
	char method[];
};

struct question *question_new(const char *method, json_t *params_take, question_answer_fn fn,
			      void *arg)
{
	size_t size = strlen(method) + 1;
	struct question *q = calloc(1, sizeof *q + size);

	if (!q) {
		json_decref(params_take);
		return NULL;
	}
	memcpy(q->method, method, size);
	q->params = params_take;
	budget_add(&q->held, budget_block(sizeof *q + size) + jsonrpc_cost(params_take));
	q->fn = fn;
	q->arg = arg;
	return q;
}

const char *question_method(const struct question *q)
{
	return q->method;
}

json_t *question_params(const struct question *q)
{
	return q->params;
}

int question_translate(struct question *q, enum mcp_rev from, enum mcp_rev to, struct err *e)
{
	struct err why = {0};
	json_t *params = translate_question(q->method, from, to, q->params, &why);

	if (why.code < 0)
		return err_set(e, why.code, "%s", why.text);
	json_decref(q->params);
	q->params = params;
	q->from = from;
	q->to = to;
	return 0;
}

void question_charge(struct question *q, struct budget *b)
{
	budget_move(&q->held, b);
}

void question_take(struct question *q, question_withdrawn_fn fn, void *arg)
{
	q->withdrawn = fn;
	q->withdrawn_arg = arg;
}

void question_relate(struct question *q, json_t *params, const char *key)
{
	q->related = json_incref(json_object_get(json_object_get(q->params, "_meta"), key));
	q->related_key = key;
	json_decref(q->params);
	q->params = json_incref(params);
}

/* RESULT as the asker knows what it is about; consumed. NULL on lack of memory. */
static json_t *unrelate(const struct question *q, json_t *result_take)
{
	json_t *meta = json_object_get(result_take, "_meta"), *copy;

	if (!q->related || !json_object_get(meta, q->related_key))
		return result_take;
	meta = jsonrpc_copy(meta);
	copy = jsonrpc_copy(result_take);
	json_decref(result_take);
	if (json_object_set(meta, q->related_key, q->related) < 0 ||
	    json_object_set(copy, "_meta", meta) < 0) {
		json_decref(copy);
		copy = NULL;
	}
	json_decref(meta);
	return copy;
}

/* RESULT of the client in the words of the asker (a new reference); NULL with E. What needs no
 * other words is not looked into. */
static struct jsontext *said_to_asker(const struct question *q, struct jsontext *result,
				      struct err *e)
{
	json_t *tree;

	if (q->from == q->to && !q->related)
		return jsontext_ref(result);
	tree = jsontext_tree(result, e);
	if (!tree)
		return NULL;
	tree = q->from == q->to ? json_incref(tree)
				: translate_reply(q->method, q->to, q->from, tree);
	if (tree)
		tree = unrelate(q, tree);
	if (!tree)
		err_set(e, ERR_NOMEM, "out of memory");
	return jsontext_of(tree);
}

static void release(void *arg)
{
	struct question *q = arg;

	json_decref(q->params);
	json_decref(q->related);
	budget_end(&q->held);
	free(q);
}

/* The first of the two sides ends Q. The other side may not know yet, so a second end is ignored.
 */
static bool end_once(struct question *q)
{
	if (q->ended)
		return false;
	q->ended = true;
	defer_call(&q->release, release, q);
	return true;
}

static json_t *error_object(int code, const char *message)
{
	json_t *error = json_pack("{s:i,s:s}", "code", code, "message", message);

	/* The asker is promised an object that is not NULL, and this one needs no memory. */
	return error ? error : json_null();
}

void question_answer(struct question *q, struct jsontext *result_take, json_t *error_take)
{
	/* Neither of the two: what the front made of the answer failed. */
	struct err e = {.code = ERR_NOMEM, .text = "out of memory"};
	struct jsontext *said = NULL;

	if (result_take && !error_take && !jsontext_is_object(result_take))
		err_set(&e, ERR_INVALID, "the client's answer is not an object");
	else if (result_take && !error_take)
		said = said_to_asker(q, result_take, &e);
	if (!said && !error_take)
		error_take = error_object(RPC_INTERNAL_ERROR, e.text);
	if (end_once(q))
		q->fn(q, said, error_take, q->arg);
	jsontext_unref(&said);
	jsontext_unref(&result_take);
	json_decref(error_take);
}

void question_refuse(struct question *q, int code, const char *message)
{
	question_answer(q, NULL, error_object(code, message));
}

void question_withdraw(struct question *q)
{
	if (end_once(q) && q->withdrawn)
		q->withdrawn(q, q->withdrawn_arg);
}
