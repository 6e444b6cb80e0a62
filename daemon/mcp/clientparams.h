/* SPDX-License-Identifier: ISC */
/* clientparams.h: the parameters of a client's request, put together from their members, which the
 * scan of the message found (jsonscan.h): the arguments stay the text that came, the others become
 * one tree. For message.c alone. */
#ifndef MCPD_CLIENTPARAMS_H
#define MCPD_CLIENTPARAMS_H

#include <jansson.h>

#include "lib/err.h"

struct jsonmembers;
struct jsontext;

/* The parameters in WHOLE, the message that was scanned, from their members FOUND: *PARAMS_R (a new
 * tree, an object) has all but the arguments, which are *ARGUMENTS_R where they are an object.
 * Members that may be left out and are null are left out. 0; ERR_PARSE (a member that is there
 * twice, or what no tree can hold), ERR_LIMIT (over limits.maxTree, or more than a thousand
 * members) or ERR_NOMEM. */
int clientparams_take(const struct jsonmembers *found, struct jsontext *whole, json_t **params_r,
		      struct jsontext **arguments_r, struct err *e);

#endif
