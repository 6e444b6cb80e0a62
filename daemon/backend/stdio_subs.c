/* SPDX-License-Identifier: ISC */
/* stdio_subs.c: subscriptions to resources: one to the child for each URI, whatever the number of
 * links. */
#include "autoconf.h"

#include <stdlib.h>
#include <string.h>

#include "backend/stdio_holder.h"
#include "backend/stdio_impl.h"

struct subscriber {
	LIST_ENTRY(subscriber) entry;
	struct holder *h;
};

struct subscription {
	UT_hash_handle hh;
	LIST_HEAD(, subscriber) subscribers;
	struct instance *in;
	struct pace updates;
	json_t *params; /* of the latest notification; NULL: there was none */
	char uri[];
};

static struct subscription *find(const struct instance *in, const char *uri)
{
	struct subscription *sub;

	HASH_FIND(hh, in->subs, uri, strlen(uri), sub);
	return sub;
}

static struct subscriber *find_subscriber(const struct subscription *sub, const struct holder *h)
{
	struct subscriber *one;

	LIST_FOREACH (one, &sub->subscribers, entry)
		if (one->h == h)
			return one;
	return NULL;
}

static void free_if_unwanted(struct instance *in, struct subscription *sub)
{
	if (!LIST_EMPTY(&sub->subscribers))
		return;
	HASH_DEL(in->subs, sub);
	pace_stop(&sub->updates);
	json_decref(sub->params);
	free(sub);
}

bool subs_any(const struct instance *in)
{
	return in->subs;
}

bool subs_has(const struct instance *in, const char *uri, const struct holder *h)
{
	struct subscription *sub = find(in, uri);

	return sub && (!h || find_subscriber(sub, h));
}

/* The links may unsubscribe from inside. */
static void tell_links(void *arg, unsigned kinds)
{
	struct subscription *sub = arg;
	struct instance *in = sub->in;
	json_t *params = json_incref(sub->params);
	const char *uri = json_string_value(json_object_get(params, "uri"));
	size_t n = 0;
	struct link **links = instance_links(in, &n);

	(void)kinds;
	for (size_t i = 0; uri != NULL && i < n; i++)
		if (links[i]->impl && subs_has(in, uri, links[i]->impl))
			links[i]->events->notification(links[i], "notifications/resources/updated",
						       params, links[i]->arg);
	free(links);
	json_decref(params);
}

static struct subscription *get(struct instance *in, const char *uri)
{
	struct subscription *sub = find(in, uri);
	size_t len = strlen(uri);

	if (sub)
		return sub;
	sub = calloc(1, sizeof *sub + len + 1);
	if (!sub)
		return NULL;
	memcpy(sub->uri, uri, len + 1);
	sub->in = in;
	pace_init(&sub->updates, tell_links, sub);
	HASH_ADD_KEYPTR(hh, in->subs, sub->uri, len, sub);
	if (sub->hh.tbl)
		return sub;
	free(sub);
	return NULL;
}

int subs_add(struct instance *in, const char *uri, struct holder *h)
{
	struct subscription *sub = get(in, uri);
	struct subscriber *one;

	if (!sub)
		return ERR_NOMEM;
	if (find_subscriber(sub, h))
		return 0;
	one = calloc(1, sizeof *one);
	if (!one) {
		free_if_unwanted(in, sub);
		return ERR_NOMEM;
	}
	one->h = h;
	LIST_INSERT_HEAD(&sub->subscribers, one, entry);
	return 0;
}

static bool remove_from(struct instance *in, struct subscription *sub, const struct holder *h)
{
	struct subscriber *one = find_subscriber(sub, h);
	bool last;

	if (!one)
		return false;
	LIST_REMOVE(one, entry);
	free(one);
	last = LIST_EMPTY(&sub->subscribers);
	free_if_unwanted(in, sub);
	return last;
}

bool subs_remove(struct instance *in, const char *uri, const struct holder *h)
{
	struct subscription *sub = find(in, uri);

	return sub && remove_from(in, sub, h);
}

json_t *subs_of(const struct instance *in, const struct holder *h)
{
	const struct subscription *sub;
	json_t *uris = json_array();

	for (sub = in->subs; sub != NULL; sub = sub->hh.next)
		if (find_subscriber(sub, h))
			json_array_append_new(uris, json_string(sub->uri));
	return uris;
}

static void tell(struct instance *in, const char *method, const char *uri)
{
	if (instance_ready(in))
		mcpclient_request(in->client, method, json_pack("{s:s}", "uri", uri), NULL, NULL);
}

void subs_drop_holder(struct instance *in, const struct holder *h)
{
	struct subscription *sub, *next;
	char *uri;

	HASH_ITER (hh, in->subs, sub, next) {
		uri = find_subscriber(sub, h) ? strdup(sub->uri) : NULL;
		if (remove_from(in, sub, h) && uri)
			tell(in, "resources/unsubscribe", uri);
		free(uri);
	}
}

void subs_drop_all(struct instance *in)
{
	struct subscription *sub, *next;
	struct subscriber *one;

	HASH_ITER (hh, in->subs, sub, next) {
		while ((one = LIST_FIRST(&sub->subscribers))) {
			LIST_REMOVE(one, entry);
			free(one);
		}
		free_if_unwanted(in, sub);
	}
}

void subs_renew(struct instance *in)
{
	struct subscription *sub;

	for (sub = in->subs; sub != NULL; sub = sub->hh.next)
		tell(in, "resources/subscribe", sub->uri);
}

/* Once a second for each URI: a client that reads the resource then gets its latest state. */
void subs_updated(struct instance *in, json_t *params)
{
	const char *uri = json_string_value(json_object_get(params, "uri"));
	struct subscription *sub = uri ? find(in, uri) : NULL;

	if (!sub)
		return;
	json_decref(sub->params);
	sub->params = json_incref(params);
	pace_tell(&sub->updates, 1);
}
