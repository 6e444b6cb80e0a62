/* SPDX-License-Identifier: ISC */
#ifndef MCPD_BASE_NEAREST_H
#define MCPD_BASE_NEAREST_H

#include <stddef.h>

/* Finds the known name that somebody meant who wrote another one, for messages that end with
 * (did you mean "NAME"?).
 *
 *	struct nearest n = nearest_begin("uptme");
 *
 *	nearest_look(&n, "uptime");
 *	nearest_look(&n, "disk_use");
 *	puts(n.found);					prints uptime
 *
 * All strings are borrowed: the caller keeps them as long as it uses the struct. */
struct nearest {
	const char *wanted; /* the name that is not known */
	const char *found;  /* the nearest of the names that were looked at; NULL: none is near */
	size_t distance;    /* how many letters FOUND is away from WANTED */
};

/* A search for names that are at most two letters away from WANTED: one letter more, one less or
 * another one counts as one. Upper and lower case are alike. */
struct nearest nearest_begin(const char *wanted);

/* Compares NAME and remembers NAME where no earlier name was as near. Names of 64 bytes and more
 * are near nothing. */
void nearest_look(struct nearest *n, const char *name);

#endif
