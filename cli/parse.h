/* SPDX-License-Identifier: ISC */
/* parse.h: words into a command with its parameters, as ctlspec describes them.
 *
 * One walker serves the running of commands, completion and help: it takes one word after the other
 * and knows at every point what may come next. */
#ifndef MCPCTL_PARSE_H
#define MCPCTL_PARSE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/output.h"
#include "lib/ctlspec.h"
#include "lib/err.h"

#define PARSE_MAX_WORDS 3 /* of the name of a command */

struct walk {
	const char *name[PARSE_MAX_WORDS]; /* of a command that is not known yet; borrowed */
	size_t n_name;
	const struct ctl_command *command; /* NULL: not known yet */
	json_t *params;		       /* an object; the words as they came in, or parsed JSON */
	size_t given;		       /* positional ones so far */
	const struct ctl_param *wants; /* the option whose value comes next */
	bool wants_format;
	bool no_options; /* after -- */
	/* Options that every command takes. */
	const struct output_format *format; /* NULL: not said */
	bool help;
	const struct ctl_param *from_stdin; /* its value was "-" */
	const struct ctl_param *secret;	    /* it is to be asked for, or a digest to be made */
};

/* 0 or ERR_NOMEM. */
int walk_init(struct walk *w, struct err *e);
/* Takes WORD, which outlives the walk. 0; ERR_INVALID: it cannot stand here; ERR_PARSE: it is no
 * JSON; ERR_NOMEM. */
int walk_word(struct walk *w, const char *word, struct err *e);
/* No more words: is it a command now? 0 or ERR_INVALID. Parameters from standard input and
 * secrets, which are not there yet, are not checked. */
int walk_end(struct walk *w, struct err *e);
void walk_fini(struct walk *w);

/* The positional parameter that comes next; NULL: there is none, or no command yet. */
const struct ctl_param *walk_next_param(const struct walk *w);
/* Calls FN for each word that may come next in the name of a command and begins with PREFIX, once.
 */
void walk_next_names(const struct walk *w, const char *prefix,
		     void (*fn)(const char *name, size_t len, void *arg), void *arg);

#endif
