#include "exchange_impl.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>

#include "err.h"

enum exchange_method exchange_method(const struct exchange *x)
{
	if (x->req == NULL)
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

int exchange_read_path(struct exchange *x)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(x->req);
	const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
	size_t len;

	x->path = path != NULL ? path : "";
	if (strchr(x->path, '%') == NULL)
		return 0;
	x->decoded = evhttp_uridecode(x->path, 0, &len);
	if (x->decoded == NULL)
		return ERR_NOMEM;
	/* No path of ours has a NUL inside. */
	x->path = strlen(x->decoded) == len ? x->decoded : "";
	return 0;
}

const char *exchange_path(const struct exchange *x)
{
	return x->path;
}

const char *exchange_query(const struct exchange *x)
{
	const struct evhttp_uri *uri =
		x->req != NULL ? evhttp_request_get_evhttp_uri(x->req) : NULL;

	return uri != NULL ? evhttp_uri_get_query(uri) : NULL;
}

const char *exchange_peer(const struct exchange *x)
{
	static const char mapped[] = "::ffff:";
	char *address = NULL;
	uint16_t port = 0;

	if (x->con == NULL)
		return "";
	evhttp_connection_get_peer(x->con, &address, &port);
	if (address == NULL)
		return "";
	if (strncmp(address, mapped, sizeof(mapped) - 1) == 0 && strchr(address, '.') != NULL)
		return address + sizeof(mapped) - 1;
	return address;
}

int exchange_set_user(struct exchange *x, const char *user)
{
	char *copy = user != NULL ? strdup(user) : NULL;

	if (user != NULL && copy == NULL)
		return ERR_NOMEM;
	free(x->user);
	x->user = copy;
	return 0;
}

const char *exchange_user(const struct exchange *x)
{
	return x->user;
}

/* Most names differ in their first letter, and a request has its headers looked up many times. */
static bool is_named(const struct evkeyval *field, const char *name)
{
	return (field->key[0] | 0x20) == (name[0] | 0x20) && strcasecmp(field->key, name) == 0;
}

const char *exchange_header(struct exchange *x, const char *name)
{
	const struct evkeyval *field;
	char *value, *end;

	if (x->req == NULL)
		return NULL;
	TAILQ_FOREACH (field, x->req->input_headers, next)
		if (is_named(field, name))
			break;
	if (field == NULL)
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

	if (x->req == NULL)
		return 0;
	TAILQ_FOREACH (field, x->req->input_headers, next)
		n += is_named(field, name);
	return n;
}

const char *exchange_body(struct exchange *x, size_t *len_r)
{
	struct evbuffer *body = x->req != NULL ? evhttp_request_get_input_buffer(x->req) : NULL;

	*len_r = body != NULL ? evbuffer_get_length(body) : 0;
	return *len_r > 0 ? (const char *)evbuffer_pullup(body, -1) : "";
}
