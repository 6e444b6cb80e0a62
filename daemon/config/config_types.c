/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "config/config_impl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* For types whose dump cannot fail half-way: json_object_set_new() refuses a NULL value. */
static int add(json_t *into, const struct key *k, json_t *value_take)
{
	return json_object_set_new(into, k->name, value_take);
}

static int read_bool(struct reader *r, const struct key *k, json_t *value, void *field)
{
	if (value && !json_is_boolean(value))
		return reader_expected(r, k->type->expected, value);
	*(bool *)field = value != NULL ? json_is_true(value) : k->def != 0;
	return 0;
}

static int dump_bool(const struct key *k, const void *field, json_t *into)
{
	return add(into, k, json_boolean(*(const bool *)field));
}

const struct key_type type_bool = {
	.read = read_bool, .dump = dump_bool, .expected = "true or false"};

static int read_integer(struct reader *r, const struct key *k, json_t *value, int64_t *n_r)
{
	*n_r = k->def;
	if (!value)
		return 0;
	if (!json_is_number(value))
		return reader_expected(r, k->type->expected, value);
	*n_r = json_integer_value(value);
	if (!json_is_integer(value) || *n_r < k->min || *n_r > k->max)
		return reader_fail(r, "expected a whole number from %" PRId64 " to %" PRId64,
				   k->min, k->max);
	return 0;
}

static int read_count(struct reader *r, const struct key *k, json_t *value, void *field)
{
	int64_t n;
	int rc = read_integer(r, k, value, &n);

	*(unsigned *)field = (unsigned)n;
	return rc;
}

static int dump_count(const struct key *k, const void *field, json_t *into)
{
	return add(into, k, json_integer(*(const unsigned *)field));
}

const struct key_type type_count = {
	.read = read_count, .dump = dump_count, .expected = "a whole number"};

static int read_size(struct reader *r, const struct key *k, json_t *value, void *field)
{
	int64_t n;
	int rc = read_integer(r, k, value, &n);

	*(size_t *)field = (size_t)n;
	return rc;
}

static int dump_size(const struct key *k, const void *field, json_t *into)
{
	return add(into, k, json_integer((json_int_t) * (const size_t *)field));
}

const struct key_type type_size = {
	.read = read_size, .dump = dump_size, .expected = "a whole number"};

static int read_seconds(struct reader *r, const struct key *k, json_t *value, void *field)
{
	double ms;

	*(int64_t *)field = k->def;
	if (!value)
		return 0;
	if (!json_is_number(value))
		return reader_expected(r, k->type->expected, value);
	ms = json_number_value(value) * 1000;
	if (ms < (double)k->min || ms > (double)k->max)
		return reader_fail(r, "expected a number of seconds from %.15g to %.15g",
				   (double)k->min / 1000, (double)k->max / 1000);
	*(int64_t *)field = (int64_t)(ms + 0.5); /* never negative: min is not */
	return 0;
}

static int dump_seconds(const struct key *k, const void *field, json_t *into)
{
	int64_t ms = *(const int64_t *)field;

	return add(into, k,
		   ms % 1000 == 0 ? json_integer(ms / 1000) : json_real((double)ms / 1000));
}

const struct key_type type_seconds = {
	.read = read_seconds, .dump = dump_seconds, .expected = "a number of seconds"};

static int read_string(struct reader *r, const struct key *k, json_t *value, void *field)
{
	const char *text = k->text;

	if (value && !json_is_string(value))
		return reader_expected(r, k->type->expected, value);
	if (value)
		text = json_string_value(value);
	if (!text)
		return 0;
	if (text[0] == '\0')
		return reader_fail(r, "must not be empty");
	*(char **)field = strdup(text);
	return *(char **)field != NULL ? 0 : reader_nomem(r);
}

static int dump_string(const struct key *k, const void *field, json_t *into)
{
	const char *text = *(char *const *)field;

	return text ? add(into, k, json_string(text)) : 0;
}

static void clear_string(const struct key *k, void *field)
{
	(void)k;
	free(*(char **)field);
	*(char **)field = NULL;
}

const struct key_type type_string = {
	.read = read_string, .dump = dump_string, .clear = clear_string, .expected = "a string"};

void config_strings_free(char ***strings)
{
	for (char **s = *strings; s != NULL && *s; s++)
		free(*s);
	free(*strings);
	*strings = NULL;
}

int config_strings_add(struct reader *r, char ***list, const json_t *array)
{
	size_t had = 0, i;
	const json_t *value;
	char **grown;

	while (*list && (*list)[had])
		had++;
	grown = realloc(*list, (had + json_array_size(array) + 1) * sizeof *grown);
	if (!grown)
		return reader_nomem(r);
	*list = grown;
	grown[had] = NULL;
	json_array_foreach (array, i, value) {
		if (!json_is_string(value)) {
			jsonpath_down_index(&r->path, i);
			return reader_expected(r, "a string", value);
		}
		grown[had + i] = strdup(json_string_value(value));
		if (!grown[had + i])
			return reader_nomem(r);
		grown[had + i + 1] = NULL;
	}
	return 0;
}

static int read_strings(struct reader *r, const struct key *k, json_t *value, void *field)
{
	if (value && !json_is_array(value))
		return reader_expected(r, k->type->expected, value);
	return config_strings_add(r, field, value);
}

static int dump_strings(const struct key *k, const void *field, json_t *into)
{
	json_t *array = json_array();
	int rc = add(into, k, array);

	for (char *const *s = *(char *const *const *)field; rc == 0 && s && *s; s++)
		rc = json_array_append_new(array, json_string(*s));
	return rc;
}

static void clear_strings(const struct key *k, void *field)
{
	(void)k;
	config_strings_free(field);
}

const struct key_type type_strings = {.read = read_strings,
				      .dump = dump_strings,
				      .clear = clear_strings,
				      .expected = "an array of strings"};

static int read_list(struct reader *r, const struct key *k, json_t *value, void *field)
{
	json_t *array = NULL;
	int rc;

	if (!value)
		array = json_pack("[s]", k->text);
	else if (json_is_string(value))
		array = json_pack("[O]", value);
	else if (json_array_size(value) > 0)
		array = json_incref(value);
	else
		return reader_expected(r, k->type->expected, value);
	rc = array ? config_strings_add(r, field, array) : reader_nomem(r);
	json_decref(array);
	return rc;
}

const struct key_type type_list = {.read = read_list,
				   .dump = dump_strings,
				   .clear = clear_strings,
				   .expected = "a string or an array of one or more strings"};

static int read_variable(struct reader *r, const char *name, const json_t *value, char **entry_r)
{
	const char *text = json_string_value(value);
	size_t mark = jsonpath_down(&r->path, name), size;

	if (name[0] == '\0' || strchr(name, '='))
		return reader_fail(r, "a name of a variable is not empty and has no \"=\"");
	if (!text)
		return reader_expected(r, "a string", value);
	/* Some desktop clients replace ${...}; a server that gets it as it stands fails obscurely.
	 */
	if (strncmp(text, "${", 2) == 0)
		log_warn(NULL, "%s: %s: taken as it stands: variables are not replaced here",
			 r->file, r->path.text);
	size = strlen(name) + strlen(text) + 2;
	*entry_r = malloc(size);
	if (!*entry_r)
		return reader_nomem(r);
	stpcpy(stpcpy(stpcpy(*entry_r, name), "="), text);
	jsonpath_up(&r->path, mark);
	return 0;
}

static int read_env(struct reader *r, const struct key *k, json_t *value, void *field)
{
	char **env = calloc(json_object_size(value) + 1, sizeof *env);
	const char *name;
	json_t *text;
	int rc = 0;

	*(char ***)field = env;
	if (!env)
		return reader_nomem(r);
	if (value && !json_is_object(value))
		return reader_expected(r, k->type->expected, value);
	json_object_foreach (value, name, text) {
		rc = read_variable(r, name, text, env++);
		if (rc != 0)
			break;
	}
	return rc;
}

static int dump_env(const struct key *k, const void *field, json_t *into)
{
	json_t *object = json_object();
	int rc = add(into, k, object);

	for (char *const *v = *(char *const *const *)field; rc == 0 && v && *v; v++) {
		size_t len = strcspn(*v, "=");
		char *name = strndup(*v, len);

		rc = name ? json_object_set_new(object, name, json_string(*v + len + 1)) : -1;
		free(name);
	}
	return rc;
}

const struct key_type type_env = {.read = read_env,
				  .dump = dump_env,
				  .clear = clear_strings,
				  .expected = "an object of strings"};

static int read_word(struct reader *r, const struct key *k, json_t *value, void *field)
{
	char list[120] = "";
	char *end = list;
	const char *text = json_string_value(value);

	*(unsigned *)field = (unsigned)k->def;
	if (!value)
		return 0;
	for (unsigned i = 0; k->words[i] != NULL; i++) {
		if (text && strcmp(k->words[i], text) == 0) {
			*(unsigned *)field = i;
			return 0;
		}
		end = stpcpy(stpcpy(end, i > 0 ? ", " : ""), k->words[i]);
	}
	return text ? reader_fail(r, "expected one of %s, found \"%s\"", list, text)
		    : reader_fail(r, "expected one of %s", list);
}

static int dump_word(const struct key *k, const void *field, json_t *into)
{
	return add(into, k, json_string(k->words[*(const unsigned *)field]));
}

const struct key_type type_word = {.read = read_word, .dump = dump_word, .expected = "a word"};

static int read_nested(struct reader *r, const struct key *k, json_t *value, void *field)
{
	return config_read_table(r, k->table, value, field);
}

static int dump_nested(const struct key *k, const void *field, json_t *into)
{
	return add(into, k, config_dump_table(k->table, field));
}

static void clear_nested(const struct key *k, void *field)
{
	config_clear_table(k->table, field);
}

const struct key_type type_object = {
	.read = read_nested, .dump = dump_nested, .clear = clear_nested, .expected = "an object"};

static int read_ignored(struct reader *r, const struct key *k, json_t *value, void *field)
{
	(void)field;
	if (value)
		log_notice(NULL, "%s: %s: ignored: %s", r->file, r->path.text, k->text);
	return 0;
}

/* For keys without a field, or with one that is dumped by another key. */
static int dump_nothing(const struct key *k, const void *field, json_t *into)
{
	(void)k;
	(void)field;
	(void)into;
	return 0;
}

const struct key_type type_ignored = {
	.read = read_ignored, .dump = dump_nothing, .expected = "anything"};
