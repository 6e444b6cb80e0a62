/* SPDX-License-Identifier: ISC */
#include "cli/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FOUND 64 /* commands */

/* Word I of the name of C, and its length. NULL: it has fewer. */
static const char *name_word(const struct ctl_command *c, size_t i, size_t *len_r)
{
	const char *word = c->words;

	for (; i > 0 && word; i--) {
		word = strchr(word, ' ');
		if (word)
			word++; /* past the space */
	}
	if (word)
		*len_r = strcspn(word, " ");
	return word;
}

static size_t name_length(const struct ctl_command *c)
{
	size_t n = 0, len;

	while (name_word(c, n, &len))
		n++;
	return n;
}

/* Whether TYPED is word I of C or, unless EXACT, the beginning of it. */
static bool is_name_word(const struct ctl_command *c, size_t i, const char *typed, bool exact)
{
	size_t len, typed_len = strlen(typed);
	const char *word = name_word(c, i, &len);

	if (!word || typed_len > len || strncmp(word, typed, typed_len) != 0)
		return false;
	return typed_len == len || !(exact || c->flags & (CTL_WHOLE | CTL_HIDDEN));
}

/* Whether the words typed so far are the beginning of the name of C. */
static bool may_become(const struct walk *w, const struct ctl_command *c)
{
	for (size_t i = 0; i < w->n_name; i++) {
		if (!is_name_word(c, i, w->name[i], false))
			return false;
	}
	return true;
}

/* Of several commands keeps those whose word I is exactly what was typed, if there are any. */
static size_t prefer_exact(const struct walk *w, const struct ctl_command **found, size_t n,
			   size_t i)
{
	size_t kept = 0;

	for (size_t k = 0; k < n; k++)
		kept += is_name_word(found[k], i, w->name[i], true);
	if (kept == 0 || kept == n)
		return n;
	kept = 0;
	for (size_t k = 0; k < n; k++) {
		if (is_name_word(found[k], i, w->name[i], true))
			found[kept++] = found[k];
	}
	return kept;
}

/* The commands that are named completely, and how many more may become one with more words. */
static size_t find_commands(const struct walk *w, const struct ctl_command **found,
			    size_t *longer_r)
{
	size_t n = 0;

	*longer_r = 0;
	for (const struct ctl_command *c = ctlspec_commands; c->words && n < MAX_FOUND; c++) {
		if (!may_become(w, c))
			continue;
		if (name_length(c) > w->n_name)
			++*longer_r;
		else
			found[n++] = c;
	}
	for (size_t i = 0; i < w->n_name; i++)
		n = prefer_exact(w, found, n, i);
	return n;
}

/* Whether every word typed is a whole one. */
static bool is_exact(const struct walk *w, const struct ctl_command *c)
{
	for (size_t i = 0; i < w->n_name; i++) {
		if (!is_name_word(c, i, w->name[i], true))
			return false;
	}
	return true;
}

struct listing {
	char *buf;
	size_t size, len;
};

static void add_to_list(const char *text, size_t len, void *arg)
{
	struct listing *l = arg;

	if (l->len < l->size)
		l->len += (size_t)snprintf(l->buf + l->len, l->size - l->len, "%s%.*s",
					   l->len ? ", " : "", (int)len, text);
}

/* "session list: unknown; after session come: close, show". */
static int unknown_command(const struct walk *w, const char *word, struct err *e)
{
	char list[256] = "";
	struct listing l = {list, sizeof list, 0};
	struct walk before = *w;

	before.n_name = w->n_name - 1;
	walk_next_names(&before, "", add_to_list, &l);
	if (before.n_name == 0)
		return err_set(e, ERR_INVALID, "unknown command \"%s\"; try help", word);
	return err_set(e, ERR_INVALID, "unknown command \"%s %s\"; \"%s\" goes on with: %s",
		       w->name[0], word, w->name[0], list);
}

static int ambiguous_command(const struct walk *w, struct err *e)
{
	char list[256] = "";
	struct listing l = {list, sizeof list, 0};

	for (const struct ctl_command *c = ctlspec_commands; c->words; c++) {
		if (may_become(w, c))
			add_to_list(c->words, strlen(c->words), &l);
	}
	return err_set(e, ERR_INVALID, "which one: %s?", list);
}

/* One more word of the name. */
static int take_name(struct walk *w, const char *word, struct err *e)
{
	const struct ctl_command *found[MAX_FOUND];
	size_t longer, n;

	if (w->n_name == PARSE_MAX_WORDS)
		return ambiguous_command(w, e);
	w->name[w->n_name++] = word;
	n = find_commands(w, found, &longer);
	if (n + longer == 0)
		return unknown_command(w, word, e);
	if (n == 1 && (longer == 0 || is_exact(w, found[0])))
		w->command = found[0];
	else if (n > 1 && longer == 0)
		return ambiguous_command(w, e);
	return 0;
}

static int no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "out of memory");
}

/* The JSON value of WORD for P. */
static json_t *make_value(struct walk *w, const struct ctl_param *p, const char *word,
			  struct err *e)
{
	json_error_t why;
	json_t *value;

	if (p->type != CTL_JSON) {
		value = json_string(word);
		if (!value)
			err_set(e, ERR_INVALID, "%s: not valid UTF-8", p->label);
		return value;
	}
	if (strcmp(word, "-") == 0) {
		w->from_stdin = p;
		return json_object();
	}
	value = json_loads(word, JSON_REJECT_DUPLICATES, &why);
	if (value && json_is_object(value))
		return value;
	err_set(e, ERR_PARSE, "%s: %s", p->label, value ? "expected a JSON object" : why.text);
	json_decref(value);
	return NULL;
}

static int set_param(struct walk *w, const struct ctl_param *p, json_t *value_take, struct err *e)
{
	json_t *list;

	if (!value_take)
		return e->code;
	if (!(p->flags & CTL_MANY))
		return json_object_set_new(w->params, p->name, value_take) < 0 ? no_memory(e) : 0;
	list = json_object_get(w->params, p->name);
	if (!list) {
		list = json_array();
		if (json_object_set_new(w->params, p->name, list) < 0)
			list = NULL;
	}
	if (!list) {
		json_decref(value_take);
		return no_memory(e);
	}
	return json_array_append_new(list, value_take) < 0 ? no_memory(e) : 0;
}

static bool asks_secret(const struct ctl_command *c)
{
	for (const struct ctl_param *p = c->params; p && p->name; p++)
		if (p->type == CTL_SECRET || p->type == CTL_DIGEST)
			return true;
	return false;
}

/* What may be a secret, in the wrong place, is not said again. */
static int too_much(const struct walk *w, const char *word, struct err *e)
{
	char usage[256];

	ctlspec_usage(w->command, usage, sizeof usage);
	if (asks_secret(w->command))
		return err_set(e, ERR_INVALID, "an argument is too much; usage: %s", usage);
	return err_set(e, ERR_INVALID, "\"%s\" is too much; usage: %s", word, usage);
}

static int take_positional(struct walk *w, const char *word, struct err *e)
{
	const struct ctl_param *p = walk_next_param(w);

	if (!p)
		return too_much(w, word, e);
	w->given++;
	return set_param(w, p, make_value(w, p, word, e), e);
}

static int take_format(struct walk *w, const char *name, struct err *e)
{
	w->wants_format = false;
	w->format = output_find(name);
	return w->format ? 0 : err_set(e, ERR_INVALID, "--format: table, json or kv");
}

/* Options that every command has. ERR_NOTFOUND: not one of them. */
static int take_common_option(struct walk *w, const char *word, struct err *e)
{
	if (strcmp(word, "--") == 0)
		w->no_options = true;
	else if (strcmp(word, "--json") == 0)
		w->format = &output_json;
	else if (strcmp(word, "--format") == 0)
		w->wants_format = true;
	else if (strncmp(word, "--format=", 9) == 0)
		return take_format(w, word + 9, e);
	else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		w->help = true;
	else
		return ERR_NOTFOUND;
	return 0;
}

/* The option of the command that WORD ("--user" or "--user=joe") names. */
static const struct ctl_param *find_option(const struct walk *w, const char *word)
{
	size_t len = strcspn(word, "=");

	for (const struct ctl_param *p = w->command ? w->command->params : NULL; p && p->name;
	     p++) {
		if (p->flags & CTL_OPTION && strlen(p->name) + 2 == len &&
		    strncmp(word + 2, p->name, len - 2) == 0)
			return p;
	}
	return NULL;
}

static int take_option(struct walk *w, const char *word, struct err *e)
{
	const struct ctl_param *p;
	const char *value = strchr(word, '=');
	int rc = take_common_option(w, word, e);

	if (rc != ERR_NOTFOUND)
		return rc;
	p = strncmp(word, "--", 2) == 0 ? find_option(w, word) : NULL;
	if (!p)
		return err_set(e, ERR_INVALID, "unknown option \"%s\"", word);
	if (p->type == CTL_FLAG)
		return value ? err_set(e, ERR_INVALID, "--%s takes no value", p->name)
			     : set_param(w, p, json_true(), e);
	if (value)
		return set_param(w, p, make_value(w, p, value + 1, e), e);
	w->wants = p;
	return 0;
}

int walk_init(struct walk *w, struct err *e)
{
	*w = (struct walk){.params = json_object()};
	return w->params ? 0 : no_memory(e);
}

void walk_fini(struct walk *w)
{
	json_decref(w->params);
	*w = (struct walk){.params = NULL};
}

int walk_word(struct walk *w, const char *word, struct err *e)
{
	const struct ctl_param *p = w->wants;

	if (w->wants_format)
		return take_format(w, word, e);
	if (p) {
		w->wants = NULL;
		return set_param(w, p, make_value(w, p, word, e), e);
	}
	/* `complete` gets words as they are, options and all. */
	if (word[0] == '-' && word[1] != '\0' && !w->no_options)
		return take_option(w, word, e);
	return w->command ? take_positional(w, word, e) : take_name(w, word, e);
}

/* A secret is not among the words: something stands for it until it was asked for. */
static int expect_secret(struct walk *w)
{
	for (const struct ctl_param *p = w->command->params; p && p->name; p++) {
		if (p->type != CTL_SECRET && p->type != CTL_DIGEST)
			continue;
		w->secret = p;
		return json_object_set_new(w->params, p->name, json_string("?"));
	}
	return 0;
}

int walk_end(struct walk *w, struct err *e)
{
	if (w->wants)
		return err_set(e, ERR_INVALID, "--%s: %s is missing", w->wants->name,
			       w->wants->label);
	if (w->wants_format)
		return err_set(e, ERR_INVALID, "--format: table, json or kv");
	if (w->help)
		return 0;
	if (!w->command)
		return w->n_name > 0 ? ambiguous_command(w, e)
				     : err_set(e, ERR_INVALID, "no command");
	if (expect_secret(w) < 0)
		return no_memory(e);
	return ctlspec_check(w->command, w->params, e);
}

const struct ctl_param *walk_next_param(const struct walk *w)
{
	size_t skip = w->given;

	for (const struct ctl_param *p = w->command ? w->command->params : NULL; p && p->name;
	     p++) {
		if (p->flags & CTL_OPTION || p->type == CTL_SECRET || p->type == CTL_DIGEST)
			continue;
		if (p->flags & CTL_MANY || skip-- == 0)
			return p;
	}
	return NULL;
}

void walk_next_names(const struct walk *w, const char *prefix,
		     void (*fn)(const char *name, size_t len, void *arg), void *arg)
{
	const char *seen[MAX_FOUND], *word;
	size_t n = 0, len = 0, prefix_len = strlen(prefix);

	for (const struct ctl_command *c = ctlspec_commands; c->words && n < MAX_FOUND; c++) {
		bool known = false;

		word = name_word(c, w->n_name, &len);
		if (!word || c->flags & CTL_HIDDEN || !may_become(w, c) || prefix_len > len ||
		    strncmp(word, prefix, prefix_len) != 0)
			continue;
		for (size_t i = 0; i < n && !known; i++)
			known = strlen(seen[i]) >= len && strncmp(seen[i], word, len) == 0 &&
				(seen[i][len] == '\0' || seen[i][len] == ' ');
		if (known)
			continue;
		seen[n++] = word;
		fn(word, len, arg);
	}
}
