/* SPDX-License-Identifier: ISC */
/* headervalue.h: values of the body that are repeated in headers (2026-07-28, Streamable HTTP,
 * "Custom Headers"): plain, or as "=?base64?...?=". */
#ifndef MCPD_HEADERVALUE_H
#define MCPD_HEADERVALUE_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/err.h"

/* Decodes VALUE (stripped of OWS): a malloc'd string; the base64 form must be canonical and hold
 * UTF-8 without NUL. A VALUE without the prefix or the suffix is taken literally. NULL with E =
 * ERR_INVALID or ERR_NOMEM. */
char *headervalue_decode(const char *value, struct err *e);

/* Encodes TEXT (malloc'd). Visible ASCII without space at the ends that does not look like the
 * base64 form stays unchanged. NULL on lack of memory. */
char *headervalue_encode(const char *text);

/* Whether the decoded header TEXT equals the JSON value BODY: Strings bytewise, booleans as
 * true and false, integers numerically ("42.0" is 42). */
bool headervalue_equal(const char *text, const json_t *body);

#endif
