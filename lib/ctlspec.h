/* SPDX-License-Identifier: ISC */
/* ctlspec.h: the commands of the control protocol, in one table.
 *
 * The daemon uses the table for authorisation and for checking parameters; mcpctl for parsing,
 * abbreviations, completion, help and output; a test for what the manual has to describe. A command
 * without a level is denied to everybody. */
#ifndef MCPD_CTLSPEC_H
#define MCPD_CTLSPEC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

/* The hello of the daemon. A new MAJOR breaks old clients; a new MINOR only adds. */
#define CTL_SERVICE "mcpd-control"
#define CTL_MAJOR   1
#define CTL_MINOR   2
/* The method by which the daemon's own user shows the key of the socket. No command: mcpctl does it
 * by itself. */
#define CTL_AUTHENTICATE "authenticate"
#define CTL_MAX_LINE	 ((size_t)1 << 20) /* bytes of a request */

/* The levels of peers and commands, in rising order. */
enum ctl_level {
	CTL_NOBODY, /* not a command of the daemon; of a peer: the key of the socket has to be shown
		       first */
	CTL_READ,   /* every peer that can open the socket */
	CTL_ADMIN,  /* the daemon's own user and root */
};

enum ctl_type {
	CTL_FLAG, /* there or not; JSON true */
	CTL_STRING,
	CTL_JSON,    /* a JSON object */
	CTL_SESSION, /* a session id or a unique prefix of one */
	CTL_BACKEND,
	CTL_USER,
	CTL_TOOL,
	CTL_LOGLEVEL,
	CTL_FILE,
	CTL_WORDS,  /* the words of a command */
	CTL_SECRET, /* never a word: mcpctl asks for it, or reads it from standard input */
	CTL_DIGEST, /* never a word: of a token that mcpctl makes and prints once, "token" in the
		       result */
};

/* How a parameter is given. */
enum {
	CTL_OPTIONAL = 1u << 0,
	CTL_MANY = 1u << 1,   /* one or more; a JSON array of strings. The last positional one */
	CTL_OPTION = 1u << 2, /* --name or --name VALUE; always optional */
	CTL_ONE_OF = 1u << 3, /* of those with this mark, exactly one has to be there */
};

struct ctl_param {
	const char *name;  /* member of params, and of the option */
	const char *label; /* in help: "ID" */
	enum ctl_type type;
	unsigned flags;
	const char *help;
};

enum ctl_column_type {
	CTL_COL_STRING,
	CTL_COL_INTEGER,
	CTL_COL_DURATION, /* integer, milliseconds */
	CTL_COL_BYTES,	  /* integer */
	CTL_COL_TIME,	  /* integer, milliseconds since the epoch */
	CTL_COL_BOOLEAN,
	CTL_COL_JSON, /* any value */
};

enum {
	CTL_COL_RIGHT = 1u << 0, /* to the right in tables */
	CTL_COL_HIDE = 1u << 1,	 /* not in tables */
	CTL_COL_ID = 1u << 2,	 /* any beginning of it will do, so it is cut without a mark */
};

struct ctl_column {
	const char *key, *title;
	enum ctl_column_type type;
	unsigned flags;
};

/* The shape of a reply. */
enum ctl_shape {
	CTL_ROWS,    /* any number of rows */
	CTL_RECORD,  /* one object */
	CTL_TEXT,    /* one object whose "text" is for people, the rest for programs */
	CTL_CONTENT, /* the result of an MCP tool */
	CTL_FOLLOW,  /* rows as they happen, until it is cancelled */
};

enum {
	CTL_LOCAL = 1u << 0,	 /* mcpctl does it by itself */
	CTL_HIDDEN = 1u << 1,	 /* in no list of commands */
	CTL_SENSITIVE = 1u << 2, /* its arguments may hold secrets: never saved in a history */
	CTL_SLOW = 1u << 3,	 /* no time limit unless one is given */
	CTL_WHOLE = 1u << 4,	 /* no abbreviation */
	CTL_LAST = 1u << 5,	 /* done when the daemon has closed the connection */
};

struct ctl_command {
	const char *words; /* "session close"; the method is "session.close" */
	enum ctl_level level;
	enum ctl_shape shape;
	const char *summary;
	unsigned flags;
	const struct ctl_param *params;	  /* up to one without a name; NULL: none */
	const struct ctl_column *columns; /* up to one without a key; NULL: none */
};

/* Up to one without words. */
extern const struct ctl_command ctlspec_commands[];

/* By method, those that mcpctl does by itself left out. NULL if there is none. */
const struct ctl_command *ctlspec_find(const char *method);
/* Writes the method of C. Returns BUF. */
const char *ctlspec_method(const struct ctl_command *c, char *buf, size_t size);
/* Writes how C is used: "session close ID... | --all | --user USER". Returns BUF. */
const char *ctlspec_usage(const struct ctl_command *c, char *buf, size_t size);
/* Checks PARAMS (NULL counts as {}) against C. 0, or ERR_INVALID with the reason. */
int ctlspec_check(const struct ctl_command *c, const json_t *params, struct err *e);

const char *ctlspec_level_name(enum ctl_level level);
enum ctl_level ctlspec_level_parse(const char *name); /* CTL_NOBODY if there is none */

/* Why the daemon refused: the "reason" in the data of its errors. The words are an interface. */
enum ctl_reason {
	CTL_DENIED,
	CTL_NOTFOUND,
	CTL_AMBIGUOUS,
	CTL_INVALID,
	CTL_LIMIT,
	CTL_UNAVAILABLE,
	CTL_CANCELLED,
	CTL_INTERNAL,
};
const char *ctlspec_reason_name(enum ctl_reason reason);
int ctlspec_reason_code(enum ctl_reason reason); /* for the JSON-RPC error */

#endif
