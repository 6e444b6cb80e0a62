/* SPDX-License-Identifier: ISC */
/* toolresult.h: CallToolResults of our own making (MCP, Tools, "Tool Result"). All functions return
 * NULL on lack of memory. */
#ifndef MCPD_TOOLRESULT_H
#define MCPD_TOOLRESULT_H

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* One block of text of LEN bytes; bytes that are not UTF-8 are replaced. IS_ERROR: the text says
 * why the tool failed. */
json_t *toolresult_text(const char *text, size_t len, bool is_error);
/* An error with a message of ours. */
json_t *toolresult_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
json_t *toolresult_verror(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

/* RESULT (may be NULL) with one more block of text. */
json_t *toolresult_append(json_t *result_take, const char *text, size_t len);
/* RESULT (may be NULL) with VALUE (borrowed) as its structuredContent. */
json_t *toolresult_structured(json_t *result_take, json_t *value);

#endif
