/* SPDX-License-Identifier: ISC */
#include "http_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/defer.h"

struct fixture fix;

static void on_gone(struct exchange *x, void *arg)
{
	assert_ptr_equal(arg, &fix);
	fix.gone++;
	fix.last_gone = x;
}

static void hold(struct exchange *x)
{
	assert_true(fix.held_n < MAX_HELD);
	fix.held[fix.held_n++] = x;
	exchange_on_gone(x, on_gone, &fix);
}

static void answer_now(struct exchange *x)
{
	static const char *const methods[] = {"GET", "HEAD", "POST", "DELETE", "OPTIONS", "OTHER"};
	size_t len;
	char *body = exchange_take_body(x, &len);
	const char *query = exchange_query(x);
	char text[2000];
	int n = snprintf(text, sizeof text, "%s %s %s %s %.*s", methods[exchange_method(x)],
			 exchange_path(x), query ? query : "-", exchange_peer(x), (int)len, body);

	free(body);
	exchange_reply(x, 200, "text/plain", text, (size_t)n);
}

static void handle(struct exchange *x, void *arg)
{
	const char *path = exchange_path(x);

	assert_ptr_equal(arg, &fix);
	fix.requests++;
	if (fix.handler) {
		fix.handler(x);
	} else if (strcmp(path, "/later") == 0) {
		hold(x);
	} else if (strcmp(path, "/stream") == 0) {
		assert_int_equal(exchange_stream_begin(x), 0);
		hold(x);
	} else if (strcmp(path, "/big") == 0) {
		char *big = malloc(fix.big);

		assert_non_null(big);
		memset(big, 'b', fix.big);
		exchange_reply(x, 200, "text/plain", big, fix.big);
		free(big);
	} else {
		answer_now(x);
	}
}

void fixture_restart(const struct httpd_limits *limits)
{
	static const struct httpd_limits usual = {
		.max_body = 1000,
		.max_headers = 4000,
		.idle_seconds = 600,
	};
	const struct httpd_deps deps = {
		.base = fix.base,
		.limits = limits ? limits : &usual,
		.handler = handle,
		.arg = &fix,
		.hooks = fix.hooks,
		.hold = fix.hold,
		.hold_arg = fix.hold_arg,
	};
	struct err e;

	httpd_free(&fix.httpd);
	free(fix.address);
	fix.httpd = httpd_new(&deps);
	assert_non_null(fix.httpd);
	assert_int_equal(httpd_listen(fix.httpd, "127.0.0.1:0", &fix.address, &e), 0);
}

/* The kind of loop that mcpd has. */
static struct event_base *loop_new(void)
{
	struct event_config *cfg = event_config_new();
	struct event_base *base;

	assert_non_null(cfg);
	event_config_set_flag(cfg, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
	base = event_base_new_with_config(cfg);
	event_config_free(cfg);
	assert_non_null(base);
	return base;
}

int fixture_setup(void **state)
{
	(void)state;
	memset(&fix, 0, sizeof fix);
	alarm(300); /* the watchdog */
	signal(SIGPIPE, SIG_IGN);
	fix.base = loop_new();
	assert_int_equal(defer_init(fix.base), 0);
	fixture_restart(NULL);
	return 0;
}

int fixture_teardown(void **state)
{
	(void)state;
	httpd_free(&fix.httpd);
	defer_fini();
	event_base_free(fix.base);
	free(fix.address);
	assert_int_equal(exchange_count(), 0);
	return 0;
}

void pump_idle(void)
{
	/* Both sides of a loopback connection are ours: nothing is on the way without being here.
	 */
	for (int i = 0; i < 100; i++)
		event_base_loop(fix.base, EVLOOP_NONBLOCK);
}

static void client_event(struct bufferevent *bev, short what, void *arg)
{
	struct client *c = arg;

	(void)bev;
	if (what & BEV_EVENT_EOF)
		c->eof = true;
	if (what & BEV_EVENT_ERROR)
		c->error = true;
}

void client_connect(struct client *c, const char *address)
{
	struct sockaddr_storage ss;
	int len = sizeof ss;

	memset(c, 0, sizeof *c);
	assert_int_equal(evutil_parse_sockaddr_port(address, (struct sockaddr *)&ss, &len), 0);
	c->bev = bufferevent_socket_new(fix.base, -1, BEV_OPT_CLOSE_ON_FREE);
	assert_non_null(c->bev);
	bufferevent_setcb(c->bev, NULL, NULL, client_event, c);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	assert_int_equal(bufferevent_socket_connect(c->bev, (struct sockaddr *)&ss, len), 0);
}

void client_open(struct client *c)
{
	client_connect(c, fix.address);
}

void client_send(struct client *c, const char *text)
{
	assert_int_equal(bufferevent_write(c->bev, text, strlen(text)), 0);
}

size_t client_available(const struct client *c)
{
	return evbuffer_get_length(bufferevent_get_input(c->bev));
}

static char *client_take(struct client *c, size_t len)
{
	char *text = malloc(len + 1);

	assert_non_null(text);
	assert_int_equal(evbuffer_remove(bufferevent_get_input(c->bev), text, len), len);
	text[len] = '\0';
	return text;
}

char *client_take_until(struct client *c, const char *text)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	struct evbuffer_ptr at;

	for (;;) {
		at = evbuffer_search(in, text, strlen(text), NULL);
		if (at.pos >= 0)
			break;
		if (c->eof || c->error) {
			char *rest = client_take(c, client_available(c));

			print_error("waited for \"%s\", had: %s\n", text, rest);
			free(rest);
			fail();
		}
		event_base_loop(fix.base, EVLOOP_ONCE);
	}
	return client_take(c, (size_t)at.pos + strlen(text));
}

char *client_take_answer(struct client *c)
{
	char *head = client_take_until(c, "\r\n\r\n");
	const char *field = strstr(head, "Content-Length: ");
	size_t len = field ? strtoul(field + 16, NULL, 10) : 0;
	size_t head_len = strlen(head);
	char *body, *all;

	pump_until(client_available(c) >= len || c->eof || c->error);
	assert_true(client_available(c) >= len);
	body = client_take(c, len);
	all = realloc(head, head_len + len + 1);
	assert_non_null(all);
	memcpy(all + head_len, body, len + 1);
	free(body);
	return all;
}

void client_wait_end(struct client *c)
{
	pump_until(c->eof || c->error);
}

void client_close(struct client *c)
{
	if (c->bev)
		bufferevent_free(c->bev);
	c->bev = NULL;
}
