/* SPDX-License-Identifier: ISC */
/* stdio_holder.c: chooses the instance of a link.
 *
 * Where requests are authorised by the token of the client's request (backend_per_token()), links
 * of a user share an instance only for tokens with equal rights, because an upstream may keep in
 * its session what a token gave access to. A client whose next token has other rights gets another
 * instance. */
#include "autoconf.h"

#include <stdlib.h>
#include <string.h>

#include "backend/stdio_holder.h"
#include "backend/stdio_impl.h"
#include "base/bearer.h"
#include "lib/jsonrpc.h"

/* Which instance of scope "user" is the one for C: malloc'd, NULL on lack of memory. */
static char *key_for(const struct backend *b, const struct call *c)
{
	const char *user = call_caller(c)->user;
	const struct bearer *token = backend_per_token(b) ? call_bearer(c) : NULL;
	char *key;

	/* The name of a user is never empty, so "" stands for clients without a user. What a token
	 * allows is a digest, and ends where the name begins. */
	return asprintf(&key, "%s %s", token != NULL ? bearer_rights(token) : "",
			user != NULL ? user : "") < 0
		       ? NULL
		       : key;
}

static struct instance *user_instance(struct stdio *s, char *key_take)
{
	struct instance *in;

	HASH_FIND(hh, s->by_key, key_take, strlen(key_take), in);
	if (in) {
		free(key_take);
		return in;
	}
	in = instance_new(s, INSTANCE_USER);
	if (!in) {
		free(key_take);
		return NULL;
	}
	in->key = key_take;
	HASH_ADD_KEYPTR(hh, s->by_key, in->key, strlen(in->key), in);
	if (in->hh.tbl)
		return in;
	instance_free(in, "out of memory");
	return NULL;
}

static struct instance *shared_instance(struct stdio *s)
{
	if (!s->learner)
		s->learner = instance_new(s, INSTANCE_SHARED);
	return s->learner;
}

static struct instance *find_instance(struct stdio *s, const struct call *c)
{
	char *key;

	switch (s->b->conf->scope) {
	case CONFIG_SCOPE_SESSION:
		return instance_new(s, INSTANCE_SESSION);
	case CONFIG_SCOPE_USER:
		key = key_for(s->b, c);
		return key ? user_instance(s, key) : NULL;
	case CONFIG_SCOPE_SHARED:
		return shared_instance(s);
	}
	return NULL;
}

static struct holder *holder_new(struct link *l)
{
	struct holder *h = calloc(1, sizeof *h);
	struct holder *older = l->impl;

	if (!h)
		return NULL;
	h->link = l;
	h->log_level = older ? older->log_level : -1;
	h->older = older;
	l->impl = h;
	return h;
}

struct holder *holder_of(struct link *l)
{
	return l->impl ? l->impl : holder_new(l);
}

/* Lets go of the instance; the last one ends it. H is freed. */
static void leave(struct holder *h)
{
	struct instance *in = h->in;

	if (in) {
		if (in->role == INSTANCE_SESSION) /* what the end of it is authorised by */
			bearer_set(&in->bearer, h->link->caller->bearer);
		TAILQ_REMOVE(&in->holders, h, entry);
		if (in->role != INSTANCE_SHARED && TAILQ_EMPTY(&in->holders)) {
			instance_free(in, "the session was closed");
		} else {
			subs_drop_holder(in, h);
			instance_level_changed(in);
			instance_rest(in);
		}
	}
	free(h);
}

/* Of what L held before, nothing stays that has no call in flight. */
static void leave_older(struct link *l)
{
	struct holder *h = l->impl, *one;

	while (h && (one = h->older)) {
		if (one->calls > 0) {
			h = one;
			continue;
		}
		h->older = one->older;
		leave(one);
	}
}

static int join(struct holder *h, const struct call *c)
{
	struct instance *in = find_instance(h->link->backend->impl, c);

	if (!in)
		return ERR_NOMEM;
	h->in = in;
	TAILQ_INSERT_TAIL(&in->holders, h, entry);
	learn_join(in, h->link);
	return 0;
}

/* H's instance is for tokens that allow something else than that of C. */
static bool is_wrong(const struct holder *h, const struct call *c)
{
	char *key;
	bool wrong;

	if (h->in->role != INSTANCE_USER || !backend_per_token(h->link->backend))
		return false;
	key = key_for(h->link->backend, c);
	wrong = !key || strcmp(key, h->in->key) != 0;
	free(key);
	return wrong;
}

/* H, whose instance has just been joined, goes on hearing of what the link has subscribed to. */
static void subscribe_again(struct holder *h, json_t *uris)
{
	const json_t *uri;
	size_t i;

	json_array_foreach (uris, i, uri) {
		const char *text = json_string_value(uri);
		bool known = subs_has(h->in, text, NULL);

		/* A child that is not ready yet is told of all when it is. */
		if (subs_add(h->in, text, h) == 0 && !known && instance_ready(h->in))
			mcpclient_request(h->in->client, "resources/subscribe",
					  json_pack("{s:s}", "uri", text), NULL, NULL);
	}
}

/* Another instance takes the place of H's, whose calls in flight end there. NULL on lack of memory.
 */
static struct holder *move(struct holder *h, const struct call *c)
{
	struct link *l = h->link;
	json_t *uris = subs_of(h->in, h);
	struct holder *fresh = holder_new(l);

	if (fresh && join(fresh, c) < 0) {
		l->impl = fresh->older;
		free(fresh);
		fresh = NULL;
	}
	if (fresh) {
		bearer_set(&fresh->in->bearer, call_bearer(c));
		subs_drop_holder(h->in, h);
		subscribe_again(fresh, uris);
		leave_older(l);
	}
	json_decref(uris);
	return fresh;
}

struct holder *holder_for(struct link *l, struct call *c)
{
	struct holder *h = holder_of(l);
	struct err e = {.text = "out of memory"};

	if (h && h->in && is_wrong(h, c))
		h = move(h, c);
	else if (h && !h->in && join(h, c) < 0)
		h = NULL;
	if (h) {
		bearer_set(&h->in->bearer, call_bearer(c));
		if (instance_start(h->in, call_caller(c), &e) == 0)
			return h;
	}
	call_error(c, RPC_INTERNAL_ERROR, NULL, "backend %s: %s", backend_name(l->backend), e.text);
	return NULL;
}

void holder_begun(struct holder *h)
{
	h->calls++;
	delayq_remove(h->in->s->idle, &h->in->idle);
}

void holder_ended(struct holder *h)
{
	struct link *l = h->link;

	h->calls--;
	instance_rest(h->in);
	if (l->impl != h && l->impl)
		leave_older(l);
}

void holder_close(struct link *l)
{
	struct holder *h = l->impl, *older;

	l->impl = NULL; /* nothing is reported to it any more */
	for (; h != NULL; h = older) {
		older = h->older;
		leave(h);
	}
}
