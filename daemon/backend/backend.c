/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "backend/backend_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/defer.h"
#include "base/turns.h"
#include "config/config.h"
#include "credentials/credentials.h"
#include "lib/jsonrpc.h"
#include "lib/log.h"

static struct log_scope scope_of(const struct backend *b)
{
	return (struct log_scope){.backend = b->conf->name};
}

struct backend *backend_of_kind(const struct backend_ops *ops, const struct backend_env *env,
				const struct config_backend *conf, struct err *e)
{
	struct backend *b;

	b = calloc(1, sizeof *b);
	if (!b) {
		err_set(e, ERR_NOMEM, "out of memory");
		return NULL;
	}
	b->ops = ops;
	b->env = env;
	b->conf = conf;
	b->state = BACKEND_STOPPED;
	backend_confine(b);
	TAILQ_INIT(&b->links);
	if (b->ops->init(b, e) < 0) {
		free(b);
		return NULL;
	}
	return b;
}

void backend_free(struct backend **bp)
{
	struct backend *b = *bp;

	*bp = NULL;
	if (!b)
		return;
	b->n_watches = 0;
	b->ops->fini(b);
	offer_unref(&b->offer);
	free(b);
}

void backend_start(struct backend *b, const struct backend_confinement *confinement)
{
	b->confinement = *confinement;
	b->state = BACKEND_LEARNING;
	b->ops->start(b);
}

void backend_stop(struct backend *b)
{
	if (b->state == BACKEND_STOPPED)
		return;
	b->state = BACKEND_STOPPED;
	b->ops->stop(b);
}

void backend_restart(struct backend *b)
{
	b->state = BACKEND_LEARNING;
	b->ops->restart(b);
}

int backend_watch(struct backend *b, const struct backend_watch *watch)
{
	if (b->n_watches == BACKEND_WATCHES)
		return ERR_LIMIT;
	b->watches[b->n_watches++] = *watch;
	return 0;
}

void backend_unwatch(struct backend *b, void *arg)
{
	for (size_t i = 0; i < b->n_watches; i++) {
		if (b->watches[i].arg == arg) {
			b->watches[i] = b->watches[--b->n_watches];
			return;
		}
	}
}

static void tell(struct backend *b, unsigned kinds)
{
	for (size_t i = 0; i < b->n_watches; i++)
		b->watches[i].changed(b, kinds, b->watches[i].arg);
}

/* Which lists are different. What is not known yet reads like an empty list. */
static unsigned compare(const struct offer *old, const struct offer *new)
{
	unsigned kinds = 0;

	for (int kind = 0; kind < OFFER_KINDS; kind++) {
		if (old ? !json_equal(old->lists[kind], new->lists[kind])
			: json_array_size(new->lists[kind]) > 0)
			kinds |= 1u << kind;
	}
	return kinds;
}

void backend_learned(struct backend *b, struct offer *offer_take)
{
	struct offer *old = b->offer;
	struct log_scope scope = scope_of(b);
	unsigned kinds;

	turns_doing("new lists of", b->conf->name);
	kinds = compare(old, offer_take);
	if (b->state == BACKEND_STOPPED) {
		offer_unref(&offer_take);
		return;
	}
	b->offer = offer_take;
	if (b->state != BACKEND_READY || kinds)
		log_info(&scope,
			 "backend %s offers %zu tools, %zu prompts, %zu resources, %zu templates",
			 b->conf->name, json_array_size(b->offer->lists[OFFER_TOOLS]),
			 json_array_size(b->offer->lists[OFFER_PROMPTS]),
			 json_array_size(b->offer->lists[OFFER_RESOURCES]),
			 json_array_size(b->offer->lists[OFFER_TEMPLATES]));
	b->state = BACKEND_READY;
	b->why = (struct err){0};
	tell(b, kinds);
	offer_unref(&old);
}

void backend_failed(struct backend *b, const struct err *why)
{
	struct log_scope scope = scope_of(b);

	if (b->state == BACKEND_STOPPED)
		return;
	if (strcmp(b->why.text, why->text) != 0)
		log_warn(&scope, "backend %s failed: %s", b->conf->name, why->text);
	b->state = BACKEND_FAILED;
	b->why = *why;
	tell(b, 0);
}

const char *backend_name(const struct backend *b)
{
	return b->conf->name;
}

bool backend_per_token(const struct backend *b)
{
	return credentials_per_token(b->conf);
}

enum backend_state backend_state(const struct backend *b)
{
	return b->state;
}

const char *backend_why(const struct backend *b)
{
	if (b->state == BACKEND_LEARNING && !b->offer && !b->why.text[0])
		return "it has not answered yet";
	return b->why.text;
}

const struct offer *backend_offer(const struct backend *b)
{
	return b->offer;
}

static json_int_t list_size(const struct backend *b, enum offer_kind kind)
{
	return b->offer ? (json_int_t)json_array_size(b->offer->lists[kind]) : 0;
}

json_t *backend_describe(const struct backend *b)
{
	static const char *const states[] = {
		[BACKEND_LEARNING] = "learning",
		[BACKEND_READY] = "ready",
		[BACKEND_FAILED] = "failed",
		[BACKEND_STOPPED] = "stopped",
	};
	const struct link *l;
	json_int_t links = 0;
	json_t *row;

	TAILQ_FOREACH (l, &b->links, entry) {
		links++;
	}
	row = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "name",
			b->conf->name, "kind", b->ops->kind, "state", states[b->state], "revision",
			b->offer ? mcp_rev_name(b->offer->rev) : "", "links", links, "calls",
			(json_int_t)b->calls, "tools", list_size(b, OFFER_TOOLS), "prompts",
			list_size(b, OFFER_PROMPTS), "resources", list_size(b, OFFER_RESOURCES),
			"templates", list_size(b, OFFER_TEMPLATES), "reason", backend_why(b));
	if (row && b->ops->describe)
		b->ops->describe(b, row);
	return row;
}

/* Where B's programs and links come from; URLs without what may be secret. */
static void show_source(const struct backend *b, json_t *record)
{
	const struct config_backend *c = b->conf;
	bool links = c->kind == CONFIG_STDIO || c->kind == CONFIG_HTTP;

	json_object_set_new(record, "program",
			    json_string(c->kind == CONFIG_STDIO ? c->argv[0] : ""));
	json_object_set_new(record, "url",
			    c->url ? json_sprintf("%.*s", (int)strcspn(c->url, "?#"), c->url)
				   : json_string(""));
	json_object_set_new(record, "scope", json_string(links ? config_scope_name(c->scope) : ""));
	json_object_set_new(record, "era", json_string(links ? config_era_name(c->era) : ""));
}

json_t *backend_show(const struct backend *b)
{
	json_t *record = backend_describe(b);

	if (record) {
		show_source(b, record);
		backend_confine_show(b, record);
	}
	return record;
}

struct link *link_new(struct backend *b, const struct caller *caller,
		      const struct link_events *events, void *arg)
{
	struct link *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->backend = b;
	l->caller = caller;
	l->events = events;
	l->arg = arg;
	TAILQ_INSERT_TAIL(&b->links, l, entry);
	return l;
}

static void link_free(void *arg)
{
	struct link *l = arg;

	offer_unref(&l->own);
	free(l);
}

/* L may be closed from inside one of its own calls, so its memory goes in a later turn. */
void link_close(struct link **lp)
{
	struct link *l = *lp;

	*lp = NULL;
	if (!l)
		return;
	l->backend->ops->link_close(l);
	TAILQ_REMOVE(&l->backend->links, l, entry);
	defer_call(&l->freeing, link_free, l);
}

void backend_end_stopped(const struct backend *b, struct call *c)
{
	call_error(c, RPC_INTERNAL_ERROR, NULL, "backend %s is stopped", b->conf->name);
}

void link_call(struct link *l, struct call *c)
{
	struct backend *b = l->backend;

	if (b->state == BACKEND_STOPPED) {
		backend_end_stopped(b, c);
		return;
	}
	b->calls++;
	if (b->conf->call_timeout_ms > 0)
		call_set_deadline(c, b->conf->call_timeout_ms);
	b->ops->link_call(l, c);
}

void link_notify(struct link *l, const char *method, json_t *params)
{
	if (l->backend->ops->link_notify)
		l->backend->ops->link_notify(l, method, params);
}

const struct offer *link_offer(const struct link *l)
{
	return l->own ? l->own : l->backend->offer;
}

int link_pid(const struct link *l)
{
	return l->backend->ops->link_pid ? l->backend->ops->link_pid(l) : 0;
}

void link_processes(const struct link *l, json_t *rows)
{
	if (l->backend->ops->link_processes)
		l->backend->ops->link_processes(l, rows);
}
