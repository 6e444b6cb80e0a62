/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/mcpclient_pending.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"

void mcpclient_pending_init(struct mcpclient *m)
{
	TAILQ_INIT(&m->sent);
	TAILQ_INIT(&m->queued);
	TAILQ_INIT(&m->asking);
}

static void leave(struct pending *p)
{
	struct mcpclient *m = p->m;

	TAILQ_REMOVE(p->in, p, entry);
	if (p->waits)
		share_give(m->waiting, p->holder);
	p->waits = false;
	if (p->in == &m->sent) {
		HASH_DEL(m->by_id, p);
		delayq_remove(m->timeouts, &p->due);
	}
	p->in = NULL;
	p->id = 0;
}

static int enter_sent(struct pending *p)
{
	struct mcpclient *m = p->m;

	p->id = ++m->last_id;
	HASH_ADD(hh, m->by_id, id, sizeof p->id, p);
	if (!p->hh.tbl) {
		p->id = 0;
		return ERR_NOMEM;
	}
	if (!p->call)
		delayq_add(m->timeouts, &p->due);
	return 0;
}

int mcpclient_move(struct pending *p, struct pending_list *to)
{
	if (p->in)
		leave(p);
	if (to == &p->m->sent && enter_sent(p) < 0)
		return ERR_NOMEM;
	if (to)
		TAILQ_INSERT_TAIL(to, p, entry);
	p->in = to;
	return 0;
}

const char *mcpclient_holder(const struct mcpclient *m, const struct call *c)
{
	return m->asks != MCPCLIENT_ASKS_FORWARD ? call_caller(c)->holder : NULL;
}

/* Puts the call P to those that wait for the handshake. 0, or an error of share_take(). */
static int wait_for_start(struct pending *p, struct err *e)
{
	const char *holder = mcpclient_holder(p->m, p->call);
	int rc;

	if (holder && !(p->holder = strdup(holder)))
		return err_set(e, ERR_NOMEM, "out of memory");
	rc = share_take(p->m->waiting, p->holder, e);
	if (rc < 0)
		return rc;
	p->waits = true;
	return mcpclient_move(p, &p->m->queued);
}

static void free_pending(struct pending *p)
{
	json_decref(p->params);
	free(p->method);
	free(p->holder);
	free(p);
}

struct pending *mcpclient_pending_call(struct mcpclient *m, struct call *c, struct err *e)
{
	struct pending *p = NULL;

	if (m->state == MCPCLIENT_CLOSED)
		err_set(e, ERR_CLOSED, "the server is gone");
	else if (!(p = calloc(1, sizeof *p)))
		err_set(e, ERR_NOMEM, "out of memory");
	if (!p)
		return NULL;
	p->m = m;
	p->call = c;
	if (m->state == MCPCLIENT_READY || wait_for_start(p, e) == 0)
		return p;
	free_pending(p);
	return NULL;
}

struct pending *mcpclient_pending_own(struct mcpclient *m, const char *method)
{
	struct pending *p = calloc(1, sizeof *p);

	if (!p || !(p->method = strdup(method))) {
		free(p);
		return NULL;
	}
	p->m = m;
	return p;
}

void mcpclient_forget(struct pending *p)
{
	mcpclient_move(p, NULL);
	free_pending(p);
}

const char *mcpclient_method(const struct pending *p)
{
	return p->call ? call_method(p->call) : p->method;
}

json_t *mcpclient_params(const struct pending *p)
{
	return p->call ? call_params(p->call) : p->params;
}

void mcpclient_forget_sent(struct mcpclient *m)
{
	struct pending *p;

	while ((p = TAILQ_FIRST(&m->sent)))
		mcpclient_forget(p);
}

struct pending *mcpclient_find(const struct mcpclient *m, json_int_t id)
{
	struct pending *p;

	HASH_FIND(hh, m->by_id, &id, sizeof id, p);
	return p;
}

void mcpclient_no_timeout(struct mcpclient *m, json_int_t id)
{
	struct pending *p = mcpclient_find(m, id);

	if (p)
		delayq_remove(m->timeouts, &p->due);
}

void mcpclient_end_own(struct pending *p, const struct mcpclient_reply *r)
{
	mcpclient_move(p, NULL);
	if (p->reply)
		p->reply(p->m, r, p->arg);
	free_pending(p);
}

enum outcome { DONE, FAILED, CANCELLED };

/* The call of P is no longer counted, and its DONE is told; the call itself is not ended yet. P is
 * freed. */
static struct call *let_go(struct pending *p, enum outcome outcome)
{
	struct call *c = p->call;

	mcpclient_move(p, NULL);
	p->m->n_calls--;
	call_detach(c);
	p->m->parts->on_end(p, outcome == CANCELLED);
	if (p->done)
		p->done(p->m, c, outcome == DONE, p->arg);
	free_pending(p);
	return c;
}

void mcpclient_fail(struct pending *p, const char *why)
{
	const struct mcpclient_reply r = {.message = why};
	const char *name = p->m->name;

	if (!p->call)
		mcpclient_end_own(p, &r);
	else
		call_error(let_go(p, FAILED), RPC_INTERNAL_ERROR, NULL, "backend %s: %s", name,
			   why);
}

/* The end of P, a request of mcpd's own, which understands the whole RESULT. */
static void done_own(struct pending *p, struct jsontext *result)
{
	struct err e = {.text = "out of memory"};
	struct mcpclient_reply r = {.result = result ? jsontext_whole_tree(result, &e) : NULL};

	if (!r.result)
		r.message = e.text;
	mcpclient_end_own(p, &r);
}

void mcpclient_done(struct pending *p, struct jsontext *result_take)
{
	if (p->call) {
		call_result(let_go(p, result_take ? DONE : FAILED), result_take);
		return;
	}
	done_own(p, result_take);
	jsontext_unref(&result_take);
}

void mcpclient_done_tree(struct pending *p, json_t *result_take)
{
	mcpclient_done(p, jsontext_of(result_take));
}

void mcpclient_error(struct pending *p, int code, json_t *data_take, const char *fmt, ...)
{
	struct mcpclient_reply r = {.code = code, .data = data_take, .message = "out of memory"};
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		r.message = text;
	if (p->call) {
		call_error(let_go(p, FAILED), code, data_take, "%s", r.message);
	} else {
		mcpclient_end_own(p, &r);
		json_decref(data_take);
	}
	free(text);
}

void mcpclient_cancelled(struct pending *p)
{
	let_go(p, CANCELLED);
}
