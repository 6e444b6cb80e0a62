/* SPDX-License-Identifier: ISC */
/* gate_end.c: the ends of a connection by its gate: refusals, time limits, lingering. */
#include "autoconf.h"

#include "http/gate_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>

#include "base/delayq.h"
#include "http/httphead.h"

/* RFC 9112 section 9.6: how long the client may still send before the connection is closed, and how
 * long it may be silent meanwhile. */
#define LINGER_SECONDS	       30
#define LINGER_SILENCE_SECONDS 5
/* A body may be as slow as this, once its first time is over. */
#define MIN_BYTES_PER_SECOND 4096

struct evbuffer *gate_input(const struct gate *g)
{
	return bufferevent_get_input(g->bev);
}

size_t gate_held(const struct gate *g)
{
	return g->held ? evbuffer_get_length(g->held) : 0;
}

void gate_set_state(struct gate *g, enum gate_state state)
{
	bool silent = state == GATE_HEAD || state == GATE_LINGER;

	g->state = state;
	if (g->rules->silent)
		g->rules->silent(g->owner, silent);
}

/* Lack of memory: nothing can be answered. */
void gate_cut_off(struct gate *g)
{
	evbuffer_drain(gate_input(g), evbuffer_get_length(gate_input(g)));
	gate_linger(g);
}

/* ---- time ---- */

static void start_timer(struct gate *g, int64_t ms)
{
	const struct timeval tv = {ms / 1000, (suseconds_t)(ms % 1000) * 1000};

	event_add(&g->timer, &tv);
	g->timed = true;
}

void gate_begin_timer(struct gate *g)
{
	if (g->timed || g->rules->request_ms == 0)
		return;
	g->began = clock_ms();
	g->received = 0;
	start_timer(g, g->rules->request_ms);
}

void gate_stop_timer(struct gate *g)
{
	if (g->timed)
		event_del(&g->timer);
	g->timed = false;
}

void gate_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct gate *g = arg;
	int64_t allowed =
		g->rules->request_ms + (int64_t)(g->received / (MIN_BYTES_PER_SECOND / 1000.0));
	int64_t passed = clock_ms() - g->began;

	(void)fd;
	(void)what;
	g->timed = false;
	if (g->state == GATE_LINGER)
		evhttp_connection_free(g->con);
	else if (passed < allowed)
		start_timer(g, allowed - passed);
	else
		gate_refuse(g, 408, "The request took too long (limits.requestTimeout)");
}

/* ---- the end ---- */

static void on_flushed(struct bufferevent *bev, void *arg)
{
	struct gate *g = arg;

	if (g->eof)
		evhttp_connection_free(g->con);
	else if (!g->shut)
		shutdown(bufferevent_getfd(bev), SHUT_WR);
	g->shut = true;
}

static void on_lost(struct bufferevent *bev, short what, void *arg)
{
	struct gate *g = arg;

	/* A client that sends no more may still read. */
	if ((what & BEV_EVENT_EOF) && !g->shut &&
	    evbuffer_get_length(bufferevent_get_output(bev)) > 0)
		g->eof = true;
	else
		evhttp_connection_free(g->con);
}

void gate_linger(struct gate *g)
{
	static const struct timeval silence = {LINGER_SILENCE_SECONDS, 0};

	if (g->held)
		evbuffer_drain(g->held, evbuffer_get_length(g->held));
	gate_set_state(g, GATE_LINGER);
	gate_stop_timer(g);
	start_timer(g, LINGER_SECONDS * 1000);
	bufferevent_setcb(g->bev, NULL, on_flushed, on_lost, g);
	bufferevent_set_timeouts(g->bev, &silence, &silence);
	bufferevent_enable(g->bev, EV_READ | EV_WRITE);
	if (evbuffer_get_length(bufferevent_get_output(g->bev)) == 0)
		on_flushed(g->bev, g);
}

/* The Origin of the request that is refused, where it may be told; malloc'd. */
static char *allowed_origin(struct gate *g)
{
	struct evbuffer *from = gate_held(g) > 0 ? g->held : gate_input(g);
	struct span s = {NULL, 0};
	char *origin = g->origin;

	g->origin = NULL;
	if (!origin && (g->state == GATE_HEAD || g->state == GATE_ASKING)) {
		size_t len = evbuffer_get_length(from);
		const char *text = len > 0 ? (char *)evbuffer_pullup(from, -1) : NULL;

		/* What comes behind the byte that is refused may be here or not. */
		if (len > g->reader.scan.seen)
			len = g->reader.scan.seen;
		if (text)
			s = framing_field(text, len, "Origin");
		if (s.at)
			origin = strndup(s.at, s.len);
	}
	if (origin && g->rules->hooks.origin_ok &&
	    g->rules->hooks.origin_ok(g->rules->hooks.arg, origin))
		return origin;
	free(origin);
	return NULL;
}

/* The fields that let a page read the answer, if it may; malloc'd, NULL for none. */
static char *cors_fields(struct gate *g)
{
	char *origin = allowed_origin(g), *fields = NULL;

	if (origin &&
	    asprintf(&fields, "Access-Control-Allow-Origin: %s\r\nVary: Origin\r\n", origin) < 0)
		fields = NULL;
	free(origin);
	return fields;
}

/* Answers the request itself, and ends the connection. WHY is static text without quotes. */
void gate_refuse(struct gate *g, int status, const char *why)
{
	static const char before[] =
		"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32000,\"message\":\"";
	static const char after[] = "\"}}";
	static const char type[] = "Content-Type: application/json\r\n";
	static const char soon[] = "Retry-After: 1\r\n", later[] = "Retry-After: 10\r\n";
	char *cors = cors_fields(g);
	struct httphead h;

	httphead_begin(&h, true, status, false);
	httphead_add(&h, type, sizeof type - 1);
	httphead_add(&h, cors, cors ? strlen(cors) : 0);
	if (status == 429)
		httphead_add(&h, later, sizeof later - 1);
	else if (status == 503)
		httphead_add(&h, soon, sizeof soon - 1);
	httphead_end(&h, sizeof before - 1 + strlen(why) + sizeof after - 1);
	httphead_add(&h, before, sizeof before - 1);
	httphead_add(&h, why, strlen(why));
	httphead_add(&h, after, sizeof after - 1);
	/* Without memory it ends without an answer. */
	(void)httphead_queue(&h, 0, bufferevent_get_output(g->bev));
	free(cors);
	gate_cut_off(g);
}
