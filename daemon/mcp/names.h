/* SPDX-License-Identifier: ISC */
/* names.h: the texts of a message that are compared with others: names, URIs, ids, cursors, tokens,
 * versions. A text with a NUL inside is refused before it is compared, because C strings end at
 * a NUL: "test://1" and "test://1\u0000x" would be one resource. Texts that are
 * merely carried (arguments, content) may have them. */
#ifndef MCPD_NAMES_H
#define MCPD_NAMES_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/err.h"

/* Whether VALUE (may be NULL) is a string with a NUL inside. */
bool names_has_nul(const json_t *value);

/* Checks the parameters of a request or notification of any method and revision; PARAMS may be
 * NULL. 0, or ERR_INVALID with E naming the member. */
int names_check(const json_t *params, struct err *e);

#endif
