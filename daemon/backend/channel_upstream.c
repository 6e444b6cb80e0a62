/* SPDX-License-Identifier: ISC */
/* channel_upstream.c: the channel to a server behind a URL. */
#include "autoconf.h"

#include <string.h>

#include "backend/stdio_impl.h"
#include "base/budget.h"
#include "lib/jsontext.h"
#include "mcp/offer.h"

static void on_message(struct upstream *u, struct jsontext *text, void *arg)
{
	struct instance *in = arg;
	const char *bytes;
	size_t len;

	if (in->up != u)
		return;
	mcpclient_feed_text(in->client, text, json_integer_value(upstream_origin(u)));
	bytes = jsontext_bytes(text, &len);
	if (in->up == u && bytes)
		instance_brake(in, 0, bytes, len);
}

static void on_noise(struct upstream *u, unsigned long n, const char *text, void *arg)
{
	struct instance *in = arg;

	if (in->up == u)
		instance_brake(in, n, text, strlen(text));
}

static void pause(struct instance *in)
{
	if (in->up)
		upstream_pause(in->up);
}

static void resume(struct instance *in)
{
	if (in->up)
		upstream_resume(in->up);
}

static void on_renewed(struct upstream *u, void *arg)
{
	struct instance *in = arg;

	if (in->up == u && instance_ready(in))
		instance_renewed(in);
}

static void on_lost(struct upstream *u, const char *why, void *arg)
{
	struct instance *in = arg;

	if (in->up != u)
		return;
	instance_forget_era(in->s);
	instance_fail(in, why);
}

/* What sessions meet, the state of the backend should tell. */
static void on_trouble(struct upstream *u, void *arg)
{
	struct instance *in = arg;

	if (in->up == u && in->client)
		learn_doubt(in->s);
}

static void on_mismatch(struct upstream *u, void *arg)
{
	struct instance *in = arg;

	if (in->up != u || !instance_ready(in))
		return;
	learn_on_list_changed(in, 1u << OFFER_TOOLS);
	learn_doubt(in->s); /* others know what this one knew */
}

static void on_denied(struct upstream *u, const json_t *id, const char *scope, void *arg)
{
	struct instance *in = arg;

	if (in->up == u && in->client)
		mcpclient_denied(in->client, id, scope);
}

static struct bearer *bearer(struct upstream *u, void *arg)
{
	(void)u;
	return instance_bearer(arg);
}

static const json_t *schema(struct upstream *u, const char *tool, void *arg)
{
	const struct instance *in = arg;
	const struct offer *o = in->offer ? in->offer : in->s->b->offer;
	json_t *one;
	size_t i;

	(void)u;
	if (!o)
		return NULL;
	json_array_foreach (o->lists[OFFER_TOOLS], i, one) {
		const char *name = json_string_value(json_object_get(one, "name"));

		if (name && strcmp(name, tool) == 0)
			return json_object_get(one, "inputSchema");
	}
	return NULL;
}

static int upstream_open(struct instance *in, const struct caller *caller, struct err *e)
{
	static const struct upstream_events events = {
		.on_message = on_message,
		.on_noise = on_noise,
		.on_renewed = on_renewed,
		.on_lost = on_lost,
		.on_trouble = on_trouble,
		.on_mismatch = on_mismatch,
		.on_denied = on_denied,
		.bearer = bearer,
		.schema = schema,
	};
	const struct backend *b = in->s->b;
	struct upstream_spec spec = {
		.url = b->conf->url,
		.headers = (const char *const *)(uintptr_t)b->conf->headers.lines,
		.ca_file = b->conf->ca_file,
		.allow_link_local = b->conf->allow_link_local,
		.max_message = b->env->limits->max_line,
		.credentials = b->env->credentials,
		.conf = b->conf,
		.mask = &in->mask,
		.user = caller ? caller->user : NULL,
		.own = !caller || in->role == INSTANCE_PROBE || in->role == INSTANCE_SHARED,
	};

	mask_fini(&in->mask);
	if (mask_add_headers(&in->mask, spec.headers) < 0)
		return err_set(e, ERR_NOMEM, "out of memory");
	spec.budget = instance_budget(in, caller);
	in->up = upstream_new(b->env->base, b->env->httpc, &spec, &events, in);
	budget_unref(&spec.budget);
	return in->up ? 0 : err_set(e, ERR_NOMEM, "out of memory");
}

static int upstream_send_msg(struct instance *in, json_t *msg, struct jsontext *text,
			     struct bearer *bearer)
{
	return in->up ? upstream_send(in->up, msg, text, bearer) : ERR_CLOSED;
}

const struct instance_channel channel_upstream = {
	.open = upstream_open, .send = upstream_send_msg, .pause = pause, .resume = resume};
