/* SPDX-License-Identifier: ISC */
/* placeholder.h: the command of an exec tool with a call's arguments put in.
 *
 * An element that is exactly "{NAME}" (letters, digits and _ . -) stands for the argument NAME: a
 * string as it is, a number or a boolean as JSON, an array of these as so many elements. Without
 * the argument the schema's default is taken; without that (or with null) the element is left out.
 * Never shell text, never part of an element. "{{TEXT}}" is the plain text "{TEXT}".
 *
 * A string that begins with "-" is refused unless an element "--" stands before the placeholder,
 * because the command would take the string for an option. */
#ifndef MCPD_PLACEHOLDER_H
#define MCPD_PLACEHOLDER_H

#include <jansson.h>

#include "lib/err.h"

/* Checks at configuration time that each placeholder is a property of SCHEMA, and that the program
 * itself is none. 0 or ERR_INVALID. */
int placeholder_check(char *const *command, json_t *schema, struct err *e);

/* The argv for ARGUMENTS (an object or NULL): malloc'd, NULL-terminated, one block for free().
 * 0, ERR_INVALID with the reason (for the caller of the tool), ERR_LIMIT (longer than execve()
 * takes), ERR_NOMEM. */
int placeholder_expand(char *const *command, json_t *schema, json_t *arguments, char ***argv_r,
		       struct err *e);

#endif
