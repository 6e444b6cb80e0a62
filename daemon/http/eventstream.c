/* SPDX-License-Identifier: ISC */
#include "http/eventstream.h"

#include <event2/buffer.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/container.h"
#include "config/config.h"
#include "http/exchange.h"
#include "http/reply.h"
#include "lib/bufadd.h"
#include "lib/err.h"
#include "lib/jsontext.h"
#include "lib/sse.h"

struct eventstreams {
	const struct config_limits *limits;
	const struct eventstream_hooks *hooks;
	struct delayq *upgrade;	  /* what is pending */
	struct delayq *keepalive; /* what is open */
};

static struct eventstream *eventstream_of(struct delayq_node *node)
{
	return container_of(node, struct eventstream, timer);
}

struct exchange *eventstream_detach(struct eventstream *es)
{
	struct exchange *x = es->x;

	es->x = NULL;
	if (!x)
		return NULL;
	delayq_remove(es->open ? es->all->keepalive : es->all->upgrade, &es->timer);
	exchange_on_gone(x, NULL, NULL);
	return x;
}

static void on_gone(struct exchange *x, void *arg)
{
	struct eventstream *es = arg;

	(void)x;
	eventstream_detach(es);
	es->all->hooks->lost(es, "the client closed the stream");
}

static void cut(struct eventstream *es, const char *why)
{
	exchange_abort(eventstream_detach(es));
	es->all->hooks->lost(es, why);
}

void eventstream_attach(struct eventstream *es, struct eventstreams *all, struct exchange *x,
			unsigned accept)
{
	es->all = all;
	es->x = x;
	es->accept = (unsigned char)accept;
	es->open = false;
	exchange_on_gone(x, on_gone, es);
	delayq_add(all->upgrade, &es->timer);
}

bool eventstream_write(struct eventstream *es, struct evbuffer *frame)
{
	if (!es->x)
		return false;
	/* What the client left unread before counts: one large message says nothing about it. */
	if (exchange_backlog(es->x) > es->all->limits->max_backlog) {
		cut(es, "the client does not read (limits.maxBacklog)");
		return false;
	}
	if (exchange_stream_write(es->x, frame) < 0) {
		cut(es, "out of memory");
		return false;
	}
	delayq_add(es->all->keepalive, &es->timer);
	return true;
}

/* A comment carries nothing: without memory for it the stream goes on. */
static void put_comment(struct eventstream *es, const char *text)
{
	struct evbuffer *frame = evbuffer_new();

	if (frame && sse_comment(frame, text) == 0)
		(void)eventstream_write(es, frame);
	if (frame)
		evbuffer_free(frame);
}

/* An exchange has become a stream. */
static void opened(struct eventstream *es)
{
	es->open = true;
	delayq_add(es->all->keepalive, &es->timer);
	put_comment(es, "mcpd");
}

int eventstream_open(struct eventstream *es)
{
	int rc;

	if (!es->x)
		return ERR_CLOSED;
	if (es->open)
		return 0;
	if (!(es->accept & REPLY_ACCEPT_SSE))
		return ERR_UNSUPPORTED;
	rc = exchange_stream_begin(es->x);
	if (rc == 0)
		opened(es);
	return rc;
}

int eventstream_resume(struct eventstream *es, struct exchange *x)
{
	int rc = exchange_stream_begin(x);

	if (rc)
		return rc;
	/* The newer connection wins: the older one is usually dead and nobody knows yet. */
	eventstream_end(es);
	es->x = x;
	exchange_on_gone(x, on_gone, es);
	opened(es);
	return 0;
}

int eventstream_frame(struct evbuffer *out, const char *id, long retry_ms, struct jsontext *msg)
{
	const char *text = "";
	size_t len = 0;
	int rc;

	if (!msg)
		return sse_event(out, NULL, id, retry_ms, "", 0);
	if (!jsontext_is_line(msg)) {
		text = jsontext_bytes(msg, &len);
		return text ? sse_event(out, "message", id, retry_ms, text, len) : ERR_NOMEM;
	}
	rc = sse_event_begin(out, "message", id, retry_ms);
	if (rc == 0)
		rc = jsontext_write(out, msg);
	return rc == 0 && bufadd(out, "\n\n", 2) < 0 ? ERR_NOMEM : rc;
}

bool eventstream_send(struct eventstream *es, struct jsontext *msg)
{
	struct evbuffer *frame = es->x ? evbuffer_new() : NULL;
	bool there = false;

	if (frame && eventstream_frame(frame, NULL, -1, msg) == 0)
		there = eventstream_write(es, frame);
	else if (es->x)
		cut(es, "out of memory");
	if (frame)
		evbuffer_free(frame);
	return there;
}

void eventstream_reply(struct eventstream *es, int status, struct jsontext *msg)
{
	bool open = es->open;
	struct exchange *x = eventstream_detach(es);

	if (x && open)
		exchange_stream_end(x);
	else if (x && msg)
		exchange_reply_text(x, status, msg);
	else if (x)
		exchange_abort(x);
}

void eventstream_end(struct eventstream *es)
{
	struct exchange *x = eventstream_detach(es);

	if (x)
		exchange_stream_end(x);
}

void eventstream_abort(struct eventstream *es)
{
	struct exchange *x = eventstream_detach(es);

	if (x)
		exchange_abort(x);
}

static void on_upgrade(struct delayq_node *node, void *arg)
{
	struct eventstream *es = eventstream_of(node);

	(void)arg;
	if (es->accept & REPLY_ACCEPT_SSE)
		es->all->hooks->waited(es);
}

static void on_keepalive(struct delayq_node *node, void *arg)
{
	(void)arg;
	put_comment(eventstream_of(node), "keepalive");
}

struct eventstreams *eventstreams_new(struct event_base *base, const struct config_limits *limits,
				      const struct eventstream_hooks *hooks)
{
	struct eventstreams *all = calloc(1, sizeof *all);

	if (!all)
		return NULL;
	all->limits = limits;
	all->hooks = hooks;
	all->upgrade = delayq_new(base, limits->upgrade_ms, on_upgrade, NULL);
	all->keepalive = delayq_new(base, limits->keepalive_ms, on_keepalive, NULL);
	if (!all->upgrade || !all->keepalive)
		eventstreams_free(&all);
	return all;
}

void eventstreams_free(struct eventstreams **allp)
{
	struct eventstreams *all = *allp;

	*allp = NULL;
	if (!all)
		return;
	delayq_free(&all->upgrade);
	delayq_free(&all->keepalive);
	free(all);
}
