/* SPDX-License-Identifier: ISC */
#include "support.h"

#include "fake_backend.h"

#include <stdlib.h>
#include <string.h>

#include "backend/backend_impl.h"
#include "config/config.h"

#define MAX_HELD 64

struct fake_hooks fake_hooks;

static struct call *held[MAX_HELD];
static size_t n_held;

static void let_go(struct call *c)
{
	for (size_t i = 0; i < n_held; i++) {
		if (held[i] != c)
			continue;
		memmove(&held[i], &held[i + 1], (--n_held - i) * sizeof held[0]);
		return;
	}
	fail_msg("a call is cancelled that is not here");
}

static void on_cancel(struct call *c, const char *reason, void *arg)
{
	(void)reason;
	assert_ptr_equal(arg, held);
	let_go(c);
	if (fake_hooks.cancel)
		fake_hooks.cancel(c);
}

static void fake_link_call(struct link *l, struct call *c)
{
	static const struct call_back back = {on_cancel};

	assert_ptr_equal(call_caller(c), l->caller);
	assert_true(n_held < MAX_HELD);
	held[n_held++] = c;
	call_attach(c, &back, held);
	if (fake_hooks.call)
		fake_hooks.call(c);
}

static void fake_link_close(struct link *l)
{
	/* "Calls must have ended." */
	for (size_t i = 0; i < n_held; i++)
		if (call_caller(held[i]) == l->caller)
			fail_msg("a link is closed under its call %s", call_method(held[i]));
	if (fake_hooks.link_close)
		fake_hooks.link_close(l);
}

static void fake_link_notify(struct link *l, const char *method, json_t *params)
{
	(void)method;
	(void)params;
	if (fake_hooks.notify)
		fake_hooks.notify(l);
}

static int fake_init(struct backend *b, struct err *e)
{
	(void)b;
	(void)e;
	return 0;
}

static void fake_nothing(struct backend *b)
{
	(void)b;
}

static struct offer *whole_offer(void)
{
	struct offer *o = offer_new(MCP_REV_2025_11_25);

	assert_non_null(o);
	json_array_append_new(o->lists[OFFER_TOOLS],
			      json_of("{'name':'echo','inputSchema':{'type':'object'}}"));
	json_array_append_new(o->lists[OFFER_PROMPTS], json_of("{'name':'p'}"));
	json_array_append_new(o->lists[OFFER_RESOURCES], json_of("{'uri':'r:1','name':'r'}"));
	json_decref(o->capabilities);
	o->capabilities = json_of("{'tools':{},'prompts':{},'resources':{'subscribe':true},"
				  "'logging':{},'completions':{}}");
	return o;
}

bool fake_slow_start;

void fake_learn(struct backend *b)
{
	backend_learned(b, whole_offer());
}

void fake_fail(struct backend *b, const char *why)
{
	struct err e;

	err_set(&e, ERR_IO, "%s", why);
	backend_failed(b, &e);
}

static void fake_start(struct backend *b)
{
	if (!fake_slow_start)
		fake_learn(b);
}

void fake_offer_tool(struct backend *b, const char *name)
{
	struct offer *o;
	json_t *list = json_deep_copy(b->offer->lists[OFFER_TOOLS]);

	json_array_append_new(list, json_pack("{s:s}", "name", name));
	o = offer_with(b->offer, OFFER_TOOLS, list);
	assert_non_null(o);
	backend_learned(b, o);
}

#define FAKE_OPS                                                                                   \
	{                                                                                          \
		.kind = "fake", .init = fake_init, .fini = fake_nothing, .start = fake_start,      \
		.stop = fake_nothing, .restart = fake_start, .link_call = fake_link_call,          \
		.link_close = fake_link_close, .link_notify = fake_link_notify,                    \
	}

const struct backend_ops backend_stdio_ops = FAKE_OPS;
const struct backend_ops backend_exec_ops = FAKE_OPS;
const struct backend_ops backend_http_ops = FAKE_OPS;

struct backend *fake_backend(struct event_base *base, const char *name)
{
	struct backend_env *env = calloc(1, sizeof *env);
	struct config_backend *conf = calloc(1, sizeof *conf);
	struct backend *b;

	assert_non_null(env);
	assert_non_null(conf);
	env->base = base;
	conf->kind = CONFIG_STDIO;
	conf->name = strdup(name);
	b = backend_new(env, conf, NULL);
	assert_non_null(b);
	backend_start(b, &(const struct backend_confinement){0});
	return b;
}

void fake_backend_free(struct backend **b)
{
	struct config_backend *conf = (struct config_backend *)(uintptr_t)(*b)->conf;
	struct backend_env *env = (struct backend_env *)(uintptr_t)(*b)->env;

	assert_int_equal(fake_links(*b), 0);
	assert_int_equal(n_held, 0);
	backend_free(b);
	free(conf->name);
	free(conf);
	free(env);
}

size_t fake_held(void)
{
	/* One that ended without the test was cancelled (a deadline too), so all of these are live.
	 */
	for (size_t i = 0; i < n_held; i++)
		assert_false(call_ended(held[i]));
	return n_held;
}

struct call *fake_call(size_t i)
{
	assert_true(i < n_held);
	return held[i];
}

struct call *fake_take(size_t i)
{
	struct call *c = fake_call(i);

	let_go(c);
	return c;
}

size_t fake_links(const struct backend *b)
{
	const struct link *l;
	size_t n = 0;

	TAILQ_FOREACH (l, &b->links, entry)
		n++;
	return n;
}

struct link *fake_link(const struct backend *b, size_t i)
{
	struct link *l = TAILQ_FIRST(&b->links);

	while (l && i-- > 0)
		l = TAILQ_NEXT(l, entry);
	assert_non_null(l);
	return l;
}
