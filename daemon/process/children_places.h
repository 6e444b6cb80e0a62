/* SPDX-License-Identifier: ISC */
/* children_places.h: which child may be started: how many there are in all, of one server and for
 * one address, each with shares (share.h). For children.c alone. */
#ifndef MCPD_CHILDREN_PLACES_H
#define MCPD_CHILDREN_PLACES_H

#include "lib/err.h"

struct children_limits;
struct child_spec;
struct places;

/* NULL on lack of memory. */
struct places *places_new(const struct children_limits *limits);
void places_free(struct places **p);
/* Takes the places of the child that SPEC describes. 0, ERR_LIMIT with E naming the limit, or
 * ERR_NOMEM. */
int places_take(struct places *p, const struct child_spec *spec, struct err *e);
/* Gives them back: NAME, PEER and HOLDER as in the specification. */
void places_give(struct places *p, const char *name, const char *peer, const char *holder);

#endif
