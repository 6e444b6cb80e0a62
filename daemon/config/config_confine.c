/* SPDX-License-Identifier: ISC */
/* config_confine.c: the keys of "sandbox" and "resources". confine.c checks whether the kernel can
 * enforce them. */
#include "autoconf.h"

#include <limits.h>
#include <stdlib.h>

#include "config/config_impl.h"

static int read_ports(struct reader *r, const struct key *k, json_t *value, void *field)
{
	struct config_ports *ports = field;
	json_t *item;
	size_t i;

	if (!value)
		return 0;
	if (!json_is_array(value))
		return reader_expected(r, k->type->expected, value);
	ports->given = true;
	ports->list = calloc(json_array_size(value) + 1, sizeof *ports->list);
	if (!ports->list)
		return reader_nomem(r);
	json_array_foreach (value, i, item) {
		json_int_t n = json_integer_value(item);

		if (!json_is_integer(item) || n < 1 || n > 65535) {
			jsonpath_down_index(&r->path, i);
			return reader_fail(r, "expected a port from 1 to 65535");
		}
		ports->list[ports->n++] = (uint16_t)n;
	}
	return 0;
}

static int dump_ports(const struct key *k, const void *field, json_t *into)
{
	const struct config_ports *ports = field;
	json_t *array;
	int rc;

	if (!ports->given)
		return 0;
	array = json_array();
	rc = json_object_set_new(into, k->name, array);
	for (size_t i = 0; rc == 0 && i < ports->n; i++)
		rc = json_array_append_new(array, json_integer(ports->list[i]));
	return rc;
}

static void clear_ports(const struct key *k, void *field)
{
	struct config_ports *ports = field;

	(void)k;
	free(ports->list);
	ports->list = NULL;
	ports->n = 0;
}

static const struct key_type type_ports = {.read = read_ports,
					   .dump = dump_ports,
					   .clear = clear_ports,
					   .expected = "an array of ports"};

static int check_paths(struct reader *r, void *field)
{
	for (char **path = *(char ***)field; path != NULL && *path; path++)
		if ((*path)[0] != '/')
			return reader_fail(r, "expected absolute paths, found \"%s\"", *path);
	return 0;
}

static const struct key sandbox_keys[] = {
	KEY("read", type_strings, struct config_sandbox, read, .check = check_paths),
	KEY("write", type_strings, struct config_sandbox, write, .check = check_paths),
	KEY("connect", type_ports, struct config_sandbox, connect),
	KEY("required", type_bool, struct config_sandbox, required, .def = true),
};
const struct key_table config_sandbox_keys = KEY_TABLE(sandbox_keys);

/* An object: limited to what is in there. false: not even kept from the daemon's files. */
static int read_sandbox(struct reader *r, const struct key *k, json_t *value, void *field)
{
	struct config_sandbox *s = field;

	s->mode = !value		 ? CONFIG_SANDBOX_DEFAULT
		  : json_is_false(value) ? CONFIG_SANDBOX_OFF
					 : CONFIG_SANDBOX_RULES;
	if (s->mode != CONFIG_SANDBOX_RULES)
		return 0;
	if (!json_is_object(value))
		return reader_expected(r, k->type->expected, value);
	return config_read_table(r, &config_sandbox_keys, value, s);
}

static int dump_sandbox(const struct key *k, const void *field, json_t *into)
{
	const struct config_sandbox *s = field;

	if (s->mode == CONFIG_SANDBOX_DEFAULT)
		return 0;
	return json_object_set_new(into, k->name,
				   s->mode == CONFIG_SANDBOX_OFF
					   ? json_false()
					   : config_dump_table(&config_sandbox_keys, s));
}

static void clear_sandbox(const struct key *k, void *field)
{
	(void)k;
	config_clear_table(&config_sandbox_keys, field);
}

const struct key_type config_type_sandbox = {.read = read_sandbox,
					     .dump = dump_sandbox,
					     .clear = clear_sandbox,
					     .expected = "an object or false"};

#define RESOURCE(name, type, field, ...)                                                           \
	KEY(name, type, struct config_resources, field, RANGE(__VA_ARGS__))
static const struct key resource_keys[] = {
	RESOURCE("memory", type_size, memory, 0, INT64_C(1) << 50, 0),
	RESOURCE("processes", type_count, processes, 0, 1 << 22, 0),
	RESOURCE("cpu", type_count, cpu, 0, 100000, 0),
	RESOURCE("files", type_count, files, 0, 1 << 30, 0),
	KEY("required", type_bool, struct config_resources, required, .def = true),
};
const struct key_table config_resource_keys = KEY_TABLE(resource_keys);
