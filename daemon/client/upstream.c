#include "autoconf.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/bearer.h"
#include "client/upstream_impl.h"
#include "lib/jsonrpc.h"
#include "mcp/mcpheaders.h"

static void upstream_free_later(void *arg)
{
	struct upstream *u = arg;

	if (u->later != NULL)
		event_free(u->later);
	json_decref(u->initialize);
	free(u->user);
	bearer_unref(&u->bearer);
	free(u->url);
	free(u->session);
	free(u);
}

void upstream_gone(struct upstream *u)
{
	defer_call(&u->freeing, upstream_free_later, u);
}

/* ---- the session ---- */

/* Sends all of LIST. What is refused may put new ones into it, which is not ours to wait for. */
static void release(struct upstream *u, struct leg_list *list)
{
	struct leg_list now = TAILQ_HEAD_INITIALIZER(now);
	struct leg *l;

	while ((l = TAILQ_FIRST(list)) != NULL)
		leg_move(l, &now);
	while (u->events != NULL && (l = TAILQ_FIRST(&now)) != NULL) {
		leg_move(l, &u->legs);
		leg_go(l);
	}
	while ((l = TAILQ_FIRST(&now)) != NULL) /* closed meanwhile */
		leg_drop(l);
}

/* The streams of a session that is gone have nothing to tell. */
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
	if (l == NULL) {
		upstream_renewed(u, false, "out of memory");
		return;
	}
	l->renewing = true;
	l->part = PART_INITIALIZE;
	l->msg = json_incref(u->initialize);
	l->method = "initialize";
	l->id = json_incref(json_object_get(u->initialize, "id"));
	if (leg_start(l) == 0)
		return;
	leg_drop(l);
	upstream_renewed(u, false, "out of memory");
}

static void on_later(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	open_again(arg);
}

/* At once, unless the last session was of no use either: an upstream that knows no session, but opens
 * them, would be asked without pause. What is to be sent waits meanwhile. */
static void renew(struct upstream *u)
{
	int64_t ms = u->fruitless ? backoff_next(&u->renewals, 0) : 0;
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	u->renewing = true;
	u->epoch++;
	free(u->session);
	u->session = NULL;
	drop_streams(u);
	if (ms > 0 && u->later == NULL)
		u->later = evtimer_new(u->base, on_later, u);
	if (ms == 0)
		open_again(u);
	else if (u->later == NULL || event_add(u->later, &tv) < 0)
		upstream_renewed(u, false, "out of memory");
}

/* What may be done twice. tools/call may not: nobody knows what a tool does. */
static bool is_harmless(const struct leg *l)
{
	return l->method != NULL && strcmp(l->method, "tools/call") != 0;
}

void upstream_session_lost(struct leg *l)
{
	struct upstream *u = l->u;
	bool newer = l->epoch != u->epoch; /* another leg found out before */
	/* The session was refused before the message was looked at; but a stream that was to be
	 * resumed had begun in it. */
	bool again = l->id != NULL && !l->repeated && (l->last_id == NULL || is_harmless(l));

	if (again) {
		l->repeated = true;
		leg_rewind(l);
		free(l->last_id);
		l->last_id = NULL;
		leg_move(l, &u->waiting);
	} else {
		answer_refuse(l, l->last_id != NULL
					 ? "the upstream ended the session during the request"
					 : "the upstream ends each session at once");
		leg_drop(l);
	}
	if (u->events == NULL || u->renewing || u->settling)
		return;
	if (!newer)
		renew(u);
	else
		release(u, &u->waiting);
}

static void open_stream(struct upstream *u)
{
	struct leg *l = leg_new(u, LEG_GET);

	if (l != NULL && leg_start(l) < 0)
		leg_drop(l);
}

void upstream_settled(struct upstream *u)
{
	bool renewed = u->renewing;

	u->settling = u->renewing = false;
	/* The stream for what belongs to no request. */
	open_stream(u);
	release(u, &u->waiting);
	if (renewed && u->events != NULL)
		u->events->on_renewed(u, u->arg);
}

/* The attempt to open the session again is over: it is announced, or what waited for it learns that
 * it failed. */
void upstream_renewed(struct upstream *u, bool ok, const char *why)
{
	json_t *msg = ok ? jsonrpc_notification("notifications/initialized", NULL) : NULL;
	struct leg *l;

	ok = msg != NULL && upstream_send(u, msg, NULL) == 0;
	json_decref(msg);
	if (ok)
		return;
	u->renewing = false;
	while (u->events != NULL && (l = TAILQ_FIRST(&u->waiting)) != NULL) {
		answer_refuse(l,
			      "the upstream ended the session, and it could not be opened again: "
			      "%s",
			      why);
		leg_drop(l);
	}
	if (u->events != NULL)
		u->events->on_lost(u, why, u->arg);
}

/* ---- messages ---- */

static struct leg *find_asked(struct leg_list *list, const json_t *id)
{
	struct leg *l;

	TAILQ_FOREACH (l, list, link)
		if (l->id != NULL && jsonrpc_id_equal(l->id, id))
			return l;
	return NULL;
}

/* Ends the request that MSG names. True: that is all, and MSG is not to be sent.
 *
 * In the modern revision closing the answer is the cancellation, and the notification does not
 * exist. In a legacy one closing means nothing, and the notification is what counts; but since a
 * cancelled request has no answer, what it was sent with is closed behind it. */
static bool cancel(struct upstream *u, const json_t *msg)
{
	const json_t *id = json_object_get(json_object_get(msg, "params"), "requestId");
	struct leg *l = find_asked(&u->legs, id);

	if (l != NULL && !l->modern) {
		json_decref(l->id);
		l->id = NULL; /* nobody waits for it */
		return false;
	}
	if (l == NULL) /* not sent yet, or again */
		l = find_asked(&u->waiting, id);
	if (l == NULL)
		l = find_asked(&u->unsure, id);
	if (l != NULL)
		leg_drop(l);
	return true;
}

void upstream_cancelled(struct upstream *u, const json_t *id)
{
	struct leg *l, *next;

	for (l = TAILQ_FIRST(&u->legs); l != NULL; l = next) {
		next = TAILQ_NEXT(l, link);
		if (l->id == NULL && l->method != NULL &&
		    jsonrpc_id_equal(json_object_get(l->msg, "id"), id))
			leg_drop(l);
	}
}

static struct leg *new_message(struct upstream *u, json_t *msg)
{
	struct leg *l = leg_new(u, LEG_POST);

	if (l == NULL)
		return NULL;
	l->msg = json_incref(msg);
	l->method = json_string_value(json_object_get(msg, "method"));
	l->modern = mcpheaders_claim(msg) != NULL;
	if (l->method == NULL)
		return l;
	l->id = json_incref(json_object_get(msg, "id"));
	if (strcmp(l->method, "server/discover") == 0)
		l->part = PART_DISCOVER;
	else if (strcmp(l->method, "initialize") == 0 && !l->modern)
		l->part = PART_INITIALIZE;
	else if (strcmp(l->method, "notifications/initialized") == 0)
		l->part = PART_INITIALIZED;
	return l;
}

int upstream_send(struct upstream *u, json_t *msg, struct bearer *bearer)
{
	const char *method = json_string_value(json_object_get(msg, "method"));
	const json_t *params = json_object_get(msg, "params");
	bool cancels = method != NULL && strcmp(method, "notifications/cancelled") == 0;
	struct leg *l;
	int rc;

	if (cancels && cancel(u, msg))
		return 0;
	l = new_message(u, msg);
	if (l == NULL)
		return ERR_NOMEM;
	l->bearer = bearer_ref(bearer);
	if (cancels)
		l->cancels = json_incref(json_object_get(params, "requestId"));
	if (l->part == PART_INITIALIZE && u->initialize == NULL)
		u->initialize = json_incref(msg);
	if (l->part == PART_INITIALIZED) {
		u->settling = true;
	} else if (u->renewing || u->settling) {
		leg_move(l, &u->waiting);
		return 0;
	}
	rc = leg_start(l);
	if (rc < 0)
		leg_drop(l);
	return rc;
}

const json_t *upstream_hears(const struct upstream *u)
{
	return u->hears;
}

void upstream_pause(struct upstream *u)
{
	if (u->speaks != NULL && u->speaks->req != NULL)
		httpc_pause(u->speaks->req);
}

void upstream_resume(struct upstream *u)
{
	struct leg *l;

	TAILQ_FOREACH (l, &u->legs, link)
		if (l->req != NULL)
			httpc_resume(l->req);
}

void upstream_relearnt(struct upstream *u)
{
	release(u, &u->unsure);
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
	TAILQ_INIT(&u->unsure);
	u->base = base;
	u->httpc = httpc;
	u->spec = *spec;
	u->events = events;
	u->arg = arg;
	u->url = strdup(spec->url);
	u->user = spec->user != NULL ? strdup(spec->user) : NULL;
	if (u->url == NULL || (spec->user != NULL && u->user == NULL)) {
		free(u->url);
		free(u->user);
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
	if (u->events->bearer != NULL) /* for the goodbye */
		bearer_set(&u->bearer, u->events->bearer(u, u->arg));
	u->events = NULL;
	if (u->later != NULL)
		event_del(u->later);
	while ((l = TAILQ_FIRST(&u->legs)) != NULL || (l = TAILQ_FIRST(&u->waiting)) != NULL ||
	       (l = TAILQ_FIRST(&u->unsure)) != NULL)
		leg_drop(l);
	if (!say_goodbye(u))
		upstream_gone(u);
}
