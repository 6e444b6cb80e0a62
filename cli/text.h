/* SPDX-License-Identifier: ISC */
/* text.h: how values look to people, and how nothing from the daemon can play tricks on a terminal.
 */
#ifndef MCPCTL_TEXT_H
#define MCPCTL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether a terminal would obey the character C, or reorder what surrounds it (UAX 9), instead of
 * showing it. */
bool text_is_tricky(uint32_t c);

/* A copy of S in which control characters, marks that turn the direction of writing and bytes that
 * are no character become \xNN or \u{NNNN}. KEEP: characters that stay ("\n\t"). NULL on lack of
 * memory. */
char *text_escape(const char *s, const char *keep);
/* Columns that S, escaped before, takes on a terminal. */
size_t text_width(const char *s);
/* Cuts S, escaped before, to WIDTH columns, the last of which says so if it is MARKed. */
void text_cut(char *s, size_t width, bool mark);

/* Each writes into BUF and returns it. */
const char *text_duration(char *buf, size_t size, int64_t ms); /* "5s", "3m12s", "2h05m", "3d04h" */
const char *text_bytes(char *buf, size_t size, int64_t bytes); /* "512 B", "1.2 MiB" */
const char *text_time(char *buf, size_t size, int64_t ms);     /* "2026-11-23 06:20:00", local */

#endif
