/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "config/config_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"

int reader_fail(struct reader *r, const char *fmt, ...)
{
	char text[sizeof r->e->text];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (r->path.len == 0)
		return err_set(r->e, ERR_INVALID, "%s: %s", r->file, text);
	return err_set(r->e, ERR_INVALID, "%s: %s: %s", r->file, r->path.text, text);
}

int reader_nomem(struct reader *r)
{
	return err_set(r->e, ERR_NOMEM, "%s: out of memory", r->file);
}

static const char *what_is(const json_t *value)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
		[JSON_INTEGER] = "a number", [JSON_REAL] = "a number",	[JSON_TRUE] = "true",
		[JSON_FALSE] = "false",	     [JSON_NULL] = "null",
	};

	return names[json_typeof(value)];
}

int reader_expected(struct reader *r, const char *expected, const json_t *value)
{
	return reader_fail(r, "expected %s, found %s", expected, what_is(value));
}

static const struct key *find_key(const struct key_table *table, const char *name)
{
	for (size_t i = 0; i < table->n; i++)
		if (strcmp(table->keys[i].name, name) == 0)
			return &table->keys[i];
	return NULL;
}

static int unknown_key(struct reader *r, const struct key_table *table, const char *name)
{
	struct nearest nearest = nearest_begin(name);

	for (size_t i = 0; i < table->n; i++)
		nearest_look(&nearest, table->keys[i].name);
	jsonpath_down(&r->path, name);
	if (nearest.found)
		return reader_fail(r, "unknown key (did you mean \"%s\"?)", nearest.found);
	return reader_fail(r, "unknown key");
}

static int read_key(struct reader *r, const struct key *k, json_t *value, void *struct_)
{
	size_t mark;
	int rc;

	if (!value && k->required)
		return reader_fail(r, "\"%s\" is missing (%s)", k->name, k->type->expected);
	mark = jsonpath_down(&r->path, k->name);
	rc = k->type->read(r, k, value, (char *)struct_ + k->offset);
	if (rc == 0 && k->check)
		rc = k->check(r, (char *)struct_ + k->offset);
	if (rc == 0)
		jsonpath_up(&r->path, mark);
	return rc;
}

int config_read_table(struct reader *r, const struct key_table *table, json_t *value, void *struct_)
{
	const char *name;
	json_t *member;
	int rc = 0;

	if (value && !json_is_object(value))
		return reader_expected(r, "an object", value);
	json_object_foreach (value, name, member)
		if (!find_key(table, name))
			return unknown_key(r, table, name);
	for (size_t i = 0; rc == 0 && i < table->n; i++)
		rc = read_key(r, &table->keys[i], json_object_get(value, table->keys[i].name),
			      struct_);
	return rc;
}

json_t *config_dump_table(const struct key_table *table, const void *struct_)
{
	json_t *into = json_object();
	int rc = into ? 0 : -1;

	for (size_t i = 0; rc == 0 && i < table->n; i++) {
		const struct key *k = &table->keys[i];

		rc = k->type->dump(k, (const char *)struct_ + k->offset, into);
	}
	if (rc == 0)
		return into;
	json_decref(into);
	return NULL;
}

void config_clear_table(const struct key_table *table, void *struct_)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct key *k = &table->keys[i];

		if (k->type->clear)
			k->type->clear(k, (char *)struct_ + k->offset);
	}
}
