/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "mcp/names.h"

#include <stdint.h>
#include <string.h>

#include "mcp/era.h"

/* Where the texts are: MEMBER of the parameters, or of their member OBJECT. Where MEMBER is an
 * object or an array, the strings in it. */
static const struct {
	const char *object, *member;
} places[] = {
	{NULL, "name"},
	{NULL, "uri"},
	{NULL, "cursor"},
	{NULL, "level"},
	{NULL, "taskId"},
	{NULL, "requestId"},
	{NULL, "requestState"},
	{NULL, "elicitationId"},
	{NULL, "progressToken"},
	{NULL, "protocolVersion"},
	{NULL, "clientInfo"},
	{NULL, "ref"},
	{"argument", "name"},
	{"notifications", "resourceSubscriptions"},
	{"notifications", "taskIds"},
	{"_meta", "progressToken"},
	{"_meta", META_VERSION},
	{"_meta", META_CLIENT_INFO},
	{"_meta", META_LOG_LEVEL},
	{"_meta", META_SUBSCRIPTION},
	{"_meta", META_PREFIX "related-task"},
};

bool names_has_nul(const json_t *value)
{
	return json_is_string(value) &&
	       strlen(json_string_value(value)) != json_string_length(value);
}

static bool any_has_nul(const json_t *value)
{
	const char *key;
	json_t *one;
	size_t i;

	json_array_foreach (value, i, one)
		if (names_has_nul(one))
			return true;
	json_object_foreach ((json_t *)(uintptr_t)value, key, one)
		if (names_has_nul(one))
			return true;
	return names_has_nul(value);
}

int names_check(const json_t *params, struct err *e)
{
	if (!params)
		return 0;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		const json_t *in =
			places[i].object ? json_object_get(params, places[i].object) : params;

		if (any_has_nul(json_object_get(in, places[i].member)))
			return err_set(e, ERR_INVALID, "%s has a NUL inside", places[i].member);
	}
	return 0;
}
