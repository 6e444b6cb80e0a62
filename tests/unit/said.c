/* SPDX-License-Identifier: ISC */
#include "said.h"

#include "support.h"

#include "legacy/transport.h"
#include "lib/jsonrpc.h"
#include "lib/jsontext.h"
#include "mcp/call.h"
#include "mcp/message.h"
#include "server/server.h"

int said_request(struct server *s, void *origin, json_t *id, const char *method, json_t *params)
{
	json_t *given = json_object_get(params, "arguments"), *rest = params;
	struct jsontext *arguments = NULL;
	int rc;

	if (json_is_object(given)) {
		arguments = jsontext_of(json_incref(given));
		rest = json_copy(params);
		json_object_del(rest, "arguments");
		assert_non_null(arguments);
	} else {
		json_incref(rest);
	}
	rc = server_request(s, origin, id, method, rest, arguments);
	jsontext_unref(&arguments);
	json_decref(rest);
	return rc;
}

int said_response(struct message *m, const json_t *msg)
{
	json_t *copy = json_copy((json_t *)(uintptr_t)msg);
	struct jsontext *whole;
	struct err e;
	int rc;

	json_object_set_new(copy, "jsonrpc", json_string("2.0"));
	whole = jsontext_of(copy);
	assert_non_null(whole);
	rc = message_read_client(m, whole, 0, &e);
	jsontext_unref(&whole);
	return rc;
}

int said_answer(struct transport *t, const json_t *msg)
{
	struct message m;
	int rc = said_response(&m, msg) == 0 ? transport_answer(t, &m) : ERR_NOTFOUND;

	message_clear(&m);
	return rc;
}

bool said_params_are(struct call *c, const char *text)
{
	json_t *all = call_params(c) ? json_copy(call_params(c)) : json_object();
	bool same;

	if (call_arguments(c))
		json_object_set(all, "arguments", jsontext_tree(call_arguments(c), NULL));
	same = json_is(all, text);
	json_decref(all);
	return same;
}
