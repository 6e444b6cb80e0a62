#include "autoconf.h"

#include "confine.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "sandbox.h"

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

	if (path == NULL)
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

	while ((at = strchr(at, '/')) != NULL) {
		size_t len = strcspn(at, ":,");

		if (at == text || strchr("=:,", at[-1]) != NULL)
			add_used(l, at, len);
		at += len;
	}
}

static void add_strings(struct lists *l, char *const *strings)
{
	for (; strings != NULL && *strings != NULL; strings++)
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
	static const char *const names[] = {"HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME",
					    "XDG_CACHE_HOME", "XDG_STATE_HOME"};
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
