/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "http/gate_impl.h"

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>

/* ---- moving bytes ---- */

static bool make_held(struct gate *g)
{
	if (!g->held)
		g->held = evbuffer_new();
	return g->held;
}

/* The last N bytes of the input go to the end of what is held. */
static bool hold_last(struct gate *g, size_t n)
{
	struct evbuffer *in = gate_input(g), *front;
	size_t keep = evbuffer_get_length(in) - n;
	bool ok;

	if (!make_held(g))
		return false;
	if (keep == 0)
		return evbuffer_add_buffer(g->held, in) == 0;
	front = evbuffer_new();
	ok = front && evbuffer_remove_buffer(in, front, keep) == (int)keep &&
	     evbuffer_add_buffer(g->held, in) == 0 && evbuffer_add_buffer(in, front) == 0;
	if (front)
		evbuffer_free(front);
	return ok;
}

/* Around what the gate adds to the input, whose end is frozen but in its callback. */
static void open_input(struct gate *g)
{
	g->moving = true;
	if (!g->inside)
		evbuffer_unfreeze(gate_input(g), 0);
}

static void close_input(struct gate *g)
{
	if (!g->inside)
		evbuffer_freeze(gate_input(g), 0);
	g->moving = false;
}

/* The first N bytes of FROM become what evhttp has in its input, which is empty unless it is FROM.
 */
static bool give(struct gate *g, struct evbuffer *from, size_t n)
{
	struct evbuffer *in = gate_input(g);
	bool ok;

	if (from == in)
		return n == evbuffer_get_length(in) || hold_last(g, evbuffer_get_length(in) - n);
	open_input(g);
	ok = evbuffer_remove_buffer(from, in, n) == (int)n;
	close_input(g);
	return ok;
}

/* Something is in the input for evhttp, or will be. G may be gone afterwards. */
static void wake_evhttp(struct gate *g)
{
	struct bufferevent *bev = g->bev;

	if (g->inside)
		return; /* its callback comes next */
	if (g->state == GATE_BODY)
		bufferevent_enable(bev, EV_READ);
	bufferevent_trigger(bev, EV_READ, 0);
}

/* ---- the body ---- */

/* Follows the body over LEN bytes of TEXT. *USED_R: how many belong to it. False: it was refused.
 */
static bool follow(struct gate *g, const char *text, size_t len, size_t *used_r)
{
	struct framing_fault bad = framing_reader_body(&g->reader, text, len, used_r);

	g->received += *used_r;
	if (bad.status)
		gate_refuse(g, bad.status, bad.why);
	return bad.status == 0 && gate_count_body(g, *used_r);
}

/* evhttp has what there is of the request. */
static void settle(struct gate *g)
{
	if (framing_reader_complete(&g->reader)) {
		gate_stop_timer(g);
		gate_set_state(g, GATE_BUSY);
	} else {
		gate_set_state(g, GATE_BODY);
		gate_begin_timer(g);
	}
}

/* Hands the head in FROM to evhttp, and what there is of the body. */
static void admit(struct gate *g, struct evbuffer *from)
{
	size_t len = evbuffer_get_length(from), used = 0;
	const char *text = (const char *)evbuffer_pullup(from, -1);

	if (!text) {
		gate_cut_off(g);
		return;
	}
	gate_stop_timer(g);
	g->received = 0;
	if (!follow(g, text + g->reader.head_len, len - g->reader.head_len, &used))
		return;
	if (!give(g, from, g->reader.head_len + used)) {
		gate_cut_off(g);
		return;
	}
	settle(g);
	wake_evhttp(g);
}

/* The lines of the head that are not about the body; malloc'd. */
static char *head_alone(const char *text, size_t len, size_t *len_r)
{
	const char *end = text + len, *lf;
	char *copy = malloc(len), *at = copy;

	for (; copy && text < end; text = lf + 1) {
		size_t n;

		lf = memchr(text, '\n', (size_t)(end - text));
		n = (size_t)(lf - text) + 1;
		if (framing_about_body(text, n))
			continue;
		memcpy(at, text, n);
		at += n;
	}
	*len_r = copy ? (size_t)(at - copy) : 0;
	return copy;
}

/* Hands the head in FROM to evhttp as that of a request without a body: the answer does not need
 * it. What comes of it is forgotten when the answer was written. */
static void cut(struct gate *g, struct evbuffer *from)
{
	struct evbuffer *in = gate_input(g);
	const char *text = (const char *)evbuffer_pullup(from, (ev_ssize_t)g->reader.head_len);
	size_t len;
	char *head = text ? head_alone(text, g->reader.head_len, &len) : NULL;
	bool ok = false;

	evbuffer_drain(from, evbuffer_get_length(from));
	open_input(g);
	if (head)
		ok = evbuffer_add(in, head, len) == 0;
	close_input(g);
	free(head);
	if (!ok) {
		gate_cut_off(g);
		return;
	}
	gate_stop_timer(g);
	g->cut = g->close = true;
	gate_set_state(g, GATE_BUSY);
	wake_evhttp(g);
}

/* ---- the head ---- */

static void wait_for_answer(struct gate *g, struct evbuffer *from)
{
	if (from == gate_input(g) && !hold_last(g, evbuffer_get_length(from))) {
		gate_cut_off(g);
		return;
	}
	gate_stop_timer(g);
	gate_set_state(g, GATE_ASKING);
	if (gate_held(g) >= g->reader.head_len + GATE_AHEAD)
		bufferevent_disable(g->bev, EV_READ);
}

static enum gate_answer ask(struct gate *g, const struct framing_head *h)
{
	const struct gate_hooks *hooks = &g->rules->hooks;

	if (h->body == FRAMING_NONE)
		return GATE_PASS;
	/* evhttp would take the body for the next request. */
	if (!h->body_read)
		return GATE_CUT;
	if (!hooks->ask || (h->body == FRAMING_LENGTH && h->length <= GATE_AHEAD))
		return GATE_PASS;
	return hooks->ask(hooks->arg, h, g, &g->ticket);
}

/* The head in FROM is well formed. */
static void take_head(struct gate *g, struct evbuffer *from, const struct framing_head *h)
{
	g->close = h->close;
	if (h->body == FRAMING_LENGTH && !gate_has_room(g, h->length))
		return;
	if (h->body == FRAMING_CHUNKED && h->n_origin == 1)
		g->origin = strndup(h->origin.at, h->origin.len);
	switch (ask(g, h)) {
	case GATE_PASS:
		admit(g, from);
		return;
	case GATE_CUT:
		cut(g, from);
		return;
	case GATE_WAIT:
		wait_for_answer(g, from);
		return;
	}
}

/* There is no whole head in FROM yet. */
static void wait_for_head(struct gate *g, struct evbuffer *from)
{
	size_t len = evbuffer_get_length(from);

	if (len == 0)
		return;
	if (from == gate_input(g) && !hold_last(g, len))
		gate_cut_off(g);
	else
		gate_begin_timer(g);
}

/* Looks at what there is of a head in FROM, which is the input or what is held. */
static void process(struct gate *g, struct evbuffer *from)
{
	size_t len = evbuffer_get_length(from);
	const char *text = (const char *)evbuffer_pullup(from, -1);
	struct framing_fault bad;
	struct framing_head h;

	if (len > 0 && !text) {
		gate_cut_off(g);
		return;
	}
	switch (framing_reader_head(&g->reader, text, len, &h, &bad)) {
	case FRAMING_STEP_MORE:
		wait_for_head(g, from);
		return;
	case FRAMING_STEP_EMPTY:
		evbuffer_drain(from, 2);
		process(g, from);
		return;
	case FRAMING_STEP_HEAD:
		take_head(g, from, &h);
		return;
	case FRAMING_STEP_REFUSED:
		gate_refuse(g, bad.status, bad.why);
		return;
	}
}

/* ---- what comes, by state ---- */

static void on_head(struct gate *g, size_t n)
{
	(void)n;
	if (g->rules->silent)
		g->rules->silent(g->owner, true);
	if (gate_held(g) > 0 && evbuffer_add_buffer(g->held, gate_input(g)) < 0)
		gate_cut_off(g);
	else
		process(g, gate_held(g) > 0 ? g->held : gate_input(g));
}

static void on_ahead(struct gate *g, size_t n)
{
	size_t limit = GATE_AHEAD + (g->state == GATE_ASKING ? g->reader.head_len : 0);

	if (!hold_last(g, n))
		gate_cut_off(g);
	else if (gate_held(g) >= limit)
		bufferevent_disable(g->bev, EV_READ);
}

/* Follows a chunked body over the last N bytes of the input, a piece of memory at a time. */
static bool follow_pieces(struct gate *g, size_t n, size_t *used_r)
{
	struct evbuffer *in = gate_input(g);
	struct evbuffer_iovec pieces[8];
	struct evbuffer_ptr at;
	size_t done = 0;

	*used_r = 0;
	while (done < n && !framing_reader_complete(&g->reader)) {
		int got;

		evbuffer_ptr_set(in, &at, evbuffer_get_length(in) - n + done, EVBUFFER_PTR_SET);
		got = evbuffer_peek(in, (ev_ssize_t)(n - done), &at, pieces, 8);
		for (int i = 0; i < got && i < 8 && !framing_reader_complete(&g->reader); i++) {
			size_t len = pieces[i].iov_len, used;

			if (len > n - done)
				len = n - done;
			if (!follow(g, pieces[i].iov_base, len, &used))
				return false;
			done += len;
			*used_r += used;
		}
	}
	return true;
}

static void on_body(struct gate *g, size_t n)
{
	size_t used;

	if (!framing_reader_counts(&g->reader, n)) {
		if (!follow_pieces(g, n, &used))
			return;
	} else if (!follow(g, NULL, n, &used)) {
		return;
	}
	if (used < n && !hold_last(g, n - used))
		gate_cut_off(g);
	else if (framing_reader_complete(&g->reader))
		settle(g);
}

static void on_linger(struct gate *g, size_t n)
{
	(void)n;
	evbuffer_drain(gate_input(g), evbuffer_get_length(gate_input(g)));
}

static void on_input(struct evbuffer *in, const struct evbuffer_cb_info *info, void *arg)
{
	static void (*const steps[])(struct gate * g, size_t n) = {
		[GATE_HEAD] = on_head,	[GATE_ASKING] = on_ahead,  [GATE_BODY] = on_body,
		[GATE_BUSY] = on_ahead, [GATE_LINGER] = on_linger,
	};
	struct gate *g = arg;

	(void)in;
	if (info->n_added == 0 || g->inside || g->moving)
		return;
	g->inside = true;
	steps[g->state](g, info->n_added);
	g->inside = false;
}

/* evhttp is ready for the next request, and something of it is here. */
static void on_go(evutil_socket_t fd, short what, void *arg)
{
	struct gate *g = arg;

	(void)fd;
	(void)what;
	if (g->state != GATE_HEAD || gate_held(g) == 0)
		return;
	process(g, g->held);
}

/* ---- what others ask ---- */

void gate_decide(struct gate *g, int code, const char *why)
{
	g->ticket = NULL;
	g->verdict = code;
	g->why = why;
	if (code == 0)
		admit(g, g->held);
	else
		cut(g, g->held);
}

bool gate_close(const struct gate *g)
{
	return g->close;
}

int gate_verdict(const struct gate *g, const char **why_r)
{
	*why_r = g->why;
	return g->verdict;
}

bool gate_may_read(const struct gate *g)
{
	return gate_held(g) < GATE_AHEAD;
}

bool gate_unread(const struct gate *g)
{
	return g->cut || gate_held(g) > 0;
}

void gate_untimed(struct gate *g)
{
	g->untimed = true;
}

void gate_next(struct gate *g)
{
	const struct timeval *idle = timerisset(&g->rules->idle) ? &g->rules->idle : NULL;

	if (g->untimed)
		bufferevent_set_timeouts(g->bev, idle, idle);
	g->untimed = false;
	gate_count_next(g);
	framing_reader_next(&g->reader);
	g->close = g->cut = false;
	g->verdict = 0;
	free(g->origin);
	g->origin = NULL;
	gate_set_state(g, GATE_HEAD);
	if (gate_held(g) > 0)
		event_active(&g->go, EV_TIMEOUT, 0);
}

/* ---- lifetime ---- */

struct gate *gate_new(const struct gate_rules *r, struct bufferevent *bev, void *owner)
{
	struct gate *g = calloc(1, sizeof *g);

	if (!g)
		return NULL;
	g->rules = r;
	g->owner = owner;
	g->bev = bev;
	g->reader.max_head = r->max_headers;
	g->reader.max_body = r->max_body;
	if (gate_count_begin(g) < 0 || !evbuffer_add_cb(gate_input(g), on_input, g)) {
		gate_count_end(g);
		free(g);
		return NULL;
	}
	event_assign(&g->go, r->base, -1, 0, on_go, g);
	event_assign(&g->timer, r->base, -1, 0, gate_on_timer, g);
	return g;
}

void gate_adopt(struct gate *g, struct evhttp_connection *con)
{
	g->con = con;
	gate_set_state(g, GATE_HEAD);
}

void gate_free(struct gate **gp)
{
	struct gate *g = *gp;

	*gp = NULL;
	if (!g)
		return;
	if (g->ticket)
		g->rules->hooks.forget(g->rules->hooks.arg, g->ticket);
	evbuffer_remove_cb(gate_input(g), on_input, g);
	gate_count_end(g);
	event_del(&g->go);
	event_del(&g->timer);
	if (g->held)
		evbuffer_free(g->held);
	free(g->origin);
	free(g);
}
