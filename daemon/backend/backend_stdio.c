/* SPDX-License-Identifier: ISC */
/* backend_stdio.c: backends that are MCP servers, as children or behind a URL: the methods of a
 * link to a server that several links may share. The parts: stdio_impl.h. */
#include "autoconf.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "backend/stdio_holder.h"
#include "backend/stdio_impl.h"
#include "base/procinfo.h"
#include "lib/jsonrpc.h"
#include "lib/utf8.h"

#define EXIT_MS	   500
#define LINGER_MS  1000
#define RELIST_MS  1000 /* between two listings of one instance */
#define RESTART_MS 1000
#define MAX_SHOWN  256 /* processes of one child, to an operator */

/* ---- what a method means ---- */

static void on_done(struct mcpclient *m, struct call *c, bool ok, void *arg)
{
	(void)m;
	(void)c;
	(void)ok;
	holder_ended(arg);
}

static void send_call(struct holder *h, struct call *c, mcpclient_done_fn done)
{
	holder_begun(h);
	mcpclient_call(h->in->client, c, done, h);
}

static void pass(struct link *l, struct call *c)
{
	struct holder *h = holder_for(l, c);

	if (h)
		send_call(h, c, on_done);
}

static const char *uri_of(const struct call *c)
{
	return json_string_value(json_object_get(call_params(c), "uri"));
}

static void on_subscribed(struct mcpclient *m, struct call *c, bool ok, void *arg)
{
	struct holder *h = arg;

	if (ok)
		subs_add(h->in, uri_of(c), h);
	on_done(m, c, ok, arg);
}

static void subscribe(struct link *l, struct call *c)
{
	const char *uri = uri_of(c);
	struct holder *h = uri ? holder_for(l, c) : NULL;

	if (!uri)
		call_error(c, RPC_INVALID_PARAMS, NULL, "uri is missing");
	else if (!h)
		return;
	else if (!subs_has(h->in, uri, NULL))
		send_call(h, c, on_subscribed);
	else if (subs_add(h->in, uri, h) < 0)
		call_error(c, RPC_INTERNAL_ERROR, NULL, "out of memory");
	else
		call_result_tree(c, json_object());
}

/* For what needs no child. NULL after it has ended C. */
static struct holder *holder_at_rest(struct link *l, struct call *c)
{
	struct holder *h = holder_of(l);

	if (!h)
		call_error(c, RPC_INTERNAL_ERROR, NULL, "out of memory");
	return h;
}

static void unsubscribe(struct link *l, struct call *c)
{
	struct holder *h = holder_at_rest(l, c);
	const char *uri = uri_of(c);
	bool last;

	if (!h)
		return;
	if (!uri) {
		call_error(c, RPC_INVALID_PARAMS, NULL, "uri is missing");
		return;
	}
	last = h->in && subs_remove(h->in, uri, h);
	/* The child is told where it runs and no other link has subscribed. */
	if (last && instance_ready(h->in))
		send_call(h, c, on_done);
	else
		call_result_tree(c, json_object());
}

/* A child that is not there any more has no tasks to tell of. */
static void forget_task(struct link *l, struct call *c)
{
	struct holder *h = holder_at_rest(l, c);

	if (!h)
		return;
	if (h->in && instance_ready(h->in))
		send_call(h, c, on_done);
	else
		call_result_tree(c, json_object());
}

/* Kept here and told to the child, now or once there is one: no reason to start it. */
static void set_level(struct link *l, struct call *c)
{
	struct holder *h = holder_at_rest(l, c);
	const char *name = json_string_value(json_object_get(call_params(c), "level"));
	int level = mcp_log_level_parse(name);

	if (!h)
		return;
	if (level < 0) {
		call_error(c, RPC_INVALID_PARAMS, NULL, "there is no such log level");
		return;
	}
	h->log_level = level;
	if (h->in)
		instance_level_changed(h->in);
	call_result_tree(c, json_object());
}

static const struct {
	const char *method;
	void (*fn)(struct link *l, struct call *c);
} methods[] = {
	{"tools/call", pass},
	{"prompts/get", pass},
	{"resources/read", pass},
	{"completion/complete", pass},
	{"resources/subscribe", subscribe},
	{"resources/unsubscribe", unsubscribe},
	{"logging/setLevel", set_level},
	{"tasks/cancel", pass},
	{"tasks/get", pass},
	{"tasks/result", pass},
	{"tasks/subscribe", pass},
	{"tasks/unsubscribe", forget_task},
	{"tasks/update", pass},
};

static void stdio_link_call(struct link *l, struct call *c)
{
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
		if (strcmp(call_method(c), methods[i].method) == 0) {
			methods[i].fn(l, c);
			return;
		}
	call_error(c, RPC_METHOD_NOT_FOUND, NULL, "method not found");
}

static void stdio_link_notify(struct link *l, const char *method, json_t *params)
{
	const struct holder *h = l->impl;

	(void)method; /* there is one */
	if (h && h->in && h->in->role == INSTANCE_SESSION)
		instance_roots_changed(h->in, params);
}

/* The child that serves this holder alone; NULL without one. */
static const struct child *own_child(const struct link *l)
{
	const struct holder *h = l->impl;

	return h && h->in && h->in->role == INSTANCE_SESSION ? h->in->child : NULL;
}

static int stdio_link_pid(const struct link *l)
{
	const struct child *c = own_child(l);

	return c ? (int)child_pid(c) : 0;
}

/* A process may give itself any name: in what is shown of it there are no secrets of the server,
 * and only characters. */
static json_t *describe_process(const struct child *c, const struct procinfo *p, const char *server)
{
	char *masked = child_masked(c, p->name);
	size_t len = masked ? strlen(masked) : 0;
	char *name = masked ? utf8_clean(masked, len, &len) : NULL;
	json_t *row =
		json_pack("{s:i, s:i, s:s, s:s}", "pid", (int)p->id.pid, "parent", (int)p->parent,
			  "server", server, "command", name != NULL ? name : "");

	free(masked);
	free(name);
	return row;
}

static void stdio_link_processes(const struct link *l, json_t *rows)
{
	const struct child *c = own_child(l);
	struct proclist tree = {.n = 0};
	struct procinfo p;

	if (c)
		child_processes(c, &tree, MAX_SHOWN);
	for (size_t i = 0; i < tree.n; i++)
		if (procinfo_read(tree.v[i].pid, &p) == 0 && p.id.start == tree.v[i].start)
			json_array_append_new(rows,
					      describe_process(c, &p, l->backend->conf->name));
	free(tree.v);
}

/* ---- the backend ---- */

static void stdio_fini(struct backend *b)
{
	struct stdio *s = b->impl;
	struct instance *in;

	b->impl = NULL;
	while ((in = TAILQ_FIRST(&s->instances)))
		instance_free(in, "the backend is gone");
	if (event_initialized(&s->retry))
		event_del(&s->retry);
	delayq_free(&s->idle);
	delayq_free(&s->exiting);
	delayq_free(&s->linger);
	delayq_free(&s->restart);
	delayq_free(&s->relisting);
	json_decref(s->own_info);
	free(s);
}

static const struct stdio_hooks hooks = {learn_on_ready, learn_on_lost, learn_doubt,
					 stdio_on_notification, stdio_on_question};

static int stdio_init(struct backend *b, struct err *e)
{
	struct stdio *s = calloc(1, sizeof *s);
	struct event_base *base = b->env->base;

	if (!s)
		return err_set(e, ERR_NOMEM, "out of memory");
	b->impl = s;
	s->b = b;
	s->hooks = &hooks;
	s->channel = b->conf->kind == CONFIG_HTTP ? &channel_upstream : &channel_child;
	instance_forget_era(s);
	TAILQ_INIT(&s->instances);
	s->own_info = json_pack("{s:s,s:s}", "name", "mcpd", "version", PACKAGE_VERSION);
	s->idle = delayq_new(base, b->conf->idle_stop_ms, instance_on_idle, s);
	s->exiting = delayq_new(base, EXIT_MS, instance_on_no_exit, s);
	s->linger = delayq_new(base, LINGER_MS, learn_on_linger, s);
	s->restart = delayq_new(base, RESTART_MS, instance_on_restart, s);
	s->relisting = delayq_new(base, RELIST_MS, learn_on_relisting, s);
	if (s->own_info && s->idle && s->exiting && s->linger && s->restart && s->relisting &&
	    evtimer_assign(&s->retry, base, learn_on_retry, s) == 0)
		return 0;
	stdio_fini(b);
	return err_set(e, ERR_NOMEM, "out of memory");
}

static void stdio_start(struct backend *b)
{
	learn_start(b->impl);
}

/* One that has a child from before EPOCH; NULL if there is none any more. */
static struct instance *find_older(const struct stdio *s, unsigned long epoch)
{
	struct instance *in;

	TAILQ_FOREACH (in, &s->instances, entry)
		if (in->client && in->epoch < epoch)
			return in;
	return NULL;
}

static void stop_all(struct stdio *s, const char *why)
{
	struct instance *in;

	learn_stop(s);
	instance_forget_era(s);
	TAILQ_FOREACH (in, &s->instances, entry) {
		backoff_reset(&in->backoff);
		in->not_before = 0;
	}
	/* The ends of calls may lead to other ends, and to fresh children. */
	s->epoch++;
	while ((in = find_older(s, s->epoch)))
		instance_stop(in, why);
}

static void stdio_stop(struct backend *b)
{
	stop_all(b->impl, "the backend was stopped");
}

static void stdio_restart(struct backend *b)
{
	stop_all(b->impl, "the backend was restarted");
	learn_start(b->impl);
}

static void stdio_describe(const struct backend *b, json_t *row)
{
	const struct stdio *s = b->impl;
	const struct instance *in;
	json_int_t running = 0;

	TAILQ_FOREACH (in, &s->instances, entry)
		running += in->child != NULL || in->up;
	json_object_set_new(row, "scope", json_string(config_scope_name(b->conf->scope)));
	json_object_set_new(row, "children", json_integer(running));
	json_object_set_new(row, "restarts", json_integer((json_int_t)s->restarts));
	json_object_set_new(row, "lastStderr", json_string(s->last_stderr));
	json_object_set_new(row, "firstNoise", json_string(s->first_noise));
}

/* What differs between a child and an upstream, the channel knows. */
#define OPS(kind_)                                                                                 \
	{                                                                                          \
		.kind = (kind_), .init = stdio_init, .fini = stdio_fini, .start = stdio_start,     \
		.stop = stdio_stop, .restart = stdio_restart, .describe = stdio_describe,          \
		.link_call = stdio_link_call, .link_close = holder_close,                          \
		.link_notify = stdio_link_notify, .link_pid = stdio_link_pid,                      \
		.link_processes = stdio_link_processes,                                            \
	}

const struct backend_ops backend_stdio_ops = OPS("stdio");
const struct backend_ops backend_http_ops = OPS("http");
