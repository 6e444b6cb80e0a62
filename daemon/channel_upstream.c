/* The channel to a server behind a URL. */
#include "autoconf.h"

#include "stdio_impl.h"

static void on_message(struct upstream *u, const char *text, size_t len, void *arg)
{
	struct instance *in = arg;

	if (in->up == u)
		mcpclient_feed(in->client, text, len);
}

static void on_renewed(struct upstream *u, void *arg)
{
	struct instance *in = arg;

	if (in->up == u && instance_ready(in))
		instance_renewed(in);
}

static int upstream_open(struct instance *in, const struct caller *caller, struct err *e)
{
	static const struct upstream_events events = {.on_message = on_message,
						      .on_renewed = on_renewed};
	const struct backend *b = in->s->b;
	const struct upstream_spec spec = {
		.url = b->conf->url,
		.headers = (const char *const *)(uintptr_t)b->conf->headers.lines,
		.ca_file = b->conf->ca_file,
		.allow_link_local = b->conf->allow_link_local,
		.max_message = b->env->limits->max_line,
	};

	(void)caller;
	in->up = upstream_new(b->env->base, b->env->httpc, &spec, &events, in);
	return in->up != NULL ? 0 : err_set(e, ERR_NOMEM, "out of memory");
}

static int upstream_send_msg(struct instance *in, json_t *msg)
{
	return in->up != NULL ? upstream_send(in->up, msg) : ERR_CLOSED;
}

const struct instance_channel channel_upstream = {.open = upstream_open, .send = upstream_send_msg};
