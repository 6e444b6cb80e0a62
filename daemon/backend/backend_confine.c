/* SPDX-License-Identifier: ISC */
/* "sandbox" and "resources" of a backend, as rules and limits for its children. confine.c has
 * checked with the configuration which of them the kernel can enforce; this file applies those, and
 * reports for each whether it is enforced. */
#include "autoconf.h"

#include "backend/backend_impl.h"
#include "config/config.h"
#include "process/children.h"

void backend_confine(struct backend *b)
{
	const struct config_sandbox *s = &b->conf->sandbox;
	const struct config_resources *r = &b->conf->resources;

	b->rules = (struct sandbox_rules){
		.read = (const char *const *)s->read,
		.write = (const char *const *)s->write,
		.connect = s->connect.list,
		.n_connect = s->connect.n,
		.limit_connect = s->connect.given,
	};
	b->limits = (struct cgroup_limits){
		.memory = r->memory, .processes = r->processes, .cpu = r->cpu};
}

static bool has_limits(const struct backend *b)
{
	return b->limits.memory > 0 || b->limits.processes > 0 || b->limits.cpu > 0;
}

void backend_confine_spec(const struct backend *b, struct child_spec *spec)
{
	enum config_sandbox_mode mode = b->conf->sandbox.mode;

	spec->sandbox = mode != CONFIG_SANDBOX_OFF ? b->confinement.sandbox : NULL;
	spec->rules = mode == CONFIG_SANDBOX_RULES ? &b->rules : NULL;
	spec->cgroups = has_limits(b) ? b->confinement.cgroups : NULL;
	spec->limits = &b->limits;
	spec->files = b->conf->resources.files;
}

/* {"value": VALUE, "enforced": true}. */
static void add(json_t *into, const char *name, json_t *value_take, bool enforced)
{
	json_object_set_new(into, name,
			    json_pack("{s:o, s:b}", "value", value_take, "enforced", enforced));
}

static json_t *strings(char *const *list)
{
	json_t *array = json_array();

	for (; list != NULL && *list; list++)
		json_array_append_new(array, json_string(*list));
	return array;
}

static json_t *show_sandbox(const struct backend *b)
{
	const struct config_sandbox *s = &b->conf->sandbox;
	int abi = sandbox_abi(NULL);
	json_t *into = json_object();
	json_t *ports;

	if (s->mode != CONFIG_SANDBOX_RULES)
		return into;
	add(into, "read", strings(s->read), abi > 0);
	add(into, "write", strings(s->write), abi >= SANDBOX_ABI_RULES);
	if (!s->connect.given)
		return into;
	ports = json_array();
	for (size_t i = 0; i < s->connect.n; i++)
		json_array_append_new(ports, json_integer(s->connect.list[i]));
	add(into, "connect", ports, abi >= SANDBOX_ABI_CONNECT);
	return into;
}

static json_t *show_limits(const struct backend *b)
{
	const struct config_resources *r = &b->conf->resources;
	const struct cgroups *cs = b->confinement.cgroups;
	json_t *into = json_object();

	if (r->memory > 0)
		add(into, "memory", json_integer((json_int_t)r->memory), cgroups_has(cs, "memory"));
	if (r->processes > 0)
		add(into, "processes", json_integer(r->processes), cgroups_has(cs, "pids"));
	if (r->cpu > 0)
		add(into, "cpu", json_integer(r->cpu), cgroups_has(cs, "cpu"));
	if (r->files > 0)
		add(into, "files", json_integer(r->files), true);
	return into;
}

void backend_confine_show(const struct backend *b, json_t *record)
{
	bool child = b->conf->kind == CONFIG_STDIO || b->conf->kind == CONFIG_EXEC;
	bool hidden = child && b->conf->sandbox.mode != CONFIG_SANDBOX_OFF;
	int abi = hidden ? sandbox_abi(NULL) : 0;
	json_t *folders = json_array();
	const char *const *path =
		b->confinement.sandbox ? sandbox_hidden(b->confinement.sandbox) : NULL;

	for (; hidden && path && *path; path++)
		json_array_append_new(folders, json_string(*path));
	json_object_set_new(record, "landlock", json_integer(abi));
	json_object_set_new(record, "hidden", folders);
	json_object_set_new(record, "sandbox", show_sandbox(b));
	json_object_set_new(record, "limits", show_limits(b));
}
