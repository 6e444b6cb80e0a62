/* SPDX-License-Identifier: ISC */
#include "cli/mcpctl.h"

#include <getopt.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/complain.h"
#include "cli/help.h"
#include "cli/run.h"
#include "cli/shell.h"
#include "cli/words.h"
#include "lib/stdfds.h"

struct options {
	const char *socket;
	const struct output_format *format;
	int timeout_ms; /* 0: each command its own */
	bool keep_going, help, version;
};

enum { OPTION_JSON = 256, OPTION_FORMAT };

static const struct option long_options[] = {
	{"socket", required_argument, NULL, 's'},
	{"timeout", required_argument, NULL, 't'},
	{"json", no_argument, NULL, OPTION_JSON},
	{"format", required_argument, NULL, OPTION_FORMAT},
	{"keep-going", no_argument, NULL, 'k'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

/* Seconds, with fractions. -1: not a time. */
static int parse_timeout(const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end != '\0' || !(seconds > 0) || seconds > INT_MAX / 1000)
		return -1;
	return seconds < 0.001 ? 1 : (int)(seconds * 1000);
}

/* One option. Returns whether it is good. */
static bool take_option(struct options *o, int option)
{
	switch (option) {
	case 's':
		o->socket = optarg;
		return true;
	case 't':
		o->timeout_ms = parse_timeout(optarg);
		if (o->timeout_ms < 0)
			complain(STATUS_USAGE,
				 "-t: expected a number of seconds above 0, found \"%s\"", optarg);
		return o->timeout_ms > 0;
	case 'k':
		return o->keep_going = true;
	case 'h':
		return o->help = true;
	case 'V':
		return o->version = true;
	case OPTION_JSON:
		o->format = &output_json;
		return true;
	case OPTION_FORMAT:
		o->format = output_find(optarg);
		if (!o->format)
			complain(STATUS_USAGE, "--format: table, json or kv");
		return o->format;
	}
	return false; /* getopt_long() has said why */
}

/* One command from each line of standard input. The status is that of the first one that failed. */
static enum status run_lines(struct mcpctl *m, bool keep_going)
{
	enum status first = STATUS_OK, status = STATUS_OK;
	char *line = NULL;
	size_t size = 0;
	struct words w;
	struct err e;

	m->keep_stdin = true;
	while ((status == STATUS_OK || keep_going) && getline(&line, &size, stdin) >= 0) {
		int rc = words_split(line, &w, &e);

		status = STATUS_OK;
		if (rc < 0)
			status = complain(STATUS_USAGE, "%s", e.text);
		else if (w.n > 0)
			status = run_words(m, w.v, w.n);
		words_free(&w);
		first = first == STATUS_OK ? status : first;
	}
	free(line);
	return first;
}

static enum status run(const struct options *o, char **words, size_t n)
{
	struct mcpctl m = {
		.remote = remote_new(o->socket),
		.format = o->format,
		.timeout_ms = o->timeout_ms,
	};
	enum status status;

	if (!m.remote)
		return complain(STATUS_INTERNAL, "out of memory");
	remote_set_timeout(m.remote, o->timeout_ms);
	if (n > 0)
		status = run_words(&m, words, n);
	else if (isatty(STDIN_FILENO))
		status = shell_run(&m);
	else
		status = run_lines(&m, o->keep_going);
	remote_free(&m.remote);
	return status;
}

/* What the daemon sends is UTF-8, wherever this runs. */
static void set_locale(void)
{
	if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

static int run_arguments(int argc, char **argv)
{
	struct options o = {.format = &output_table};
	char help_command[] = "help";
	int option;

	set_locale();
	/* A reader that went away is an error of writing, and has its own exit status. */
	signal(SIGPIPE, SIG_IGN);
	while ((option = getopt_long(argc, argv, "+hVks:t:", long_options, NULL)) != -1) {
		if (!take_option(&o, option)) {
			help_usage(stderr);
			return STATUS_USAGE;
		}
	}
	if (o.version) {
		printf("mcpctl %s\n", PACKAGE_VERSION);
		return STATUS_OK;
	}
	if (o.help)
		argv[--optind] = help_command;
	return (int)run(&o, argv + optind, (size_t)(argc - optind));
}

int mcpctl_main(int argc, char **argv)
{
	if (stdfds_open() < 0)
		return STATUS_INTERNAL;
	return stdfds_finish(run_arguments(argc, argv));
}
