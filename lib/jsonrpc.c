/* SPDX-License-Identifier: ISC */
#include "lib/jsonrpc.h"

#include <stdint.h>
#include <string.h>

#include "lib/log.h"

static bool has_nul(const json_t *string)
{
	return strlen(json_string_value(string)) != json_string_length(string);
}

static bool is_id(const json_t *id)
{
	return json_is_string(id) || json_is_integer(id);
}

static int classify_call(const json_t *msg, const json_t *method, enum jsonrpc_kind *kind_r,
			 struct err *e)
{
	const json_t *id = json_object_get(msg, "id");
	const json_t *params = json_object_get(msg, "params");

	if (!json_is_string(method))
		return err_set(e, ERR_INVALID, "\"method\" must be a string");
	if (has_nul(method))
		return err_set(e, ERR_INVALID, "\"method\" has a NUL inside");
	if (json_object_get(msg, "result") || json_object_get(msg, "error"))
		return err_set(e, ERR_INVALID, "\"method\" together with \"result\" or \"error\"");
	if (params && !json_is_object(params) && !json_is_array(params))
		return err_set(e, ERR_INVALID, "\"params\" must be an object or an array");
	if (id && !is_id(id))
		return err_set(e, ERR_INVALID, "\"id\" must be a string or an integer");
	if (json_string_length(id) > JSONRPC_MAX_ID)
		return err_set(e, ERR_INVALID, "\"id\" has more than %zu bytes", JSONRPC_MAX_ID);
	*kind_r = id ? JSONRPC_REQUEST : JSONRPC_NOTIFICATION;
	return 0;
}

static int classify_answer(const json_t *msg, enum jsonrpc_kind *kind_r, struct err *e)
{
	const json_t *id = json_object_get(msg, "id");
	const json_t *result = json_object_get(msg, "result");
	const json_t *error = json_object_get(msg, "error");

	if (!result == !error)
		return err_set(e, ERR_INVALID,
			       result ? "both \"result\" and \"error\""
				      : "none of \"method\", \"result\" and \"error\"");
	if (!is_id(id) && (result || (id && !json_is_null(id))))
		return err_set(e, ERR_INVALID, "\"id\" must be a string or an integer");
	if (error && (!json_is_integer(json_object_get(error, "code")) ||
		      !json_is_string(json_object_get(error, "message"))))
		return err_set(e, ERR_INVALID,
			       "\"error\" must have an integer \"code\" and a string \"message\"");
	*kind_r = result ? JSONRPC_RESULT : JSONRPC_ERROR;
	return 0;
}

int jsonrpc_classify(const json_t *msg, enum jsonrpc_kind *kind_r, struct err *e)
{
	const json_t *version = json_object_get(msg, "jsonrpc");
	const json_t *method = json_object_get(msg, "method");

	if (!json_is_object(msg))
		return err_set(e, ERR_INVALID, "a message must be an object");
	if (!json_is_string(version) || strcmp(json_string_value(version), "2.0") != 0 ||
	    has_nul(version))
		return err_set(e, ERR_INVALID, "\"jsonrpc\" must be \"2.0\"");
	return method ? classify_call(msg, method, kind_r, e) : classify_answer(msg, kind_r, e);
}

/* A new message with its version and, unless NULL, ID. */
static json_t *message_new(json_t *id)
{
	json_t *msg = json_object();

	if (json_object_set_new_nocheck(msg, "jsonrpc", json_string_nocheck("2.0")) < 0 ||
	    (id && json_object_set_nocheck(msg, "id", id) < 0)) {
		json_decref(msg);
		return NULL;
	}
	return msg;
}

/* Sets a member of *MSG, which may be NULL already; after a failure *MSG is freed and NULL. */
static void put(json_t **msg, const char *key, json_t *value_take)
{
	if (json_object_set_new_nocheck(*msg, key, value_take) < 0) {
		json_decref(*msg);
		*msg = NULL;
	}
}

json_t *jsonrpc_request(json_t *id, const char *method, json_t *params_take)
{
	json_t *msg = message_new(id);

	put(&msg, "method", json_string(method));
	if (params_take)
		put(&msg, "params", params_take);
	return msg;
}

json_t *jsonrpc_notification(const char *method, json_t *params_take)
{
	return jsonrpc_request(NULL, method, params_take);
}

json_t *jsonrpc_result(json_t *id, json_t *result_take)
{
	json_t *msg = message_new(id);

	put(&msg, "result", result_take ? result_take : json_object());
	return msg;
}

/* An error text may quote what came from outside, bytes that are not UTF-8 included. */
static json_t *lenient_string(const char *s)
{
	char escaped[1024];
	json_t *value = json_string(s);

	if (value)
		return value;
	return json_stringn(escaped, log_escape(escaped, sizeof escaped, s, strlen(s)));
}

json_t *jsonrpc_error(json_t *id_or_null, int code, const char *message, json_t *data_take)
{
	json_t *msg = message_new(json_is_null(id_or_null) ? NULL : id_or_null);
	json_t *error = json_object();

	put(&error, "code", json_integer(code));
	put(&error, "message", lenient_string(message));
	if (data_take)
		put(&error, "data", data_take);
	put(&msg, "error", error);
	return msg;
}

json_t *jsonrpc_copy(const json_t *value)
{
	json_t *copy = json_copy((json_t *)(uintptr_t)value);

	if (json_object_size(copy) == json_object_size(value) &&
	    json_array_size(copy) == json_array_size(value))
		return copy;
	json_decref(copy);
	return NULL;
}

json_t *jsonrpc_with(const json_t *object, const char *key, json_t *value_take)
{
	json_t *copy = object ? jsonrpc_copy(object) : json_object();

	if (json_object_set_new(copy, key, value_take) == 0)
		return copy;
	json_decref(copy);
	return NULL;
}

bool jsonrpc_id_equal(const json_t *a, const json_t *b)
{
	return is_id(a) && is_id(b) && json_equal(a, b);
}
