/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/bearer.h"
#include "client/upstream_impl.h"
#include "lib/jsonrpc.h"

static void upstream_free_later(void *arg)
{
	struct upstream *u = arg;

	if (u->later)
		event_free(u->later);
	json_decref(u->initialize);
	free(u->user);
	bearer_unref(&u->bearer);
	budget_unref(&u->spec.budget);
	free(u->url);
	free(u->session);
	free(u);
}

static void end_memory(struct upstream *u)
{
	defer_call(&u->freeing, upstream_free_later, u);
}

/* ---- messages ---- */

static struct leg *find_asked(struct leg_list *list, const json_t *id)
{
	struct leg *l;

	TAILQ_FOREACH (l, list, link)
		if (l->id && jsonrpc_id_equal(l->id, id))
			return l;
	return NULL;
}

/* Ends the request that MSG, a notifications/cancelled, names. True: MSG is not to be sent.
 *
 * In the modern revision closing the answer is the cancellation, and the notification does not
 * exist. In legacy revisions closing means nothing and the notification cancels; since a cancelled
 * request has no answer, its exchange is closed afterwards (upstream_cancelled()). */
static bool cancel(struct upstream *u, const json_t *msg)
{
	const json_t *id = json_object_get(json_object_get(msg, "params"), "requestId");
	struct leg *l = find_asked(&u->legs, id);

	if (l && !l->modern) {
		json_decref(l->id);
		l->id = NULL; /* no request waits for an answer */
		return false;
	}
	if (!l) /* the request waits to be sent, or to be sent again */
		l = find_asked(&u->waiting, id);
	if (!l)
		l = find_asked(&u->unsure, id);
	if (l)
		leg_drop(l);
	return true;
}

int upstream_send(struct upstream *u, json_t *msg, struct jsontext *text, struct bearer *bearer)
{
	const char *method = json_string_value(json_object_get(msg, "method"));
	const json_t *params = json_object_get(msg, "params");
	bool cancels = method && strcmp(method, "notifications/cancelled") == 0;
	struct leg *l;
	int rc;

	if (cancels && cancel(u, msg))
		return 0;
	l = leg_message(u, msg, text);
	if (!l)
		return ERR_NOMEM;
	l->bearer = bearer_ref(bearer);
	if (cancels)
		l->cancels = json_incref(json_object_get(params, "requestId"));
	if (l->part == PART_INITIALIZE && !u->initialize)
		u->initialize = json_incref(msg);
	if (l->part == PART_INITIALIZED)
		return upstream_settle(l);
	if (upstream_is_setting_up(u)) {
		leg_move(l, &u->waiting);
		return 0;
	}
	rc = leg_start(l);
	if (rc < 0)
		leg_drop(l);
	return rc;
}

const json_t *upstream_origin(const struct upstream *u)
{
	return u->origin;
}

void upstream_pause(struct upstream *u)
{
	if (u->reading && u->reading->req)
		httpc_pause(u->reading->req);
}

void upstream_resume(struct upstream *u)
{
	struct leg *l;

	TAILQ_FOREACH (l, &u->legs, link)
		if (l->req)
			httpc_resume(l->req);
}

void upstream_relearnt(struct upstream *u)
{
	upstream_release(u, &u->unsure);
}

/* ---- the upstream ---- */

static const struct leg_hooks hooks = {
	.head = leg_answer_head,
	.message = leg_answer_message,
	.too_large = leg_answer_too_large,
	.end = leg_answer_end,
	.goodbye_said = end_memory,
};

struct upstream *upstream_new(struct event_base *base, struct httpc *httpc,
			      const struct upstream_spec *spec,
			      const struct upstream_events *events, void *arg)
{
	struct upstream *u = calloc(1, sizeof *u);

	if (!u)
		return NULL;
	TAILQ_INIT(&u->legs);
	TAILQ_INIT(&u->waiting);
	TAILQ_INIT(&u->unsure);
	u->base = base;
	u->httpc = httpc;
	u->spec = *spec;
	u->events = events;
	u->hooks = &hooks;
	u->arg = arg;
	u->url = strdup(spec->url);
	u->user = spec->user ? strdup(spec->user) : NULL;
	if (!u->url || (spec->user && !u->user)) {
		free(u->url);
		free(u->user);
		free(u);
		return NULL;
	}
	u->spec.budget = budget_ref(spec->budget);
	return u;
}

/* Tells the upstream that its session is over. U stays until the answer is there, or its time limit
 * is over. False: there is no session, or no memory for the DELETE. */
static bool say_goodbye(struct upstream *u)
{
	struct leg *l = u->session ? leg_new(u, LEG_DELETE) : NULL;

	if (!l || leg_start(l) == 0)
		return l;
	leg_drop(l);
	return false;
}

void upstream_close(struct upstream **up)
{
	struct upstream *u = *up;
	struct leg *l;

	*up = NULL;
	if (!u || !u->events)
		return;
	if (u->events->bearer) /* for the goodbye */
		bearer_set(&u->bearer, u->events->bearer(u, u->arg));
	u->events = NULL;
	u->spec.mask = NULL;
	if (u->later)
		event_del(u->later);
	while ((l = TAILQ_FIRST(&u->legs)) || (l = TAILQ_FIRST(&u->waiting)) ||
	       (l = TAILQ_FIRST(&u->unsure)))
		leg_drop(l);
	if (!say_goodbye(u))
		end_memory(u);
}
