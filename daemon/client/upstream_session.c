/* SPDX-License-Identifier: ISC */
/* upstream_session.c: opens the session with an upstream, and opens a lost one again. */
#include "autoconf.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "client/upstream_impl.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"

/* A message that is refused may come back into LIST, so LIST is emptied first. */
void upstream_release(struct upstream *u, struct leg_list *list)
{
	struct leg_list now = TAILQ_HEAD_INITIALIZER(now);
	struct leg *l;

	while ((l = TAILQ_FIRST(list)))
		leg_move(l, &now);
	while (u->events && (l = TAILQ_FIRST(&now))) {
		leg_move(l, &u->legs);
		leg_go(l);
	}
	while ((l = TAILQ_FIRST(&now))) /* closed meanwhile */
		leg_drop(l);
}

/* Drops the standalone streams of a session that is gone. */
static void drop_streams(struct upstream *u)
{
	struct leg *l, *next;

	for (l = TAILQ_FIRST(&u->legs); l != NULL; l = next) {
		next = TAILQ_NEXT(l, link);
		if (l->kind == LEG_GET)
			leg_drop(l);
	}
}

/* Opens the session again with the initialize of the first time. */
static void open_again(struct upstream *u)
{
	struct leg *l;

	u->fruitless = true;
	l = leg_new(u, LEG_POST);
	if (!l) {
		upstream_renewed(u, false, "out of memory");
		return;
	}
	l->renewing = true;
	l->part = PART_INITIALIZE;
	l->msg = json_incref(u->initialize);
	l->text = jsontext_of(json_incref(u->initialize));
	l->method = "initialize";
	l->id = json_incref(json_object_get(u->initialize, "id"));
	if (l->text && leg_start(l) == 0)
		return;
	leg_drop(l);
	upstream_renewed(u, false, "out of memory");
}

static void on_later(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	open_again(arg);
}

/* Opens a new session; messages wait meanwhile. That is done at once, unless no request was
 * answered in the last session either: an upstream that opens sessions without knowing them would
 * be asked without pause. */
static void renew(struct upstream *u)
{
	int64_t ms = u->fruitless ? backoff_next(&u->renewals, 0) : 0;
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	u->renewing = true;
	u->epoch++;
	free(u->session);
	u->session = NULL;
	drop_streams(u);
	if (ms > 0 && !u->later)
		u->later = evtimer_new(u->base, on_later, u);
	if (ms == 0)
		open_again(u);
	else if (!u->later || event_add(u->later, &tv) < 0)
		upstream_renewed(u, false, "out of memory");
}

/* The methods that may be repeated. tools/call is not among them: a tool may have effects. */
static bool is_harmless(const struct leg *l)
{
	return l->method && strcmp(l->method, "tools/call") != 0;
}

/* L is sent again in the next session, unless it may have been carried out: an upstream refuses a
 * lost session before it looks at the message, but a stream that was to be resumed had begun in it.
 */
void upstream_session_lost(struct leg *l)
{
	struct upstream *u = l->u;
	bool newer = l->epoch != u->epoch; /* another leg found out before */
	bool again = l->id && !l->repeated && (!l->last_id || is_harmless(l));

	if (again) {
		l->repeated = true;
		leg_rewind(l);
		free(l->last_id);
		l->last_id = NULL;
		leg_move(l, &u->waiting);
	} else {
		leg_refuse(l, l->last_id != NULL
				      ? "the upstream ended the session during the request"
				      : "the upstream ends each session at once");
		leg_drop(l);
	}
	if (!u->events || u->renewing || u->settling)
		return;
	if (!newer)
		renew(u);
	else
		upstream_release(u, &u->waiting);
}

/* Opens the standalone stream, for messages that belong to no request. */
static void open_stream(struct upstream *u)
{
	struct leg *l = leg_new(u, LEG_GET);

	if (l && leg_start(l) < 0)
		leg_drop(l);
}

void upstream_settled(struct upstream *u)
{
	bool renewed = u->renewing;

	u->settling = u->renewing = false;
	open_stream(u);
	upstream_release(u, &u->waiting);
	if (renewed && u->events)
		u->events->on_renewed(u, u->arg);
}

int upstream_settle(struct leg *l)
{
	int rc;

	l->u->settling = true;
	rc = leg_start(l);
	if (rc < 0)
		leg_drop(l);
	return rc;
}

static int say_initialized(struct upstream *u)
{
	json_t *msg = jsonrpc_notification("notifications/initialized", NULL);
	struct jsontext *text = jsontext_of(json_incref(msg));
	struct leg *l = text ? leg_message(u, msg, text) : NULL;

	jsontext_unref(&text);
	json_decref(msg);
	return l ? upstream_settle(l) : ERR_NOMEM;
}

/* On success notifications/initialized follows; else the messages that wait are refused. */
void upstream_renewed(struct upstream *u, bool ok, const char *why)
{
	struct leg *l;

	if (ok && say_initialized(u) == 0)
		return;
	u->renewing = false;
	while (u->events && (l = TAILQ_FIRST(&u->waiting))) {
		leg_refuse(l,
			   "the upstream ended the session, and it could not be opened again: "
			   "%s",
			   why);
		leg_drop(l);
	}
	if (u->events)
		u->events->on_lost(u, why, u->arg);
}

void upstream_cancelled(struct upstream *u, const json_t *id)
{
	struct leg *l, *next;

	for (l = TAILQ_FIRST(&u->legs); l != NULL; l = next) {
		next = TAILQ_NEXT(l, link);
		if (!l->id && l->method && jsonrpc_id_equal(json_object_get(l->msg, "id"), id))
			leg_drop(l);
	}
}

bool upstream_is_setting_up(const struct upstream *u)
{
	return u->renewing || u->settling;
}

void upstream_session_opened(struct upstream *u, const char *id)
{
	free(u->session);
	u->session = id && id[0] != '\0' ? strdup(id) : NULL;
}

void upstream_session_worked(struct upstream *u)
{
	u->fruitless = false;
	backoff_reset(&u->renewals);
}
