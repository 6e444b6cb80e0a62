/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "backend/confine.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config/config.h"
#include "lib/log.h"
#include "process/cgroup.h"
#include "process/sandbox.h"

/* Strings that are borrowed, but for those that were made here; and places. */
struct lists {
	struct sandbox_place *places;
	size_t n_places;
	char **used; /* malloc'd each; up to NULL */
	size_t n_used;
	bool failed; /* for lack of memory */
};

static void add_place(struct lists *l, const char *what, const char *path, bool folder)
{
	struct sandbox_place *grown;

	if (!path)
		return;
	grown = realloc(l->places, (l->n_places + 1) * sizeof *grown);
	if (!grown) {
		l->failed = true;
		return;
	}
	l->places = grown;
	l->places[l->n_places++] = (struct sandbox_place){what, path, folder};
}

static void add_used(struct lists *l, const char *path, size_t len)
{
	char **grown = realloc(l->used, (l->n_used + 2) * sizeof *grown);

	if (grown)
		l->used = grown;
	if (!grown || !(grown[l->n_used] = strndup(path, len))) {
		l->failed = true;
		return;
	}
	grown[++l->n_used] = NULL;
}

/* A secret as it is written: {"file": PATH} or something else. */
static void add_secret(struct lists *l, const char *what, const json_t *written)
{
	add_place(l, what, json_string_value(json_object_get(written, "file")), false);
}

static void add_backend_secrets(struct lists *l, const struct config_backend *b)
{
	const char *name;
	json_t *value;

	add_secret(l, "the file of a clientSecret", b->credential.client_secret.written);
	json_object_foreach (b->headers.written, name, value)
		add_secret(l, "the file of a header", value);
}

static void add_places(struct lists *l, const struct config *conf)
{
	add_place(l, "store.path", conf->store.path, true);
	add_place(l, "store.keyFile", conf->store.key, false);
	add_place(l, "auth.tokensFile", conf->auth.tokens_file, false);
	add_place(l, "control.key and the control socket", conf->control, false);
	add_place(l, "the configuration", conf->file, false);
	add_secret(l, "the file of auth.clientSecret", conf->auth.client_secret.written);
	for (size_t i = 0; i < conf->n_backends; i++)
		add_backend_secrets(l, &conf->backends[i]);
}

/* The paths in an argument or a variable: "/a", "--root=/a", "PATH=/a:/b". */
static void add_words(struct lists *l, const char *text)
{
	const char *at = text;

	while ((at = strchr(at, '/'))) {
		size_t len = strcspn(at, ":,");

		if (at == text || strchr("=:,", at[-1]))
			add_used(l, at, len);
		at += len;
	}
}

static void add_strings(struct lists *l, char *const *strings)
{
	for (; strings != NULL && *strings; strings++)
		add_words(l, *strings);
}

static void add_backend(struct lists *l, const struct config_backend *b)
{
	add_strings(l, b->argv);
	add_strings(l, b->env);
	if (b->cwd)
		add_used(l, b->cwd, strlen(b->cwd));
	for (size_t i = 0; i < b->n_tools; i++) {
		add_strings(l, b->tools[i].command);
		if (b->tools[i].cwd)
			add_used(l, b->tools[i].cwd, strlen(b->tools[i].cwd));
	}
}

static void add_all_used(struct lists *l, const struct config *conf)
{
	static const char *const names[] = {"HOME",	     "TMPDIR",	       "XDG_CONFIG_HOME",
					    "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"};
	const struct passwd *pw = getpwuid(geteuid());
	char *cwd = getcwd(NULL, 0);

	if (cwd)
		add_used(l, cwd, strlen(cwd));
	free(cwd);
	if (pw && pw->pw_dir[0] == '/')
		add_used(l, pw->pw_dir, strlen(pw->pw_dir));
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *value = getenv(names[i]);

		if (value && value[0] == '/')
			add_used(l, value, strlen(value));
	}
	for (size_t i = 0; i < conf->n_backends; i++)
		add_backend(l, &conf->backends[i]);
}

struct sandbox *confine_new(const struct config *conf, struct err *e)
{
	struct lists l = {0};
	struct sandbox_setting setting;
	struct sandbox *s = NULL;

	add_places(&l, conf);
	add_all_used(&l, conf);
	setting = (struct sandbox_setting){
		.places = l.places, .n_places = l.n_places, .used = (const char *const *)l.used};
	if (l.failed)
		err_set(e, ERR_NOMEM, "out of memory");
	else
		s = sandbox_new(&setting, e);
	for (size_t i = 0; i < l.n_used; i++)
		free(l.used[i]);
	free(l.used);
	free(l.places);
	return s;
}

/* What cannot be enforced for B: an error, unless it is not required. WHY is consumed. */
static int complain(const struct config *conf, const struct config_backend *b, const char *key,
		    bool required, const struct err *why, struct err *e)
{
	if (required)
		return err_set(e, ERR_INVALID,
			       "%s: mcpServers.%s.%s: %s (\"required\": false does without)",
			       conf->file, b->name, key, why->text);
	log_warn(NULL, "%s: mcpServers.%s.%s: not enforced: %s", conf->file, b->name, key,
		 why->text);
	return 0;
}

static int check_sandbox(const struct config *conf, const struct config_backend *b, struct err *e)
{
	const struct config_sandbox *s = &b->sandbox;
	const struct sandbox_rules rules = {.read = (const char *const *)s->read,
					    .write = (const char *const *)s->write};
	int needed = s->connect.given ? SANDBOX_ABI_CONNECT : SANDBOX_ABI_RULES;
	const char *why_none;
	int abi = sandbox_abi(&why_none);
	struct err why;

	if (s->mode != CONFIG_SANDBOX_RULES)
		return 0;
	if (sandbox_check(&rules, &why) < 0)
		return err_set(e, ERR_INVALID, "%s: mcpServers.%s.%s", conf->file, b->name,
			       why.text);
	if (abi >= needed)
		return 0;
	if (abi == 0)
		err_set(&why, ERR_UNSUPPORTED, "the kernel has no Landlock: %s", why_none);
	else
		err_set(&why, ERR_UNSUPPORTED, "%s, the kernel has Landlock ABI %d",
			s->connect.given ? "\"connect\" needs Linux 6.7 (Landlock ABI 4)"
					 : "\"write\" needs Linux 6.2 (Landlock ABI 3)",
			abi);
	return complain(conf, b, "sandbox", s->required, &why, e);
}

static int check_files(const struct config *conf, const struct config_backend *b, struct err *e)
{
	struct rlimit limit;
	struct err why;

	if (b->resources.files == 0 || geteuid() == 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
	    limit.rlim_max >= b->resources.files)
		return 0;
	err_set(&why, ERR_UNSUPPORTED,
		"the hard limit of the daemon is %llu (LimitNOFILE= in the unit)",
		(unsigned long long)limit.rlim_max);
	return complain(conf, b, "resources.files", b->resources.required, &why, e);
}

static struct cgroup_limits limits_of(const struct config_backend *b)
{
	return (struct cgroup_limits){.memory = b->resources.memory,
				      .processes = b->resources.processes,
				      .cpu = b->resources.cpu};
}

/* Without the unit's cgroup only the kernel can be asked: this may be another user at a terminal.
 */
static int check_cgroups(const struct config *conf, const struct config_backend *b, struct err *e)
{
	const struct cgroup_limits limits = limits_of(b);
	struct err why;

	if (cgroup_supported(NULL, &limits, &why) == 0 || conf->cgroup)
		return 0;
	return complain(conf, b, "resources", b->resources.required, &why, e);
}

int confine_check(const struct config *conf, struct err *e)
{
	static int (*const checks[])(const struct config *, const struct config_backend *,
				     struct err *) = {check_sandbox, check_files, check_cgroups};

	for (size_t i = 0; i < conf->n_backends; i++) {
		for (size_t k = 0; k < sizeof checks / sizeof *checks; k++) {
			int rc = checks[k](conf, &conf->backends[i], e);

			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

static bool any(const struct cgroup_limits *l)
{
	return l->memory || l->processes || l->cpu;
}

static void add_limits(struct cgroup_limits *sum, const struct cgroup_limits *l)
{
	sum->memory |= l->memory;
	sum->processes |= l->processes;
	sum->cpu |= l->cpu;
}

int confine_cgroups(const struct config *conf, struct event_base *base, struct cgroups **cs_r,
		    struct err *e)
{
	struct cgroup_limits wanted = {0}, required = {0};

	*cs_r = NULL;
	for (size_t i = 0; i < conf->n_backends; i++) {
		const struct cgroup_limits limits = limits_of(&conf->backends[i]);

		add_limits(&wanted, &limits);
		if (conf->backends[i].resources.required)
			add_limits(&required, &limits);
	}
	if (!any(&wanted))
		return 0;
	*cs_r = cgroups_new(base, conf->cgroup, NULL, &wanted, &required, e);
	if (*cs_r || e->code == ERR_NOMEM)
		return *cs_r ? 0 : e->code;
	if (any(&required))
		return err_wrap(e, "resources");
	log_warn(NULL, "resources: not enforced: %s", e->text);
	return 0;
}
