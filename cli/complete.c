/* SPDX-License-Identifier: ISC */
#include "cli/complete.h"

#include <stdio.h>
#include <string.h>

#include "cli/parse.h"
#include "lib/log.h"

#define ASK_TIMEOUT_MS 2000

struct completion {
	struct mcpctl *m;
	const char *prefix;
	void (*fn)(const char *candidate, void *arg);
	void *arg;
	const char *key; /* of the rows that the daemon sends */
};

/* Whether a name of somebody else's can stand in a line as it is. */
static bool is_plain(const char *name)
{
	for (; *name; name++) {
		if ((unsigned char)*name <= ' ' || strchr("\x7f\"'\\#{}[]", *name))
			return false;
	}
	return true;
}

static void offer(const struct completion *c, const char *candidate)
{
	if (candidate && is_plain(candidate) &&
	    strncmp(candidate, c->prefix, strlen(c->prefix)) == 0)
		c->fn(candidate, c->arg);
}

static void offer_name(const char *name, size_t len, void *arg)
{
	char word[64];

	snprintf(word, sizeof word, "%.*s", (int)len, name);
	offer(arg, word);
}

static bool offer_row(json_t *row, void *arg)
{
	const struct completion *c = arg;

	offer(c, json_string_value(json_object_get(row, c->key)));
	return true;
}

/* Candidates that only the daemon knows. */
static void offer_remote(struct completion *c, const char *method, const char *key)
{
	const struct ctl_command *command = ctlspec_find(method);
	json_t *answer = NULL;
	struct err e;

	c->key = key;
	remote_set_timeout(c->m->remote, ASK_TIMEOUT_MS);
	if (remote_connect(c->m->remote, NULL, &e) == 0)
		remote_call(c->m->remote, command, NULL, offer_row, c, &answer, &e);
	remote_set_timeout(c->m->remote, c->m->timeout_ms);
	json_decref(answer);
}

/* Words of a command, as the argument of help. */
static void offer_words(struct completion *c, const struct walk *outer, const char *name)
{
	json_t *given = json_object_get(outer->params, name), *word;
	struct walk w;
	struct err e;
	size_t i;

	if (walk_init(&w, &e) < 0)
		return;
	json_array_foreach (given, i, word) {
		if (walk_word(&w, json_string_value(word), &e) < 0)
			break;
	}
	if (i == json_array_size(given) && !w.command)
		walk_next_names(&w, c->prefix, offer_name, c);
	walk_fini(&w);
}

static void offer_values(struct completion *c, const struct walk *w, const struct ctl_param *p,
			 bool *files_r)
{
	switch (p->type) {
	case CTL_SESSION:
		offer_remote(c, "sessions.list", "id");
		return;
	case CTL_BACKEND:
		offer_remote(c, "backends.list", "name");
		return;
	case CTL_USER:
		offer_remote(c, "users.list", "user");
		return;
	case CTL_TOOL:
		offer_remote(c, "tools.list", "name");
		return;
	case CTL_LOGLEVEL:
		for (int level = LOGL_ERROR; level <= LOGL_DEBUG; level++)
			offer(c, log_level_name((enum log_level)level));
		return;
	case CTL_FILE:
		*files_r = true;
		return;
	case CTL_WORDS:
		offer_words(c, w, p->name);
		return;
	case CTL_FLAG:
	case CTL_STRING:
	case CTL_JSON:
	case CTL_SECRET:
	case CTL_DIGEST:
		return;
	}
}

static void offer_options(const struct completion *c, const struct walk *w)
{
	char option[64];

	for (const struct ctl_param *p = w->command ? w->command->params : NULL; p && p->name;
	     p++) {
		if (!(p->flags & CTL_OPTION) || json_object_get(w->params, p->name))
			continue;
		snprintf(option, sizeof option, "--%s", p->name);
		offer(c, option);
	}
	offer(c, "--json");
	offer(c, "--format");
	offer(c, "--help");
}

static void offer_next(struct completion *c, const struct walk *w, bool *files_r)
{
	const struct ctl_param *p = w->wants ? w->wants : walk_next_param(w);

	if (w->wants_format) {
		offer(c, output_table.name);
		offer(c, output_json.name);
		offer(c, output_kv.name);
	} else if (!w->wants && c->prefix[0] == '-' && !w->no_options) {
		offer_options(c, w);
	} else if (!w->command) {
		walk_next_names(w, c->prefix, offer_name, c);
	} else if (p) {
		offer_values(c, w, p, files_r);
	}
}

void complete_words(struct mcpctl *m, char *const *words, size_t n,
		    void (*fn)(const char *candidate, void *arg), void *arg, bool *files_r)
{
	struct completion c = {.m = m, .prefix = words[n - 1], .fn = fn, .arg = arg};
	struct walk w;
	struct err e;
	int rc = walk_init(&w, &e);

	*files_r = false;
	for (size_t i = 0; rc == 0 && i + 1 < n; i++)
		rc = walk_word(&w, words[i], &e);
	if (rc == 0)
		offer_next(&c, &w, files_r);
	walk_fini(&w);
}
