/* SPDX-License-Identifier: ISC */
#include "mcp/capability.h"

#include <string.h>

#include "mcp/era.h"
#include "mcp/translate.h"

/* The mode of an elicitation that names none. */
#define FORM "form"

struct need {
	const char *method;
	const char *capability,
		*part;		 /* PART: a member of the capability; NULL: none in particular */
	const char *key, *value; /* of the parameters: only a question like this; NULL: any */
};

/* Of the rows of a method the first that fits counts. A question without a mode is a form. The last
 * row is no question, but a capability as well. */
static const struct need needs[] = {
	{"elicitation/create", "elicitation", "url", "mode", "url"},
	{"elicitation/create", "elicitation", FORM, "mode", FORM},
	{"sampling/createMessage", "sampling", "tools", "tools", NULL},
	{"sampling/createMessage", "sampling", NULL, NULL, NULL},
	{"roots/list", "roots", NULL, NULL, NULL},
	{"tasks/get", "extensions", EXTENSION_TASKS, NULL, NULL},
};
#define N_NEEDS	   (sizeof needs / sizeof *needs)
#define NEED_TASKS (N_NEEDS - 1)

static bool concerns(const struct need *need, const char *method, const json_t *params)
{
	const json_t *value = need->key ? json_object_get(params, need->key) : NULL;
	const char *text = value ? json_string_value(value) : FORM;

	if (strcmp(method, need->method) != 0)
		return false;
	if (need->value)
		return text && strcmp(text, need->value) == 0;
	return !need->key || value;
}

const struct need *need_of(const char *method, const json_t *params)
{
	for (size_t i = 0; i < NEED_TASKS; i++) {
		if (concerns(&needs[i], method, params))
			return &needs[i];
	}
	return NULL;
}

/* Whether the capability CAP has PART (NULL: none in particular). "elicitation": {} means forms
 * (2025-11-25, "Elicitation", "Capabilities"). */
static bool declares(const json_t *cap, const char *part)
{
	if (!json_is_object(cap))
		return false;
	return !part || json_object_get(cap, part) ||
	       (strcmp(part, FORM) == 0 && json_object_size(cap) == 0);
}

unsigned capabilities_parse(enum mcp_rev rev, const char *text)
{
	json_t *said = json_loads(text, 0, NULL), *caps = translate_capabilities(rev, said);
	unsigned bits = 0;

	for (size_t i = 0; i < N_NEEDS; i++) {
		if (declares(json_object_get(caps, needs[i].capability), needs[i].part))
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
