/* SPDX-License-Identifier: ISC */
#include "cli/help.h"

#include <stdlib.h>
#include <string.h>

void help_usage(FILE *f)
{
	fputs("usage: mcpctl [OPTION ...] [COMMAND ...]\n\n"
	      "  -s, --socket SOCKET    the daemon's control socket (default: $MCPD_SOCKET)\n"
	      "  -t, --timeout SECONDS  give up after so long\n"
	      "      --json             the same as --format json\n"
	      "      --format FORMAT    table (for people), json or kv (for scripts)\n"
	      "  -k, --keep-going       go on after a command from standard input has failed\n"
	      "  -h, --help             print this, or help about COMMAND\n"
	      "  -V, --version          print the version\n\n"
	      "Without a command: a shell on a terminal, else one command from each line of"
	      " standard input.\n",
	      f);
}

/* Whether what was typed so far may become C. */
static bool fits(const struct walk *w, const struct ctl_command *c)
{
	const char *word = c->words;

	if (w->command)
		return w->command == c;
	for (size_t i = 0; i < w->n_name; i++) {
		if (!word || strncmp(word, w->name[i], strlen(w->name[i])) != 0)
			return false;
		word = strchr(word, ' ');
		word += word != NULL;
	}
	return !(c->flags & CTL_HIDDEN);
}

/* The level that a command needs, or where it runs. */
static const char *who_may(const struct ctl_command *c)
{
	return c->flags & CTL_LOCAL ? "local" : ctlspec_level_name(c->level);
}

static void put_commands(FILE *f, const struct walk *w)
{
	char usage[256];

	for (const struct ctl_command *c = ctlspec_commands; c->words; c++) {
		if (fits(w, c))
			fprintf(f, "  %s\n      %s\n", ctlspec_usage(c, usage, sizeof usage),
				c->summary);
	}
}

static void put_one(FILE *f, const struct ctl_command *c)
{
	char usage[256], label[64];

	fprintf(f, "usage: %s\n\n%c%s.\n", ctlspec_usage(c, usage, sizeof usage),
		c->summary[0] - 'a' + 'A', c->summary + 1);
	if (c->level == CTL_ADMIN)
		fputs("Only the daemon's own user and root may do this.\n", f);
	for (const struct ctl_param *p = c->params; p && p->name; p++) {
		if (p->type == CTL_DIGEST)
			continue; /* nobody gives it: it is made of the token */
		snprintf(label, sizeof label, "%s%s%s%s", p->flags & CTL_OPTION ? "--" : "",
			 p->flags & CTL_OPTION ? p->name : "",
			 p->flags & CTL_OPTION && p->label ? " " : "", p->label ? p->label : "");
		fprintf(f, "%s  %-14s %s\n", p == c->params ? "\n" : "", label, p->help);
	}
}

static void put_all(FILE *f, const struct walk *w)
{
	help_usage(f);
	fputs("\nCommands, whose words may be abbreviated:\n\n", f);
	put_commands(f, w);
	fputs("\nEvery command takes --json, --format FORMAT and --help.\n\nExit status:\n\n", f);
	for (const struct status_row *row = status_table; row->meaning; row++)
		fprintf(f, "  %2d  %s\n", (int)row->status, row->meaning);
}

/* The same for programs. */
static enum status print_rows(const struct walk *w, const struct output_format *format)
{
	struct output_to to = output_stdout();
	json_t *rows = json_array();
	char usage[256];

	for (const struct ctl_command *c = ctlspec_commands; c->words; c++) {
		if (fits(w, c))
			json_array_append_new(
				rows, json_pack("{s:s, s:s, s:s, s:s}", "command", c->words,
						"usage", ctlspec_usage(c, usage, sizeof usage),
						"level", who_may(c), "summary", c->summary));
	}
	/* Each row has all columns, in their order. */
	format->rows(&to, NULL, rows);
	json_decref(rows);
	return STATUS_OK;
}

enum status help_about(const struct walk *w, const struct output_format *format)
{
	if (format != &output_table)
		return print_rows(w, format);
	if (w->command)
		put_one(stdout, w->command);
	else if (w->n_name > 0)
		put_commands(stdout, w);
	else
		put_all(stdout, w);
	return STATUS_OK;
}

static void put_name(const char *name, size_t len, void *arg)
{
	fprintf(arg, "  %.*s\n", (int)len, name);
}

static void put_param(FILE *f, const struct ctl_param *p)
{
	if (p->flags & CTL_OPTION)
		fprintf(f, "  --%s%s%s", p->name, p->label ? " " : "", p->label ? p->label : "");
	else
		fprintf(f, "  %s", p->label);
	fprintf(f, "  %s\n", p->help);
}

void help_next(FILE *f, const struct walk *w, const char *prefix)
{
	const struct ctl_param *next = walk_next_param(w);

	if (w->wants) {
		put_param(f, w->wants);
		return;
	}
	if (w->wants_format) {
		fputs("  table, json or kv\n", f);
		return;
	}
	if (!w->command) {
		if (w->n_name == 0 && *prefix == '\0')
			put_commands(f, w);
		else
			walk_next_names(w, prefix, put_name, f);
		return;
	}
	if (next)
		put_param(f, next);
	for (const struct ctl_param *p = w->command->params; p && p->name; p++) {
		if (p->flags & CTL_OPTION)
			put_param(f, p);
	}
	if (!next || next->flags & (CTL_OPTIONAL | CTL_MANY))
		fprintf(f, "  <enter>  %s\n", w->command->summary);
}
