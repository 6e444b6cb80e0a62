/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const char usage_text[] = "usage: mcpd [-dnv] [-c FILE] [-s SOCKET]\n"
				 "       mcpd --help | --version\n";

static const char help_text[] =
	"Serves the Model Context Protocol over HTTP in front of stdio MCP servers and commands.\n"
	"\n"
	"  -c, --config FILE    the configuration (default: " MCPD_CONFIG_FILE ")\n"
	"  -s, --socket SOCKET  the control socket, whatever the configuration says\n"
	"  -n, --check          check the configuration, print the effective one, and end\n"
	"  -d, --detach         go into the background once everything is up\n"
	"  -v, --verbose        log more; twice: log everything\n"
	"  -V, --version        print the version and end\n"
	"  -h, --help           print this and end\n"
	"\n"
	"Exit status: 0 after an orderly shutdown, 1 if it could not start, 64 for a bad command\n"
	"line, 74 if output could not be written, 78 for a bad configuration. See mcpd(8), "
	"mcpd.conf(5) and mcpctl(1).\n";

int options_parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'}, {"socket", required_argument, NULL, 's'},
		{"check", no_argument, NULL, 'n'},	  {"detach", no_argument, NULL, 'd'},
		{"verbose", no_argument, NULL, 'v'},	  {"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},	  {NULL, 0, NULL, 0},
	};
	int c;

	memset(o, 0, sizeof *o);
	o->file = MCPD_CONFIG_FILE;
	while ((c = getopt_long(argc, argv, "c:s:ndvVh", longs, NULL)) != -1) {
		if (c == 'c')
			o->file = optarg;
		else if (c == 's')
			o->control = optarg;
		else if (c == 'n')
			o->check = true;
		else if (c == 'd')
			o->detach = true;
		else if (c == 'v')
			o->verbose++;
		else if (c == 'V')
			return puts("mcpd " PACKAGE_VERSION), 0;
		else if (c == 'h')
			return printf("%s\n%s", usage_text, help_text), 0;
		else
			return fputs(usage_text, stderr), EX_USAGE;
	}
	if (optind < argc) {
		fprintf(stderr, "mcpd: unexpected argument \"%s\"\n%s", argv[optind], usage_text);
		return EX_USAGE;
	}
	return -1;
}
