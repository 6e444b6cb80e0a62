/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "base/bearer.h"
#include "base/heap.h"
#include "http/exchange_impl.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>

#include "http/gate.h"
#include "http/peer.h"
#include "lib/err.h"

#define USER_HOLDER "user:"

enum exchange_method exchange_method(const struct exchange *x)
{
	if (!x->req)
		return EXCHANGE_OTHER;
	switch (evhttp_request_get_command(x->req)) {
	case EVHTTP_REQ_GET:
		return EXCHANGE_GET;
	case EVHTTP_REQ_HEAD:
		return EXCHANGE_HEAD;
	case EVHTTP_REQ_POST:
		return EXCHANGE_POST;
	case EVHTTP_REQ_DELETE:
		return EXCHANGE_DELETE;
	case EVHTTP_REQ_OPTIONS:
		return EXCHANGE_OPTIONS;
	case EVHTTP_REQ_PUT:
	case EVHTTP_REQ_TRACE:
	case EVHTTP_REQ_CONNECT:
	case EVHTTP_REQ_PATCH:
		break;
	}
	return EXCHANGE_OTHER;
}

/* Where path and query begin in the request target (RFC 9112 section 3.2), as it was sent: libevent
 * takes "//x/mcp" for a host and a path. NULL: it has none, or it is for another host than the Host
 * header says, which a client must not do. */
static const char *target_of(struct exchange *x)
{
	const char *target = evhttp_request_get_uri(x->req), *host;
	size_t scheme, len;

	if (!target || target[0] == '/')
		return target;
	scheme = strncasecmp(target, "http://", 7) == 0	   ? 7
		 : strncasecmp(target, "https://", 8) == 0 ? 8
							   : 0;
	len = strcspn(target + scheme, "/?#");
	host = exchange_header(x, "Host");
	if (scheme == 0 || len == 0 ||
	    (host && (strlen(host) != len || strncasecmp(target + scheme, host, len) != 0)))
		return NULL;
	target += scheme + len;
	return *target == '/' ? target : "/";
}

static int hex(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Whether PATH is encoded as a client has to and no further, so that two paths that look different
 * are not one: no letter, digit, "-", ".", "_" or "~" (RFC 3986 section 2.3), and no slash, which
 * would become another part of the path, and no NUL. */
static bool is_plainly_encoded(const char *path)
{
	for (; (path = strchr(path, '%')) != NULL; path++) {
		int c;

		if (!isxdigit((unsigned char)path[1]) || !isxdigit((unsigned char)path[2]))
			return false;
		c = hex(path[1]) << 4 | hex(path[2]);
		if ((c < 0x80 && isalnum(c)) || c == '\0' || strchr("-._~/", c))
			return false;
	}
	return true;
}

int exchange_read_path(struct exchange *x)
{
	const char *target = target_of(x);
	char *path;

	x->path = "";
	if (!target)
		return 0;
	path = strndup(target, strcspn(target, "?"));
	if (!path)
		return ERR_NOMEM;
	if (is_plainly_encoded(path)) {
		x->decoded = evhttp_uridecode(path, 0, NULL);
		x->path = x->decoded;
	}
	free(path);
	return x->path ? 0 : ERR_NOMEM;
}

const char *exchange_path(const struct exchange *x)
{
	return x->path;
}

const char *exchange_query(const struct exchange *x)
{
	const char *target = x->req ? evhttp_request_get_uri(x->req) : NULL;
	const char *query = target ? strchr(target, '?') : NULL;

	return query ? query + 1 : NULL;
}

/* Most names differ in their first letter, and a request has its headers looked up many times. */
static bool is_named(const struct evkeyval *field, const char *name)
{
	return (field->key[0] | 0x20) == (name[0] | 0x20) && strcasecmp(field->key, name) == 0;
}

/* The address that counts, by the headers from the last one to the first. */
static void find_client(const struct exchange *x, struct peer_walk *w)
{
	const struct sockaddr *sa = evhttp_connection_get_addr(x->con);
	const char *name = peer_rules_header(x->home->peers);
	const struct evkeyval *field;
	struct netaddr tcp;

	netaddr_of(&tcp, sa);
	if (!peer_begin(w, x->home->peers, &tcp))
		return;
	TAILQ_FOREACH_REVERSE (field, x->req->input_headers, evkeyvalq, next)
		if (is_named(field, name) && !peer_line(w, field->value))
			return;
}

void exchange_read_client(struct exchange *x)
{
	struct peer_walk w;

	if (x->client_known || !x->con || !x->req)
		return;
	find_client(x, &w);
	x->address = w.client;
	x->shared = w.shared;
	x->client_known = true;
}

/* The text of the address, which most requests never need. */
static void write_client(struct exchange *x)
{
	char text[NETADDR_TEXT], network[NETADDR_TEXT];
	const char *share = text; /* an IPv4 address has one of its own, IPv6 has it by network */
	const size_t before = sizeof EXCHANGE_ADDRESS_HOLDER - 1;
	size_t share_size, text_size;

	exchange_read_client(x);
	if (x->client || !x->client_known)
		return;
	netaddr_text(&x->address, text);
	if (x->address.bits == 128) {
		netaddr_client(&x->address, network);
		share = network;
	}
	share_size = strlen(share) + 1;
	text_size = strlen(text) + 1;
	x->client = malloc(before + share_size + text_size);
	if (!x->client)
		return;
	memcpy(x->client, EXCHANGE_ADDRESS_HOLDER, before);
	memcpy(x->client + before, share, share_size);
	memcpy(x->client + before + share_size, text, text_size);
}

const char *exchange_peer(struct exchange *x)
{
	write_client(x);
	return x->client ? x->client + strlen(x->client) + 1 : "";
}

int exchange_verdict(const struct exchange *x, const char **why_r)
{
	*why_r = NULL;
	return x->gate ? gate_verdict(x->gate, why_r) : 0;
}

const char *exchange_holder(struct exchange *x)
{
	if (x->holder)
		return x->holder;
	exchange_read_client(x);
	if (!x->shared)
		return NULL;
	write_client(x);
	return x->client;
}

int exchange_set_user(struct exchange *x, const char *user)
{
	char *holder = NULL;

	if (user && asprintf(&holder, USER_HOLDER "%s", user) < 0)
		return ERR_NOMEM;
	free(x->holder);
	x->holder = holder;
	return 0;
}

const char *exchange_user(const struct exchange *x)
{
	return x->holder ? x->holder + sizeof USER_HOLDER - 1 : NULL;
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

const char *exchange_header(struct exchange *x, const char *name)
{
	const struct evkeyval *field;
	char *value, *end;

	if (!x->req)
		return NULL;
	TAILQ_FOREACH (field, x->req->input_headers, next)
		if (is_named(field, name))
			break;
	if (!field)
		return NULL;
	value = field->value + strspn(field->value, " \t");
	end = value + strlen(value);
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	return value;
}

unsigned exchange_header_count(const struct exchange *x, const char *name)
{
	const struct evkeyval *field;
	unsigned n = 0;

	if (!x->req)
		return 0;
	TAILQ_FOREACH (field, x->req->input_headers, next)
		n += is_named(field, name);
	return n;
}

char *exchange_take_body(struct exchange *x, size_t *len_r)
{
	struct evbuffer *in = x->req ? evhttp_request_get_input_buffer(x->req) : NULL;
	size_t len = in ? evbuffer_get_length(in) : 0;
	char *body = malloc(len + 1);

	heap_passed(len);
	if (!body)
		return NULL;
	if (in)
		evbuffer_remove(in, body, len);
	body[len] = '\0';
	if (x->gate)
		gate_body_freed(x->gate);
	x->body_len = *len_r = len;
	return body;
}
