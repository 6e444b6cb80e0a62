/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "http/httpc.h"

#include <curl/curl.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/budget.h"
#include "base/defer.h"
#include "base/turns.h"
#include "text/url.h"

#define CONNECT_TIMEOUT_MS 10000
#define MAX_CONNECTIONS	   64 /* kept open for the next request */
#define MAX_IDLE_S	   4  /* and how long: servers close them after 5 s and more */
#define KEEPALIVE_S	   30

struct httpc_request {
	TAILQ_ENTRY(httpc_request) link;
	struct httpc *h;
	CURL *easy;
	struct curl_slist *headers;
	const struct httpc_events *events; /* NULL: cancelled */
	void *arg;
	struct defer starting, freeing, resuming;
	struct budget_part held; /* the body that is sent */
	char error[CURL_ERROR_SIZE];
	bool head_told, allow_link_local, refused, once, sent, sent_again, paused;
};

struct httpc {
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
	TAILQ_HEAD(, httpc_request) requests;
	size_t n;
	bool inside; /* of libcurl, which allows nothing new to be begun there */
};

/* ---- the loop ---- */

static void check_done(struct httpc *h);

static void act(struct httpc *h, curl_socket_t fd, int action)
{
	int running;

	h->inside = true;
	curl_multi_socket_action(h->multi, fd, action, &running);
	h->inside = false;
	check_done(h);
}

static void on_socket_event(evutil_socket_t fd, short what, void *arg)
{
	struct httpc *h = arg;
	int action =
		(what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);

	act(h, fd, action);
}

static void on_timer_event(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

/* libcurl wants to hear of something else on a socket; EV is what we gave it for that socket. */
static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *ev)
{
	struct httpc *h = arg;
	short events = EV_PERSIST;

	(void)easy;
	if (ev)
		event_free(ev);
	if (what == CURL_POLL_REMOVE) {
		curl_multi_assign(h->multi, fd, NULL);
		return 0;
	}
	events |= what & CURL_POLL_IN ? EV_READ : 0;
	events |= what & CURL_POLL_OUT ? EV_WRITE : 0;
	ev = event_new(h->base, fd, events, on_socket_event, h);
	if (ev && event_add(ev, NULL) < 0) {
		event_free(ev);
		ev = NULL;
	}
	curl_multi_assign(h->multi, fd, ev);
	return ev ? 0 : -1;
}

static int on_curl_timer(CURLM *multi, long ms, void *arg)
{
	struct httpc *h = arg;
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	(void)multi;
	if (ms < 0)
		return event_del(h->timer);
	return event_add(h->timer, &tv);
}

/* ---- what libcurl tells of a request ---- */

static void free_later(void *arg)
{
	struct httpc_request *r = arg;

	/* Here, because libcurl forbids it inside its own callbacks. */
	defer_cancel(&r->starting);
	defer_cancel(&r->resuming);
	if (r->easy) {
		curl_multi_remove_handle(r->h->multi, r->easy);
		curl_easy_cleanup(r->easy);
	}
	curl_slist_free_all(r->headers);
	TAILQ_REMOVE(&r->h->requests, r, link);
	r->h->n--;
	budget_end(&r->held);
	free(r);
}

static int httpc_status(const struct httpc_request *r)
{
	long status = 0;

	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

static void tell_head(struct httpc_request *r)
{
	if (r->head_told || !r->events)
		return;
	r->head_told = true;
	r->events->on_head(r, httpc_status(r), r->arg);
}

static size_t on_curl_data(char *bytes, size_t size, size_t n, void *arg)
{
	struct httpc_request *r = arg;

	turns_doing("answers of HTTP servers", NULL);
	tell_head(r);
	if (r->events)
		r->events->on_data(r, bytes, size * n, r->arg);
	return r->events ? size * n : 0; /* 0: enough */
}

/* The empty line that ends the head; so a stream that is silent at first is known to have begun. */
static size_t on_curl_header(char *bytes, size_t size, size_t n, void *arg)
{
	struct httpc_request *r = arg;

	if (size * n == 2 && memcmp(bytes, "\r\n", 2) == 0 && httpc_status(r) >= 200)
		tell_head(r);
	return size * n;
}

/* A peer that is gone without a word (power, network) is noticed within a minute or so: streams
 * stay open for days, and long calls are silent. Where the system cannot, it takes longer. */
static void watch_peer(int fd)
{
	int on = 1, idle = KEEPALIVE_S, interval = KEEPALIVE_S / 3, count = 3;
	unsigned unacknowledged_ms = KEEPALIVE_S * 2 * 1000;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof unacknowledged_ms);
}

/* Every address a name resolves to comes by here before it is connected to. */
static curl_socket_t on_curl_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct httpc_request *r = arg;
	int fd;

	(void)purpose;
	if (!r->allow_link_local && url_address_is_link_local(&address->addr)) {
		r->refused = true;
		return CURL_SOCKET_BAD;
	}
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (fd >= 0)
		watch_peer(fd);
	return fd;
}

/* A connection is there, and the request is about to be sent on it. Where an idle connection turns
 * out to be closed, libcurl sends the request again on another; but whether the server had read it
 * before it closed, nobody knows. */
static int on_curl_send(void *arg, char *to, char *from, int to_port, int from_port)
{
	struct httpc_request *r = arg;

	(void)to, (void)from, (void)to_port, (void)from_port;
	r->sent_again = r->sent;
	r->sent = true;
	return r->sent_again && r->once ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static int refuse_link_local(struct err *e)
{
	return err_set(e, ERR_DENIED, "addresses of the local link are refused (allowLinkLocal)");
}

static void fill_error(const struct httpc_request *r, CURLcode code, struct err *e)
{
	const char *text = r->error[0] != '\0' ? r->error : curl_easy_strerror(code);

	if (code == CURLE_ABORTED_BY_CALLBACK && r->sent)
		text = "the connection was closed before the answer";

	if (r->refused)
		refuse_link_local(e);
	else if (code == CURLE_SSL_CONNECT_ERROR && strstr(text, "wrong version number"))
		err_set(e, ERR_IO, "the server speaks plain HTTP: use http:// (%s)", text);
	else
		err_set(e, code == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_IO, "%s", text);
}

static void finish(struct httpc_request *r, CURLcode code)
{
	const struct httpc_events *events = r->events;
	struct err e;

	if (!events)
		return;
	if (code == CURLE_OK)
		tell_head(r);
	if (!r->events)
		return;
	r->events = NULL;
	defer_call(&r->freeing, free_later, r);
	if (code != CURLE_OK)
		fill_error(r, code, &e);
	events->on_done(r, code == CURLE_OK ? NULL : &e, r->arg);
}

static void check_done(struct httpc *h)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(h->multi, &left))) {
		struct httpc_request *r = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&r);
		if (r)
			finish(r, msg->data.result);
	}
}

/* ---- requests ---- */

static int set_headers(struct httpc_request *r, const char *const *headers)
{
	/* libcurl would wait a second for "100 Continue" with larger bodies. */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");

	r->headers = list;
	for (; list != NULL && headers && *headers; headers++) {
		list = curl_slist_append(r->headers, *headers);
		if (list)
			r->headers = list;
	}
	return list ? 0 : ERR_NOMEM;
}

static bool set_body(CURL *easy, const struct httpc_spec *spec)
{
	if (!spec->body)
		return strcmp(spec->method, "GET") == 0 ||
		       curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, spec->method) == CURLE_OK;
	return curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)spec->len) ==
		       CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, spec->body) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, spec->method) == CURLE_OK;
}

/* 0 where each of them was taken. */
static int set_callbacks(CURL *c, struct httpc_request *r)
{
	int rc = 0;

	rc |= (int)curl_easy_setopt(c, CURLOPT_PRIVATE, r);
	rc |= (int)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, r->error);
	rc |= (int)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_curl_data);
	rc |= (int)curl_easy_setopt(c, CURLOPT_WRITEDATA, r);
	rc |= (int)curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_curl_header);
	rc |= (int)curl_easy_setopt(c, CURLOPT_HEADERDATA, r);
	rc |= (int)curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, on_curl_open);
	rc |= (int)curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, r);
	rc |= (int)curl_easy_setopt(c, CURLOPT_PREREQFUNCTION, on_curl_send);
	rc |= (int)curl_easy_setopt(c, CURLOPT_PREREQDATA, r);
	return rc;
}

/* 0 where each of them was taken: a request never goes out with less than it was to have, for
 * instance without its own CA file. */
static int set_rules(CURL *c, const struct httpc_spec *spec)
{
	long connect_ms = (long)(spec->connect_timeout_ms > 0 ? spec->connect_timeout_ms
							      : CONNECT_TIMEOUT_MS);
	int rc = 0;

	rc |= (int)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	rc |= (int)curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	rc |= (int)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
	rc |= (int)curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)spec->timeout_ms);
	rc |= (int)curl_easy_setopt(c, CURLOPT_MAXAGE_CONN, (long)MAX_IDLE_S);
	/* What is encoded all the same is decoded. */
	rc |= (int)curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "identity");
	rc |= (int)curl_easy_setopt(c, CURLOPT_USERAGENT, "mcpd/" PACKAGE_VERSION);
	if (spec->ca_file)
		rc |= (int)curl_easy_setopt(c, CURLOPT_CAINFO, spec->ca_file);
	/* Who is on the way of a proxy is not on this machine. */
	if (url_is_loopback(spec->url))
		rc |= (int)curl_easy_setopt(c, CURLOPT_PROXY, "");
	rc |= (int)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	rc |= (int)curl_easy_setopt(c, CURLOPT_URL, spec->url);
	return rc;
}

static bool set_options(struct httpc_request *r, const struct httpc_spec *spec)
{
	CURL *c = r->easy;

	return set_callbacks(c, r) == 0 && set_rules(c, spec) == 0 && set_body(c, spec) &&
	       set_headers(r, spec->headers) == 0 &&
	       curl_easy_setopt(c, CURLOPT_HTTPHEADER, r->headers) == CURLE_OK;
}

/* Refused or under way, from the loop. */
static void start_later(void *arg)
{
	struct httpc_request *r = arg;

	if (r->refused)
		finish(r, CURLE_COULDNT_CONNECT);
	else if (r->events && curl_multi_add_handle(r->h->multi, r->easy) != CURLM_OK)
		finish(r, CURLE_OUT_OF_MEMORY);
}

/* Libcurl's callbacks are where the next request is thought of, but not where it may begin. */
static bool begin(struct httpc_request *r)
{
	if (!r->h->inside && !r->refused)
		return curl_multi_add_handle(r->h->multi, r->easy) == CURLM_OK;
	defer_call(&r->starting, start_later, r);
	return true;
}

int httpc_start(struct httpc *h, const struct httpc_spec *spec, const struct httpc_events *events,
		void *arg, struct httpc_request **r_r, struct err *e)
{
	struct httpc_request *r = calloc(1, sizeof *r);

	if (!r)
		return err_set(e, ERR_NOMEM, "out of memory");
	r->h = h;
	r->events = events;
	r->arg = arg;
	r->allow_link_local = spec->allow_link_local;
	/* A proxy would connect to it for us, and on_curl_open() sees the proxy alone. */
	r->refused = !spec->allow_link_local && url_is_link_local(spec->url);
	r->once = spec->once;
	budget_move(&r->held, spec->budget);
	budget_add(&r->held, spec->body ? budget_block(spec->len) : 0);
	TAILQ_INSERT_TAIL(&h->requests, r, link);
	h->n++;
	r->easy = curl_easy_init();
	if (!r->easy || !set_options(r, spec) || !begin(r)) {
		r->events = NULL;
		free_later(r);
		return err_set(e, ERR_NOMEM, "the request to %.200s could not be made", spec->url);
	}
	*r_r = r;
	return 0;
}

void httpc_cancel(struct httpc_request **rp)
{
	struct httpc_request *r = *rp;

	*rp = NULL;
	if (!r || !r->events)
		return;
	r->events = NULL;
	defer_call(&r->freeing, free_later, r);
}

void httpc_pause(struct httpc_request *r)
{
	defer_cancel(&r->resuming);
	if (!r->events || r->paused)
		return;
	r->paused = curl_easy_pause(r->easy, CURLPAUSE_RECV) == CURLE_OK;
}

/* Not inside of libcurl's callbacks, and libcurl may call back from here. */
static void resume_later(void *arg)
{
	struct httpc_request *r = arg;
	struct httpc *h = r->h;
	bool was_inside = h->inside;

	if (!r->events)
		return;
	r->paused = false;
	h->inside = true;
	curl_easy_pause(r->easy, CURLPAUSE_CONT);
	h->inside = was_inside;
}

void httpc_resume(struct httpc_request *r)
{
	if (r->paused)
		defer_call(&r->resuming, resume_later, r);
}

const char *httpc_header(struct httpc_request *r, const char *name)
{
	struct curl_header *header;

	return curl_easy_header(r->easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK
		       ? header->value
		       : NULL;
}

/* Whether a redirect with STATUS is followed with METHOD. */
static bool keeps_method(int status, const char *method)
{
	return status == 307 || status == 308 || (method && strcmp(method, "GET") == 0);
}

static bool is_redirect(int status)
{
	return (status >= 301 && status <= 303) || status == 307 || status == 308;
}

int httpc_redirect(struct httpc_request *r, unsigned *n, char **to_r, struct err *e)
{
	const char *to = httpc_header(r, "Location"), *from = NULL, *method = NULL;
	int status = httpc_status(r), rc;
	struct err why = {0};

	*to_r = NULL;
	if (!to || !is_redirect(status))
		return 0;
	if (*n >= HTTPC_MAX_REDIRECTS)
		return err_set(e, ERR_PROTOCOL,
			       "redirects more than %d times, which is not followed",
			       HTTPC_MAX_REDIRECTS);
	curl_easy_getinfo(r->easy, CURLINFO_EFFECTIVE_URL, &from);
	curl_easy_getinfo(r->easy, CURLINFO_EFFECTIVE_METHOD, &method);
	rc = from ? url_redirect(from, to, to_r, &why) : ERR_NOMEM;
	if (rc == ERR_NOMEM)
		return err_set(e, rc, "out of memory");
	if (rc < 0)
		return err_set(e, rc, "redirects elsewhere (HTTP %d), which is not followed: %s",
			       status, why.text);
	++*n;
	if (keeps_method(status, method))
		return 0;
	free(*to_r);
	*to_r = NULL;
	return err_set(e, ERR_PROTOCOL,
		       "redirects with HTTP %d, which is not followed for %.20s: only 307 and 308 "
		       "keep the method",
		       status, method != NULL ? method : "this method");
}

int64_t httpc_date(const char *text)
{
	return curl_getdate(text, NULL);
}

bool httpc_sent_again(const struct httpc_request *r)
{
	return r->sent_again;
}

/* ---- itself ---- */

struct httpc *httpc_new(struct event_base *base, struct err *e)
{
	struct httpc *h = calloc(1, sizeof *h);

	if (!h || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(h);
		err_set(e, ERR_NOMEM, "libcurl could not be set up");
		return NULL;
	}
	TAILQ_INIT(&h->requests);
	h->base = base;
	h->multi = curl_multi_init();
	h->timer = evtimer_new(base, on_timer_event, h);
	if (!h->multi || !h->timer) {
		httpc_free(&h);
		err_set(e, ERR_NOMEM, "libcurl could not be set up");
		return NULL;
	}
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)MAX_CONNECTIONS);
	return h;
}

void httpc_free(struct httpc **hp)
{
	struct httpc *h = *hp;
	struct httpc_request *r;

	*hp = NULL;
	if (!h)
		return;
	while ((r = TAILQ_FIRST(&h->requests))) {
		finish(r, CURLE_ABORTED_BY_CALLBACK);
		defer_cancel(&r->freeing);
		free_later(r);
	}
	if (h->multi)
		curl_multi_cleanup(h->multi);
	if (h->timer)
		event_free(h->timer);
	free(h);
	curl_global_cleanup();
}
