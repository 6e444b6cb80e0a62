/* SPDX-License-Identifier: ISC */
#include "endpoint_fixture.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "backend/backend_impl.h"

struct endpoint *fx_endpoint;
struct stopping fx_stopping;

static char *listen_on[2];
static char address[] = "127.0.0.1:6200", path[] = "/mcp";
static struct config conf;

void endpoint_open(void)
{
	struct endpoint_deps deps = {.conf = &conf, .stopping = &fx_stopping};
	struct err e;

	fixture_open(NULL);
	listen_on[0] = address;
	conf = (struct config){.path = path, .listen = listen_on};
	conf.sessions = fx.conf;
	conf.limits = fx.limits;
	conf.limits.max_depth = 32;
	conf.limits.max_batch = 8;
	conf.limits.max_session_bytes = 65536;
	conf.limits.share = 25;
	fx_stopping = (struct stopping){0};
	deps.base = fx.base;
	deps.sessions = fx.ss;
	deps.all = fx.view;
	fx_endpoint = endpoint_new(&deps, &e);
	assert_non_null(fx_endpoint);
}

void endpoint_close(void)
{
	(void)stopping_begin(&fx_stopping);
	endpoint_drain(fx_endpoint);
	sessions_close_all(fx.ss, CLOSE_SHUTDOWN);
	loop_settle(fx.base);
	endpoint_free(&fx_endpoint);
	fixture_close(NULL);
}

struct exchange *endpoint_ask(enum exchange_method method, const char *headers, const char *body,
			      size_t len)
{
	char all[2048];
	struct exchange *x;

	snprintf(all, sizeof all,
		 "Host: 127.0.0.1:6200\nAccept: application/json, text/event-stream\n%s%s",
		 method == EXCHANGE_POST ? "Content-Type: application/json\n" : "", headers);
	x = fake_request(method, "/mcp", all, body, len);
	endpoint_handle(x, fx_endpoint);
	return x;
}
