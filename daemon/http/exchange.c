/* SPDX-License-Identifier: ISC */
#include "base/bearer.h"
#include "base/heap.h"
#include "http/exchange_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>

#include "base/share.h"
#include "http/gate.h"
#include "http/httphead.h"
#include "lib/bufadd.h"
#include "lib/err.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "lib/log.h"
#include "text/httpfield.h"

/*
 * evhttp reads and parses requests and looks after the connection; the answers are written here,
 * because its own way of writing them ignores lack of memory (a chunk without its length), needs a
 * dozen allocations for the headers of each answer, and a turn of the loop before the first byte
 * leaves. evhttp_send_reply_end() then tells it that the answer is complete.
 */

static size_t live;

size_t exchange_count(void)
{
	return live;
}

static struct bufferevent *exchange_bev(const struct exchange *x)
{
	return evhttp_connection_get_bufferevent(x->con);
}

/* ---- lifetime ---- */

static void exchange_free(void *arg)
{
	struct exchange *x = arg;

	free(x->fields);
	free(x->decoded);
	free(x->holder);
	free(x->client);
	bearer_unref(&x->bearer);
	free(x);
}

static void give_place(struct exchange *x)
{
	if (x->place)
		share_give(x->place, x->place_holder);
	x->place = NULL;
}

int exchange_take_place(struct exchange *x, struct share *share, struct err *e)
{
	const char *holder = exchange_holder(x);
	int rc = share_take(share, holder, e);

	if (rc == 0) {
		x->place = share;
		x->place_holder = holder;
	}
	return rc;
}

size_t exchange_charge(struct exchange *x, struct budget *b)
{
	if (x->gate)
		gate_charge(x->gate, b);
	return x->body_len;
}

/* From here on the owner's pointer is dead. */
static void exchange_release(struct exchange *x)
{
	x->state = EXCHANGE_ENDED;
	x->gone = NULL;
	live--;
	give_place(x);
	defer_cancel(&x->defer);
	if (!x->handling)
		defer_call(&x->defer, exchange_free, x);
}

static void exchange_tell_gone(void *arg)
{
	struct exchange *x = arg;
	exchange_gone_fn fn = x->gone;

	if (x->state != EXCHANGE_GONE || !fn)
		return;
	x->gone = NULL;
	fn(x, x->gone_arg);
	if (x->state == EXCHANGE_GONE)
		exchange_release(x);
}

/* evhttp's close callback. It comes with the request still on the connection (evhttp frees both) or
 * taken off it (then nobody but us knows the request). */
static void exchange_lost(struct evhttp_connection *con, void *arg)
{
	struct exchange *x = arg;
	struct evhttp_request *req = x->req;
	const struct exchange_home *home = x->home;

	exchange_read_client(x);
	x->state = EXCHANGE_GONE;
	exchange_tell_gone(x);
	x->req = NULL;
	x->con = NULL;
	x->gate = NULL;
	x->path = "";
	if (!evhttp_request_get_connection(req))
		evhttp_request_free(req);
	home->closed(con, home->arg);
}

/* evhttp does not read while it waits for an answer, so it does not see the client leave. We read,
 * without evhttp's time limit; the gate keeps what comes, and stops reading when that is enough,
 * and with it the notice that the client left: nobody may fill our memory behind an answer that it
 * does not wait for. evhttp's own read callback aborts the process when bytes come at this time. */
static void exchange_watch(struct exchange *x)
{
	struct bufferevent *bev = exchange_bev(x);
	bufferevent_event_cb event_cb;
	void *arg;

	if (x->watched)
		return;
	x->watched = true;
	evhttp_connection_set_closecb(x->con, exchange_lost, x);
	bufferevent_getcb(bev, NULL, &x->write_cb, &event_cb, &arg);
	bufferevent_setcb(bev, NULL, NULL, event_cb, arg);
	bufferevent_set_timeouts(bev, NULL, NULL);
	if (gate_may_read(x->gate))
		bufferevent_enable(bev, EV_READ);
}

/* The answer is written out: the next request may come. */
static void exchange_complete(struct evhttp_request *req, void *arg)
{
	(void)req;
	gate_next(arg);
}

/* Undoes the watching, but for the reading, which evhttp wants to go on while it writes. */
static void exchange_unwatch(struct exchange *x)
{
	struct bufferevent *bev = exchange_bev(x);
	bufferevent_event_cb event_cb;
	void *arg;

	bufferevent_getcb(bev, NULL, NULL, &event_cb, &arg);
	bufferevent_setcb(bev, NULL, x->write_cb, event_cb, arg);
	if (evutil_timerisset(&x->home->idle))
		bufferevent_set_timeouts(bev, NULL, &x->home->idle);
	if (exchange_backlog(x) > 0)
		bufferevent_enable(bev, EV_WRITE);
	gate_untimed(x->gate);
	evhttp_connection_set_closecb(x->con, x->home->closed, x->home->arg);
}

/* Everything is in the output buffer, or gone already. Gives the connection back to evhttp. */
static void exchange_finish(struct exchange *x)
{
	struct evhttp_request *req = x->req;

	if (x->close && evhttp_add_header(req->output_headers, "Connection", "close") != 0) {
		exchange_abort(x);
		return;
	}
	if (exchange_backlog(x) > 0)
		exchange_watch(x);
	if (x->watched)
		exchange_unwatch(x);
	exchange_release(x);
	if (x->close && gate_unread(x->gate)) {
		gate_linger(x->gate);
		return;
	}
	evhttp_request_set_on_complete_cb(req, exchange_complete, x->gate);
	req->chunked = 0; /* it may say that the request was; evhttp would end the answer as such */
	evhttp_send_reply_end(req);
}

/* Whether the owner's call may still end something; what is past is swallowed here. */
static bool exchange_may_end(struct exchange *x)
{
	if (x->state == EXCHANGE_ENDED) {
		log_error(NULL, "Bug: an exchange was ended twice");
		return false;
	}
	if (x->state == EXCHANGE_GONE) {
		exchange_release(x);
		return false;
	}
	return true;
}

struct exchange *exchange_new(struct evhttp_request *req, struct gate *gate,
			      const struct exchange_home *home, bool close)
{
	struct exchange *x = calloc(1, sizeof *x);

	if (!x)
		return NULL;
	x->req = req;
	x->con = evhttp_request_get_connection(req);
	x->gate = gate;
	x->home = home;
	x->close = close;
	x->handling = true;
	if (exchange_read_path(x) != 0) {
		free(x);
		return NULL;
	}
	live++;
	return x;
}

void exchange_settle(struct exchange *x)
{
	x->handling = false;
	if (x->state == EXCHANGE_ENDED)
		exchange_free(x);
	else if (x->con)
		exchange_watch(x);
}

void exchange_on_gone(struct exchange *x, exchange_gone_fn fn, void *arg)
{
	x->gone = fn;
	x->gone_arg = arg;
	if (x->state == EXCHANGE_GONE && fn)
		defer_call(&x->defer, exchange_tell_gone, x);
}

/* ---- answer ---- */

int exchange_set_header(struct exchange *x, const char *name, const char *value)
{
	size_t name_len = strlen(name), value_len = strlen(value);
	size_t add = name_len + 2 + value_len + 2;
	char *fields, *at;

	if (!httpfield_name_ok(name) || !httpfield_value_ok(value))
		return ERR_INVALID;
	fields = realloc(x->fields, x->fields_len + add);
	if (!fields)
		return ERR_NOMEM;
	at = fields + x->fields_len;
	memcpy(at, name, name_len);
	memcpy(at + name_len, ": ", 2);
	memcpy(at + name_len + 2, value, value_len);
	memcpy(at + name_len + 2 + value_len, "\r\n", 2);
	x->fields = fields;
	x->fields_len += add;
	return 0;
}

static void exchange_head(struct exchange *x, struct httphead *h, int status,
			  const char *content_type)
{
	x->close |= x->home->closing;
	httphead_begin(h, x->req->major == 1 && x->req->minor >= 1, status, !x->close);
	if (content_type)
		httphead_field(h, "Content-Type", content_type);
	httphead_add(h, x->fields, x->fields_len);
}

/* Whether X may be answered with one body now. */
static bool may_reply(struct exchange *x)
{
	if (!exchange_may_end(x))
		return false;
	if (x->state != EXCHANGE_STREAMING)
		return true;
	log_error(NULL, "Bug: a reply after the beginning of a stream");
	exchange_abort(x);
	return false;
}

static void replied(struct exchange *x, int rc)
{
	if (rc != 0)
		exchange_abort(x);
	else
		exchange_finish(x);
}

void exchange_reply(struct exchange *x, int status, const char *content_type, const char *body,
		    size_t len)
{
	const struct exchange_home *home = x->home;
	struct bufferevent *bev;
	struct httphead h;

	if (!may_reply(x))
		return;
	if (status == 202 || status == 204 || !content_type)
		len = 0;
	exchange_head(x, &h, status, len > 0 ? content_type : NULL);
	httphead_end(&h, status == 204 ? HTTPHEAD_NO_LENGTH : len);
	if (evhttp_request_get_command(x->req) != EVHTTP_REQ_HEAD)
		httphead_add(&h, body, len);
	bev = exchange_bev(x);
	replied(x,
		home->hold && home->hold(home->hold_arg)
			? httphead_queue(&h, 0, bufferevent_get_output(bev))
			: httphead_send(&h, bufferevent_getfd(bev), bufferevent_get_output(bev)));
}

/* A larger body is not copied together with its head. */
#define LARGE_BODY ((size_t)16 << 10)
/* What libevent writes at once to a client that takes it. */
#define WRITE_STEP ((size_t)256 << 10)

/* The head, and MSG by reference. */
static void reply_large(struct exchange *x, int status, struct jsontext *msg)
{
	struct bufferevent *bev;
	struct evbuffer *out;
	struct httphead h;
	int rc;

	if (!may_reply(x))
		return;
	exchange_head(x, &h, status, "application/json");
	httphead_end(&h, jsontext_len(msg));
	bev = exchange_bev(x);
	out = bufferevent_get_output(bev);
	bufferevent_set_max_single_write(bev, WRITE_STEP);
	rc = httphead_queue(&h, 0, out);
	if (rc == 0 && evhttp_request_get_command(x->req) != EVHTTP_REQ_HEAD)
		rc = jsontext_write(out, msg);
	replied(x, rc);
}

void exchange_reply_text(struct exchange *x, int status, struct jsontext *msg)
{
	size_t len;
	const char *text;

	heap_passed(jsontext_len(msg));
	if (jsontext_len(msg) > LARGE_BODY) {
		reply_large(x, status, msg);
		return;
	}
	text = jsontext_bytes(msg, &len);
	if (text)
		exchange_reply(x, status, "application/json", text, len);
	else
		exchange_abort(x);
}

void exchange_reply_json(struct exchange *x, int status, const json_t *msg)
{
	size_t len;
	char *text = jsonrpc_dump(msg, &len);

	if (!text) {
		exchange_abort(x);
		return;
	}
	exchange_reply(x, status, "application/json", text, len);
	free(text);
}

/* Streams stay open for hours, many of them, and need nothing of the request any more. */
static void exchange_slim(struct exchange *x)
{
	struct evbuffer *body = evhttp_request_get_input_buffer(x->req);

	exchange_read_client(x);
	evhttp_clear_headers(x->req->input_headers);
	evbuffer_drain(body, evbuffer_get_length(body));
	gate_body_freed(x->gate);
	free(x->fields);
	x->fields = NULL;
	x->fields_len = 0;
}

int exchange_stream_begin(struct exchange *x)
{
	static const char fixed[] = "Cache-Control: no-cache\r\nX-Accel-Buffering: no\r\n";
	static const char chunked[] = "Transfer-Encoding: chunked\r\n";
	struct bufferevent *bev;
	struct httphead h;

	if (x->state != EXCHANGE_OPEN)
		return ERR_CLOSED;
	x->chunked = x->req->major == 1 && x->req->minor >= 1;
	x->close |= !x->chunked;
	exchange_head(x, &h, 200, "text/event-stream");
	httphead_add(&h, fixed, sizeof fixed - 1);
	if (x->chunked)
		httphead_add(&h, chunked, sizeof chunked - 1);
	httphead_end(&h, HTTPHEAD_NO_LENGTH);
	bev = exchange_bev(x);
	if (httphead_queue(&h, 0, bufferevent_get_output(bev)) != 0)
		return ERR_NOMEM;
	x->state = EXCHANGE_STREAMING;
	/* exchange_settle() watches X already, or will when the handler returns. */
	exchange_slim(x);
	bufferevent_enable(bev, EV_WRITE);
	return 0;
}

int exchange_stream_write(struct exchange *x, struct evbuffer *data)
{
	size_t len = evbuffer_get_length(data);
	char size[24];
	int n;

	if (x->state != EXCHANGE_STREAMING) {
		evbuffer_drain(data, len);
		return ERR_CLOSED;
	}
	if (len == 0)
		return 0;
	if (x->chunked) {
		n = snprintf(size, sizeof size, "%zx\r\n", len);
		if (evbuffer_prepend(data, size, (size_t)n) != 0 || bufadd(data, "\r\n", 2) != 0)
			goto nomem;
	}
	if (bufadd_move(bufferevent_get_output(exchange_bev(x)), data) != 0)
		goto nomem;
	return 0;
nomem:
	/* Nothing of it is in the stream yet, so the stream stays whole. */
	evbuffer_drain(data, evbuffer_get_length(data));
	return ERR_NOMEM;
}

void exchange_stream_end(struct exchange *x)
{
	struct evbuffer *out;

	if (!exchange_may_end(x))
		return;
	out = bufferevent_get_output(exchange_bev(x));
	if (x->state != EXCHANGE_STREAMING || (x->chunked && bufadd(out, "0\r\n\r\n", 5) != 0))
		exchange_abort(x);
	else
		exchange_finish(x);
}

void exchange_abort(struct exchange *x)
{
	static const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
	struct evhttp_connection *con = x->con;

	if (!exchange_may_end(x))
		return;
	/* TCP answers this with a reset, so that a half-written answer cannot pass for a whole one;
	 * SO_LINGER would come too late, after evhttp's shutdown(). */
	(void)connect(bufferevent_getfd(exchange_bev(x)), &nobody, sizeof nobody);
	evhttp_connection_set_closecb(con, x->home->closed, x->home->arg);
	exchange_release(x);
	evhttp_connection_free(con);
}

size_t exchange_backlog(const struct exchange *x)
{
	return x->gate ? gate_backlog(x->gate) : 0;
}
