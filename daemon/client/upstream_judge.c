/* SPDX-License-Identifier: ISC */
/* upstream_judge.c: judges the answer of an upstream by status, headers and body. Pure functions.
 */
#include "autoconf.h"

#include "client/upstream_judge.h"

#include <event2/util.h>
#include <string.h>

#include "client/mcpclient.h"
#include "lib/jsonrpc.h"

#define MAX_WORDS 2000 /* of a body that is looked at for its words */

static bool has_word(const char *text, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= len && i < MAX_WORDS; i++)
		if (evutil_ascii_strncasecmp(text + i, word, n) == 0)
			return true;
	return false;
}

/* Servers say it in many ways: "Session not found", "No valid session ID provided", "Server not
 * initialized". */
static bool speaks_of_session(const struct upstream_answer *a)
{
	return a->text && (has_word(a->text, a->len, "session") ||
			   has_word(a->text, a->len, "not initialized"));
}

/* HTTP that says nothing about who is behind it: somebody on the way, or a bad moment. (There are
 * servers that answer 401 to what comes without a session.) */
static bool is_failure(const struct upstream_answer *a)
{
	if (a->status == 401 && speaks_of_session(a))
		return false;
	return a->broken || a->status < 200 || (a->status >= 300 && a->status < 400) ||
	       a->status == 401 || a->status == 403 || a->status == 407 || a->status == 408 ||
	       a->status == 429 || a->status >= 500;
}

int upstream_refusal_code(const struct upstream_answer *a)
{
	if (a->part != PART_DISCOVER)
		return RPC_INTERNAL_ERROR;
	return is_failure(a) ? MCPCLIENT_CODE_FAILED : MCPCLIENT_CODE_REFUSED;
}

/* Whether the upstream has lost the session that L was sent in. The standard wants 404; 400 is the
 * most usual other way, and others were seen. An error that answers this very request, with a code
 * that is about the request, is not about the session, whatever its words. */
static bool session_is_gone(const struct upstream_answer *a, const json_t *error)
{
	int code = (int)json_integer_value(json_object_get(error, "code"));
	bool about_transport = !error || code == RPC_TRANSPORT || code == RPC_SESSION_NOT_FOUND ||
			       code == RPC_INVALID_REQUEST;

	if (!a->with_session || !about_transport)
		return false;
	/* There is no such stream; unless whoever would have opened it is gone, and this is
	 * another. */
	if (a->kind == LEG_GET && !a->opened && !a->broke)
		return false;
	switch (a->status) {
	case 404:
		return true;
	case 400:
	case 401:
	case 410:
		return speaks_of_session(a);
	case 200: /* it may have been carried out; so not where that would matter */
		return error && a->method && strcmp(a->method, "tools/call") != 0 &&
		       strcmp(a->method, "initialize") != 0 && speaks_of_session(a);
	}
	return false;
}

/* Whether ERROR (NULL: none) is an answer of a server of the modern revision, and not of one that
 * knows only the others, or of something on the way. */
static bool is_modern_error(const json_t *error)
{
	int code = (int)json_integer_value(json_object_get(error, "code"));

	return error && code != RPC_TRANSPORT && code != RPC_SESSION_NOT_FOUND &&
	       code != RPC_UNSUPPORTED_VERSION;
}

/* Whether no server of the era that L is of would answer like this. */
static bool contradicts(const struct upstream_answer *a, const json_t *error)
{
	if (a->part != PART_NONE || a->status < 400 || is_failure(a))
		return false;
	if (a->modern)
		return !is_modern_error(error);
	return json_integer_value(json_object_get(error, "code")) == RPC_UNSUPPORTED_VERSION;
}

/* The standalone stream is open as long as the session lasts, if the upstream has one at all. */
static enum upstream_action judge_stream(const struct upstream_answer *a)
{
	bool refused = a->status >= 300 && !a->broken;

	if (!refused)
		return UPSTREAM_REOPEN;
	if (!a->opened && a->status != 409 && a->status != 429 && a->status < 502)
		return UPSTREAM_DROP;
	return UPSTREAM_REOPEN_AFRESH; /* maybe the upstream does not know the event any more */
}

/* Whether the error with which a status of 4xx or 5xx came is the answer to the request. */
static bool answers_request(const struct upstream_answer *a, const json_t *error)
{
	int code = (int)json_integer_value(json_object_get(error, "code"));

	if (!error || code == RPC_TRANSPORT || code == RPC_SESSION_NOT_FOUND || a->renewing)
		return false;
	if (a->part == PART_DISCOVER ? is_failure(a) : code == RPC_HEADER_MISMATCH)
		return false;
	/* A server that could not read the id leaves it out, or puts something else there. */
	return a->modern || jsonrpc_id_equal(json_object_get(a->body, "id"), a->id);
}

static enum upstream_action judge_request(const struct upstream_answer *a, const json_t *error)
{
	if (json_integer_value(json_object_get(error, "code")) == RPC_HEADER_MISMATCH &&
	    a->modern && a->may_relearn && strcmp(a->method, "tools/call") == 0)
		return UPSTREAM_RELEARN;
	/* 201 and 202 are for what has no response; with a body they have one all the same. */
	if (!a->streamed && !a->broken && a->status >= 200 && a->status <= 202 && a->len > 0)
		return UPSTREAM_TAKE;
	if ((a->broken || a->streamed) && a->may_resume)
		return UPSTREAM_RESUME;
	return !a->streamed && a->status >= 400 && answers_request(a, error) ? UPSTREAM_TAKE_ERROR
									     : UPSTREAM_REFUSE;
}

void upstream_judge(const struct upstream_answer *a, struct upstream_verdict *v)
{
	const json_t *error = json_object_get(a->body, "error");

	*v = (struct upstream_verdict){.action = UPSTREAM_DROP};
	if (a->part == PART_INITIALIZED) {
		v->action = UPSTREAM_SETTLED;
	} else if (!a->broken && session_is_gone(a, error)) {
		v->action = UPSTREAM_SESSION_GONE;
	} else if (a->kind == LEG_GET) {
		v->action = judge_stream(a);
		v->trouble = a->broken && a->status == 0 && !a->unauthorized;
	} else if (a->id) {
		v->action = judge_request(a, error);
		v->stale = contradicts(a, error);
		v->trouble = (a->broken || a->status >= 500) && !a->unauthorized;
	}
}
