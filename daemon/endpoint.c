/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "auth/auth.h"
#include "auth/users.h"
#include "backend/view.h"
#include "base/share.h"
#include "base/stopping.h"
#include "base/turns.h"
#include "body.h"
#include "config/config.h"
#include "http/exchange.h"
#include "http/gate.h"
#include "http/guard.h"
#include "http/reply.h"
#include "legacy/legacy.h"
#include "legacy/sessions.h"
#include "lib/jsonrpc.h"
#include "mcp/era.h"
#include "mcp/post.h"
#include "modern/modern.h"
#include "scopes.h"
#include "store/store.h"

struct place {
	char *path;
	const char *name; /* the part of the path after the first place's; "" for that itself */
	struct view *view;
	const struct endpoint *endpoint;
};

struct endpoint {
	struct endpoint_deps deps;
	struct legacy legacy;
	struct modern *modern;
	struct share *serving; /* requests that are being served */
	struct place *places;  /* the first one serves all backends */
	size_t n;
};

/* Adds the place PATH/NAME; with NAME "" that of PATH itself. A PATH of "/" becomes "/NAME". */
static int add_place(struct endpoint *ep, const char *path, const char *name, struct view *view)
{
	size_t size = strlen(path) + strlen(name) + 2;
	char *full = malloc(size);

	if (!full)
		return -1;
	strcpy(full, path);
	if (*name) {
		if (full[0] == '\0' || full[strlen(full) - 1] != '/')
			strcat(full, "/");
		strcat(full, name);
	}
	ep->places[ep->n++] = (struct place){.path = full,
					     .name = full + strlen(full) - strlen(name),
					     .view = view,
					     .endpoint = ep};
	return 0;
}

static int add_places(struct endpoint *ep)
{
	const struct endpoint_deps *d = &ep->deps;

	ep->places = calloc(d->n_singles + 1, sizeof *ep->places);
	if (!ep->places || add_place(ep, d->conf->path, "", d->all) < 0)
		return -1;
	for (size_t i = 0; i < d->n_singles; i++) {
		if (add_place(ep, d->conf->path, backend_name(view_backend(d->singles[i], 0)),
			      d->singles[i]) < 0)
			return -1;
	}
	return 0;
}

struct endpoint *endpoint_new(const struct endpoint_deps *deps, struct err *e)
{
	const struct config_limits *limits = &deps->conf->limits;
	struct endpoint *ep = calloc(1, sizeof *ep);

	err_set(e, ERR_NOMEM, "out of memory");
	if (!ep)
		return NULL;
	ep->deps = *deps;
	ep->legacy.sessions = deps->sessions;
	ep->legacy.limits = limits;
	ep->legacy.stopping = deps->stopping;
	ep->serving = share_new("requests at a time", "limits.maxRequests", deps->max_requests,
				limits->share);
	if (ep->serving && add_places(ep) == 0)
		ep->modern = modern_new(&(const struct modern_deps){.base = deps->base,
								    .conf = deps->conf,
								    .users = deps->users,
								    .stopping = deps->stopping},
					e);
	if (!ep->modern)
		endpoint_free(&ep);
	return ep;
}

void endpoint_free(struct endpoint **epp)
{
	struct endpoint *ep = *epp;

	*epp = NULL;
	if (!ep)
		return;
	modern_free(&ep->modern);
	share_free(&ep->serving);
	for (size_t i = 0; i < ep->n; i++)
		free(ep->places[i].path);
	free(ep->places);
	free(ep);
}

void endpoint_drain(struct endpoint *ep)
{
	modern_close(ep->modern);
}

json_t *endpoint_describe(const struct endpoint *ep)
{
	return modern_describe(ep->modern);
}

/* The place of PATH; a slash at its end does not matter. */
static const struct place *find_place(const struct endpoint *ep, const char *path)
{
	size_t len = strlen(path);

	if (len > 1 && path[len - 1] == '/')
		len--;
	for (size_t i = 0; i < ep->n; i++) {
		if (strlen(ep->places[i].path) == len &&
		    strncmp(ep->places[i].path, path, len) == 0)
			return &ep->places[i];
	}
	return NULL;
}

/* GET /health. Trouble of the store does not change the status, because requests are served all the
 * same; its reason is for mcpctl alone, since everybody may read this page. */
static void health(struct endpoint *ep, struct exchange *x)
{
	bool stopping = stopping_has_begun(ep->deps.stopping);
	struct registry_counts c;
	json_t *msg;

	sessions_counts(ep->deps.sessions, &c);
	msg = json_pack("{s:s, s:s, s:s, s:b, s:I, s:I}", "status", stopping ? "stopping" : "ok",
			"name", "mcpd", "version", PACKAGE_VERSION, "authEnabled",
			ep->deps.auth != NULL, "activeSessions", (json_int_t)c.sessions,
			"activeUsers", (json_int_t)c.users);
	if (ep->deps.store && store_trouble(ep->deps.store))
		json_object_set_new(msg, "store", json_string("trouble"));
	exchange_set_header(x, "Cache-Control", "no-store");
	exchange_reply_json(x, stopping ? 503 : 200, msg);
	json_decref(msg);
}

/* Header NAME of X in BUF, cut at SIZE - 1 bytes (no value that matters is longer); NULL: X has
 * none. */
static const char *copy_header(struct exchange *x, const char *name, char *buf, size_t size)
{
	const char *value = exchange_header(x, name);

	if (!value)
		return NULL;
	snprintf(buf, size, "%s", value);
	return buf;
}

/* The body decides to which era a POST belongs; the headers only have to agree. */
static void take_post(struct endpoint *ep, const struct legacy_request *rq, const struct post *post)
{
	struct era_verdict v;
	char version[32], method[128];

	era_classify(post, copy_header(rq->x, "MCP-Protocol-Version", version, sizeof version),
		     copy_header(rq->x, "Mcp-Method", method, sizeof method), &v);
	switch (v.era) {
	case ERA_LEGACY:
		legacy_post(&ep->legacy, rq, post);
		return;
	case ERA_MODERN_REQUEST:
		modern_request(ep->modern, rq->x, rq->view, &post->messages[0]);
		return;
	case ERA_MODERN_NOTIFICATION:
		modern_notification(ep->modern, rq->x);
		return;
	case ERA_REFUSED:
		reply_error(rq->x, 400, post_reply_id(post), v.code, "%s", v.text);
		return;
	}
}

/* A request to PLACE from ID (NULL: requests have no user). */
struct visit {
	struct legacy_request rq;
	const struct place *place;
	const struct auth_identity *id;
};

/* Whether the user has the scopes for POST (NULL: another method). False: the request was answered.
 */
static bool admit(struct endpoint *ep, const struct visit *v, const struct post *post)
{
	struct auth_needs needs;

	if (!v->id)
		return true;
	auth_needs_begin(ep->deps.auth, v->id, &needs);
	scopes_of_tools(ep->deps.conf->auth.tool_scopes, v->place->view, post, &needs);
	return auth_admit(ep->deps.auth, v->rq.x, v->place->name, &needs);
}

/* Whether the user's limits allow the requests of POST now; false: X was answered. */
static bool within_limits(struct endpoint *ep, struct exchange *x, const struct post *post)
{
	unsigned retry = 1;
	char seconds[16];
	struct err e;
	int rc = ep->deps.users
			 ? users_admit(ep->deps.users, exchange_user(x), post->requests, &retry, &e)
			 : 0;

	if (rc == 0)
		return true;
	snprintf(seconds, sizeof seconds, "%u", retry);
	exchange_set_header(x, "Retry-After", seconds);
	reply_error(x, 429, post_reply_id(post), RPC_TRANSPORT, "%s", e.text);
	return false;
}

/* Takes a place of limits.maxRequests for X, which may be served for long, if there are one and the
 * memory; false: X was answered. DELETE, notifications and responses are served at once and need
 * neither. */
static bool find_place_for(struct endpoint *ep, struct exchange *x, json_t *id)
{
	struct err e;

	if (!reply_memory(x, id))
		return false;
	if (exchange_take_place(x, ep->serving, &e) == 0)
		return true;
	reply_limit(x, e.code == ERR_LIMIT && !share_full(ep->serving) ? 429 : 503, id, &e);
	return false;
}

static void serve_post(struct endpoint *ep, const struct visit *v, const struct post *post)
{
	struct exchange *x = v->rq.x;

	if (admit(ep, v, post) && within_limits(ep, x, post) &&
	    (post->requests == 0 || find_place_for(ep, x, post_reply_id(post))))
		take_post(ep, &v->rq, post);
}

static void post(struct endpoint *ep, const struct visit *v)
{
	struct post post;

	if (body_read(v->rq.x, &ep->deps.conf->limits, &post))
		serve_post(ep, v, &post);
	post_clear(&post);
}

static void route(struct endpoint *ep, const struct visit *v)
{
	switch (exchange_method(v->rq.x)) {
	case EXCHANGE_POST:
		post(ep, v);
		return;
	case EXCHANGE_GET:
		if (admit(ep, v, NULL) && find_place_for(ep, v->rq.x, NULL))
			legacy_get(&ep->legacy, &v->rq);
		return;
	case EXCHANGE_DELETE:
		if (admit(ep, v, NULL))
			legacy_delete(&ep->legacy, &v->rq);
		return;
	case EXCHANGE_OPTIONS:
	case EXCHANGE_HEAD:
	case EXCHANGE_OTHER:
		break;
	}
	reply_error(v->rq.x, 405, NULL, RPC_TRANSPORT, "Method not allowed.");
}

static void visit(struct endpoint *ep, struct exchange *x, const struct place *place,
		  const struct auth_identity *id)
{
	struct visit v = {
		.rq = {.x = x, .view = place->view, .path = place->path}, .place = place, .id = id};

	route(ep, &v);
}

/* X, a request to the place ARG, is to be answered with a challenge. */
static void challenge(struct exchange *x, const char *error, const char *why, const char *scope,
		      void *arg)
{
	const struct place *place = arg;

	if (scope)
		auth_step_up(place->endpoint->deps.auth, x, place->name, why, scope);
	else
		auth_challenge(place->endpoint->deps.auth, x, place->name, error, why, NULL);
}

/* The place that X asks for, which knows how X is challenged. */
static const struct place *find_challenger(const struct endpoint *ep, struct exchange *x)
{
	const struct place *place = find_place(ep, exchange_path(x));

	exchange_on_challenge(x, challenge, (void *)(uintptr_t)place);
	return place;
}

/* auth_check() has found the sender of X: ID. */
static void on_identity(struct exchange *x, const struct auth_identity *id, void *arg)
{
	struct endpoint *ep = arg;
	const struct user_token token = {.access = id->token,
					 .expires = id->expires,
					 .issuer = id->issuer,
					 .scope = id->scope,
					 .audience = id->audience,
					 .rights = id->rights};

	exchange_set_bearer(x, id->bearer);
	if (exchange_set_user(x, id->user) < 0 ||
	    (ep->deps.users && users_seen(ep->deps.users, id->user, &token) < 0))
		reply_error(x, 503, NULL, RPC_INTERNAL_ERROR, "out of memory");
	else
		visit(ep, x, find_challenger(ep, x), id);
}

/* POST /logout, with the user's own token. */
static void log_out(struct exchange *x, const struct auth_identity *id, void *arg)
{
	struct endpoint *ep = arg;
	int closed = users_logout(ep->deps.users, id->user);
	json_t *msg =
		json_pack("{s:b, s:i}", "loggedOut", 1, "sessionsClosed", closed > 0 ? closed : 0);

	exchange_set_header(x, "Cache-Control", "no-store");
	exchange_reply_json(x, 200, msg);
	json_decref(msg);
}

static void serve_logout(struct endpoint *ep, struct exchange *x)
{
	switch (exchange_method(x)) {
	case EXCHANGE_POST:
		auth_check(ep->deps.auth, x, "", log_out, ep);
		return;
	case EXCHANGE_OPTIONS:
		guard_preflight(x);
		return;
	case EXCHANGE_GET:
	case EXCHANGE_HEAD:
	case EXCHANGE_DELETE:
	case EXCHANGE_OTHER:
		break;
	}
	exchange_set_header(x, "Allow", "POST, OPTIONS");
	exchange_reply(x, 405, NULL, NULL, 0);
}

static bool is_place(const char *name, void *arg)
{
	const struct endpoint *ep = arg;

	for (size_t i = 1; i < ep->n; i++) {
		if (strcmp(ep->places[i].name, name) == 0)
			return true;
	}
	return false;
}

/* Browsers send a preflight (OPTIONS) without a token, so it comes before auth_check(). */
static void serve_place(struct endpoint *ep, struct exchange *x, const struct place *place)
{
	if (exchange_method(x) == EXCHANGE_OPTIONS)
		guard_preflight(x);
	else if (ep->deps.auth)
		auth_check(ep->deps.auth, x, place->name, on_identity, ep);
	else
		visit(ep, x, place, NULL);
}

/* The metadata of auth are public and for pages of any origin, so they come before guard_check().
 */
void endpoint_handle(struct exchange *x, void *arg)
{
	struct endpoint *ep = arg;
	const char *path = exchange_path(x);
	const struct place *place;
	struct err e;

	turns_doing("HTTP request for", path);
	if (ep->deps.auth && auth_metadata(ep->deps.auth, x, is_place, ep))
		return;
	if (guard_check(ep->deps.conf, x, &e) < 0) {
		reply_error(x, 403, NULL, RPC_TRANSPORT, "%s", e.text);
		return;
	}
	place = find_place(ep, path);
	if (place) {
		serve_place(ep, x, place);
	} else if (strcmp(path, "/health") == 0 && exchange_method(x) == EXCHANGE_GET) {
		health(ep, x);
	} else if (strcmp(path, "/logout") == 0 && ep->deps.auth && ep->deps.users) {
		serve_logout(ep, x);
	} else {
		static const char text[] =
			"There is nothing here. MCP is served under another path.\n";

		exchange_reply(x, 404, "text/plain; charset=utf-8", text, sizeof text - 1);
	}
}

/* ---- by the head alone ---- */

static void on_early(int code, const char *why, void *arg)
{
	gate_decide(arg, code, why);
}

/* Whether the path of TARGET is that of a place (*NAME_R is the place's name), or may be one in an
 * unusual form ("" then). No other path has a use for a body. */
static bool may_be_place(const struct endpoint *ep, const char *target, const char **name_r)
{
	char path[1024];
	size_t len = strcspn(target, "?#");
	const struct place *place;

	*name_r = "";
	if (target[0] != '/' || target[1] == '/' || memchr(target, '%', len))
		return true;
	if (len >= sizeof path)
		return false;
	memcpy(path, target, len);
	path[len] = '\0';
	place = find_place(ep, path);
	if (place)
		*name_r = place->name;
	return place || (ep->deps.auth && strcmp(path, "/logout") == 0);
}

/* S as a terminated string, malloc'd; NULL where S is empty, or on lack of memory. */
static char *copy_of(struct span s)
{
	return s.at ? strndup(s.at, s.len) : NULL;
}

static enum gate_answer ask_auth(struct endpoint *ep, const struct framing_head *h,
				 const char *target, const char *name, struct gate *g,
				 void **ticket_r)
{
	static const enum gate_answer answers[] = {
		[AUTH_EARLY_PASS] = GATE_PASS,
		[AUTH_EARLY_REFUSED] = GATE_CUT,
		[AUTH_EARLY_WAIT] = GATE_WAIT,
	};
	const char *query = strchr(target, '?');
	char *value = copy_of(h->authorization);
	const struct auth_head head = {.authorization = value,
				       .query = query ? query + 1 : NULL,
				       .holder = gate_holder(g),
				       .n = value ? h->n_authorization : 0};
	struct auth_ask *ask = NULL;
	enum gate_answer answer =
		answers[auth_precheck(ep->deps.auth, &head, name, on_early, g, &ask)];

	*ticket_r = ask;
	free(value);
	return answer;
}

/* Whether guard_check() will refuse Host or Origin of H, whatever the body is. Without memory for
 * the answer: false, and the request is refused once its body is there. */
static bool is_foreign(const struct endpoint *ep, const struct framing_head *h)
{
	char *host = copy_of(h->host), *origin = copy_of(h->origin);
	const struct guard_head head = {
		.host = host, .origin = origin, .n_host = h->n_host, .n_origin = h->n_origin};
	bool copied = (host || h->n_host == 0) && (origin || h->n_origin == 0);
	struct err e;
	bool foreign = copied && guard_judge(ep->deps.conf, &head, &e) < 0;

	free(host);
	free(origin);
	return foreign;
}

/* Whether the gate passes the body of a request with the head H. Only answers to POST depend on
 * one. */
static enum gate_answer ask(void *arg, const struct framing_head *h, struct gate *g,
			    void **ticket_r)
{
	struct endpoint *ep = arg;
	enum gate_answer answer = GATE_CUT;
	char *target = strndup(h->target.at, h->target.len);
	const char *name;

	if (target && h->method.len == 4 && memcmp(h->method.at, "POST", 4) == 0 &&
	    may_be_place(ep, target, &name) && !is_foreign(ep, h))
		answer = ep->deps.auth ? ask_auth(ep, h, target, name, g, ticket_r) : GATE_PASS;
	free(target);
	return answer;
}

static void forget_ask(void *arg, void *ticket)
{
	(void)arg;
	auth_precheck_cancel(ticket);
}

static bool is_origin_ok(void *arg, const char *origin)
{
	const struct endpoint *ep = arg;

	return guard_origin_ok(ep->deps.conf, origin);
}

void endpoint_hooks(struct endpoint *ep, struct gate_hooks *hooks_r)
{
	*hooks_r = (struct gate_hooks){
		.ask = ask, .forget = forget_ask, .origin_ok = is_origin_ok, .arg = ep};
}
