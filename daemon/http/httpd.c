/* SPDX-License-Identifier: ISC */
#include "http/httpd.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/listener.h>

#include "base/delayq.h"
#include "http/connections.h"
#include "http/exchange.h"
#include "http/gate.h"
#include "http/listener.h"
#include "lib/log.h"

#define PAUSE_SECONDS  1
#define REFUSED_LOG_MS 60000

struct bound {
	SLIST_ENTRY(bound) link;
	struct evhttp_bound_socket *socket;
};

struct httpd {
	LIST_ENTRY(httpd) link;
	struct evhttp *http;
	struct event_base *base;
	httpd_handler handler;
	void *arg;
	struct httpd_limits limits;
	struct exchange_home home;
	struct gate_rules rules;
	struct connections *connections;
	SLIST_HEAD(, bound) bound;
	struct bufferevent *newest; /* of the connection that is being set up; a reference */
	struct event adopt;
	struct event resume;
	int64_t refused_at; /* when the log last said that a connection was refused; 0: never */
	bool paused;	    /* out of descriptors */
	bool paused_logged;
	bool accepting;
	bool freeing;
};

/* libevent hands accept()'s errors to us with evhttp as the argument. */
static LIST_HEAD(, httpd) all = LIST_HEAD_INITIALIZER(all);

/* ---- accepting ---- */

/* Turns the listeners on or off as descriptors and the limit allow. */
static void httpd_steer(struct httpd *h)
{
	static const struct timeval pause = {.tv_sec = PAUSE_SECONDS};
	bool full = connections_full(h->connections);
	bool accepting = !h->paused && !full && !h->freeing;
	struct bound *l;

	if (accepting == h->accepting)
		return;
	h->accepting = accepting;
	/* A connection may have been silent for long enough then. */
	if (full && !h->freeing)
		event_add(&h->resume, &pause);
	SLIST_FOREACH (l, &h->bound, link)
		if (accepting)
			evconnlistener_enable(evhttp_bound_socket_get_listener(l->socket));
		else
			evconnlistener_disable(evhttp_bound_socket_get_listener(l->socket));
}

/* Makes room for a new connection: closes the one that has been silent for longest. */
static void httpd_make_room(struct httpd *h)
{
	struct connection *c = connections_silent(h->connections);

	if (c)
		evhttp_connection_free(c->con);
}

static void httpd_resume(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval pause = {.tv_sec = PAUSE_SECONDS};
	struct httpd *h = arg;

	(void)fd;
	(void)what;
	h->paused = false;
	if (connections_full(h->connections)) {
		event_add(&h->resume, &pause);
		httpd_make_room(h);
	}
	httpd_steer(h);
}

/* accept() failed, most likely with EMFILE: the listener would be readable again at once, for ever.
 */
static void httpd_accept_error(struct evconnlistener *listener, void *arg)
{
	static const struct timeval pause = {.tv_sec = PAUSE_SECONDS};
	int error = errno;
	struct httpd *h;

	(void)listener;
	LIST_FOREACH (h, &all, link)
		if (h->http == arg)
			break;
	if (!h)
		return;
	if (!h->paused_logged)
		log_warn(NULL, "Cannot accept connections: %s; trying again every %d s",
			 strerror(error), PAUSE_SECONDS);
	h->paused_logged = true;
	h->paused = true;
	httpd_steer(h);
	httpd_make_room(h);
	event_add(&h->resume, &pause);
}

/* C is gone, or never came to be. */
static void httpd_forget(struct httpd *h, struct connection *c)
{
	if (c) {
		gate_free(&c->gate);
		connections_remove(h->connections, c);
	}
	httpd_steer(h);
}

/* Hears of every connection's end, by way of its exchange while it has one. */
static void httpd_closed(struct evhttp_connection *con, void *arg)
{
	struct httpd *h = arg;
	struct bufferevent *bev = evhttp_connection_get_bufferevent(con);

	if (h->freeing) {
		/* A last try for answers that were given just now. */
		struct evbuffer *out = bufferevent_get_output(bev);

		evbuffer_unfreeze(out, 1);
		if (evbuffer_get_length(out) > 0)
			evbuffer_write(out, bufferevent_getfd(bev));
		evbuffer_freeze(out, 1);
	}
	httpd_forget(h, connections_find(h->connections, bev));
}

static void httpd_refused(struct httpd *h, const struct err *e)
{
	int64_t now = clock_ms();

	if (h->refused_at != 0 && now - h->refused_at < REFUSED_LOG_MS)
		return;
	h->refused_at = now;
	log_warn(NULL, "A connection was refused: %s", e->text);
}

/* The newest connection has been set up. evhttp does not say so: its pointer is found as the
 * argument of the callbacks that it put on the bufferevent. If it gave up, they are gone. */
static void httpd_adopt(struct httpd *h)
{
	struct bufferevent *bev = h->newest;
	struct connection *c;
	struct err e;
	void *con;

	if (!bev)
		return;
	h->newest = NULL;
	c = connections_find(h->connections, bev);
	bufferevent_getcb(bev, NULL, NULL, NULL, &con);
	if (con && c) {
		evhttp_connection_set_closecb(con, httpd_closed, h);
		gate_adopt(c->gate, con);
		if (connections_place(h->connections, c, con, h->home.peers, evhttp_connection_free,
				      &e) != 0) {
			httpd_refused(h, &e);
			evhttp_connection_free(con);
		}
	} else {
		httpd_forget(h, c);
		/* If it gave up early it did not free the bufferevent either. */
		if (!con && bufferevent_getfd(bev) == -1)
			bufferevent_free(bev);
	}
	bufferevent_decref(bev);
}

static void httpd_adopt_event(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	httpd_adopt(arg);
}

static void httpd_silent(void *owner, bool silent)
{
	connection_set_silent(owner, silent);
}

static const char *httpd_holder(void *owner)
{
	return connection_holder(owner);
}

/* What is known of the connection on BEV from now on; NULL on lack of memory. */
static struct connection *httpd_gated(struct httpd *h, struct bufferevent *bev)
{
	struct connection *c = connections_add(h->connections, bev);

	if (!c)
		return NULL;
	c->gate = gate_new(&h->rules, bev, c);
	if (!c->gate) {
		connections_remove(h->connections, c);
		return NULL;
	}
	return c;
}

/* evhttp wants a bufferevent for a connection that was accepted: our only way to hear of it. Where
 * it gets none it makes one, which would have no gate. */
static struct bufferevent *httpd_connection(struct event_base *base, void *arg)
{
	struct httpd *h = arg;
	struct bufferevent *bev;

	httpd_adopt(h);
	bev = bufferevent_socket_new(base, -1, 0);
	if (!bev)
		return NULL;
	bufferevent_incref(bev);
	h->newest = bev;
	/* Before the connection's own first event, which comes from the kernel. */
	event_active(&h->adopt, EV_TIMEOUT, 0);
	(void)httpd_gated(h, bev);
	h->paused_logged = false;
	if (connections_full(h->connections))
		httpd_make_room(h);
	httpd_steer(h);
	return bev;
}

/* ---- requests ---- */

static void httpd_request(struct evhttp_request *req, void *arg)
{
	struct httpd *h = arg;
	struct evhttp_connection *con = evhttp_request_get_connection(req);
	struct connection *c =
		connections_find(h->connections, evhttp_connection_get_bufferevent(con));
	struct exchange *x;

	/* evhttp ends the connection after a request for an absolute URI. */
	x = c ? exchange_new(req, c->gate, &h->home,
			     gate_close(c->gate) || (req->flags & EVHTTP_PROXY_REQUEST) != 0)
	      : NULL;
	if (!x) {
		evhttp_connection_free(con);
		return;
	}
	h->handler(x, h->arg);
	exchange_settle(x);
}

/* ---- listening ---- */

static int listen_on(struct httpd *h, int fd)
{
	struct bound *l = calloc(1, sizeof *l);
	struct evconnlistener *listener;

	if (!l)
		goto fail;
	listener = evconnlistener_new(h->base, NULL, NULL,
				      LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_CLOSE_ON_FREE, 0, fd);
	if (!listener)
		goto fail;
	evconnlistener_set_error_cb(listener, httpd_accept_error);
	/* Once more, since evconnlistener_new() does not tell whether it could. */
	if (h->accepting ? evconnlistener_enable(listener) != 0
			 : evconnlistener_disable(listener) != 0)
		goto fail_listener;
	l->socket = evhttp_bind_listener(h->http, listener);
	if (!l->socket)
		goto fail_listener;
	SLIST_INSERT_HEAD(&h->bound, l, link);
	return 0;
fail_listener:
	evconnlistener_free(listener); /* closes FD */
	free(l);
	return -1;
fail:
	close(fd);
	free(l);
	return -1;
}

int httpd_listen_fd(struct httpd *h, int fd, char **bound_r, struct err *e)
{
	char *name = NULL;
	int rc = listener_adopt(fd, &name, e);

	if (rc != 0)
		return rc;
	if (listen_on(h, fd) != 0) {
		free(name);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	if (bound_r != NULL)
		*bound_r = name;
	else
		free(name);
	return 0;
}

int httpd_listen(struct httpd *h, const char *address, char **bound_r, struct err *e)
{
	int fds[LISTENER_MAX];
	int n = listener_open(address, fds, e);

	for (int i = 0; i < n; i++) {
		int rc = httpd_listen_fd(h, fds[i], i == 0 ? bound_r : NULL, e);

		if (rc != 0) {
			while (++i < n)
				close(fds[i]);
			return rc;
		}
	}
	return n < 0 ? n : 0;
}

void httpd_stop(struct httpd *h)
{
	struct bound *l;

	h->home.closing = true;
	while ((l = SLIST_FIRST(&h->bound))) {
		SLIST_REMOVE_HEAD(&h->bound, link);
		evhttp_del_accept_socket(h->http, l->socket);
		free(l);
	}
}

/* ---- lifetime ---- */

/* What each exchange and each gate of H gets. */
static void httpd_rules(struct httpd *h, const struct httpd_deps *deps)
{
	h->home.idle.tv_sec = h->limits.idle_seconds;
	h->home.closed = httpd_closed;
	h->home.arg = h;
	h->home.peers = deps->peers;
	h->home.hold = deps->hold;
	h->home.hold_arg = deps->hold_arg;
	h->rules = (struct gate_rules){.base = h->base,
				       .max_body = h->limits.max_body,
				       .max_headers = h->limits.max_headers,
				       .request_ms = h->limits.request_ms,
				       .idle = h->home.idle,
				       .silent = httpd_silent,
				       .holder = httpd_holder};
	if (deps->hooks)
		h->rules.hooks = *deps->hooks;
}

struct httpd *httpd_new(const struct httpd_deps *deps)
{
	const struct connections_limits places = {
		.max = deps->limits->max_connections,
		.max_per_address = deps->limits->max_per_address,
		.percent = deps->limits->share > 0 ? deps->limits->share : 100,
	};
	struct httpd *h = calloc(1, sizeof *h);

	if (!h)
		return NULL;
	h->http = evhttp_new(deps->base);
	h->connections = connections_new(&places);
	if (!h->http || !h->connections) {
		if (h->http)
			evhttp_free(h->http);
		connections_free(&h->connections);
		free(h);
		return NULL;
	}
	h->base = deps->base;
	h->limits = *deps->limits;
	h->handler = deps->handler;
	h->arg = deps->arg;
	h->accepting = true;
	httpd_rules(h, deps);
	event_assign(&h->adopt, h->base, -1, 0, httpd_adopt_event, h);
	event_assign(&h->resume, h->base, -1, 0, httpd_resume, h);
	/* Unknown ones too, which have the highest bit: who may do what is said by the handler. */
	evhttp_set_allowed_methods(h->http, 0xffff);
	evhttp_set_timeout_tv(h->http, &h->home.idle);
	evhttp_set_bevcb(h->http, httpd_connection, h);
	evhttp_set_gencb(h->http, httpd_request, h);
	LIST_INSERT_HEAD(&all, h, link);
	return h;
}

void httpd_free(struct httpd **hp)
{
	struct httpd *h = *hp;

	if (!h)
		return;
	*hp = NULL;
	httpd_stop(h);
	httpd_adopt(h);
	h->freeing = true;
	if (exchange_count() > 0)
		log_error(NULL, "Bug: %zu exchanges were still open at the end", exchange_count());
	evhttp_free(h->http);
	event_del(&h->adopt);
	event_del(&h->resume);
	connections_free(&h->connections);
	LIST_REMOVE(h, link);
	free(h);
}

unsigned httpd_connections(const struct httpd *h)
{
	return connections_count(h->connections);
}
