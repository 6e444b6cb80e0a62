/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "text/placeholder.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Well under ARG_MAX. Linux takes 128 KiB in one string (MAX_ARG_STRLEN). */
#define MAX_ELEMENT  ((size_t)128 * 1024 - 1)
#define MAX_TOTAL    ((size_t)1024 * 1024)
#define MAX_ELEMENTS 4096
#define MAX_NAME     127

/* The length of the name when ELEMENT is exactly "{NAME}", else 0. What cannot be a
 * name, like "{print $1}" and "{\"n\": 1}", is plain text. */
static size_t name_length(const char *element)
{
	static const char legal[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				    "_.-";
	size_t len = element[0] == '{' ? strspn(element + 1, legal) : 0;

	return len > 0 && strcmp(element + 1 + len, "}") == 0 ? len : 0;
}

/* "{{TEXT}}" */
static bool is_escaped(const char *element)
{
	size_t len = strlen(element);

	return len >= 4 && strncmp(element, "{{", 2) == 0 && strcmp(element + len - 2, "}}") == 0;
}

/* The member of OBJECT that the placeholder ELEMENT, with a name of LEN bytes, stands for. */
static json_t *member(json_t *object, const char *element, size_t len)
{
	char name[MAX_NAME + 1];

	if (len > MAX_NAME)
		return NULL;
	memcpy(name, element + 1, len);
	name[len] = '\0';
	return json_object_get(object, name);
}

/* Its declaration. */
static json_t *property(json_t *schema, const char *element, size_t len)
{
	return member(json_object_get(schema, "properties"), element, len);
}

/* A declared "{NAME}" inside a longer element: the author expects it to be replaced. */
static const char *embedded(const char *element, json_t *schema)
{
	const char *name;
	json_t *declared;

	json_object_foreach (json_object_get(schema, "properties"), name, declared) {
		size_t len = strlen(name);

		for (const char *at = strchr(element, '{'); at != NULL; at = strchr(at + 1, '{'))
			if (strncmp(at + 1, name, len) == 0 && at[len + 1] == '}')
				return name;
	}
	return NULL;
}

int placeholder_check(char *const *command, json_t *schema, struct err *e)
{
	for (size_t i = 0; command[i] != NULL; i++) {
		size_t len = name_length(command[i]);
		const char *name;

		if (is_escaped(command[i]))
			continue;
		if (len > 0 && i == 0)
			return err_set(e, ERR_INVALID,
				       "the program itself cannot be a placeholder");
		if (len > 0 && !property(schema, command[i], len))
			return err_set(
				e, ERR_INVALID,
				"%s is not one of inputSchema.properties (write \"{%s}\" for "
				"the plain text)",
				command[i], command[i]);
		name = len == 0 ? embedded(command[i], schema) : NULL;
		if (name)
			return err_set(
				e, ERR_INVALID,
				"\"%s\": a placeholder is a whole element; make {%s} one of its "
				"own",
				command[i], name);
	}
	return 0;
}

/* The argv as it grows: texts one after the other, each terminated. */
struct expansion {
	const char *name; /* of the placeholder, for messages */
	bool plain;	  /* after "--": nothing is an option any more */
	char *texts;
	size_t len, size, n;
	struct err *e;
};

static int append(struct expansion *x, const char *text, size_t len)
{
	size_t need = x->len + len + 1, size = x->size > 0 ? x->size : 512;
	char *grown;

	if (len > MAX_ELEMENT || need > MAX_TOTAL || x->n >= MAX_ELEMENTS)
		return err_set(x->e, ERR_LIMIT, "the arguments are too long for a command line");
	while (size < need)
		size *= 2;
	if (size > x->size) {
		grown = realloc(x->texts, size);
		if (!grown)
			return err_set(x->e, ERR_NOMEM, "out of memory");
		x->texts = grown;
		x->size = size;
	}
	memcpy(x->texts + x->len, text, len);
	x->texts[x->len + len] = '\0';
	x->len = need;
	x->n++;
	return 0;
}

static int append_string(struct expansion *x, json_t *value)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	if (memchr(text, '\0', len))
		return err_set(x->e, ERR_INVALID, "%s: contains a NUL byte", x->name);
	if (text[0] == '-' && !x->plain)
		return err_set(x->e, ERR_INVALID,
			       "%s: must not begin with \"-\": it would be taken for an option",
			       x->name);
	return append(x, text, len);
}

static int append_scalar(struct expansion *x, json_t *value)
{
	char number[64];
	size_t len;

	if (json_is_string(value))
		return append_string(x, value);
	if (!json_is_number(value) && !json_is_boolean(value))
		return err_set(
			x->e, ERR_INVALID,
			"%s: only strings, numbers, booleans and arrays of them can be put into "
			"a command",
			x->name);
	len = json_dumpb(value, number, sizeof number, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
	if (len == 0 || len > sizeof number)
		return err_set(x->e, ERR_NOMEM, "out of memory");
	return append(x, number, len);
}

static int append_value(struct expansion *x, json_t *value)
{
	json_t *item;
	size_t i;
	int rc = 0;

	if (!value || json_is_null(value))
		return 0;
	if (!json_is_array(value))
		return append_scalar(x, value);
	json_array_foreach (value, i, item) {
		rc = append_scalar(x, item);
		if (rc != 0)
			break;
	}
	return rc;
}

static int append_element(struct expansion *x, const char *element, json_t *schema,
			  json_t *arguments)
{
	size_t len = name_length(element);
	json_t *declared = len > 0 ? property(schema, element, len) : NULL;
	json_t *value;
	char name[MAX_NAME + 1];
	int rc;

	if (is_escaped(element))
		return append(x, element + 1, strlen(element) - 2);
	if (!declared) {
		x->plain = x->plain || strcmp(element, "--") == 0;
		return append(x, element, strlen(element));
	}
	value = member(arguments, element, len);
	if (!value)
		value = json_object_get(declared, "default");
	snprintf(name, sizeof name, "%.*s", (int)len, element + 1);
	x->name = name;
	rc = append_value(x, value);
	x->name = NULL;
	return rc;
}

/* One block: the pointers, then what they point to. */
static char **pack(const struct expansion *x)
{
	char **argv = malloc((x->n + 1) * sizeof *argv + x->len);
	char *text;

	if (!argv)
		return NULL;
	text = (char *)(argv + x->n + 1);
	if (x->len > 0)
		memcpy(text, x->texts, x->len);
	for (size_t i = 0; i < x->n; i++) {
		argv[i] = text;
		text += strlen(text) + 1;
	}
	argv[x->n] = NULL;
	return argv;
}

int placeholder_expand(char *const *command, json_t *schema, json_t *arguments, char ***argv_r,
		       struct err *e)
{
	struct expansion x = {.e = e};
	int rc = 0;

	for (size_t i = 0; rc == 0 && command[i]; i++)
		rc = append_element(&x, command[i], schema, arguments);
	if (rc == 0) {
		*argv_r = pack(&x);
		if (!*argv_r)
			rc = err_set(e, ERR_NOMEM, "out of memory");
	}
	free(x.texts);
	return rc;
}
