/* SPDX-License-Identifier: ISC */
#include "support.h"

#include "fake_exchange.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "base/bearer.h"
#include "lib/err.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"

#define MAX_HEADERS 8

struct exchange {
	TAILQ_ENTRY(exchange) link;
	enum fake_outcome outcome;
	bool streaming, left;
	int status, begin_rc, write_rc;
	size_t backlog;
	struct evbuffer *body;
	char *text;
	char *headers[MAX_HEADERS]; /* of the answer: "Name: value" */
	size_t n_headers;
	enum exchange_method method;
	char *path, *asked; /* asked: the headers of the request */
	char *value;	    /* the last one that was asked for */
	char *user;
	struct bearer *bearer;
	exchange_challenge_fn challenge;
	void *challenge_arg;
	char *request;
	size_t request_len;
	exchange_gone_fn gone;
	void *gone_arg;
};

static TAILQ_HEAD(, exchange) all = TAILQ_HEAD_INITIALIZER(all);
static size_t live;

static void end(struct exchange *x, enum fake_outcome outcome)
{
	x->outcome = outcome;
	x->gone = NULL;
	live--;
}

/* Whether the owner may still do something with X, which is so as long as it has not ended it.
 * False: the client has left, and the end that the owner comes with changes nothing for anybody. */
static bool usable(struct exchange *x, bool ending)
{
	if (x->outcome != FAKE_OPEN)
		fail_msg("an exchange is used after its end (%d)", (int)x->outcome);
	if (x->left && ending)
		end(x, FAKE_LEFT);
	return !x->left;
}

/* Headers and body live until the answer begins. */
static void forget_request(struct exchange *x)
{
	free(x->asked);
	free(x->value);
	free(x->request);
	x->asked = x->value = x->request = NULL;
	x->request_len = 0;
}

struct exchange *fake_exchange(void)
{
	struct exchange *x = calloc(1, sizeof *x);

	assert_non_null(x);
	x->body = evbuffer_new();
	assert_non_null(x->body);
	x->method = EXCHANGE_POST;
	TAILQ_INSERT_TAIL(&all, x, link);
	live++;
	return x;
}

struct exchange *fake_request(enum exchange_method method, const char *path, const char *headers,
			      const char *body, size_t len)
{
	struct exchange *x = fake_exchange();

	x->method = method;
	x->path = strdup(path);
	x->asked = strdup(headers);
	x->request = malloc(len + 1);
	assert_true(x->path != NULL && x->asked != NULL && x->request != NULL);
	if (len > 0)
		memcpy(x->request, body, len);
	x->request_len = len;
	return x;
}

void fake_leave(struct exchange *x)
{
	exchange_gone_fn fn = x->gone;

	assert_int_equal(x->outcome, FAKE_OPEN);
	x->left = true;
	x->gone = NULL;
	if (!fn)
		return;
	fn(x, x->gone_arg);
	if (x->outcome == FAKE_OPEN)
		end(x, FAKE_LEFT);
}

void fake_set_backlog(struct exchange *x, size_t bytes)
{
	x->backlog = bytes;
}

void fake_fail_begin(struct exchange *x, int rc)
{
	x->begin_rc = rc;
}

void fake_fail_write(struct exchange *x, int rc)
{
	x->write_rc = rc;
}

enum fake_outcome fake_outcome(const struct exchange *x)
{
	return x->outcome;
}

bool fake_streaming(const struct exchange *x)
{
	return x->streaming;
}

int fake_status(const struct exchange *x)
{
	return x->status;
}

const char *fake_text(struct exchange *x)
{
	size_t len = evbuffer_get_length(x->body);

	free(x->text);
	x->text = calloc(1, len + 1);
	assert_non_null(x->text);
	evbuffer_copyout(x->body, x->text, len);
	return x->text;
}

const char *fake_answer_header(const struct exchange *x, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < x->n_headers; i++)
		if (strncasecmp(x->headers[i], name, n) == 0 && x->headers[i][n] == ':')
			return x->headers[i] + n + 2;
	return NULL;
}

/* One line of an event. */
static void event_line(json_t *event, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	size_t name = colon ? (size_t)(colon - line) : len;
	const char *value = colon + 2;
	size_t n;

	if (!colon || name + 2 > len || colon[1] != ' ')
		fail_msg("no SSE line: %.*s", (int)len, line);
	n = len - name - 2;
	if (strncmp(line, "id", name) == 0)
		json_object_set_new(event, "id", json_stringn(value, n));
	else if (strncmp(line, "retry", name) == 0)
		json_object_set_new(event, "retry", json_integer(strtol(value, NULL, 10)));
	else if (strncmp(line, "data", name) == 0 && n == 0)
		json_object_set_new(event, "data", json_string(""));
	else if (strncmp(line, "data", name) == 0)
		json_object_set_new(event, "data", json_loadb(value, n, 0, NULL));
	else if (strncmp(line, "event", name) != 0 || n != 7 || strncmp(value, "message", 7) != 0)
		fail_msg("unexpected SSE line: %.*s", (int)len, line);
}

/* Adds what is complete in TEXT to EVENTS (which may be NULL); returns how many comments there are.
 */
static size_t parse(const char *text, json_t *events)
{
	json_t *event = json_object();
	size_t comments = 0;

	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		assert_int_equal(text[len], '\n'); /* frames are written whole */
		if (text[0] == ':')
			comments++;
		else if (len > 0)
			event_line(event, text, len);
		else if (json_object_size(event) > 0) {
			json_array_append(events, event);
			json_decref(event);
			event = json_object();
		}
		text += len + 1;
	}
	assert_int_equal(json_object_size(event), 0);
	json_decref(event);
	return comments;
}

json_t *fake_events(struct exchange *x)
{
	json_t *events = json_array();

	assert_true(x->streaming);
	parse(fake_text(x), events);
	return events;
}

size_t fake_comments(struct exchange *x)
{
	return x->streaming ? parse(fake_text(x), NULL) : 0;
}

void fake_exchanges_free(void)
{
	struct exchange *x;
	size_t open = live;

	while ((x = TAILQ_FIRST(&all))) {
		TAILQ_REMOVE(&all, x, link);
		for (size_t i = 0; i < x->n_headers; i++)
			free(x->headers[i]);
		evbuffer_free(x->body);
		free(x->text);
		free(x->path);
		free(x->user);
		bearer_unref(&x->bearer);
		forget_request(x);
		free(x);
	}
	live = 0;
	if (open > 0)
		fail_msg("%zu exchanges were never ended", open);
}

/* ---- what exchange.h declares ---- */

int exchange_set_user(struct exchange *x, const char *user)
{
	char *holder = user ? malloc(strlen(user) + 6) : NULL;

	if (user && !holder)
		return ERR_NOMEM;
	if (holder)
		strcat(strcpy(holder, "user:"), user);
	free(x->user);
	x->user = holder;
	return 0;
}

const char *exchange_user(const struct exchange *x)
{
	return x->user ? x->user + 5 : NULL;
}

int exchange_verdict(const struct exchange *x, const char **why_r)
{
	(void)x;
	*why_r = NULL;
	return 0;
}

/* The client of a fake is on loopback. */
const char *exchange_holder(struct exchange *x)
{
	return x->user;
}

void exchange_set_bearer(struct exchange *x, struct bearer *b)
{
	bearer_set(&x->bearer, b);
}

struct bearer *exchange_bearer(const struct exchange *x)
{
	return x->bearer;
}

void exchange_on_challenge(struct exchange *x, exchange_challenge_fn fn, void *arg)
{
	x->challenge = fn;
	x->challenge_arg = arg;
}

void exchange_challenge(struct exchange *x, const char *error, const char *why, const char *scope)
{
	if (x->challenge)
		x->challenge(x, error, why, scope, x->challenge_arg);
}

size_t exchange_charge(struct exchange *x, struct budget *b)
{
	(void)x, (void)b;
	return 0;
}

int exchange_take_place(struct exchange *x, struct share *share, struct err *e)
{
	(void)x, (void)share, (void)e;
	return 0;
}

enum exchange_method exchange_method(const struct exchange *x)
{
	return x->method;
}

const char *exchange_path(const struct exchange *x)
{
	return x->path ? x->path : "/mcp";
}

const char *exchange_query(const struct exchange *x)
{
	(void)x;
	return NULL;
}

/* The value of the next header NAME from *AT on, up to the end of its line; NULL: no more. */
static const char *next_header(const char **at, const char *name)
{
	size_t n = strlen(name);

	while (*at && **at != '\0') {
		const char *line = *at;

		*at += strcspn(line, "\n");
		*at += **at == '\n';
		if (strncasecmp(line, name, n) == 0 && line[n] == ':')
			return line + n + 1 + strspn(line + n + 1, " \t");
	}
	return NULL;
}

unsigned exchange_header_count(const struct exchange *x, const char *name)
{
	const char *at = x->asked;
	unsigned n = 0;

	while (next_header(&at, name))
		n++;
	return n;
}

/* The pointer is good until the next call, as that of the real one: a sanitizer sees who keeps it.
 */
const char *exchange_header(struct exchange *x, const char *name)
{
	const char *at = x->asked, *value = next_header(&at, name);
	size_t len = value ? strcspn(value, "\n") : 0;

	free(x->value);
	x->value = NULL;
	while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
		len--;
	if (value)
		x->value = strndup(value, len); /* not counted by failalloc.h */
	return x->value;
}

char *exchange_take_body(struct exchange *x, size_t *len_r)
{
	char *body = malloc(x->request_len + 1);

	if (body)
		memcpy(body, x->request ? x->request : "", x->request_len + 1);
	*len_r = x->request_len;
	return body;
}

const char *exchange_peer(struct exchange *x)
{
	(void)x;
	return "127.0.0.1";
}

int exchange_set_header(struct exchange *x, const char *name, const char *value)
{
	size_t size = strlen(name) + strlen(value) + 3;

	if (!usable(x, false))
		return 0;
	assert_true(x->n_headers < MAX_HEADERS);
	assert_int_equal(x->status, 0);
	x->headers[x->n_headers] = malloc(size);
	if (!x->headers[x->n_headers])
		return ERR_NOMEM;
	snprintf(x->headers[x->n_headers++], size, "%s: %s", name, value);
	return 0;
}

void exchange_reply(struct exchange *x, int status, const char *content_type, const char *body,
		    size_t len)
{
	(void)content_type;
	if (!usable(x, true))
		return;
	assert_false(x->streaming);
	x->status = status;
	evbuffer_add(x->body, body, len);
	forget_request(x);
	end(x, FAKE_REPLIED);
}

void exchange_reply_json(struct exchange *x, int status, const json_t *msg)
{
	size_t len;
	char *text = msg ? jsonrpc_dump(msg, &len) : NULL;

	if (!text) {
		exchange_abort(x);
		return;
	}
	exchange_reply(x, status, "application/json", text, len);
	free(text);
}

void exchange_reply_text(struct exchange *x, int status, struct jsontext *msg)
{
	size_t len;
	const char *text = jsontext_bytes(msg, &len);

	if (text)
		exchange_reply(x, status, "application/json", text, len);
	else
		exchange_abort(x);
}

int exchange_stream_begin(struct exchange *x)
{
	assert_false(x->streaming);
	if (!usable(x, false))
		return ERR_CLOSED;
	if (x->begin_rc != 0)
		return x->begin_rc;
	x->streaming = true;
	x->status = 200;
	forget_request(x);
	return 0;
}

int exchange_stream_write(struct exchange *x, struct evbuffer *data)
{
	int rc = usable(x, false) ? x->write_rc : ERR_CLOSED;

	assert_true(x->streaming);
	if (rc != 0)
		evbuffer_drain(data, evbuffer_get_length(data));
	else
		evbuffer_add_buffer(x->body, data);
	return rc;
}

void exchange_stream_end(struct exchange *x)
{
	if (!usable(x, true))
		return;
	assert_true(x->streaming);
	end(x, FAKE_ENDED);
}

void exchange_abort(struct exchange *x)
{
	if (usable(x, true))
		end(x, FAKE_ABORTED);
}

size_t exchange_backlog(const struct exchange *x)
{
	return x->backlog;
}

void exchange_on_gone(struct exchange *x, exchange_gone_fn fn, void *arg)
{
	if (!usable(x, false))
		return;
	x->gone = fn;
	x->gone_arg = arg;
}

size_t exchange_count(void)
{
	return live;
}
