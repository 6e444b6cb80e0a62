/* SPDX-License-Identifier: ISC */
#include "cli/local.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/complain.h"
#include "cli/complete.h"
#include "cli/configcheck.h"
#include "cli/help.h"

/* The string at I of a parameter that is an array. */
static const char *word_at(const struct walk *w, const char *name, size_t i)
{
	return json_string_value(json_array_get(json_object_get(w->params, name), i));
}

static size_t count_words(const struct walk *w, const char *name)
{
	return json_array_size(json_object_get(w->params, name));
}

/* Prints RECORD, whose "text" is what people get. */
static enum status print_text(const struct walk *w, const struct output_format *format,
			      json_t *record_take)
{
	struct output_to to = output_stdout();

	if (!record_take)
		return complain(STATUS_INTERNAL, "out of memory");
	format->text(&to, w->command->columns, record_take);
	json_decref(record_take);
	return STATUS_OK;
}

static enum status config_check(struct mcpctl *m, const struct walk *w,
				const struct output_format *format)
{
	const char *file = json_string_value(json_object_get(w->params, "file"));
	char *complaint = NULL;
	enum status status;
	struct err e;
	bool good = false;
	int rc = configcheck_run(file, &good, &complaint, &e);

	(void)m;
	if (rc < 0) {
		status = complain(rc == ERR_NOTFOUND ? STATUS_NODAEMON : STATUS_INTERNAL, "%s",
				  e.text);
	} else if (good) {
		status = print_text(w, format,
				    json_pack("{s:o, s:s, s:b, s:s}", "text",
					      json_sprintf("%s: good", file), "file", file, "good",
					      1, "error", ""));
	} else {
		print_text(
			w, format,
			json_pack("{s:s, s:b, s:s*}", "file", file, "good", 0, "error", complaint));
		status = complain(STATUS_DATA, "%s", complaint ? complaint : "bad");
	}
	free(complaint);
	return status;
}

static enum status help(struct mcpctl *m, const struct walk *w, const struct output_format *format)
{
	struct walk about;
	enum status status;
	struct err e;
	int rc = walk_init(&about, &e);

	(void)m;
	for (size_t i = 0; rc == 0 && i < count_words(w, "command"); i++)
		rc = about.command ? err_set(&e, ERR_INVALID, "no such command")
				   : walk_word(&about, word_at(w, "command", i), &e);
	status = rc < 0 ? complain(status_of_code(rc), "%s", e.text) : help_about(&about, format);
	walk_fini(&about);
	return status;
}

static enum status version(struct mcpctl *m, const struct walk *w,
			   const struct output_format *format)
{
	struct output_to to = output_stdout();
	struct err e;
	bool there = remote_connect(m->remote, NULL, &e) == 0;
	json_t *protocol =
		there ? json_sprintf("%d.%d", CTL_MAJOR, remote_minor(m->remote)) : json_string("");
	json_t *record =
		json_pack("{s:s, s:s, s:o, s:s}", "mcpctl", PACKAGE_VERSION, "mcpd",
			  there ? remote_version(m->remote) : "", "protocol", protocol, "level",
			  there ? ctlspec_level_name(remote_level(m->remote)) : "");

	format->record(&to, w->command->columns, record);
	json_decref(record);
	return STATUS_OK;
}

static void print_candidate(const char *candidate, void *arg)
{
	(void)arg;
	puts(candidate);
}

/* The length of the options of mcpctl itself at the beginning of WORDS. One of them names the
 * socket. */
static size_t skip_options(struct mcpctl *m, char *const *words, size_t n)
{
	size_t i = 0;

	while (i < n && words[i][0] == '-') {
		bool socket = strcmp(words[i], "-s") == 0 || strcmp(words[i], "--socket") == 0;

		if (strcmp(words[i], "-t") == 0 || strcmp(words[i], "--timeout") == 0 ||
		    strcmp(words[i], "--format") == 0)
			i++;
		else if (socket && i + 1 < n && remote_set_path(m->remote, words[i + 1]) < 0)
			return n;
		i += socket ? 2 : 1;
	}
	return i;
}

/* For the completion of shells: nothing but candidates, whatever happens. */
static enum status complete(struct mcpctl *m, const struct walk *w,
			    const struct output_format *format)
{
	size_t n = count_words(w, "words"), skip;
	char **words = calloc(n + 1, sizeof *words);
	bool files;

	(void)format;
	for (size_t i = 0; words && i < n; i++)
		words[i] = (char *)(uintptr_t)word_at(w, "words", i);
	skip = words && n > 0 ? skip_options(m, words, n - 1) : 0;
	if (words && skip < n)
		complete_words(m, words + skip, n - skip, print_candidate, NULL, &files);
	free(words);
	return STATUS_OK;
}

static const struct {
	const char *words;
	enum status (*run)(struct mcpctl *m, const struct walk *w,
			   const struct output_format *format);
} handlers[] = {
	{"config check", config_check},
	{"help", help},
	{"version", version},
	{"complete", complete},
};

enum status local_run(struct mcpctl *m, const struct walk *w, const struct output_format *format)
{
	for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
		if (strcmp(handlers[i].words, w->command->words) == 0)
			return handlers[i].run(m, w, format);
	}
	return complain(STATUS_INTERNAL, "nothing runs \"%s\"", w->command->words);
}
