/* SPDX-License-Identifier: ISC */
#include "modern/reqstate.h"

#include <stdlib.h>
#include <time.h>

#include "backend/view.h"
#include "base/once.h"
#include "base/seal.h"
#include "config/config.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"

struct reqstates {
	const struct config_limits *limits;
	struct seal *seal;
	struct once *used; /* states of servers */
	uint64_t last;	   /* number of a server's state */
};

/* ARGUMENTS as a value that is the same in each round: a tree, so that a client may write them
 * otherwise the next time; the text where there is no tree that everybody would read alike. NULL on
 * lack of memory. The tree is not kept: a request that waits holds the text alone. */
static json_t *comparable(struct jsontext *arguments)
{
	struct err e = {.code = ERR_NOMEM};
	size_t len;
	const char *text = jsontext_bytes(arguments, &len);
	struct jsontext *own = text ? jsontext_part(arguments, 0, len) : NULL;
	json_t *tree = own ? json_incref(jsontext_strict_tree(own, &e)) : NULL;

	jsontext_unref(&own);
	return tree || e.code == ERR_NOMEM ? tree : json_stringn(text, len);
}

/* The parameters of the request of TO without what changes from round to round; NULL on lack of
 * memory. */
static json_t *identity(const struct reqstate_bound *to)
{
	json_t *copy = jsonrpc_copy(to->params);

	json_object_del(copy, "_meta");
	json_object_del(copy, "inputResponses");
	json_object_del(copy, "requestState");
	if (to->arguments &&
	    json_object_set_new(copy, "arguments", comparable(to->arguments)) < 0) {
		json_decref(copy);
		copy = NULL;
	}
	return copy;
}

/* What a requestState is bound to: malloc'd, NULL on lack of memory. */
static char *context_of(const struct reqstate_bound *to)
{
	json_t *params = identity(to), *context;
	char *digest = params ? seal_digest(params) : NULL, *text = NULL;
	size_t n = view_size(to->view);

	/* The principal first, as JSON, so that no user name can look like another's context. */
	context = json_pack("[s?, I, s, s, s]", to->user, (json_int_t)n,
			    n ? backend_name(view_backend(to->view, 0)) : "", to->method,
			    digest ? digest : "");
	if (digest && context)
		text = json_dumps(context, JSON_COMPACT);
	json_decref(context);
	json_decref(params);
	free(digest);
	return text;
}

/* PAYLOAD, sealed for the client that sends the request of TO again. malloc'd; NULL on lack of
 * memory. */
static char *seal_for(const struct reqstates *rs, const struct reqstate_bound *to,
		      const json_t *payload)
{
	int64_t expires = time(NULL) + rs->limits->question_timeout_ms / 1000;
	char *context = context_of(to);
	char *text = payload && context ? seal_close(rs->seal, payload, expires, context) : NULL;

	free(context);
	return text;
}

char *reqstate_of_parked(const struct reqstates *rs, const struct reqstate_bound *to,
			 uint64_t handle, unsigned round)
{
	json_t *payload = json_pack("{s:I, s:I}", "h", (json_int_t)handle, "n", (json_int_t)round);
	char *text = seal_for(rs, to, payload);

	json_decref(payload);
	return text;
}

bool reqstate_seal(struct reqstates *rs, const struct reqstate_bound *to, json_t *result)
{
	json_t *state = json_object_get(result, "requestState"), *payload;
	char *text;
	int rc;

	if (!state)
		return true;
	payload = json_pack("{s:O, s:I}", "s", state, "i", (json_int_t)++rs->last);
	text = seal_for(rs, to, payload);
	rc = text ? json_object_set_new(result, "requestState", json_string(text)) : -1;
	json_decref(payload);
	free(text);
	return rc == 0;
}

json_t *reqstate_open(const struct reqstates *rs, const struct reqstate_bound *to,
		      const char *state, struct err *e)
{
	char *context = context_of(to);
	json_t *opened = NULL;

	err_set(e, ERR_DENIED, "requestState must be a string");
	if (state && context)
		opened = seal_open(rs->seal, state, context, time(NULL), e);
	free(context);
	return opened;
}

void reqstate_parked(const json_t *opened, uint64_t *handle_r, unsigned *round_r)
{
	*handle_r = (uint64_t)json_integer_value(json_object_get(opened, "h"));
	*round_r = (unsigned)json_integer_value(json_object_get(opened, "n"));
}

json_t *reqstate_theirs(const json_t *opened)
{
	json_t *theirs = json_object_get(opened, "s");

	return json_is_string(theirs) ? theirs : NULL;
}

int reqstate_use(struct reqstates *rs, const json_t *opened, const char *holder, struct err *e)
{
	return once_use(rs->used, (uint64_t)json_integer_value(json_object_get(opened, "i")),
			holder, e);
}

const struct share *reqstates_share(const struct reqstates *rs)
{
	return once_share(rs->used);
}

struct reqstates *reqstates_new(struct event_base *base, const struct config_limits *limits,
				struct err *e)
{
	struct reqstates *rs = calloc(1, sizeof *rs);

	err_set(e, ERR_NOMEM, "out of memory");
	if (!rs)
		return NULL;
	rs->limits = limits;
	rs->seal = seal_new(e);
	/* As long as a state opens. */
	rs->used = once_new(base, limits->question_timeout_ms + 2000, limits->max_states,
			    limits->share);
	if (!rs->seal || !rs->used)
		reqstates_free(&rs);
	return rs;
}

void reqstates_free(struct reqstates **rsp)
{
	struct reqstates *rs = *rsp;

	*rsp = NULL;
	if (!rs)
		return;
	once_free(&rs->used);
	seal_free(&rs->seal);
	free(rs);
}
