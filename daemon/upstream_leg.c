/* One HTTP exchange with an upstream, over its redirects and resumptions. */
#include "autoconf.h"

#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "jsonrpc.h"
#include "upstream_impl.h"

#define RETRY_MS      1000
#define RETRY_MAX_MS  30000
#define MAX_RESUMES   5 /* of one answer, without an event in between */
#define CLOSE_MS      5000
#define MAX_REDIRECTS 3

/* ---- a leg and its end ---- */

static void leg_free_later(void *arg)
{
	struct leg *l = arg;

	if (l->retry != NULL)
		event_free(l->retry);
	ssereader_free(&l->sse);
	json_decref(l->msg);
	json_decref(l->id);
	free(l->last_id);
	free(l->body);
	free(l);
}

void leg_rewind(struct leg *l)
{
	ssereader_free(&l->sse);
	free(l->body);
	l->body = NULL;
	l->len = 0;
}

void leg_drop(struct leg *l)
{
	httpc_cancel(&l->req);
	if (l->retry != NULL)
		event_del(l->retry);
	TAILQ_REMOVE(&l->u->legs, l, link);
	defer_call(&l->freeing, leg_free_later, l);
}

/* An answer of ours to the request of this leg. */
void leg_refuse(struct leg *l, const char *fmt, ...)
{
	char text[400], *dump;
	json_t *msg;
	size_t len;
	va_list ap;

	if (l->id == NULL || l->u->events == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	msg = jsonrpc_error(l->id, RPC_INTERNAL_ERROR, text, NULL);
	dump = msg != NULL ? jsonrpc_dump(msg, &len) : NULL;
	json_decref(msg);
	json_decref(l->id);
	l->id = NULL;
	if (dump != NULL)
		l->u->events->on_message(l->u, dump, len, l->u->arg);
	free(dump);
}

struct leg *leg_new(struct upstream *u, enum leg_kind kind)
{
	struct leg *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->u = u;
	l->kind = kind;
	TAILQ_INSERT_TAIL(&u->legs, l, link);
	return l;
}

/* ---- what comes ---- */

/* Remembers what an InitializeResult settles. */
static void note_initialized(struct upstream *u, const json_t *msg)
{
	const char *version = json_string_value(
		json_object_get(json_object_get(msg, "result"), "protocolVersion"));

	if (version != NULL && strlen(version) < sizeof(u->version))
		strcpy(u->version, version);
}

/* Looks whether TEXT answers the request of this leg, then passes it on. */
static void take_message(struct leg *l, const char *text, size_t len)
{
	struct upstream *u = l->u;
	json_t *msg = l->id != NULL ? jsonrpc_parse(text, len, 0, NULL) : NULL;

	if (msg != NULL && json_object_get(msg, "method") == NULL &&
	    jsonrpc_id_equal(json_object_get(msg, "id"), l->id)) {
		if (json_equal(json_object_get(l->msg, "method"),
			       json_object_get(u->initialize, "method")))
			note_initialized(u, msg);
		json_decref(l->id);
		l->id = NULL;
	}
	json_decref(msg);
	if (u->events != NULL && !l->renewing)
		u->events->on_message(u, text, len, u->arg);
}

static void on_event(const struct sse_received *ev, void *arg)
{
	struct leg *l = arg;

	if (ev->id != NULL) {
		char *id = strdup(ev->id);

		if (id != NULL) {
			free(l->last_id);
			l->last_id = id;
		}
	}
	l->resumes = 0;
	if (ev->len > 0 && strcmp(ev->event, "message") == 0)
		take_message(l, ev->data, ev->len);
}

static bool is_type(const char *value, const char *type)
{
	size_t n = strlen(type);

	return value != NULL && strncasecmp(value, type, n) == 0 &&
	       strchr("; \t", value[n]) != NULL;
}

static void on_head(struct httpc_request *r, int status, void *arg)
{
	struct leg *l = arg;
	const char *session = httpc_header(r, "Mcp-Session-Id");
	struct upstream *u = l->u;

	l->status = status;
	if (u->events != NULL && l->kind == LEG_POST && session != NULL && status == 200 &&
	    (u->session == NULL || l->renewing)) {
		free(u->session);
		u->session = strdup(session);
	}
	if (status == 200 && is_type(httpc_header(r, "Content-Type"), "text/event-stream"))
		l->sse = ssereader_new(u->spec.max_message, on_event, l);
}

static void on_data(struct httpc_request *r, const char *bytes, size_t len, void *arg)
{
	struct leg *l = arg;
	char *body;

	(void)r;
	if (l->sse != NULL) {
		if (ssereader_feed(l->sse, bytes, len) == ERR_LIMIT)
			leg_refuse(l, "the upstream sent more than %zu bytes in one event",
				   l->u->spec.max_message);
		return;
	}
	if (l->len + len > l->u->spec.max_message) {
		l->too_long = true;
		return;
	}
	body = realloc(l->body, l->len + len + 1);
	if (body == NULL) {
		l->too_long = true;
		return;
	}
	memcpy(body + l->len, bytes, len);
	l->body = body;
	l->len += len;
	body[l->len] = '\0';
}

/* ---- the end of one exchange ---- */

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct leg *l = arg;

	(void)fd, (void)what;
	if (leg_start(l) < 0) {
		leg_refuse(l, "out of memory");
		leg_drop(l);
	}
}

/* Goes on after MS, resuming where it was. False: not again. */
static bool leg_again(struct leg *l, long ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	leg_rewind(l);
	if (l->retry == NULL)
		l->retry = evtimer_new(l->u->base, on_retry, l);
	return l->retry != NULL && event_add(l->retry, &tv) == 0;
}

/* The stream broke off before everything was there: it is resumed, if the upstream gave it event
 * ids. */
static bool resume(struct leg *l)
{
	long ms =
		l->sse != NULL && ssereader_retry(l->sse) >= 0 ? ssereader_retry(l->sse) : RETRY_MS;

	if (l->kind == LEG_POST && (l->id == NULL || l->last_id == NULL))
		return false;
	if (l->kind == LEG_POST && ++l->resumes > MAX_RESUMES)
		return false;
	if (l->kind == LEG_GET && l->status != 200) {
		l->retry_ms = l->retry_ms == 0 ? RETRY_MS : l->retry_ms * 2;
		ms = l->retry_ms > RETRY_MAX_MS ? RETRY_MAX_MS : l->retry_ms;
	}
	return leg_again(l, ms);
}

/* Same scheme, host and port: a redirect inside the upstream. */
static bool same_origin(const char *a, const char *b)
{
	const char *pa = strstr(a, "://"), *pb = strstr(b, "://");
	size_t na, nb;

	if (pa == NULL || pb == NULL)
		return false;
	na = (size_t)(pa - a) + 3 + strcspn(pa + 3, "/?#");
	nb = (size_t)(pb - b) + 3 + strcspn(pb + 3, "/?#");
	return na == nb && strncasecmp(a, b, na) == 0;
}

/* 307 and 308 keep the method. What leads elsewhere is not followed: it would take the secrets
 * along. */
static bool redirect(struct leg *l, struct httpc_request *r)
{
	const char *to = httpc_header(r, "Location");
	char *url = NULL;

	if ((l->status != 307 && l->status != 308) || to == NULL || ++l->redirects > MAX_REDIRECTS)
		return false;
	if (to[0] == '/' && to[1] != '/') {
		const char *path = strstr(l->u->url, "://");
		int n = (int)((path - l->u->url) + 3 + (long)strcspn(path + 3, "/?#"));

		if (asprintf(&url, "%.*s%s", n, l->u->url, to) < 0)
			url = NULL;
	} else if (same_origin(l->u->url, to)) {
		url = strdup(to);
	}
	if (url == NULL)
		return false;
	free(l->u->url);
	l->u->url = url;
	return leg_again(l, 0);
}

static const char *status_text(const struct leg *l, char *buf, size_t size)
{
	if (l->too_long)
		snprintf(buf, size, "the upstream's answer is larger than %zu bytes",
			 l->u->spec.max_message);
	else if (l->status >= 300 && l->status < 400)
		snprintf(buf, size,
			 "the upstream redirects elsewhere (HTTP %d), which is not followed",
			 l->status);
	else if (l->status == 200 && l->sse != NULL)
		snprintf(buf, size, "the upstream ended the stream without an answer");
	else
		snprintf(buf, size, "the upstream answered HTTP %d without a response", l->status);
	return buf;
}

/* The body of the answer, if it is JSON: a response, or an error with a body of its own. */
static void take_body(struct leg *l)
{
	if (l->sse == NULL && l->len > 0 && !l->too_long && (l->status == 200 || l->id != NULL) &&
	    is_type(httpc_header(l->req, "Content-Type"), "application/json"))
		take_message(l, l->body, l->len);
}

static void on_done(struct httpc_request *r, const struct err *e, void *arg)
{
	struct leg *l = arg;
	struct upstream *u = l->u;
	char text[160];
	const char *why;

	if (e == NULL && u->events != NULL && (redirect(l, r) || upstream_session_lost(l))) {
		l->req = NULL;
		return;
	}
	if (e == NULL && u->events != NULL)
		take_body(l);
	l->req = NULL;
	if (u->events == NULL) {
		/* Closed: from inside, and this leg with it, or this was the goodbye. */
		if (l->kind == LEG_DELETE) {
			leg_drop(l);
			upstream_gone(u);
		}
		return;
	}
	if (l->kind == LEG_GET && e == NULL && l->status >= 400 && l->status < 500) {
		leg_drop(l); /* 405: there is no standalone stream; 404: a POST will find out */
		return;
	}
	if ((e != NULL || l->sse != NULL) && l->kind != LEG_DELETE && resume(l))
		return;
	why = e != NULL ? e->text : status_text(l, text, sizeof(text));
	if (l->renewing)
		upstream_renewed(u, l->id == NULL && l->status == 200, why);
	else
		leg_refuse(l, e != NULL ? "the upstream cannot be reached: %s" : "%s", why);
	if (u->events != NULL)
		leg_drop(l);
}

static const struct httpc_events leg_events = {
	.on_head = on_head,
	.on_data = on_data,
	.on_done = on_done,
};

/* ---- the beginning of one exchange ---- */

/* Adds "NAME: VALUE" to LIST, where there is a value. */
static int add_header(char **list, size_t *n, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return 0;
	if (asprintf(&list[*n], "%s: %s", name, value) < 0) {
		list[*n] = NULL;
		return ERR_NOMEM;
	}
	(*n)++;
	return 0;
}

static int leg_send(struct leg *l, const struct httpc_spec *spec, char **own, size_t n)
{
	const struct upstream *u = l->u;
	struct httpc_spec full = *spec;
	const char **headers;
	size_t extra = 0;
	int rc;

	while (u->spec.headers != NULL && u->spec.headers[extra] != NULL)
		extra++;
	headers = calloc(n + extra + 1, sizeof(*headers));
	if (headers == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		headers[i] = own[i];
	for (size_t i = 0; i < extra; i++)
		headers[n + i] = u->spec.headers[i];
	full.headers = headers;
	full.url = u->url;
	full.ca_file = u->spec.ca_file;
	full.allow_link_local = u->spec.allow_link_local;
	rc = httpc_start(u->httpc, &full, &leg_events, l, &l->req, NULL);
	free(headers);
	return rc;
}

int leg_start(struct leg *l)
{
	static const char *const methods[] = {"POST", "GET", "DELETE"};
	const struct upstream *u = l->u;
	bool post = l->kind == LEG_POST && l->last_id == NULL;
	bool handshake = l->msg != NULL && l->msg == u->initialize;
	struct httpc_spec spec = {.method = l->last_id != NULL ? "GET" : methods[l->kind]};
	char *own[6] = {NULL}, *body = NULL;
	size_t n = 0;
	int rc = 0;

	if (l->kind == LEG_DELETE)
		spec.timeout_ms = CLOSE_MS;
	if (post) {
		body = jsonrpc_dump(l->msg, &spec.len);
		spec.body = body;
		rc |= body != NULL ? add_header(own, &n, "Content-Type", "application/json")
				   : ERR_NOMEM;
	}
	rc |= add_header(own, &n, "Accept",
			 post ? "application/json, text/event-stream" : "text/event-stream");
	rc |= add_header(own, &n, "Last-Event-ID", l->last_id);
	if (!handshake) {
		rc |= add_header(own, &n, "Mcp-Session-Id", u->session);
		rc |= add_header(own, &n, "MCP-Protocol-Version", u->version);
	}
	if (rc == 0)
		rc = leg_send(l, &spec, own, n);
	for (size_t i = 0; i < n; i++)
		free(own[i]);
	free(body);
	return rc;
}
