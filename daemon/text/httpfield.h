/* SPDX-License-Identifier: ISC */
/* httpfield.h: what may stand in a header field of HTTP. */
#ifndef MCPD_HTTPFIELD_H
#define MCPD_HTTPFIELD_H

#include <stdbool.h>

/* Whether NAME is a token (RFC 9110 section 5.6.2). */
bool httpfield_name_ok(const char *name);
/* Whether VALUE has neither CR nor LF, which would end the field (RFC 9110 section 5.5). */
bool httpfield_value_ok(const char *value);

#endif
