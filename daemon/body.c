/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "body.h"

#include "config/config.h"
#include "http/exchange.h"
#include "http/reply.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "mcp/names.h"
#include "mcp/post.h"
#include "text/mediatype.h"

static bool is_json(struct exchange *x)
{
	const char *type = exchange_header(x, "Content-Type");

	return exchange_header_count(x, "Content-Type") == 1 &&
	       (mediatype_is(type, MEDIATYPE_JSON) || mediatype_is(type, MEDIATYPE_JSONRPC));
}

/* X has a body that is no message of JSON-RPC, as E says. */
static void refuse(struct exchange *x, const struct post *post, const struct err *e)
{
	if (e->code == ERR_NOMEM)
		reply_error(x, 503, NULL, RPC_INTERNAL_ERROR, "out of memory");
	else if (e->code == ERR_INVALID)
		reply_error(x, 400, post_reply_id(post), RPC_INVALID_REQUEST, "Invalid Request: %s",
			    e->text);
	else if (e->code == ERR_LIMIT && post_reply_id(post))
		reply_error(x, 400, post_reply_id(post), RPC_INVALID_PARAMS, "Invalid params: %s",
			    e->text);
	else
		reply_error(x, 400, NULL, RPC_PARSE_ERROR, "Parse error: %s", e->text);
}

/* Whether the names in POST can be compared; false: X was answered. */
static bool has_names(struct exchange *x, const struct post *post)
{
	struct err e;

	for (size_t i = 0; i < post->n; i++) {
		const struct message *m = &post->messages[i];

		if (m->nul && names_check(m->params, &e) < 0) {
			reply_error(x, 400, post_reply_id(post), RPC_INVALID_PARAMS,
				    "Invalid params: %s", e.text);
			return false;
		}
	}
	return true;
}

static int read_post(struct exchange *x, const struct config_limits *limits, struct post *post,
		     struct err *e)
{
	size_t len;
	char *text = exchange_take_body(x, &len);
	struct jsontext *body = text ? jsontext_take(text, len) : NULL;
	int rc = body ? post_read(post, body, limits->max_batch, limits->max_depth, e)
		      : err_set(e, ERR_NOMEM, "out of memory");

	jsontext_unref(&body);
	return rc;
}

bool body_read(struct exchange *x, const struct config_limits *limits, struct post *post)
{
	struct err e;

	*post = (struct post){0};
	if (!is_json(x)) {
		reply_error(x, 415, NULL, RPC_TRANSPORT,
			    "Unsupported Media Type: Content-Type must be application/json");
		return false;
	}
	if (read_post(x, limits, post, &e) < 0) {
		refuse(x, post, &e);
		return false;
	}
	return has_names(x, post);
}
