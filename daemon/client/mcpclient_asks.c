/* SPDX-License-Identifier: ISC */
/* mcpclient_asks.c: requests of a legacy server to the client. See mcpclient.h. */
#include "autoconf.h"

#include <stdlib.h>
#include <string.h>

#include "client/mcpclient_dialect.h"
#include "lib/jsonrpc.h"
#include "mcp/message.h"
#include "mcp/question.h"

static void answer_error(struct mcpclient *m, json_t *id, int code, const char *text)
{
	mcpclient_send(m, jsonrpc_error(id, code, text, NULL));
}

static void forget(struct asked *a)
{
	TAILQ_REMOVE(&a->m->asked, a, entry);
	share_give(a->m->questions, a->holder);
	json_decref(a->id);
	free(a->holder);
	free(a);
}

static void on_answer(struct question *q, struct jsontext *result, json_t *error, void *arg)
{
	struct asked *a = arg;
	const char *message = json_string_value(json_object_get(error, "message"));

	(void)q;
	if (result)
		mcpclient_respond(a->m, message_result(a->id, result));
	else
		mcpclient_send(
			a->m, jsonrpc_error(a->id,
					    (int)json_integer_value(json_object_get(error, "code")),
					    message ? message : "the client could not answer",
					    json_incref(json_object_get(error, "data"))));
	forget(a);
}

static struct asked *find_asked(const struct mcpclient *m, const json_t *id)
{
	struct asked *a;

	TAILQ_FOREACH (a, &m->asked, entry)
		if (jsonrpc_id_equal(a->id, id))
			return a;
	return NULL;
}

/* The latest call in flight. */
static struct pending *latest(const struct mcpclient *m)
{
	struct pending *p;

	TAILQ_FOREACH_REVERSE (p, &m->sent, pending_list, entry)
		if (p->call)
			return p;
	return NULL;
}

static struct pending *pending_of(const struct mcpclient *m, const struct call *c)
{
	struct pending *p;

	TAILQ_FOREACH (p, &m->sent, entry)
		if (p->call == c)
			return p;
	return NULL;
}

/* The call that a question belongs to, in *P_R; NULL: none. The revisions with questions do not
 * say: only a channel with a stream for each answer does. Where all calls are one client's, the
 * latest is the likeliest. Where they are not, nobody hears a question that may be another's.
 * False: in doubt. */
static bool addressee(const struct mcpclient *m, struct pending **p_r)
{
	struct pending *p = m->origin != 0 ? mcpclient_find(m, m->origin) : NULL;
	const struct call *only;

	*p_r = p;
	if (p && p->call)
		return true;
	*p_r = NULL;
	if (m->asks == MCPCLIENT_ASKS_FORWARD) {
		*p_r = m->origin == 0 ? latest(m) : NULL;
		return true;
	}
	only = mcpclient_only_call(m);
	*p_r = only != NULL ? pending_of(m, only) : NULL;
	return only || (m->doubts == 0 && m->origin == 0 && !latest(m));
}

/* HOLDER (copied, may be NULL) has taken a place for it. NULL on lack of memory. */
static struct asked *asked_new(struct mcpclient *m, json_t *id, const char *method, json_t *params,
			       const char *holder)
{
	struct asked *a = calloc(1, sizeof *a);
	json_t *own = params ? mcpclient_with_token(params, NULL) : NULL;

	if (a && holder)
		a->holder = strdup(holder);
	if (a && (!holder || a->holder) && (!params || own))
		a->q = question_new(method, json_incref(own), on_answer, a);
	json_decref(own);
	if (!a || !a->q) {
		free(a != NULL ? a->holder : NULL);
		free(a);
		return NULL;
	}
	a->m = m;
	a->id = json_incref(id);
	TAILQ_INSERT_TAIL(&m->asked, a, entry);
	return a;
}

static void forward(struct mcpclient *m, json_t *id, const char *method, json_t *params)
{
	struct pending *of;
	struct asked *a;
	const char *holder;
	struct err e;

	if (!addressee(m, &of)) {
		answer_error(m, id, RPC_INVALID_REQUEST,
			     "several clients share this server, and nothing says to which of "
			     "their requests this one belongs");
		return;
	}
	holder = of ? mcpclient_holder(m, of->call) : NULL;
	if (share_take(m->questions, holder, &e) < 0) {
		answer_error(m, id, RPC_INTERNAL_ERROR, e.text);
		return;
	}
	a = asked_new(m, id, method, params, holder);
	if (!a) {
		share_give(m->questions, holder);
		answer_error(m, id, RPC_INTERNAL_ERROR, "out of memory");
		return;
	}
	a->of = of;
	/* Either may answer before it returns. */
	if (of)
		call_ask(of->call, a->q);
	else
		m->events->on_question(m, a->q, m->arg);
}

static void probe_sampling(struct mcpclient *m, json_t *id)
{
	answer_error(m, id, -1, "there is no user at the moment");
}

static void probe_elicitation(struct mcpclient *m, json_t *id)
{
	mcpclient_send(m, jsonrpc_result(id, json_pack("{s:s}", "action", "cancel")));
}

static void probe_roots(struct mcpclient *m, json_t *id)
{
	mcpclient_send(m, jsonrpc_result(id, json_pack("{s:[]}", "roots")));
}

static const struct {
	const char *method;
	void (*probe)(struct mcpclient *m, json_t *id); /* what a probe says */
} questions[] = {
	{"sampling/createMessage", probe_sampling},
	{"elicitation/create", probe_elicitation},
	{"roots/list", probe_roots},
};

/* Roots belong to no call: a server asks for them when it likes, and keeps them. So a call must
 * neither be asked for them nor fail for lack of them where the server was not told of any. */
static bool not_told(const struct mcpclient *m, const char *method)
{
	return m->asks == MCPCLIENT_ASKS_ONLY && strcmp(method, "roots/list") == 0 &&
	       !json_object_get(m->capabilities, "roots");
}

static void on_question(struct mcpclient *m, json_t *id, size_t which, json_t *params)
{
	enum mcpclient_asks asks =
		not_told(m, questions[which].method) ? MCPCLIENT_ASKS_REFUSE : m->asks;

	switch (asks) {
	case MCPCLIENT_ASKS_REFUSE:
		answer_error(m, id, RPC_METHOD_NOT_FOUND,
			     "this client has no such capability, and has not declared it");
		return;
	case MCPCLIENT_ASKS_PROBE:
		questions[which].probe(m, id);
		return;
	case MCPCLIENT_ASKS_FORWARD:
	case MCPCLIENT_ASKS_ONLY:
		break;
	}
	if (find_asked(m, id))
		answer_error(m, id, RPC_INVALID_REQUEST, "a request with this id is in flight");
	else
		forward(m, id, questions[which].method, params);
}

void mcpclient_on_request(struct mcpclient *m, json_t *id, const char *method, json_t *params)
{
	if (strcmp(method, "ping") == 0) {
		mcpclient_send(m, jsonrpc_result(id, NULL));
		return;
	}
	for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
		if (strcmp(method, questions[i].method) == 0) {
			on_question(m, id, i, params);
			return;
		}
	answer_error(m, id, RPC_METHOD_NOT_FOUND, "method not found");
}

void mcpclient_on_cancelled(struct mcpclient *m, json_t *params)
{
	struct asked *a = find_asked(m, json_object_get(params, "requestId"));
	struct question *q;

	if (!a)
		return; /* answered meanwhile; the two may cross */
	q = a->q;
	forget(a);
	question_withdraw(q);
}

void mcpclient_orphan(struct mcpclient *m, const struct pending *p)
{
	struct asked *a;

	TAILQ_FOREACH (a, &m->asked, entry)
		if (a->of == p)
			a->of = NULL;
}

void mcpclient_withdraw(struct mcpclient *m, const struct pending *p)
{
	struct asked *a, *next;
	struct question *q;

	/* Taken out first: a withdrawal may lead back here. */
	for (a = TAILQ_FIRST(&m->asked); a != NULL; a = next) {
		next = TAILQ_NEXT(a, entry);
		if (p && a->of != p)
			continue;
		if (m->state != MCPCLIENT_CLOSED)
			answer_error(m, a->id, RPC_INVALID_REQUEST,
				     "the request that this belongs to has ended");
		q = a->q;
		forget(a);
		question_withdraw(q);
		next = TAILQ_FIRST(&m->asked);
	}
}
