/* SPDX-License-Identifier: ISC */
/* stdio_learn.c: learns the offer of a server at the start and after changes, and reports changes.
 */
#include "autoconf.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "backend/stdio_impl.h"
#include "base/container.h"
#include "lib/log.h"

#define STABLE_MS 60000 /* who lived this long does not crash in a loop */
#define DOUBT_MS  10000 /* between two probes that failing sessions cause */

static void start_listing(struct instance *in);

static bool learns(const struct instance *in)
{
	return in->role == INSTANCE_PROBE || in->role == INSTANCE_SHARED;
}

static void retry_in(struct stdio *s, int64_t ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	if (evtimer_add(&s->retry, &tv) < 0)
		log_error(NULL, "out of memory: backend %s will not be tried again",
			  s->b->conf->name);
}

static void learn_failed(struct stdio *s, const struct err *e)
{
	retry_in(s, backoff_restart(&s->learn_backoff));
	backend_failed(s->b, e);
}

void learn_start(struct stdio *s)
{
	struct instance *in = s->learner;
	unsigned failures = s->learn_backoff.waits;
	struct err e;

	event_del(&s->retry);
	s->learn_last = clock_ms();
	if (!in)
		in = instance_new(s, s->b->conf->scope == CONFIG_SCOPE_SHARED ? INSTANCE_SHARED
									      : INSTANCE_PROBE);
	s->learner = in;
	if (!in) {
		err_set(&e, ERR_NOMEM, "out of memory");
		learn_failed(s, &e);
		return;
	}
	in->not_before = 0; /* the delay between attempts is ours */
	if (instance_start(in, NULL, &e) == 0)
		return;
	if (in->role == INSTANCE_PROBE)
		instance_free(in, e.text);
	/* Where the child got as far as to fail by itself, that was told already. */
	if (s->learn_backoff.waits == failures)
		learn_failed(s, &e);
}

void learn_on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	learn_start(arg);
}

void learn_stop(struct stdio *s)
{
	event_del(&s->retry);
	backoff_reset(&s->learn_backoff);
	if (s->learner && s->learner->role == INSTANCE_PROBE)
		instance_free(s->learner, "the backend was stopped");
}

void learn_doubt(struct stdio *s)
{
	int64_t since = clock_ms() - s->learn_last;

	if ((!s->learner || s->learner->role == INSTANCE_SHARED) &&
	    !event_pending(&s->retry, EV_TIMEOUT, NULL))
		retry_in(s, since < DOUBT_MS ? DOUBT_MS - since : 0);
}

void learn_on_lost(struct instance *in, const struct err *e, bool was_ready)
{
	struct stdio *s = in->s;
	bool lingered = in->role == INSTANCE_PROBE && in->offer;

	if (!learns(in)) {
		if (!was_ready)
			learn_doubt(s);
		return;
	}
	if (was_ready && clock_ms() - in->started >= STABLE_MS)
		backoff_reset(&s->learn_backoff);
	if (in->role == INSTANCE_PROBE)
		instance_free(in, e->text);
	if (!lingered)
		learn_failed(s, e);
}

void learn_on_linger(struct delayq_node *node, void *arg)
{
	struct instance *in = container_of(node, struct instance, idle);

	(void)arg;
	instance_free(in, "the probe is over");
}

static bool same_lists(const struct offer *a, const struct offer *b)
{
	for (int k = 0; b != NULL && k < OFFER_KINDS; k++)
		if (!json_equal(a->lists[k], b->lists[k]))
			return false;
	return b;
}

static unsigned differences(const struct offer *a, const struct offer *b)
{
	unsigned kinds = 0;

	for (unsigned k = 0; k < OFFER_KINDS; k++)
		if (!a || !b || !json_equal(a->lists[k], b->lists[k]))
			kinds |= 1u << k;
	return kinds;
}

/* L is offered O (NULL: what the backend offers) from now on. */
static void set_own(struct link *l, struct offer *o)
{
	struct offer *old = l->own;
	unsigned kinds = differences(link_offer(l), o != NULL ? o : backend_offer(l->backend));

	l->own = o ? offer_ref(o) : NULL;
	if (kinds != 0)
		l->events->changed(l, kinds, l->arg);
	offer_unref(&old);
}

static struct offer *own_offer(const struct instance *in)
{
	if (!in->offer || same_lists(in->offer, backend_offer(in->s->b)))
		return NULL;
	return in->offer;
}

void learn_join(const struct instance *in, struct link *l)
{
	if (!learns(in) && own_offer(in))
		set_own(l, own_offer(in));
}

static void tell_holders(struct instance *in)
{
	size_t n;
	struct link **links = instance_links(in, &n);

	for (size_t i = 0; i < n; i++)
		if (links[i]->impl)
			set_own(links[i], own_offer(in));
	free(links);
}

static void take_offer(struct instance *in, struct offer *o_take)
{
	offer_unref(&in->offer);
	in->offer = o_take;
	if (!learns(in)) {
		tell_holders(in);
		return;
	}
	if (in->role == INSTANCE_PROBE)
		backoff_reset(&in->s->learn_backoff);
	backend_learned(in->s->b, offer_ref(o_take));
}

static void on_listed(struct offer *o_take, const char *why, void *arg)
{
	const struct log_scope scope = {.backend = ((struct instance *)arg)->s->b->conf->name};
	struct instance *in = arg;

	if (o_take)
		take_offer(in, o_take);
	else if (learns(in))
		instance_fail(in, why);
	else
		log_warn(&scope, "the lists of a session's child could not be learnt: %s", why);
	if (!instance_ready(in))
		return;
	if (in->up && in->relist == 0)
		upstream_relearnt(in->up);
	if (in->relist != 0)
		start_listing(in);
	else if (in->role == INSTANCE_PROBE) /* servers add to their lists right after the start */
		delayq_add(in->s->linger, &in->idle);
	instance_rest(in);
}

static void start_listing(struct instance *in)
{
	unsigned kinds = in->relist;
	struct offer *base = in->offer ? in->offer : in->s->b->offer;

	if (in->listing)
		return; /* what changes meanwhile is asked for after it */
	delayq_remove(in->s->linger, &in->idle);
	if (in->relisting.queued)
		return;
	if (!ratelimit_pass(&in->listings)) {
		delayq_add(in->s->relisting, &in->relisting);
		return;
	}
	in->relist = 0;
	listing_start(in->client, base, kinds, on_listed, in, &in->listing);
}

void learn_on_relisting(struct delayq_node *node, void *arg)
{
	struct instance *in = container_of(node, struct instance, relisting);

	(void)arg;
	if (in->relist != 0 && instance_ready(in))
		start_listing(in);
}

void learn_on_ready(struct instance *in, bool had_child)
{
	/* A first child of a session offers what the probe did, until it says otherwise. */
	if (learns(in) || had_child)
		in->relist = LISTING_ALL;
	if (in->relist != 0)
		start_listing(in);
}

void learn_on_list_changed(struct instance *in, unsigned kinds)
{
	in->relist |= kinds;
	if (instance_ready(in))
		start_listing(in);
}
