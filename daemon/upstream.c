#include "autoconf.h"

#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "jsonrpc.h"
#include "upstream_impl.h"

static void upstream_free_later(void *arg)
{
	struct upstream *u = arg;

	json_decref(u->initialize);
	free(u->url);
	free(u->session);
	free(u);
}

void upstream_gone(struct upstream *u)
{
	defer_call(&u->freeing, upstream_free_later, u);
}

/* Opens the session again with the initialize of the first time. */
static void renew(struct upstream *u)
{
	struct leg *l;

	if (u->renewing)
		return;
	u->renewing = true;
	free(u->session);
	u->session = NULL;
	l = leg_new(u, LEG_POST);
	if (l == NULL)
		return;
	l->renewing = true;
	l->msg = json_incref(u->initialize);
	l->id = json_incref(json_object_get(u->initialize, "id"));
	if (leg_start(l) < 0)
		leg_drop(l);
}

/* The message met a 404: the session is gone, and it was not dispatched. Once more, in a new
 * session. */
bool upstream_session_lost(struct leg *l)
{
	struct upstream *u = l->u;

	if (l->status != 404 || l->kind != LEG_POST || l->retried || u->initialize == NULL ||
	    l->renewing || l->msg == u->initialize)
		return false;
	l->retried = true;
	leg_rewind(l);
	TAILQ_REMOVE(&u->legs, l, link);
	TAILQ_INSERT_TAIL(&u->waiting, l, link);
	renew(u);
	return true;
}

static void open_stream(struct upstream *u)
{
	struct leg *l = leg_new(u, LEG_GET);

	if (l != NULL && leg_start(l) < 0)
		leg_drop(l);
}

static void send_initialized(struct upstream *u)
{
	json_t *msg = jsonrpc_notification("notifications/initialized", NULL);

	if (msg != NULL)
		upstream_send(u, msg);
	json_decref(msg);
}

/* The attempt to open the session again is over: what waited goes out, or learns that it failed. */
void upstream_renewed(struct upstream *u, bool ok, const char *why)
{
	struct leg *l;

	u->renewing = false;
	if (ok)
		send_initialized(u);
	while ((l = TAILQ_FIRST(&u->waiting)) != NULL) {
		TAILQ_REMOVE(&u->waiting, l, link);
		TAILQ_INSERT_TAIL(&u->legs, l, link);
		if (ok && leg_start(l) == 0)
			continue;
		leg_refuse(l,
			   "the upstream ended the session, and it could not be opened again: %s",
			   why);
		leg_drop(l);
	}
	if (ok && u->events != NULL)
		u->events->on_renewed(u, u->arg);
}

int upstream_send(struct upstream *u, json_t *msg)
{
	const char *method = json_string_value(json_object_get(msg, "method"));
	struct leg *l = leg_new(u, LEG_POST);

	if (l == NULL)
		return ERR_NOMEM;
	l->msg = json_incref(msg);
	if (method != NULL)
		l->id = json_incref(json_object_get(msg, "id"));
	if (method != NULL && strcmp(method, "initialize") == 0 && u->initialize == NULL)
		u->initialize = json_incref(msg);
	if (leg_start(l) < 0) {
		leg_drop(l);
		return ERR_NOMEM;
	}
	/* The stream for what belongs to no request, once the session stands. */
	if (method != NULL && strcmp(method, "notifications/initialized") == 0 &&
	    u->initialize != NULL)
		open_stream(u);
	return 0;
}

/* ---- itself ---- */

struct upstream *upstream_new(struct event_base *base, struct httpc *httpc,
			      const struct upstream_spec *spec,
			      const struct upstream_events *events, void *arg)
{
	struct upstream *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	TAILQ_INIT(&u->legs);
	TAILQ_INIT(&u->waiting);
	u->base = base;
	u->httpc = httpc;
	u->spec = *spec;
	u->events = events;
	u->arg = arg;
	u->url = strdup(spec->url);
	if (u->url == NULL) {
		free(u);
		return NULL;
	}
	return u;
}

/* Tells the upstream that its session is over. Nobody waits for the answer, which has a time limit;
 * U stays until it is there. */
static bool say_goodbye(struct upstream *u)
{
	struct leg *l = u->session != NULL ? leg_new(u, LEG_DELETE) : NULL;

	if (l == NULL || leg_start(l) == 0)
		return l != NULL;
	leg_drop(l);
	return false;
}

void upstream_close(struct upstream **up)
{
	struct upstream *u = *up;
	struct leg *l;

	*up = NULL;
	if (u == NULL || u->events == NULL)
		return;
	u->events = NULL;
	while ((l = TAILQ_FIRST(&u->waiting)) != NULL) {
		TAILQ_REMOVE(&u->waiting, l, link);
		TAILQ_INSERT_TAIL(&u->legs, l, link);
	}
	while ((l = TAILQ_FIRST(&u->legs)) != NULL)
		leg_drop(l);
	if (!say_goodbye(u))
		upstream_gone(u);
}
