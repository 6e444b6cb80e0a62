/* SPDX-License-Identifier: ISC */
#include "mcp/capability.h"

#include <string.h>

#include "mcp/era.h"
#include "mcp/question.h"
#include "mcp/translate.h"

struct need {
	const char *method;
	const char *capability,
		*part;		 /* PART: a member of the capability; NULL: none in particular */
	const char *key, *value; /* of the parameters: only a question like this; NULL: any */
};

/* The more particular first; the last is no question, but a capability as well. */
static const struct need needs[] = {
	{"elicitation/create", "elicitation", "url", "mode", "url"},
	{"elicitation/create", "elicitation", NULL, NULL, NULL},
	{"sampling/createMessage", "sampling", "tools", "tools", NULL},
	{"sampling/createMessage", "sampling", NULL, NULL, NULL},
	{"roots/list", "roots", NULL, NULL, NULL},
	{"tasks/get", "extensions", EXTENSION_TASKS, NULL, NULL},
};
#define N_NEEDS	   (sizeof needs / sizeof *needs)
#define NEED_TASKS (N_NEEDS - 1)

static bool concerns(const struct need *need, const struct question *q)
{
	const json_t *value = need->key ? json_object_get(question_params(q), need->key) : NULL;
	const char *text = json_string_value(value);

	if (strcmp(question_method(q), need->method) != 0 || (need->key && !value))
		return false;
	return !need->value || (text && strcmp(text, need->value) == 0);
}

const struct need *need_of(const struct question *q)
{
	for (size_t i = 0; i < NEED_TASKS; i++) {
		if (concerns(&needs[i], q))
			return &needs[i];
	}
	return NULL;
}

unsigned capabilities_parse(enum mcp_rev rev, const char *text)
{
	json_t *said = json_loads(text, 0, NULL), *caps = translate_capabilities(rev, said);
	unsigned bits = 0;

	for (size_t i = 0; i < N_NEEDS; i++) {
		const json_t *cap = json_object_get(caps, needs[i].capability);

		if (json_is_object(cap) && (!needs[i].part || json_object_get(cap, needs[i].part)))
			bits |= 1u << i;
	}
	json_decref(caps);
	json_decref(said);
	return bits;
}

const struct need *need_tasks(void)
{
	return &needs[NEED_TASKS];
}

bool need_met(const struct need *need, unsigned bits)
{
	return bits & 1u << (need - needs);
}

json_t *need_data(const struct need *need)
{
	json_t *part = need->part ? json_pack("{s:{}}", need->part) : json_object();

	return json_pack("{s:{s:o}}", "requiredCapabilities", need->capability, part);
}

bool capabilities_have_tasks(const json_t *capabilities)
{
	return json_object_get(json_object_get(capabilities, "extensions"), EXTENSION_TASKS) !=
	       NULL;
}

bool capabilities_ask(const json_t *capabilities)
{
	for (size_t i = 0; i < NEED_TASKS; i++) {
		if (json_is_object(json_object_get(capabilities, needs[i].capability)))
			return true;
	}
	return false;
}
